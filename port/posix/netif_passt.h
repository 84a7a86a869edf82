/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * netif_passt.h: Ethernet frames over the UNIX stream socket of passt (or of QEMU's stream
 * netdev): each is preceded by its length, 32 bits in network order. Needs no privilege.
 */
#ifndef PINGSHOT_NETIF_PASST_H
#define PINGSHOT_NETIF_PASST_H

#include "frame_link.h"
#include "problem.h"

/* Bytes read at once. Holds the longest frame there can be. */
#define NETIF_PASST_INPUT_BYTES (128u * 1024u)

/* Frames that wait for the socket. What does not fit is dropped, as on any full wire. */
#define NETIF_PASST_OUTPUT_BYTES (256u * 1024u)

struct netif_passt {
    struct frame_link link; /* first: the loop knows only this */
    uint16_t mtu;
    uint32_t input_start; /* bytes of `input` used up */
    uint32_t input_end;
    uint32_t output_start; /* bytes of `output` sent */
    uint32_t output_end;
    uint8_t input[NETIF_PASST_INPUT_BYTES];
    uint8_t output[NETIF_PASST_OUTPUT_BYTES];
};

/* Connects to the socket at `path`. False with a line in `problem`. */
bool netif_passt_open(struct netif_passt *passt, const char *path, uint16_t mtu,
                      struct problem *problem);

/* The same on a connected stream socket, which is taken over. */
void netif_passt_attach(struct netif_passt *passt, int fd, uint16_t mtu);

/* The netif init function for net_stack_add; its state is the struct netif_passt. Takes a random
 * MAC address. */
err_t netif_passt_init(struct netif *netif);

#endif
