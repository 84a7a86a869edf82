/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * test_http_pool.c: all connections together: clients that are late, idle, stalled or too many.
 * The monotonic clock wraps in each test that lasts four seconds.
 */
#include "app_rig.h"

#define BIG_ECHO POST("/echo", "Content-Length: 2000\r\n\r\n")

/* ---- deadlines -------------------------------------------------------------------------- */

static void head_does_not_come(void **state) {
    struct client *c = rig_connect(0);
    (void)state;
    rig_pass(60000); /* waiting without a byte is no crime */
    assert_false(rig_closed(c));
    for (int i = 0; i < 9; i++) {
        rig_puts(c, "G"); /* what trickles in does not help */
        rig_pass(1000);
    }
    rig_pass(900);
    rig_expect_nothing(c);
    rig_pass(200);
    rig_expect(c, 408);
    rig_expect_header("Connection", "close");
    rig_expect_body("the request's head did not come in time\n");
    assert_true(c->wire.shut_down);
    assert_int_equal(rig_app.http.timeouts_total, 1);
    /* Empty lines begin none, and keep nobody from being idle. */
    c = rig_connect(1);
    for (uint32_t ms = 0; ms < CFG_HTTP_IDLE_TIMEOUT_MS - 1000; ms += 1000) {
        rig_puts(c, "\r\n");
        rig_pass(1000);
    }
    assert_false(rig_closed(c));
    rig_expect_nothing(c);
    rig_pass(1200);
    assert_true(c->wire.shut_down);
    /* Every request has its own time. */
    c = rig_connect(2);
    for (int i = 0; i < 5; i++) {
        rig_puts(c, "GET /healthz HTTP/1.1\r\n");
        rig_pass(9000);
        rig_ask(c, "Host: a\r\n\r\n", 200);
    }
}

static void body_does_not_come(void **state) {
    struct client *c = rig_connect(0);
    (void)state;
    rig_puts(c, BIG_ECHO);
    for (int i = 0; i < 9; i++) {
        rig_pass(1000);
        rig_puts(c, "x");
    }
    rig_pass(900);
    rig_expect_nothing(c);
    rig_pass(200);
    rig_expect(c, 408);
    rig_expect_body("the request's body did not come in time\n");
    assert_true(c->wire.shut_down);
    assert_int_equal(rig_app.http.bodies_stats.used, 0);
    /* What the request held is free though its 408 cannot be sent. */
    c = rig_connect(2);
    rig_puts(c, BIG_ECHO);
    c->wire.window_bytes = 0;
    rig_pass(10100);
    assert_int_equal(rig_app.http.timeouts_total, 2);
    assert_int_equal(rig_app.http.bodies_stats.used, 0);
    rig_lose(c);
    /* The same when it was refused and is only being read to its end. */
    c = rig_connect(1);
    rig_puts(c, POST("/nowhere", "Content-Length: 9\r\n\r\n"));
    rig_pass(10100);
    rig_expect(c, 408);
}

/* Sends lines of comments at a rate; returns after how many seconds it was over. */
static int upload(struct client *c, uint32_t bytes_per_s, int seconds) {
    static const char line[] = "# nothing\n";
    rig_puts(c, POST("/create", "Content-Type: text/plain\r\nContent-Length: 1000000\r\n\r\n"));
    for (int s = 0; s < seconds; s++) {
        for (uint32_t sent = 0; sent < bytes_per_s; sent += (uint32_t)sizeof line - 1) {
            rig_puts(c, line);
        }
        rig_pass(1000);
        if (rig_closed(c)) {
            return s;
        }
    }
    return seconds;
}

