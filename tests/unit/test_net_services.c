/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * test_net_services.c: SNTP, mDNS, IPv6 and the link as lwIP and net_services do them, seen by
 * another host of an Ethernet that the test holds: it reads the frames and writes its own.
 */
#include "net_services.h"

#include "clock.h"
#include "ethernet_frames.h"
#include "net_clock.h"
#include "net_stack.h"

#include "lwip/inet_chksum.h"
#include "lwip/pbuf.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define OURS 0xc0a84c02u
#define PEERS 0xc0a84c01u
#define IP4_BYTES 20u
#define IP6_BYTES 40u
#define UDP_BYTES 8u
#define NTP_BYTES 48u
#define NTP_PORT 123u
#define MDNS_PORT 5353u

static const uint8_t our_mac[6] = {2, 0, 0, 0, 0, 2};
static const uint8_t peer_mac[6] = {2, 0, 0, 0, 0, 1};
static const uint8_t our_link_local[16] = {0xfe, 0x80, 0, 0,    0,    0, 0, 0,
                                           0,    0,    0, 0xff, 0xfe, 0, 0, 2};
static const uint8_t peer_link_local[16] = {0xfe, 0x80, 0, 0,    0,    0, 0, 0,
                                            0,    0,    0, 0xff, 0xfe, 0, 0, 1};
static const uint8_t all_nodes[16] = {0xff, 2, [15] = 1};

static struct netif netif;
static uint32_t now_ms = UINT32_MAX - 3000; /* about to wrap */

uint32_t clock_monotonic_ms(void) {
    return now_ms;
}

/* ---- what the interface says ------------------------------------------------------------- */

static char said[4096]; /* lines since the last look */

static void say(const char *line) {
    size_t n = strlen(said);
    assert_int_equal(strncmp(line, "network: ", 9), 0);
    snprintf(said + n, sizeof said - n, "%s\n", line + 9);
}

static void say_reachable(const char *host) {
    size_t n = strlen(said);
    snprintf(said + n, sizeof said - n, "reachable %s\n", host);
}

static void expect_said(const char *lines) {
    assert_string_equal(said, lines);
    said[0] = '\0';
}

/* ---- frames ------------------------------------------------------------------------------ */

#define FRAMES_MAX 64u

static struct {
    uint32_t n;
    uint8_t bytes[1514];
} frames[FRAMES_MAX]; /* that the interface sent since the last forget() */
static uint32_t frames_count;

static void forget(void) {
    frames_count = 0;
}

static void receive(const uint8_t *bytes, uint32_t n) {
    struct pbuf *p = pbuf_alloc(PBUF_RAW, (u16_t)n, PBUF_POOL);
    assert_non_null(p);
    pbuf_take(p, bytes, (u16_t)n);
    if (netif.input(p, &netif) != ERR_OK) {
        pbuf_free(p);
    }
}

static err_t send_frame(struct netif *from, struct pbuf *p) {
    (void)from;
    assert_in_range(p->tot_len, ETHERNET_BYTES, sizeof frames[0].bytes);
    if (frames_count == FRAMES_MAX) {
        forget(); /* a test that lets hours pass has looked in between */
    }
    frames[frames_count].n = p->tot_len;
    pbuf_copy_partial(p, frames[frames_count++].bytes, p->tot_len, 0);
    return ERR_OK;
}

static err_t init_netif(struct netif *n) {
    init_ethernet(n, our_mac, send_frame);
    return ERR_OK;
}

/* UDP's payload in frame `i` when it is IPv4 to this port, or NULL. */
static const uint8_t *udp_to(uint32_t i, uint32_t port) {
    const uint8_t *ip = frames[i].bytes + ETHERNET_BYTES;
    const uint8_t *udp = ip + IP4_BYTES;
    bool is_udp = ethernet_type(frames[i].bytes) == 0x0800 && ip[9] == 17;
    return is_udp && get16(udp + 2) == port ? udp + UDP_BYTES : NULL;
}

/* Number of the last frame that is UDP to this port, or FRAMES_MAX. */
static uint32_t last_udp_to(uint32_t port) {
    for (uint32_t i = frames_count; i > 0; i--) {
        if (udp_to(i - 1, port) != NULL) {
            return i - 1;
        }
    }
    return FRAMES_MAX;
}

