/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * test_app.c: the whole app through its HTTP: what every endpoint answers, and that an error
 * changes nothing. The page of GET /metrics and what becomes of its events is test_app_scrape.c's
 * job.
 */
#include "app_rig.h"

#define SCRAPE_ALSO SCRAPE_FROM("/metrics", "vm_promscrape", "10.000")
#define TEXT "text/plain"
#define JSON "application/json"

/* Whether GET /metrics has this whole line; asked by nobody in particular, without taking
 * events. */
static bool page_has(const char *line) {
    struct client *c = &rig_clients[RIG_CLIENTS - 1];
    char wanted[600];
    (void)snprintf(wanted, sizeof wanted, "\n%s\n", line);
    assert_true(rig_connect_from(c, "10.9.9.9", RIG_WINDOW_BYTES));
    rig_ask(c, "GET /metrics?scraper=onlooker HTTP/1.0\r\n\r\n", 200);
    rig_lose(c);
    return rig_body_has(wanted);
}

/* ---- small endpoints -------------------------------------------------------------------- */

static void welcome(void **state) {
    struct client *c = rig_connect(0);
    (void)state;
    rig_ask(c, GET("/"), 200);
    rig_expect_header("Content-Type", "text/plain; charset=utf-8");
    for (uint32_t i = 0; i < router_count(); i++) {
        char label[64];
        const struct slice path = router_route(i)->path;
        (void)snprintf(label, sizeof label, "%.*s", (int)path.len, path.bytes);
        assert_true(rig_body_has(label));
    }
    rig_ask(c, "GET http://board HTTP/1.1\r\nHost: board\r\n\r\n", 200); /* as a proxy asks */
    assert_true(rig_body_has("GET    /metrics"));
}

static void health(void **state) {
    struct client *c = rig_connect(0);
    (void)state;
    rig_ask(c, GET("/healthz"), 200);
    rig_expect_body("ok\n");
    rig_ask(c, GET("/-/healthy"), 200);
    rig_expect_body("ok\n");
    rig_ask(c, GET("/-/ready"), 200);
    rig_expect_body("ok\n");
}

static void clock_set_and_not_set(void **state) {
    struct client *c = rig_connect(0);
    (void)state;
    rig_pass(200);
    rig_ask(c, GET("/time"), 200);
    rig_expect_body("1994-11-06T08:49:37.200Z\n");
    rig_expect_header("Date", "Sun, 06 Nov 1994 08:49:37 GMT");
    rig_ask(c, GET("/ping"), 200);
    rig_expect_body("PONG - 1994-11-06T08:49:37.200Z\n");
    rig_pass(900);
    rig_ask(c, GET("/ping"), 200);
    rig_expect_header("Date", "Sun, 06 Nov 1994 08:49:38 GMT");
    rig_unix_ms = -1;
    rig_pass(1000);
    rig_ask(c, GET("/time"), 200);
    rig_expect_body("clock not set, up 2 s\n");
    rig_expect_header("Date", NULL);
    rig_ask(c, GET("/ping"), 200);
    rig_expect_body("PONG - clock not set, up 2 s\n");
}

static void pings_are_counted(void **state) {
    struct client *c = rig_connect(0);
    (void)state;
    rig_ask(c, GET("/ping"), 200);
    rig_ask(c, GET("/ping"), 200);
    rig_ask(c, GET("/ping?path=a%22b&receiver=x+y"), 200);
    rig_ask(c, GET("/ping?path=%zz"), 200);
    assert_true(page_has("ping_request_count{path=\"\",receiver=\"\"} 3"));
    assert_true(page_has("ping_request_count{path=\"a\\\"b\",receiver=\"x y\"} 1"));
    /* It goes on answering when no series is left to count in. */
    for (int i = 0; i < CFG_SERIES_MAX + 2; i++) {
        char request[80];
        (void)snprintf(request, sizeof request, GET("/ping?path=%d"), i);
        rig_ask(c, request, 200);
    }
}

