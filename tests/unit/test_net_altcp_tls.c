/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * test_net_altcp_tls.c: that the TLS layer keeps altcp's contract while all goes well: bytes in
 * any pieces, windows and acknowledgements counted right, ends in order. What goes wrong is in
 * test_net_altcp_tls_faults.c.
 */
#include "tls_pipe.h"

static uint8_t pattern[200000];
static uint8_t got[200000];

static struct pipe *const p = &pipes[0];
static struct upper *const u = &uppers[0];

static void expect_received(const struct upper *who, const uint8_t *bytes, uint32_t n) {
    assert_int_equal(who->received_len, n);
    assert_memory_equal(who->received, bytes, n);
}

static void both_versions_in_any_pieces(void **state) {
    static const uint32_t pieces[] = {1, 2, 5, 6, 1460, 0xffff};
    (void)state;
    for (size_t i = 0; i < 2 * sizeof pieces / sizeof pieces[0]; i++) {
        bool tls13 = i % 2;
        start_test(NULL);
        shake_hands_in(p, tls13, pieces[i / 2]);
        assert_int_equal(accepts, 1);
        assert_string_equal(wolfSSL_get_version(p->client), tls13 ? "TLSv1.3" : "TLSv1.2");
        client_writes(p, pattern, 3000);
        deliver_all(p, pieces[i / 2]);
        expect_received(u, pattern, 3000);
        assert_int_equal(upper_writes(u, pattern, 2000), 2000);
        assert_int_equal(client_reads(p, got, sizeof got), 2000);
        assert_memory_equal(got, pattern, 2000);
        end_test(NULL);
    }
}

static void accept_waits_for_the_handshake(void **state) {
    (void)state;
    connect_tcp(p);
    client_start(p, true);
    assert_false(client_steps(p));
    deliver_all(p, 0xffff);
    assert_int_equal(accepts, 0);
    assert_true(client_steps(p));
    deliver(p, undelivered(p) - 1);
    assert_int_equal(accepts, 0);
    deliver(p, 1);
    assert_int_equal(accepts, 1);
}

static void many_records_in_one_segment(void **state) {
    (void)state;
    shake_hands(p, true);
    for (uint32_t i = 0; i < 100; i++) {
        client_writes(p, pattern + i * 10, 10);
    }
    deliver(p, undelivered(p));
    expect_received(u, pattern, 1000);
}

static void request_in_the_segment_of_the_last_handshake_message(void **state) {
    (void)state;
    connect_tcp(p);
    client_start(p, true);
    client_steps(p);
    deliver_all(p, 0xffff);
    assert_true(client_steps(p));
    client_writes(p, pattern, 100);
    deliver(p, undelivered(p));
    expect_received(u, pattern, 100);
}

static void largest_records(void **state) {
    (void)state;
    shake_hands(p, true);
    client_writes(p, pattern, 3 * 16384);
    deliver_all(p, 1460);
    expect_received(u, pattern, 3 * 16384);
}

static void window_credit_equals_bytes_consumed(void **state) {
    (void)state;
    for (int tls13 = 0; tls13 < 2; tls13++) {
        start_test(NULL);
        shake_hands(p, tls13);
        assert_int_equal(p->recved_bytes, p->delivered_bytes);
        client_writes(p, pattern, 20000);
        deliver_all(p, 777);
        assert_int_equal(p->recved_bytes, p->delivered_bytes);
        client_closes(p);
        deliver_all(p, 777);
        assert_int_equal(p->recved_bytes, p->delivered_bytes);
        end_test(NULL);
    }
}

/* An application that takes nothing stops the decryption, and with it TCP's window. */
static void untaken_plaintext_closes_the_window(void **state) {
    (void)state;
    shake_hands(p, true);
    u->habit = APP_KEEPS;
    client_writes(p, pattern, 60000);
    deliver_all(p, 1460);
    assert_true(u->received_len >= 16384);
    assert_true(u->received_len < 16384 + 2048);
    assert_true(p->delivered_bytes - p->recved_bytes > 20000);
    u->habit = APP_TAKES;
    while (u->kept_bytes > 0) {
        uint16_t n = (uint16_t)LWIP_MIN(u->kept_bytes, 5000u);
        altcp_recved(u->pcb, n);
        u->kept_bytes -= n;
        poll_once(p);
    }
    expect_received(u, pattern, 60000);
    assert_int_equal(p->recved_bytes, p->delivered_bytes);
}

