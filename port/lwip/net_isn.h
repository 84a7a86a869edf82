/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * net_isn.h: initial sequence numbers of TCP by RFC 6528: a clock of 4 microseconds plus a keyed
 * hash of the connection's addresses and ports, so that nobody outside can tell the next one, and
 * a connection opened anew starts behind the one before. Included by lwIP itself, as a hook.
 */
#ifndef PINGSHOT_NET_ISN_H
#define PINGSHOT_NET_ISN_H

#include "hash.h"

#include "lwip/ip_addr.h"

#include <stdint.h>

/* Sets the key, random, and the clock's start, random too: it need not be the time, only differ
 * from the boot before. */
void net_isn_init(const uint8_t key[HASH_KEY_BYTES], uint32_t clock_start);

/* LWIP_HOOK_TCP_ISN */
uint32_t net_isn(const ip_addr_t *local_ip, uint16_t local_port, const ip_addr_t *remote_ip,
                 uint16_t remote_port);

#endif
