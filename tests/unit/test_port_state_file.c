/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * test_port_state_file.c: the host's state file: how it is made, and what is refused and left.
 */
#include "posix/state_file.c" /* not part of what unit tests are linked with */
#include "state_order.h"

#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static const uint8_t key[HASH_KEY_BYTES] = {1, 2, 3, 4, 5, 6, 7, 8};
static const struct delivery_options options = {.scraper_timeout_ms = 60000};

static char folder[] = "/tmp/state_file.XXXXXX";
static char name[100];
static struct state_file file;
static struct problem problem;
static struct state_found found;

static int setup(void **state) {
    (void)state;
    memcpy(folder + strlen(folder) - 6, "XXXXXX", 6);
    assert_non_null(mkdtemp(folder));
    (void)snprintf(name, sizeof name, "%s/state", folder);
    return 0;
}

/* How many names are in the folder. */
static int names(void) {
    DIR *dir = opendir(folder);
    int count = -2; /* "." and ".." */
    assert_non_null(dir);
    while (readdir(dir) != NULL) {
        count++;
    }
    closedir(dir);
    return count;
}

static int teardown(void **state) {
    (void)state;
    (void)unlink(name);
    assert_int_equal(rmdir(folder), 0); /* nothing else is left in it */
    return 0;
}

static int fd_of_lock; /* what state_file_open opened last */

static bool open_it(void) {
    memset(&problem, 0, sizeof problem);
    fd_of_lock = dup(0); /* the lowest number that is free, which open takes next */
    close(fd_of_lock);
    return state_file_open(&file, name, &problem);
}

/* As the end of a process does. */
static void end(void) {
    assert_int_equal(munmap(file.state, sizeof *file.state), 0);
    assert_int_equal(close(fd_of_lock), 0);
}

static void make_one(void) {
    assert_true(open_it());
    state_open(file.state, &options, key, 0, &found);
    assert_true(state_file_keep(&file, &problem));
}

static void expect_refused(const char *wrong) {
    char line[300];
    assert_false(open_it());
    (void)snprintf(line, sizeof line, "%s%s", name, wrong);
    assert_int_equal(problem.line_len, strlen(line));
    assert_memory_equal(problem.line, line, problem.line_len);
}

