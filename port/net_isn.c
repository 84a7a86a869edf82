/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * net_isn.c: see lwip/net_isn.h.
 */
#include "net_isn.h"

#include "clock.h"

#include <string.h>

#define CLOCK_STEPS_A_MS 250u /* RFC 6528 section 3: steps of 4 microseconds */

static struct hash_key hash_key;
static uint32_t clock_start;

void net_isn_init(const uint8_t key[HASH_KEY_BYTES], uint32_t start) {
    hash_key = hash_key_from(key);
    clock_start = start;
}

/* The four words of an IPv6 address, or those of an IPv4 address mapped into one (RFC 4291
 * section 2.5.5.2): both families in one space. */
static void put_address(uint32_t words[4], const ip_addr_t *ip) {
    if (IP_IS_V6(ip)) {
        memcpy(words, ip_2_ip6(ip)->addr, 4 * sizeof words[0]);
    } else {
        words[0] = 0;
        words[1] = 0;
        words[2] = PP_HTONL(0xffffu);
        words[3] = ip_2_ip4(ip)->addr;
    }
}

uint32_t net_isn(const ip_addr_t *local_ip, uint16_t local_port, const ip_addr_t *remote_ip,
                 uint16_t remote_port) {
    uint32_t connection[9];
    put_address(&connection[0], local_ip);
    put_address(&connection[4], remote_ip);
    connection[8] = (uint32_t)local_port << 16 | remote_port;
    return clock_start + clock_monotonic_ms() * CLOCK_STEPS_A_MS +
           hash_bytes(hash_key, (const char *)connection, sizeof connection);
}
