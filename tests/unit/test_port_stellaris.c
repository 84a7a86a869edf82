/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * test_port_stellaris.c: lm3s6965evb's Ethernet driver against a model of its controller: frames
 * of every length and shape, one transmit FIFO that is busy, errors, multicasts, the link.
 */
#define CFG_NET_ETH_PAD_BYTES 2 /* as the board has it: the length word's half goes there */

#include "stellaris_model.h"

#include "net_heap.h"

#include "../../board/lm3s6965evb/netif_stellaris.c"

#include "driver_rig.h"
#include "driver_tests.h"

#define ALL_EVENTS (MAC_RXINT | MAC_TXER | MAC_FOV | MAC_RXER)

static void power_on(void) {
    memset(&mac, 0, sizeof mac);
    interrupted = false;
    model_power_on();
}

static void interrupt(void) {
    netif_stellaris_interrupt();
}

/* ---- start ------------------------------------------------------------------------------------- */

static void test_starts(void **state) {
    (void)state;
    assert_int_equal(model.irq_enabled, 42 + 1);
    assert_int_equal(model.im, ALL_EVENTS);
    assert_int_equal(model.ia[0], 0x33221102);
    assert_int_equal(model.ia[1], 0x5544);
    assert_int_equal(model.rctl, MACRCTL_RXEN | MACRCTL_AMUL | MACRCTL_BADCRC);
    assert_int_equal(model.tctl & ~MACTCTL_DUPLEX, MACTCTL_TXEN | MACTCTL_PADEN | MACTCTL_CRC);
    assert_true(LM3S_CPU_HZ / (2 * (model.mdv + 1)) <= 2500000); /* the PHY's serial clock */
    assert_int_equal(netif.mtu, 1500);
    assert_int_equal(netif.hwaddr_len, 6);
    assert_false(board_pending());
}

static void test_takes_the_address_of_the_chip(void **state) {
    (void)state;
    const uint8_t other[6] = {0x00, 0x1a, 0xb6, 0x01, 0x02, 0xfe};
    power_on();
    model.user[0] = 0xb61a00;
    model.user[1] = 0xfe0201;
    start();
    assert_memory_equal(netif.hwaddr, other, sizeof other);
    assert_int_equal(model.ia[0], 0x01b61a00);
    assert_int_equal(model.ia[1], 0xfe02);
}

static void test_refuses_an_address_that_is_none(void **state) {
    (void)state;
    const uint8_t own[6] = RIG_OWN_ADDRESS;
    const uint32_t none[] = {0xffffffffu, 0xffffffu, 0, 0x000001}; /* the last one: a multicast */
    for (uint32_t i = 0; i < sizeof none / sizeof none[0]; i++) {
        power_on();
        model.user[0] = none[i];
        model.user[1] = none[i] == 0 ? 0 : 0x123456;
        start();
        assert_memory_equal(netif.hwaddr, own, sizeof own);
        assert_int_equal(model.ia[0], 0x33221102);
    }
}

/* An emulator's FIFO lives through a reset. */
static void test_forgets_frames_of_the_run_before(void **state) {
    (void)state;
    uint8_t bytes[100];
    frame_comes(bytes, sizeof bytes, 1);
    model.rctl = MACRCTL_BADCRC; /* as after a reset */
    start();
    assert_int_equal(model.rx_reads, (2 + sizeof bytes + 4 + 3) / 4); /* or it offers no more */
    turn();
    assert_int_equal(got.count, 0);
    frame_comes(bytes, sizeof bytes, 2);
    turn();
    assert_int_equal(got.count, 1);
    assert_memory_equal(got.bytes, bytes, sizeof bytes);
}

/* ---- receiving --------------------------------------------------------------------------------- */

/* Between the look at the events and the one at the number of frames: it may not be forgotten. */
static void test_a_frame_that_comes_late(void **state) {
    (void)state;
    uint8_t bytes[60];
    make_frame(bytes, sizeof bytes, 1);
    netif_stellaris_interrupt();
    take_events();
    assert_true(model_receive(bytes, sizeof bytes));
    receive_some();
    assert_int_equal(got.count, 1);
    assert_true(model_interrupts()); /* in vain this time */
    turn();
    assert_int_equal(got.count, 1);
    assert_false(model_interrupts());
    assert_false(board_pending());
}

/* Too long, each of them, and a frame behind it that is whole. */
static void test_a_length_too_long(void **state) {
    (void)state;
    static uint8_t bytes[2000];
    uint32_t errors = 0;
    for (uint32_t n = MODEL_FRAME_BYTES + 1; n < 1900; n += 17) {
        frame_comes(bytes, n, n);
        frame_comes(bytes, 60, n + 1);
        turn();
        assert_int_equal(counter("length_error"), ++errors);
        assert_int_equal(got.count, errors);
        assert_int_equal(got.length, 60);
        assert_memory_equal(got.bytes, bytes, 60);
    }
    assert_int_equal(model.resets, 1);
}