static void echo(void **state) {
    struct client *c = rig_connect(0);
    (void)state;
    rig_post(
        c, "/echo?a=%20b", "x/y", "body\n", 200,
        "POST /echo?a=%20b HTTP/1.1\r\nHost: a\r\nContent-Type: x/y\r\nContent-Length: 5\r\n\r\n"
        "body\n");
    rig_ask(c, "POST /echo HTTP/1.1\r\nHost: a\r\n\r\n", 200);
    rig_expect_body("POST /echo HTTP/1.1\r\nHost: a\r\n\r\n");
}

/* ---- status ----------------------------------------------------------------------------- */

/* Passes over one JSON value, blanks not being used; returns where it ends. */
static const char *skip_json(const char *at) {
    if (*at == '"') {
        for (at++; *at != '"'; at++) {
            assert_true((unsigned char)*at >= 0x20);
            at += *at == '\\';
        }
        return at + 1;
    }
    if (*at == '{' || *at == '[') {
        const bool object = *at == '{';
        const char end = object ? '}' : ']';
        at++;
        while (*at != end) {
            if (object) {
                at = skip_json(at);
                assert_int_equal(*at++, ':');
            }
            at = skip_json(at);
            assert_true(*at == end || (*at == ',' && at[1] != end));
            at += *at == ',';
        }
        return at + 1;
    }
    size_t n = strspn(at, "0123456789nul");
    assert_true(n > 0);
    return at + n;
}

static void status(void **state) {
    struct client *c = rig_connect(0);
    (void)state;
    rig_ask(c, GET("/api/v1/status"), 200);
    assert_string_equal(skip_json(rig_answer.body), "\n");
    rig_ask(c, SCRAPE_FROM("/metrics?scraper=\"x%0a\\", "Prometheus/2", "10"), 200);
    rig_ask(c, SCRAPE, 200);
    rig_ask(c, EVENT("a=b"), 200);
    rig_pass(1500);
    rig_ask(c, GET("/api/v1/status"), 200);
    rig_expect_header("Content-Type", "application/json");
    assert_string_equal(skip_json(rig_answer.body), "\n");
    static const char *const parts[] = {
        "{\"version\":\"" APP_VERSION "\",\"target\":\"test\",",
        "\"time\":\"1994-11-06T08:49:38.500Z\",\"uptime_seconds\":1,\"events_posted\":1,",
        "\"events_waiting\":1,",
        "\"scrapers\":[{\"scraper\":\"\\\"x?\\\\\",\"agent\":\"\",\"scrapes\":1,\"pending\":1,",
        "\"last_seen_seconds_ago\":1},{\"scraper\":\"10.0.0.1\",\"agent\":\"Prometheus\",",
        "{\"table\":\"connections\",\"used\":1,\"high_water\":1,\"limit\":6,\"refused\":0}",
    };
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        if (!rig_body_has(parts[i])) {
            print_error("missing: %s in %s", parts[i], rig_answer.body);
        }
        assert_true(rig_body_has(parts[i]));
    }
    rig_unix_ms = -1;
    rig_ask(c, GET("/api/v1/status"), 200);
    assert_string_equal(skip_json(rig_answer.body), "\n");
    assert_true(rig_body_has("\"time\":null,"));
}

/* ---- create, update, delete ------------------------------------------------------------- */

