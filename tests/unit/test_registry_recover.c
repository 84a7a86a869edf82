/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * test_registry_recover.c: a reset after every single store of what changes the registry. What is
 * recovered shows the page before or the page after, holds together, and goes on working.
 */
#include "every_store.h"
#include "metrics_fixture.h"

#include <stdlib.h>

static const uint8_t key[HASH_KEY_BYTES] = {1, 2, 3, 4, 5, 6, 7, 8};

/* ---- what is there before ------------------------------------------------------------------ */

static uint32_t ping_series;

static void add_own(void) {
    struct label_set labels;
    label_set_init(&labels);
    uint32_t family =
        registry_add_own(on, SLICE("ping_request_count"), SLICE("Own."), METRIC_COUNTER, &problem);
    assert_int_not_equal(family, REGISTRY_NONE);
    ping_series = registry_own_series(on, family, &labels, &problem);
    assert_int_not_equal(ping_series, REGISTRY_NONE);
}

/* All types, slots used a second time and so lists out of their order, gaps in the arena. */
static int small_world(void **state) {
    fresh(state);
    on = &reg;
    add_own();
    assert_true(create("# HELP c A \\\\ counter.\n# TYPE c counter\nc{x=\"1\"} 1\nc{x=\"2\"} 2\n"
                       "gone{x=\"1\"} 1\ngone{x=\"2\"} 1\ngone{x=\"3\"} 1\n"
                       "# TYPE g gauge\ng 0.1\n"
                       "too{x=\"1\"} 1\ntoo{x=\"2\"} 1\ntoo{x=\"3\"} 1\n"));
    assert_true(registry_delete(on, SLICE("gone"), &problem));
    assert_true(registry_delete(on, SLICE("too"), &problem));
    assert_true(create("# HELP h Histogram.\n# TYPE h histogram\n"
                       "h_bucket{le=\"1\",p=\"a\"} 1\nh_bucket{le=\"+Inf\",p=\"a\"} 2\n"
                       "h_sum{p=\"a\"} 3\nh_count{p=\"a\"} 2\n"
                       "h_bucket{le=\"1\",p=\"b\"} 4\nh_bucket{le=\"+Inf\",p=\"b\"} 5\n"
                       "h_sum{p=\"b\"} 6\nh_count{p=\"b\"} 5\nalso_gone 1\n"));
    assert_true(registry_delete(on, SLICE("also_gone"), &problem));
    assert_true(create("c{x=\"3\"} 3\n# TYPE s summary\ns{quantile=\"0.5\"} 7\ns_sum 8\n"
                       "# TYPE t counter\nt_total 9\nt_created 1.5e9\n"
                       "# HELP empty No series.\n# TYPE empty gauge\n"));
    check_registry();
    return 0;
}

/* ---- pages --------------------------------------------------------------------------------- */

struct shown {
    char text[16384];
    char openmetrics[16384];
};

/* A page without pingshot's own family. */
static void put_page(char *out, enum exposition_format format) {
    size_t len = 0;
    for (const char *line = page(format); *line != '\0';) {
        size_t line_len = strcspn(line, "\n") + 1;
        if (strncmp(line, "ping_request_count", 18) != 0 &&
            strncmp(line + 7, "ping_request_count", 18) != 0) {
            memcpy(out + len, line, line_len);
            len += line_len;
        }
        line += line_len;
    }
    out[len] = '\0';
    assert_true(len < sizeof((struct shown *)NULL)->text);
}

static void show(struct shown *shown) {
    put_page(shown->text, EXPOSITION_TEXT);
    put_page(shown->openmetrics, EXPOSITION_OPENMETRICS);
}

static bool shows(const struct shown *expected) {
    static struct shown now;
    show(&now);
    return strcmp(now.text, expected->text) == 0 &&
           strcmp(now.openmetrics, expected->openmetrics) == 0;
}

/* ---- cuts ---------------------------------------------------------------------------------- */

