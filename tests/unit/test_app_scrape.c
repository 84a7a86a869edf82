/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * test_app_scrape.c: the page of GET /metrics, and events exactly once whatever becomes of the
 * scrape: cut at any write, at any acknowledged byte, twice, late, or by the server itself.
 */
#include "app_rig.h"

#define TEXT "text/plain"

/* ---- the page --------------------------------------------------------------------------- */

/* Line by line, as a strict parser reads it: every sample's family has a TYPE before it, families
 * and series come once. */
static void check_page(bool openmetrics) {
    static char text[FAKE_TRANSPORT_BYTES];
    static const char *lines[2000];
    size_t count = 0;
    char type[256] = "";
    memcpy(text, rig_answer.body, rig_answer.body_bytes + 1);
    assert_int_equal(text[rig_answer.body_bytes - 1], '\n');
    for (char *line = strtok(text, "\n"); line != NULL; line = strtok(NULL, "\n")) {
        if (strncmp(line, "# TYPE ", 7) == 0) {
            (void)snprintf(type, sizeof type, "%.*s", (int)strcspn(line + 7, " "), line + 7);
        } else if (line[0] != '#') {
            assert_true(strlen(type) > 0 && strncmp(line, type, strlen(type)) == 0);
            *strrchr(line, ' ') = '\0';
        }
        for (size_t i = 0; i < count; i++) {
            assert_string_not_equal(lines[i], line);
        }
        assert_true(count < sizeof lines / sizeof lines[0]);
        lines[count++] = line;
    }
    assert_int_equal(strcmp(lines[count - 1], "# EOF") == 0, openmetrics);
}

static void pages_in_both_formats(void **state) {
    struct client *c = rig_connect(0);
    (void)state;
    rig_post(
        c, "/create", TEXT,
        "# TYPE h histogram\nh_bucket{le=\"1\"} 1\nh_bucket{le=\"+Inf\"} 2\nh_sum 3\nh_count 2\n"
        "# TYPE s summary\ns{quantile=\"0.5\"} 1\ns_sum 1\ns_count 1\n"
        "# TYPE a_total counter\na_total 1\nplain 2\n",
        200, NULL);
    rig_ask(c, EVENT("a=b"), 200);
    rig_ask(c, SCRAPE, 200);
    rig_expect_header("Content-Type", "text/plain; version=0.0.4; charset=utf-8");
    assert_int_equal(rig_answer.framing, FRAMED_BY_CHUNKS);
    check_page(false);
    assert_true(rig_body_has("\n# TYPE plain counter\nplain 2\n"));
    assert_true(rig_body_has("\n# TYPE a_total counter\na_total 1\n"));
    assert_true(
        rig_body_has("\n# HELP pingshot_http_timeouts_total Requests that did not come in time.\n"
                     "# TYPE pingshot_http_timeouts_total counter\n"
                     "pingshot_http_timeouts_total 0\n"));
    assert_true(rig_body_has("\n# TYPE events_to_metrics_event_count counter\n"
                             "events_to_metrics_event_count 1\n"));
    assert_true(
        rig_body_has("\npingshot_build_info{target=\"test\",version=\"" APP_VERSION "\"} 1\n"));
    rig_ask(c, EVENT("a=b"), 200);
    rig_ask(c,
            "GET /metrics HTTP/1.1\r\nHost: a\r\nUser-Agent: Prometheus/2.42.0\r\n"
            "Accept: application/openmetrics-text;version=1.0.0,*/*;q=0.1\r\n\r\n",
            200);
    rig_expect_header("Content-Type", "application/openmetrics-text; version=1.0.0; charset=utf-8");
    check_page(true);
    assert_true(rig_body_has("\n# TYPE plain unknown\nplain 2\n"));
    assert_true(rig_body_has("\n# TYPE a counter\na_total 1\n"));
    assert_true(rig_body_has("\n# HELP pingshot_http_timeouts Requests that did not come in time.\n"
                             "# TYPE pingshot_http_timeouts counter\n"
                             "pingshot_http_timeouts_total 0\n"));
    assert_true(rig_body_has("\n# HELP events_to_metrics_event_count One-shot events posted.\n"
                             "# TYPE events_to_metrics_event_count unknown\n"
                             "events_to_metrics_event_count 2\n"));
    assert_true(rig_body_has("\n# TYPE pingshot_uptime_seconds gauge\npingshot_uptime_seconds "));
    assert_true(rig_body_has("\nevents_to_metrics{a=\"b\"} 1\n"));
}