static void create(void **state) {
    struct client *c = rig_connect(0);
    (void)state;
    rig_post(c, "/create", TEXT,
             "# HELP a_total Help.\n# TYPE a_total counter\na_total{x=\"y\"} 2\n", 200,
             "a_total{x=\"y\"} 2\n");
    rig_expect_header("Content-Type", "text/plain; charset=utf-8");
    assert_true(page_has("# HELP a_total Help.\n# TYPE a_total counter\na_total{x=\"y\"} 2"));
    /* What exists keeps its value and is reported. */
    rig_post(c, "/create", "application/x-www-form-urlencoded",
             "a_total{x=\"y\"} 9\na_total{x=\"z\"} 3", 200,
             "a_total{x=\"y\"} 2\na_total{x=\"z\"} 3\n");
    rig_post(c, "/create", "application/openmetrics-text; version=1.0.0",
             "# TYPE om gauge\nom 1\n# EOF\n", 200, "om 1\n");
    rig_post(c, "/create?type=gauge", "TEXT/Plain; charset=utf-8", "g 5\n", 200, "g 5\n");
    assert_true(page_has("# TYPE g gauge\ng 5"));
    rig_post(c, "/create?type=untyped", TEXT, "u 5\n", 200, "u 5\n");
    assert_true(page_has("# TYPE u untyped\nu 5"));
    rig_post(c, "/create?labels=any", TEXT, "m{a=\"1\"} 1\nm{b=\"1\"} 1\n", 200,
             "m{a=\"1\"} 1\nm{b=\"1\"} 1\n");
    rig_post(c, "/create", TEXT, "", 200, "");
    rig_post(
        c, "/create", JSON,
        "[{\"name\":\"j_total\",\"help\":\"H.\",\"metrics\":[{\"labels\":{\"p\":\"/\"},"
        "\"value\":\"7\"}]},{\"name\":\"k\",\"type\":\"gauge\",\"metrics\":[{\"value\":1.5}]}]",
        200, "j_total{p=\"/\"} 7\nk 1.5\n");
    assert_true(page_has("# TYPE k gauge\nk 1.5"));
}

static void update(void **state) {
    struct client *c = rig_connect(0);
    (void)state;
    rig_post(c, "/create", TEXT, "c_total{x=\"y\"} 2\n# TYPE g gauge\ng 5\n", 200, NULL);
    rig_post(c, "/update", TEXT, "c_total{x=\"y\"} 0.5\ng -1\n", 200,
             "c_total{x=\"y\"} 2.5\ng -1\n");
    rig_post(c, "/update", JSON, "{\"name\":\"c_total\",\"metrics\":[{\"labels\":{\"x\":\"y\"}}]}",
             200, "c_total{x=\"y\"} 3.5\n");
    rig_post(c, "/update", TEXT, "c_total{x=\"new\"} 4\n", 200, "c_total{x=\"new\"} 4\n");
    assert_true(page_has("c_total{x=\"y\"} 3.5"));
    rig_post(c, "/update", TEXT, "unknown_total 1\n", 404, NULL);
    assert_true(rig_body_has("unknown_total"));
    rig_post(c, "/update", TEXT, "c_total{x=\"y\"} 1\nc_total{x=\"y\"} -1\n", 400, NULL);
    assert_true(page_has("c_total{x=\"y\"} 3.5"));
}

static void deletion(void **state) {
    struct client *c = rig_connect(0);
    char request[REGISTRY_NAME_BYTES + 80];
    char name[REGISTRY_NAME_BYTES + 2];
    (void)state;
    rig_post(c, "/create", TEXT, "c_total{x=\"y\"} 2\nd_total 1\n", 200, NULL);
    rig_ask(c, "DELETE /metrics/c_total HTTP/1.1\r\nHost: a\r\n\r\n", 204);
    rig_expect_header("Content-Length", NULL);
    rig_expect_header("Content-Type", NULL);
    assert_false(page_has("c_total{x=\"y\"} 2"));
    assert_true(page_has("d_total 1"));
    rig_ask(c, "DELETE /metrics/c_total HTTP/1.1\r\nHost: a\r\n\r\n", 404);
    rig_expect_body("family \"c_total\": does not exist\n");
    rig_ask(c, "DELETE /metrics/%64_total HTTP/1.1\r\nHost: a\r\n\r\n", 204);
    rig_ask(c, "DELETE /metrics/ping_request_count HTTP/1.1\r\nHost: a\r\n\r\n", 409);
    rig_ask(c, "DELETE /metrics/pingshot_uptime_seconds HTTP/1.1\r\nHost: a\r\n\r\n", 409);
    rig_ask(c, "DELETE /metrics/ HTTP/1.1\r\nHost: a\r\n\r\n", 404);
    /* The longest name there is, and one byte more, which begins like it. */
    memset(name, 'n', sizeof name);
    name[REGISTRY_NAME_BYTES] = '\0';
    (void)snprintf(request, sizeof request, "%s 1\n", name);
    rig_post(c, "/create", TEXT, request, 200, NULL);
    (void)snprintf(request, sizeof request, "DELETE /metrics/%sn HTTP/1.1\r\nHost: a\r\n\r\n",
                   name);
    rig_ask(c, request, 404);
    (void)snprintf(request, sizeof request, "DELETE /metrics/%s HTTP/1.1\r\nHost: a\r\n\r\n", name);
    rig_ask(c, request, 204);
}