/* No frame has it: what is in the FIFO cannot be told, and it starts anew, the receiver on. */
static void test_a_length_too_short(void **state) {
    (void)state;
    uint8_t bytes[60];
    for (uint32_t length = 0; length < 2 + MODEL_HEADER_BYTES + 4; length++) {
        make_frame(bytes, sizeof bytes, length);
        assert_true(model_receive_as(bytes, sizeof bytes, length));
        turn();
        assert_int_equal(counter("length_error"), length + 1);
        assert_int_equal(got.count, length);
        assert_int_equal(model.resets, 2 + length);
        assert_false(board_pending());
        frame_comes(bytes, sizeof bytes, length + 100);
        turn();
        assert_int_equal(got.count, length + 1);
        assert_memory_equal(got.bytes, bytes, sizeof bytes);
    }
}

/* ---- errors -------------------------------------------------------------------------------------- */

static void test_names_of_counters(void **state) {
    (void)state;
    static const char *const names[] = {"rxer",       "fov",  "length_error",
                                        "rx_no_pbuf", "txer", "tx_dropped"};
    const uint32_t count = sizeof names / sizeof names[0];
    struct board_word name;
    uint32_t total = 1;
    for (uint32_t i = 0; i < count; i++) {
        assert_true(board_counter(i, &name, &total));
        assert_string_equal(name.bytes, names[i]);
        assert_int_equal(name.len, strlen(names[i]));
        assert_int_equal(total, 0);
    }
    assert_false(board_counter(count, &name, &total));
}

static void test_counts_each_error(void **state) {
    (void)state;
    static const struct {
        const char *name;
        uint32_t event;
    } errors[] = {{"rxer", MAC_RXER}, {"fov", MAC_FOV}, {"txer", MAC_TXER}};
    for (uint32_t i = 0; i < 3; i++) {
        for (uint32_t times = 1; times <= 3; times++) {
            model.ris |= errors[i].event;
            turn();
            turn();
            assert_int_equal(counter(errors[i].name), times);
            assert_int_equal(model.ris, 0);
            assert_false(board_pending());
        }
        for (uint32_t later = i + 1; later < 3; later++) {
            assert_int_equal(counter(errors[later].name), 0);
        }
    }
}

static void test_counts_what_the_fifo_had_no_room_for(void **state) {
    (void)state;
    uint8_t bytes[1514];
    frame_comes(bytes, sizeof bytes, 1);
    assert_false(model_receive(bytes, sizeof bytes));
    turn();
    assert_int_equal(got.count, 1);
    assert_int_equal(counter("fov"), 1);
    assert_true(model_receive(bytes, sizeof bytes));
    turn();
    assert_int_equal(got.count, 2);
    assert_memory_equal(got.bytes, bytes, sizeof bytes);
}

/* ---- sending ----------------------------------------------------------------------------------- */

/* They wait in the driver while the FIFO is busy, and leave in their order, an interrupt for each. */
static void test_waits_for_the_fifo(void **state) {
    (void)state;
    static uint8_t bytes[20][MODEL_FRAME_BYTES];
    model.wire_is_slow = true;
    const uint32_t queued = send_until_refused(bytes, 20);
    assert_int_equal(queued, 1 + 8);
    assert_int_equal(counter("tx_dropped"), 1);
    assert_int_equal(model.im, ALL_EVENTS | MAC_TXEMP);
    for (uint32_t i = 1; i <= queued; i++) {
        turn();
        assert_int_equal(model.sent_count, i); /* none while NEWTX is set */
        model_wire_takes();
        assert_int_equal(model_interrupts(), i < queued);
    }
    turn();
    assert_int_equal(model.sent_count, queued);
    assert_int_equal(model.im, ALL_EVENTS); /* nothing waits: TXEMP is of no interest */
    for (uint32_t i = 0; i < queued; i++) {
        assert_sent(i, bytes[i], 1514);
    }
    assert_int_equal(net_heap_stats().used, 0);
}