static void own_metrics_count(void **state) {
    struct client *c = rig_connect(0);
    (void)state;
    rig_ask(c, GET("/healthz"), 200);
    rig_ask(c, GET("/nowhere"), 404);
    rig_ask(c, "nonsense\r\n", 400);
    rig_lose(c);
    c = rig_connect(0);
    rig_ask(c, "DELETE /metrics/x HTTP/1.1\r\nHost: a\r\n\r\n", 404);
    rig_ask(c, EVENT("a=b"), 200);
    rig_pass(1234);
    rig_ask(c, SCRAPE, 200);
    static const char *const lines[] = {
        "\npingshot_http_requests_total{code=\"200\",handler=\"/healthz\"} 1\n",
        "\npingshot_http_requests_total{code=\"404\",handler=\"none\"} 1\n",
        "\npingshot_http_requests_total{code=\"400\",handler=\"none\"} 1\n",
        "\npingshot_http_requests_total{code=\"404\",handler=\"/metrics/{family}\"} 1\n",
        "\nevents_to_metrics_event_count 1\n",
        "\nevents_to_metrics_scraper_counts{agent=\"Prometheus\",scraper=\"10.0.0.1\"} 1\n",
        "\npingshot_events_pending{agent=\"Prometheus\",scraper=\"10.0.0.1\"} 1\n",
        "\npingshot_event_deliveries_total 0\n",
        "\npingshot_events_ambiguous_total 0\n",
        "\npingshot_uptime_seconds 1.234\n",
        "\npingshot_table_used{table=\"connections\"} 1\n",
        "\npingshot_table_limit{table=\"connections\"} 6\n",
        "\npingshot_table_limit{table=\"events\"} 40\n",
    };
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        if (!rig_body_has(lines[i])) {
            print_error("missing: %s", lines[i]);
        }
        assert_true(rig_body_has(lines[i]));
    }
    rig_ask(c, SCRAPE, 200);
    assert_true(rig_body_has("\npingshot_event_deliveries_total 1\n"));
    assert_true(rig_body_has("\npingshot_events_pending{agent=\"Prometheus\",scraper=\"10.0.0.1\"} "
                             "0\n"));
    rig_pass(773);
    rig_ask(c, SCRAPE, 200);
    assert_true(rig_body_has("\npingshot_uptime_seconds 2.007\n"));
}

/* ---- a scrape that is cut --------------------------------------------------------------- */

#define EVENTS 12
#define CUT_WINDOW_BYTES 1500u

static void post_events(uint32_t client) {
    struct client *c = rig_connect(client);
    for (int i = 0; i < EVENTS; i++) {
        char request[80];
        (void)snprintf(request, sizeof request, EVENT("n=%d"), i);
        rig_ask(c, request, 200);
    }
    rig_lose(c);
}

/* The page in rig_answer has all events, each once, or none. */
static void check_events(bool all) {
    uint32_t samples = 0;
    for (const char *at = rig_answer.body; (at = strstr(at, "\nevents_to_metrics{")) != NULL;
         at++) {
        samples++;
    }
    assert_int_equal(samples, all ? EVENTS : 0);
    for (int i = 0; i < EVENTS; i++) {
        char line[64];
        (void)snprintf(line, sizeof line, "\nevents_to_metrics{n=\"%d\"} 1\n", i);
        assert_int_equal(rig_body_has(line), all);
    }
}