static void slow_uploads(void **state) {
    struct client *c = rig_connect(0);
    (void)state;
    assert_int_equal(upload(c, CFG_HTTP_MIN_BYTES_PER_S + 10, 300), 300);
    rig_expect_nothing(c);
    rig_lose(c);
    /* Gigabytes do not turn it round. */
    c = rig_connect(2);
    assert_int_equal(upload(c, 1100, 1), 1);
    c->http->body_received = 3000000000u;
    rig_pass(1000);
    rig_expect_nothing(c);
    rig_lose(c);
    /* Ten seconds, and the time that the bytes earned: 10 + 0.9 * t = t, a ms for each of them. */
    c = rig_connect(1);
    assert_in_range(upload(c, 900, 300), 90, 101);
    rig_expect(c, 408);
    /* A burst earns no more than ten seconds. */
    c = rig_connect(3);
    assert_int_equal(upload(c, 100000, 1), 1);
    rig_pass(8800);
    rig_expect_nothing(c);
    rig_pass(400);
    rig_expect(c, 408);
}

static void idle(void **state) {
    struct client *c = rig_connect(0);
    struct client *scraper = rig_connect(1);
    (void)state;
    rig_ask(scraper, SCRAPE, 200);
    rig_pass(CFG_HTTP_IDLE_TIMEOUT_MS - 200);
    rig_ask(c, GET("/ping"), 200);
    rig_pass(CFG_HTTP_IDLE_TIMEOUT_MS - 200);
    assert_false(rig_closed(c));
    rig_pass(400);
    assert_true(c->wire.shut_down); /* without a word: no request is open */
    rig_expect_nothing(c);
    rig_finish(c);
    assert_null(c->http);
    assert_int_equal(rig_app.http.timeouts_total, 0);
    /* A scraper's connection is kept as long as the scraper is known. */
    rig_pass(CFG_SCRAPER_TIMEOUT_MS - 2 * CFG_HTTP_IDLE_TIMEOUT_MS - 400);
    assert_false(rig_closed(scraper));
    rig_pass(600);
    assert_true(scraper->wire.shut_down);
}

static void stalled_reader(void **state) {
    struct client *c = &rig_clients[0];
    (void)state;
    assert_true(rig_connect_from(c, "10.0.0.1", 2048));
    rig_puts(c, GET("/metrics"));
    for (uint32_t ms = 0; ms < CFG_HTTP_STALL_TIMEOUT_MS - 1000; ms += 1000) {
        rig_pass(1000);
        assert_non_null(c->http);
        rig_acknowledge(c, 10); /* a trickle is a stall */
    }
    rig_pass(1000);
    assert_non_null(c->http);
    rig_pass(600);
    assert_true(c->wire.aborted);
    assert_null(c->http);
}

/* The transport may have taken all of an answer long before the client reads any of it. */
/* Connections share the transport's memory: who has none of it gets that of who reads nothing. */
static void starved_by_stalled_readers(void **state) {
    struct client *stalled = rig_connect(0);
    struct client *slow = rig_connect(1);
    struct client *idle = rig_connect(2);
    struct client *starved = rig_connect(3);
    (void)state;
    stalled->wire.window_bytes = 1000;
    slow->wire.window_bytes = 1000;
    starved->wire.window_bytes = 0;
    rig_puts(stalled, GET("/metrics?scraper=stalled"));
    rig_puts(slow, GET("/metrics?scraper=slow"));
    rig_pass(1500);
    rig_acknowledge(slow, 100);
    rig_pass(1000);
    assert_false(stalled->wire.aborted); /* nobody misses what it has */
    rig_puts(starved, GET("/healthz"));
    rig_pass(200);
    assert_false(stalled->wire.aborted);
    rig_pass(200);
    assert_true(stalled->wire.aborted);
    assert_int_equal(rig_app.http.evicted_total, 1);
    starved->wire.window_bytes = 1000;
    rig_pass(200);
    rig_expect(starved, 200);
    rig_pass(1000);
    assert_false(slow->wire.aborted);
    assert_false(idle->wire.aborted);
}

static void stalled_behind_the_transport(void **state) {
    struct client *c = rig_connect(0);
    (void)state;
    rig_puts(c, GET("/ping"));
    assert_int_equal(c->http->phase, HTTP_CONN_HEAD);
    rig_pass(CFG_HTTP_STALL_TIMEOUT_MS - 200);
    assert_false(c->wire.aborted);
    rig_pass(400);
    assert_true(c->wire.aborted);
    /* What it is owed counts from when it was sent, however long it was idle before. */
    c = rig_connect(1);
    rig_ask(c, GET("/ping"), 200);
    rig_pass(2 * CFG_HTTP_STALL_TIMEOUT_MS);
    rig_puts(c, POST("/echo", "Expect: 100-continue\r\nContent-Length: 2\r\n\r\n"));
    rig_pass(1000);
    assert_false(c->wire.aborted);
    rig_puts(c, "ok");
    rig_pass(1000);
    assert_false(c->wire.aborted);
}