static void refused_data_stays_queued(void **state) {
    (void)state;
    shake_hands(p, true);
    u->habit = APP_REFUSES;
    client_writes(p, pattern, 5000);
    client_writes(p, pattern + 5000, 100);
    deliver_all(p, 1460);
    assert_int_equal(u->received_len, 0);
    assert_true(u->refused_count >= 1);
    uint32_t before = u->refused_count;
    poll_once(p);
    assert_int_equal(u->refused_count, before + 1);
    client_closes(p);
    deliver_all(p, 0xffff);
    assert_int_equal(u->ends, 0); /* the end comes after what was before it */
    u->habit = APP_TAKES;
    poll_once(p);
    expect_received(u, pattern, 5100);
    assert_int_equal(u->ends, 1);
    assert_int_equal(p->recved_bytes, p->delivered_bytes);
}

/* Byte by byte: nothing is reported before the last byte of its record is acknowledged. */
static void sent_reports_plaintext_of_whole_records(void **state) {
    (void)state;
    for (int tls13 = 0; tls13 < 2; tls13++) {
        start_test(NULL);
        shake_hands(p, tls13);
        assert_int_equal(u->sent_bytes, 0); /* the handshake's bytes are not the application's */
        uint32_t end[3];
        static const uint16_t plain[3] = {1, 700, 16384};
        for (int i = 0; i < 3; i++) {
            assert_int_equal(altcp_write(u->pcb, pattern, plain[i], 0), ERR_OK);
            end[i] = p->unacked_bytes;
        }
        uint32_t due = 0;
        for (uint32_t acked = 1; acked <= end[2]; acked++) {
            acknowledge(p, 1);
            for (int i = 0; i < 3; i++) {
                due += acked == end[i] ? plain[i] : 0;
            }
            assert_int_equal(u->sent_bytes, due);
        }
        assert_int_equal(due, 1 + 700 + 16384);
        end_test(NULL);
    }
}

/* More records than there are places for: late, but never early, and never lost. */
static void sent_with_more_records_than_places(void **state) {
    enum { RECORDS = 200 };
    uint32_t end[RECORDS];
    (void)state;
    shake_hands(p, true);
    for (uint32_t i = 0; i < RECORDS; i++) {
        assert_int_equal(altcp_write(u->pcb, pattern, 10, 0), ERR_OK);
        end[i] = p->unacked_bytes;
    }
    uint32_t acked = 0;
    for (uint32_t i = 0; i < RECORDS; i++) {
        acknowledge(p, end[i] - acked);
        acked = end[i];
        assert_true(u->sent_bytes <= (i + 1) * 10);
    }
    assert_int_equal(u->sent_bytes, RECORDS * 10);
}

/* sent counts in 16 bits; one acknowledgement may complete more than that. */
static void sent_of_more_than_64_KiB_at_once(void **state) {
    (void)state;
    shake_hands(p, true);
    p->sndbuf_bytes = 200000;
    uint32_t written = 0;
    while (written < 5 * 16384) {
        written += upper_writes(u, pattern, 16384);
    }
    acknowledge(p, 16000);
    assert_int_equal(u->sent_bytes, 0);
    acknowledge_all(p);
    assert_int_equal(u->sent_bytes, written);
}

static void sndbuf_leaves_room_for_the_record(void **state) {
    (void)state;
    shake_hands(p, true);
    assert_int_equal(altcp_sndbuf(u->pcb), 16384);
    assert_int_equal(altcp_write(u->pcb, pattern, 16385, 0), ERR_MEM);
    for (uint32_t room = 0; room < 200; room++) {
        p->sndbuf_bytes = p->unacked_bytes + room;
        uint16_t n = altcp_sndbuf(u->pcb);
        assert_int_equal(n, room > 29 ? room - 29 : 0);
        if (n > 0) {
            assert_int_equal(altcp_write(u->pcb, pattern, n, 0), ERR_OK);
            assert_true(p->unacked_bytes <= p->sndbuf_bytes);
            assert_int_equal(client_reads(p, got, sizeof got), n);
        }
        acknowledge_all(p);
    }
    assert_true(altcp_mss(u->pcb) < 1460);
}

