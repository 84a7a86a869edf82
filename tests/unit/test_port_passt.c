/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * test_port_passt.c: frames over a stream socket, in pieces of any size, both ways. The test is
 * the peer; it speaks ARP, since lwIP answers that with a frame of its own.
 */
#include "posix/frame_link.c" /* these are not part of what unit tests are linked with */
#include "posix/netif_passt.c"

#include "clock.h"
#include "lwip/udp.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define OURS 0xc0a84c02u
#define PEERS 0xc0a84c01u
#define ARP_BYTES 42u
#define MTU 1500

static struct netif_passt passt;
static struct random rng;
static int peer; /* our end of the socket pair */
static bool stack_runs;

uint32_t clock_monotonic_ms(void) {
    return 1000;
}

static uint32_t dropped(void) {
    return net_stack_frames_dropped_total();
}

static int attach(void **state) {
    static const uint8_t seed[RANDOM_SEED_BYTES] = {1};
    int pair[2];
    (void)state;
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair), 0);
    peer = pair[1];
    if (!stack_runs) {
        random_seed(&rng, seed);
        net_stack_init(&(struct net_stack_config){.rng = &rng});
        stack_runs = true;
    }
    netif_passt_attach(&passt, pair[0], MTU);
    const struct net_stack_address address = {
        .address = OURS, .netmask = 0xffffff00, .gateway = PEERS};
    assert_true(net_stack_add(&passt.link.netif, &address, netif_passt_init, &passt, "test"));
    passt.output_end = 0; /* the address was announced */
    return 0;
}

static int detach(void **state) {
    struct table_stats stats;
    (void)state;
    etharp_cleanup_netif(&passt.link.netif);
    netif_remove(&passt.link.netif);
    passt.link.close(&passt.link);
    close(peer);
    for (uint32_t i = 0; net_stack_table(i, &stats); i++) {
        assert_int_equal(stats.used, 0);
    }
    return 0;
}

/* Who has OURS? with its length before it. */
static uint32_t put_arp(uint8_t *to) {
    static const uint8_t request[LENGTH_BYTES + ARP_BYTES] = {
        0,    0,    0,    ARP_BYTES,                                /* length */
        0xff, 0xff, 0xff, 0xff,      0xff, 0xff,                    /* to everybody */
        2,    0,    0,    0,         0,    1,    0x08, 0x06,        /* from the peer, ARP */
        0,    1,    8,    0,         6,    4,    0,    1,           /* Ethernet, IPv4, request */
        2,    0,    0,    0,         0,    1,    192,  168,  76, 1, /* sender */
        0,    0,    0,    0,         0,    0,    192,  168,  76, 2, /* target */
    };
    memcpy(to, request, sizeof request);
    return sizeof request;
}

static void peer_writes(const uint8_t *bytes, size_t n) {
    assert_int_equal(send(peer, bytes, n, 0), n);
}

/* How many frames the peer finds, all answers to its request. */
static uint32_t peer_reads_answers(void) {
    uint8_t bytes[8192];
    ssize_t n = recv(peer, bytes, sizeof bytes, 0);
    uint32_t frames = 0;
    for (ssize_t at = 0; at < n; frames++) {
        uint32_t length = load_be32(bytes + at);
        assert_in_range(length, ARP_BYTES, 60);
        assert_memory_equal(bytes + at + LENGTH_BYTES + 20, ((const uint8_t[]){0, 2}), 2);
        at += (ssize_t)(LENGTH_BYTES + length);
        assert_true(at <= n);
    }
    return frames;
}

static uint32_t receive_and_flush(uint32_t frames_max) {
    uint32_t frames = passt.link.receive(&passt.link, frames_max);
    passt.link.flush(&passt.link);
    return frames;
}

/* ---- receiving --------------------------------------------------------------------------- */

