/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * test_app_idempotency.c: requests with an Idempotency-Key through the whole app: what comes again is
 * answered again and done once, however the requests are cut, refused, lost or mixed.
 */
#include "app_rig.h"

#define KEYS CFG_IDEMPOTENCY_KEYS
#define KEY(key) "Idempotency-Key: " key "\r\n"
#define FORM "Content-Type: application/x-www-form-urlencoded\r\n"
#define TEXT "Content-Type: text/plain\r\n"
#define JSON "Content-Type: application/json\r\n"
#define KEYED_EVENT(query, key) POST("/event?" query, KEY(key) "\r\n")
#define CHUNKED "Transfer-Encoding: chunked\r\n\r\n"

#define REUSED                                                                                   \
    "Idempotency-Key: another path, query or body was sent with it before; a new request needs " \
    "a new key\n"
#define UNDER_WAY \
    "Idempotency-Key: a request with it is still under way; come again for its answer\n"

static uint64_t events_posted(void) {
    return rig_app.state->delivery.counts.posted;
}

static uint32_t repeats(void) {
    return rig_app.state->idempotency.repeats_total;
}

/* A POST with a body, as text. */
static const char *post(const char *target, const char *fields, const char *body) {
    static char request[8192];
    const int n = snprintf(request, sizeof request,
                           "POST %s HTTP/1.1\r\nHost: a\r\n%sContent-Length: %zu\r\n\r\n%s", target,
                           fields, strlen(body), body);
    assert_in_range(n, 1, sizeof request - 1);
    return request;
}

static void ask(struct client *c, const char *request, int status, const char *body) {
    rig_ask(c, request, status);
    rig_expect_body(body);
}

/* GET /metrics has this line. */
static bool page_has(const char *line) {
    struct client *c = &rig_clients[RIG_CLIENTS - 1];
    char wanted[300];
    (void)snprintf(wanted, sizeof wanted, "\n%s\n", line);
    assert_true(rig_connect_from(c, "10.9.9.9", RIG_WINDOW_BYTES));
    rig_ask(c, "GET /metrics?scraper=onlooker HTTP/1.0\r\n\r\n", 200);
    rig_lose(c);
    return rig_body_has(wanted);
}

/* ---- events ----------------------------------------------------------------------------- */

static void an_event_is_posted_once(void **state) {
    struct client *c = rig_connect(0);
    (void)state;
    rig_ask(c, SCRAPE, 200); /* the first scraper */
    for (int i = 0; i < 3; i++) {
        ask(c, KEYED_EVENT("type=a", "\"k1\""), 200, "event 1 queued for 1 scraper\n");
        rig_expect_header("Content-Type", "text/plain; charset=utf-8");
        ask(c, KEYED_EVENT("type=a", "k1"), 200, "event 1 queued for 1 scraper\n");
    }
    assert_int_equal(events_posted(), 1);
    assert_int_equal(repeats(), 5);
    ask(c, KEYED_EVENT("type=a", "k2"), 200, "event 2 queued for 1 scraper\n");
    ask(c, EVENT("type=a"), 200, "event 3 queued for 1 scraper\n");
    ask(c, EVENT("type=a"), 200, "event 4 queued for 1 scraper\n");
    /* The first answer comes again, whatever has changed since. */
    rig_ask(c, SCRAPE_FROM("/metrics", "vm_promscrape", "10.000"), 200);
    rig_pass(700000);
    ask(rig_connect(1), KEYED_EVENT("type=a", "k1"), 200, "event 1 queued for 1 scraper\n");
    assert_int_equal(events_posted(), 4);
}

static void an_event_held_for_the_first_scraper(void **state) {
    struct client *c = rig_connect(0);
    (void)state;
    ask(c, KEYED_EVENT("type=a", "k"), 200, "event 1 queued for the first scraper that comes\n");
    rig_ask(c, SCRAPE, 200);
    assert_true(rig_body_has("\nevents_to_metrics{type=\"a\"} 1\n"));
    ask(c, KEYED_EVENT("type=a", "k"), 200, "event 1 queued for the first scraper that comes\n");
    rig_ask(c, SCRAPE, 200);
    assert_false(rig_body_has("\nevents_to_metrics{"));
}

