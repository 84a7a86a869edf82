/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * test_port_lan9118.c: the MPS2 boards' Ethernet driver against a model of its chip: frames of
 * every length, place and shape, a FIFO that is full, errors, multicasts, the link.
 */
#include "lan9118_model.h"

#include "net_heap.h"

#include "../../board/mps2-an385/lan9118.c"
#include "../../board/mps2-an385/netif_lan9118.c"

#include "driver_rig.h"
#include "driver_tests.h"

static void power_on(void) {
    memset(&chip, 0, sizeof chip);
    model_power_on();
}

static void interrupt(void) {
    board_interrupt(CFG_LAN9118_IRQ);
}

/* ---- start ------------------------------------------------------------------------------------- */

static void test_starts(void **state) {
    (void)state;
    assert_int_equal(model.resets, 1);
    assert_int_equal(model.irq_enabled, CFG_LAN9118_IRQ + 1);
    assert_int_equal(model.registers[IRQ_CFG / 4], 0x111);
    assert_int_equal(netif.mtu, 1500);
    /* The address that lwIP was given is the chip's, too. */
    assert_int_equal(model.mac[ADDRL], 0x33221102);
    assert_int_equal(model.mac[ADDRH], 0x5544);
    assert_int_equal(model.phy[BCR] & BCR_RESTART_AUTO_NEGOTIATE, 0);
}

static void test_takes_the_address_of_the_eeprom(void **state) {
    (void)state;
    const uint8_t other[6] = {0x00, 0x80, 0x0f, 0x01, 0x02, 0xfe};
    power_on();
    memcpy(model.eeprom, other, sizeof other);
    start();
    assert_memory_equal(netif.hwaddr, other, sizeof other);
    assert_int_equal(model.mac[ADDRL], 0x010f8000);
    assert_int_equal(model.mac[ADDRH], 0xfe02);
}

static void test_refuses_an_address_that_is_none(void **state) {
    (void)state;
    const uint8_t own[6] = RIG_OWN_ADDRESS;
    power_on();
    memset(model.eeprom, 0, sizeof model.eeprom);
    start();
    assert_memory_equal(netif.hwaddr, own, sizeof own);
}

static void test_without_a_chip(void **state) {
    (void)state;
    power_on();
    model.absent = true;
    assert_int_equal(board_netif_init(&netif), ERR_IF);
    power_on();
    model.busy = true;
    assert_int_equal(board_netif_init(&netif), ERR_IF);
}

static void test_has_a_phy_negotiate(void **state) {
    (void)state;
    power_on();
    model.phy[BCR] = 0;
    start();
    assert_int_equal(model.phy[BCR], BCR_AUTO_NEG_ENABLE | BCR_RESTART_AUTO_NEGOTIATE);
    assert_int_equal(model.phy[ANAR], 0x01e1);
}

/* ---- receiving --------------------------------------------------------------------------------- */

static void test_leaves_other_interrupts_alone(void **state) {
    (void)state;
    board_interrupt(CFG_LAN9118_IRQ + 1);
    assert_false(board_pending());
}

static void test_counts_each_error(void **state) {
    (void)state;
    static const struct {
        const char *name;
        uint32_t bit;
    } errors[] = {
        {"crc_error", 1u << 1},
        {"mii_error", 1u << 3},
        {"collision_seen", 1u << 6},
        {"frame_too_long", 1u << 7},
        {"runt_frame", 1u << 11},
        {"length_error", 1u << 12},
        {"receive_watchdog_timeout", 1u << 4},
    };
    uint8_t bytes[100];
    for (uint32_t i = 0; i < sizeof errors / sizeof errors[0]; i++) {
        make_frame(bytes, sizeof bytes, i);
        model_receive_as(bytes, 61 + i, errors[i].bit | 1u << 15);
        model_receive(bytes, sizeof bytes);
        turn();
        assert_int_equal(counter(errors[i].name), 1);
        assert_int_equal(got.count, i + 1);
        assert_memory_equal(got.bytes, bytes, sizeof bytes); /* the one behind it is whole */
    }
    assert_int_equal(model.rx_count, 0);
}