static void receive_udp(uint32_t from, uint32_t to, uint32_t from_port, uint32_t to_port,
                        const uint8_t *payload, uint32_t n) {
    uint8_t frame[600] = {0};
    uint8_t *ip = frame + ETHERNET_BYTES;
    uint8_t *udp = ip + IP4_BYTES;
    memcpy(frame, our_mac, 6);
    memcpy(frame + 6, peer_mac, 6);
    put16(frame + 12, 0x0800);
    ip[0] = 0x45;
    put16(ip + 2, IP4_BYTES + UDP_BYTES + n);
    ip[8] = 255;
    ip[9] = 17;
    put32(ip + 12, from);
    put32(ip + 16, to);
    uint16_t sum = inet_chksum(ip, IP4_BYTES);
    memcpy(ip + 10, &sum, 2);
    put16(udp, from_port);
    put16(udp + 2, to_port);
    put16(udp + 4, UDP_BYTES + n); /* and no checksum, as IPv4 allows */
    assert_true(ETHERNET_BYTES + IP4_BYTES + UDP_BYTES + n <= sizeof frame);
    memcpy(udp + UDP_BYTES, payload, n);
    receive(frame, ETHERNET_BYTES + IP4_BYTES + UDP_BYTES + n);
}

/* An ICMPv6 message of the peer's. */
static void receive_icmp6(const uint8_t to[16], const uint8_t *message, uint32_t n) {
    uint8_t frame[200] = {0};
    uint8_t *ip = frame + ETHERNET_BYTES;
    ip6_addr_t source = {0};
    ip6_addr_t target = {0};
    assert_true(ETHERNET_BYTES + IP6_BYTES + n <= sizeof frame);
    memcpy(frame, our_mac, 6);
    memcpy(frame + 6, peer_mac, 6);
    put16(frame + 12, 0x86dd);
    ip[0] = 0x60;
    put16(ip + 4, n);
    ip[6] = 58;
    ip[7] = 255;
    memcpy(ip + 8, peer_link_local, 16);
    memcpy(ip + 24, to, 16);
    memcpy(ip + IP6_BYTES, message, n);
    memcpy(source.addr, peer_link_local, 16);
    memcpy(target.addr, to, 16);
    struct pbuf *p = pbuf_alloc(PBUF_RAW, (u16_t)n, PBUF_RAM);
    pbuf_take(p, message, (u16_t)n);
    uint16_t sum = ip6_chksum_pseudo(p, 58, (u16_t)n, &source, &target);
    pbuf_free(p);
    memcpy(ip + IP6_BYTES + 2, &sum, 2);
    receive(frame, ETHERNET_BYTES + IP6_BYTES + n);
}

/* Answers what the interface asks about the peer's MAC address. */
static void answer_arp(void) {
    for (uint32_t i = 0; i < frames_count; i++) {
        if (asks_for(frames[i].bytes, PEERS)) {
            uint8_t answer[ARP_FRAME_BYTES];
            make_arp_answer(answer, frames[i].bytes, peer_mac);
            memset(frames[i].bytes, 0, ARP_FRAME_BYTES); /* answered */
            receive(answer, sizeof answer);
        }
    }
}

static void pass(uint32_t ms) {
    for (uint32_t passed = 0; passed < ms; passed += 10) {
        now_ms += 10;
        net_stack_poll();
        answer_arp();
    }
}

/* ---- start ------------------------------------------------------------------------------- */

static int start(void **state) {
    static struct random rng;
    static const uint8_t seed[RANDOM_SEED_BYTES] = {9};
    static const struct net_stack_address address = {
        .address = OURS, .netmask = 0xffffff00, .gateway = PEERS};
    static const struct net_services_config config = {
        .name = "pingshot",
        .port = 8090,
        .ntp = "192.168.76.1",
        .say = say,
        .reachable = say_reachable,
    };
    (void)state;
    random_seed(&rng, seed);
    net_stack_init(&(struct net_stack_config){.rng = &rng});
    assert_true(net_stack_add(&netif, &address, init_netif, NULL, "pingshot"));
    assert_true(net_services_start(&netif, &config));
    return 0;
}