/* The numbers of events are longer than what is remembered of them. */
static void large_event_numbers(void **state) {
    struct client *c = rig_connect(0);
    (void)state;
    rig_app.state->delivery.counts.posted = UINT64_C(0x2fffffffe);
    ask(c, KEYED_EVENT("", "a"), 200,
        "event 12884901887 queued for the first scraper that comes\n");
    ask(c, KEYED_EVENT("", "b"), 200,
        "event 12884901888 queued for the first scraper that comes\n");
    ask(c, KEYED_EVENT("", "a"), 200,
        "event 12884901887 queued for the first scraper that comes\n");
    ask(c, KEYED_EVENT("", "b"), 200,
        "event 12884901888 queued for the first scraper that comes\n");
}

/* The labels of the body count, not how they are framed or what the other headers say. */
static void event_bodies(void **state) {
    static const char *const receipt = "event 1 queued for the first scraper that comes\n";
    struct client *c = rig_connect(0);
    (void)state;
    ask(c, post("/event?x=1", KEY("k") FORM, "type=a&b=c"), 200, receipt);
    ask(c, post("/event?x=1", FORM KEY("\"k\"") "X-Other: y\r\n", "type=a&b=c"), 200, receipt);
    ask(c,
        POST("/event?x=1", KEY("k") FORM CHUNKED) "3\r\ntyp\r\n7;x\r\ne=a&b=c\r\n0\r\nX: y\r\n\r\n",
        200, receipt);
    ask(c, POST("/%65vent?x=1", KEY("k") FORM CHUNKED) "a\r\ntype=a&b=c\r\n0\r\n\r\n", 200,
        receipt);
    ask(c, post("/event?x=1", KEY("k") FORM, "type=a&b=d"), 422, REUSED);
    ask(c, post("/event?x=1", KEY("k") FORM, "type=a&b="), 422, REUSED);
    ask(c, post("/event?x=1", KEY("k") FORM, ""), 422, REUSED);
    ask(c, post("/event?x=1", KEY("k") FORM, "=%zz"), 422, REUSED);
    ask(c, POST("/event?x=1", KEY("k") "\r\n"), 422, REUSED);
    ask(c, POST("/event?x=1&type=a&b=c", KEY("k") "\r\n"), 422, REUSED);
    ask(c, post("/event?x=2", KEY("k") FORM, "type=a&b=c"), 422, REUSED);
    ask(c, post("/event?x=1", KEY("k") FORM, "type=a&b=c"), 200, receipt);
    assert_int_equal(events_posted(), 1);
    assert_int_equal(repeats(), 4);
    /* A body's beginning is not the query's end. */
    ask(c, post("/event?x=1", KEY("l") FORM, "&y=2"), 200,
        "event 2 queued for the first scraper that comes\n");
    ask(c, post("/event?x=1&y=2", KEY("l") FORM, ""), 422, REUSED);
}

/* Longer than a receive buffer. */
static void a_large_event_body(void **state) {
    struct client *c = rig_connect(0);
    char body[CFG_HTTP_RX_BYTES + 200];
    (void)state;
    memset(body, '&', sizeof body);
    memcpy(body, "type=a", 6);
    body[sizeof body - 1] = '\0';
    ask(c, post("/event", KEY("k") FORM, body), 200,
        "event 1 queued for the first scraper that comes\n");
    ask(c, post("/event", KEY("k") FORM, body), 200,
        "event 1 queued for the first scraper that comes\n");
    body[sizeof body - 2] = 'z';
    ask(c, post("/event", KEY("k") FORM, body), 422, REUSED);
    assert_int_equal(events_posted(), 1);
}

/* ---- keys ------------------------------------------------------------------------------- */