/* Each is refused, and leaves the page as it was. */
static void refused_changes(void **state) {
    static const struct {
        const char *target;
        const char *type;
        const char *body;
        int status;
        const char *says;
    } rows[] = {
        {"/create", TEXT, "new 1\nb{ad\n", 400, "line 2"},
        {"/create", TEXT, "new 1\nold_total{a=\"b\"} 1\n", 409, "old_total"},
        {"/create", TEXT, "new 1\n# TYPE old_total gauge\nold_total 1\n", 409, "old_total"},
        {"/create", TEXT, "new 1\npingshot_x 1\n", 409, "pingshot_x"},
        {"/create", TEXT, "new 1\nevents_to_metrics 1\n", 409, "events_to_metrics"},
        {"/create", TEXT, "new{a=\"1\"} 1\nnew{b=\"1\"} 1\n", 409, "labels=any"},
        {"/create?type=histogram", TEXT, "new 1\n", 400, "type="},
        {"/create?type=%zz", TEXT, "new 1\n", 400, "type="},
        {"/create?type=aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", TEXT, "new 1\n", 400, "type="},
        {"/create?type=", TEXT, "new 1\n", 400, "type="},
        {"/create?labels=all", TEXT, "new 1\n", 400, "labels="},
        {"/create?labels=%zz", TEXT, "new 1\n", 400, "labels="},
        {"/create?labels=any_of_them", TEXT, "new 1\n", 400, "labels="},
        {"/create", JSON, "{\"name\":\"new\"", 400, "byte 14"},
        {"/create", JSON, "[{\"name\":\"new\"},{\"name\":\"9\"}]", 400, "[1]"},
        {"/create", JSON, "", 400, "byte 1"},
        {"/create", JSON, "{}", 400, "name"},
        {"/update", TEXT, "old_total 1\nnew 1\n", 404, "new"},
        {"/update", TEXT, "old_total 1\nold_total nonsense\n", 400, "line 2"},
    };
    struct client *c = rig_connect(0);
    (void)state;
    rig_post(c, "/create", TEXT, "old_total 1\n", 200, NULL);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        rig_post(c, rows[i].target, rows[i].type, rows[i].body, rows[i].status, NULL);
        if (!rig_body_has(rows[i].says)) {
            print_error("%s %s: %s", rows[i].target, rows[i].body, rig_answer.body);
        }
        assert_true(rig_body_has(rows[i].says));
        assert_ptr_equal(strchr(rig_answer.body, '\n'),
                         rig_answer.body + rig_answer.body_bytes - 1);
        assert_true(page_has("# TYPE old_total counter\nold_total 1"));
        assert_false(rig_body_has("\nnew"));
    }
}

static void full_registry(void **state) {
    struct client *c = rig_connect(0);
    static char body[CFG_SERIES_MAX * 16];
    struct text t = text_over(body, sizeof body - 1);
    (void)state;
    for (int i = 0; i < CFG_SERIES_MAX + 1; i++) {
        text_puts(&t, "s{n=\"");
        text_put_u64(&t, (uint64_t)i);
        text_puts(&t, "\"} 1\n");
    }
    body[t.len] = '\0';
    rig_post(c, "/create", TEXT, body, 503, NULL);
    rig_expect_header("Retry-After", "1");
    assert_false(page_has("s{n=\"0\"} 1"));
    assert_true(page_has("pingshot_table_refusals_total{table=\"series\"} 1"));
}