static void every_split_of_two_frames(void **state) {
    uint8_t bytes[2 * (LENGTH_BYTES + ARP_BYTES)];
    uint32_t n = put_arp(bytes);
    n += put_arp(bytes + n);
    (void)state;
    for (uint32_t split = 1; split < n; split++) {
        peer_writes(bytes, split);
        uint32_t frames = receive_and_flush(10);
        assert_int_equal(frames, split >= n / 2 ? 1 : 0);
        peer_writes(bytes + split, n - split);
        assert_int_equal(frames + receive_and_flush(10), 2);
        assert_int_equal(peer_reads_answers(), 2);
    }
    assert_null(passt.link.lost);
}

static void byte_by_byte(void **state) {
    uint8_t bytes[LENGTH_BYTES + ARP_BYTES];
    uint32_t n = put_arp(bytes);
    (void)state;
    for (uint32_t i = 0; i < n; i++) {
        peer_writes(bytes + i, 1);
        assert_int_equal(receive_and_flush(10), i + 1 == n ? 1 : 0);
    }
    assert_int_equal(peer_reads_answers(), 1);
}

static void a_batch_is_bounded(void **state) {
    uint8_t bytes[LENGTH_BYTES + ARP_BYTES];
    (void)state;
    for (int i = 0; i < 25; i++) {
        peer_writes(bytes, put_arp(bytes));
    }
    assert_int_equal(receive_and_flush(10), 10);
    assert_int_equal(receive_and_flush(10), 10);
    assert_int_equal(receive_and_flush(10), 5); /* fewer: there are no more */
    assert_int_equal(peer_reads_answers(), 25);
}

/* Larger than the MTU: dropped and counted, and what follows is understood. */
static void too_long_frames_are_skipped(void **state) {
    static uint8_t bytes[LENGTH_BYTES + FRAME_BYTES_MAX];
    static const uint32_t lengths[] = {MTU + FRAME_LINK_HEADER_BYTES + 1, 9014, FRAME_BYTES_MAX};
    uint8_t arp[LENGTH_BYTES + ARP_BYTES];
    (void)state;
    for (size_t i = 0; i < 3; i++) {
        uint32_t before = dropped();
        put_be32(bytes, lengths[i]);
        peer_writes(bytes, LENGTH_BYTES + lengths[i]);
        peer_writes(arp, put_arp(arp));
        assert_int_equal(receive_and_flush(10), 2);
        assert_int_equal(dropped(), before + 1);
        assert_int_equal(peer_reads_answers(), 1);
    }
    assert_null(passt.link.lost);
}

/* Full frames, and more bytes than the input holds: it never runs over. */
static void a_flood_of_full_frames(void **state) {
    static uint8_t bytes[LENGTH_BYTES + MTU + 14];
    uint32_t total = 0;
    (void)state;
    put_be32(bytes, MTU + 14);
    while (total < 4 * NETIF_PASST_INPUT_BYTES) {
        while (send(peer, bytes, sizeof bytes, 0) == (ssize_t)sizeof bytes) {
            total += sizeof bytes;
        }
        while (receive_and_flush(7) > 0) {
        }
        assert_null(passt.link.lost);
        assert_int_equal(passt.input_start, passt.input_end); /* whole frames only were sent */
    }
}

static void a_wrong_length_ends_the_link(void **state) {
    static const uint32_t lengths[] = {0, FRAME_BYTES_MAX + 1, 0x47455420 /* "GET " */, UINT32_MAX};
    (void)state;
    for (size_t i = 0; i < 4; i++) {
        uint8_t bytes[LENGTH_BYTES];
        put_be32(bytes, lengths[i]);
        peer_writes(bytes, sizeof bytes);
        assert_int_equal(passt.link.receive(&passt.link, 10), 0);
        assert_non_null(passt.link.lost);
        if (i < 3) {
            detach(state);
            attach(state);
        }
    }
}

