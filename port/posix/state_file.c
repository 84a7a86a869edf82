/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * state_file.c: see state_file.h.
 */
#include "state_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define SHOWN_BYTES_MAX 100u

/* ---- lines ------------------------------------------------------------------------------- */

static struct text begin(const struct state_file *f, struct problem *problem) {
    struct text t = problem_begin(problem, PROBLEM_MALFORMED);
    text_put_printable(&t, (struct slice){f->name, (uint32_t)strlen(f->name)}, SHOWN_BYTES_MAX);
    return t;
}

static bool refuse(const struct state_file *f, struct problem *problem, const char *wrong) {
    struct text t = begin(f, problem);
    text_puts(&t, wrong);
    return problem_end(problem, &t);
}

static bool refuse_errno(const struct state_file *f, struct problem *problem, const char *what) {
    const char *why = strerror(errno);
    struct text t = begin(f, problem);
    text_puts(&t, what);
    text_puts(&t, why);
    return problem_end(problem, &t);
}

static bool refuse_size(const struct state_file *f, struct problem *problem, off_t bytes) {
    struct text t = begin(f, problem);
    text_puts(&t, ": a state has ");
    text_put_u64(&t, sizeof(struct state));
    text_puts(&t, " bytes, this file ");
    text_put_u64(&t, (uint64_t)bytes);
    text_puts(&t, "; move it away to start with an empty one");
    return problem_end(problem, &t);
}

/* ---- a file that is there ---------------------------------------------------------------- */

static bool check_header(const struct state_file *f, int fd, struct problem *problem) {
    static const char *const wrong[] = {
        [STATE_NONE] = ": holds no state of pingshot's and is left as it is; say another name",
        [STATE_OTHER_VERSION] = ": holds the state of another version of pingshot; start that "
                                "one, or say another name",
        [STATE_OTHER_CAPACITIES] = ": holds a state of other capacities (limits.h) or of another "
                                   "build of pingshot; start that one, or say another name",
        [STATE_DAMAGED] = ": holds a state whose header is damaged; move it away to start with an "
                          "empty one",
    };
    struct state_header header;
    const ssize_t n = pread(fd, &header, sizeof header, 0);
    if (n < 0) {
        return refuse_errno(f, problem, ": cannot be read: ");
    }
    const enum state_kind kind = (size_t)n < sizeof header ? STATE_NONE : state_look(&header);
    return kind == STATE_OURS || refuse(f, problem, wrong[kind]);
}

static bool check(const struct state_file *f, int fd, struct problem *problem) {
    struct stat st;
    if (fstat(fd, &st) < 0) {
        return refuse_errno(f, problem, ": cannot be opened: ");
    }
    if (!S_ISREG(st.st_mode)) {
        return refuse(f, problem, ": is not a regular file; say another name");
    }
    if (flock(fd, LOCK_EX | LOCK_NB) < 0) {
        return errno == EWOULDBLOCK ? refuse(f, problem, ": is in use by another pingshot")
                                    : refuse_errno(f, problem, ": cannot be locked: ");
    }
    if (!check_header(f, fd, problem)) {
        return false;
    }
    return st.st_size == (off_t)sizeof(struct state) || refuse_size(f, problem, st.st_size);
}

/* ---- a new one --------------------------------------------------------------------------- */

/* Its blocks are taken now: a disk that is full must not end the process at some store. */
static int make(struct state_file *f, struct problem *problem) {
    const int n = snprintf(f->new_name, sizeof f->new_name, "%s.XXXXXX", f->name);
    errno = ENAMETOOLONG;
    int fd = (size_t)n < sizeof f->new_name ? mkostemp(f->new_name, O_CLOEXEC) : -1;
    if (fd < 0) {
        f->new_name[0] = '\0';
        refuse_errno(f, problem, ": cannot be made: ");
        return -1;
    }
    errno = posix_fallocate(fd, 0, (off_t)sizeof(struct state));
    if (errno != 0 || flock(fd, LOCK_EX | LOCK_NB) < 0) {
        refuse_errno(f, problem, ": cannot be made: ");
        close(fd);
        state_file_discard(f);
        return -1;
    }
    return fd;
}

/* ---- both -------------------------------------------------------------------------------- */

/* Not blocking: opening a FIFO would wait for somebody to write to it. */
static int open_or_make(struct state_file *f, struct problem *problem) {
    int fd = open(f->name, O_RDWR | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0 && errno == ENOENT) {
        return make(f, problem);
    }
    if (fd < 0) {
        refuse_errno(f, problem, ": cannot be opened: ");
        return -1;
    }
    if (!check(f, fd, problem)) {
        close(fd);
        return -1;
    }
    return fd;
}

bool state_file_open(struct state_file *f, const char *name, struct problem *problem) {
    f->state = NULL;
    f->name = name;
    f->new_name[0] = '\0';
    const int fd = open_or_make(f, problem);
    if (fd < 0) {
        return false;
    }
    void *at = mmap(NULL, sizeof(struct state), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (at == MAP_FAILED) {
        refuse_errno(f, problem, ": cannot be mapped: ");
        close(fd);
        state_file_discard(f);
        return false;
    }
    f->state = at;
    return true; /* fd stays open: the lock is its */
}

bool state_file_keep(struct state_file *f, struct problem *problem) {
    if (f->new_name[0] == '\0') {
        return true;
    }
    if (renameat2(AT_FDCWD, f->new_name, AT_FDCWD, f->name, RENAME_NOREPLACE) < 0) {
        refuse_errno(f, problem, ": cannot be made: ");
        state_file_discard(f);
        return false;
    }
    f->new_name[0] = '\0';
    return true;
}

void state_file_discard(struct state_file *f) {
    if (f->new_name[0] != '\0') {
        unlink(f->new_name);
        f->new_name[0] = '\0';
    }
}