static void hostile_keys(void **state) {
    static const char *const fields[] = {
        KEY(""),           KEY("\"\""),
        KEY("\""),         KEY("a b"),
        KEY("a, b"),       KEY("\"a\", \"b\""),
        KEY("\"a\";b=1"),  KEY("\"\\x\""),
        KEY("\xc3\xa9"),   KEY("a\tb"),
        KEY("a") KEY("a"), KEY("a") "X: y\r\n" KEY("b"),
        KEY("") KEY("a"),  KEY("a") KEY("") KEY("a"),
    };
    struct client *c = rig_connect(0);
    char request[512];
    (void)state;
    for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++) {
        (void)snprintf(request, sizeof request, "POST /event HTTP/1.1\r\nHost: a\r\n%s\r\n",
                       fields[i]);
        rig_ask(c, request, 400);
        assert_memory_equal(rig_answer.body, "Idempotency-Key: must be given once, ", 37);
        assert_ptr_equal(strchr(rig_answer.body, '\n'),
                         rig_answer.body + rig_answer.body_bytes - 1);
        rig_expect_header("Connection", NULL);
    }
    assert_int_equal(events_posted(), 0);
    /* The longest one and one more. */
    for (int len = 255; len <= 256; len++) {
        (void)snprintf(request, sizeof request,
                       "POST /event HTTP/1.1\r\nHost: a\r\n" KEY("%0*d") "\r\n", len, 7);
        rig_ask(c, request, len == 255 ? 200 : 400);
    }
    assert_int_equal(events_posted(), 1);
}

/* Where a request may be repeated anyway the field means nothing. */
static void other_endpoints_ignore_it(void **state) {
    struct client *c = rig_connect(0);
    (void)state;
    rig_ask(c, "GET /ping HTTP/1.1\r\nHost: a\r\n" KEY("a b") "\r\n", 200);
    rig_ask(c, POST("/echo", KEY("k") TEXT "Content-Length: 1\r\n\r\nx"), 200);
    rig_ask(c, POST("/echo", KEY("k") TEXT "Content-Length: 1\r\n\r\ny"), 200);
    rig_ask(c, POST("/event?a=b", KEY("k") "\r\n"), 200);
    rig_ask(c, "DELETE /metrics/x HTTP/1.1\r\nHost: a\r\n" KEY("k") "\r\n", 404);
    assert_int_equal(repeats(), 0);
}

/* ---- refusals --------------------------------------------------------------------------- */

static void a_refused_request_is_judged_anew(void **state) {
    struct client *c = rig_connect(0);
    (void)state;
    rig_ask(c, KEYED_EVENT("type=a&value=x", "k"), 400);
    rig_ask(c, KEYED_EVENT("type=%zz", "k"), 400);
    rig_ask(c, post("/event", KEY("k") JSON, "{}"), 415);
    rig_ask(c, post("/create?type=x", KEY("k") TEXT, "a 1\n"), 400);
    rig_ask(c, post("/update", KEY("k") TEXT, "unheard_of 1\n"), 404);
    rig_ask(c, post("/create", KEY("k") TEXT, "a 1\nb\n"), 400);
    rig_ask(c, post("/create", KEY("k") JSON, "{"), 400);
    rig_ask(c, post("/create", KEY("k") JSON, "{\"name\":\"up\",\"metrics\":[{\"value\":\"x\"}]}"),
            400);
    rig_ask(c, KEYED_EVENT("type=a", "k"), 200);
    rig_ask(c, KEYED_EVENT("type=a", "k"), 200);
    assert_int_equal(events_posted(), 1);
    assert_int_equal(repeats(), 1);
    assert_false(page_has("a 1"));
    assert_true(page_has("pingshot_table_used{table=\"idempotency_keys\"} 1"));
}

/* A full table refuses without forgetting what was done, until there is room. */
static void a_full_event_table(void **state) {
    struct client *c = rig_connect(0);
    (void)state;
    for (uint32_t i = 0; i < KEYS; i++) {
        char request[128];
        (void)snprintf(request, sizeof request, KEYED_EVENT("i=%u", "done-%u"), (unsigned)i,
                       (unsigned)i);
        rig_ask(c, request, 200);
    }
    for (uint32_t i = KEYS; i < CFG_EVENTS_MAX; i++) {
        rig_ask(c, EVENT("type=a"), 200);
    }
    for (uint32_t i = 0; i < 2 * KEYS; i++) {
        rig_ask(c, KEYED_EVENT("type=b", "new"), 503);
        rig_expect_header("Retry-After", "1");
    }
    ask(c, KEYED_EVENT("i=0", "done-0"), 200, "event 1 queued for the first scraper that comes\n");
    rig_ask(c, SCRAPE, 200);
    rig_ask(c, KEYED_EVENT("type=b", "new"), 200);
    rig_ask(c, KEYED_EVENT("type=b", "new"), 200);
    assert_int_equal(events_posted(), CFG_EVENTS_MAX + 1);
}

/* ---- under way -------------------------------------------------------------------------- */

