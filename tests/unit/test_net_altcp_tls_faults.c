/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * test_net_altcp_tls_faults.c: the TLS layer when something goes wrong: ends at every moment,
 * hostile bytes, no memory, no place, an application that aborts. One connection's trouble is
 * counted and nobody else's.
 */
#include "tls_pipe.h"

static uint8_t pattern[40000];
static uint8_t got[40000];

static struct pipe *const p = &pipes[0];
static struct upper *const u = &uppers[0];

/* Exactly one more failure since the test began, and of this kind. */
static void expect_failure(enum altcp_tls_failure failure) {
    struct altcp_tls_stats now = stats_now();
    for (int i = 0; i < ALTCP_TLS_FAILURES; i++) {
        assert_int_equal(now.failures_total[i] - stats_before.failures_total[i], i == (int)failure);
    }
    stats_before = now;
}

static void expect_no_failure(void) {
    assert_memory_equal(stats_now().failures_total, stats_before.failures_total,
                        sizeof stats_before.failures_total);
}

static void expect_works(struct pipe *other, struct upper *who) {
    uint32_t had = who->received_len;
    client_writes(other, pattern, 100);
    deliver_all(other, 7);
    assert_int_equal(who->received_len, had + 100);
    assert_int_equal(altcp_write(who->pcb, pattern, 100, 0), ERR_OK);
    assert_int_equal(client_reads(other, got, sizeof got), 100);
}

/* Delivers until the server has had so many bytes in all. */
static void deliver_up_to(struct pipe *to, uint32_t limit) {
    uint32_t n = LWIP_MIN(undelivered(to), limit - to->delivered_bytes);
    if (n > 0) {
        deliver(to, n);
    }
}

/* ---- ends -------------------------------------------------------------------------------- */

static void fin_after_every_byte_of_the_handshake(void **state) {
    (void)state;
    for (int tls13 = 0; tls13 < 2; tls13++) {
        uint32_t cut = 0;
        bool whole = false;
        while (!whole) {
            start_test(NULL);
            connect_tcp(p);
            client_start(p, tls13);
            for (int turn = 0; turn < 8; turn++) {
                client_steps(p);
                deliver_up_to(p, cut);
            }
            whole = accepts > 0;
            if (!whole) {
                deliver_fin(p);
                assert_null(p->inner);
                assert_true(p->fin_sent);
                expect_failure(ALTCP_TLS_LEFT);
            }
            end_test(NULL);
            cut += whole ? 0 : cut < 10 ? 1 : 13;
        }
        assert_true(cut > 200);
    }
}

static void reset_in_the_handshake_and_later(void **state) {
    (void)state;
    connect_tcp(p);
    client_start(p, true);
    client_steps(p);
    deliver(p, 50);
    struct altcp_pcb *inner = p->inner;
    p->inner = NULL;
    inner->err(inner->arg, ERR_RST);
    altcp_free(inner);
    assert_int_equal(accepts, 0);
    expect_failure(ALTCP_TLS_LEFT);

    shake_hands(&pipes[1], true);
    inner = pipes[1].inner;
    pipes[1].inner = NULL;
    inner->err(inner->arg, ERR_RST);
    altcp_free(inner);
    assert_int_equal(u->errors, 1);
    expect_no_failure();
}

static void fin_without_close_notify_is_counted(void **state) {
    (void)state;
    shake_hands(p, true);
    client_writes(p, pattern, 100);
    client_writes(p, pattern, 100);
    deliver(p, undelivered(p) - 1); /* the second record is not whole */
    deliver_fin(p);
    assert_int_equal(u->received_len, 100);
    assert_int_equal(u->ends, 1);
    assert_int_equal(stats_now().truncated_total, stats_before.truncated_total + 1);
    assert_int_equal(altcp_write(u->pcb, pattern, 100, 0), ERR_OK); /* half closed */
    assert_int_equal(client_reads(p, got, sizeof got), 100);
}

static void close_notify_is_no_truncation(void **state) {
    (void)state;
    shake_hands(p, true);
    client_writes(p, pattern, 100);
    client_closes(p);
    deliver_all(p, 0xffff);
    assert_int_equal(u->received_len, 100);
    assert_int_equal(u->ends, 1);
    deliver_fin(p);
    assert_int_equal(u->ends, 1);
    assert_int_equal(stats_now().truncated_total, stats_before.truncated_total);
    assert_int_equal(p->recved_bytes, p->delivered_bytes);
    assert_int_equal(altcp_write(u->pcb, pattern, 100, 0), ERR_OK);
}

