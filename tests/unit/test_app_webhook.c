/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * test_app_webhook.c: the webhook endpoints through HTTP: what each takes, how it refuses in its
 * service's words, what then stands under GET /webhook, in /metrics and on the console.
 */
#include "app_rig.h"

#define JSON "application/json"

static void post(struct client *c, const char *target, const char *body, int status,
                 const char *answer) {
    rig_post(c, target, JSON, body, status, answer);
}

static void expect_metric(struct client *c, const char *line, bool there) {
    rig_ask(c, GET("/metrics"), 200);
    if (rig_body_has(line) != there) {
        fail_msg("%s: %s\n%s", line, there ? "missing" : "there", rig_answer.body);
    }
}

#define ALERT(status, starts_at)                                                             \
    "{\"version\":\"4\",\"receiver\":\"lab\",\"alerts\":[{\"status\":\"" status              \
    "\",\"labels\":{\"alertname\":\"Hot\"},\"fingerprint\":\"f1\",\"startsAt\":\"" starts_at \
    "\"}]}"

#define HOT "pingshot_alert{alertname=\"Hot\",fingerprint=\"f1\",receiver=\"lab\"} 1\n"

/* ---- /webhook ---------------------------------------------------------------------------- */

static void webhook_answers_what_came(void **state) {
    struct client *c = rig_connect(0);
    (void)state;
    post(c, "/webhook", " {\"a\" :[1.0 , \"\\u0026\"]}", 200,
         "{\n    \"a\": [\n        1.0,\n        \"\\u0026\"\n    ]\n}\n");
    rig_expect_header("Content-Type", "application/json");
    post(c, "/webhook", "[]", 200, "[]\n");
}

/* A body in the buffer for large ones, pulled as the client reads, and one that trickles in. */
static void webhook_large_and_slow(void **state) {
    static char body[CFG_HTTP_BODY_BYTES + 1];
    static char request[CFG_HTTP_BODY_BYTES + 256];
    struct client *c = &rig_clients[0];
    (void)state;
    memset(body, ' ', CFG_HTTP_BODY_BYTES);
    memcpy(body, "[\"", 2);
    memset(body + 2, 'x', 1800);
    memcpy(body + 1802, "\"", 1);
    body[CFG_HTTP_BODY_BYTES - 1] = ']';
    int n = snprintf(request, sizeof request,
                     POST("/webhook", "Content-Type: application/json\r\n"
                                      "Content-Length: %zu\r\n\r\n%s"),
                     strlen(body), body);
    for (size_t step = 1; step < 2000; step = step * 7 + 3) {
        assert_true(rig_connect_from(c, "10.0.0.1", 900));
        rig_send_pieces(c, request, (size_t)n, step);
        rig_acknowledge_all(c);
        rig_expect(c, 200);
        assert_int_equal(rig_answer.body_bytes, strlen("[\n    ") + 1802 + strlen("\n]\n"));
        rig_lose(c);
    }
}

static void webhook_refusals(void **state) {
    struct client *c = rig_connect(0);
    (void)state;
    post(c, "/webhook", "{\"a\":1,}", 400, "byte 8: expected a name in double quotes, found '}'\n");
    post(c, "/webhook", "", 400, "byte 1: expected a value, but the text ends\n");
    rig_post(c, "/webhook", "text/plain", "{}", 415,
             "Content-Type is not taken here; send application/json\n");
    rig_ask(c, POST("/webhook", "Content-Length: 2\r\n\r\n{}"), 415);
    rig_expect_body("no Content-Type; send application/json\n");
    post(c, "/webhook", "{\"version\":\"4\",\"alerts\":[0]}", 400,
         "alerts[0].labels: expected an object\n");
    rig_ask(c, "PUT /webhook HTTP/1.1\r\nHost: a\r\n\r\n", 405);
    rig_expect_header("Allow", "GET, HEAD, POST");
    rig_ask(c, GET("/slack"), 405);
    rig_expect_header("Allow", "POST");
    rig_ask(c, GET("/webhook"), 200);
    rig_expect_body("no notification yet: POST JSON to /webhook, /slack, /pagerduty or "
                    "/v2/enqueue\n");
}