static struct client *begin_scrape(uint32_t client, const char *request) {
    struct client *c = &rig_clients[client];
    assert_true(rig_connect_from(c, "10.0.0.1", CUT_WINDOW_BYTES));
    rig_puts(c, request);
    return c;
}

/* Acknowledges up to `n` bytes of all that comes; returns how many there were to acknowledge. */
static uint32_t acknowledge_up_to(struct client *c, uint32_t n) {
    while (c->http != NULL && c->wire.acked_bytes < n &&
           c->wire.written_bytes != c->wire.acked_bytes) {
        uint32_t there = c->wire.written_bytes - c->wire.acked_bytes;
        uint32_t left = n - c->wire.acked_bytes;
        rig_acknowledge(c, there < left ? there : left);
    }
    return c->wire.acked_bytes;
}

/* Two more scrapes: the first has the events if they are still due, the second has none. */
static void check_next_scrapes(bool due) {
    struct client *c = rig_connect(1);
    rig_ask(c, SCRAPE, 200);
    check_events(due);
    rig_ask(c, SCRAPE, 200);
    check_events(false);
    rig_lose(c);
    assert_int_equal(rig_state.delivery.counts.delivered, EVENTS);
    assert_int_equal(rig_state.delivery.events.stats.used, 0);
    rig_check_free();
}

/* How the scrape asks, and whether a client that has all of it may still be told apart. */
static const char *const cut_requests[] = {
    SCRAPE,
    "GET /metrics HTTP/1.0\r\nUser-Agent: Prometheus/2\r\n"
    "X-Prometheus-Scrape-Timeout-Seconds: 10\r\n\r\n",
    "GET /metrics HTTP/1.1\r\nHost: a\r\nUser-Agent: Prometheus/2\r\nConnection: close\r\n"
    "Accept: application/openmetrics-text\r\nX-Prometheus-Scrape-Timeout-Seconds: 10\r\n\r\n",
};

/* The connection is lost when so many bytes are acknowledged, for each number of bytes. */
/* More kinds of responses than there are counters for: none is forgotten. */
static void own_metrics_count_the_rest_together(void **state) {
    static const char *const paths[] = {"/ping", "/healthz", "/time", "/"};
    struct client *c = rig_connect(0);
    uint32_t kinds = 0;
    (void)state;
    for (size_t i = 0; i < 4; i++) {
        char request[64];
        struct text t = text_over(request, sizeof request - 1);
        text_puts(&t, "GET ");
        text_puts(&t, paths[i]);
        text_puts(&t, " HTTP/1.1\r\nHost: a\r\n\r\n");
        request[t.len] = '\0';
        rig_ask(c, request, 200);
        kinds++;
    }
    rig_ask(c, GET("/nowhere"), 404);
    rig_ask(c, "DELETE /ping HTTP/1.1\r\nHost: a\r\n\r\n", 405);
    rig_ask(c, EVENT("a=b"), 200);
    rig_ask(c, POST("/event?__x=b", "Content-Length: 0\r\n\r\n"), 400);
    kinds += 4;
    assert_int_equal(kinds, CFG_HTTP_COUNTERS_MAX);
    rig_ask(c, "DELETE /metrics/x HTTP/1.1\r\nHost: a\r\n\r\n", 404);
    rig_ask(c, "DELETE /metrics/x HTTP/1.1\r\nHost: a\r\n\r\n", 404);
    rig_ask(c, GET("/ping"), 200);
    rig_ask(c, SCRAPE, 200);
    assert_true(rig_body_has("_requests_total{code=\"200\",handler=\"/ping\"} 2\n"));
    assert_true(rig_body_has("_requests_total{code=\"405\",handler=\"none\"} 1\n"));
    assert_true(rig_body_has("_requests_total{code=\"400\",handler=\"/event\"} 1\n"));
    assert_true(rig_body_has("_requests_total{code=\"other\",handler=\"other\"} 3\n"));
    assert_false(rig_body_has("handler=\"/metrics/{family}\""));
}