static void test_counts_what_the_fifo_had_no_room_for(void **state) {
    (void)state;
    uint8_t bytes[1514];
    uint32_t taken = 0;
    uint32_t dropped = 0;
    make_frame(bytes, sizeof bytes, 1);
    for (uint32_t i = 0; i < 12; i++) {
        *(model_receive(bytes, sizeof bytes) ? &taken : &dropped) += 1;
    }
    assert_true(dropped > 0);
    turn();
    assert_int_equal(got.count, taken);
    for (uint32_t i = 0; i < 4; i++) {
        now_ms += 300;
        turn();
    }
    assert_int_equal(counter("rx_drop"), dropped);
}

/* The FIFOs are out of step: only a reset of the chip helps. */
static void test_starts_again_after_a_receiver_error(void **state) {
    (void)state;
    uint8_t bytes[60];
    model_read(RX_DATA_FIFO);
    turn();
    assert_int_equal(model.resets, 2);
    assert_int_equal(counter("receiver_error"), 1);
    assert_int_equal(counter("transmitter_error"), 0);
    assert_false(board_pending());
    frame_comes(bytes, sizeof bytes, 1);
    turn();
    assert_int_equal(got.count, 1);
}

/* ---- sending ----------------------------------------------------------------------------------- */

static void test_takes_the_status_of_what_it_sent(void **state) {
    test_sends_every_shape(state);
    assert_int_equal(model.tx_commands, 0);
    assert_true(model.tx_statuses <= 1); /* taken when the next frame is sent */
}

static void test_refuses_a_frame_too_long(void **state) {
    (void)state;
    uint8_t bytes[1515] = {0};
    assert_int_equal(send_bytes(bytes, 1515, 0), ERR_BUF);
    assert_int_equal(model.sent_count, 0);
}

/* They wait in the driver while the FIFO is full, and leave in their order. */
static void test_waits_for_room(void **state) {
    (void)state;
    static uint8_t bytes[20][MODEL_FRAME_BYTES];
    model.wire_is_slow = true;
    const uint32_t queued = send_until_refused(bytes, 20);
    assert_int_equal(model.sent_count, 3); /* 4,608 bytes */
    assert_int_equal(queued, 3 + 16);
    assert_int_equal(counter("tx_fifo_full"), 1);
    turn();
    assert_int_equal(model.sent_count, 3);
    assert_true(board_pending());
    for (uint32_t i = 0; i < 10; i++) {
        model_wire_takes();
        turn();
    }
    assert_false(board_pending());
    assert_int_equal(model.sent_count, queued);
    for (uint32_t i = 0; i < queued; i++) {
        assert_sent(i, bytes[i], 1514);
    }
    assert_int_equal(net_heap_stats().used, 0);
}

/* Frames of all sizes and places, until the next one waits: the model sees that none is too much. */
static void test_fills_the_fifo_to_its_end(void **state) {
    (void)state;
    uint8_t bytes[60] = {0};
    model.wire_is_slow = true;
    for (uint32_t round = 0; round < 200; round++) {
        model_wire_takes();
        model.tx_held = MODEL_TX_BYTES - 150 + round % 100;
        model.sent_count = 0;
        for (uint32_t i = 0; chip.waiting_count == 0; i++) {
            assert_int_equal(send_bytes(bytes, 14 + (round + i) % 40, round * 31u + i), ERR_OK);
        }
        assert_in_range(model.tx_held, MODEL_TX_BYTES - 80, MODEL_TX_BYTES);
        model_wire_takes();
        turn();
        assert_int_equal(chip.waiting_count, 0);
    }
}

/* Its sender may write over it as soon as it is back. */
static void test_does_not_keep_what_may_change(void **state) {
    (void)state;
    uint8_t bytes[1514] = {0};
    model.wire_is_slow = true;
    for (uint32_t i = 0; i < 3; i++) {
        assert_int_equal(send_bytes(bytes, 1514, 0), ERR_OK);
    }
    struct pbuf *p = pbuf_alloc(PBUF_RAW, 1514, PBUF_REF);
    assert_non_null(p);
    p->payload = bytes;
    assert_int_equal(netif.linkoutput(&netif, p), ERR_MEM);
    assert_int_equal(p->ref, 1);
    pbuf_free(p);
    assert_int_equal(counter("tx_fifo_full"), 1);
}

