/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * test_scrapers.c: who a scrape is by, and the table of those.
 */
#include "events/scrapers.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static struct scrapers scrapers;

static int fresh(void **state) {
    (void)state;
    memset(&scrapers, 0xa5, sizeof scrapers);
    scrapers_init(&scrapers);
    return 0;
}

static struct slice of(const char *string) {
    return (struct slice){string, (uint32_t)strlen(string)};
}

static struct scraper_identity identify(const char *parameter, const char *address,
                                        const char *agent, bool announced) {
    struct scraper_identity who;
    struct problem p;
    memset(&who, 0xa5, sizeof who);
    assert_true(scrapers_identify(&who, of(parameter), of(address), of(agent), announced, &p));
    return who;
}

static void expect(const struct scraper_identity *who, const char *name, const char *agent) {
    assert_true(slice_equals(scrapers_name(who), of(name)));
    assert_true(slice_equals(scrapers_agent(who), of(agent)));
}

static bool same(struct scraper_identity a, struct scraper_identity b) {
    (void)fresh(NULL);
    (void)scrapers_add(&scrapers, &a, 0);
    return scrapers_find(&scrapers, &b) != SCRAPERS_NONE;
}

static void address_and_product(void **state) {
    struct scraper_identity who;
    (void)state;
    who = identify("", "10.0.0.1", "Prometheus/2.42.0+ds", true);
    expect(&who, "10.0.0.1", "Prometheus");
    who = identify("", "fe80::1", "curl/7.88.1", false);
    expect(&who, "fe80::1", "curl");
    who = identify("", "10.0.0.1", " Mozilla/5.0 (X11) Gecko", false);
    expect(&who, "10.0.0.1", "Mozilla");
    who = identify("", "10.0.0.1", "two words", false);
    expect(&who, "10.0.0.1", "two");
    who = identify("", "10.0.0.1", "", false);
    expect(&who, "10.0.0.1", "unknown");
    who = identify("", "10.0.0.1", "/1.0", false);
    expect(&who, "10.0.0.1", "unknown");
    who = identify("", "10.0.0.1", "a\x80\"b", false);
    expect(&who, "10.0.0.1", "a?\"b");
}

static void a_long_product_is_cut(void **state) {
    struct scraper_identity who;
    (void)state;
    who = identify("", "::1", "0123456789012345678901234567890", false);
    expect(&who, "::1", "0123456789012345678901234567890");
    who = identify("", "::1", "01234567890123456789012345678901", false);
    expect(&who, "::1", "0123456789012345678901234567890");
    who = identify("", "::1", "01234567890123456789012345678\xe2\x82\xac", false);
    assert_int_equal(slice_utf8_error(scrapers_agent(&who)), scrapers_agent(&who).len);
}

static void the_parameter_is_the_identity_alone(void **state) {
    struct scraper_identity who = identify("ha-1", "10.0.0.1", "Prometheus/2", true);
    (void)state;
    expect(&who, "ha-1", "");
    assert_true(same(who, identify("ha-1", "10.0.0.2", "vm_promscrape", true)));
    assert_false(same(who, identify("ha-2", "10.0.0.1", "Prometheus/2", true)));
    assert_false(same(who, identify("", "ha-1", "Prometheus/2", true)));
}

static void a_person_is_not_the_prometheus_beside(void **state) {
    (void)state;
    assert_false(same(identify("", "10.0.0.1", "Prometheus/2.42.0", true),
                      identify("", "10.0.0.1", "curl/7.88.1", false)));
    assert_false(same(identify("", "10.0.0.1", "Prometheus/2.42.0", true),
                      identify("", "10.0.0.2", "Prometheus/2.42.0", true)));
    assert_true(same(identify("", "10.0.0.1", "Prometheus/2.42.0", true),
                     identify("", "10.0.0.1", "Prometheus/2.45.1", true)));
}

static void victoriametrics_in_stream_mode_is_the_same(void **state) {
    (void)state;
    assert_true(same(identify("", "10.0.0.1", "vm_promscrape", true),
                     identify("", "10.0.0.1", "Go-http-client/1.1", true)));
    assert_false(same(identify("", "10.0.0.1", "vm_promscrape", true),
                      identify("", "10.0.0.1", "Go-http-client/1.1", false)));
}

