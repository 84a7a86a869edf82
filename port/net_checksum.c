/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * net_checksum.c: see net_checksum.h. The sum does not depend on the width of the steps nor on
 * the byte order (RFC 1071 section 2), so it is made in steps as wide as the machine likes and
 * folded at the end.
 */
#include "net_checksum.h"

#include <stddef.h>
#include <string.h>

#define STRIDE_BYTES 32u

/* Adds with end-around carry. */
static uint64_t add(uint64_t sum, uint64_t word) {
    sum += word;
    return sum + (sum < word);
}

static uint64_t load(const uint8_t *at) {
    uint64_t word;
    memcpy(&word, at, sizeof word); /* any alignment */
    return word;
}

static uint16_t fold(uint64_t sum) {
    sum = (sum & 0xffffffffu) + (sum >> 32);
    sum = (sum & 0xffffffffu) + (sum >> 32);
    sum = (sum & 0xffffu) + (sum >> 16);
    sum = (sum & 0xffffu) + (sum >> 16);
    sum = (sum & 0xffffu) + (sum >> 16);
    return (uint16_t)sum;
}

uint16_t net_checksum(const void *bytes, int len) {
    const uint8_t *at = bytes;
    size_t left = len > 0 ? (size_t)len : 0;
    uint64_t a = 0; /* several sums: the carries of one do not wait for those of another */
    uint64_t b = 0;
    uint64_t c = 0;
    uint64_t d = 0;
    for (; left >= STRIDE_BYTES; left -= STRIDE_BYTES, at += STRIDE_BYTES) {
        a = add(a, load(at));
        b = add(b, load(at + 8));
        c = add(c, load(at + 16));
        d = add(d, load(at + 24));
    }
    for (; left >= 8; left -= 8, at += 8) {
        a = add(a, load(at));
    }
    if (left > 0) {
        uint8_t last[8] = {0};
        memcpy(last, at, left);
        b = add(b, load(last));
    }
    return fold(add(add(a, b), add(c, d)));
}