#define HALF POST("/event?type=a", KEY("k") FORM "Content-Length: 6\r\n\r\n") "b=c"

static void two_at_once(void **state) {
    struct client *first = rig_connect(0);
    struct client *second = rig_connect(1);
    (void)state;
    rig_puts(first, HALF);
    ask(second, KEYED_EVENT("type=a", "k"), 409, UNDER_WAY);
    rig_expect_header("Retry-After", "1");
    ask(second, post("/create", KEY("k") TEXT, "a 1\n"), 409, UNDER_WAY);
    rig_expect_header("Connection", NULL);
    rig_ask(second, KEYED_EVENT("type=a", "other"), 200);
    rig_puts(first, "def");
    rig_expect(first, 200);
    rig_expect_body("event 2 queued for the first scraper that comes\n");
    /* It is answered, though nobody has acknowledged that. */
    ask(second, post("/event?type=a", KEY("k") FORM, "b=cdef"), 200,
        "event 2 queued for the first scraper that comes\n");
}

/* Every way in which a connection ends with half a request, and the retry is a new one. */
static void lost_in_the_body(void **state) {
    static const char *const halves[] = {
        HALF,
        POST("/event?type=a", KEY("k") FORM CHUNKED) "3\r\nb=c\r\n",
        POST("/create", KEY("k") TEXT "Content-Length: 9\r\n\r\n") "a 1\n",
        POST("/create", KEY("k") TEXT "Content-Length: 9\r\n\r\n") "a",
        POST("/update", KEY("k") JSON CHUNKED),
    };
    (void)state;
    for (size_t i = 0; i < sizeof halves / sizeof halves[0]; i++) {
        for (int how = 0; how < 4; how++) {
            struct client *c = rig_connect(0);
            struct client *other = rig_connect(1);
            rig_puts(c, halves[i]);
            ask(other, KEYED_EVENT("type=a", "k"), 409, UNDER_WAY);
            if (how == 0) {
                rig_lose(c);
            } else if (how == 3 && strstr(halves[i], "chunked") != NULL) {
                rig_puts(c, "\rx\r\n"); /* breaks the framing */
                rig_expect(c, 400);
            } else if (how == 1) {
                rig_finish(c);
            } else {
                rig_pass(CFG_HTTP_REQUEST_TIMEOUT_MS + 200);
                rig_expect(c, 408);
            }
            assert_null(rig_app.keyed_requests);
            other = rig_connect(2);
            rig_ask(other, KEYED_EVENT("type=a", "k"), 200);
            assert_int_equal(events_posted(), 1);
            rig_lose(other);
            rig_lose(c);
            rig_restart();
        }
    }
}

/* A refusal in the middle of a body ends it. */
static void refused_in_the_body(void **state) {
    struct client *c = rig_connect(0);
    struct client *other = rig_connect(1);
    (void)state;
    rig_puts(c, POST("/create", KEY("k") TEXT "Content-Length: 400\r\n\r\n") "a b\n");
    rig_ask(other, KEYED_EVENT("type=a", "k"), 200);
    rig_lose(c);
}

/* Several in one segment: the first is done, those behind it are answered. */
static void pipelined(void **state) {
    static const char requests[] = KEYED_EVENT("type=a", "k") KEYED_EVENT("type=a", "k")
        KEYED_EVENT("type=b", "k") POST("/create", KEY("l") TEXT "Content-Length: 4\r\n\r\na 1\n")
            POST("/create", KEY("l") TEXT "Content-Length: 4\r\n\r\na 1\n")
                POST("/update", KEY("m") TEXT CHUNKED) "4\r\na 2\n\r\n0\r\n\r\n" POST(
                    "/update", KEY("m") TEXT "Content-Length: 4\r\n\r\na 2\n")
                    KEYED_EVENT("type=a", "k");
    (void)state;
    for (size_t step = 1; step < sizeof requests; step += step < 40 ? 1 : 37) {
        struct client *c = rig_connect(0);
        rig_send_pieces(c, requests, sizeof requests - 1, step);
        rig_acknowledge_all(c);
        rig_expect(c, 200);
        rig_expect_body("event 1 queued for the first scraper that comes\n");
        rig_expect(c, 200);
        rig_expect_body("event 1 queued for the first scraper that comes\n");
        rig_expect(c, 422);
        rig_expect_body(REUSED);
        rig_expect(c, 200);
        rig_expect_body("a 1\n");
        rig_expect(c, 200);
        rig_expect_body("a 1\n");
        rig_expect(c, 200);
        rig_expect_body("a 3\n");
        rig_expect(c, 200);
        rig_expect_body("a 3\n");
        rig_expect(c, 200);
        rig_expect_body("event 1 queued for the first scraper that comes\n");
        rig_expect_nothing(c);
        assert_int_equal(repeats(), 4);
        rig_lose(c);
        rig_restart();
    }
}

