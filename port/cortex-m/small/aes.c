/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * aes.c: AES-128-GCM (FIPS 197, SP 800-38D) where flash is short: a quarter of the size of wolfSSL's
 * assembly and its armv8-aes.c, for half as much work again for each byte. These are wolfSSL's
 * functions, as its TLS calls them: keys of 16 bytes, and numbers used once of 12.
 * aes_gcm.S stands between for the two that have many parameters.
 *
 * What is looked up in tables depends on the key. That takes the same time for all on a processor
 * without a cache, and for no other is this.
 */
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <wolfssl/wolfcrypt/settings.h>

#include <wolfssl/wolfcrypt/aes.h>
#include <wolfssl/wolfcrypt/error-crypt.h>

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "a column's first byte is its lowest");

#define ROUNDS 10u
#define COLUMNS 4u
#define BLOCK_BYTES 16u
#define KEY_BYTES 16u
#define NONCE_BYTES 12u

static const uint8_t s_box[256] = {
    0x63, 0x7c, 0x77, 0x7b, 0xf2, 0x6b, 0x6f, 0xc5, 0x30, 0x01, 0x67, 0x2b, 0xfe, 0xd7, 0xab, 0x76,
    0xca, 0x82, 0xc9, 0x7d, 0xfa, 0x59, 0x47, 0xf0, 0xad, 0xd4, 0xa2, 0xaf, 0x9c, 0xa4, 0x72, 0xc0,
    0xb7, 0xfd, 0x93, 0x26, 0x36, 0x3f, 0xf7, 0xcc, 0x34, 0xa5, 0xe5, 0xf1, 0x71, 0xd8, 0x31, 0x15,
    0x04, 0xc7, 0x23, 0xc3, 0x18, 0x96, 0x05, 0x9a, 0x07, 0x12, 0x80, 0xe2, 0xeb, 0x27, 0xb2, 0x75,
    0x09, 0x83, 0x2c, 0x1a, 0x1b, 0x6e, 0x5a, 0xa0, 0x52, 0x3b, 0xd6, 0xb3, 0x29, 0xe3, 0x2f, 0x84,
    0x53, 0xd1, 0x00, 0xed, 0x20, 0xfc, 0xb1, 0x5b, 0x6a, 0xcb, 0xbe, 0x39, 0x4a, 0x4c, 0x58, 0xcf,
    0xd0, 0xef, 0xaa, 0xfb, 0x43, 0x4d, 0x33, 0x85, 0x45, 0xf9, 0x02, 0x7f, 0x50, 0x3c, 0x9f, 0xa8,
    0x51, 0xa3, 0x40, 0x8f, 0x92, 0x9d, 0x38, 0xf5, 0xbc, 0xb6, 0xda, 0x21, 0x10, 0xff, 0xf3, 0xd2,
    0xcd, 0x0c, 0x13, 0xec, 0x5f, 0x97, 0x44, 0x17, 0xc4, 0xa7, 0x7e, 0x3d, 0x64, 0x5d, 0x19, 0x73,
    0x60, 0x81, 0x4f, 0xdc, 0x22, 0x2a, 0x90, 0x88, 0x46, 0xee, 0xb8, 0x14, 0xde, 0x5e, 0x0b, 0xdb,
    0xe0, 0x32, 0x3a, 0x0a, 0x49, 0x06, 0x24, 0x5c, 0xc2, 0xd3, 0xac, 0x62, 0x91, 0x95, 0xe4, 0x79,
    0xe7, 0xc8, 0x37, 0x6d, 0x8d, 0xd5, 0x4e, 0xa9, 0x6c, 0x56, 0xf4, 0xea, 0x65, 0x7a, 0xae, 0x08,
    0xba, 0x78, 0x25, 0x2e, 0x1c, 0xa6, 0xb4, 0xc6, 0xe8, 0xdd, 0x74, 0x1f, 0x4b, 0xbd, 0x8b, 0x8a,
    0x70, 0x3e, 0xb5, 0x66, 0x48, 0x03, 0xf6, 0x0e, 0x61, 0x35, 0x57, 0xb9, 0x86, 0xc1, 0x1d, 0x9e,
    0xe1, 0xf8, 0x98, 0x11, 0x69, 0xd9, 0x8e, 0x94, 0x9b, 0x1e, 0x87, 0xe9, 0xce, 0x55, 0x28, 0xdf,
    0x8c, 0xa1, 0x89, 0x0d, 0xbf, 0xe6, 0x42, 0x68, 0x41, 0x99, 0x2d, 0x0f, 0xb0, 0x54, 0xbb, 0x16,
};

static inline uint32_t rotate(uint32_t x, unsigned by) {
    return x >> by | x << (32u - by);
}