/* TCP has no memory for what it had room for: the record waits, and nothing is lost or doubled. */
static void records_wait_for_memory_of_tcp(void **state) {
    (void)state;
    for (uint32_t refused = 1; refused < 12; refused++) {
        start_test(NULL);
        shake_hands(p, refused % 2);
        p->writes_refused = refused;
        assert_int_equal(altcp_write(u->pcb, pattern, 10000, 0), ERR_OK);
        if (p->unacked_bytes < 10000) { /* the rest waits */
            p->writes_refused = 50;
            assert_int_equal(altcp_sndbuf(u->pcb), 0);
            assert_int_equal(altcp_write(u->pcb, pattern, 1, 0), ERR_MEM);
            assert_int_equal(altcp_close(u->pcb), ERR_MEM); /* written is written */
        }
        p->writes_refused = 0;
        poll_once(p);
        assert_int_equal(u->sent_bytes, 0);
        acknowledge_all(p);
        assert_int_equal(u->sent_bytes, 10000);
        assert_int_equal(client_reads(p, got, sizeof got), 10000);
        assert_memory_equal(got, pattern, 10000);
        end_test(NULL);
    }
}

static void room_again_is_told(void **state) {
    (void)state;
    shake_hands(p, true);
    p->sndbuf_bytes = 20;
    assert_int_equal(altcp_sndbuf(u->pcb), 0);
    p->sndbuf_bytes = 1000;
    p->unacked_bytes = 1; /* of the handshake */
    acknowledge(p, 1);
    assert_int_equal(u->sent_zero_calls, 1);
}

static void close_notify_comes_before_fin(void **state) {
    (void)state;
    for (int tls13 = 0; tls13 < 2; tls13++) {
        start_test(NULL);
        shake_hands(p, tls13);
        upper_writes(u, pattern, 500);
        struct altcp_pcb *pcb = u->pcb;
        u->pcb = NULL;
        assert_int_equal(altcp_close(pcb), ERR_OK);
        assert_true(p->fin_sent);
        assert_int_equal(client_reads(p, got, 500), 500);
        assert_true(client_saw_close_notify(p));
        end_test(NULL);
    }
}

/* The other direction stays open. */
static void shutdown_ends_only_sending(void **state) {
    (void)state;
    shake_hands(p, true);
    upper_writes(u, pattern, 500);
    assert_int_equal(altcp_shutdown(u->pcb, 0, 1), ERR_OK);
    assert_true(p->fin_sent);
    assert_int_equal(altcp_write(u->pcb, pattern, 1, 0), ERR_CONN);
    assert_int_equal(altcp_shutdown(u->pcb, 0, 1), ERR_OK);
    assert_int_equal(client_reads(p, got, 500), 500);
    client_writes(p, pattern, 300);
    deliver_all(p, 50);
    expect_received(u, pattern, 300);
    acknowledge_all(p);
    assert_int_equal(u->sent_bytes, 500);
    client_closes(p);
    deliver_all(p, 50);
    assert_int_equal(u->ends, 1);
    deliver_fin(p);
    assert_int_equal(u->ends, 1);
}

static void shutdown_waits_for_memory_of_tcp(void **state) {
    (void)state;
    shake_hands(p, true);
    p->writes_refused = 50;
    assert_int_equal(altcp_write(u->pcb, pattern, 500, 0), ERR_OK);
    assert_int_equal(altcp_shutdown(u->pcb, 0, 1), ERR_OK);
    assert_false(p->fin_sent);
    p->writes_refused = 0;
    poll_once(p);
    assert_true(p->fin_sent);
    assert_int_equal(client_reads(p, got, 500), 500);
    assert_true(client_saw_close_notify(p));
}

static void close_is_tried_again(void **state) {
    (void)state;
    shake_hands(p, true);
    p->closes_refused = 1;
    assert_int_equal(altcp_close(u->pcb), ERR_MEM);
    client_writes(p, pattern, 10); /* the callbacks are there again */
    deliver_all(p, 0xffff);
    expect_received(u, pattern, 10);
    struct altcp_pcb *pcb = u->pcb;
    u->pcb = NULL;
    assert_int_equal(altcp_close(pcb), ERR_OK);
    assert_true(p->fin_sent);
}

static void two_connections_at_once_and_one_after_the_other(void **state) {
    (void)state;
    for (int turn = 0; turn < 3; turn++) {
        start_test(NULL);
        shake_hands(&pipes[0], true);
        shake_hands(&pipes[1], false);
        for (uint32_t i = 0; i < 2; i++) {
            client_writes(&pipes[i], pattern + i, 1000);
            deliver_all(&pipes[i], 99);
            expect_received(&uppers[i], pattern + i, 1000);
            upper_writes(&uppers[i], pattern + i, 900);
            assert_int_equal(client_reads(&pipes[i], got, sizeof got), 900);
            assert_memory_equal(got, pattern + i, 900);
        }
        end_test(NULL);
    }
}