/* The answer never came: the client asks again, on another connection. */
static void lost_before_the_answer(void **state) {
    struct client *c = rig_connect(0);
    (void)state;
    rig_puts(c, post("/create", KEY("c") TEXT, "a{x=\"1\"} 5\n"));
    rig_lose(c);
    assert_true(rig_connect_from(c, "10.0.0.1", 0)); /* takes nothing */
    rig_puts(c, post("/update", KEY("u") TEXT, "a{x=\"1\"} 2\n"));
    rig_puts(c, KEYED_EVENT("type=a", "e"));
    rig_lose(c);
    c = rig_connect(1);
    ask(c, post("/create", KEY("c") TEXT, "a{x=\"1\"} 5\n"), 200, "a{x=\"1\"} 7\n");
    ask(c, post("/update", KEY("u") TEXT, "a{x=\"1\"} 2\n"), 200, "a{x=\"1\"} 7\n");
    ask(c, KEYED_EVENT("type=a", "e"), 200, "event 1 queued for the first scraper that comes\n");
    assert_int_equal(repeats(),
                     2); /* that request for an event had to wait for the answer before */
}

/* ---- metrics ---------------------------------------------------------------------------- */

#define COUNTERS "# TYPE runs counter\nruns{a=\"1\"} 1\nruns{a=\"2\"} 2\n"

/* A repeat of /create makes nothing, and of /update adds nothing. The lines are as they now stand. */
static void lines_as_they_now_stand(void **state) {
    struct client *c = rig_connect(0);
    (void)state;
    ask(c, post("/create", KEY("c") TEXT, COUNTERS), 200, "runs{a=\"1\"} 1\nruns{a=\"2\"} 2\n");
    ask(c, post("/update", KEY("u") TEXT, COUNTERS), 200, "runs{a=\"1\"} 2\nruns{a=\"2\"} 4\n");
    ask(c, post("/update", KEY("u") TEXT, COUNTERS), 200, "runs{a=\"1\"} 2\nruns{a=\"2\"} 4\n");
    ask(c, post("/update", TEXT, "runs{a=\"1\"} 10\n"), 200, "runs{a=\"1\"} 12\n");
    ask(c, post("/update", KEY("u") TEXT, COUNTERS), 200, "runs{a=\"1\"} 12\nruns{a=\"2\"} 4\n");
    ask(c, post("/create", KEY("c") TEXT, COUNTERS), 200, "runs{a=\"1\"} 12\nruns{a=\"2\"} 4\n");
    rig_ask(c, "DELETE /metrics/runs HTTP/1.1\r\nHost: a\r\n\r\n", 204);
    ask(c, post("/update", KEY("u") TEXT, COUNTERS), 200, "");
    ask(c, post("/create", KEY("c") TEXT, COUNTERS), 200, "");
    assert_int_equal(rig_app.state->registry.families_count.used, 1); /* ping_request_count */
    rig_ask(c, post("/create", TEXT, "# TYPE runs gauge\nruns{b=\"1\"} 1\n"), 200);
    ask(c, post("/create", KEY("c") TEXT, COUNTERS), 200, "");
    assert_int_equal(repeats(), 6);
}