#define STEPS_MAX 6u

/* What is cut: steps, each of which changes the page in one moment or not at all. */
struct scenario {
    void (*steps[STEPS_MAX])(void);
    uint32_t steps_count;
    struct shown pages[STEPS_MAX + 1]; /* before the first step, behind each */
    uint32_t reached;                  /* page that the last cut showed */
    bool watched;                      /* the only step commits the transaction others[0] */
    uint32_t every;                    /* which cuts are kept */
    struct registry *kept;             /* regions as they were at cuts */
    uint32_t kept_count;
};

static struct scenario now;
static uint32_t others[2]; /* transactions under way, by number, for the registry may be a copy */

static void run_steps(void *region, void *context) {
    struct registry *before = on;
    (void)context;
    on = region;
    for (uint32_t i = 0; i < now.steps_count; i++) {
        now.steps[i]();
    }
    on = before;
}

/* The registry goes on working, in tables that were not left fuller than they are. */
static void goes_on(const struct shown *expected) {
    static struct shown other;
    add_own();
    assert_true(create("# TYPE later counter\nlater{a=\"1\"} 1\n"));
    assert_true(update("later{a=\"1\"} 1\nlater{a=\"2\"} 5\n"));
    assert_non_null(strstr(page(EXPOSITION_TEXT), "\nlater{a=\"1\"} 2\nlater{a=\"2\"} 5\n"));
    show(&other);
    assert_string_not_equal(other.text, expected->text);
    assert_true(registry_delete(on, SLICE("later"), &problem));
    expect_idle();
    assert_true(shows(expected));
    while (used(0) > 0) {
        for (uint32_t f = 0; f < on->families_end; f++) {
            if (on->families[f].flags & REGISTRY_FAMILY_USED) {
                on->families[f].flags &= (uint8_t)~REGISTRY_FAMILY_OWN;
                registry_store_remove_family(on, f);
            }
        }
    }
    assert_int_equal(used(2), 0);
    check_registry();
}

static void recover_whole(struct registry_recovery *found) {
    registry_recover(on, key, found);
    assert_int_equal(found->damaged_count, 0);
    assert_int_equal(found->families_count, used(0));
    assert_int_equal(found->series_count, used(1));
    expect_idle();
}

static void on_cut(void *copy, uint32_t number, void *context) {
    struct registry_recovery found;
    struct registry *before = on;
    struct problem told = problem;
    (void)context;
    if (now.kept != NULL && number % now.every == 0) {
        memcpy(&now.kept[now.kept_count++], copy, sizeof *now.kept);
    }
    on = copy;
    bool committed = on->txns[others[0]].state == REGISTRY_TXN_COMMITTED;
    recover_whole(&found);
    while (!shows(&now.pages[now.reached])) {
        if (++now.reached > now.steps_count) {
            fail_msg("cut %u shows no page of the scenario, or one again:\n%s", number,
                     page(EXPOSITION_TEXT));
        }
    }
    if (now.watched) {
        assert_int_equal(committed, now.reached == 1);
    }
    goes_on(&now.pages[now.reached]);
    on = before;
    problem = told;
}

/* What the pages are is found out without cuts. */
static void find_pages(void) {
    static struct registry copy;
    struct registry_recovery found;
    copy = reg;
    now.reached = 0;
    on = &copy;
    show(&now.pages[0]);
    for (uint32_t i = 0; i < now.steps_count; i++) {
        now.steps[i]();
        show(&now.pages[i + 1]);
    }
    registry_recover(on, key, &found); /* also without a cut nothing is lost */
    assert_true(shows(&now.pages[now.steps_count]));
    on = &reg;
}

