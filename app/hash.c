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

static inline void round_(struct hash_stream *s) {
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

static inline struct hash_stream start(struct hash_key key) {
    return (struct hash_stream){
        .v0 = key.k0, .v1 = key.k1, .v2 = 0x6c796765u ^ key.k0, .v3 = 0x74656462u ^ key.k1};
}

static inline void absorb(struct hash_stream *s, uint32_t word) {
    s->v3 ^= word;
    round_(s);
    s->v0 ^= word;
}

static inline uint32_t squeeze(struct hash_stream *s) {
    round_(s);
    round_(s);
    round_(s);
    return s->v1 ^ s->v3;
}

uint32_t hash_bytes(struct hash_key key, const char *bytes, uint32_t n) {
    const uint8_t *p = (const uint8_t *)bytes;
    struct hash_stream s = start(key);
    uint32_t last = n << 24; /* the length in the top byte, the odd bytes below it */
    for (; n >= 4; n -= 4, p += 4) {
        absorb(&s, load_le32(p));
    }
    for (uint32_t i = 0; i < n; i++) {
        last |= (uint32_t)p[i] << (8 * i);
    }
    absorb(&s, last);
    s.v2 ^= 0xff;
    return squeeze(&s);
}

void hash_stream_begin(struct hash_stream *s, struct hash_key key) {
    *s = start(key);
    s->v1 ^= 0xee;
}

void hash_stream_add(struct hash_stream *s, const char *bytes, uint32_t n) {
    const uint8_t *p = (const uint8_t *)bytes;
    for (; n > 0 && s->len % 4 != 0; n--, p++) {
        s->tail |= (uint32_t)*p << (8 * (s->len++ % 4));
        if (s->len % 4 == 0) {
            absorb(s, s->tail);
            s->tail = 0;
        }
    }
    for (; n >= 4; n -= 4, p += 4) {
        absorb(s, load_le32(p));
        s->len += 4;
    }
    for (; n > 0; n--, p++) {
        s->tail |= (uint32_t)*p << (8 * (s->len++ % 4));
    }
}

struct hash_digest hash_stream_digest(const struct hash_stream *stream) {
    struct hash_stream s = *stream;
    struct hash_digest digest;
    absorb(&s, s.len << 24 | s.tail);
    s.v2 ^= 0xee;
    digest.low = squeeze(&s);
    s.v1 ^= 0xdd;
    digest.high = squeeze(&s);
    return digest;
}

uint32_t hash_two(struct hash_key key, struct slice a, struct slice b) {
    struct hash_stream s = start(key);
    hash_stream_add(&s, a.bytes, a.len);
    hash_stream_add(&s, b.bytes, b.len);
    absorb(&s, s.len << 24 | s.tail);
    s.v2 ^= 0xff;
    return squeeze(&s);
}