/* Slow uploads hold a transaction each; one more is told to come again, and nothing else suffers. */
static void all_transactions_taken(void **state) {
    static const char part[] = "POST /create HTTP/1.1\r\nHost: a\r\nContent-Type: text/plain\r\n"
                               "Content-Length: 100\r\n\r\nt%u_total 1\n";
    (void)state;
    for (uint32_t i = 0; i < CFG_REGISTRY_TRANSACTIONS_MAX; i++) {
        char request[128];
        (void)snprintf(request, sizeof request, part, i);
        rig_puts(rig_connect(i), request);
    }
    struct client *c = rig_connect(CFG_REGISTRY_TRANSACTIONS_MAX);
    rig_post(c, "/create", TEXT, "x 1\n", 503, NULL);
    rig_expect_header("Retry-After", "1");
    rig_post(c, "/create", JSON, "{\"name\":\"x\"}", 503, NULL);
    rig_ask(c, GET("/ping"), 200);
    rig_lose(&rig_clients[0]);
    rig_post(c, "/create", TEXT, "x 1\n", 200, "x 1\n");
    rig_pass(11000); /* they are late */
    for (uint32_t i = 1; i < CFG_REGISTRY_TRANSACTIONS_MAX; i++) {
        rig_expect(&rig_clients[i], 408);
    }
    assert_false(page_has("t1_total 1"));
}

/* ---- events ----------------------------------------------------------------------------- */

static void events_are_posted(void **state) {
    struct client *c = rig_connect(0);
    (void)state;
    rig_ask(c, EVENT("type=test&message=x&value=42.5"), 200);
    rig_expect_body("event 1 queued for the first scraper that comes\n");
    rig_ask(c, SCRAPE, 200);
    assert_true(rig_body_has("\n# TYPE events_to_metrics gauge\n"
                             "events_to_metrics{message=\"x\",type=\"test\"} 42.5\n"));
    rig_post(c, "/event?a=1", "application/x-www-form-urlencoded", "b+c=x%22y&value=2", 200,
             "event 2 queued for 1 scraper\n");
    rig_ask(c, SCRAPE_ALSO, 200);
    assert_false(rig_body_has("\nevents_to_metrics{"));
    rig_ask(c, "POST /event HTTP/1.1\r\nHost: a\r\n\r\n", 200);
    rig_expect_body("event 3 queued for 2 scrapers\n");
    rig_ask(c, SCRAPE, 200);
    assert_true(rig_body_has("\nevents_to_metrics{a=\"1\",b_c=\"x\\\"y\"} 2\n"));
    assert_true(rig_body_has("\nevents_to_metrics 1\n"));
}