/* Cuts `steps` everywhere; how many pages they make differ is `changes`. */
static void cut_everywhere(void (*const *steps)(void), uint32_t steps_count, uint32_t changes) {
    const struct every_store run = {run_steps, on_cut, NULL};
    now.steps_count = steps_count;
    memcpy(now.steps, steps, steps_count * sizeof *steps);
    find_pages();
    for (uint32_t i = 0; i < steps_count; i++) {
        changes -= strcmp(now.pages[i].text, now.pages[i + 1].text) != 0;
    }
    assert_int_equal(changes, 0);
    uint32_t cuts = every_store_run(&run, &reg, sizeof reg);
    assert_true(cuts > 2);
    assert_string_equal(now.pages[now.reached].text, now.pages[steps_count].text);
    check_registry();
}

#define CUT(changes, ...)                                               \
    do {                                                                \
        static void (*const steps[])(void) = {__VA_ARGS__};             \
        cut_everywhere(steps, sizeof steps / sizeof steps[0], changes); \
    } while (0)

/* ---- creation ------------------------------------------------------------------------------ */

static void make_family(void) {
    assert_true(create("# HELP n New \\n one.\n# TYPE n gauge\nn{b=\"2\",a=\"1\"} 0.1\n"
                       "n{b=\"3\",a=\"1\"} -1e-300\n"));
}

static void make_series(void) {
    assert_true(create("c{x=\"0\"} 10\nc{x=\"2\"} 99\nc{x=\"9\"} 11\n# TYPE g gauge\ng 5\n"));
}

static void make_histogram(void) {
    assert_true(create("# TYPE n histogram\nn_sum 3\nn_count 2\nn_bucket{le=\"+Inf\"} 2\n"
                       "n_bucket{le=\"0.5\"} 1\n"));
}

static void make_late_members(void) {
    assert_true(create("# TYPE h histogram\nh_bucket{le=\"0.5\",p=\"a\"} 0\n"
                       "h_bucket{le=\"3\",p=\"a\"} 2\nh_bucket{le=\"1\",p=\"c\"} 0\n"
                       "h_bucket{le=\"2\",p=\"b\"} 4\n"));
}

static void make_openmetrics(void) {
    assert_true(create("# HELP n A counter.\n# TYPE n counter\nn_total{x=\"1\"} 4\n"
                       "n_created{x=\"1\"} 1.7e9\n# TYPE h histogram\nh_created{p=\"a\"} 1.6e9\n"
                       "# EOF\n"));
}

static void make_empty_family(void) {
    assert_true(create("# TYPE n summary\n"));
}

static void creation(void **state) {
    (void)state;
    CUT(1, make_family);
    small_world(NULL);
    CUT(1, make_series);
    small_world(NULL);
    CUT(1, make_empty_family);
}

static void creation_of_histograms(void **state) {
    (void)state;
    CUT(1, make_histogram);
    small_world(NULL);
    CUT(1, make_late_members);
    small_world(NULL);
    CUT(1, make_openmetrics);
}

/* The first series of a family says which label names it has. */
static void name_labels(void) {
    assert_true(create("# TYPE empty gauge\nempty{some=\"1\",label=\"2\"} 1\n"));
}

static void leave_labels_behind(void) {
    struct registry_txn *txn = begin(REGISTRY_CREATE);
    assert_true(add(txn, "# TYPE empty gauge\nempty{a_longer_name=\"1\",than_before=\"2\"} 1\n"));
    registry_txn_rollback(on, txn);
}

static void label_names(void **state) {
    (void)state;
    CUT(1, leave_labels_behind, name_labels);
    /* They are known after a reset: other ones are refused. */
    struct registry_recovery found;
    recover_whole(&found);
    assert_false(create("# TYPE empty gauge\nempty{other=\"1\"} 1\n"));
    expect_problem(PROBLEM_CONFLICT,
                   "line 2: \"empty\": has the labels {label,some}, here {other}; "
                   "give the same ones, or allow it with ?labels=any");
}

/* ---- change -------------------------------------------------------------------------------- */

static void add_to_counters(void) {
    assert_true(update("c{x=\"1\"} 0.1\nc{x=\"3\"} 3\nc{x=\"1\"} 1e300\n"));
}