static void test_counts_errors_of_sending(void **state) {
    (void)state;
    static const struct {
        const char *name;
        uint32_t bit;
    } errors[] = {
        {"loss_of_carrier", 1u << 11},   {"no_carrier", 1u << 10},
        {"late_collision", 1u << 9},     {"excessive_collisions", 1u << 8},
        {"excessive_deferral", 1u << 2},
    };
    uint8_t bytes[60] = {0};
    for (uint32_t i = 0; i < sizeof errors / sizeof errors[0]; i++) {
        model.tx_errors = errors[i].bit | 1u << 15;
        assert_int_equal(send_bytes(bytes, sizeof bytes, 0), ERR_OK);
        assert_int_equal(send_bytes(bytes, sizeof bytes, 0), ERR_OK); /* looks at the first's */
        assert_true(counter(errors[i].name) > 0);
    }
    const uint32_t before = counter("no_carrier");
    model.tx_errors = 1u << 10; /* says nothing without the error summary: full duplex */
    assert_int_equal(send_bytes(bytes, sizeof bytes, 0), ERR_OK);
    assert_int_equal(send_bytes(bytes, sizeof bytes, 0), ERR_OK);
    assert_int_equal(counter("no_carrier"), before);
}

static void test_starts_again_after_a_transmitter_error(void **state) {
    (void)state;
    uint8_t bytes[60] = {0};
    model.registers[INT_STS / 4] |= INT_TXE;
    turn();
    assert_int_equal(model.resets, 2);
    assert_int_equal(counter("transmitter_error"), 1);
    assert_int_equal(send_bytes(bytes, sizeof bytes, 0), ERR_OK);
    assert_int_equal(model.sent_count, 1);
}

/* ---- multicasts -------------------------------------------------------------------------------- */

static void test_hash(void **state) {
    (void)state;
    uint8_t mac[6];
    for (uint32_t i = 0; i < 2000; i++) {
        fill(mac, sizeof mac, i);
        assert_int_equal(lan9118_hash(mac), model_hash(mac));
    }
}

static void test_hears_only_its_groups(void **state) {
    (void)state;
    const uint8_t lab4[6] = {0x01, 0x00, 0x5e, 0x01, 0x03, 0x07};
    const uint8_t mdns6[6] = {0x33, 0x33, 0x00, 0x00, 0x00, 0xfb};
    const uint8_t all6[6] = {0x33, 0x33, 0x00, 0x00, 0x00, 0x01};
    const uint8_t broadcast[6] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
    const uint8_t neighbour[6] = {0x02, 0x11, 0x22, 0x33, 0x44, 0x56};
    ip4_addr_t group4;
    IP4_ADDR(&group4, 239, 129, 3, 7); /* of the second byte seven bits count */
    ip6_addr_t group6;
    IP6_ADDR(&group6, PP_HTONL(0xff020000u), 0, 0, PP_HTONL(0xfbu));

    assert_true(comes(broadcast));
    assert_true(comes(all6));
    assert_false(comes(neighbour));
    assert_false(comes(lab4));
    assert_false(comes(mdns6));

    assert_int_equal(netif.igmp_mac_filter(&netif, &group4, NETIF_ADD_MAC_FILTER), ERR_OK);
    assert_true(comes(lab4));
    assert_int_equal(netif.mld_mac_filter(&netif, &group6, NETIF_ADD_MAC_FILTER), ERR_OK);
    assert_true(comes(mdns6));
    assert_int_equal(netif.igmp_mac_filter(&netif, &group4, NETIF_DEL_MAC_FILTER), ERR_OK);
    assert_false(comes(lab4));
    assert_true(comes(mdns6));
}

/* Two groups with one bit: the first that leaves must not take it along. */
static void test_groups_share_a_bit(void **state) {
    (void)state;
    uint8_t mac[6] = {0x01, 0x00, 0x5e, 0x07, 0x00, 0x00};
    const uint32_t bit = model_hash(mac);
    ip4_addr_t one;
    IP4_ADDR(&one, 239, 7, 0, 0);
    uint32_t other = 1;
    while (mac[5] = (uint8_t)other, mac[4] = (uint8_t)(other >> 8), model_hash(mac) != bit) {
        other++;
    }
    ip4_addr_t two;
    IP4_ADDR(&two, 239, 7, other >> 8, other & 255);
    assert_int_equal(netif.igmp_mac_filter(&netif, &one, NETIF_ADD_MAC_FILTER), ERR_OK);
    assert_int_equal(netif.igmp_mac_filter(&netif, &two, NETIF_ADD_MAC_FILTER), ERR_OK);
    assert_int_equal(netif.igmp_mac_filter(&netif, &one, NETIF_DEL_MAC_FILTER), ERR_OK);
    assert_true(comes(mac));
    assert_int_equal(netif.igmp_mac_filter(&netif, &two, NETIF_DEL_MAC_FILTER), ERR_OK);
    assert_false(comes(mac));
    assert_int_equal(netif.igmp_mac_filter(&netif, &two, NETIF_DEL_MAC_FILTER), ERR_OK);
    assert_false(comes(mac));
}