static void cut_at_every_acknowledged_byte(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof cut_requests / sizeof cut_requests[0]; i++) {
        bool whole = false;
        rig_restart();
        post_events(0);
        (void)begin_scrape(0, cut_requests[i]);
        const uint32_t page_bytes = acknowledge_up_to(&rig_clients[0], UINT32_MAX);
        rig_lose(&rig_clients[0]);
        for (uint32_t n = 0; !whole; n++) {
            rig_restart();
            post_events(0);
            struct client *c = begin_scrape(0, cut_requests[i]);
            whole = acknowledge_up_to(c, n) < n;
            rig_lose(c);
            if (whole) {
                n--; /* the last byte was acknowledged in the round before as well */
            }
            const bool delivered = c->wire.acked_bytes == c->wire.written_bytes &&
                                   rig_state.delivery.counts.delivered > 0;
            assert_int_equal(rig_state.delivery.counts.delivered, delivered ? EVENTS : 0);
            /* Ambiguous are those whose page was sent to the last byte. */
            const bool sent = c->wire.written_bytes == page_bytes;
            assert_int_equal(rig_state.delivery.tally.ambiguous, sent && !delivered ? EVENTS : 0);
            if (delivered) {
                assert_true(rig_read(c, false));
                check_events(true);
                assert_int_equal(c->read_bytes, c->wire.acked_bytes);
                whole = true;
            }
            check_next_scrapes(!delivered);
        }
        assert_int_equal(rig_clients[0].wire.acked_bytes, rig_clients[0].wire.written_bytes);
    }
}

/* The connection dies at each write, with all acknowledged before. */
static void cut_at_every_write(void **state) {
    bool met = true;
    (void)state;
    for (uint32_t call = 1; met; call++) {
        rig_restart();
        post_events(0);
        struct client *c = &rig_clients[0];
        assert_true(rig_connect_from(c, "10.0.0.1", CUT_WINDOW_BYTES));
        c->wire.fault = FAKE_DEAD;
        c->wire.fault_call = call;
        print_message("write %u\n", call);
        rig_puts(c, SCRAPE);
        rig_acknowledge_all(c);
        met = c->wire.fault_met;
        rig_lose(c);
        check_next_scrapes(met);
    }
}

/* Memory is short at each write, or there is little room: the same page comes in the end, and is
 * delivered once. */
static void page_is_the_same_through_any_window(void **state) {
    static char page[FAKE_TRANSPORT_BYTES];
    static const uint32_t windows[] = {RIG_WINDOW_BYTES, 925, 1023, 1024, 1500, 2047, 2048, 4096};
    (void)state;
    for (size_t i = 0; i < sizeof windows / sizeof windows[0]; i++) {
        bool met = true;
        for (uint32_t call = 1; met; call++) {
            rig_restart();
            post_events(0);
            struct client *c = &rig_clients[0];
            assert_true(rig_connect_from(c, "10.0.0.1", windows[i]));
            c->wire.fault = FAKE_TAKES_NOTHING;
            c->wire.fault_call = call;
            print_message("window %u, write %u\n", windows[i], call);
            rig_puts(c, SCRAPE);
            for (int round = 0; round < 100 && c->http->phase != HTTP_CONN_HEAD; round++) {
                rig_acknowledge_all(c);
                rig_drain(c);
            }
            met = c->wire.fault_met;
            rig_expect(c, 200);
            if (i == 0 && call == 1) {
                memcpy(page, rig_answer.body, rig_answer.body_bytes + 1);
            }
            rig_expect_body(page);
            rig_lose(c);
            check_next_scrapes(false);
        }
    }
}