static void set_many(void) {
    assert_true(update("g -123456.789e-11\ns_sum NaN\nh_sum{p=\"a\"} +Inf\nt_total 1\n"
                       "h_bucket{le=\"+Inf\",p=\"b\"} 1e-9\nc{x=\"2\"} 5\nc{x=\"new\"} 6\n"
                       "c{x=\"new\"} 7\n"));
}

static void set_gauge(void) {
    assert_true(update("g 4e-5\nc{x=\"3\"} 1\n"));
}

static void change_nothing(void) {
    assert_true(update("c{x=\"2\"} 0\n"));
    assert_true(create("g 3\nc{x=\"1\"} 3\n"));
}

static void count_own(void) {
    registry_own_add(on, ping_series, 1);
    registry_own_set(on, ping_series, 1e100);
}

static void change(void **state) {
    (void)state;
    CUT(1, add_to_counters);
    CUT(1, set_many);
    CUT(0, change_nothing, count_own);
}

/* ---- what does not come to be -------------------------------------------------------------- */

static void roll_back(void) {
    struct registry_txn *txn = begin(REGISTRY_CREATE);
    assert_true(add(txn, "c{x=\"8\"} 1\nnew{y=\"1\"} 1\nnew{y=\"2\"} 1\n"
                         "# HELP declared Not yet.\n# TYPE declared histogram\n"));
    registry_txn_rollback(on, txn);
    txn = begin(REGISTRY_UPDATE);
    assert_true(add(txn, "g 17\nc{x=\"1\"} 1\nc{x=\"7\"} 1\n"
                         "h_bucket{le=\"0.7\",p=\"a\"} 0\nh_bucket{le=\"7\",p=\"a\"} 2\n"));
    registry_txn_rollback(on, txn);
}

static void be_refused(void) {
    assert_false(create("new 1\nc{x=\"1\"} 5\nc{y=\"1\"} 5\n"));
    assert_false(update("g 17\nc{x=\"1\"} 5\nnobody 1\n"));
}

static void what_is_undone_leaves_nothing(void **state) {
    (void)state;
    CUT(0, roll_back, be_refused);
}

/* ---- deletion ------------------------------------------------------------------------------ */

static void delete_c(void) {
    assert_true(registry_delete(on, SLICE("c"), &problem));
}

static void delete_h(void) {
    assert_true(registry_delete(on, SLICE("h"), &problem));
}

static void delete_t_created(void) {
    assert_true(registry_delete(on, SLICE("t_created"), &problem));
}

static void delete_empty(void) {
    assert_true(registry_delete(on, SLICE("empty"), &problem));
}

static void deletion(void **state) {
    (void)state;
    CUT(5, delete_c, delete_h, delete_t_created, delete_empty, make_family);
}

/* ---- several at once ----------------------------------------------------------------------- */

static void commit_other(uint32_t number) {
    struct registry_txn *txn = &on->txns[others[number]];
    assert_true(registry_txn_commit(on, txn, &problem));
    registry_txn_release(on, txn);
}

static void commit_first(void) {
    commit_other(0);
}

static void commit_second(void) {
    commit_other(1);
}

static void begin_others(void) {
    struct registry_txn *txns[] = {begin(REGISTRY_UPDATE), begin(REGISTRY_CREATE)};
    assert_true(add(txns[0], "c{x=\"1\"} 5\nh_sum{p=\"a\"} 100\nc{x=\"5\"} 5\n"));
    assert_true(add(txns[1], "c{x=\"6\"} 6\nother{o=\"1\"} 1\nother{o=\"2\"} 2\n"
                             "# HELP pending Declared.\n# TYPE pending gauge\n"));
    others[0] = (uint32_t)(txns[0] - on->txns);
    others[1] = (uint32_t)(txns[1] - on->txns);
}

static void several_transactions(void **state) {
    (void)state;
    begin_others();
    CUT(4, make_family, commit_second, set_gauge, commit_first);
    small_world(NULL);
    begin_others();
    CUT(2, commit_first, roll_back, commit_second);
}