/* All that a body can say is passed over when it comes again. */
static void a_page_of_everything(void **state) {
    static const char page[] = "# HELP h A histogram.\n# TYPE h histogram\n"
                               "h_bucket{le=\"1\"} 1\nh_bucket{le=\"+Inf\"} 2\nh_sum 3\nh_count 2\n"
                               "# TYPE s summary\ns{quantile=\"0.5\"} 1\ns_sum 1\ns_count 1\n"
                               "# TYPE empty gauge\n# TYPE g gauge\ng{x=\"\\\"\"} NaN\n# EOF\n";
    char first[1024];
    struct client *c = rig_connect(0);
    (void)state;
    rig_ask(c, post("/create", KEY("k") TEXT, page), 200);
    assert_in_range(rig_answer.body_bytes, 1, sizeof first - 1);
    memcpy(first, rig_answer.body, rig_answer.body_bytes + 1);
    const uint32_t series = rig_app.state->registry.series_count.used;
    ask(c, post("/create", KEY("k") FORM, page), 200, first);
    ask(c, post("/create", KEY("k") "Content-Type: application/openmetrics-text\r\n", page), 200,
        first);
    assert_int_equal(rig_app.state->registry.series_count.used, series);
}

/* JSON is another format than text, not the same said otherwise. */
static void json(void **state) {
    static const char body[] = "[{\"name\":\"h\",\"type\":\"histogram\",\"metrics\":["
                               "{\"labels\":{\"le\":\"+Inf\"},\"value\":1}]},"
                               "{\"name\":\"n\",\"help\":\"N.\",\"metrics\":[{\"labels\":{}}]}]";
    struct client *c = rig_connect(0);
    (void)state;
    ask(c, post("/create", KEY("c") JSON, body), 200, "h_bucket{le=\"+Inf\"} 1\nn 0\n");
    ask(c, post("/create", KEY("c") JSON, body), 200, "h_bucket{le=\"+Inf\"} 1\nn 0\n");
    ask(c, post("/update", KEY("u") JSON, "{\"name\":\"n\",\"metrics\":[{\"labels\":{}}]}"), 200,
        "n 1\n");
    ask(c, post("/update", KEY("u") JSON, "{\"name\":\"n\",\"metrics\":[{\"labels\":{}}]}"), 200,
        "n 1\n");
    ask(c, post("/update", KEY("u") JSON, "{\"name\":\"n\",\"metrics\":[{\"labels\":{} }]}"), 422,
        REUSED);
    ask(c, post("/update", KEY("u") JSON, "{"), 422, REUSED);
    ask(c, post("/create", KEY("c") TEXT, body), 422, REUSED);
    ask(c, post("/create", KEY("c") JSON, body), 200, "h_bucket{le=\"+Inf\"} 1\nn 1\n");
    assert_int_equal(repeats(), 3);
}

/* Wherever another body differs, and whether or not it can be read, it is 422, and has done
 * nothing. */
static void other_bodies(void **state) {
    static const char *const bodies[] = {
        "",
        "a 1",
        "a 1\nb 2",
        "a 1\nb 3\n",
        "a 1\nb 2\n\n",
        "a 1\n",
        "b 2\na 1\n",
        "a 1\nb 2\nc 3\n",
        "a 1\nb\n",
        "# TYPE a gauge\na 1\nb 2\n",
        "a 1\nb{x=\"\n",
        "\xff\n",
        "a 1\r\nb 2\r\n",
    };
    struct client *c = rig_connect(0);
    (void)state;
    rig_ask(c, post("/create", KEY("k") TEXT, "a 1\nb 2\n"), 200);
    rig_ask(c, "DELETE /metrics/a HTTP/1.1\r\nHost: a\r\n\r\n", 204);
    for (size_t i = 0; i < sizeof bodies / sizeof bodies[0]; i++) {
        ask(c, post("/create", KEY("k") TEXT, bodies[i]), 422, REUSED);
    }
    ask(c, post("/update", KEY("k") TEXT, "a 1\nb 2\n"), 422, REUSED);
    ask(c, post("/create?type=gauge", KEY("k") TEXT, "a 1\nb 2\n"), 422, REUSED);
    ask(c, post("/create", KEY("k") TEXT, "a 1\nb 2\n"), 200, "b 2\n");
    assert_int_equal(rig_app.state->registry.families_count.used, 2);
    assert_int_equal(repeats(), 1);
}

