/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * hash.h: HalfSipHash-1-3, a keyed hash of 32-bit steps (fast on a Cortex-M as well). With a key
 * nobody outside knows, nobody can send names that all fall into one bucket.
 */
#ifndef PINGSHOT_HASH_H
#define PINGSHOT_HASH_H

#include "text.h"

#include <stdbool.h>
#include <stdint.h>

#define HASH_KEY_BYTES 8u

struct hash_key {
    uint32_t k0;
    uint32_t k1;
};

/* The key from HASH_KEY_BYTES random bytes. */
struct hash_key hash_key_from(const uint8_t bytes[HASH_KEY_BYTES]);

uint32_t hash_bytes(struct hash_key key, const char *bytes, uint32_t n);

/* The same of two slices, one behind the other. */
uint32_t hash_two(struct hash_key key, struct slice a, struct slice b);

/* The same with a result of 64 bits, of bytes that come in pieces: how they are cut does not
 * matter. */
struct hash_digest {
    uint32_t low;
    uint32_t high;
};

struct hash_stream {
    uint32_t v0, v1, v2, v3;
    uint32_t tail; /* bytes at the end that do not make a word yet */
    uint32_t len;  /* bytes so far, modulo 2^32 */
};

void hash_stream_begin(struct hash_stream *s, struct hash_key key);
void hash_stream_add(struct hash_stream *s, const char *bytes, uint32_t n);

/* The digest of the bytes so far; more may be added behind them. */
struct hash_digest hash_stream_digest(const struct hash_stream *s);

static inline bool hash_digest_equals(struct hash_digest a, struct hash_digest b) {
    return a.low == b.low && a.high == b.high;
}

#endif
