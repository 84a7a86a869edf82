/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * test_net_server_small.c: net_server where lwIP's heap is a small one: clients that send more than
 * is read of them leave room for answers, and each gets all of its own when it reads again.
 */
#include "config.h"

#include "lwip/opt.h"

#undef CFG_NET_HEAP_SLABS
#define CFG_NET_HEAP_SLABS 0
#define CFG_NET_HEAP_BYTES 4608
#include "../../port/net_server.c"

#include "net_rig.h"

#define REQUEST GET("/metrics")
#define REQUESTS 100u
#define WINDOW_BYTES 30000u /* of a client that reads again */

/* Sends many requests and reads no answer. */
static struct peer *pipeline(uint32_t i) {
    struct peer *peer = connect_peer(i);
    peer->stalled = true;
    for (uint32_t n = 0; n < REQUESTS; n++) {
        puts_to(peer, REQUEST);
        step_all();
    }
    return peer;
}

static void read_all(struct peer *peer) {
    read_answers(peer, REQUESTS, "pingshot_uptime_seconds ", WINDOW_BYTES);
    rig_expect_nothing(&peer->answers);
}

static const struct net_conn *conn_at_server(const struct peer *peer) {
    for (uint32_t i = 0; i <= CFG_CONNECTIONS_MAX; i++) {
        const struct altcp_pcb *pcb = server.conns[i].pcb;
        if (pcb != NULL && pcb->state == server_side(peer)) {
            return &server.conns[i];
        }
    }
    fail_msg("no such connection");
    return NULL;
}

/* How many blocks a connection has, and into `*bytes` what is in them. */
static uint32_t blocks_of(const struct peer *peer, uint32_t *bytes) {
    uint32_t blocks = 0;
    *bytes = 0;
    for (const struct net_held *h = conn_at_server(peer)->held_first; h != NULL; h = h->next) {
        blocks++;
        *bytes += (uint32_t)h->end - h->start;
    }
    return blocks;
}

static void what_is_held_leaves_room(void **state) {
    uint32_t blocks = 0;
    (void)state;
    for (uint32_t i = 0; i < 4; i++) {
        (void)pipeline(i);
    }
    for (uint32_t i = 0; i < 4; i++) {
        uint32_t bytes;
        blocks += blocks_of(&peers[i], &bytes);
        const struct tcp_pcb *pcb = server_side(&peers[i]);
        bytes += pcb->refused_data != NULL ? pcb->refused_data->tot_len : 0;
        assert_int_equal(pcb->rcv_wnd + bytes + conn_at_server(&peers[i])->closed_bytes, TCP_WND);
    }
    assert_int_equal(blocks, HELD_MAX);
    assert_int_equal(blocks, held_count);
    assert_in_range(HELD_MAX * sizeof(struct net_held), 1, CFG_NET_HEAP_BYTES / 3);
    ask(connect_peer(4), GET("/healthz"), 200);
    for (uint32_t i = 0; i < 4; i++) {
        read_all(&peers[i]);
    }
    assert_int_equal(held_count, 0);
    for (uint32_t i = 0; i < 4; i++) {
        assert_int_equal(server_side(&peers[i])->rcv_wnd, TCP_WND);
    }
}

/* While others have much held, what the app keeps of a request counts against its client's window,
 * and comes back later; it is no reason for a reset when the connection ends. */
static void what_the_app_keeps_counts_while_it_is_crowded(void **state) {
    static const char half[] = "GET /healthz HTTP/1.1\r\n";
    (void)state;
    struct peer *other = connect_peer(0);
    puts_to(other, half);
    step_all();
    assert_int_equal(server_side(other)->rcv_wnd, TCP_WND);
    struct peer *many = pipeline(1);
    struct peer *late = connect_peer(2);
    puts_to(late, half);
    step_all();
    assert_int_equal(server_side(late)->rcv_wnd, TCP_WND - (sizeof half - 1));
    reset_peer(many);
    step_all();
    assert_int_equal(held_count, 0);
    puts_to(late, "Host: a\r\nConnection: close\r\n\r\n");
    step_all();
    expect_answer(late, 200);
    assert_int_equal(server_side(late)->rcv_wnd, TCP_WND);
    close_peer(late);
    step_all();
    assert_false(late->reset);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        NET_TEST(what_is_held_leaves_room),
        NET_TEST(what_the_app_keeps_counts_while_it_is_crowded),
    };
    return cmocka_run_group_tests_name("net_server_small", tests, set_up_stack, NULL);
}