static void ntp_servers(void **state) {
    static const char *const good[] = {
        "dhcp",       "192.168.76.1", "10.0.0.1",        "2001:db8::1",     "fe80::1",
        "2001:DB8::", "::1:0",        "1:2:3:4:5:6:7:8", "1:2:3:4:5:6:7::", "::2:3:4:5:6:7:8"};
    static const char *const bad[] = {"",          "192.168.76",      "192.168.76.01",
                                      "0xa000001", "1.2.3.4 ",        "0.0.0.0",
                                      "224.0.0.1", "255.255.255.255", "::",
                                      "ff02::101", "2001:db8::1::",   "pool.ntp.org",
                                      "DHCP",      "2001:db8:::1",    ":",
                                      "1.2.3.256"};
    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        assert_true(net_services_is_ntp(good[i]));
    }
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        if (net_services_is_ntp(bad[i])) {
            fail_msg("'%s' was taken for an NTP server", bad[i]);
        }
    }
}

/* ---- mDNS -------------------------------------------------------------------------------- */

static bool has(const uint8_t *bytes, uint32_t n, const char *string) {
    size_t wanted = strlen(string);
    for (uint32_t at = 0; at + wanted <= n; at++) {
        if (memcmp(bytes + at, string, wanted) == 0) {
            return true;
        }
    }
    return false;
}

enum mdns_kind { QUERY, RESPONSE };

/* mDNS messages of a kind that have this string in them. */
static uint32_t mdns_count(enum mdns_kind kind, const char *string) {
    uint32_t count = 0;
    for (uint32_t i = 0; i < frames_count; i++) {
        const uint8_t *dns = udp_to(i, MDNS_PORT);
        if (dns != NULL && (dns[2] & 0x80) == (kind == RESPONSE ? 0x80 : 0) &&
            has(frames[i].bytes, frames[i].n, string)) {
            count++;
        }
    }
    return count;
}

/* An A record of `label`.local in an mDNS response of the peer's. */
static void receive_claim(const char *label) {
    uint8_t dns[100] = {0, 0, 0x84, 0, 0, 0, 0, 1};
    uint32_t n = 12;
    dns[n++] = (uint8_t)strlen(label);
    memcpy(dns + n, label, strlen(label));
    n += (uint32_t)strlen(label);
    memcpy(dns + n, "\x05local\0\0\x01\x80\x01\0\0\0\x78\0\x04", 17);
    n += 17;
    put32(dns + n, PEERS);
    receive_udp(PEERS, 0xe00000fb, MDNS_PORT, MDNS_PORT, dns, n + 4);
}

/* The first thing that happens: probes go out, nobody objects, and it announces itself. */
static void name_and_addresses(void **state) {
    (void)state;
    expect_said("reachable 192.168.76.2\n");
    pass(3000);
    expect_said("address fe80::ff:fe00:2 on this link\nthe name is pingshot.local\n");
    assert_true(mdns_count(QUERY, "\x08pingshot\x05local") >= 3);
    assert_true(mdns_count(RESPONSE, "\x08pingshot\x05local") >= 1);
    assert_true(mdns_count(QUERY, "\x08pingshot\x10_prometheus-http\x04_tcp") >= 3);
    assert_true(mdns_count(RESPONSE, "\x0dpath=/metrics") >= 1);
    assert_int_equal(mdns_count(RESPONSE, "scheme="), 0);
}

/* Somebody has our name already: told while we probe, both names get a number, once for each. */
static void a_taken_name(void **state) {
    (void)state;
    netif_set_link_down(&netif);
    netif_set_link_up(&netif);
    expect_said("link down\nlink up\n");
    forget();
    while (mdns_count(QUERY, "\x08pingshot\x05local") == 0) {
        pass(10);
    }
    receive_claim("pingshot");
    expect_said("the name pingshot.local is taken by another host\n");
    forget();
    while (mdns_count(QUERY, "\x0apingshot-2\x05local") == 0) {
        pass(10);
    }
    receive_claim("pingshot-2");
    expect_said("the name pingshot-2.local is taken by another host\n");
    forget();
    pass(3000);
    expect_said("the name is pingshot-3.local\n");
    assert_true(mdns_count(RESPONSE, "\x0apingshot-3\x05local") >= 1);
    assert_true(mdns_count(QUERY, "\x0apingshot-3\x10_prometheus-http\x04_tcp") >= 3);
    assert_int_equal(mdns_count(RESPONSE, "\x08pingshot\x05local"), 0);

    /* The link again: it announces itself anew, and the name, which is no news, is not said. */
    netif_set_link_down(&netif);
    pass(1000);
    forget();
    netif_set_link_up(&netif);
    pass(3000);
    expect_said("link down\nlink up\n");
    assert_true(mdns_count(RESPONSE, "\x0apingshot-3\x05local") >= 1);
}