/* ---- link -------------------------------------------------------------------------------------- */

static void test_follows_the_link(void **state) {
    (void)state;
    assert_false(netif_is_link_up(&netif)); /* until it has been seen */
    look_again();
    assert_true(netif_is_link_up(&netif));
    assert_int_equal(model.mac[MAC_CR] & (MAC_CR_FDPX | MAC_CR_RCVOWN), MAC_CR_FDPX);

    model.phy[BSR] = 0;
    look_again();
    assert_false(netif_is_link_up(&netif));

    model.phy[BSR] = BSR_LINK_STATUS;
    model.phy[ANLPAR] = AN_100BASE_TX | AN_10BASE_T_FULL | AN_10BASE_T;
    look_again();
    assert_true(netif_is_link_up(&netif));
    assert_int_equal(model.mac[MAC_CR] & (MAC_CR_FDPX | MAC_CR_RCVOWN), MAC_CR_RCVOWN);
}

static void test_duplex(void **state) {
    (void)state;
    assert_true(lan9118_phy_full_duplex(0x41e1));
    assert_true(lan9118_phy_full_duplex(AN_10BASE_T_FULL | AN_10BASE_T));
    assert_false(lan9118_phy_full_duplex(AN_100BASE_TX | AN_10BASE_T_FULL));
    assert_false(lan9118_phy_full_duplex(AN_10BASE_T));
    assert_false(lan9118_phy_full_duplex(0)); /* it does not negotiate: half, by 802.3 */
}

static void test_duplex_lives_through_a_restart(void **state) {
    (void)state;
    model.phy[ANLPAR] = AN_10BASE_T;
    look_again();
    model_read(RX_DATA_FIFO);
    turn();
    assert_int_equal(model.resets, 2);
    assert_int_equal(model.mac[MAC_CR] & (MAC_CR_FDPX | MAC_CR_RCVOWN), MAC_CR_RCVOWN);
    look_again();
    assert_true(netif_is_link_up(&netif));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        DRIVER_TEST(test_starts),
        DRIVER_TEST(test_takes_the_address_of_the_eeprom),
        DRIVER_TEST(test_refuses_an_address_that_is_none),
        DRIVER_TEST(test_without_a_chip),
        DRIVER_TEST(test_has_a_phy_negotiate),
        DRIVER_TEST(test_receives_every_length),
        DRIVER_TEST(test_takes_a_bounded_number_in_a_turn),
        DRIVER_TEST(test_silent_without_frames),
        DRIVER_TEST(test_leaves_other_interrupts_alone),
        DRIVER_TEST(test_counts_each_error),
        DRIVER_TEST(test_out_of_pbufs),
        DRIVER_TEST(test_a_frame_that_is_refused),
        DRIVER_TEST(test_counts_what_the_fifo_had_no_room_for),
        DRIVER_TEST(test_starts_again_after_a_receiver_error),
        DRIVER_TEST(test_takes_the_status_of_what_it_sent),
        DRIVER_TEST(test_refuses_a_frame_too_long),
        DRIVER_TEST(test_waits_for_room),
        DRIVER_TEST(test_fills_the_fifo_to_its_end),
        DRIVER_TEST(test_does_not_keep_what_may_change),
        DRIVER_TEST(test_counts_errors_of_sending),
        DRIVER_TEST(test_starts_again_after_a_transmitter_error),
        DRIVER_TEST(test_hash),
        DRIVER_TEST(test_hears_only_its_groups),
        DRIVER_TEST(test_groups_share_a_bit),
        DRIVER_TEST(test_follows_the_link),
        DRIVER_TEST(test_duplex),
        DRIVER_TEST(test_duplex_lives_through_a_restart),
    };
    start_lwip();
    return cmocka_run_group_tests_name("lan9118", tests, NULL, NULL);
}