/* One that comes while others wait may not overtake them. */
static void test_keeps_the_order(void **state) {
    (void)state;
    static uint8_t bytes[3][MODEL_FRAME_BYTES];
    uint8_t last[60];
    model.wire_is_slow = true;
    assert_int_equal(send_until_refused(bytes, 3), 3);
    model_wire_takes(); /* the FIFO is free, and the loop has not looked yet */
    fill(last, sizeof last, 77);
    struct pbuf *p = make_chain(last, sizeof last, 5);
    assert_int_equal(netif.linkoutput(&netif, p), ERR_OK);
    pbuf_free(p);
    for (uint32_t i = 0; i < 3; i++) {
        turn();
        model_wire_takes();
    }
    turn();
    assert_int_equal(model.sent_count, 4);
    for (uint32_t i = 0; i < 3; i++) {
        assert_sent(i, bytes[i], 1514);
    }
    assert_sent(3, last, sizeof last);
}

/* TXEMP told too early, while NEWTX is still set: no other interrupt comes. */
static void test_sends_without_an_interrupt(void **state) {
    (void)state;
    static uint8_t bytes[2][MODEL_FRAME_BYTES];
    model.wire_is_slow = true;
    assert_int_equal(send_until_refused(bytes, 2), 2);
    model.ris |= MAC_TXEMP;
    turn();
    assert_int_equal(model.sent_count, 1);
    model_wire_takes();
    model.ris = 0;
    turn();
    assert_int_equal(model.sent_count, 2);
    assert_sent(1, bytes[1], 1514);
}

/* To acknowledge TXER empties the FIFO: the next frame may not be in there by then. */
static void test_sends_on_after_an_error(void **state) {
    (void)state;
    static uint8_t bytes[2][MODEL_FRAME_BYTES];
    uint8_t last[60];
    model.wire_is_slow = true;
    assert_int_equal(send_until_refused(bytes, 2), 2);
    model_wire_fails();
    turn();
    assert_int_equal(counter("txer"), 1);
    assert_int_equal(model.sent_count, 2);
    assert_sent(1, bytes[1], 1514);
    model_wire_fails(); /* and now none waits */
    fill(last, sizeof last, 78);
    assert_int_equal(send_bytes(last, sizeof last, 0), ERR_OK);
    turn();
    assert_int_equal(counter("txer"), 2);
    assert_int_equal(model.sent_count, 3);
    assert_sent(2, last, sizeof last);
}

/* ---- multicasts -------------------------------------------------------------------------------- */

/* Membership reports go nowhere. */
static err_t swallow4(struct netif *to, struct pbuf *p, const ip4_addr_t *address) {
    (void)to;
    (void)p;
    (void)address;
    return ERR_OK;
}

static err_t swallow6(struct netif *to, struct pbuf *p, const ip6_addr_t *address) {
    (void)to;
    (void)p;
    (void)address;
    return ERR_OK;
}

static const uint8_t lab4[6] = {0x01, 0x00, 0x5e, 0x01, 0x03, 0x07};
static const uint8_t mdns6[6] = {0x33, 0x33, 0x00, 0x00, 0x00, 0xfb};

/* An address with one bit changed. */
static bool comes_changed(const uint8_t *to, uint32_t bit) {
    uint8_t changed[6];
    memcpy(changed, to, 6);
    changed[bit / 8] ^= (uint8_t)(1u << bit % 8);
    return comes(changed);
}

static void assert_only(const uint8_t *to) {
    assert_true(comes(to));
    for (uint32_t bit = 0; bit < 48; bit++) {
        assert_false(comes_changed(to, bit));
    }
}

static void check_groups(void) {
    ip4_addr_t group4;
    IP4_ADDR(&group4, 239, 129, 3, 7); /* of the second byte seven bits count */
    ip6_addr_t group6;
    IP6_ADDR(&group6, PP_HTONL(0xff020000u), 0, 0, PP_HTONL(0xfbu));
    netif.output = swallow4;
    netif.output_ip6 = swallow6;
    assert_int_equal(igmp_start(&netif), ERR_OK);

    assert_false(comes(lab4));
    assert_false(comes(mdns6));
    assert_int_equal(igmp_joingroup_netif(&netif, &group4), ERR_OK);
    assert_only(lab4);
    assert_false(comes(mdns6));
    assert_int_equal(mld6_joingroup_netif(&netif, &group6), ERR_OK);
    assert_only(lab4);
    assert_only(mdns6);
    assert_int_equal(igmp_leavegroup_netif(&netif, &group4), ERR_OK);
    assert_false(comes(lab4));
    assert_only(mdns6);
    assert_int_equal(mld6_leavegroup_netif(&netif, &group6), ERR_OK);
    assert_false(comes(mdns6));
    assert_int_equal(igmp_stop(&netif), ERR_OK);
}

static void test_hears_only_its_groups(void **state) {
    (void)state;
    check_groups();
}