static void bytes_after_close_notify_are_dropped(void **state) {
    (void)state;
    shake_hands(p, true);
    client_closes(p);
    memcpy(p->to_server + p->to_server_len, pattern, 500);
    p->to_server_len += 500;
    deliver_all(p, 100);
    assert_int_equal(u->received_len, 0);
    assert_int_equal(u->ends, 1);
    assert_int_equal(u->errors, 0);
    assert_int_equal(p->recved_bytes, p->delivered_bytes);
}

/* `deliver` itself checks that ERR_ABRT is answered then and only then. */
static void application_aborts_or_closes_in_recv(void **state) {
    static const enum app_habit habits[] = {APP_ABORTS, APP_CLOSES};
    (void)state;
    for (size_t i = 0; i < 4; i++) {
        start_test(NULL);
        shake_hands(p, i / 2);
        u->habit = habits[i % 2];
        client_writes(p, pattern, 100);
        client_writes(p, pattern, 100); /* more to read, but nobody left */
        deliver_all(p, 0xffff);
        assert_null(p->inner);
        assert_int_equal(p->aborted, u->habit == APP_ABORTS);
        assert_int_equal(u->received_len, 100);
        assert_int_equal(u->errors, u->habit == APP_ABORTS); /* as tcp_abort does */
        expect_no_failure();
        end_test(NULL);
    }
}

static void application_refuses_in_accept(void **state) {
    (void)state;
    u->accept_answer = ERR_MEM;
    connect_tcp(p);
    client_start(p, true);
    for (int turn = 0; turn < 3; turn++) {
        client_steps(p);
        deliver_all(p, 0xffff);
    }
    assert_int_equal(accepts, 1);
    assert_true(p->aborted);
    assert_null(p->inner);
}

static void listener_closes_during_a_handshake(void **state) {
    (void)state;
    shake_hands(&pipes[0], true);
    connect_tcp(&pipes[1]);
    client_start(&pipes[1], true);
    client_steps(&pipes[1]);
    deliver_all(&pipes[1], 0xffff);
    assert_int_equal(altcp_close(listener), ERR_OK);
    assert_true(pipes[1].aborted);
    expect_works(&pipes[0], &uppers[0]);
    altcp_abort(uppers[0].pcb);
    client_free(&pipes[0]);
    client_free(&pipes[1]);
    altcp_tls_free_config(config);
    start_listener();
    assert_in_range(memory_used(), memory_at_rest_bytes - 64, memory_at_rest_bytes);
    memory_at_rest_bytes = memory_used(); /* what is too small for a block has moved */
}

/* ---- time -------------------------------------------------------------------------------- */

static void stalled_handshake_ends_at_its_deadline(void **state) {
    const int polls = ALTCP_TLS_HANDSHAKE_MS / 500;
    (void)state;
    connect_tcp(p);
    client_start(p, true);
    client_steps(p);
    for (int i = 1; i < polls; i++) {
        if (undelivered(p) > 1) {
            deliver(p, 1); /* trickling does not help */
        }
        poll_once(p);
        assert_non_null(p->inner);
    }
    poll_once(p);
    assert_true(p->aborted);
    assert_int_equal(accepts, 0);
    expect_failure(ALTCP_TLS_TIMEOUT);
}

static void deadline_ends_with_the_handshake(void **state) {
    (void)state;
    shake_hands(p, true);
    for (int i = 0; i < 1000; i++) {
        poll_once(p);
    }
    expect_works(p, u);
    expect_no_failure();
}

/* ---- hostile bytes ----------------------------------------------------------------------- */

static void put_raw(const void *bytes, uint32_t n) {
    memcpy(p->to_server + p->to_server_len, bytes, n);
    p->to_server_len += n;
}

static void what_is_no_tls_is_refused(void **state) {
    static const char http[] = "GET / HTTP/1.1\r\nHost: pingshot\r\n\r\n";
    (void)state;
    connect_tcp(p);
    put_raw(http, sizeof http - 1);
    deliver_all(p, 0xffff);
    assert_null(p->inner);
    assert_true(p->fin_sent);
    assert_int_equal(p->recved_bytes, p->delivered_bytes);
    struct altcp_tls_stats now = stats_now();
    assert_int_equal(now.failures_total[ALTCP_TLS_PROTOCOL] + now.failures_total[ALTCP_TLS_VERSION],
                     stats_before.failures_total[ALTCP_TLS_PROTOCOL] +
                         stats_before.failures_total[ALTCP_TLS_VERSION] + 1);
}

