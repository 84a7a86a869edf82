/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * test_net_altcp_tls_credit.c: what the TLS layer gives back to TCP's window, and when, where that is
 * as small as a board's: a client that keeps to it gets each record through; what the application
 * does not take keeps it closed; and all is given back in the end, whatever the end is.
 */
#include "lwip/opt.h"

#undef TCP_MSS
#undef TCP_WND
#define TCP_MSS 536
#define TCP_WND (2 * TCP_MSS)
#include "../../port/altcp_tls_rx.c"

#include "tls_pipe.h"

/* A client sends no less than this, unless it has no more: RFC 9293 section 3.8.6.2.1. */
#define SENT_LEAST TCP_MSS

#define HEADER_BYTES 5u /* of a record: RFC 8446 section 5.1 */

static uint8_t pattern[40000];

static struct pipe *const p = &pipes[0];
static struct upper *const u = &uppers[0];

/* Of what was delivered, not given back. */
static uint32_t outstanding_bytes(void) {
    return p->delivered_bytes - p->recved_bytes;
}

static uint32_t window_bytes(void) {
    assert_true(outstanding_bytes() <= TCP_WND);
    return TCP_WND - outstanding_bytes();
}

/* The client sends what the window lets it. False: nothing. */
static bool client_sends(void) {
    const uint32_t n = LWIP_MIN(LWIP_MIN(undelivered(p), window_bytes()), TCP_MSS);
    if (n == 0 || (n < undelivered(p) && n < SENT_LEAST)) {
        return false;
    }
    deliver(p, n);
    return true;
}

static void client_sends_all(void) {
    while (client_sends()) {
    }
    assert_int_equal(undelivered(p), 0);
}

/* Of the record that the client has begun, the bytes that are to come; 0 in front of its first one
 * and in its header, too. `from` is where in to_server a record begins, before p->to_server_read. */
static uint32_t left_of_record(uint32_t from) {
    while (from + HEADER_BYTES <= p->to_server_read) {
        const uint8_t *header = p->to_server + from;
        from += HEADER_BYTES + ((uint32_t)header[3] << 8 | header[4]);
        if (from > p->to_server_read) {
            return from - p->to_server_read;
        }
    }
    return 0;
}

static void connect_client(bool tls13) {
    bool done = false;
    assert_int_equal(connect_tcp(p), ERR_OK);
    client_start(p, tls13);
    for (uint32_t turn = 0; turn < 4; turn++) {
        done = client_steps(p);
        client_sends_all();
        acknowledge_all(p);
        assert_int_equal(outstanding_bytes(), 0);
    }
    assert_true(done);
    assert_non_null(u->pcb);
}

static void restart(bool tls13, enum app_habit habit) {
    end_test(NULL);
    start_test(NULL);
    u->habit = habit;
    connect_client(tls13);
}

static void expect_received(uint32_t n) {
    assert_int_equal(u->received_len, n);
    assert_memory_equal(u->received, pattern, n);
}

/* ---- tests -------------------------------------------------------------------------------- */

static void a_client_that_keeps_to_the_window_gets_all_through(void **state) {
    static const uint32_t sizes[] = {1, 30, 500, 531, 536, 1000, 1072, 3000, 16384, 33000};
    (void)state;
    for (uint32_t i = 0; i < 2 * sizeof sizes / sizeof sizes[0]; i++) {
        restart(i % 2, APP_TAKES);
        client_writes(p, pattern, sizes[i / 2]);
        client_sends_all();
        expect_received(sizes[i / 2]);
        assert_int_equal(outstanding_bytes(), 0);
    }
}

/* No sooner than the client needs it: each time is an acknowledgement more on the wire. */
static void is_given_back_when_the_rest_of_a_record_needs_it(void **state) {
    (void)state;
    for (int tls13 = 0; tls13 < 2; tls13++) {
        restart(tls13, APP_TAKES);
        for (uint32_t size = 100; size < 6000; size += 300) {
            const uint32_t first = p->to_server_read;
            client_writes(p, pattern, size);
            while (undelivered(p) > 0) {
                const uint32_t before = outstanding_bytes();
                deliver(p, 1);
                const uint32_t left = left_of_record(first);
                const bool is_late = TCP_WND - before - 1 < LWIP_MAX(left, SENT_LEAST);
                const bool is_given = left == 0 || is_late;
                assert_int_equal(outstanding_bytes(), is_given ? 0 : before + 1);
            }
        }
    }
}

