/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * test_net_neighbors.c: what waits while lwIP asks for the MAC addresses of hosts on the link: both
 * packets that an answer begins with, also when there are more hosts than it remembers.
 */
#include "net_stack.h"

#include "clock.h"
#include "ethernet_frames.h"
#include "net_heap.h"
#include "random.h"

#include "lwip/memp.h"
#include "lwip/pbuf.h"
#include "lwip/stats.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#define OURS 0xc0a84c02u
#define FIRST_HOST 0xc0a84c0au
#define PACKET_BYTES 46u /* fills the shortest frame */
#define FRAMES_MAX (4 * ARP_TABLE_SIZE)

static struct netif netif;
static uint32_t now_ms;

static struct {
    uint32_t count;
    uint8_t bytes[FRAMES_MAX][ETHERNET_BYTES + PACKET_BYTES];
} sent; /* since the last forget() */

uint32_t clock_monotonic_ms(void) {
    return now_ms;
}

static void forget(void) {
    memset(&sent, 0, sizeof sent);
}

/* What the interface says of itself, to all, is not noted. */
static err_t send_frame(struct netif *from, struct pbuf *p) {
    uint8_t bytes[ETHERNET_BYTES + PACKET_BYTES] = {0};
    (void)from;
    pbuf_copy_partial(p, bytes, sizeof bytes, 0);
    const bool is_arp = ethernet_type(bytes) == ETHTYPE_ARP;
    if (is_arp ? get32(bytes + ETHERNET_BYTES + 24) != OURS : (bytes[0] & 1) == 0) {
        assert_true(sent.count < FRAMES_MAX);
        memcpy(sent.bytes[sent.count++], bytes, sizeof bytes);
    }
    return ERR_OK;
}

static err_t init_netif(struct netif *n) {
    static const uint8_t mac[6] = {2, 0, 0, 0, 0, 2};
    init_ethernet(n, mac, send_frame);
    return ERR_OK;
}

/* ---- hosts: a host's number is in its addresses ------------------------------------------- */

static void put_mac(uint8_t *to, uint32_t host) {
    const uint8_t mac[6] = {2, 0, 0, 0, 1, (uint8_t)host};
    memcpy(to, mac, sizeof mac);
}

/* A packet to a host, filled with `value`. */
static void send_to(uint32_t host, uint8_t value) {
    ip4_addr_t address;
    ip4_addr_set_u32(&address, lwip_htonl(FIRST_HOST + host));
    struct pbuf *p = pbuf_alloc(PBUF_LINK, PACKET_BYTES, PBUF_RAM);
    assert_non_null(p);
    memset(p->payload, value, PACKET_BYTES);
    assert_int_equal(netif.output(&netif, p, &address), ERR_OK);
    pbuf_free(p);
}

static void expect_sent(uint32_t frame, uint32_t host, uint8_t value) {
    uint8_t expected[PACKET_BYTES];
    uint8_t mac[6];
    put_mac(mac, host);
    memset(expected, value, sizeof expected);
    assert_true(frame < sent.count);
    assert_memory_equal(sent.bytes[frame], mac, sizeof mac);
    assert_memory_equal(sent.bytes[frame] + ETHERNET_BYTES, expected, sizeof expected);
}

/* The host says its address. */
static void answer(const uint8_t *asked, uint32_t host) {
    uint8_t frame[ARP_FRAME_BYTES];
    uint8_t mac[6];
    put_mac(mac, host);
    assert_true(asks_for(asked, FIRST_HOST + host));
    make_arp_answer(frame, asked, mac);
    struct pbuf *p = pbuf_alloc(PBUF_RAW, sizeof frame, PBUF_POOL);
    assert_non_null(p);
    assert_int_equal(pbuf_take(p, frame, sizeof frame), ERR_OK);
    assert_int_equal(netif.input(p, &netif), ERR_OK);
}

/* Two packets to a host that is not remembered, or no more, and its answer. */
static void send_two(uint32_t host) {
    forget();
    send_to(host, 1);
    send_to(host, 2);
    assert_int_equal(sent.count, 1);
    answer(sent.bytes[0], host);
    assert_int_equal(sent.count, 3);
    expect_sent(1, host, 1);
    expect_sent(2, host, 2);
}

/* ---- tests -------------------------------------------------------------------------------- */

static void two_packets_wait(void **state) {
    (void)state;
    send_two(0);
    forget();
    send_to(0, 3); /* it is remembered */
    assert_int_equal(sent.count, 1);
    expect_sent(0, 0, 3);
}

static void the_newest_wait(void **state) {
    (void)state;
    for (uint8_t value = 1; value <= 4; value++) {
        send_to(0, value);
    }
    const uint32_t asked = sent.count;
    answer(sent.bytes[0], 0);
    assert_int_equal(sent.count, asked + 2);
    expect_sent(asked, 0, 3);
    expect_sent(asked + 1, 0, 4);
}

static void more_hosts_than_are_remembered(void **state) {
    (void)state;
    for (uint32_t host = 0; host < 5 * ARP_TABLE_SIZE; host++) {
        send_two(host);
    }
}

/* Whatever is sent to them waits, and has to make room. */
static void silent_hosts_take_no_others_place(void **state) {
    (void)state;
    for (uint32_t host = 1; host <= ARP_TABLE_SIZE; host++) {
        send_to(host, 1);
        send_to(host, 2);
    }
    send_two(0);
}

static int set_up(void **state) {
    (void)state;
    forget();
    return 0;
}

/* Nothing waits for ever. */
static int tear_down(void **state) {
    (void)state;
    for (uint32_t passed_ms = 0; passed_ms < 20 * ARP_TMR_INTERVAL; passed_ms += 100) {
        forget();
        now_ms += 100;
        net_stack_poll();
    }
    etharp_cleanup_netif(&netif);
    assert_int_equal(lwip_stats.memp[MEMP_ARP_QUEUE]->used, 0);
    assert_int_equal(net_heap_stats().used, 0);
    return 0;
}

static int set_up_stack(void **state) {
    static struct random rng;
    static const uint8_t seed[RANDOM_SEED_BYTES] = {1};
    static const struct net_stack_address address = {
        .address = OURS, .netmask = 0xffffff00u, .gateway = 0};
    (void)state;
    random_seed(&rng, seed);
    net_stack_init(&(struct net_stack_config){.rng = &rng});
    assert_true(net_stack_add(&netif, &address, init_netif, NULL, "test"));
    return 0;
}

int main(void) {
#define NEIGHBORS_TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        NEIGHBORS_TEST(two_packets_wait),
        NEIGHBORS_TEST(the_newest_wait),
        NEIGHBORS_TEST(more_hosts_than_are_remembered),
        NEIGHBORS_TEST(silent_hosts_take_no_others_place),
    };
    return cmocka_run_group_tests_name("neighbors", tests, set_up_stack, NULL);
}