static void webhook_too_large(void **state) {
    struct client *c = rig_connect(0);
    char body[CFG_JSON_TOKENS_MAX * 2 + 4] = "[0";
    (void)state;
    char large[CFG_HTTP_BODY_BYTES + 2];
    memset(large, ' ', sizeof large);
    large[CFG_HTTP_BODY_BYTES + 1] = '\0';
    post(c, "/webhook", large, 413,
         "body: more than the 2048 bytes that are taken here; set max_alerts in Alertmanager's "
         "webhook_configs\n");
    post(c, "/slack", large, 413, "body: more than the 2048 bytes that are taken here\n");
    for (int i = 2; i < CFG_JSON_TOKENS_MAX; i++) {
        strcat(body, ",0");
    }
    char right[sizeof body + 1];
    (void)snprintf(right, sizeof right, "%s]", body);
    post(c, "/webhook", right, 200, NULL);
    strcat(body, ",0]");
    post(c, "/webhook", body, 413,
         "byte 128: more values and names of members than 64; set max_alerts in Alertmanager's "
         "webhook_configs\n");
    post(c, "/slack", body, 413,
         "invalid_payload: byte 128: more values and names of members than 64\n");
}

/* ---- alerts ------------------------------------------------------------------------------ */

static void alert_until_resolved(void **state) {
    struct client *c = rig_connect(0);
    (void)state;
    post(c, "/webhook", ALERT("firing", "t1"), 200, NULL);
    expect_metric(c, HOT, true);
    expect_metric(c, "# TYPE pingshot_alert gauge\n", true);
    post(c, "/webhook", ALERT("firing", "t1"), 200, NULL);
    expect_metric(c, HOT, true);
    expect_metric(
        c, "\npingshot_webhook_requests_total{path=\"/webhook\",receiver=\"webhook\"} 2\n", true);
    expect_metric(c, "\npingshot_webhook_repeats_total{path=\"/webhook\",receiver=\"webhook\"} 1\n",
                  true);
    post(c, "/webhook", ALERT("resolved", "t1"), 200, NULL);
    expect_metric(c, HOT, false);
    rig_ask(c, GET("/api/v1/status"), 200);
    assert_true(rig_body_has(",\"notifications\":3,\"alerts_firing\":0,"));
}

static void alerts_full(void **state) {
    struct client *c = rig_connect(0);
    char body[256];
    (void)state;
    for (int i = 0; i <= CFG_ALERTS_MAX; i++) {
        const bool fits = i < CFG_ALERTS_MAX;
        (void)snprintf(body, sizeof body,
                       "{\"version\":\"4\",\"alerts\":[{\"status\":\"firing\",\"labels\":{},"
                       "\"fingerprint\":\"f%d\"}]}",
                       i);
        post(c, "/webhook", body, fits ? 200 : 503, NULL);
    }
    assert_true(rig_body_has("alerts: the table is full: 6 of 6 fire, and 1 more came; "));
    rig_expect_header("Retry-After", "1");
    expect_metric(
        c, "\npingshot_webhook_requests_total{path=\"/webhook\",receiver=\"webhook\"} 6\n", true);
    expect_metric(c, "\npingshot_table_refusals_total{table=\"alerts\"} 1\n", true);
}

/* Each change of state is one event, a repeat is none. */
static void alerts_as_events(void **state) {
    (void)state;
    rig_config.alert_events = true;
    rig_restart();
    struct client *c = rig_connect(0);
    struct client *scraper = rig_connect(1);
    rig_ask(scraper, SCRAPE, 200);
    post(c, "/webhook", ALERT("firing", "t1"), 200, NULL);
    post(c, "/webhook", ALERT("firing", "t1"), 200, NULL);
    rig_ask(scraper, SCRAPE, 200);
    assert_true(rig_body_has("\nevents_to_metrics{alertname=\"Hot\",fingerprint=\"f1\","
                             "receiver=\"lab\",status=\"firing\"} 1\n"));
    rig_ask(scraper, SCRAPE, 200);
    assert_false(rig_body_has("\nevents_to_metrics{"));
    post(c, "/webhook", ALERT("resolved", "t1"), 200, NULL);
    post(c, "/webhook", ALERT("resolved", "t1"), 200, NULL);
    rig_ask(scraper, SCRAPE, 200);
    assert_true(rig_body_has("\nevents_to_metrics{alertname=\"Hot\",fingerprint=\"f1\","
                             "receiver=\"lab\",status=\"resolved\"} 1\n"));
    assert_int_equal(rig_state.delivery.counts.posted, 2);
}