/* The window stays as it is until the application has taken all. */
static void expect_closed_until_taken(void) {
    const uint32_t closed_bytes = outstanding_bytes();
    assert_true(undelivered(p) > 0);
    assert_in_range(closed_bytes, TCP_WND - SENT_LEAST + 1, TCP_WND);
    poll_once(p);
    altcp_recved(u->pcb, (u16_t)(u->kept_bytes - 1));
    assert_int_equal(outstanding_bytes(), closed_bytes);
    assert_false(client_sends());
    altcp_recved(u->pcb, 1);
    u->kept_bytes = 0;
    assert_int_equal(outstanding_bytes(), 0);
}

/* The first is given back before it is given to the application. */
static void what_is_not_taken_keeps_it_closed(void **state) {
    (void)state;
    for (int tls13 = 0; tls13 < 2; tls13++) {
        restart(tls13, APP_KEEPS);
        uint32_t count = 0;
        do {
            client_writes(p, pattern + 400 * count++, 400);
        } while (client_sends());
        assert_int_equal(count, 4);
        expect_received(1200);
        expect_closed_until_taken();
        u->habit = APP_TAKES;
        client_sends_all();
        expect_received(1600);
        assert_int_equal(outstanding_bytes(), 0);
    }
}

/* Where each segment has the beginning of a record, too. */
static void a_stream_that_is_not_taken_keeps_it_closed(void **state) {
    (void)state;
    for (int tls13 = 0; tls13 < 2; tls13++) {
        restart(tls13, APP_KEEPS);
        for (uint32_t i = 0; i < 40; i++) {
            client_writes(p, pattern + 1000 * i, 1000);
        }
        while (client_sends()) {
        }
        assert_in_range(u->kept_bytes, 1000, 1000 + TCP_WND);
        expect_closed_until_taken();
        u->habit = APP_TAKES;
        client_sends_all();
        expect_received(40000);
        assert_int_equal(outstanding_bytes(), 0);
    }
}

/* But once all before it is taken, it comes in. */
static void a_record_that_has_begun_waits_as_well(void **state) {
    (void)state;
    for (int tls13 = 0; tls13 < 2; tls13++) {
        restart(tls13, APP_KEEPS);
        client_writes(p, pattern, 100);
        client_writes(p, pattern + 100, 8000);
        while (client_sends()) {
        }
        assert_int_equal(u->kept_bytes, 100);
        expect_closed_until_taken();
        client_sends_all();
        expect_received(8100);
        altcp_recved(u->pcb, (u16_t)u->kept_bytes);
        assert_int_equal(outstanding_bytes(), 0);
    }
}

static void what_was_refused_counts_when_it_is_taken(void **state) {
    (void)state;
    for (int tls13 = 0; tls13 < 2; tls13++) {
        restart(tls13, APP_REFUSES);
        client_writes(p, pattern, 300);
        client_sends_all();
        poll_once(p);
        assert_int_equal(u->refused_count, 2);
        u->habit = APP_KEEPS;
        poll_once(p);
        client_writes(p, pattern + 300, 300);
        client_sends_all();
        expect_received(600);
        assert_true(outstanding_bytes() > 0);
        altcp_recved(u->pcb, (u16_t)u->kept_bytes);
        assert_int_equal(outstanding_bytes(), 0);
    }
}

/* Also when the application has taken all before it. */
static void what_is_refused_keeps_it_closed(void **state) {
    (void)state;
    for (int tls13 = 0; tls13 < 2; tls13++) {
        restart(tls13, APP_KEEPS);
        client_writes(p, pattern, 300);
        client_sends_all();
        u->habit = APP_REFUSES;
        client_writes(p, pattern + 300, 300);
        client_sends_all();
        assert_int_equal(u->refused_count, 1);
        const uint32_t closed_bytes = outstanding_bytes();
        assert_true(closed_bytes > 0);
        altcp_recved(u->pcb, (u16_t)u->kept_bytes);
        assert_int_equal(outstanding_bytes(), closed_bytes);
        u->habit = APP_TAKES;
        poll_once(p);
        expect_received(600);
        assert_int_equal(outstanding_bytes(), 0);
    }
}