/* ---- IPv6 -------------------------------------------------------------------------------- */

/* A router's advertisement of 2001:db8::/64 for `lifetime_s`, RFC 4861 section 4.2. */
static void receive_prefix(uint32_t lifetime_s) {
    uint8_t message[16 + 32] = {134, 0, 0, 0, 64, 0, 0x07, 0x08};
    uint8_t *option = message + 16;
    option[0] = 3;
    option[1] = 4;
    option[2] = 64;
    option[3] = 0xc0; /* on this link, and for addresses */
    put32(option + 4, lifetime_s);
    put32(option + 8, lifetime_s);
    memcpy(option + 16, "\x20\x01\x0d\xb8", 4);
    receive_icmp6(all_nodes, message, sizeof message);
}

static void receive_advertisement(const uint8_t address[16]) {
    uint8_t message[24] = {136, 0, 0, 0, 0x20};
    memcpy(message + 8, address, 16);
    receive_icmp6(all_nodes, message, sizeof message);
}

static void router_advertisements(void **state) {
    (void)state;
    receive_prefix(5);
    pass(2500); /* it looks first whether somebody has that address */
    expect_said("reachable [2001:db8::ff:fe00:2]\n");
    pass(4000);
    expect_said("address 2001:db8::ff:fe00:2 has expired\n");
    receive_prefix(86400);
    pass(10);
    uint8_t ours[16] = {0x20, 0x01, 0x0d, 0xb8};
    memcpy(ours + 8, our_link_local + 8, 8);
    receive_advertisement(ours); /* while it still looks */
    expect_said("address 2001:db8::ff:fe00:2 is taken by another host\n");
}

/* ---- SNTP -------------------------------------------------------------------------------- */

#define NTP_UNIX INT64_C(2208988800) /* seconds from 1900 to 1970 */
#define SERVER_S INT64_C(1764000000)

/* Waits for a request, for as long as lwIP may take to repeat one, and copies it. Returns the
 * port it came from. */
static uint32_t expect_request(uint8_t request[NTP_BYTES]) {
    forget();
    for (uint32_t waited = 0; waited < 200000; waited += 10) {
        uint32_t i = last_udp_to(NTP_PORT);
        if (i < FRAMES_MAX) {
            memcpy(request, udp_to(i, NTP_PORT), NTP_BYTES);
            assert_int_equal(request[0], 0x23); /* version 4, client */
            return get16(frames[i].bytes + ETHERNET_BYTES + IP4_BYTES);
        }
        forget();
        pass(10);
    }
    fail_msg("no SNTP request");
    return 0;
}

/* A server's answer: its time is SERVER_S and some milliseconds, when the request came and when
 * the answer goes. */
static void make_answer(uint8_t answer[NTP_BYTES], const uint8_t request[NTP_BYTES], uint32_t came,
                        uint32_t goes) {
    memset(answer, 0, NTP_BYTES);
    answer[0] = 0x24;
    answer[1] = 2;
    memcpy(answer + 24, request + 40, 8);
    put32(answer + 32, (uint32_t)(SERVER_S + NTP_UNIX) + came / 1000);
    put32(answer + 36, (uint32_t)(((uint64_t)(came % 1000) << 32) / 1000));
    put32(answer + 40, (uint32_t)(SERVER_S + NTP_UNIX) + goes / 1000);
    put32(answer + 44, (uint32_t)(((uint64_t)(goes % 1000) << 32) / 1000));
}

static bool is_known(void) {
    int64_t unix_ms;
    return net_clock_wall_ms(&unix_ms);
}

