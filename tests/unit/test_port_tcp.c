/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * test_port_tcp.c: what port/ adds to lwIP's TCP, seen from the wire by a client made of single
 * segments: initial sequence numbers, connections that come back during TIME_WAIT, and those that
 * do not get past their handshake.
 */
#include "net_heap.h"
#include "net_stack.h"
#include "wire_numbers.h"

#include "lwip/ip4.h"
#include "lwip/pbuf.h"
#include "lwip/priv/tcp_priv.h"
#include "lwip/stats.h"
#include "lwip/tcp.h"

#include "clock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define SERVER 0xc0a84c02u
#define CLIENT 0xc0a84c01u
#define SERVER_PORT 8090

#define FIN 0x01u
#define SYN 0x02u
#define RST 0x04u
#define ACK 0x10u

struct segment {
    uint16_t port; /* of the client */
    uint32_t seq;
    uint32_t ack;
    uint8_t flags;
};

static uint32_t now_ms;
static struct netif netif;
static struct random rng;
static struct tcp_pcb *accepted;
static struct segment sent[64]; /* by the server */
static uint32_t sent_count;

uint32_t clock_monotonic_ms(void) {
    return now_ms;
}

/* ---- the wire ---------------------------------------------------------------------------- */

static uint16_t checksum(const uint8_t *bytes, size_t n, uint32_t sum) {
    for (size_t i = 0; i < n; i += 2) {
        sum += (uint32_t)bytes[i] << 8 | bytes[i + 1];
    }
    while (sum > 0xffff) {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    return (uint16_t)~sum;
}

static err_t capture(struct netif *from, struct pbuf *p, const ip4_addr_t *to) {
    uint8_t bytes[60];
    (void)from;
    (void)to;
    assert_true(sent_count < sizeof sent / sizeof sent[0]);
    assert_true(pbuf_copy_partial(p, bytes, sizeof bytes, 0) >= 40);
    const uint8_t *tcp = bytes + 20;
    sent[sent_count++] = (struct segment){.port = (uint16_t)(tcp[2] << 8 | tcp[3]),
                                          .seq = get32(tcp + 4),
                                          .ack = get32(tcp + 8),
                                          .flags = tcp[13] & 0x3f};
    return ERR_OK;
}

static err_t init_netif(struct netif *n) {
    n->name[0] = 't';
    n->mtu = 1500;
    n->flags = NETIF_FLAG_LINK_UP;
    n->output = capture;
    return ERR_OK;
}

/* Sends one segment with an MSS option to the server; it lies in a pool's pbuf, as off a wire. */
static void client_sends(struct segment s) {
    uint8_t bytes[44] = {0x45, 0, 0, sizeof bytes, 0, 0, 0, 0, 64, 6};
    uint8_t *tcp = bytes + 20;
    put32(bytes + 12, CLIENT);
    put32(bytes + 16, SERVER);
    put16(bytes + 10, checksum(bytes, 20, 0));
    put16(tcp, s.port);
    put16(tcp + 2, SERVER_PORT);
    put32(tcp + 4, s.seq);
    put32(tcp + 8, s.ack);
    tcp[12] = 6 << 4;
    tcp[13] = s.flags;
    put16(tcp + 14, 65535);
    put32(tcp + 20, 0x020405b4);
    put16(tcp + 16, checksum(tcp, 24,
                             (SERVER >> 16) + (SERVER & 0xffff) + (CLIENT >> 16) +
                                 (CLIENT & 0xffff) + 6 + 24));
    struct pbuf *p = pbuf_alloc(PBUF_RAW, sizeof bytes, PBUF_POOL);
    assert_non_null(p);
    pbuf_take(p, bytes, sizeof bytes);
    sent_count = 0;
    assert_int_equal(netif.input(p, &netif), ERR_OK);
}

static void expect_sent(uint8_t flags, uint32_t ack) {
    assert_int_equal(sent_count, 1);
    assert_int_equal(sent[0].flags, flags);
    assert_int_equal(sent[0].ack, ack);
}

/* ---- the server -------------------------------------------------------------------------- */

static err_t on_accept(void *arg, struct tcp_pcb *pcb, err_t err) {
    (void)arg;
    (void)err;
    accepted = pcb;
    return ERR_OK;
}

static int start(void **state) {
    static const uint8_t seed[RANDOM_SEED_BYTES] = {42};
    (void)state;
    random_seed(&rng, seed);
    net_stack_init(&(struct net_stack_config){.rng = &rng});
    const struct net_stack_address address = {.address = SERVER, .netmask = 0xffffff00};
    assert_true(net_stack_add(&netif, &address, init_netif, NULL, "test"));
    struct tcp_pcb *pcb = tcp_new();
    assert_int_equal(tcp_bind(pcb, IP_ANY_TYPE, SERVER_PORT), ERR_OK);
    tcp_accept(tcp_listen(pcb), on_accept);
    return 0;
}

static int nothing_is_left(void **state) {
    struct table_stats stats;
    (void)state;
    while (tcp_active_pcbs != NULL) {
        tcp_abort(tcp_active_pcbs);
    }
    while (tcp_tw_pcbs != NULL) {
        tcp_abort(tcp_tw_pcbs);
    }
    for (uint32_t i = 0; net_stack_table(i, &stats); i++) {
        assert_int_equal(stats.used, 0);
    }
    assert_int_equal(net_heap_stats().used, 0);
    return 0;
}

/* Opens a connection. Returns the server's initial sequence number. */
static uint32_t open_connection(uint16_t port, uint32_t seq) {
    client_sends((struct segment){port, seq, 0, SYN});
    expect_sent(SYN | ACK, seq + 1);
    uint32_t isn = sent[0].seq;
    accepted = NULL;
    client_sends((struct segment){port, seq + 1, isn + 1, ACK});
    assert_non_null(accepted);
    return isn;
}

/* Opens one that the server then closes first, and so has in TIME_WAIT. The client has sent
 * SYN and FIN: the server expects seq + 2. */
static void pass_to_time_wait(uint16_t port, uint32_t seq) {
    uint32_t isn = open_connection(port, seq);
    sent_count = 0;
    assert_int_equal(tcp_close(accepted), ERR_OK);
    expect_sent(FIN | ACK, seq + 1);
    client_sends((struct segment){port, seq + 1, isn + 2, ACK | FIN});
    expect_sent(ACK, seq + 2);
    assert_non_null(tcp_tw_pcbs);
    assert_null(tcp_tw_pcbs->next);
    assert_null(tcp_active_pcbs);
}

/* ---- TIME_WAIT --------------------------------------------------------------------------- */

static void a_new_syn_opens_a_new_connection(void **state) {
    /* Just above what was received, far above, and across the wrap of sequence numbers. */
    static const struct {
        uint32_t old;
        uint32_t new;
    } cases[] = {{1000, 1003}, {1000, 0x70000000}, {0xfffffff0, 5}, {0x90000000, 0x00000010}};
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        pass_to_time_wait(5000, cases[i].old);
        uint32_t recv_before = lwip_stats.tcp.chkerr + lwip_stats.tcp.drop;
        open_connection(5000, cases[i].new);
        assert_int_equal(lwip_stats.tcp.chkerr + lwip_stats.tcp.drop, recv_before);
        assert_null(tcp_tw_pcbs);
        assert_int_equal(accepted->state, ESTABLISHED);
        assert_int_equal(accepted->mss, 1460); /* its options were read again */
        nothing_is_left(state);
    }
}

