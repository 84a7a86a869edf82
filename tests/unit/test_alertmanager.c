/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * test_alertmanager.c: Alertmanager's notifications into the table of alerts: what fires, what is
 * resolved, repeats, refusals that change nothing, and random ones against a model.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "webhook/alertmanager.h"

static struct alerts alerts;
static struct json json;
static struct problem problem;
static char payload[8192];

/* What the listener was told, one line each. */
static char told[4096];
static struct alertmanager_listener listener;

static void hear(void *context, struct slice labels, bool firing) {
    (void)context;
    size_t len = strlen(told);
    (void)snprintf(told + len, sizeof told - len, "%s %.*s\n", firing ? "firing" : "resolved",
                   (int)labels.len, labels.bytes);
}

static int setup(void **state) {
    (void)state;
    memset(&alerts, 0xa5, sizeof alerts);
    alerts_init(&alerts, (struct hash_key){1, 2});
    listener = (struct alertmanager_listener){
        .changed = hear, .changes_max = UINT32_MAX, .labels_max = CFG_ALERT_TEXT_BYTES};
    return 0;
}

/* ---- payloads ---------------------------------------------------------------------------- */

static void begin(void) {
    (void)snprintf(payload, sizeof payload, "{\"version\":\"4\",\"receiver\":\"r\",\"alerts\":[");
}

static void put_alert(const char *status, const char *name, const char *fingerprint,
                      const char *starts_at) {
    size_t len = strlen(payload);
    (void)snprintf(payload + len, sizeof payload - len,
                   "%s{\"status\":\"%s\",\"labels\":{\"alertname\":\"%s\"},"
                   "\"fingerprint\":\"%s\",\"startsAt\":\"%s\"}",
                   payload[len - 1] == '[' ? "" : ",", status, name, fingerprint, starts_at);
}

static bool apply_text(const char *text, uint32_t *changes) {
    told[0] = '\0';
    problem = (struct problem){0};
    if (!json_parse(&json, (struct slice){text, (uint32_t)strlen(text)}, &problem)) {
        fail_msg("%s: %.*s", text, (int)problem.line_len, problem.line);
    }
    assert_true(alertmanager_is_payload(&json));
    return alertmanager_apply(&alerts, &json, &listener, changes, &problem);
}

/* Applies what was put; it must be taken. Returns how many alerts changed. */
static uint32_t apply(void) {
    uint32_t changes;
    strcat(payload, "]}");
    if (!apply_text(payload, &changes)) {
        fail_msg("%.*s", (int)problem.line_len, problem.line);
    }
    return changes;
}

static uint32_t apply_one(const char *status, const char *name, const char *fingerprint,
                          const char *starts_at) {
    begin();
    put_alert(status, name, fingerprint, starts_at);
    return apply();
}

static void expect_refused(const char *text, enum problem_kind kind, const char *line) {
    uint32_t changes;
    const uint32_t used = alerts.stats.used;
    assert_false(apply_text(text, &changes));
    if (problem.kind != kind || problem.line_len != strlen(line) ||
        memcmp(problem.line, line, problem.line_len) != 0) {
        fail_msg("%s: kind %d, %.*s\nexpected: %s", text, (int)problem.kind, (int)problem.line_len,
                 problem.line, line);
    }
    assert_int_equal(alerts.stats.used, used);
    assert_string_equal(told, "");
}

static bool fires(const char *labels) {
    struct slice found;
    uint32_t count = 0;
    for (uint32_t i = 0; i < CFG_ALERTS_MAX; i++) {
        count += alerts_firing(&alerts, i, &found) && found.len == strlen(labels) &&
                 memcmp(found.bytes, labels, found.len) == 0;
    }
    assert_in_range(count, 0, 1);
    return count == 1;
}

/* ---- tests ------------------------------------------------------------------------------- */