static void only_commit(void) {
    assert_true(registry_txn_commit(on, &on->txns[others[0]], &problem));
}

/* Whoever has to know what came of a request asks its transaction, before the recovery. */
static void committed_is_what_the_transaction_says(void **state) {
    (void)state;
    begin_others();
    now.watched = true;
    CUT(1, only_commit);
    now.watched = false;
}

/* A reply that is still being read: its transaction is committed and changes no more. */
static void replies_under_way(void **state) {
    (void)state;
    struct registry_txn *txn = begin(REGISTRY_UPDATE);
    assert_true(add(txn, "c{x=\"1\"} 5\ng 6\n"));
    assert_true(registry_txn_commit(on, txn, &problem));
    CUT(2, set_many, delete_c);
    registry_txn_release(on, txn);
}

/* ---- the arena closes its gaps ------------------------------------------------------------- */

static bool create_filler(char name, int series, size_t value_len) {
    char body[CFG_LINE_BYTES + 64];
    char value[CFG_LINE_BYTES];
    memset(value, name, value_len);
    value[value_len] = '\0';
    snprintf(body, sizeof body, "%c%d{l=\"%s\"} %d\n", name, series, value, series);
    return create(body);
}

static void delete_filler(char name, int series) {
    char family[16];
    snprintf(family, sizeof family, "%c%d", name, series);
    assert_true(registry_delete(on, of(family), &problem));
}

/* One family takes what is left at the arena's end. */
static void top_up(void) {
    char body[CFG_LINE_BYTES + 64];
    char value[CFG_LINE_BYTES];
    for (uint32_t i = 0; CFG_REGISTRY_TEXT_BYTES - on->arena.top_bytes >= 200; i++) {
        uint32_t left = CFG_REGISTRY_TEXT_BYTES - on->arena.top_bytes;
        uint32_t len = left - 100 < 380 ? left - 100 : 380;
        memset(value, 'f', len);
        value[len] = '\0';
        snprintf(body, sizeof body, "F{l=\"%u%s\"} %u\n", i, value, i);
        assert_true(create(body));
    }
}

/* Fills the arena with families of two sizes by turns; those of one size are then deleted. */
static void fill(size_t kept_len, size_t deleted_len) {
    small_world(NULL);
    for (char name = 'd'; name <= 'f'; name++) {
        assert_true(registry_delete(on,
                                    name == 'd'   ? SLICE("s")
                                    : name == 'e' ? SLICE("t_total")
                                                  : SLICE("empty"),
                                    &problem));
    }
    int made = 0;
    while (used(0) + 2 <= CFG_FAMILIES_MAX - 1 && create_filler('D', made, deleted_len) &&
           create_filler('K', made, kept_len)) {
        made++;
    }
    for (int i = 0; i < made; i++) {
        delete_filler('D', i);
    }
    top_up();
    assert_true(on->arena.gap_bytes > 200);
}

static uint32_t gaps_closed;

static void create_more(void) {
    uint32_t gaps = on->arena.gap_bytes;
    char body[CFG_LINE_BYTES];
    char value[170];
    memset(value, 'v', sizeof value - 1);
    value[sizeof value - 1] = '\0';
    snprintf(body, sizeof body, "more{l=\"%s\"} 1\n", value);
    assert_true(create(body));
    gaps_closed += gaps > 0 && on->arena.gap_bytes == 0;
}

static void compaction(void **state) {
    (void)state;
    static const size_t sizes[][2] = {{1, 200}, {300, 1}, {100, 90}};
    for (uint32_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        fill(sizes[i][0], sizes[i][1]);
        gaps_closed = 0;
        CUT(1, create_more);
        assert_int_equal(gaps_closed, 2); /* with and without cuts */
    }
}