/* Replaces what the file holds from `at` on. */
static void write_at(off_t at, const void *bytes, size_t n) {
    const int fd = open(name, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(pwrite(fd, bytes, n, at), n);
    close(fd);
}

static void expect_content(off_t at, const void *bytes, size_t n) {
    char there[64];
    const int fd = open(name, O_RDONLY | O_CLOEXEC);
    assert_int_equal(pread(fd, there, n, at), n);
    assert_memory_equal(there, bytes, n);
    close(fd);
}

/* ---- tests ------------------------------------------------------------------------------- */

static void a_new_one_gets_its_name_when_it_is_whole(void **state) {
    struct stat st;
    (void)state;
    assert_true(open_it());
    assert_int_equal(access(name, F_OK), -1);
    assert_int_equal(names(), 1);
    state_open(file.state, &options, key, 0, &found);
    assert_int_equal(found.kind, STATE_NONE);
    assert_true(state_file_keep(&file, &problem));
    assert_int_equal(names(), 1);
    assert_int_equal(stat(name, &st), 0);
    assert_int_equal(st.st_mode, S_IFREG | 0600);
    assert_int_equal(st.st_size, sizeof(struct state));
    assert_int_equal(st.st_blocks * 512 >= st.st_size, true); /* none of it is left to be found */
    assert_true(state_file_keep(&file, &problem));            /* it has its name */
    end();
}

static void it_is_there_again(void **state) {
    (void)state;
    make_one();
    end();
    assert_true(open_it());
    assert_int_equal(state_look(&file.state->header), STATE_OURS);
    assert_string_equal(file.new_name, "");
    state_file_discard(&file); /* it is not new: it stays */
    assert_int_equal(access(name, F_OK), 0);
    end();
}

static void one_that_is_not_kept_is_gone(void **state) {
    (void)state;
    assert_true(open_it());
    state_file_discard(&file);
    assert_int_equal(names(), 0);
    end();
}

static void another_that_came_meanwhile_stays(void **state) {
    char line[300];
    (void)state;
    assert_true(open_it());
    write_at(0, "another", 7);
    assert_false(state_file_keep(&file, &problem));
    (void)snprintf(line, sizeof line, "%s: cannot be made: File exists", name);
    assert_memory_equal(problem.line, line, strlen(line));
    expect_content(0, "another", 7);
    assert_int_equal(names(), 1);
    end();
}

static void two_never_share_it(void **state) {
    (void)state;
    make_one();
    struct state *first = file.state;
    int first_fd = fd_of_lock;
    expect_refused(": is in use by another pingshot");
    file.state = first;
    fd_of_lock = first_fd;
    end();
    assert_true(open_it());
    end();
}

static void what_is_not_a_state_is_left(void **state) {
    static const char zeros[sizeof(struct state_header) + 8];
    (void)state;
    write_at(0, "", 0);
    expect_refused(": holds no state of pingshot's and is left as it is; say another name");
    write_at(0, "some text", 9);
    expect_refused(": holds no state of pingshot's and is left as it is; say another name");
    expect_content(0, "some text", 9);
    write_at(0, zeros, sizeof zeros);
    expect_refused(": holds no state of pingshot's and is left as it is; say another name");
    assert_int_equal(truncate(name, sizeof(struct state)), 0); /* not even one of its size */
    expect_refused(": holds no state of pingshot's and is left as it is; say another name");
    expect_content(0, zeros, sizeof zeros);
}

static void a_state_of_another_size_is_left(void **state) {
    char wrong[200];
    (void)state;
    for (int longer = -1; longer <= 1; longer += 2) {
        make_one();
        end();
        const size_t bytes = sizeof(struct state) + (size_t)longer;
        assert_int_equal(truncate(name, (off_t)bytes), 0);
        (void)snprintf(wrong, sizeof wrong,
                       ": a state has %zu bytes, this file %zu; move it away to start with an "
                       "empty one",
                       sizeof(struct state), bytes);
        expect_refused(wrong);
        assert_int_equal(unlink(name), 0);
    }
}

/* Seals a header that something was changed in. */
static void put_header(struct state_header *header) {
    header->check = state_check(header->magic, header, offsetof(struct state_header, check));
    write_at(0, header, sizeof *header);
}

static void other_versions_and_capacities_are_left(void **state) {
    (void)state;
    make_one();
    struct state_header header = file.state->header;
    end();
    const struct state_header good = header;
    header.version++;
    put_header(&header);
    expect_refused(": holds the state of another version of pingshot; start that one, or say "
                   "another name");
    expect_content(0, &header, sizeof header);
    header = good;
    header.layout ^= 1;
    put_header(&header);
    expect_refused(": holds a state of other capacities (limits.h) or of another build of "
                   "pingshot; start that one, or say another name");
    expect_content(0, &header, sizeof header);
    write_at(0, &good, sizeof good);
    assert_true(open_it());
    end();
}

static void a_damaged_header_is_not_believed(void **state) {
    (void)state;
    make_one();
    const struct state_header good = file.state->header;
    end();
    for (size_t i = 0; i < sizeof good; i++) {
        struct state_header header = good;
        ((uint8_t *)&header)[i] ^= 0x10;
        write_at(0, &header, sizeof header);
        expect_refused(i < sizeof header.magic
                           ? ": holds no state of pingshot's and is left as it is; say another name"
                           : ": holds a state whose header is damaged; move it away to start with "
                             "an empty one");
        expect_content(0, &header, sizeof header);
    }
}

static void what_is_no_regular_file(void **state) {
    (void)state;
    assert_int_equal(mkfifo(name, 0600), 0);
    expect_refused(": is not a regular file; say another name");
    assert_int_equal(unlink(name), 0);
    assert_int_equal(mkdir(name, 0700), 0);
    expect_refused(": cannot be opened: Is a directory");
    assert_int_equal(rmdir(name), 0);
    assert_int_equal(symlink("/dev/null", name), 0);
    expect_refused(": is not a regular file; say another name");
}

static void where_none_can_be_made(void **state) {
    (void)state;
    (void)snprintf(name, sizeof name, "%s/no/state", folder);
    expect_refused(": cannot be made: No such file or directory");
    assert_int_equal(names(), 0);
}

int main(void) {
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(a_new_one_gets_its_name_when_it_is_whole),
        TEST(it_is_there_again),
        TEST(one_that_is_not_kept_is_gone),
        TEST(another_that_came_meanwhile_stays),
        TEST(two_never_share_it),
        TEST(what_is_not_a_state_is_left),
        TEST(a_state_of_another_size_is_left),
        TEST(other_versions_and_capacities_are_left),
        TEST(a_damaged_header_is_not_believed),
        TEST(what_is_no_regular_file),
        TEST(where_none_can_be_made),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