static void what_is_a_payload(void **state) {
    static const struct {
        const char *text;
        bool is;
    } cases[] = {
        {"{\"version\":\"4\",\"alerts\":[]}", true},
        {"{\"alerts\":[],\"version\":\"\\u0034\"}", true},
        {"{\"version\":4,\"alerts\":[]}", false},
        {"{\"version\":\"3\",\"alerts\":[]}", false},
        {"{\"version\":\"4\",\"alerts\":{}}", false},
        {"{\"version\":\"4\"}", false},
        {"{\"alerts\":[]}", false},
        {"[\"version\",\"4\",\"alerts\",[]]", false},
        {"\"version\"", false},
        {"{}", false},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const struct slice text = {cases[i].text, (uint32_t)strlen(cases[i].text)};
        assert_true(json_parse(&json, text, &problem));
        assert_int_equal(alertmanager_is_payload(&json), cases[i].is);
    }
}

static void fires_until_resolved(void **state) {
    (void)state;
    assert_int_equal(apply_one("firing", "A", "f1", "t1"), 1);
    assert_true(fires("alertname=\"A\",fingerprint=\"f1\",receiver=\"r\""));
    assert_string_equal(told, "firing alertname=\"A\",fingerprint=\"f1\",receiver=\"r\"\n");
    assert_int_equal(apply_one("firing", "A", "f1", "t1"), 0); /* a repeat */
    assert_string_equal(told, "");
    assert_int_equal(apply_one("resolved", "A", "f1", "t1"), 1);
    assert_string_equal(told, "resolved alertname=\"A\",fingerprint=\"f1\",receiver=\"r\"\n");
    assert_false(fires("alertname=\"A\",fingerprint=\"f1\",receiver=\"r\""));
    assert_int_equal(apply_one("resolved", "A", "f1", "t1"), 0); /* a repeat */
    assert_int_equal(alerts.stats.used, 0);
    assert_int_equal(alerts.stats.high_water, 1);
}

/* It was resolved in between, only nobody said so. */
static void fires_anew(void **state) {
    (void)state;
    apply_one("firing", "A", "f1", "t1");
    assert_int_equal(apply_one("firing", "A", "f1", "t2"), 1);
    assert_string_equal(told, "firing alertname=\"A\",fingerprint=\"f1\",receiver=\"r\"\n");
    assert_int_equal(apply_one("firing", "A", "f1", "t2"), 0);
    assert_int_equal(alerts.stats.used, 1);
}

static void a_mixed_group(void **state) {
    (void)state;
    begin();
    put_alert("firing", "A", "f1", "t");
    put_alert("firing", "A", "f2", "t");
    put_alert("firing", "B", "f3", "t");
    assert_int_equal(apply(), 3);
    begin();
    put_alert("firing", "A", "f1", "t");
    put_alert("resolved", "A", "f2", "t");
    put_alert("firing", "B", "f4", "t");
    assert_int_equal(apply(), 2);
    assert_true(fires("alertname=\"A\",fingerprint=\"f1\",receiver=\"r\""));
    assert_false(fires("alertname=\"A\",fingerprint=\"f2\",receiver=\"r\""));
    assert_true(fires("alertname=\"B\",fingerprint=\"f3\",receiver=\"r\""));
    assert_true(fires("alertname=\"B\",fingerprint=\"f4\",receiver=\"r\""));
    begin();
    assert_int_equal(apply(), 0); /* no alerts at all */
}

/* Escapes are undone and made again as exposition text wants them; an empty label is none. */
static void labels(void **state) {
    uint32_t changes;
    (void)state;
    apply_one("firing", "a\\\"b\\\\c\\nd\\u00e9", "f", "t");
    assert_true(fires("alertname=\"a\\\"b\\\\c\\nd\xc3\xa9\",fingerprint=\"f\",receiver=\"r\""));
    assert_true(apply_text("{\"version\":\"4\",\"alerts\":[{\"status\":\"firing\",\"labels\":{},"
                           "\"fingerprint\":\"g\"}]}",
                           &changes));
    assert_true(fires("fingerprint=\"g\""));
}

#define ALERTS(list) "{\"version\":\"4\",\"receiver\":\"r\",\"alerts\":[" list "]}"
#define RIGHT "{\"status\":\"firing\",\"labels\":{\"alertname\":\"Z\"},\"fingerprint\":\"z\"}"