static void names_have_a_limit_and_are_utf8(void **state) {
    char name[SCRAPERS_NAME_BYTES + 2];
    struct scraper_identity who;
    struct problem p;
    (void)state;
    memset(name, 'n', sizeof name);
    name[SCRAPERS_NAME_BYTES] = '\0';
    who = identify(name, "::1", "x", true);
    expect(&who, name, "");
    who = identify("", name, "x", true);
    expect(&who, name, "x");
    name[SCRAPERS_NAME_BYTES] = 'n';
    name[SCRAPERS_NAME_BYTES + 1] = '\0';
    assert_false(scrapers_identify(&who, of(name), of("::1"), of("x"), true, &p));
    assert_int_equal(p.kind, PROBLEM_MALFORMED);
    assert_false(scrapers_identify(&who, of(""), of(name), of("x"), true, &p));
    assert_int_equal(p.kind, PROBLEM_MALFORMED);
    assert_false(scrapers_identify(&who, of("a\xff"), of("::1"), of("x"), true, &p));
    assert_int_equal(p.kind, PROBLEM_MALFORMED);
    const char line[] = "scraper \"a?\": the name of a scraper is UTF-8 of at most 63 bytes";
    assert_int_equal(p.line_len, sizeof line - 1);
    assert_memory_equal(p.line, line, sizeof line - 1);
}

static uint8_t add(char digit, uint32_t now_ms) {
    char name[2] = {digit, '\0'};
    struct scraper_identity who = identify(name, "", "", true);
    return scrapers_add(&scrapers, &who, now_ms);
}

static void a_full_table_takes_no_more(void **state) {
    (void)state;
    for (unsigned i = 0; i < CFG_SCRAPERS_MAX; i++) {
        assert_int_equal(add((char)('0' + i), 0), i);
    }
    assert_int_equal(add('x', 0), SCRAPERS_NONE);
    assert_int_equal(scrapers.stats.used, CFG_SCRAPERS_MAX);
    assert_int_equal(scrapers.mask, (1u << CFG_SCRAPERS_MAX) - 1u);
    scrapers_remove(&scrapers, 1);
    assert_int_equal(scrapers.mask, ((1u << CFG_SCRAPERS_MAX) - 1u) & ~2u);
    scrapers.entries[1].scrapes_count = 7;
    assert_int_equal(add('x', 5), 1);
    assert_int_equal(scrapers.entries[1].scrapes_count, 0);
}

static void the_longest_unseen_person_gives_way(void **state) {
    const uint32_t start = 0xfffffff0; /* the clock wraps between them */
    (void)state;
    assert_int_equal(scrapers_dispensable(&scrapers), SCRAPERS_NONE);
    for (uint32_t i = 0; i < 4; i++) {
        (void)add((char)('0' + i), start + 10 * i);
    }
    assert_int_equal(scrapers_dispensable(&scrapers), 0);
    scrapers.entries[0].announced = true;
    assert_int_equal(scrapers_dispensable(&scrapers), 1);
    scrapers.entries[1].in_flight_count = 1;
    assert_int_equal(scrapers_dispensable(&scrapers), 2);
    scrapers.entries[2].last_seen_ms = start + 100;
    assert_int_equal(scrapers_dispensable(&scrapers), 3);
    scrapers.entries[2].announced = true;
    scrapers.entries[3].announced = true;
    assert_int_equal(scrapers_dispensable(&scrapers), SCRAPERS_NONE);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(address_and_product, fresh),
        cmocka_unit_test_setup(a_long_product_is_cut, fresh),
        cmocka_unit_test_setup(the_parameter_is_the_identity_alone, fresh),
        cmocka_unit_test_setup(a_person_is_not_the_prometheus_beside, fresh),
        cmocka_unit_test_setup(victoriametrics_in_stream_mode_is_the_same, fresh),
        cmocka_unit_test_setup(names_have_a_limit_and_are_utf8, fresh),
        cmocka_unit_test_setup(a_full_table_takes_no_more, fresh),
        cmocka_unit_test_setup(the_longest_unseen_person_gives_way, fresh),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