static void test_filters_what_an_emulator_does_not(void **state) {
    (void)state;
    static const uint8_t own[6] = RIG_OWN_ADDRESS;
    static const uint8_t broadcast[6] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
    static const uint8_t all6[6] = {0x33, 0x33, 0x00, 0x00, 0x00, 0x01};
    model.promiscuous = true;
    assert_only(own);
    assert_only(broadcast);
    assert_only(all6);
    check_groups();
}

/* ---- link -------------------------------------------------------------------------------------- */

static bool full_duplex(void) {
    return (model.tctl & MACTCTL_DUPLEX) != 0;
}

static void test_follows_the_link(void **state) {
    (void)state;
    assert_false(netif_is_link_up(&netif)); /* until it has been seen */
    look_again();
    assert_true(netif_is_link_up(&netif));
    assert_true(full_duplex());

    model.phy[PHY_MR1] &= (uint16_t)~PHY_MR1_LINK;
    look_again();
    assert_false(netif_is_link_up(&netif));
    look_again();
    assert_false(netif_is_link_up(&netif));

    model.phy[PHY_MR1] |= PHY_MR1_LINK;
    model.phy[PHY_MR18] = 0; /* another partner */
    look_again();
    assert_true(netif_is_link_up(&netif));
    assert_false(full_duplex());
    assert_int_equal(model.tctl, MACTCTL_TXEN | MACTCTL_PADEN | MACTCTL_CRC);
}

static void test_starts_without_a_cable(void **state) {
    (void)state;
    power_on();
    model.phy[PHY_MR1] = 0x7809;
    start();
    look_again();
    assert_false(netif_is_link_up(&netif));
    model.phy[PHY_MR1] |= PHY_MR1_LINK;
    look_again();
    assert_true(netif_is_link_up(&netif));
}

/* An emulator has none. */
static void test_without_a_phy(void **state) {
    (void)state;
    power_on();
    memset(model.phy, 0, sizeof model.phy);
    start();
    look_again();
    assert_true(netif_is_link_up(&netif));
    look_again();
    assert_true(netif_is_link_up(&netif));
}

/* Its serial bus is slow: nobody waits for it, and nothing is asked twice. */
static void test_a_slow_phy(void **state) {
    (void)state;
    uint8_t bytes[60];
    model.phy_is_slow = true;
    look_again();
    look_again();
    assert_false(netif_is_link_up(&netif));
    assert_int_equal(model.asked, 1);
    frame_comes(bytes, sizeof bytes, 1);
    turn();
    assert_int_equal(got.count, 1);
    model.phy_is_slow = false;
    look_again();
    assert_true(netif_is_link_up(&netif));
}

/* Four times a second, also when the count of milliseconds starts again. */
static void test_looks_at_the_link_now_and_then(void **state) {
    (void)state;
    now_ms = UINT32_MAX - 500;
    look_again();
    const uint32_t before = model.asked;
    for (uint32_t ms = 0; ms < 2000; ms++) {
        now_ms++;
        turn();
    }
    assert_in_range(model.asked - before, 7, 8);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        DRIVER_TEST(test_starts),
        DRIVER_TEST(test_takes_the_address_of_the_chip),
        DRIVER_TEST(test_refuses_an_address_that_is_none),
        DRIVER_TEST(test_forgets_frames_of_the_run_before),
        DRIVER_TEST(test_receives_every_length),
        DRIVER_TEST(test_takes_a_bounded_number_in_a_turn),
        DRIVER_TEST(test_a_frame_that_comes_late),
        DRIVER_TEST(test_silent_without_frames),
        DRIVER_TEST(test_a_length_too_long),
        DRIVER_TEST(test_a_length_too_short),
        DRIVER_TEST(test_out_of_pbufs),
        DRIVER_TEST(test_a_frame_that_is_refused),
        DRIVER_TEST(test_names_of_counters),
        DRIVER_TEST(test_counts_each_error),
        DRIVER_TEST(test_counts_what_the_fifo_had_no_room_for),
        DRIVER_TEST(test_sends_every_shape),
        DRIVER_TEST(test_waits_for_the_fifo),
        DRIVER_TEST(test_keeps_the_order),
        DRIVER_TEST(test_sends_without_an_interrupt),
        DRIVER_TEST(test_sends_on_after_an_error),
        DRIVER_TEST(test_hears_only_its_groups),
        DRIVER_TEST(test_filters_what_an_emulator_does_not),
        DRIVER_TEST(test_follows_the_link),
        DRIVER_TEST(test_starts_without_a_cable),
        DRIVER_TEST(test_without_a_phy),
        DRIVER_TEST(test_a_slow_phy),
        DRIVER_TEST(test_looks_at_the_link_now_and_then),
    };
    start_lwip();
    return cmocka_run_group_tests_name("stellaris", tests, NULL, NULL);
}
