/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * memory_check.c: runs port/cortex-m/memory.S on its processor, in QEMU, against the plainest loops
 * there are: every alignment of both sides, every length up to beyond two strides (for the sum beyond two turns
 * of four), and for memmove every overlap. test_memory.py builds and runs it. It ends with status 0, or with the number of the
 * case that failed.
 */
#include "qemu_check.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

enum {
    LENGTHS = 72,
    SUM_LENGTHS = 9 * 32 + 8,
    ALIGNMENTS = 4,
    MARGIN = 8,
    ROOM = SUM_LENGTHS + 2 * MARGIN + 2 * ALIGNMENTS
};

static uint8_t got[ROOM];
static uint8_t want[ROOM];
static uint8_t from[ROOM];

static void fill(uint8_t *bytes, uint32_t seed) {
    for (size_t i = 0; i < ROOM; i++) {
        seed = seed * 1103515245u + 12345u;
        bytes[i] = (uint8_t)(seed >> 16);
    }
}

static void must_be_same(uint32_t failure) {
    for (size_t i = 0; i < ROOM; i++) {
        if (got[i] != want[i]) {
            finish(failure);
        }
    }
}

static void check_memcpy(size_t to, size_t at, size_t n) {
    fill(got, 1);
    fill(want, 1);
    fill(from, 2);
    for (size_t i = 0; i < n; i++) {
        want[MARGIN + to + i] = from[at + i];
    }
    if (memcpy(got + MARGIN + to, from + at, n) != got + MARGIN + to) {
        finish(1);
    }
    must_be_same(2);
}

static void check_memset(size_t to, size_t n) {
    fill(got, 1);
    fill(want, 1);
    for (size_t i = 0; i < n; i++) {
        want[MARGIN + to + i] = 0xa5;
    }
    if (memset(got + MARGIN + to, 0x12a5, n) != got + MARGIN + to) {
        finish(3);
    }
    must_be_same(4);
}

static void check_memmove(size_t to, size_t at, size_t n) {
    fill(got, 3);
    fill(want, 3);
    fill(from, 3);
    for (size_t i = 0; i < n; i++) {
        want[to + i] = from[at + i];
    }
    if (memmove(got + to, got + at, n) != got + to) {
        finish(5);
    }
    must_be_same(6);
}

/* The byte looked for stands at each place in turn, behind bytes that differ from it in one bit and
 * in front of others like it; and nowhere. */
static void check_memchr(size_t at, size_t n, uint8_t byte) {
    for (size_t place = 0; place <= n; place++) {
        for (size_t i = 0; i < ROOM; i++) {
            got[i] = (uint8_t)(byte ^ (1u << (i % 8)));
        }
        got[at + n] = byte;
        for (size_t i = place; i < n; i += 3) {
            got[at + i] = byte;
        }
        if (memchr(got + at, byte | 0x100, n) != (place < n ? got + at + place : NULL)) {
            finish(7);
        }
    }
}

uint16_t net_checksum_copy(void *to, const void *source, int len);

/* Bytes of ones make the most carries there can be. */
static void check_checksum_copy(size_t to, size_t at, size_t n, bool ones) {
    fill(got, 1);
    fill(want, 1);
    fill(from, 5);
    if (ones) {
        for (size_t i = 0; i < ROOM; i++) {
            from[i] = 0xff;
        }
    }
    uint32_t sum = 0;
    for (size_t i = 0; i < n; i++) {
        want[MARGIN + to + i] = from[at + i];
        sum += (uint32_t)from[at + i] << (i % 2 * 8);
        sum = (sum & 0xffff) + (sum >> 16);
    }
    if (net_checksum_copy(got + MARGIN + to, from + at, (int)n) != sum) {
        finish(9);
    }
    must_be_same(10);
}

static void check_sums(void) {
    for (size_t n = 0; n < SUM_LENGTHS; n++) {
        for (size_t a = 0; a < ALIGNMENTS; a++) {
            for (size_t b = 0; b < ALIGNMENTS; b++) {
                check_checksum_copy(a, b, n, false);
                check_checksum_copy(a, b, n, true);
            }
        }
    }
}

/* Behind its end there are bytes that differ from 0 in one bit, and other ends. */
static void check_strlen(size_t at, size_t n) {
    for (size_t i = 0; i < ROOM; i++) {
        got[i] = (uint8_t)(1u << (i % 8));
    }
    for (size_t i = n; at + i < ROOM; i += 3) {
        got[at + i] = 0;
    }
    if (strlen((const char *)got + at) != n) {
        finish(11);
    }
}

static int sign(int value) {
    return (value > 0) - (value < 0);
}

static void check_memcmp(size_t a, size_t b, size_t n) {
    for (size_t place = 0; place <= n; place++) {
        fill(got, 4);
        fill(want, 4);
        memmove(want + b, got + a, n);
        got[a + n] = 1;
        want[b + n] = 2;
        int expected = 0;
        if (place < n) {
            want[b + place] ^= 0x80;
            expected = got[a + place] > want[b + place] ? 1 : -1;
            if (place + 1 < n) {
                want[b + place + 1] ^= 0xff; /* comes too late */
            }
        }
        if (sign(memcmp(got + a, want + b, n)) != expected) {
            finish(8);
        }
    }
}

void start(void) {
    for (size_t n = 0; n < LENGTHS; n++) {
        for (size_t a = 0; a < ALIGNMENTS; a++) {
            check_memset(a, n);
            check_strlen(a, n);
            check_memchr(a, n, 0);
            check_memchr(a, n, 0x80);
            check_memchr(a, n, 0xff);
            for (size_t b = 0; b < ALIGNMENTS; b++) {
                check_memcpy(a, b, n);
                check_memcmp(a, b, n);
            }
        }
        for (size_t to = 0; to + n <= ROOM && to < 16; to++) {
            for (size_t at = 0; at + n <= ROOM && at < 16; at++) {
                check_memmove(to, at, n);
            }
        }
    }
    check_sums();
    finish(0);
}
