/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * test_registry_recover.c: a reset after every single store of what changes the registry.
 */
#include "registry_cut.h"

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

static void several_transactions(void **state) {
    (void)state;
    begin_others();
    CUT(4, make_family, commit_second, set_gauge, commit_first);
    small_world(NULL);
    begin_others();
    CUT(2, commit_first, roll_back, commit_second);
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
    registry_recover(on, hash_key, &found);
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
    registry_init(on, hash_key);
    recover_whole(&found);
    expect_page("");
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

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(recovery_of_nothing, small_world),
        cmocka_unit_test_setup(own_families_can_be_added_again, small_world),
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
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