static void too_long_records_are_refused(void **state) {
    /* 2^14 + 256 is the limit for what is encrypted: RFC 8446 section 5.2; wolfSSL's own slack
     * lies above it. */
    static const uint8_t header[] = {23, 3, 3, 0x48, 0x00};
    (void)state;
    shake_hands(&pipes[1], true);
    connect_tcp(p);
    put_raw(header, sizeof header);
    deliver_all(p, 1);
    assert_null(p->inner);
    struct altcp_tls_stats now = stats_now();
    assert_int_equal(now.failures_total[ALTCP_TLS_RECORD],
                     stats_before.failures_total[ALTCP_TLS_RECORD] + 1);
    stats_before = now;

    memset(p, 0, sizeof *p);
    shake_hands(p, true); /* takes uppers[1] */
    put_raw(header, sizeof header);
    deliver_all(p, 1);
    assert_null(p->inner);
    expect_failure(ALTCP_TLS_RECORD);
}

static void changed_bytes_end_the_session(void **state) {
    (void)state;
    for (int tls13 = 0; tls13 < 2; tls13++) {
        for (uint32_t at = 5; at < 60; at += 9) {
            start_test(NULL);
            shake_hands(p, tls13);
            client_writes(p, pattern, 100);
            p->to_server[p->to_server_read + at] ^= 1;
            deliver_all(p, 0xffff);
            assert_null(p->inner);
            assert_true(p->fin_sent); /* with an alert before it, not a reset */
            assert_int_equal(u->received_len, 0);
            assert_int_equal(u->errors, 1);
            expect_failure(ALTCP_TLS_RECORD);
            int n = wolfSSL_read(p->client, got, 1);
            assert_int_equal(wolfSSL_get_error(p->client, n), FATAL_ERROR);
            end_test(NULL);
        }
    }
}

/* Connects a client that is not as the others are. */
static void connect_client_of(WOLFSSL_CTX *context) {
    wolfSSL_CTX_SetIORecv(context, client_recv);
    wolfSSL_CTX_SetIOSend(context, client_send);
    connect_tcp(p);
    p->client = wolfSSL_new(context);
    wolfSSL_SetIOReadCtx(p->client, p);
    wolfSSL_SetIOWriteCtx(p->client, p);
}

static void fatal_alert_of_the_client(void **state) {
    /* Its certificates are not ours: it says so. */
    WOLFSSL_CTX *stranger = wolfSSL_CTX_new(wolfTLSv1_3_client_method());
    (void)state;
    connect_client_of(stranger);
    for (int turn = 0; turn < 3; turn++) {
        wolfSSL_connect(p->client);
        deliver_all(p, 0xffff);
    }
    client_free(p);
    wolfSSL_CTX_free(stranger);
    assert_null(p->inner);
    assert_int_equal(accepts, 0);
    expect_failure(ALTCP_TLS_ALERT);
}

static void no_common_cipher(void **state) {
    WOLFSSL_CTX *other = wolfSSL_CTX_new(wolfTLSv1_3_client_method());
    (void)state;
    connect_client_of(other);
    wolfSSL_connect(p->client);
    /* Its suites lie behind version, random and session id; make them unknown ones. */
    uint32_t at = 5 + 4 + 2 + 32;
    at += 1u + p->to_server[at];
    uint32_t n = (uint32_t)p->to_server[at] << 8 | p->to_server[at + 1];
    memset(p->to_server + at + 2, 0xfa, n);
    deliver_all(p, 0xffff);
    client_free(p);
    wolfSSL_CTX_free(other);
    assert_null(p->inner);
    expect_failure(ALTCP_TLS_CIPHER);
}

/* ---- memory ------------------------------------------------------------------------------ */