/* The texts of transactions move, too, and those that they hide. */
static void compaction_under_transactions(void **state) {
    (void)state;
    fill(300, 30);
    assert_true(registry_delete(on, SLICE("h"), &problem));
    struct registry_txn *txn = begin(REGISTRY_CREATE);
    assert_true(add(txn, "c{x=\"6\"} 6\n# HELP pending Declared.\n# TYPE pending gauge\n"));
    others[0] = (uint32_t)(txn - on->txns);
    delete_filler('K', 1);
    top_up();
    gaps_closed = 0;
    CUT(2, create_more, commit_first);
    assert_int_equal(gaps_closed, 2);
}

/* ---- a reset during the recovery ----------------------------------------------------------- */

static void recover_again(void *region, void *context) {
    struct registry *before = on;
    struct registry_recovery found;
    (void)context;
    on = region;
    registry_recover(on, key, &found);
    on = before;
}

static void recoveries(void (*const *steps)(void), uint32_t steps_count, uint32_t changes,
                       uint32_t every) {
    const struct every_store again = {recover_again, on_cut, NULL};
    struct registry *kept = calloc(4000, sizeof *kept);
    now.kept = kept;
    now.kept_count = 0;
    now.every = every;
    cut_everywhere(steps, steps_count, changes);
    now.kept = NULL;
    for (uint32_t i = 0; i < now.kept_count; i++) {
        now.reached = 0;
        every_store_run(&again, &kept[i], sizeof kept[i]);
    }
    free(kept);
}

static void recovery_is_cut(void **state) {
    static void (*const steps[])(void) = {delete_h, commit_second, add_to_counters};
    (void)state;
    begin_others();
    assert_true(registry_txn_commit(on, &on->txns[others[0]], &problem));
    recoveries(steps, 3, 3, 61);
    static void (*const more[])(void) = {create_more};
    fill(300, 1);
    recoveries(more, 1, 1, 151);
}

/* ---- damage -------------------------------------------------------------------------------- */

static bool has_line(const struct shown *shown, const char *line, size_t len) {
    const char *at = shown->text;
    while ((at = strstr(at, line)) != NULL) {
        if ((at == shown->text || at[-1] == '\n') && strncmp(at, line, len) == 0) {
            return true;
        }
        at++;
    }
    return false;
}

/* Asserts that each line of `text` is one of those; returns how many there are. */
static uint32_t expect_lines_among(const char *text, const struct shown *a, const struct shown *b) {
    uint32_t count = 0;
    for (const char *line = text; *line != '\0'; line = strchr(line, '\n') + 1) {
        char copy[CFG_LINE_BYTES + 1];
        size_t len = strcspn(line, "\n") + 1;
        memcpy(copy, line, len);
        copy[len] = '\0';
        if (!has_line(a, copy, len) && !has_line(b, copy, len)) {
            fail_msg("nobody said %s", copy);
        }
        count++;
    }
    return count;
}

static struct registry damaged;

/* What is damaged is left out and counted, and what is left goes on working. */
static void survives(const struct shown *a, const struct shown *b, uint32_t lines) {
    static struct shown shown;
    struct registry_recovery found;
    on = &damaged;
    registry_recover(on, key, &found);
    expect_idle();
    show(&shown);
    uint32_t count = expect_lines_among(shown.text, a, b);
    if (count < lines && found.damaged_count == 0) {
        fail_msg("not counted:\n%s", shown.text);
    }
    (void)update("c{x=\"1\"} 5\nc{x=\"another\"} 5\n");
    (void)create("more{a=\"1\"} 1\n");
    (void)registry_delete(on, SLICE("h"), &problem);
    expect_idle();
    on = &reg;
}

static uint32_t next_random(uint32_t *state) {
    *state = *state * 1664525u + 1013904223u;
    return *state >> 8;
}

static uint32_t lines_of(const char *text) {
    uint32_t lines = 0;
    for (; *text != '\0'; text++) {
        lines += *text == '\n';
    }
    return lines;
}