static void stalled_before_the_acknowledgement(void **state) {
    struct client *c = rig_connect(0);
    (void)state;
    rig_ask(c, POST("/event?a=b", "\r\n"), 200);
    rig_puts(c, SCRAPE);
    rig_expect(c, 200);
    assert_int_equal(c->http->phase, HTTP_CONN_AWAIT);
    rig_pass(CFG_SCRAPE_TIMEOUT_MS - 200);
    assert_non_null(c->http);
    rig_pass(400);
    assert_true(c->wire.aborted); /* the scraper reads no more */
}

static void lingering(void **state) {
    struct client *c = rig_connect(0);
    (void)state;
    rig_puts(c, "GET /ping HTTP/1.0\r\n\r\n");
    rig_acknowledge_all(c);
    for (int i = 0; i < 4; i++) {
        rig_pass(1000);
        rig_puts(c, "still talking"); /* nobody listens */
    }
    rig_pass(800);
    assert_false(c->wire.aborted);
    rig_pass(400);
    assert_true(c->wire.aborted);
    /* As long as the answer is not acknowledged, the client has the time of any reader. */
    c = rig_connect(1);
    rig_puts(c, "GET /ping HTTP/1.0\r\n\r\n");
    rig_pass(CFG_HTTP_STALL_TIMEOUT_MS - 200);
    assert_false(c->wire.aborted);
    rig_acknowledge_all(c);
    rig_pass(CFG_HTTP_LINGER_MS - 200);
    assert_false(c->wire.aborted);
    rig_finish(c);
    assert_null(c->http);
    c = rig_connect(2);
    rig_puts(c, "GET /ping HTTP/1.0\r\n\r\n");
    rig_pass(CFG_HTTP_STALL_TIMEOUT_MS + 200);
    assert_true(c->wire.aborted);
}

/* ---- the pool --------------------------------------------------------------------------- */

static void fill_pool(uint32_t from) {
    for (uint32_t i = from; i < CFG_CONNECTIONS_MAX; i++) {
        rig_connect(i);
        rig_pass(100);
    }
}

#define NEWCOMER CFG_CONNECTIONS_MAX

static void longest_idle_goes_first(void **state) {
    (void)state;
    for (uint32_t i = 0; i + 1 < CFG_CONNECTIONS_MAX; i++) {
        rig_connect(i);
        rig_pass(100);
    }
    rig_ask(&rig_clients[0], GET("/ping"), 200); /* now the youngest */
    rig_connect(CFG_CONNECTIONS_MAX - 1);
    rig_connect(NEWCOMER);
    assert_true(rig_clients[1].wire.aborted);
    assert_false(rig_clients[0].wire.aborted);
    assert_int_equal(rig_app.http.evicted_total, 1);
    rig_connect(1);
    assert_true(rig_clients[2].wire.aborted);
    rig_ask(&rig_clients[NEWCOMER], GET("/ping"), 200);
}

static void scraper_goes_last(void **state) {
    (void)state;
    rig_ask(rig_connect(0), SCRAPE, 200); /* the longest idle of all */
    rig_pass(1000);
    fill_pool(1);
    for (uint32_t round = 0; round < 20; round++) {
        uint32_t i = 1 + round % (CFG_CONNECTIONS_MAX + 1);
        if (rig_clients[i].http == NULL) {
            rig_connect(i);
            rig_pass(100);
        }
    }
    assert_true(rig_app.http.evicted_total > 10);
    assert_non_null(rig_clients[0].http);
    rig_ask(&rig_clients[0], SCRAPE, 200);
    rig_expect_header("Connection", NULL);
}

