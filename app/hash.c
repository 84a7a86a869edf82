/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * hash.c: HalfSipHash (Aumasson and Bernstein), with one compression and three final rounds.
 */
#include "hash.h"

static inline uint32_t rotate_left(uint32_t x, unsigned bits) {
    return (x << bits) | (x >> (32 - bits));
}

static uint32_t load_le32(const uint8_t *p) {
    return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

struct state {
    uint32_t v0, v1, v2, v3;
};

static inline void round_(struct state *s) {
    s->v0 += s->v1;
    s->v1 = rotate_left(s->v1, 5) ^ s->v0;
    s->v0 = rotate_left(s->v0, 16);
    s->v2 += s->v3;
    s->v3 = rotate_left(s->v3, 8) ^ s->v2;
    s->v0 += s->v3;
    s->v3 = rotate_left(s->v3, 7) ^ s->v0;
    s->v2 += s->v1;
    s->v1 = rotate_left(s->v1, 13) ^ s->v2;
    s->v2 = rotate_left(s->v2, 16);
}

struct hash_key hash_key_from(const uint8_t bytes[HASH_KEY_BYTES]) {
    return (struct hash_key){load_le32(bytes), load_le32(bytes + 4)};
}

uint32_t hash_bytes(struct hash_key key, const char *bytes, uint32_t n) {
    const uint8_t *p = (const uint8_t *)bytes;
    struct state s = {key.k0, key.k1, 0x6c796765u ^ key.k0, 0x74656462u ^ key.k1};
    uint32_t last = n << 24; /* the length in the top byte, the odd bytes below it */
    for (; n >= 4; n -= 4, p += 4) {
        uint32_t word = load_le32(p);
        s.v3 ^= word;
        round_(&s);
        s.v0 ^= word;
    }
    for (uint32_t i = 0; i < n; i++) {
        last |= (uint32_t)p[i] << (8 * i);
    }
    s.v3 ^= last;
    round_(&s);
    s.v0 ^= last;
    s.v2 ^= 0xff;
    round_(&s);
    round_(&s);
    round_(&s);
    return s.v1 ^ s.v3;
}
