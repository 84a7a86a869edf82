/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * net_checksum.h: the Internet checksum's sum (RFC 1071), for lwIP's LWIP_CHKSUM and
 * LWIP_CHKSUM_COPY.
 */
#ifndef PINGSHOT_NET_CHECKSUM_H
#define PINGSHOT_NET_CHECKSUM_H

#include <stdint.h>

/* One's complement sum of `len` (0..65535) bytes at any address, taken as 16-bit words in the
 * order of the machine, not inverted; an odd last byte counts as followed by a zero. */
uint16_t net_checksum(const void *bytes, int len);

/* Copies `len` bytes to where they may not overlap, and returns the sum of them, as above.
 * Only on Armv7-M, in port/cortex-m/memory.S: see LWIP_CHECKSUM_ON_COPY in lwipopts.h. */
uint16_t net_checksum_copy(void *to, const void *from, int len);

#endif