static void damage_of_one_byte(void **state) {
    static struct shown expected;
    uint32_t random = 1;
    (void)state;
    begin_others();
    show(&expected);
    for (uint32_t at = 0; at < sizeof reg; at++) {
        memcpy(&damaged, &reg, sizeof damaged);
        ((uint8_t *)&damaged)[at] ^= (uint8_t)(1u << next_random(&random) % 8);
        survives(&expected, &expected, lines_of(expected.text));
        memcpy(&damaged, &reg, sizeof damaged);
        ((uint8_t *)&damaged)[at] = (uint8_t)next_random(&random);
        survives(&expected, &expected, lines_of(expected.text));
    }
}

static void damage_of_much(void **state) {
    static struct shown expected;
    uint32_t random = 2;
    (void)state;
    begin_others();
    show(&expected);
    for (uint32_t round = 0; round < 3000; round++) {
        memcpy(&damaged, &reg, sizeof damaged);
        for (uint32_t bytes = 1 + next_random(&random) % 300; bytes > 0; bytes--) {
            uint32_t at = next_random(&random) % sizeof damaged;
            ((uint8_t *)&damaged)[at] = (uint8_t)next_random(&random);
        }
        survives(&expected, &expected, 0);
    }
    for (uint32_t round = 0; round < 300; round++) {
        for (uint32_t at = 0; at < sizeof damaged; at++) {
            ((uint8_t *)&damaged)[at] = round == 0 ? 0 : (uint8_t)next_random(&random);
        }
        survives(&expected, &expected, 0);
    }
}

/* Of a commit that is carried out nothing is done again that is not what was committed. */
static void damage_in_a_commit(void **state) {
    static void (*const steps[])(void) = {only_commit};
    struct registry *kept = calloc(1000, sizeof *kept);
    uint32_t random = 3;
    (void)state;
    begin_others();
    now.kept = kept;
    now.kept_count = 0;
    now.every = 1;
    cut_everywhere(steps, 1, 1);
    now.kept = NULL;
    for (uint32_t round = 0; round < 10000; round++) {
        const uint32_t from = (uint32_t)offsetof(struct registry, txns);
        const uint32_t bytes = (uint32_t)offsetof(struct registry, arena) - from;
        uint32_t at = from + next_random(&random) % bytes;
        memcpy(&damaged, &kept[next_random(&random) % now.kept_count], sizeof damaged);
        ((uint8_t *)&damaged)[at] = (uint8_t)next_random(&random);
        survives(&now.pages[0], &now.pages[1], 0);
    }
    free(kept);
}

/* Copies a block of the arena with its header to `at`. */
static void copy_block(uint32_t text, uint32_t at) {
    const char *from = registry_arena_at(&on->arena, text - REGISTRY_ARENA_HEADER_BYTES);
    memcpy(registry_arena_at(&on->arena, at), from,
           REGISTRY_ARENA_HEADER_BYTES + registry_arena_room_bytes(&on->arena, text));
}

/* Each of two records is whole, but the text of one lies over that of the other. */
static void records_over_one_another(void **state) {
    static struct shown before;
    struct registry_recovery found;
    char body[CFG_LINE_BYTES];
    (void)state;
    for (int of_series = 0; of_series < 2; of_series++) {
        small_world(NULL);
        show(&before);
        snprintf(body, sizeof body, "# HELP over %0300d\n# TYPE over gauge\n", 0);
        assert_true(create(body));
        uint32_t over = registry_find_family(on, SLICE("over"));
        uint32_t under = registry_find_family(on, SLICE("g"));
        uint32_t *text = of_series ? &on->series[on->families[under].first_series].text
                                   : &on->families[under].text;
        uint32_t at = (on->families[over].text + 64) & ~3u;
        copy_block(*text, at);
        *text = at + REGISTRY_ARENA_HEADER_BYTES;
        *registry_store_family_check_at(on, over) = registry_store_family_check(on, over, 0);
        registry_recover(on, key, &found);
        expect_idle();
        assert_int_equal(found.damaged_count, of_series ? 1 : 2);
        assert_true(registry_delete(on, SLICE("over"), &problem));
        expect_lines_among(page(EXPOSITION_TEXT), &before, &before);
        assert_null(strstr(page(EXPOSITION_TEXT), "\ng 0.1\n"));
    }
}

