/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * frame_link.h: what the host's loop needs of whatever carries Ethernet frames: netif_tap and
 * netif_passt provide it, host_loop drives it. Sending goes through the netif's linkoutput, as
 * lwIP calls it.
 */
#ifndef PINGSHOT_FRAME_LINK_H
#define PINGSHOT_FRAME_LINK_H

#include "lwip/netif.h"

#include <stdbool.h>
#include <stdint.h>

/* Ethernet header, and room for one VLAN tag. */
#define FRAME_LINK_HEADER_BYTES 18u

struct frame_link {
    struct netif netif;
    int fd;            /* readable when frames have come */
    bool wants_output; /* frames wait for fd to become writable; then call flush */
    const char *lost;  /* NULL, or one line about why this link will never work again */

    /* Hands up to `frames_max` frames to lwIP. Returns how many; fewer mean that no more have
     * come. */
    uint32_t (*receive)(struct frame_link *link, uint32_t frames_max);

    /* True while the cable is plugged in, so to say. NULL: always. */
    bool (*is_up)(const struct frame_link *link);

    /* Sends what was kept back to be sent together. */
    void (*flush)(struct frame_link *link);

    void (*close)(struct frame_link *link);
};

/* Sets up the netif of a link, in the function that netif_add calls: Ethernet, its link up, with a
 * random MAC address of local use. `name` is two letters, `send_frame` sends one frame. */
void frame_link_init_netif(struct netif *netif, const char name[2], uint16_t mtu,
                           netif_linkoutput_fn send_frame);

#endif