static void events_are_refused(void **state) {
    static const struct {
        const char *query;
        int status;
        const char *says;
    } rows[] = {
        {"a=%zz", 400, "\"a\": a '%' must be followed by two hex digits"},
        {"%=a", 400, "\"%\": a '%' must be followed by two hex digits"},
        {"value=nonsense", 400, "value"},
        {"9=a", 400, "9"},
        {"__a=b", 400, "__a"},
        {"a=1&a=2", 400, "a"},
        {"a=%ff", 400, "a"},
        {"a=1&b=1&c=1&d=1&e=1&f=1&g=1&h=1&i=1", 413, "labels"},
        {"a=%41%41%41%41%41%41%41%41%41%41%41%41%41%41%41%41%41%41%41%41%41%41%41%41%41%41%41%41%41"
         "%41%41%41%41%41%41%41%41%41%41%41%41%41%41%41%41%41%41%41%41%41%41%41%41%41%41%41%41%41%41"
         "%41%41%41%41%41%41%41%41%41%41%41%41%41%41%41%41%41%41%41%41%41%41%41%41%41%41%41%41%41%41"
         "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
         413, "128 bytes"},
    };
    struct client *c = rig_connect(0);
    char request[600];
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        (void)snprintf(request, sizeof request, EVENT("%s"), rows[i].query);
        rig_ask(c, request, rows[i].status);
        if (!rig_body_has(rows[i].says)) {
            print_error("%s: %s", rows[i].query, rig_answer.body);
        }
        assert_true(rig_body_has(rows[i].says));
    }
    assert_int_equal(rig_state.delivery.counts.posted, 0);
    /* A full table refuses, and drops nothing. */
    for (int i = 0; i < CFG_EVENTS_MAX; i++) {
        (void)snprintf(request, sizeof request, EVENT("n=%d"), i);
        rig_ask(c, request, 200);
    }
    rig_ask(c, EVENT("n=x"), 503);
    rig_expect_header("Retry-After", "1");
    rig_ask(c, SCRAPE, 200);
    assert_true(rig_body_has("\nevents_to_metrics{n=\"0\"} 1\n"));
    assert_true(rig_body_has("\nevents_to_metrics{n=\"39\"} 1\n"));
    assert_false(rig_body_has("n=\"x\""));
    rig_ask(c, EVENT("n=x"), 200);
}

static bool scrape_has_event(struct client *c, const char *request) {
    rig_ask(c, request, 200);
    return rig_body_has("\nevents_to_metrics{e=\"1\"} 1\n");
}

static void each_scraper_once(void **state) {
    struct client *c = rig_connect(0);
    struct client *other = &rig_clients[1];
    (void)state;
    assert_true(rig_connect_from(other, "10.0.0.2", RIG_WINDOW_BYTES));
    assert_false(scrape_has_event(c, SCRAPE));
    assert_false(scrape_has_event(c, SCRAPE_ALSO));
    assert_false(scrape_has_event(other, SCRAPE));
    rig_ask(c, EVENT("e=1"), 200);
    rig_expect_body("event 1 queued for 3 scrapers\n");
    /* A look is no scrape. */
    rig_puts(c, "HEAD /metrics HTTP/1.1\r\nHost: a\r\nUser-Agent: Prometheus/2.42.0\r\n\r\n");
    assert_true(rig_read(c, true));
    assert_int_equal(rig_state.delivery.scrapers.stats.used, 3);
    assert_true(scrape_has_event(c, SCRAPE));
    assert_true(scrape_has_event(c, SCRAPE_ALSO));
    assert_true(scrape_has_event(other, SCRAPE));
    assert_false(scrape_has_event(c, SCRAPE));
    assert_false(scrape_has_event(c, SCRAPE_ALSO));
    assert_false(scrape_has_event(other, SCRAPE));
    assert_int_equal(rig_state.delivery.events.stats.used, 0);
    /* A version of the same product is the same scraper; a name of its own is another. */
    rig_ask(c, EVENT("e=1"), 200);
    assert_true(scrape_has_event(c, SCRAPE_FROM("/metrics", "Prometheus/3.0", "5")));
    assert_false(scrape_has_event(c, SCRAPE));
    assert_false(scrape_has_event(c, SCRAPE_FROM("/metrics?scraper=ha", "Prometheus/2", "10")));
    rig_ask(c, EVENT("e=1"), 200);
    assert_true(scrape_has_event(other, SCRAPE_FROM("/metrics?scraper=ha", "curl", "10")));
    assert_false(scrape_has_event(c, SCRAPE_FROM("/metrics?scraper=ha", "Prometheus/2", "10")));
}

