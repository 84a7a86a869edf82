/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * test_net_tls_window.c: TLS connections over the real lwIP: while a handshake has to wait, TCP's
 * window is closed from SYN and ACK on, so that what the client says takes no memory here.
 */
#include "net_rig.h"

#include "altcp_tls_opts.h"
#include "altcp_tls_wolfssl.h"

#define PORT_TLS 443

static struct altcp_tls_stats tls_now(void) {
    return *altcp_tls_wolfssl_stats();
}

static int set_up_tls(void **state) {
    /* Without a certificate: the handshakes here end at their first byte. */
    altcp_allocator_t tls = {altcp_tls_alloc, altcp_tls_create_config_server(1)};
    assert_non_null(tls.arg);
    assert_int_equal(set_up_stack(state), 0);
    assert_int_equal(net_server_listen(&server, &tls, PORT_TLS), ERR_OK);
    for (uint32_t i = 0; i < MEMP_MAX; i++) {
        base_used[i] = used_of(i);
    }
    server_port = PORT_TLS;
    return 0;
}

/* Leaves so much of wolfSSL's memory. */
static void *all_but(uint32_t left_bytes) {
    struct altcp_tls_mem_stats mem;
    altcp_tls_mem_get_stats(&mem);
    void *block = altcp_tls_mem_alloc(mem.limit_bytes - mem.used_bytes - left_bytes);
    assert_non_null(block);
    return block;
}

static uint32_t ended_in_handshake(void) {
    const struct altcp_tls_stats stats = tls_now();
    uint32_t total = 0;
    for (uint32_t i = 0; i < ALTCP_TLS_FAILURES; i++) {
        total += stats.failures_total[i];
    }
    return total;
}

static void a_window_is_open_when_there_is_room(void **state) {
    (void)state;
    struct peer *peer = begin_connect(0, 0);
    step(); /* SYN */
    assert_int_equal(server_side(peer)->state, SYN_RCVD);
    step(); /* SYN and ACK */
    assert_int_equal(peer->pcb->snd_wnd, TCP_WND);
    const uint32_t before = ended_in_handshake();
    puts_to(peer, "GET / HTTP/1.1\r\n\r\n");
    step_all();
    assert_int_equal(ended_in_handshake(), before + 1);
}

static void a_window_is_closed_while_a_handshake_waits(void **state) {
    (void)state;
    void *block = all_but(ALTCP_TLS_MEM_RESERVE_BYTES - 64);
    const uint32_t before = ended_in_handshake();
    struct peer *peer = begin_connect(0, 0);
    step();
    step();
    assert_int_equal(peer->pcb->snd_wnd, 0);
    step_all();
    assert_true(peer->connected);
    const uint32_t frames = used_of(MEMP_PBUF_POOL);
    puts_to(peer, "GET / HTTP/1.1\r\n\r\n");
    pass(3000); /* it may ask whether there is room now */
    assert_non_null(peer->pcb);
    assert_int_equal(tls_now().waiting_used, 1);
    assert_int_equal(used_of(MEMP_PBUF_POOL), frames);
    altcp_tls_mem_free(block);
    pass(1000);
    assert_int_equal(tls_now().waiting_used, 0);
    assert_int_equal(ended_in_handshake(), before + 1);
}

/* Memory is there for one, and one is half open: its SYN and ACK was lost. */
static void half_open_ones_count(void **state) {
    (void)state;
    void *block = all_but(2 * ALTCP_TLS_MEM_RESERVE_BYTES - 64);
    begin_connect(0, 0);
    wire.lost = wire.delivered + 1;
    begin_connect(1, 0);
    step();
    assert_int_equal(server_side(&peers[0])->state, SYN_RCVD);
    assert_int_equal(server_side(&peers[1])->state, SYN_RCVD);
    assert_int_equal(server_side(&peers[0])->rcv_wnd, TCP_WND);
    assert_int_equal(server_side(&peers[1])->rcv_wnd, 0);
    step_all(); /* it is the first after all */
    assert_int_equal(peers[1].pcb->snd_wnd, TCP_WND);
    pass(1500); /* and the other waits, though its window is open */
    assert_true(peers[0].connected);
    assert_int_equal(tls_now().waiting_used, 1);
    puts_to(&peers[0], "GET / HTTP/1.1\r\n\r\n");
    step_all();
    const uint32_t before = ended_in_handshake();
    reset_peer(&peers[1]);
    pass(200);
    assert_int_equal(tls_now().waiting_used, 0);
    assert_int_equal(ended_in_handshake(), before + 2);
    altcp_tls_mem_free(block);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        NET_TEST(a_window_is_open_when_there_is_room),
        NET_TEST(a_window_is_closed_while_a_handshake_waits),
        NET_TEST(half_open_ones_count),
    };
    return cmocka_run_group_tests(tests, set_up_tls, NULL);
}
