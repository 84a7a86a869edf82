/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * random.h: the one source of randomness, seeded once: by the port from its entropy, by a test or
 * a simulator from a number. A ChaCha20 stream (RFC 8439) with fast key erasure: what was handed
 * out is gone from memory, and the state does not tell what came before.
 */
#ifndef PINGSHOT_RANDOM_H
#define PINGSHOT_RANDOM_H

#include <stddef.h>
#include <stdint.h>

#define RANDOM_SEED_BYTES 32u
#define RANDOM_BLOCK_BYTES 64u

/* Made at a time. 1..16777216; RANDOM_BLOCK_BYTES each. One half of one makes the next key, so fewer
 * cost more time for each byte. */
#ifndef CFG_RANDOM_BLOCKS
#define CFG_RANDOM_BLOCKS 8
#endif

struct random {
    uint32_t key[8];
    uint32_t next; /* first byte of pool not handed out yet */
    uint8_t pool[CFG_RANDOM_BLOCKS * RANDOM_BLOCK_BYTES];
};

/* Starts over from a seed that nobody else knows. The caller wipes its own copy. */
void random_seed(struct random *rng, const uint8_t seed[RANDOM_SEED_BYTES]);

/* Fills `n` bytes. */
void random_fill(struct random *rng, void *bytes, size_t n);

uint32_t random_u32(struct random *rng);

/* Clears `n` bytes of a secret that nobody reads any more: a plain memset of them the compiler may
 * leave out. */
void random_wipe(void *bytes, size_t n);

/* The ChaCha20 block function (RFC 8439 section 2.3), with the key and the nonce as
 * little-endian words. Public for its test vectors. */
void random_chacha20_block(const uint32_t key[8], uint32_t counter, const uint32_t nonce[3],
                           uint8_t out[RANDOM_BLOCK_BYTES]);

#endif