/* No room for its event: the notification is refused and changes nothing, to come again. */
static void alerts_as_too_many_events(void **state) {
    (void)state;
    rig_config.alert_events = true;
    rig_restart();
    struct client *c = rig_connect(0);
    for (int i = 0; i < CFG_EVENTS_MAX; i++) {
        rig_ask(c, EVENT("a=b"), 200);
    }
    post(c, "/webhook", ALERT("firing", "t1"), 503,
         "1 alerts change state, each is an event, and the table of events has room for 0\n");
    rig_expect_header("Retry-After", "1");
    expect_metric(c, HOT, false);
}

static void events_are_an_option(void **state) {
    (void)state;
    post(rig_connect(0), "/webhook", ALERT("firing", "t1"), 200, NULL);
    assert_int_equal(rig_state.delivery.counts.posted, 0);
}

/* ---- /slack ------------------------------------------------------------------------------ */

static void slack(void **state) {
    static const struct {
        const char *body;
        int status;
        const char *answer;
    } cases[] = {
        {"{\"text\":\"hello\"}", 200, "ok"},
        {"{\"blocks\":[{\"type\":\"divider\"}]}", 200, "ok"},
        {"{\"attachments\":[{}]}", 200, "ok"},
        {"{\"text\":\"\",\"blocks\":null,\"attachments\":[{\"text\":\"\"}]}", 200, "ok"},
        {"{}", 400, "no_text: expected a text that is not empty, blocks or attachments\n"},
        {"{\"text\":\"\",\"blocks\":[]}", 400,
         "no_text: expected a text that is not empty, blocks or attachments\n"},
        {"{\"text\":null}", 400,
         "no_text: expected a text that is not empty, blocks or attachments\n"},
        {"{\"text\":1}", 400, "invalid_payload: text: expected a string\n"},
        {"[]", 400, "invalid_payload: expected an object\n"},
        {"{", 400,
         "invalid_payload: byte 2: expected a name in double quotes, or }, but the text ends\n"},
        {"{\"blocks\":{}}", 400, "invalid_blocks: expected an array of objects\n"},
        {"{\"blocks\":[{\"type\":\"a\"},1]}", 400, "invalid_blocks: element 1 is no object\n"},
        {"{\"blocks\":[{}]}", 400, "invalid_blocks: a block without a type, which is a string\n"},
        {"{\"text\":\"a\",\"attachments\":\"b\"}", 400,
         "invalid_attachments: expected an array of objects\n"},
        {"{\"attachments\":[[]]}", 400, "invalid_attachments: element 0 is no object\n"},
    };
    struct client *c = rig_connect(0);
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        post(c, "/slack", cases[i].body, cases[i].status, cases[i].answer);
    }
    expect_metric(c, "\npingshot_webhook_requests_total{path=\"/slack\",receiver=\"slack\"} 4\n",
                  true);
}

/* ---- PagerDuty --------------------------------------------------------------------------- */

#define PAYLOAD "\"payload\":{\"summary\":\"a\",\"source\":\"b\",\"severity\":\"info\"}"
#define V2(more) "{\"routing_key\":\"k\"," more "}"
#define V1(more) "{\"service_key\":\"k\"," more "}"
#define PROCESSED "{\"status\":\"success\",\"message\":\"Event processed\","
#define INVALID(errors)                                                                         \
    "{\"status\":\"invalid event\",\"message\":\"Event object is invalid\",\"errors\":[" errors \
    "]}\n"