static void scraper_names(void **state) {
    struct client *c = rig_connect(0);
    char request[512];
    char name[300];
    (void)state;
    rig_ask(c, GET("/metrics?scraper=%zz"), 400);
    rig_ask(c, GET("/metrics?scraper=%ff"), 400);
    memset(name, 'n', sizeof name);
    name[SCRAPERS_NAME_BYTES + 1] = '\0';
    (void)snprintf(request, sizeof request, GET("/metrics?scraper=%s"), name);
    rig_ask(c, request, 400);
    memset(name, 'n', sizeof name);
    name[sizeof name - 1] = '\0';
    (void)snprintf(request, sizeof request, GET("/metrics?scraper=%s"), name);
    rig_ask(c, request, 400);
    assert_int_equal(rig_state.delivery.scrapers.stats.used, 0);
    name[SCRAPERS_NAME_BYTES] = '\0';
    (void)snprintf(request, sizeof request, GET("/metrics?scraper=%s"), name);
    rig_ask(c, request, 200);
    assert_int_equal(rig_state.delivery.scrapers.stats.used, 1);
    rig_ask(c, GET("/metrics?scraper="), 200); /* no name: who it is by its address */
    assert_true(rig_body_has("events_to_metrics_scraper_counts{agent=\"unknown\",scraper=\"10.0.0.1"
                             "\"} 1\n"));
}

#define PROXIED(more)                                                       \
    "GET /metrics HTTP/1.1\r\nHost: a\r\nUser-Agent: Prometheus/2\r\n" more \
    "X-Prometheus-Scrape-Timeout-Seconds: 10\r\n\r\n"

static void behind_a_proxy(void **state) {
    static const char first[] = PROXIED("X-Forwarded-For: 192.0.2.1, 10.0.0.9\r\n");
    static const char second[] = PROXIED("X-Real-IP: 192.0.2.2\r\n");
    struct client *c = rig_connect(0);
    (void)state;
    rig_ask(c, first, 200);
    rig_ask(c, second, 200);
    assert_int_equal(rig_state.delivery.scrapers.stats.used, 1); /* who says so is not trusted */
    rig_lose(c);
    rig_config.trust_proxy = true;
    rig_restart();
    c = rig_connect(0);
    rig_ask(c, first, 200);
    rig_ask(c, second, 200);
    rig_ask(c, PROXIED(""), 200);
    assert_int_equal(rig_state.delivery.scrapers.stats.used, 3);
    assert_true(rig_body_has("{agent=\"Prometheus\",scraper=\"192.0.2.1\"} 1\n"));
    assert_true(rig_body_has("{agent=\"Prometheus\",scraper=\"192.0.2.2\"} 1\n"));
    assert_true(rig_body_has("{agent=\"Prometheus\",scraper=\"10.0.0.1\"} 1\n"));
}

static void too_many_scrapers(void **state) {
    struct client *c = rig_connect(0);
    (void)state;
    for (int i = 0; i < CFG_SCRAPERS_MAX; i++) {
        char request[256];
        (void)snprintf(request, sizeof request,
                       SCRAPE_FROM("/metrics?scraper=%d", "Prometheus/2", "10"), i);
        rig_ask(c, request, 200);
    }
    rig_ask(c, SCRAPE_FROM("/metrics?scraper=more", "Prometheus/2", "10"), 503);
    rig_expect_header("Retry-After", "1");
    rig_pass(CFG_SCRAPER_TIMEOUT_MS + 100);
    assert_true(rig_closed(c));
    rig_ask(rig_connect(1), SCRAPE_FROM("/metrics?scraper=more", "Prometheus/2", "10"), 200);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        RIG_TEST(welcome),
        RIG_TEST(health),
        RIG_TEST(clock_set_and_not_set),
        RIG_TEST(pings_are_counted),
        RIG_TEST(echo),
        RIG_TEST(status),
        RIG_TEST(create),
        RIG_TEST(update),
        RIG_TEST(deletion),
        RIG_TEST(refused_changes),
        RIG_TEST(full_registry),
        RIG_TEST(all_transactions_taken),
        RIG_TEST(events_are_posted),
        RIG_TEST(events_are_refused),
        RIG_TEST(each_scraper_once),
        RIG_TEST(scraper_names),
        RIG_TEST(behind_a_proxy),
        RIG_TEST(too_many_scrapers),
    };
    return cmocka_run_group_tests_name("app", tests, NULL, NULL);
}
