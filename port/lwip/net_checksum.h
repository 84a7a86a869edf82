/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * net_checksum.h: the Internet checksum's sum (RFC 1071), for lwIP's LWIP_CHKSUM.
 */
#ifndef PINGSHOT_NET_CHECKSUM_H
#define PINGSHOT_NET_CHECKSUM_H

#include <stdint.h>

/* One's complement sum of `len` (0..65535) bytes at any address, taken as 16-bit words in the
 * order of the machine, not inverted; an odd last byte counts as followed by a zero. */
uint16_t net_checksum(const void *bytes, int len);

#endif