/* Cut twice; the third has them all. */
static void cut_twice(void **state) {
    (void)state;
    rig_restart();
    post_events(0);
    struct client *c = begin_scrape(0, SCRAPE);
    const uint32_t all = acknowledge_up_to(c, UINT32_MAX);
    rig_lose(c);
    for (uint32_t first = 0; first < all; first += 173) {
        for (uint32_t second = 0; second < all; second += 191) {
            rig_restart();
            post_events(0);
            c = begin_scrape(0, SCRAPE);
            acknowledge_up_to(c, first);
            rig_lose(c);
            c = begin_scrape(0, SCRAPE);
            acknowledge_up_to(c, second);
            rig_lose(c);
            check_next_scrapes(true);
        }
    }
}

/* What is posted while a scrape is under way is in the next one, whether or not that succeeds. */
static void posted_meanwhile(void **state) {
    (void)state;
    for (uint32_t lost = 0; lost < 2; lost++) {
        rig_restart();
        struct client *c = begin_scrape(0, SCRAPE);
        rig_acknowledge_all(c);
        rig_expect(c, 200);
        rig_ask(c, EVENT("e=first"), 200);
        rig_puts(c, SCRAPE);
        struct client *other = rig_connect(1);
        rig_ask(other, EVENT("e=second"), 200);
        if (lost) {
            rig_lose(c);
        } else {
            rig_acknowledge_all(c);
            rig_expect(c, 200);
            assert_true(rig_body_has("\nevents_to_metrics{e=\"first\"} 1\n"));
            assert_false(rig_body_has("e=\"second\""));
        }
        rig_ask(other, SCRAPE, 200);
        assert_int_equal(rig_body_has("\nevents_to_metrics{e=\"first\"} 1\n"), lost);
        assert_true(rig_body_has("\nevents_to_metrics{e=\"second\"} 1\n"));
        rig_lose(c);
        rig_lose(other);
    }
}

/* Two scrapes of one scraper at once: one has them, the other none. */
static void two_at_once(void **state) {
    (void)state;
    for (uint32_t lost = 0; lost < 2; lost++) {
        rig_restart();
        post_events(0);
        struct client *c = begin_scrape(0, SCRAPE);
        struct client *other = begin_scrape(1, SCRAPE);
        rig_acknowledge_all(other);
        rig_expect(other, 200);
        check_events(false);
        rig_lose(other);
        if (lost) {
            rig_lose(c);
        } else {
            rig_acknowledge_all(c);
            rig_expect(c, 200);
            check_events(true);
            rig_lose(c);
        }
        check_next_scrapes(lost);
    }
}

/* The last byte's acknowledgement counts when it comes within the announced timeout of the
 * request, and not a millisecond later. */
static void acknowledged_in_time_or_not(void **state) {
    static const struct {
        uint32_t after_ms;
        const char *request;
        bool delivered;
    } rows[] = {
        {9999, SCRAPE, true},
        {10000, SCRAPE, true},
        {10001, SCRAPE, false},
        {10050, SCRAPE, false},
        {1500, SCRAPE_FROM("/metrics", "Prometheus/2", "1.5"), true},
        {1501, SCRAPE_FROM("/metrics", "Prometheus/2", "1.5"), false},
        {20000, SCRAPE_FROM("/metrics", "Prometheus/2", "25"), true},
        /* Announced nonsense is as nothing: Prometheus's own default. */
        {CFG_SCRAPE_TIMEOUT_MS, SCRAPE_FROM("/metrics", "Prometheus/2", "NaN"), true},
        {CFG_SCRAPE_TIMEOUT_MS + 1, SCRAPE_FROM("/metrics", "Prometheus/2", "-1"), false},
        {CFG_SCRAPE_TIMEOUT_MS + 1, SCRAPE_FROM("/metrics", "Prometheus/2", "1e99"), false},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        /* The main loop has looked at the clock meanwhile, or it looks only afterwards. */
        for (uint32_t polled = 0; polled < 2; polled++) {
            rig_restart();
            post_events(0);
            struct client *c = &rig_clients[0];
            assert_true(rig_connect_from(c, "10.0.0.1", RIG_WINDOW_BYTES));
            rig_puts(c, rows[i].request);
            if (polled) {
                rig_pass(rows[i].after_ms);
            } else {
                rig_now_ms += rows[i].after_ms;
            }
            if (polled && !rows[i].delivered) {
                rig_pass(100);
                assert_true(c->wire.aborted); /* the scraper reads no more */
                assert_int_equal(rig_state.delivery.counts.rollbacks_timeout, 1);
                check_next_scrapes(true);
                continue;
            }
            rig_acknowledge_all(c);
            assert_int_equal(rig_state.delivery.counts.delivered, rows[i].delivered ? EVENTS : 0);
            assert_int_equal(rig_state.delivery.counts.rollbacks_timeout, !rows[i].delivered);
            rig_expect(c, 200);
            check_events(true);
            rig_ask(c, GET("/healthz"), 200); /* the connection is as good as before */
            rig_lose(c);
            check_next_scrapes(!rows[i].delivered);
        }
    }
}