/* The pool ends anywhere in a handshake: that connection alone ends. */
static void pool_used_up_in_a_handshake(void **state) {
    static void *blocks[4000];
    (void)state;
    uint32_t failed = 0;
    for (uint32_t left = 0; left < 40000; left += 499) {
        start_test(NULL);
        shake_hands(&pipes[1], true); /* takes uppers[0] */
        connect_tcp(p);
        client_start(p, left % 2);
        client_steps(p);
        deliver(p, 1); /* with less it would not begin */
        /* The client shares the pool, so it acts before the pool is full. */
        uint32_t count = take_memory(blocks, 4000, left);
        deliver_all(p, 0xffff);
        give_memory(blocks, count);
        failed += p->inner == NULL;
        if (p->inner == NULL) {
            expect_failure(ALTCP_TLS_MEMORY);
        }
        expect_works(&pipes[1], &uppers[0]);
        if (p->inner != NULL) {
            deliver_fin(p);
        }
        end_test(NULL);
    }
    assert_true(failed > 5);
}

/* As while another connection shakes hands: the application is told what fits, then that nothing does,
 * and when there is room again. */
static void pool_used_up_is_waited_for_by_records(void **state) {
    static void *blocks[4000];
    static void *more[4000];
    (void)state;
    shake_hands(p, true);
    const uint16_t all = altcp_sndbuf(u->pcb);
    uint32_t count = take_memory(blocks, 4000, 700);
    const uint16_t some = altcp_sndbuf(u->pcb);
    assert_in_range(some, 300, 700);
    assert_int_equal(altcp_write(u->pcb, pattern, (u16_t)(some + 1), 0), ERR_MEM);
    assert_int_equal(altcp_write(u->pcb, pattern, some, 0), ERR_OK);
    const uint32_t more_count = take_memory(more, 4000, 64);
    assert_int_equal(altcp_sndbuf(u->pcb), 0);
    assert_int_equal(altcp_write(u->pcb, pattern, 1, 0), ERR_MEM);
    expect_no_failure();
    give_memory(more, more_count);
    give_memory(blocks, count);
    assert_int_equal(u->sent_zero_calls, 0);
    poll_once(p);
    assert_int_equal(u->sent_zero_calls, 1);
    assert_int_equal(altcp_sndbuf(u->pcb), all);
    assert_int_equal(client_reads(p, got, sizeof got), some);
    assert_memory_equal(got, pattern, some);
    expect_works(p, u);
}

static void heap_of_lwip_used_up_is_waited_for(void **state) {
    static void *blocks[20000];
    (void)state;
    shake_hands(p, true);
    client_writes(p, pattern, 100);
    struct pbuf *q = pbuf_alloc(PBUF_RAW, (u16_t)undelivered(p), PBUF_POOL);
    pbuf_take(q, p->to_server + p->to_server_read, (u16_t)undelivered(p));
    p->delivered_bytes += undelivered(p);
    p->to_server_read = p->to_server_len;
    uint32_t count = 0;
    while ((blocks[count] = net_heap_alloc(count < 4000 ? 9000 : 100)) != NULL) {
        count++;
    }
    assert_int_equal(p->inner->recv(p->inner->arg, p->inner, q, ERR_OK), ERR_OK);
    assert_int_equal(u->received_len, 0);
    while (count > 0) {
        net_heap_free(blocks[--count]);
    }
    poll_once(p);
    assert_int_equal(u->received_len, 100);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        TLS_TEST(fin_after_every_byte_of_the_handshake),
        TLS_TEST(reset_in_the_handshake_and_later),
        TLS_TEST(fin_without_close_notify_is_counted),
        TLS_TEST(close_notify_is_no_truncation),
        TLS_TEST(bytes_after_close_notify_are_dropped),
        TLS_TEST(application_aborts_or_closes_in_recv),
        TLS_TEST(application_refuses_in_accept),
        TLS_TEST(listener_closes_during_a_handshake),
        TLS_TEST(stalled_handshake_ends_at_its_deadline),
        TLS_TEST(deadline_ends_with_the_handshake),
        TLS_TEST(what_is_no_tls_is_refused),
        TLS_TEST(too_long_records_are_refused),
        TLS_TEST(changed_bytes_end_the_session),
        TLS_TEST(fatal_alert_of_the_client),
        TLS_TEST(no_common_cipher),
        TLS_TEST(pool_used_up_in_a_handshake),
        TLS_TEST(pool_used_up_is_waited_for_by_records),
        TLS_TEST(heap_of_lwip_used_up_is_waited_for),
    };
    fill_pattern(pattern, sizeof pattern);
    return cmocka_run_group_tests(tests, start_world, end_world);
}
