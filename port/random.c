/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * random.c: see random.h.
 */
#include "random.h"

#include <string.h>

static uint32_t rotate_left(uint32_t x, unsigned bits) {
    return (x << bits) | (x >> (32u - bits));
}

static uint32_t load_le32(const uint8_t *at) {
    return (uint32_t)at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 | (uint32_t)at[3] << 24;
}

static void store_le32(uint8_t *at, uint32_t x) {
    at[0] = (uint8_t)x;
    at[1] = (uint8_t)(x >> 8);
    at[2] = (uint8_t)(x >> 16);
    at[3] = (uint8_t)(x >> 24);
}

/* RFC 8439 section 2.1. */
static void quarter_round(uint32_t *state, unsigned a, unsigned b, unsigned c, unsigned d) {
    state[a] += state[b];
    state[d] = rotate_left(state[d] ^ state[a], 16);
    state[c] += state[d];
    state[b] = rotate_left(state[b] ^ state[c], 12);
    state[a] += state[b];
    state[d] = rotate_left(state[d] ^ state[a], 8);
    state[c] += state[d];
    state[b] = rotate_left(state[b] ^ state[c], 7);
}

void random_chacha20_block(const uint32_t key[8], uint32_t counter, const uint32_t nonce[3],
                           uint8_t out[RANDOM_BLOCK_BYTES]) {
    uint32_t start[16] = {0x61707865, 0x3320646e, 0x79622d32, 0x6b206574}; /* "expand 32-byte k" */
    uint32_t state[16];
    memcpy(&start[4], key, 8 * sizeof start[0]);
    start[12] = counter;
    memcpy(&start[13], nonce, 3 * sizeof start[0]);
    memcpy(state, start, sizeof state);
    for (unsigned round = 0; round < 20; round += 2) {
        for (unsigned i = 0; i < 4; i++) { /* columns */
            quarter_round(state, i, 4 + i, 8 + i, 12 + i);
        }
        for (unsigned i = 0; i < 4; i++) { /* diagonals */
            quarter_round(state, i, 4 + (i + 1) % 4, 8 + (i + 2) % 4, 12 + (i + 3) % 4);
        }
    }
    for (unsigned i = 0; i < 16; i++) {
        store_le32(&out[4 * i], state[i] + start[i]);
    }
}

static void set_key(struct random *rng, const uint8_t bytes[RANDOM_SEED_BYTES]) {
    for (unsigned i = 0; i < 8; i++) {
        rng->key[i] = load_le32(&bytes[4 * i]);
    }
}

/* Makes a pool of new bytes. Its first ones replace the key that made it and are wiped, so no
 * later look at the state leads back to what was handed out. */
static void refill(struct random *rng) {
    static const uint32_t no_nonce[3] = {0, 0, 0}; /* every key makes one stream only */
    for (uint32_t i = 0; i < CFG_RANDOM_BLOCKS; i++) {
        random_chacha20_block(rng->key, i, no_nonce, &rng->pool[i * RANDOM_BLOCK_BYTES]);
    }
    set_key(rng, rng->pool);
    memset(rng->pool, 0, RANDOM_SEED_BYTES);
    rng->next = RANDOM_SEED_BYTES;
}

void random_seed(struct random *rng, const uint8_t seed[RANDOM_SEED_BYTES]) {
    set_key(rng, seed);
    refill(rng);
}

void random_fill(struct random *rng, void *bytes, size_t n) {
    uint8_t *to = bytes;
    while (n > 0) {
        size_t there = sizeof rng->pool - rng->next;
        if (there == 0) {
            refill(rng);
            continue;
        }
        size_t take = n < there ? n : there;
        memcpy(to, &rng->pool[rng->next], take);
        memset(&rng->pool[rng->next], 0, take);
        rng->next += (uint32_t)take;
        to += take;
        n -= take;
    }
}

uint32_t random_u32(struct random *rng) {
    uint8_t bytes[4];
    random_fill(rng, bytes, sizeof bytes);
    return load_le32(bytes);
}

void random_wipe(void *bytes, size_t n) {
    memset(bytes, 0, n);
    __asm volatile("" : : "r"(bytes) : "memory");
}