/* ---- one by one ---------------------------------------------------------------------------- */

static void recovery_of_nothing(void **state) {
    struct registry_recovery found;
    (void)state;
    fresh(NULL);
    recover_whole(&found);
    expect_page("");
    assert_true(create("a 1\n"));
    recover_whole(&found);
    expect_page("# TYPE a counter\na 1\n");
    assert_int_equal(found.families_count, 1);
    assert_int_equal(found.series_count, 1);
    /* What registry_init clears does not come back. */
    registry_init(on, key);
    recover_whole(&found);
    expect_page("");
}

static void another_key_is_damage_to_all(void **state) {
    static const uint8_t other[HASH_KEY_BYTES] = {8};
    struct registry_recovery found;
    (void)state;
    registry_recover(on, other, &found);
    expect_idle();
    assert_int_equal(found.series_count, 0);
    assert_true(found.damaged_count > 0);
}

static void own_families_can_be_added_again(void **state) {
    struct registry_recovery found;
    struct label_set labels;
    (void)state;
    label_set_init(&labels);
    registry_own_add(on, ping_series, 17);
    recover_whole(&found);
    assert_null(strstr(page(EXPOSITION_TEXT), "ping_request_count"));
    add_own();
    assert_non_null(strstr(page(EXPOSITION_TEXT), "\nping_request_count 0\n"));
    expect_idle();
}

static void a_damaged_link_loses_no_series(void **state) {
    static struct shown before;
    struct registry_recovery found;
    (void)state;
    show(&before);
    for (uint32_t s = 0; s < on->series_end; s++) {
        on->series[s].next = s; /* each is behind itself */
    }
    recover_whole(&found);
    const char *after = page(EXPOSITION_TEXT);
    assert_int_equal(expect_lines_among(after, &before, &before), lines_of(before.text));
    /* Histograms are in order, the rest as the slots are. */
    assert_non_null(strstr(after, "\nh_bucket{le=\"1\",p=\"a\"} 1\n"
                                  "h_bucket{le=\"+Inf\",p=\"a\"} 2\n"));
    assert_non_null(strstr(after, "\nh_bucket{le=\"1\",p=\"b\"} 4\n"
                                  "h_bucket{le=\"+Inf\",p=\"b\"} 5\n"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(recovery_of_nothing, small_world),
        cmocka_unit_test_setup(another_key_is_damage_to_all, small_world),
        cmocka_unit_test_setup(own_families_can_be_added_again, small_world),
        cmocka_unit_test_setup(a_damaged_link_loses_no_series, small_world),
        cmocka_unit_test_setup(creation, small_world),
        cmocka_unit_test_setup(creation_of_histograms, small_world),
        cmocka_unit_test_setup(label_names, small_world),
        cmocka_unit_test_setup(change, small_world),
        cmocka_unit_test_setup(what_is_undone_leaves_nothing, small_world),
        cmocka_unit_test_setup(deletion, small_world),
        cmocka_unit_test_setup(several_transactions, small_world),
        cmocka_unit_test_setup(committed_is_what_the_transaction_says, small_world),
        cmocka_unit_test_setup(replies_under_way, small_world),
        cmocka_unit_test_setup(compaction, small_world),
        cmocka_unit_test_setup(compaction_under_transactions, small_world),
        cmocka_unit_test_setup(recovery_is_cut, small_world),
        cmocka_unit_test_setup(damage_of_one_byte, small_world),
        cmocka_unit_test_setup(damage_of_much, small_world),
        cmocka_unit_test_setup(damage_in_a_commit, small_world),
        cmocka_unit_test_setup(records_over_one_another, small_world),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