static void refused(void **state) {
    static const struct {
        const char *text;
        const char *line;
    } cases[] = {
        {ALERTS("1"), "alerts[0].labels: expected an object"},
        {ALERTS(RIGHT ",{\"status\":\"firing\",\"fingerprint\":\"f\"}"),
         "alerts[1].labels: expected an object"},
        {ALERTS("{\"status\":\"firing\",\"labels\":[],\"fingerprint\":\"f\"}"),
         "alerts[0].labels: expected an object"},
        {ALERTS("{\"labels\":{},\"fingerprint\":\"f\"}"),
         "alerts[0].status: expected \"firing\" or \"resolved\""},
        {ALERTS("{\"status\":\"Firing\",\"labels\":{},\"fingerprint\":\"f\"}"),
         "alerts[0].status: expected \"firing\" or \"resolved\""},
        {ALERTS("{\"status\":\"firing\",\"labels\":{}}"),
         "alerts[0].fingerprint: expected a string that is not empty"},
        {ALERTS("{\"status\":\"firing\",\"labels\":{},\"fingerprint\":\"\"}"),
         "alerts[0].fingerprint: expected a string that is not empty"},
        {ALERTS("{\"status\":\"firing\",\"labels\":{},\"fingerprint\":7}"),
         "alerts[0].fingerprint: expected a string"},
        {ALERTS("{\"status\":\"firing\",\"labels\":{\"alertname\":[]},\"fingerprint\":\"f\"}"),
         "alerts[0].labels.alertname: expected a string"},
        {ALERTS("{\"status\":\"firing\",\"labels\":{\"alertname\":\"a\\u0000\"},"
                "\"fingerprint\":\"f\"}"),
         "alerts[0].labels.alertname: NUL in it, which no scraper reads"},
        {"{\"version\":\"4\",\"receiver\":1,\"alerts\":[" RIGHT "]}",
         "receiver: expected a string"},
    };
    (void)state;
    apply_one("firing", "A", "f1", "t");
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        expect_refused(cases[i].text, PROBLEM_MALFORMED, cases[i].line);
    }
    assert_int_equal(apply_one("firing", "A", "f1", "t"), 0);
}

/* Labels of just so many bytes, and one more; a listener may take fewer. */
static void longest_labels(void **state) {
    static const uint32_t maxima[] = {CFG_ALERT_TEXT_BYTES, 90};
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        const uint32_t max = maxima[i];
        char name[CFG_ALERT_TEXT_BYTES];
        const size_t beside = strlen("alertname=\"\",fingerprint=\"f\",receiver=\"r\"");
        setup(state);
        listener.labels_max = max;
        memset(name, 'n', sizeof name);
        name[max - beside] = '\0';
        assert_int_equal(apply_one("firing", name, "f", "t"), 1);
        memset(name, 'n', sizeof name);
        name[max - beside + 1] = '\0';
        begin();
        put_alert("firing", "B", "g", "t");
        put_alert("firing", name, "f", "t");
        strcat(payload, "]}");
        char line[160];
        (void)snprintf(line, sizeof line,
                       "receiver: alertname, fingerprint and receiver together take more than the "
                       "%u bytes that there are for an alert",
                       (unsigned)max);
        expect_refused(payload, PROBLEM_TOO_LARGE, line);
    }
}

static void fill(uint32_t count) {
    for (uint32_t i = 0; i < count; i++) {
        char name[16];
        (void)snprintf(name, sizeof name, "f%u", (unsigned)i);
        assert_int_equal(apply_one("firing", "A", name, "t"), 1);
    }
}

static void full_table(void **state) {
    (void)state;
    fill(CFG_ALERTS_MAX - 1);
    begin();
    put_alert("firing", "B", "x", "t");
    put_alert("firing", "B", "y", "t");
    strcat(payload, "]}");
    expect_refused(payload, PROBLEM_FULL,
                   "alerts: the table is full: 5 of 6 fire, and 2 more came; resolve some, or set "
                   "max_alerts in the receiver's webhook_configs");
    assert_int_equal(alerts.stats.refused_total, 1);
    assert_int_equal(apply_one("firing", "B", "x", "t"), 1);
    /* Repeats, and as many new ones as are resolved, need no room. */
    assert_int_equal(apply_one("firing", "B", "x", "t"), 0);
    begin();
    put_alert("firing", "B", "y", "t");
    put_alert("resolved", "A", "f0", "t");
    assert_int_equal(apply(), 2);
    assert_string_equal(told, "resolved alertname=\"A\",fingerprint=\"f0\",receiver=\"r\"\n"
                              "firing alertname=\"B\",fingerprint=\"y\",receiver=\"r\"\n");
    assert_int_equal(alerts.stats.used, CFG_ALERTS_MAX);
}