/* A body of many lines, in pieces of every size. */
static void streamed_bodies(void **state) {
    char body[1200];
    char request[1600];
    uint32_t len = 0;
    (void)state;
    for (unsigned i = 0; i < 40; i++) {
        len += (uint32_t)snprintf(body + len, sizeof body - len, "lab{i=\"%u\"} %u\n", i, i * i);
    }
    for (size_t step = 1; step < sizeof request; step += 1 + step / 3) {
        struct client *c = rig_connect(0);
        rig_ask(c, post("/create", KEY("k") TEXT, body), 200);
        assert_string_equal(rig_answer.body, body);
        const int n = snprintf(request, sizeof request,
                               "POST /create HTTP/1.1\r\nHost: a\r\n" KEY("k") TEXT CHUNKED
                               "%x\r\n%.*s\r\n%x\r\n%s\r\n0\r\n\r\n",
                               (unsigned)(step % len + 1), (int)(step % len + 1), body,
                               (unsigned)(len - step % len - 1), body + step % len + 1);
        if (step % len + 1 < len) {
            rig_send_pieces(c, request, (size_t)n, step);
            rig_acknowledge_all(c);
            rig_expect(c, 200);
            rig_expect_body(body);
        }
        (void)snprintf(request, sizeof request, "%s", post("/create", KEY("k") TEXT, body));
        request[strlen(request) - 2] ^= 1; /* the last digit */
        rig_send_pieces(c, request, strlen(request), step);
        rig_acknowledge_all(c);
        rig_expect(c, 422);
        rig_expect_body(REUSED);
        rig_lose(c);
        rig_restart();
    }
}

/* A repeat that comes while another request holds what it names changes and claims nothing. */
static void beside_other_changes(void **state) {
    struct client *c = rig_connect(0);
    struct client *other = rig_connect(1);
    (void)state;
    rig_ask(c, post("/create", KEY("k") TEXT, "a 1\nb 2\n"), 200);
    rig_puts(other, POST("/update", TEXT "Content-Length: 9\r\n\r\n") "a 10\n");
    ask(c, post("/create", KEY("k") TEXT, "a 1\nb 2\n"), 200, "a 1\nb 2\n");
    rig_puts(other, "b 1\n");
    rig_acknowledge_all(other);
    rig_expect(other, 200);
    rig_expect_body("a 11\nb 3\n");
    /* What an unfinished request makes is not there yet; what is deleted meanwhile is gone. */
    rig_ask(c, "DELETE /metrics/a HTTP/1.1\r\nHost: a\r\n\r\n", 204);
    rig_puts(other, POST("/create", TEXT "Content-Length: 8\r\n\r\n") "a 5\n");
    ask(c, post("/create", KEY("k") TEXT, "a 1\nb 2\n"), 200, "b 3\n");
    rig_puts(c, POST("/create", KEY("k") TEXT "Content-Length: 8\r\n\r\n") "a 1\nb 2");
    rig_puts(other, "c 5\n");
    rig_ask(rig_connect(2), "DELETE /metrics/b HTTP/1.1\r\nHost: a\r\n\r\n", 204);
    rig_ask(&rig_clients[2], post("/create", TEXT, "z 1\n"), 200); /* in the place of b */
    rig_puts(c, "\n");
    rig_acknowledge_all(c);
    rig_expect(c, 200);
    rig_expect_body("");
}

/* Without a transaction free a repeat is refused as any other request, and comes again. */
static void no_transaction_free(void **state) {
    struct client *c = rig_connect(0);
    (void)state;
    rig_ask(c, post("/create", KEY("k") TEXT, "a 1\n"), 200);
    for (uint32_t i = 0; i < CFG_REGISTRY_TRANSACTIONS_MAX; i++) {
        char line[] = "b 1\n";
        line[0] = (char)(line[0] + (char)i);
        rig_puts(rig_connect(1 + i), POST("/create", TEXT "Content-Length: 8\r\n\r\n"));
        rig_puts(&rig_clients[1 + i], line);
    }
    rig_ask(c, post("/create", KEY("k") TEXT, "a 1\n"), 503);
    rig_expect_header("Retry-After", "1");
    assert_int_equal(repeats(), 0);
    rig_lose(&rig_clients[1]);
    ask(c, post("/create", KEY("k") TEXT, "a 1\n"), 200, "a 1\n");
    assert_int_equal(repeats(), 1);
}

/* ---- the head --------------------------------------------------------------------------- */

/* What the head shows is told before the body comes. */
static void refused_at_the_head(void **state) {
    struct client *c = rig_connect(0);
    (void)state;
    rig_ask(c, KEYED_EVENT("type=a", "k"), 200);
    rig_puts(c, POST("/create", KEY("k") TEXT "Expect: 100-continue\r\n"
                                              "Content-Length: 100000\r\n\r\n"));
    rig_acknowledge_all(c);
    rig_expect(c, 422);
    rig_expect_body(REUSED);
    assert_true(rig_closed(c));
}