static void tickets_resume(void **state) {
    (void)state;
    for (int tls13 = 0; tls13 < 2; tls13++) {
        uint32_t before = stats_now().resumed_total;
        start_test(NULL);
        shake_hands(&pipes[0], tls13);
        client_reads(&pipes[0], got, sizeof got); /* takes the ticket of TLS 1.3 */
        WOLFSSL_SESSION *session = wolfSSL_get1_session(pipes[0].client);
        assert_non_null(session);
        assert_int_equal(connect_tcp(&pipes[1]), ERR_OK);
        client_start(&pipes[1], tls13);
        assert_int_equal(wolfSSL_set_session(pipes[1].client, session), WOLFSSL_SUCCESS);
        for (int turn = 0; turn < 4; turn++) {
            client_steps(&pipes[1]);
            deliver_all(&pipes[1], 0xffff);
            acknowledge_all(&pipes[1]);
        }
        assert_true(wolfSSL_session_reused(pipes[1].client));
        assert_int_equal(stats_now().resumed_total, before + 1);
        assert_int_equal(accepts, 2);
        wolfSSL_SESSION_free(session);
        end_test(NULL);
    }
}

static void alpn_is_http_1_1_or_none(void **state) {
    static const struct {
        const char *offered;
        const char *chosen;
    } cases[] = {{"h2,http/1.1", "http/1.1"}, {"http/1.1", "http/1.1"}, {"h2", NULL}};
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char offered[32];
        char *name = NULL;
        unsigned short n = 0;
        strcpy(offered, cases[i].offered);
        start_test(NULL);
        connect_tcp(p);
        client_start(p, i % 2);
        wolfSSL_UseALPN(p->client, offered, (unsigned)strlen(offered),
                        WOLFSSL_ALPN_CONTINUE_ON_MISMATCH);
        for (int turn = 0; turn < 4; turn++) {
            client_steps(p);
            deliver_all(p, 0xffff);
        }
        assert_int_equal(accepts, 1);
        int found = wolfSSL_ALPN_GetProtocol(p->client, &name, &n);
        if (cases[i].chosen == NULL) {
            assert_int_not_equal(found, WOLFSSL_SUCCESS);
        } else {
            assert_int_equal(found, WOLFSSL_SUCCESS);
            assert_int_equal(n, strlen(cases[i].chosen));
            assert_memory_equal(name, cases[i].chosen, n);
        }
        end_test(NULL);
    }
}

static void poll_reaches_the_application_at_its_interval(void **state) {
    (void)state;
    shake_hands(p, true);
    for (int i = 0; i < 6; i++) {
        poll_once(p);
    }
    assert_int_equal(u->polls, 3);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        TLS_TEST(both_versions_in_any_pieces),
        TLS_TEST(accept_waits_for_the_handshake),
        TLS_TEST(many_records_in_one_segment),
        TLS_TEST(request_in_the_segment_of_the_last_handshake_message),
        TLS_TEST(largest_records),
        TLS_TEST(window_credit_equals_bytes_consumed),
        TLS_TEST(untaken_plaintext_closes_the_window),
        TLS_TEST(refused_data_stays_queued),
        TLS_TEST(sent_reports_plaintext_of_whole_records),
        TLS_TEST(sent_with_more_records_than_places),
        TLS_TEST(sent_of_more_than_64_KiB_at_once),
        TLS_TEST(sndbuf_leaves_room_for_the_record),
        TLS_TEST(records_wait_for_memory_of_tcp),
        TLS_TEST(room_again_is_told),
        TLS_TEST(close_notify_comes_before_fin),
        TLS_TEST(shutdown_ends_only_sending),
        TLS_TEST(shutdown_waits_for_memory_of_tcp),
        TLS_TEST(close_is_tried_again),
        TLS_TEST(two_connections_at_once_and_one_after_the_other),
        TLS_TEST(tickets_resume),
        TLS_TEST(alpn_is_http_1_1_or_none),
        TLS_TEST(poll_reaches_the_application_at_its_interval),
    };
    fill_pattern(pattern, sizeof pattern);
    return cmocka_run_group_tests(tests, start_world, end_world);
}
