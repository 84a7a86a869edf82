/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * registry_cut.h: what the tests of registry_recover share: a registry with everything in it, and its
 * operations cut at every store. What is recovered shows the page before or the page after, holds
 * together, and goes on working.
 */
#ifndef PINGSHOT_TESTS_REGISTRY_CUT_H
#define PINGSHOT_TESTS_REGISTRY_CUT_H

#include "every_store.h"
#include "metrics_fixture.h"

#include <stdlib.h>

/* ---- what is there before ------------------------------------------------------------------ */

static uint32_t ping_series;

static inline void add_own(void) {
    struct label_set labels;
    label_set_init(&labels);
    uint32_t family =
        registry_add_own(on, SLICE("ping_request_count"), SLICE("Own."), METRIC_COUNTER, &problem);
    assert_int_not_equal(family, REGISTRY_NONE);
    ping_series = registry_own_series(on, family, &labels, &problem);
    assert_int_not_equal(ping_series, REGISTRY_NONE);
}

/* All types, slots used a second time and so lists out of their order, gaps in the arena. */
static inline int small_world(void **state) {
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
static inline void put_page(char *out, enum exposition_format format) {
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

static inline void show(struct shown *shown) {
    put_page(shown->text, EXPOSITION_TEXT);
    put_page(shown->openmetrics, EXPOSITION_OPENMETRICS);
}

static inline bool shows(const struct shown *expected) {
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

static inline void run_steps(void *region, void *context) {
    struct registry *before = on;
    (void)context;
    on = region;
    for (uint32_t i = 0; i < now.steps_count; i++) {
        now.steps[i]();
    }
    on = before;
}

/* The registry goes on working, in tables that were not left fuller than they are. */
static inline void goes_on(const struct shown *expected) {
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

static inline void recover_whole(struct registry_recovery *found) {
    registry_recover(on, hash_key, found);
    assert_int_equal(found->damaged_count, 0);
    assert_int_equal(found->families_count, used(0));
    assert_int_equal(found->series_count, used(1));
    expect_idle();
}

static inline void on_cut(void *copy, uint32_t number, void *context) {
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
static inline void find_pages(void) {
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
    registry_recover(on, hash_key, &found); /* also without a cut nothing is lost */
    assert_true(shows(&now.pages[now.steps_count]));
    on = &reg;
}

/* Cuts `steps` everywhere; how many pages they make differ is `changes`. */
static inline void cut_everywhere(void (*const *steps)(void), uint32_t steps_count,
                                  uint32_t changes) {
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

/* ---- others under way ----------------------------------------------------------------------- */

static inline void begin_others(void) {
    struct registry_txn *txns[] = {begin(REGISTRY_UPDATE), begin(REGISTRY_CREATE)};
    assert_true(add(txns[0], "c{x=\"1\"} 5\nh_sum{p=\"a\"} 100\nc{x=\"5\"} 5\n"));
    assert_true(add(txns[1], "c{x=\"6\"} 6\nother{o=\"1\"} 1\nother{o=\"2\"} 2\n"
                             "# HELP pending Declared.\n# TYPE pending gauge\n"));
    others[0] = (uint32_t)(txns[0] - on->txns);
    others[1] = (uint32_t)(txns[1] - on->txns);
}

static inline void only_commit(void) {
    assert_true(registry_txn_commit(on, &on->txns[others[0]], &problem));
}

#endif