/* ---- for how long ----------------------------------------------------------------------- */

/* As many others with keys, and a retry is a new request; those without and those refused do not
 * count. */
static void late_retries(void **state) {
    struct client *c = rig_connect(0);
    char request[128];
    (void)state;
    ask(c, KEYED_EVENT("type=a", "k"), 200, "event 1 queued for the first scraper that comes\n");
    for (unsigned i = 0; i + 1 < KEYS; i++) {
        (void)snprintf(request, sizeof request, KEYED_EVENT("type=a", "other-%u"), i);
        rig_ask(c, request, 200);
        rig_ask(c, EVENT("type=a"), 200);
        rig_ask(c, KEYED_EVENT("value=x", "refused"), 400);
    }
    ask(c, KEYED_EVENT("type=a", "k"), 200, "event 1 queued for the first scraper that comes\n");
    rig_ask(c, KEYED_EVENT("type=a", "one more"), 400);
    rig_ask(c, KEYED_EVENT("type=a", "one-more"), 200);
    assert_int_equal(events_posted(), 2 * KEYS);
    rig_ask(c, KEYED_EVENT("type=a", "k"), 200);
    assert_int_equal(events_posted(), 2 * KEYS + 1);
}

/* What was found at the head is answered at the end, though it was replaced meanwhile. */
static void replaced_in_the_body(void **state) {
    struct client *c = rig_connect(0);
    struct client *slow = rig_connect(1);
    char request[128];
    (void)state;
    rig_ask(c, post("/event?type=a", KEY("k") FORM, "b=c"), 200);
    rig_puts(slow, POST("/event?type=a", KEY("k") FORM "Content-Length: 3\r\n\r\n") "b");
    for (unsigned i = 0; i < KEYS; i++) {
        (void)snprintf(request, sizeof request, KEYED_EVENT("type=a", "other-%u"), i);
        rig_ask(c, request, 200);
    }
    ask(slow, "=c", 200, "event 1 queued for the first scraper that comes\n");
    assert_int_equal(events_posted(), 1 + KEYS);
}

static void own_metrics(void **state) {
    struct client *c = rig_connect(0);
    (void)state;
    rig_ask(c, KEYED_EVENT("type=a", "k"), 200);
    rig_ask(c, KEYED_EVENT("type=a", "k"), 200);
    rig_ask(c, KEYED_EVENT("type=b", "k"), 422);
    assert_true(page_has("pingshot_http_repeats_total 1"));
    assert_true(page_has("pingshot_table_used{table=\"idempotency_keys\"} 1"));
    assert_true(page_has("pingshot_table_high_water{table=\"idempotency_keys\"} 1"));
    assert_true(page_has("pingshot_table_limit{table=\"idempotency_keys\"} 4"));
    assert_true(page_has("pingshot_http_requests_total{code=\"422\",handler=\"/event\"} 1"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        RIG_TEST(an_event_is_posted_once),
        RIG_TEST(an_event_held_for_the_first_scraper),
        RIG_TEST(large_event_numbers),
        RIG_TEST(event_bodies),
        RIG_TEST(a_large_event_body),
        RIG_TEST(hostile_keys),
        RIG_TEST(other_endpoints_ignore_it),
        RIG_TEST(a_refused_request_is_judged_anew),
        RIG_TEST(a_full_event_table),
        RIG_TEST(two_at_once),
        RIG_TEST(lost_in_the_body),
        RIG_TEST(refused_in_the_body),
        RIG_TEST(pipelined),
        RIG_TEST(lost_before_the_answer),
        RIG_TEST(lines_as_they_now_stand),
        RIG_TEST(a_page_of_everything),
        RIG_TEST(json),
        RIG_TEST(other_bodies),
        RIG_TEST(streamed_bodies),
        RIG_TEST(beside_other_changes),
        RIG_TEST(no_transaction_free),
        RIG_TEST(refused_at_the_head),
        RIG_TEST(late_retries),
        RIG_TEST(replaced_in_the_body),
        RIG_TEST(own_metrics),
    };
    return cmocka_run_group_tests_name("app_idempotency", tests, NULL, NULL);
}