#define ACTIONS "(must be one of the following: 'trigger', 'acknowledge' or 'resolve')"
#define UNRECOGNIZED(why)                                                                      \
    "{\"status\":\"Unrecognized object\",\"message\":\"Event object format is unrecognized\"," \
    "\"errors\":[\"JSON parse error: " why "\"]}\n"

struct event_case {
    const char *body;
    int status;
    const char *answer;
};

static void post_events(const char *target, const struct event_case *cases, size_t count) {
    struct client *c = rig_connect(0);
    for (size_t i = 0; i < count; i++) {
        post(c, target, cases[i].body, cases[i].status, cases[i].answer);
        rig_expect_header("Content-Type", "application/json");
    }
    rig_lose(c);
}

static void pagerduty_v2(void **state) {
    static const struct event_case cases[] = {
        {V2("\"event_action\":\"trigger\",\"dedup_key\":\"d\"," PAYLOAD), 202,
         PROCESSED "\"dedup_key\":\"d\"}\n"},
        {V2("\"event_action\":\"resolve\",\"dedup_key\":\"d\\u00e9\\\"\""), 202,
         PROCESSED "\"dedup_key\":\"d\\u00e9\\\"\"}\n"},
        {V2("\"event_action\":\"acknowledge\",\"dedup_key\":\"d\",\"payload\":null"), 202,
         PROCESSED "\"dedup_key\":\"d\"}\n"},
        {V2("\"event_action\":\"resolve\""), 400, INVALID("\"'dedup_key' is missing or blank\"")},
        {V2("\"event_action\":\"trigger\""), 400, INVALID("\"'payload' is missing or blank\"")},
        {V2("\"event_action\":\"trigger\",\"payload\":{\"summary\":\" \",\"source\":1,"
            "\"severity\":\"bad\"}"),
         400,
         INVALID("\"'payload.summary' is missing or blank\",\"'payload.source' is missing or "
                 "blank\",\"'payload.severity' is invalid (must be one of the following: "
                 "'critical', 'warning', 'error' or 'info')\"")},
        {V2("\"event_action\":\"trigger\",\"payload\":{\"summary\":\"a\",\"source\":\"b\"}"), 400,
         INVALID("\"'payload.severity' is missing or blank\"")},
        {V2("\"event_action\":\"start\",\"dedup_key\":\"d\""), 400,
         INVALID("\"'event_action' is invalid " ACTIONS "\"")},
        {"{\"event_action\":\"resolve\",\"dedup_key\":\"d\"}", 400,
         INVALID("\"'routing_key' is missing or blank\"")},
        {"{}", 400,
         INVALID("\"'routing_key' is missing or blank\",\"'event_action' is missing or blank\","
                 "\"'dedup_key' is missing or blank\"")},
        {"[1]", 400, UNRECOGNIZED("expected an object")},
        {"{]", 400, UNRECOGNIZED("byte 2: expected a name in double quotes, or }, found ']'")},
        {"[\"\\x\"]", 400,
         UNRECOGNIZED("byte 4: expected one of \\\"\\\\/bfnrtu after a backslash, found 'x'")},
    };
    (void)state;
    post_events("/v2/enqueue", cases, sizeof cases / sizeof cases[0]);
    post_events("/pagerduty", cases, sizeof cases / sizeof cases[0]);
    expect_metric(rig_connect(0),
                  "\npingshot_webhook_requests_total{path=\"/v2/enqueue\",receiver=\"pagerduty\"} "
                  "3\n",
                  true);
}

