/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * net_checksum.c: see net_checksum.h. The sum does not depend on the width of the steps nor on
 * the byte order (RFC 1071 section 2), so it is made of 32-bit words, collects their carries in its
 * upper half, and is folded at the end.
 */
#include "net_checksum.h"

#include <stddef.h>
#include <string.h>

#define STRIDE_BYTES 32u

static uint64_t load(const uint8_t *at) {
    uint32_t word;
    memcpy(&word, at, sizeof word); /* any alignment */
    return word;
}

/* The words of a stride, which do not wait for the sum of those before. */
static uint64_t stride(const uint8_t *at) {
    return load(at) + load(at + 4) + load(at + 8) + load(at + 12) + load(at + 16) + load(at + 20) +
           load(at + 24) + load(at + 28);
}

uint16_t net_checksum(const void *bytes, int len) {
    const uint8_t *at = bytes;
    size_t left = len > 0 ? (size_t)len : 0;
    uint64_t sum = 0;
    for (; left >= STRIDE_BYTES; left -= STRIDE_BYTES, at += STRIDE_BYTES) {
        sum += stride(at);
    }
    for (; left >= 4; left -= 4, at += 4) {
        sum += load(at);
    }
    uint8_t last[4] = {0};
    memcpy(last, at, left);
    sum += load(last);
    while (sum > 0xffff) {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    return (uint16_t)sum;
}
