/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * frame_link.c: see frame_link.h.
 */
#include "frame_link.h"

#include "net_stack.h"

#include "lwip/etharp.h"

void frame_link_init_netif(struct netif *netif, const char name[2], uint16_t mtu,
                           netif_linkoutput_fn send_frame) {
    netif->name[0] = name[0];
    netif->name[1] = name[1];
    netif->mtu = mtu;
    netif->hwaddr_len = ETH_HWADDR_LEN;
    net_stack_random_mac(netif->hwaddr);
    netif->flags =
        NETIF_FLAG_BROADCAST | NETIF_FLAG_ETHARP | NETIF_FLAG_ETHERNET | NETIF_FLAG_LINK_UP;
    netif->output = etharp_output;
    netif->linkoutput = send_frame;
}