static void pagerduty_v1(void **state) {
    static const struct event_case cases[] = {
        {V1("\"event_type\":\"trigger\",\"description\":\"x\",\"incident_key\":\"i\","
            "\"event_action\":\"\",\"payload\":null"),
         200, PROCESSED "\"incident_key\":\"i\"}\n"},
        {V1("\"event_type\":\"resolve\",\"incident_key\":\"i\""), 200,
         PROCESSED "\"incident_key\":\"i\"}\n"},
        {V1("\"event_type\":\"resolve\""), 400, INVALID("\"Incident key is missing or blank\"")},
        {V1("\"event_type\":\"trigger\",\"description\":\"\""), 400,
         INVALID("\"Description is missing or blank\"")},
        {V1("\"event_type\":\"x\",\"incident_key\":\"i\""), 400,
         INVALID("\"Event type is invalid " ACTIONS "\"")},
        {"{\"service_key\":\" \",\"incident_key\":\"i\"}", 400,
         INVALID("\"Service key is missing or blank\",\"Event type is missing or blank\"")},
    };
    static const struct event_case as_v2[] = {
        {V1("\"event_type\":\"resolve\",\"incident_key\":\"i\""), 400,
         INVALID("\"'routing_key' is missing or blank\",\"'event_action' is missing or blank\","
                 "\"'dedup_key' is missing or blank\"")},
    };
    (void)state;
    post_events("/pagerduty", cases, sizeof cases / sizeof cases[0]);
    post_events("/v2/enqueue", as_v2, 1);
}

/* Where a trigger brings no key it gets one, never the same. */
static void pagerduty_makes_keys(void **state) {
    struct client *c = rig_connect(0);
    char first[64];
    (void)state;
    for (int i = 0; i < 2; i++) {
        post(c, "/v2/enqueue", V2("\"event_action\":\"trigger\"," PAYLOAD), 202, NULL);
        const char *key = strstr(rig_answer.body, PROCESSED "\"dedup_key\":\"");
        assert_non_null(key);
        key += strlen(PROCESSED "\"dedup_key\":\"");
        assert_int_equal(strspn(key, "0123456789abcdef"), 32);
        assert_string_equal(key + 32, "\"}\n");
        if (i == 0) {
            (void)snprintf(first, sizeof first, "%s", key);
        } else {
            assert_string_not_equal(key, first);
        }
    }
    post(c, "/pagerduty", V1("\"event_type\":\"trigger\",\"description\":\"x\""), 200, NULL);
    assert_true(rig_body_has("\"incident_key\":\""));
}

/* Keys of 255 characters, the last 20 of them in all their spellings, and of one more. */
static void pagerduty_longest_key(void **state) {
    static const char *const spellings[] = {"x", "\xc3\xa9", "\\n", "\\ud83d\\ude00", "\\u00e9"};
    struct client *c = rig_connect(0);
    (void)state;
    for (size_t i = 0; i < sizeof spellings / sizeof spellings[0]; i++) {
        for (int count = 255; count <= 256; count++) {
            char body[1024] =
                "{\"routing_key\":\"k\",\"event_action\":\"resolve\",\"dedup_key\":\"";
            for (int at = 0; at < count; at++) {
                strcat(body, at < count - 20 ? "y" : spellings[i]);
            }
            strcat(body, "\"}");
            post(c, "/v2/enqueue", body, count == 255 ? 202 : 400,
                 count == 255 ? NULL
                              : INVALID("\"Length of 'dedup_key' is incorrect (should be at most "
                                        "255 characters)\""));
        }
    }
}

/* An answer is right however little of it the client takes at a time. */
static void pagerduty_in_pieces(void **state) {
    struct client *c = &rig_clients[0];
    (void)state;
    assert_true(rig_connect_from(c, "10.0.0.1", 700));
    post(c, "/v2/enqueue", "{\"event_action\":\"trigger\",\"payload\":{}}", 400,
         INVALID("\"'routing_key' is missing or blank\",\"'payload.summary' is missing or blank\","
                 "\"'payload.source' is missing or blank\",\"'payload.severity' is missing or "
                 "blank\""));
}

/* ---- GET /webhook and the console -------------------------------------------------------- */