static void an_old_syn_is_answered_as_ever(void **state) {
    static const uint32_t not_above[] = {1000, 1001, 1002 - 0x70000000u};
    (void)state;
    pass_to_time_wait(5000, 1000);
    for (size_t i = 0; i < sizeof not_above / sizeof not_above[0]; i++) {
        client_sends((struct segment){5000, not_above[i], 0, SYN});
        expect_sent(ACK, 1002);
        assert_non_null(tcp_tw_pcbs);
    }
}

static void only_a_plain_syn_opens(void **state) {
    static const uint8_t flags[] = {SYN | ACK, SYN | RST, SYN | FIN, ACK, RST, FIN | ACK, 0};
    (void)state;
    pass_to_time_wait(5000, 1000);
    for (size_t i = 0; i < sizeof flags / sizeof flags[0]; i++) {
        client_sends((struct segment){5000, 200000, 0, flags[i]});
        assert_non_null(tcp_tw_pcbs);
        assert_null(tcp_active_pcbs);
    }
}

static void another_port_is_another_connection(void **state) {
    (void)state;
    pass_to_time_wait(5000, 1000);
    open_connection(5001, 1003);
    assert_non_null(tcp_tw_pcbs);
}

static void time_wait_ends_by_itself(void **state) {
    (void)state;
    pass_to_time_wait(5000, 1000);
    for (uint32_t ms = 0; ms <= 2 * TCP_MSL + 2000; ms += 250) {
        now_ms += 250;
        net_stack_poll();
    }
    assert_null(tcp_tw_pcbs);
}

