/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * test_net_altcp_tls_records.c: which records the TLS layer lets in: one that is too long is refused
 * with its alert before it takes memory, and one for which the pool has no room now is waited for.
 */
#include "altcp_tls_opts.h"
#include "tls_pipe.h"

#include "lwip/priv/tcp_priv.h"

static uint8_t pattern[40000];
static void *blocks[4000];

static struct pipe *const p = &pipes[0];
static struct upper *const u = &uppers[0];

static uint32_t failures(void) {
    struct altcp_tls_stats now = stats_now();
    uint32_t sum = 0;
    for (int i = 0; i < ALTCP_TLS_FAILURES; i++) {
        sum += now.failures_total[i] - stats_before.failures_total[i];
    }
    return sum;
}

/* The connection has ended, counted as this failure, and its client was told by a fatal alert. */
static void expect_ended(enum altcp_tls_failure failure, int alert) {
    uint8_t byte;
    WOLFSSL_ALERT_HISTORY alerts;
    assert_null(p->inner);
    assert_true(p->fin_sent);
    assert_int_equal(failures(), 1);
    assert_int_equal(stats_now().failures_total[failure], stats_before.failures_total[failure] + 1);
    assert_int_equal(wolfSSL_read(p->client, &byte, 1), -1);
    wolfSSL_get_alert_history(p->client, &alerts);
    assert_int_equal(alerts.last_rx.code, alert);
    assert_int_equal(alerts.last_rx.level, alert_fatal);
}

static uint32_t refused_by_pool(void) {
    struct altcp_tls_mem_stats mem;
    altcp_tls_mem_get_stats(&mem);
    return mem.refused_total;
}

/* A record's header that announces `bytes`. */
static void put_header(uint32_t bytes) {
    const uint8_t header[] = {23, 3, 3, (uint8_t)(bytes >> 8), (uint8_t)bytes};
    memcpy(p->to_server + p->to_server_len, header, sizeof header);
    p->to_server_len += sizeof header;
}

static void too_long_is_told_in_an_alert(void **state) {
    (void)state;
    for (int tls13 = 0; tls13 < 2; tls13++) {
        start_test(NULL);
        shake_hands(p, tls13);
        put_header(ALTCP_TLS_RX_RECORD_BYTES + 257);
        deliver_all(p, 1);
        expect_ended(ALTCP_TLS_RECORD, record_overflow);
        end_test(NULL);
    }
}

static void as_long_as_may_be_is_read_on(void **state) {
    (void)state;
    shake_hands(p, true);
    put_header(ALTCP_TLS_RX_RECORD_BYTES + 256);
    deliver_all(p, 1);
    assert_non_null(p->inner);
    assert_int_equal(failures(), 0);
}

/* Whatever is free when it comes, in whatever pieces: it comes in the end, and takes nothing from
 * the others meanwhile. */
static void a_record_waits_for_memory(void **state) {
    (void)state;
    for (uint32_t piece_bytes = 1; piece_bytes < 4000; piece_bytes = piece_bytes * 3 + 1) {
        for (uint32_t left_bytes = 1000; left_bytes < 34000; left_bytes += 4000) {
            start_test(NULL);
            shake_hands(p, piece_bytes % 2);
            client_writes(p, pattern, 16384);
            client_writes(p, pattern, 300);
            uint32_t count = take_memory(blocks, 4000, left_bytes);
            uint32_t refused = refused_by_pool();
            deliver_all(p, piece_bytes);
            poll_once(p);
            assert_int_equal(failures(), 0);
            assert_int_equal(refused_by_pool(), refused);
            if (left_bytes < 16384) {
                assert_int_equal(u->received_len, 0);
            }
            give_memory(blocks, count);
            poll_once(p);
            assert_int_equal(u->received_len, 16684);
            assert_memory_equal(u->received, pattern, 16384);
            end_test(NULL);
        }
    }
}

/* What waits holds frames that others need, so not for ever. */
static void a_record_does_not_wait_for_ever(void **state) {
    (void)state;
    shake_hands(p, true);
    client_writes(p, pattern, 16384);
    uint32_t count = take_memory(blocks, 4000, 8000);
    deliver_all(p, 1460);
    for (int i = 0; i < ALTCP_TLS_RX_WAIT_MS / TCP_SLOW_INTERVAL; i++) {
        poll_once(p);
        assert_non_null(p->inner);
    }
    poll_once(p);
    give_memory(blocks, count);
    expect_ended(ALTCP_TLS_MEMORY, internal_error);
}

static void a_handshake_waits_for_memory(void **state) {
    (void)state;
    for (int tls13 = 0; tls13 < 2; tls13++) {
        start_test(NULL);
        assert_int_equal(connect_tcp(p), ERR_OK);
        client_start(p, tls13);
        client_steps(p);
        uint32_t count = take_memory(blocks, 4000, ALTCP_TLS_MEM_RESERVE_BYTES / 2 - 1);
        deliver_all(p, 7);
        poll_once(p);
        assert_int_equal(failures(), 0);
        assert_int_equal(p->to_client_len, 0);
        give_memory(blocks, count);
        poll_once(p);
        bool done = false;
        for (int turn = 0; turn < 8; turn++) {
            done = done || client_steps(p);
            deliver_all(p, 7);
            acknowledge_all(p);
        }
        assert_true(done);
        assert_int_equal(failures(), 0);
        assert_int_equal(stats_now().handshakes_total, stats_before.handshakes_total + 1);
        end_test(NULL);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        TLS_TEST(too_long_is_told_in_an_alert), TLS_TEST(as_long_as_may_be_is_read_on),
        TLS_TEST(a_record_waits_for_memory),    TLS_TEST(a_record_does_not_wait_for_ever),
        TLS_TEST(a_handshake_waits_for_memory),
    };
    fill_pattern(pattern, sizeof pattern);
    return cmocka_run_group_tests(tests, start_world, end_world);
}