/* SubBytes, each byte from another column: that is ShiftRows. */
static inline uint32_t substitute(uint32_t a, uint32_t b, uint32_t c, uint32_t d) {
    return s_box[a & 0xffu] | (uint32_t)s_box[b >> 8 & 0xffu] << 8 |
           (uint32_t)s_box[c >> 16 & 0xffu] << 16 | (uint32_t)s_box[d >> 24] << 24;
}

/* MixColumns: four bytes at once times two. */
static inline uint32_t mix(uint32_t x) {
    const uint32_t twice = (x & 0x7f7f7f7fu) << 1 ^ (x >> 7 & 0x01010101u) * 0x1bu;
    return twice ^ rotate(x ^ twice, 8) ^ rotate(x, 16) ^ rotate(x, 24);
}

static void encrypt(Aes *aes, const uint8_t *in, uint8_t *out) {
    const word32 *key = aes->key;
    uint32_t s[COLUMNS];
    uint32_t t[COLUMNS];
    memcpy(s, in, BLOCK_BYTES);
    for (uint32_t round = 0;; round++) {
        for (uint32_t i = 0; i < COLUMNS; i++) {
            t[i] = s[i] ^ *key++;
        }
        if (round == ROUNDS) {
            break;
        }
#pragma GCC unroll 4
        for (uint32_t i = 0; i < COLUMNS; i++) {
            s[i] = substitute(t[i], t[(i + 1u) % COLUMNS], t[(i + 2u) % COLUMNS],
                              t[(i + 3u) % COLUMNS]);
            if (round < ROUNDS - 1u) {
                s[i] = mix(s[i]);
            }
        }
    }
    memcpy(out, t, BLOCK_BYTES);
}

/* The key schedule: FIPS 197 section 5.2. */
static void expand(word32 *w, const byte *key) {
    uint32_t constant = 1;
    memcpy(w, key, KEY_BYTES);
    for (uint32_t i = COLUMNS; i < COLUMNS * (ROUNDS + 1u); i++) {
        uint32_t before = w[i - 1];
        if (i % COLUMNS == 0) {
            before = rotate(before, 8);
            before = substitute(before, before, before, before) ^ constant;
            constant = constant << 1 ^ (constant >> 7) * 0x11bu;
        }
        w[i] = w[i - COLUMNS] ^ before;
    }
}

/* ---- GCM's hash ---------------------------------------------------------------------------- */

/* What the bits that a shift by four drops come back as, for each value of theirs, and the sixteen
 * multiples of the hash's key: numbers of 128 bits, the word with the highest ones first. They are
 * made for each record: a session would need 512 bytes to keep those of its two keys. */
static const uint16_t reduction[16] = {
    0x0000, 0x1c20, 0x3840, 0x2460, 0x7080, 0x6ca0, 0x48c0, 0x54e0,
    0xe100, 0xfd20, 0xd940, 0xc560, 0x9180, 0x8da0, 0xa9c0, 0xb5e0,
};

static void make_multiples(word32 m[16][COLUMNS], Aes *aes) {
    uint32_t h[COLUMNS] = {0};
    encrypt(aes, (const uint8_t *)h, (uint8_t *)h);
    memset(m[0], 0, sizeof m[0]);
    for (uint32_t i = 0; i < COLUMNS; i++) {
        m[8][i] = __builtin_bswap32(h[i]);
    }
    for (uint32_t n = 4; n > 0; n /= 2) { /* half of it is a shift by one */
        const word32 *twice = m[2 * n];
        for (uint32_t i = COLUMNS - 1; i > 0; i--) {
            m[n][i] = twice[i] >> 1 | twice[i - 1] << 31;
        }
        m[n][0] = twice[0] >> 1 ^ (twice[COLUMNS - 1] & 1u) * 0xe1000000u;
    }
    for (uint32_t n = 3; n < 16; n++) {
        const uint32_t low = n & (n - 1u); /* without its lowest bit */
        for (uint32_t i = 0; low != 0 && i < COLUMNS; i++) {
            m[n][i] = m[low][i] ^ m[n - low][i];
        }
    }
}

/* z divided by 16, as it were, plus a multiple. */
static inline void shift_add(uint32_t z[COLUMNS], const word32 m[COLUMNS]) {
    const uint32_t dropped = z[3] & 15u;
    z[3] = (z[3] >> 4 | z[2] << 28) ^ m[3];
    z[2] = (z[2] >> 4 | z[1] << 28) ^ m[2];
    z[1] = (z[1] >> 4 | z[0] << 28) ^ m[1];
    z[0] = z[0] >> 4 ^ (uint32_t)reduction[dropped] << 16 ^ m[0];
}