static void list_newest_first(void **state) {
    struct client *c = rig_connect(0);
    (void)state;
    post(c, "/webhook", "{\"a\":1}", 200, NULL);
    post(c, "/slack", "{\"text\":\"b\"}", 200, NULL);
    post(c, "/slack", "{", 400, NULL);
    rig_ask(c, GET("/webhook"), 200);
    rig_expect_header("Content-Type", "text/plain; charset=utf-8");
    rig_expect_body("notification 2: 1994-11-06T08:49:37.000Z /slack (slack), 12 bytes from "
                    "10.0.0.1\n{\n    \"text\": \"b\"\n}\n\n"
                    "notification 1: 1994-11-06T08:49:37.000Z /webhook (webhook), 7 bytes from "
                    "10.0.0.1\n{\n    \"a\": 1\n}\n\n");
    rig_puts(c, "HEAD /webhook HTTP/1.1\r\nHost: a\r\n\r\n");
    rig_acknowledge_all(c);
    assert_true(rig_read(c, true));
    assert_int_equal(rig_answer.status, 200);
    /* Both methods of one path are counted as one handler. */
    expect_metric(c, "\npingshot_http_requests_total{code=\"200\",handler=\"/webhook\"} 3\n", true);
}

/* The page goes on while newer notifications push older ones out. */
static void list_while_more_come(void **state) {
    struct client *c = rig_connect(0);
    struct client *reader = &rig_clients[1];
    char body[700];
    (void)state;
    memset(body, '1', sizeof body);
    body[600] = '\0';
    post(c, "/webhook", body, 200, NULL);
    post(c, "/webhook", body, 200, NULL);
    assert_true(rig_connect_from(reader, "10.0.0.2", 900));
    rig_puts(reader, GET("/webhook"));
    for (int i = 0; i < 5; i++) {
        post(c, "/webhook", body, 200, NULL);
    }
    rig_acknowledge_all(reader);
    rig_expect(reader, 200);
    assert_true(rig_body_has("notification 2: "));
    assert_true(rig_body_has("... newer notifications have overwritten the rest\n"));
}

static char console_text[16384];
static uint32_t console_bytes;

static uint32_t console_takes(const char *bytes, uint32_t n) {
    assert_true(console_bytes + n < sizeof console_text);
    memcpy(console_text + console_bytes, bytes, n);
    console_bytes += n;
    console_text[console_bytes] = '\0';
    return n;
}

static void on_the_console(void **state) {
    (void)state;
    rig_config.console = console_takes;
    rig_config.trust_proxy = true;
    rig_restart();
    console_bytes = 0;
    struct client *c = rig_connect(0);
    rig_ask(c,
            POST("/webhook?x=1", "Content-Type: application/json\r\nX-Forwarded-For: 1.2.3.4\r\n"
                                 "Content-Length: 9\r\n\r\n{\"a\":\"b\"}"),
            200);
    rig_pass(100);
    assert_string_equal(console_text,
                        "notification 1: 1994-11-06T08:49:37.000Z /webhook (webhook), 9 bytes from "
                        "1.2.3.4\nPOST /webhook?x=1 HTTP/1.1\nHost: a\n"
                        "Content-Type: application/json\nX-Forwarded-For: 1.2.3.4\n"
                        "Content-Length: 9\n\n{\n    \"a\": \"b\"\n}\n\n");
    expect_metric(c, "\npingshot_console_dropped_total 0\n", true);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        RIG_TEST(webhook_answers_what_came),
        RIG_TEST(webhook_large_and_slow),
        RIG_TEST(webhook_refusals),
        RIG_TEST(webhook_too_large),
        RIG_TEST(alert_until_resolved),
        RIG_TEST(alerts_full),
        RIG_TEST(alerts_as_events),
        RIG_TEST(alerts_as_too_many_events),
        RIG_TEST(events_are_an_option),
        RIG_TEST(slack),
        RIG_TEST(pagerduty_v2),
        RIG_TEST(pagerduty_v1),
        RIG_TEST(pagerduty_makes_keys),
        RIG_TEST(pagerduty_longest_key),
        RIG_TEST(pagerduty_in_pieces),
        RIG_TEST(list_newest_first),
        RIG_TEST(list_while_more_come),
        RIG_TEST(on_the_console),
    };
    return cmocka_run_group_tests_name("app_webhook", tests, NULL, NULL);
}
