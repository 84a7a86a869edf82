/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * test_http_faults.c: a transport that goes wrong at call number N, for every N until a run passes
 * untouched. Each run prints its fault, and can be repeated with it.
 */
#include "app_rig.h"

static const char go_on[] = "HTTP/1.1 100 Continue\r\n\r\n";

/* ---- a transport that fails ------------------------------------------------------------- */

#define FAULT_WINDOW_BYTES 1500u

/* Requests whose answers take one write, several, and await the acknowledgement. */
static const char faulty[] = POST(
    "/create",
    "Content-Type: text/plain\r\nContent-Length: 22\r\n\r\nfaulty_total{a=\"b\"}") " 7\n" GET("/ping")
    POST("/event?n=1", "\r\n")
        SCRAPE POST("/echo", "Expect: 100-continue\r\nContent-Length: 5\r\n\r\n");

struct fault {
    enum fake_fault fault;
    uint32_t call;
    uint32_t room_bytes;
};

/* Runs them over a transport that goes wrong at one call; true when it has. */
static bool run_faulty(struct fault fault) {
    struct client *c = &rig_clients[0];
    rig_restart();
    assert_true(rig_connect_from(c, "10.0.0.1", FAULT_WINDOW_BYTES));
    c->wire.fault = fault.fault;
    c->wire.fault_call = fault.call;
    c->wire.fault_room_bytes = fault.room_bytes;
    rig_send(c, faulty, sizeof faulty - 1);
    /* Whatever was refused goes on with the next event, or with the next look at deadlines. */
    bool sent = false;
    for (int i = 0; i < 100; i++) {
        if (!sent && c->http != NULL && c->http->phase == HTTP_CONN_BODY) {
            rig_puts(c, "hello");
            sent = true;
        }
        rig_pass(100);
        if (c->wire.written_bytes != c->wire.acked_bytes) {
            rig_acknowledge(c, c->wire.written_bytes - c->wire.acked_bytes);
        }
    }
    return c->wire.fault_met;
}

/* Skips "100 Continue", which may be left out when memory is short. */
static void skip_go_on(struct client *c) {
    if (c->wire.written_bytes - c->read_bytes >= sizeof go_on - 1 &&
        memcmp(c->wire.written + c->read_bytes, go_on, sizeof go_on - 1) == 0) {
        c->read_bytes += (uint32_t)sizeof go_on - 1;
    }
}

/* The answers are those of a run without a fault. */
static void check_faulty_answers(void) {
    struct client *c = &rig_clients[0];
    rig_expect(c, 200);
    rig_expect_body("faulty_total{a=\"b\"} 7\n");
    rig_expect(c, 200);
    assert_memory_equal(rig_answer.body, "PONG - ", 7);
    rig_expect(c, 200);
    rig_expect_body("event 1 queued for the first scraper that comes\n");
    rig_expect(c, 200);
    assert_true(rig_body_has("\nfaulty_total{a=\"b\"} 7\n"));
    assert_true(rig_body_has("\nevents_to_metrics{n=\"1\"} 1\n"));
    assert_true(rig_body_has("\npingshot_table_refusals_total{table=\"body_buffers\"} 0\n"));
    skip_go_on(c);
    rig_expect(c, 200);
    assert_true(rig_body_has("\r\n\r\nhello"));
    rig_expect_nothing(c);
    assert_int_equal(rig_state.delivery.counts.delivered, 1);
}

static void print_fault(struct fault f) {
    print_message("fault {%d, %u, %u}\n", (int)f.fault, f.call, f.room_bytes);
}

/* True when the fault was met; all is right nevertheless. */
static bool survives(struct fault f) {
    print_fault(f);
    const bool went_wrong = run_faulty(f);
    check_faulty_answers();
    rig_lose(&rig_clients[0]);
    rig_check_free();
    return went_wrong;
}

static void memory_short_at_every_write(void **state) {
    uint32_t met = 0;
    (void)state;
    for (struct fault f = {FAKE_TAKES_NOTHING, 1, 0}; survives(f); f.call++) {
        met++;
    }
    assert_true(met >= 8);
}

static void little_room_at_every_call(void **state) {
    static const uint32_t rooms[] = {0, 1, 12, 13, 14, 396, 397, 398, 500, 910, 1000, 1023};
    uint32_t met = 0;
    (void)state;
    for (size_t i = 0; i < sizeof rooms / sizeof rooms[0]; i++) {
        for (struct fault f = {FAKE_SHORT_ROOM, 1, rooms[i]}; survives(f); f.call++) {
            met++;
        }
    }
    assert_true(met >= 8 * sizeof rooms / sizeof rooms[0]);
}

static void dead_at_every_write(void **state) {
    uint32_t met = 0;
    (void)state;
    for (struct fault f = {FAKE_DEAD, 1, 0};; f.call++) {
        print_fault(f);
        if (!run_faulty(f)) {
            check_faulty_answers();
            break;
        }
        assert_null(rig_clients[0].http);
        rig_check_free();
        /* What happened has happened; the event is delivered to the next scrape, if it was posted
         * and not delivered before. */
        const uint64_t due = rig_state.delivery.counts.posted - rig_state.delivery.counts.delivered;
        struct client *c = rig_connect(1);
        rig_ask(c, SCRAPE, 200);
        assert_int_equal(rig_body_has("\nevents_to_metrics{n=\"1\"} 1\n"), due);
        rig_lose(c);
        met++;
    }
    assert_true(met >= 8);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        RIG_TEST(memory_short_at_every_write),
        RIG_TEST(little_room_at_every_call),
        RIG_TEST(dead_at_every_write),
    };
    return cmocka_run_group_tests_name("http_faults", tests, NULL, NULL);
}