static void a_closed_socket_ends_the_link(void **state) {
    uint8_t bytes[LENGTH_BYTES + ARP_BYTES];
    (void)state;
    peer_writes(bytes, put_arp(bytes)); /* what came before it is still served */
    shutdown(peer, SHUT_WR);
    assert_int_equal(receive_and_flush(10), 1);
    assert_int_equal(receive_and_flush(10), 0);
    assert_string_equal(passt.link.lost,
                        "passt has closed its socket; start it and pingshot again");
}

/* ---- sending ----------------------------------------------------------------------------- */

static void send_udp(uint16_t n) {
    struct pbuf *p = pbuf_alloc(PBUF_TRANSPORT, n, PBUF_RAM);
    struct udp_pcb *pcb = udp_new();
    assert_non_null(p);
    memset(p->payload, 0x5a, n);
    udp_sendto_if(pcb, p, IP_ADDR_BROADCAST, 9, &passt.link.netif);
    udp_remove(pcb);
    pbuf_free(p);
}

/* A peer that does not read: what fits is kept, what does not is dropped whole and counted, and
 * once it reads again it finds whole frames only. */
static void a_full_socket_drops_whole_frames(void **state) {
    static uint8_t got[4 * 1024 * 1024];
    const uint32_t frame = LENGTH_BYTES + 14 + 28 + 1400;
    const uint32_t sent_count = 2000;
    uint32_t before = dropped();
    size_t n = 0;
    (void)state;
    for (uint32_t i = 0; i < sent_count; i++) {
        send_udp(1400);
        passt.link.flush(&passt.link);
    }
    uint32_t lost = dropped() - before;
    assert_true(lost > 0);
    assert_true(passt.link.wants_output);
    for (ssize_t more = 1; more > 0;) {
        more = recv(peer, got + n, sizeof got - n, 0);
        n += more > 0 ? (size_t)more : 0;
        passt.link.flush(&passt.link);
    }
    assert_false(passt.link.wants_output);
    assert_int_equal(n, (sent_count - lost) * frame);
    for (size_t at = 0; at < n; at += frame) {
        assert_int_equal(load_be32(got + at), frame - LENGTH_BYTES);
        assert_int_equal(got[at + frame - 1], 0x5a);
    }
    assert_null(passt.link.lost);
}

static void sending_to_nobody_ends_the_link(void **state) {
    (void)state;
    shutdown(peer, SHUT_RDWR);
    send_udp(100);
    passt.link.flush(&passt.link); /* and no SIGPIPE */
    assert_non_null(passt.link.lost);
}

/* ---- opening ----------------------------------------------------------------------------- */

static void refusals_say_what_to_do(void **state) {
    static struct netif_passt other;
    struct problem problem = {0};
    char path[120];
    (void)state;
    assert_false(netif_passt_open(&other, "/nonexistent/s", MTU, &problem));
    problem.line[problem.line_len] = '\0';
    assert_string_equal(problem.line,
                        "--passt /nonexistent/s: nobody listens there; start passt -s "
                        "SOCKET first");
    memset(path, 'a', sizeof path);
    path[108] = '\0';
    assert_false(netif_passt_open(&other, path, MTU, &problem));
    problem.line[problem.line_len] = '\0';
    assert_non_null(strstr(problem.line, "at most 107 bytes"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(every_split_of_two_frames, attach, detach),
        cmocka_unit_test_setup_teardown(byte_by_byte, attach, detach),
        cmocka_unit_test_setup_teardown(a_batch_is_bounded, attach, detach),
        cmocka_unit_test_setup_teardown(too_long_frames_are_skipped, attach, detach),
        cmocka_unit_test_setup_teardown(a_flood_of_full_frames, attach, detach),
        cmocka_unit_test_setup_teardown(a_wrong_length_ends_the_link, attach, detach),
        cmocka_unit_test_setup_teardown(a_closed_socket_ends_the_link, attach, detach),
        cmocka_unit_test_setup_teardown(a_full_socket_drops_whole_frames, attach, detach),
        cmocka_unit_test_setup_teardown(sending_to_nobody_ends_the_link, attach, detach),
        cmocka_unit_test(refusals_say_what_to_do),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
