/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * test_net_server_full.c: net_server when all connections are taken, and when lwIP's pools or its
 * heap are used up: who is told so, and that all goes on when there is room again. Where its heap is
 * a small one is in test_net_server_small.c.
 */
#include "net_rig.h"

/* ---- a full pool ------------------------------------------------------------------------ */

static void more_clients_than_places(void **state) {
    (void)state;
    for (uint32_t i = 0; i < CFG_CONNECTIONS_MAX; i++) {
        connect_peer(i);
        pass(100);
    }
    ask(connect_peer(CFG_CONNECTIONS_MAX), GET("/healthz"), 200);
    assert_true(peers[0].reset);
    assert_false(peers[1].reset);
    /* Nobody can be cut off: the newcomer is. */
    for (uint32_t i = 0; i < CFG_CONNECTIONS_MAX; i++) {
        struct peer *peer = connect_peer(i);
        peer->stalled = true;
        for (int n = 0; n < MANY_PAGES; n++) {
            puts_to(peer, SCRAPE);
            step_all();
        }
    }
    struct peer *newcomer = begin_connect(CFG_CONNECTIONS_MAX + 1, 0);
    step_all();
    assert_true(newcomer->reset);
    assert_int_equal(rig_app.http.connections_stats.refused_total, 1);
    reset_peer(&peers[3]);
    step_all();
    ask(connect_peer(3), GET("/healthz"), 200);
}

/* ---- memory that is short --------------------------------------------------------------- */

static void *held[MEMP_NUM_TCP_SEG];
static uint32_t held_count;

/* Takes all of lwIP's segments but so many. */
static void hold_segments(uint32_t left) {
    for (held_count = 0; (held[held_count] = memp_malloc(MEMP_TCP_SEG)) != NULL; held_count++) {
    }
    for (; left > 0; left--) {
        memp_free(MEMP_TCP_SEG, held[--held_count]);
    }
}

static void give_segments(uint32_t n) {
    for (; n > 0 && held_count > 0; n--) {
        memp_free(MEMP_TCP_SEG, held[--held_count]);
    }
}

static void no_segments(void **state) {
    const uint32_t refused_before = (uint32_t)lwip_stats.memp[MEMP_TCP_SEG]->err;
    (void)state;
    for (uint32_t left = 0; left < 8; left++) {
        rig_restart();
        struct peer *peer = connect_peer(0);
        ask(peer, EVENT("a=b"), 200);
        puts_to(peer, SCRAPE "GET /healthz HTTP/1.0\r\n\r\n");
        hold_segments(left);
        step_all();
        pass(1000);
        assert_false(peer->reset);
        /* One comes back after the other. */
        for (int i = 0; i < 8; i++) {
            give_segments(1);
            pass(500);
        }
        expect_answer(peer, 200);
        assert_true(rig_body_has("\nevents_to_metrics{a=\"b\"} 1\n"));
        expect_answer(peer, 200);
        rig_expect_body("ok\n");
        assert_true(peer->finished); /* the FIN needs one as well */
        assert_int_equal(rig_state.delivery.counts.delivered, 1);
        give_segments(UINT32_MAX);
        close_peer(peer);
        step_all();
        rig_check_free();
    }
    /* Beside the one of hold_segments each time. */
    assert_true(lwip_stats.memp[MEMP_TCP_SEG]->err > refused_before + 8);
}

/* What could not be sent at once is sent soon after there is memory again, by itself. */
static void segments_come_back(void **state) {
    struct peer *peer = connect_peer(0);
    (void)state;
    puts_to(peer, GET("/healthz"));
    hold_segments(0);
    step_all();
    give_segments(UINT32_MAX);
    rig_expect_nothing(&peer->answers);
    pass(200);
    expect_answer(peer, 200);
}

/* Not even an acknowledgement can be made for a while; retransmission makes up for it. */
static void no_heap(void **state) {
    static void *blocks[40000];
    static const size_t sizes[] = {NET_HEAP_BLOCK_BYTES_MAX, 1552, 256, 128};
    uint32_t n = 0;
    struct peer *peer = connect_peer(0);
    (void)state;
    puts_to(peer, EVENT("a=b") SCRAPE);
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        while ((blocks[n] = net_heap_alloc(sizes[i])) != NULL) {
            n++;
        }
    }
    step_all();
    pass(500);
    rig_expect_nothing(&peer->answers);
    while (n > 0) {
        net_heap_free(blocks[--n]);
    }
    pass(5000);
    expect_answer(peer, 200);
    expect_answer(peer, 200);
    assert_true(rig_body_has("\nevents_to_metrics{a=\"b\"} 1\n"));
    assert_int_equal(rig_state.delivery.counts.delivered, 1);
}

/* No pcb for the newcomer's app side: it is told so at once, and others go on. */
static void no_connections(void **state) {
    void *altcp[MEMP_NUM_ALTCP_PCB];
    uint32_t n = 0;
    struct peer *peer = connect_peer(0);
    (void)state;
    while ((altcp[n] = memp_malloc(MEMP_ALTCP_PCB)) != NULL) {
        n++;
    }
    struct peer *newcomer = begin_connect(1, 0);
    step_all();
    assert_true(newcomer->reset);
    ask(peer, GET("/healthz"), 200);
    while (n > 0) {
        memp_free(MEMP_ALTCP_PCB, altcp[--n]);
    }
    ask(connect_peer(1), GET("/healthz"), 200);
}

/* Frames without data find one when there is none for others: what waits in frames may wait for
 * an acknowledgement. */
static void no_frames(void **state) {
    struct pbuf *others[PBUF_POOL_SIZE];
    uint32_t n = 0;
    (void)state;
    struct peer *longer = connect_peer(0);
    struct peer *shorter = connect_peer(1);
    const u32_t longer_next = server_side(longer)->rcv_nxt;
    const u32_t shorter_next = server_side(shorter)->rcv_nxt;
    while (used_of(MEMP_PBUF_POOL) + 2 < PBUF_POOL_SIZE) {
        others[n++] = pbuf_alloc(PBUF_RAW, 1, PBUF_POOL);
    }
    puts_to(longer, "GET /healthz HTTP/1.1\r\nHost: a\r\n"
                    "User-Agent: one that has more to say than fits\r\n\r\n");
    puts_to(shorter, GET("/healthz"));
    step();
    step();
    assert_int_equal(server_side(longer)->rcv_nxt, longer_next);
    assert_int_equal(server_side(shorter)->rcv_nxt, shorter_next + strlen(GET("/healthz")));
    while (n > 0) {
        pbuf_free(others[--n]);
    }
    pass(5000);
    expect_answer(longer, 200);
    expect_answer(shorter, 200);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        NET_TEST(more_clients_than_places), NET_TEST(no_segments),
        NET_TEST(segments_come_back),       NET_TEST(no_heap),
        NET_TEST(no_connections),           NET_TEST(no_frames),
    };
    return cmocka_run_group_tests_name("net_server_full", tests, set_up_stack, NULL);
}