/* As many connections in TIME_WAIT as lwIP can hold, and more: none is refused. */
static void time_wait_never_keeps_anyone_out(void **state) {
    (void)state;
    for (uint32_t i = 0; i < 3 * MEMP_NUM_TCP_PCB; i++) {
        uint32_t isn = open_connection((uint16_t)(10000 + i), 1000);
        sent_count = 0;
        assert_int_equal(tcp_close(accepted), ERR_OK);
        client_sends((struct segment){(uint16_t)(10000 + i), 1001, isn + 2, ACK | FIN});
    }
}

/* ---- half open --------------------------------------------------------------------------- */

/* As many clients as there are places begin a handshake. */
static void fill_backlog(void) {
    for (uint32_t i = 0; i < TCP_DEFAULT_LISTEN_BACKLOG; i++) {
        client_sends((struct segment){(uint16_t)(20000 + i), 1000, 0, SYN});
        expect_sent(SYN | ACK, 1001);
    }
}

/* They are gone and will never answer: after a while a newcomer gets in at once, as often as one
 * comes. */
static void the_gone_keep_nobody_out(void **state) {
    (void)state;
    fill_backlog();
    for (uint32_t ms = 0; ms < 4000; ms += 250) {
        now_ms += 250;
        sent_count = 0;
        net_stack_poll();
    }
    for (uint32_t i = 0; i < 3 * TCP_DEFAULT_LISTEN_BACKLOG; i++) {
        open_connection((uint16_t)(30000 + i), 1000);
        tcp_abort(accepted);
    }
}

/* Who may yet answer keeps its place. */
static void the_young_keep_their_places(void **state) {
    (void)state;
    fill_backlog();
    client_sends((struct segment){30000, 1000, 0, SYN});
    assert_int_equal(sent_count, 0);
    for (uint32_t i = 0; i < TCP_DEFAULT_LISTEN_BACKLOG; i++) {
        client_sends((struct segment){(uint16_t)(20000 + i), 1000, 0, SYN});
        expect_sent(SYN | ACK, 1001);
    }
}

/* ---- initial sequence numbers (RFC 6528) ------------------------------------------------- */

static uint32_t isn_for(uint16_t port) {
    uint32_t isn = open_connection(port, 1);
    tcp_abort(accepted);
    return isn;
}

static void one_client_sees_them_rise_with_time(void **state) {
    (void)state;
    uint32_t first = isn_for(6000);
    now_ms += 1000;
    assert_int_equal(isn_for(6000) - first, 250000); /* one every 4 microseconds */
    now_ms = UINT32_MAX - 999;
    first = isn_for(6000);
    now_ms += 2000; /* across the wrap of the clock */
    assert_int_equal(isn_for(6000) - first, 500000);
}

static void others_cannot_be_told_from_ones_own(void **state) {
    uint32_t isn[64];
    uint32_t high_bits = 0;
    (void)state;
    for (uint16_t i = 0; i < 64; i++) {
        isn[i] = isn_for((uint16_t)(7000 + i));
        high_bits += isn[i] >> 31;
        for (uint16_t j = 0; j < i; j++) {
            assert_true(isn[i] - isn[j] + 65536 > 131072); /* not a neighbour of any */
        }
    }
    assert_in_range(high_bits, 16, 48);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(a_new_syn_opens_a_new_connection, nothing_is_left),
        cmocka_unit_test_teardown(an_old_syn_is_answered_as_ever, nothing_is_left),
        cmocka_unit_test_teardown(only_a_plain_syn_opens, nothing_is_left),
        cmocka_unit_test_teardown(another_port_is_another_connection, nothing_is_left),
        cmocka_unit_test_teardown(time_wait_ends_by_itself, nothing_is_left),
        cmocka_unit_test_teardown(time_wait_never_keeps_anyone_out, nothing_is_left),
        cmocka_unit_test_teardown(the_gone_keep_nobody_out, nothing_is_left),
        cmocka_unit_test_teardown(the_young_keep_their_places, nothing_is_left),
        cmocka_unit_test_teardown(one_client_sees_them_rise_with_time, nothing_is_left),
        cmocka_unit_test_teardown(others_cannot_be_told_from_ones_own, nothing_is_left),
    };
    return cmocka_run_group_tests(tests, start, NULL);
}