static void bad_answers(void **state) {
    uint8_t request[NTP_BYTES];
    uint8_t answer[NTP_BYTES];
    (void)state;
    uint32_t port = expect_request(request);

    make_answer(answer, request, 100, 100);
    receive_udp(PEERS + 6, OURS, NTP_PORT, port, answer, NTP_BYTES); /* another host */
    assert_false(is_known());
    receive_udp(PEERS, OURS, 124, port, answer, NTP_BYTES); /* another port */
    assert_false(is_known());
    receive_udp(PEERS, OURS, NTP_PORT, port, answer, NTP_BYTES - 1); /* cut */
    assert_false(is_known());
    answer[31] ^= 1; /* the answer to another request */
    receive_udp(PEERS, OURS, NTP_PORT, port, answer, NTP_BYTES);
    assert_false(is_known());
    make_answer(answer, request, 100, 100);
    answer[0] = 0x25; /* a broadcast */
    receive_udp(PEERS, OURS, NTP_PORT, port, answer, NTP_BYTES);
    assert_false(is_known());
    make_answer(answer, request, 100, 100);
    memset(answer + 32, 0, 16); /* a server that does not know */
    receive_udp(PEERS, OURS, NTP_PORT, port, answer, NTP_BYTES);
    assert_false(is_known());
    expect_said("");
}

/* A request that is answered `way_ms` later; the time is `right_ms` behind SERVER_S then, to a
 * millisecond. Returns it. */
static int64_t ask_and_hear(uint32_t way_ms, uint32_t came, uint32_t goes, uint32_t right_ms) {
    uint8_t request[NTP_BYTES];
    uint8_t answer[NTP_BYTES];
    int64_t unix_ms = 0;
    const uint32_t port = expect_request(request);
    pass(way_ms);
    make_answer(answer, request, came, goes);
    receive_udp(PEERS, OURS, NTP_PORT, port, answer, NTP_BYTES);
    assert_true(net_clock_wall_ms(&unix_ms));
    const uint64_t right_unix_ms = (uint64_t)SERVER_S * 1000 + right_ms;
    assert_in_range((uint64_t)unix_ms, right_unix_ms - 1, right_unix_ms + 1);
    return unix_ms;
}

/* 30 ms there, 20 ms at the server, 30 ms back. */
static void a_good_answer(void **state) {
    char line[80];
    (void)state;
    now_ms += 3600u * 1000u; /* what the server that does not know has said is asked again then */
    const int64_t unix_ms = ask_and_hear(80, 500, 520, 550);
    snprintf(line, sizeof line, "time 2025-11-24T16:00:00.%03dZ by SNTP\n", (int)(unix_ms % 1000));
    expect_said(line);
}

static void pass_without_request(uint32_t seconds) {
    for (uint32_t passed_s = 0; passed_s < seconds; passed_s++) {
        forget();
        pass(1000);
        assert_int_equal(last_udp_to(NTP_PORT), FRAMES_MAX);
    }
}

/* An hour later it asks again, and is corrected. */
static void a_correction(void **state) {
    (void)state;
    pass_without_request(3590);
    ask_and_hear(0, 3605000, 3605000, 3605000);
    expect_said("");
}

/* Two seconds under way: taken, for there is none better, and asked for again at once; but not for
 * ever, should every answer be as slow. */
static void slow_answers(void **state) {
    uint8_t request[NTP_BYTES];
    (void)state;
    pass_without_request(3590);
    ask_and_hear(2000, 7200000, 7200000, 7201000);
    uint32_t asked_ms = now_ms;
    ask_and_hear(1000, 7300500, 7300500, 7301000);
    assert_in_range(now_ms - asked_ms, 1000, 6000);
    asked_ms = now_ms;
    pass_without_request(3590);
    expect_request(request);
    assert_in_range(now_ms - asked_ms, 3590u * 1000u, 3610u * 1000u);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        /* In this order: each goes on where the one before has left the interface. */
        cmocka_unit_test(ntp_servers),  cmocka_unit_test(name_and_addresses),
        cmocka_unit_test(a_taken_name), cmocka_unit_test(router_advertisements),
        cmocka_unit_test(bad_answers),  cmocka_unit_test(a_good_answer),
        cmocka_unit_test(a_correction), cmocka_unit_test(slow_answers),
    };
    return cmocka_run_group_tests(tests, start, NULL);
}