/* SP 800-38D section 6.4, of bytes that zeros make whole blocks. */
static void hash(const word32 m[16][COLUMNS], byte x[BLOCK_BYTES], const byte *data, word32 count) {
    while (count > 0) {
        const word32 n = count < BLOCK_BYTES ? count : BLOCK_BYTES;
        uint32_t z[COLUMNS] = {0};
        for (word32 i = 0; i < n; i++) {
            x[i] ^= *data++;
        }
        for (uint32_t i = BLOCK_BYTES; i-- > 0;) {
            shift_add(z, m[x[i] & 15u]);
            shift_add(z, m[x[i] >> 4]);
        }
        for (uint32_t i = 0; i < COLUMNS; i++) {
            z[i] = __builtin_bswap32(z[i]);
        }
        memcpy(x, z, BLOCK_BYTES);
        count -= n;
    }
}

/* ---- GCM ----------------------------------------------------------------------------------- */

/* The block that is encrypted to be added to block `number` of the text; 1 is the tag's. */
static void key_stream(Aes *aes, byte stream[BLOCK_BYTES], const byte *nonce, uint32_t number) {
    number = __builtin_bswap32(number);
    memcpy(stream, nonce, NONCE_BYTES);
    memcpy(&stream[NONCE_BYTES], &number, sizeof number);
    encrypt(aes, stream, stream);
}

static void add_key_stream(Aes *aes, byte *out, const byte *in, word32 count, const byte *nonce) {
    byte stream[BLOCK_BYTES];
    for (word32 i = 0; i < count; i++) {
        if (i % BLOCK_BYTES == 0) {
            key_stream(aes, stream, nonce, 2u + i / BLOCK_BYTES);
        }
        out[i] = in[i] ^ stream[i % BLOCK_BYTES];
    }
}

/* What wolfSSL gives wc_AesGcmEncrypt and wc_AesGcmDecrypt beside the text: see aes_gcm.S. */
struct aes_gcm_record {
    const byte *nonce;
    word32 nonce_bytes;
    byte *tag; /* made, or to be checked */
    word32 tag_bytes;
    const byte *additional;
    word32 additional_bytes;
};

static bool is_usual(const struct aes_gcm_record *r) {
    return r->nonce_bytes == NONCE_BYTES && r->tag_bytes == BLOCK_BYTES;
}

static void make_tag(Aes *aes, byte tag[BLOCK_BYTES], const byte *text, word32 count,
                     const struct aes_gcm_record *r) {
    word32 m[16][COLUMNS];
    byte x[BLOCK_BYTES] = {0};
    const word32 bits[2] = {__builtin_bswap32(8u * r->additional_bytes),
                            __builtin_bswap32(8u * count)};
    byte lengths[BLOCK_BYTES] = {0};
    memcpy(&lengths[4], &bits[0], sizeof bits[0]);
    memcpy(&lengths[12], &bits[1], sizeof bits[1]);
    make_multiples(m, aes);
    hash(m, x, r->additional, r->additional_bytes);
    hash(m, x, text, count);
    hash(m, x, lengths, sizeof lengths);
    key_stream(aes, tag, r->nonce, 1);
    for (uint32_t i = 0; i < BLOCK_BYTES; i++) {
        tag[i] ^= x[i];
    }
}

int wc_AesGcmSetKey(Aes *aes, const byte *key, word32 count) {
    if (count != KEY_BYTES) {
        return BAD_FUNC_ARG;
    }
    expand(aes->key, key);
    return 0;
}

/* The text may become its cipher, and back, where it lies. */
int aes_gcm_encrypt(Aes *aes, byte *out, const byte *in, word32 count,
                    const struct aes_gcm_record *r);
int aes_gcm_decrypt(Aes *aes, byte *out, const byte *in, word32 count,
                    const struct aes_gcm_record *r);

int aes_gcm_encrypt(Aes *aes, byte *out, const byte *in, word32 count,
                    const struct aes_gcm_record *r) {
    if (!is_usual(r)) {
        return BAD_FUNC_ARG;
    }
    add_key_stream(aes, out, in, count, r->nonce);
    make_tag(aes, r->tag, out, count, r);
    return 0;
}

int aes_gcm_decrypt(Aes *aes, byte *out, const byte *in, word32 count,
                    const struct aes_gcm_record *r) {
    byte right[BLOCK_BYTES];
    byte different = 0;
    if (!is_usual(r)) {
        return BAD_FUNC_ARG;
    }
    make_tag(aes, right, in, count, r);
    for (uint32_t i = 0; i < BLOCK_BYTES; i++) {
        different |= right[i] ^ r->tag[i];
    }
    if (different != 0) {
        return AES_GCM_AUTH_E;
    }
    add_key_stream(aes, out, in, count, r->nonce);
    return 0;
}