static void listener_without_room(void **state) {
    (void)state;
    apply_one("firing", "A", "f1", "t");
    listener.changes_max = 1;
    begin();
    put_alert("resolved", "A", "f1", "t");
    put_alert("firing", "A", "f2", "t");
    strcat(payload, "]}");
    expect_refused(payload, PROBLEM_FULL,
                   "2 alerts change state, each is an event, and the table of events has room "
                   "for 1");
    assert_true(fires("alertname=\"A\",fingerprint=\"f1\",receiver=\"r\""));
    listener.changes_max = 2;
    begin();
    put_alert("resolved", "A", "f1", "t");
    put_alert("firing", "A", "f2", "t");
    assert_int_equal(apply(), 2);
    listener.changes_max = 0;
    begin();
    put_alert("firing", "A", "f2", "t");
    assert_int_equal(apply(), 0);
}

/* The same alert twice in a notification, as no Alertmanager sends it. */
static void named_twice(void **state) {
    (void)state;
    begin();
    put_alert("firing", "A", "f", "t");
    put_alert("firing", "A", "f", "t");
    apply();
    assert_int_equal(alerts.stats.used, 1);
    begin();
    put_alert("resolved", "A", "f", "t");
    put_alert("resolved", "A", "f", "t");
    assert_int_equal(apply(), 1);
    assert_int_equal(alerts.stats.used, 0);
}

/* Random groups: the table is what a set of strings would be. */
static void random_groups(void **state) {
    bool model[12] = {false};
    (void)state;
    srand(1);
    for (int turn = 0; turn < 3000; turn++) {
        bool next[12];
        uint32_t changes = 0;
        uint32_t count = 0;
        memcpy(next, model, sizeof next);
        begin();
        for (int i = 0; i < 12; i++) {
            if (rand() % 3 == 0 && count++ < 5) {
                char fingerprint[16];
                const bool firing = rand() % 2 == 0;
                (void)snprintf(fingerprint, sizeof fingerprint, "f%d", i);
                put_alert(firing ? "firing" : "resolved", "A", fingerprint, "t");
                changes += next[i] != firing;
                next[i] = firing;
            }
        }
        strcat(payload, "]}");
        uint32_t used = 0;
        for (int i = 0; i < 12; i++) {
            used += next[i];
        }
        uint32_t found;
        const bool taken = apply_text(payload, &found);
        assert_int_equal(taken, used <= CFG_ALERTS_MAX);
        if (taken) {
            assert_int_equal(found, changes);
            memcpy(model, next, sizeof model);
        }
        used = 0;
        for (int i = 0; i < 12; i++) {
            char expected[64];
            (void)snprintf(expected, sizeof expected,
                           "alertname=\"A\",fingerprint=\"f%d\",receiver=\"r\"", i);
            assert_int_equal(fires(expected), model[i]);
            used += model[i];
        }
        assert_int_equal(alerts.stats.used, used);
    }
}

#define ALERT_TEST(function) cmocka_unit_test_setup(function, setup)

int main(void) {
    const struct CMUnitTest tests[] = {
        ALERT_TEST(what_is_a_payload),
        ALERT_TEST(fires_until_resolved),
        ALERT_TEST(fires_anew),
        ALERT_TEST(a_mixed_group),
        ALERT_TEST(labels),
        ALERT_TEST(refused),
        ALERT_TEST(longest_labels),
        ALERT_TEST(full_table),
        ALERT_TEST(listener_without_room),
        ALERT_TEST(named_twice),
        ALERT_TEST(random_groups),
    };
    return cmocka_run_group_tests_name("alertmanager", tests, NULL, NULL);
}
