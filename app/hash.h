/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * hash.h: HalfSipHash-1-3, a keyed hash of 32-bit steps (fast on a Cortex-M as well). With a key
 * nobody outside knows, nobody can send names that all fall into one bucket.
 */
#ifndef PINGSHOT_HASH_H
#define PINGSHOT_HASH_H

#include <stdint.h>

#define HASH_KEY_BYTES 8u

struct hash_key {
    uint32_t k0;
    uint32_t k1;
};

/* The key from HASH_KEY_BYTES random bytes. */
struct hash_key hash_key_from(const uint8_t bytes[HASH_KEY_BYTES]);

uint32_t hash_bytes(struct hash_key key, const char *bytes, uint32_t n);

#endif
