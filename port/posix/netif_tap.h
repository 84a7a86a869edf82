/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * netif_tap.h: Ethernet frames over a Linux TAP device. Makes the device and gives the host its
 * side's address; or takes one that exists as it is. One that was made goes with the process.
 */
#ifndef PINGSHOT_NETIF_TAP_H
#define PINGSHOT_NETIF_TAP_H

#include "frame_link.h"
#include "problem.h"

struct netif_tap_config {
    const char *name;      /* 1..15 bytes */
    uint16_t mtu;          /* of both sides */
    bool address_host;     /* give the host the address below */
    uint32_t host_address; /* in host order */
    uint32_t netmask;
};

struct netif_tap {
    struct frame_link link; /* first: the loop knows only this */
    uint16_t mtu;
};

/* Opens the device, makes and addresses it when there is none of that name. The device that
 * exists must be the caller's to use, up, and have at least this MTU. False with a line in
 * `problem` that says what to do; then nothing is left behind. */
bool netif_tap_open(struct netif_tap *tap, const struct netif_tap_config *config,
                    struct problem *problem);

/* The netif init function for net_stack_add; its state is the struct netif_tap. Takes a random
 * MAC address. */
err_t netif_tap_init(struct netif *netif);

#endif
