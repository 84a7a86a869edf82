/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * ethernet_frames.h: an Ethernet that a test holds in its hand: an interface of lwIP's on it, and
 * how its hosts ask for each other's addresses (RFC 826).
 */
#ifndef PINGSHOT_TEST_ETHERNET_FRAMES_H
#define PINGSHOT_TEST_ETHERNET_FRAMES_H

#include "wire_numbers.h"

#include "lwip/etharp.h"

#include <stdbool.h>
#include <string.h>

#define ETHERNET_BYTES 14u
#define ARP_FRAME_BYTES (ETHERNET_BYTES + 28u)

/* An interface whose link is up; `send` gets its frames. */
static inline void init_ethernet(struct netif *n, const uint8_t mac[6], netif_linkoutput_fn send) {
    n->name[0] = 't';
    n->mtu = 1500;
    n->hwaddr_len = 6;
    memcpy(n->hwaddr, mac, 6);
    n->flags = NETIF_FLAG_BROADCAST | NETIF_FLAG_ETHARP | NETIF_FLAG_ETHERNET | NETIF_FLAG_LINK_UP;
    n->output = etharp_output;
    n->linkoutput = send;
}

static inline uint32_t ethernet_type(const uint8_t *frame) {
    return get16(frame + 12);
}

/* Whether it asks for the MAC address of this one. */
static inline bool asks_for(const uint8_t *frame, uint32_t address) {
    const uint8_t *arp = frame + ETHERNET_BYTES;
    return ethernet_type(frame) == ETHTYPE_ARP && get16(arp + 6) == ARP_REQUEST &&
           get32(arp + 24) == address;
}

/* What a host with this MAC address says to a frame that asks for it. */
static inline void make_arp_answer(uint8_t answer[ARP_FRAME_BYTES], const uint8_t *asked,
                                   const uint8_t mac[6]) {
    const uint8_t *question = asked + ETHERNET_BYTES;
    uint8_t *arp = answer + ETHERNET_BYTES;
    memcpy(answer, asked, ARP_FRAME_BYTES);
    memcpy(answer, asked + 6, 6);
    memcpy(answer + 6, mac, 6);
    put16(arp + 6, ARP_REPLY);
    memcpy(arp + 8, mac, 6);
    memcpy(arp + 14, question + 24, 4);
    memcpy(arp + 18, question + 8, 10); /* who asks: its MAC and its IP address */
}

#endif