/* Cut off by the server itself: a reader that stalls, and one that has to give way. */
static void cut_off_by_the_server(void **state) {
    (void)state;
    post_events(0);
    struct client *c = begin_scrape(0, SCRAPE_FROM("/metrics", "Prometheus/2", "60"));
    rig_pass(CFG_HTTP_STALL_TIMEOUT_MS + 200);
    assert_true(c->wire.aborted);
    check_next_scrapes(true);
    rig_restart();
    post_events(0);
    /* One that never announced a timeout is nobody special. */
    c = begin_scrape(0, "GET /metrics HTTP/1.1\r\nHost: a\r\nUser-Agent: Prometheus/2\r\n\r\n");
    for (uint32_t i = 2; i < CFG_CONNECTIONS_MAX + 1; i++) {
        rig_ask(rig_connect(i), SCRAPE_FROM("/metrics?scraper=x", "y", "1"), 200);
    }
    rig_connect(CFG_CONNECTIONS_MAX + 1);
    assert_true(c->wire.aborted);
    for (uint32_t i = 2; i < CFG_CONNECTIONS_MAX + 2; i++) {
        rig_lose(&rig_clients[i]);
    }
    rig_check_free();
    rig_ask(rig_connect(1), SCRAPE, 200);
    check_events(true);
}

/* A family that goes while a page is under way: what is left is still a page. */
static void deleted_meanwhile(void **state) {
    struct client *c = rig_connect(1);
    (void)state;
    for (int i = 0; i < 12; i++) {
        char body[400];
        (void)snprintf(body, sizeof body, "# HELP f%d %0200d\nf%d{a=\"x\"} 1\n", i, i, i);
        rig_post(c, "/create", TEXT, body, 200, NULL);
    }
    struct client *reader = begin_scrape(0, SCRAPE);
    for (int i = 0; i < 12; i++) {
        char request[80];
        (void)snprintf(request, sizeof request, "DELETE /metrics/f%d HTTP/1.1\r\nHost: a\r\n\r\n",
                       11 - i);
        rig_ask(c, request, 204);
        rig_acknowledge(reader, (reader->wire.written_bytes - reader->wire.acked_bytes) / 2);
    }
    rig_acknowledge_all(reader);
    rig_expect(reader, 200);
    check_page(false);
    assert_true(rig_body_has("\nf0{a=\"x\"} 1\n"));
    assert_false(rig_body_has("\nf11{a=\"x\"} 1\n"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        RIG_TEST(pages_in_both_formats),
        RIG_TEST(own_metrics_count),
        RIG_TEST(own_metrics_count_the_rest_together),
        RIG_TEST(cut_at_every_acknowledged_byte),
        RIG_TEST(cut_at_every_write),
        RIG_TEST(page_is_the_same_through_any_window),
        RIG_TEST(cut_twice),
        RIG_TEST(posted_meanwhile),
        RIG_TEST(two_at_once),
        RIG_TEST(acknowledged_in_time_or_not),
        RIG_TEST(cut_off_by_the_server),
        RIG_TEST(deleted_meanwhile),
    };
    return cmocka_run_group_tests_name("app_scrape", tests, NULL, NULL);
}
