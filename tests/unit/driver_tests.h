/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * driver_tests.h: what every Ethernet driver has to do, whatever its controller: tests for the list
 * of each driver's test, which has those of its own controller beside them. Include it once, behind
 * driver_rig.h.
 */
#ifndef PINGSHOT_TESTS_DRIVER_TESTS_H
#define PINGSHOT_TESTS_DRIVER_TESTS_H

#include "driver_rig.h"

static inline void assert_nothing_counted(void) {
    struct board_word name;
    uint32_t total;
    for (uint32_t i = 0; board_counter(i, &name, &total); i++) {
        assert_int_equal(total, 0);
    }
}

static void test_receives_every_length(void **state) {
    (void)state;
    uint8_t bytes[MODEL_FRAME_BYTES];
    for (uint32_t n = MODEL_HEADER_BYTES; n <= MODEL_FRAME_BYTES; n++) {
        frame_comes(bytes, n, n);
        turn();
        assert_got(bytes, n);
        assert_int_equal(model.rx_count, 0);
        assert_false(board_pending());
    }
    assert_int_equal(got.count, MODEL_FRAME_BYTES - MODEL_HEADER_BYTES + 1);
    assert_nothing_counted();
}

static void test_takes_a_bounded_number_in_a_turn(void **state) {
    (void)state;
    uint8_t bytes[60];
    const uint32_t count = 2 * FRAMES_A_TURN + FRAMES_A_TURN / 2;
    for (uint32_t i = 0; i < count; i++) {
        frame_comes(bytes, sizeof bytes, i);
    }
    const uint32_t events = model_enabled_events();
    turn();
    assert_int_equal(got.count, FRAMES_A_TURN);
    assert_true(board_pending());
    assert_int_equal(model_enabled_events(), 0); /* asks no interrupt for what it knows */
    turn();
    turn();
    assert_int_equal(got.count, count);
    assert_got(bytes, sizeof bytes);
    assert_false(board_pending());
    assert_true(events != 0);
    assert_int_equal(model_enabled_events(), events);
}

static void test_silent_without_frames(void **state) {
    (void)state;
    turn();
    assert_false(board_pending());
    assert_int_equal(got.count, 0);
}

static void test_out_of_pbufs(void **state) {
    (void)state;
    uint8_t bytes[200];
    uint32_t sent = 0;
    got.keep = true;
    while (counter("rx_no_pbuf") == 0 && sent < 2 * CFG_NET_FRAMES) {
        frame_comes(bytes, sizeof bytes, sent++);
        turn();
    }
    assert_int_equal(got.count, sent - 1);
    assert_int_equal(model.rx_count, 0);
    pbuf_free(got.kept);
    got.kept = NULL;
    frame_comes(bytes, sizeof bytes, 1000);
    turn();
    assert_int_equal(got.count, sent);
    assert_got(bytes, sizeof bytes);
    assert_int_equal(counter("rx_no_pbuf"), 1);
}

/* lwIP has no use for it: nothing of it may stay. */
static err_t refuse(struct pbuf *p, struct netif *from) {
    (void)p;
    (void)from;
    return ERR_MEM;
}

static void test_a_frame_that_is_refused(void **state) {
    (void)state;
    uint8_t bytes[100];
    netif.input = refuse;
    frame_comes(bytes, sizeof bytes, 1);
    turn();
    assert_int_equal(lwip_stats.memp[MEMP_PBUF_POOL]->used, 0);
    assert_int_equal(model.rx_count, 0);
}

static void test_sends_every_shape(void **state) {
    (void)state;
    uint8_t bytes[1514];
    for (uint32_t round = 0; round < 20000; round++) {
        const uint32_t n = round < 1501 ? 14 + round : 14 + round % 90;
        fill(bytes, n, round);
        model.sent_count = 0;
        assert_int_equal(send_bytes(bytes, n, round * 7919u), ERR_OK);
        assert_int_equal(model.sent_count, 1);
        assert_sent(0, bytes, n);
    }
}

#endif
