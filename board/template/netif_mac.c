/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * netif_mac.c: lwIP's netif of NAME OF THE MAC (data sheet). Call this file netif_ and the name of
 * the MAC, which other boards may have, too.
 *
 * What is not filled in yet fails closed: without Ethernet the program says so and resets.
 */
#include "board_api.h"

#include "lwip/etharp.h"
#include "lwip/netif.h"
#include "lwip/stats.h"

#define MTU_BYTES (CFG_NET_MTU_MAX < 1500 ? CFG_NET_MTU_MAX : 1500)

/* netif->linkoutput: hands the pieces of a frame to the MAC, which is done with them when this
 * returns, or keeps the chain with pbuf_ref until it is. */
static err_t send_frame(struct netif *netif, struct pbuf *p) {
    /* To do. */
    (void)netif;
    (void)p;
    LINK_STATS_INC(link.drop);
    return ERR_IF;
}

/* Multicasts that lwIP wants to hear: sets (or, when the last user of it is gone, clears) the bits
 * of the MAC's hash filter. */
static err_t filter_ip4(struct netif *netif, const ip4_addr_t *group,
                        enum netif_mac_filter_action action) {
    /* To do: 01:00:5e and the lower 23 bits of the group (RFC 1112 section 6.4). */
    (void)netif;
    (void)group;
    (void)action;
    return ERR_OK;
}

static err_t filter_ip6(struct netif *netif, const ip6_addr_t *group,
                        enum netif_mac_filter_action action) {
    /* To do: 33:33 and the last 32 bits of the group (RFC 2464 section 7). */
    (void)netif;
    (void)group;
    (void)action;
    return ERR_OK;
}

int8_t board_netif_init(struct netif *netif) {
    netif->name[0] = 'e';
    netif->name[1] = 'n';
    netif->mtu = MTU_BYTES;
    netif->hwaddr_len = ETH_HWADDR_LEN;
    netif->flags = NETIF_FLAG_BROADCAST | NETIF_FLAG_ETHARP | NETIF_FLAG_ETHERNET;
    netif->output = etharp_output;
    netif->linkoutput = send_frame;
    netif_set_igmp_mac_filter(netif, filter_ip4);
    netif_set_mld_mac_filter(netif, filter_ip6);
    /* To do: reset and set up the MAC, put its own address (if it has one) into netif->hwaddr or
     * give it that one, let it hear ff02::1 (33:33:00:00:00:01), enable its interrupt, and return
     * ERR_OK. */
    return ERR_IF;
}

void board_poll(void) {
    /* To do: for each frame that came, at most some: pbuf_alloc(PBUF_RAW, bytes, PBUF_POOL), the
     * frame straight into its pieces, netif->input, and pbuf_free if that is not ERR_OK. When the
     * PHY's link has changed: netif_set_link_up or netif_set_link_down. */
}

bool board_pending(void) {
    return false;
}

bool board_counter(uint32_t index, struct board_word *name, uint32_t *total) {
    /* To do: each error that the MAC tells, by its data sheet's name. */
    (void)index;
    (void)name;
    (void)total;
    return false;
}

bool board_interrupt(uint32_t irq) {
    /* To do: silence the MAC's interrupt and note it for board_pending and board_poll. */
    (void)irq;
    return false;
}