/* ---- ends --------------------------------------------------------------------------------- */

enum end { END_CLOSE, END_ABORT, END_RESET, ENDS };

static void end_connection(enum end end) {
    struct altcp_pcb *inner = p->inner;
    if (end == END_CLOSE) {
        assert_int_equal(altcp_close(u->pcb), ERR_OK);
        u->pcb = NULL;
        assert_true(p->fin_sent);
        assert_false(p->aborted);
        assert_int_equal(outstanding_bytes(), 0); /* or lwIP would say RST */
    } else if (end == END_ABORT) {
        altcp_abort(u->pcb);
        assert_true(p->aborted);
    } else {
        p->inner = NULL;
        inner->err(inner->arg, ERR_RST);
        altcp_free(inner);
        assert_int_equal(u->errors, 1);
    }
    end_test(NULL);
    start_test(NULL);
}

/* Plaintext that the application did not want, and ciphertext behind it. */
static void a_refused_record_leaves_nothing(void **state) {
    (void)state;
    for (uint32_t i = 0; i < 2 * ENDS; i++) {
        restart(i % 2, APP_REFUSES);
        client_writes(p, pattern, 300);
        client_writes(p, pattern, 3000);
        while (client_sends()) {
        }
        assert_true(u->refused_count > 0);
        assert_true(outstanding_bytes() > 0);
        assert_true(net_heap_stats().used > 0);
        end_connection(i / 2);
    }
}

static void a_record_that_is_not_whole_leaves_nothing(void **state) {
    (void)state;
    for (uint32_t i = 0; i < 2 * ENDS; i++) {
        restart(i % 2, APP_TAKES);
        client_writes(p, pattern, 800);
        deliver(p, 500);
        assert_int_equal(outstanding_bytes(), 500);
        end_connection(i / 2);
    }
}

static void what_was_not_taken_leaves_nothing(void **state) {
    (void)state;
    for (uint32_t i = 0; i < 2 * ENDS; i++) {
        restart(i % 2, APP_KEEPS);
        client_writes(p, pattern, 300);
        client_writes(p, pattern, 300);
        client_sends_all();
        assert_int_equal(u->kept_bytes, 600);
        assert_true(outstanding_bytes() > 0);
        end_connection(i / 2);
    }
}

static void client_puts_garbage(void) {
    memcpy(p->to_server + p->to_server_len, pattern, 300);
    p->to_server_len += 300;
}

/* Nothing counts behind a close_notify, in its segment or later. */
static void what_comes_after_the_end_is_given_back(void **state) {
    (void)state;
    for (int tls13 = 0; tls13 < 2; tls13++) {
        restart(tls13, APP_TAKES);
        client_closes(p);
        client_puts_garbage();
        client_sends_all();
        assert_int_equal(u->ends, 1);
        assert_int_equal(outstanding_bytes(), 0);
        client_puts_garbage();
        client_sends_all();
        assert_int_equal(outstanding_bytes(), 0);
        assert_int_equal(u->received_len, 0);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        TLS_TEST(a_client_that_keeps_to_the_window_gets_all_through),
        TLS_TEST(is_given_back_when_the_rest_of_a_record_needs_it),
        TLS_TEST(what_is_not_taken_keeps_it_closed),
        TLS_TEST(a_stream_that_is_not_taken_keeps_it_closed),
        TLS_TEST(a_record_that_has_begun_waits_as_well),
        TLS_TEST(what_was_refused_counts_when_it_is_taken),
        TLS_TEST(what_is_refused_keeps_it_closed),
        TLS_TEST(a_refused_record_leaves_nothing),
        TLS_TEST(a_record_that_is_not_whole_leaves_nothing),
        TLS_TEST(what_was_not_taken_leaves_nothing),
        TLS_TEST(what_comes_after_the_end_is_given_back),
    };
    fill_pattern(pattern, sizeof pattern);
    return cmocka_run_group_tests(tests, start_world, end_world);
}