static void closed_ones_go_before_idle_ones(void **state) {
    (void)state;
    fill_pool(0);
    rig_puts(&rig_clients[5], "GET /ping HTTP/1.0\r\n\r\n");
    rig_acknowledge_all(&rig_clients[5]);
    rig_connect(NEWCOMER);
    assert_true(rig_clients[5].wire.aborted);
    assert_false(rig_clients[0].wire.aborted);
}

/* A closed connection whose scrape is not acknowledged yet is worth more than an idle one. */
static void closed_scrape_goes_after_idle_ones(void **state) {
    struct client *c = rig_connect(0);
    (void)state;
    rig_ask(c, POST("/event?a=b", "\r\n"), 200);
    rig_puts(c, "GET /metrics HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    assert_true(c->wire.shut_down);
    fill_pool(1);
    rig_connect(NEWCOMER);
    assert_false(c->wire.aborted);
    assert_true(rig_clients[1].wire.aborted);
    rig_acknowledge_all(c);
    assert_int_equal(rig_state.delivery.counts.delivered, 1);
}

/* Readers that do not read go after idle ones; with only scrapes under way nobody goes. */
static void all_scraping(void **state) {
    (void)state;
    for (uint32_t i = 0; i < CFG_CONNECTIONS_MAX; i++) {
        assert_true(rig_connect_from(&rig_clients[i], "10.0.0.1", 2048));
        rig_puts(&rig_clients[i], i == 2 ? GET("/metrics") : SCRAPE);
        assert_int_equal(rig_clients[i].http->phase, HTTP_CONN_RESPOND);
    }
    rig_connect(NEWCOMER);
    assert_true(rig_clients[2].wire.aborted);
    rig_lose(&rig_clients[NEWCOMER]);
    assert_true(rig_connect_from(&rig_clients[2], "10.0.0.1", 2048));
    rig_puts(&rig_clients[2], SCRAPE);
    assert_false(rig_connect_from(&rig_clients[NEWCOMER], "10.0.0.1", 2048));
    assert_int_equal(rig_app.http.connections_stats.refused_total, 1);
    assert_int_equal(rig_app.http.connections_stats.used, CFG_CONNECTIONS_MAX);
    /* An idle scraper goes when there is nobody else. */
    rig_acknowledge_all(&rig_clients[3]);
    rig_connect(NEWCOMER);
    assert_true(rig_clients[3].wire.aborted);
}

static void short_of_connections(void **state) {
    (void)state;
    fill_pool(1);
    rig_ask(&rig_clients[1], GET("/ping"), 200);
    rig_expect_header("Connection", NULL);
    rig_connect(0);
    rig_ask(&rig_clients[1], GET("/ping"), 200);
    rig_expect_header("Connection", "close");
    assert_true(rig_clients[1].wire.shut_down);
    rig_ask(&rig_clients[2], SCRAPE, 200);
    rig_expect_header("Connection", NULL);
    rig_finish(&rig_clients[1]);
    rig_ask(&rig_clients[3], GET("/ping"), 200);
    rig_expect_header("Connection", NULL);
    /* How it is when the answer goes out is what counts. */
    struct client *c = rig_connect(1);
    c->wire.fault = FAKE_TAKES_NOTHING;
    c->wire.fault_call = 1;
    rig_puts(c, GET("/ping"));
    rig_expect_nothing(c);
    rig_lose(&rig_clients[2]);
    rig_drain(c);
    rig_expect(c, 200);
    rig_expect_header("Connection", NULL);
    assert_false(rig_closed(c));
}

/* ---- connections over TLS ----------------------------------------------------------------- */

static struct client *connect_secure(uint32_t i) {
    struct client *c = rig_connect(i);
    c->wire.transport.secure = true;
    return c;
}

static void give_up(bool urgent) {
    app_give_up_secure(&rig_app, urgent);
    for (uint32_t i = 0; i < RIG_CLIENTS; i++) {
        rig_settle(&rig_clients[i]);
    }
}

static void a_secure_one_makes_room(void **state) {
    struct client *plain = rig_connect(0);
    struct client *scraper = connect_secure(1);
    (void)state;
    rig_ask(scraper, SCRAPE, 200);
    struct client *idle = connect_secure(2);
    rig_pass(500);
    struct client *young = connect_secure(3);
    give_up(false);
    give_up(true);
    assert_int_equal(rig_app.http.evicted_total, 0); /* all have only just begun */
    rig_pass(600);
    give_up(false);
    assert_true(idle->wire.aborted);
    give_up(false);
    assert_int_equal(rig_app.http.evicted_total, 1);
    rig_pass(1000);
    give_up(false);
    assert_true(young->wire.aborted);
    give_up(false);
    assert_false(scraper->wire.aborted);
    give_up(true);
    assert_true(scraper->wire.aborted);
    give_up(true);
    assert_false(plain->wire.aborted);
    assert_int_equal(rig_app.http.evicted_total, 3);
}

/* With a request under way only those who have waited for long make it go. */
static void a_secure_one_that_is_busy(void **state) {
    struct client *reader = connect_secure(0);
    struct client *sender = connect_secure(1);
    (void)state;
    reader->wire.window_bytes = 100;
    rig_puts(reader, GET("/metrics?scraper=nobody"));
    rig_pass(100);
    rig_puts(sender, BIG_ECHO);
    rig_pass(1100);
    give_up(false);
    assert_int_equal(rig_app.http.evicted_total, 0);
    give_up(true);
    assert_true(reader->wire.aborted);
    assert_false(sender->wire.aborted);
    give_up(true);
    assert_true(sender->wire.aborted);
}

/* Of what carries it there are few, though of connections there are enough. */
static void short_of_its_kind(void **state) {
    struct client *c = rig_connect(0);
    (void)state;
    rig_ask(c, GET("/ping"), 200);
    rig_expect_header("Connection", NULL);
    c->wire.is_short = true;
    rig_ask(c, GET("/ping"), 200);
    rig_expect_header("Connection", "close");
    struct client *scraper = rig_connect(1);
    scraper->wire.is_short = true;
    rig_ask(scraper, SCRAPE, 200);
    rig_expect_header("Connection", NULL);
}

/* The last place over TLS is kept for those who come, also from a scraper. */
static void more_scrapers_than_places(void **state) {
    (void)state;
    rig_ask(rig_connect(0), SCRAPE, 200); /* not over TLS */
    for (uint32_t i = 1; i < CFG_TLS_SESSIONS_MAX; i++) {
        rig_ask(connect_secure(i), SCRAPE, 200);
        rig_expect_header("Connection", NULL);
    }
    struct client *last = connect_secure(CFG_TLS_SESSIONS_MAX);
    rig_ask(&rig_clients[0], SCRAPE, 200);
    rig_expect_header("Connection", NULL);
    rig_ask(&rig_clients[1], SCRAPE, 200);
    rig_expect_header("Connection", NULL);
    rig_ask(last, SCRAPE, 200);
    rig_expect_header("Connection", "close");
    rig_finish(last);
    rig_ask(&rig_clients[1], SCRAPE, 200);
    rig_expect_header("Connection", NULL);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        RIG_TEST(head_does_not_come),
        RIG_TEST(body_does_not_come),
        RIG_TEST(slow_uploads),
        RIG_TEST(idle),
        RIG_TEST(stalled_reader),
        RIG_TEST(starved_by_stalled_readers),
        RIG_TEST(stalled_behind_the_transport),
        RIG_TEST(stalled_before_the_acknowledgement),
        RIG_TEST(lingering),
        RIG_TEST(longest_idle_goes_first),
        RIG_TEST(scraper_goes_last),
        RIG_TEST(closed_ones_go_before_idle_ones),
        RIG_TEST(closed_scrape_goes_after_idle_ones),
        RIG_TEST(all_scraping),
        RIG_TEST(short_of_connections),
        RIG_TEST(a_secure_one_makes_room),
        RIG_TEST(a_secure_one_that_is_busy),
        RIG_TEST(short_of_its_kind),
        RIG_TEST(more_scrapers_than_places),
    };
    return cmocka_run_group_tests_name("http_pool", tests, NULL, NULL);
}
