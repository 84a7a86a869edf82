/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * sha256.c: the compression function of SHA-256 (FIPS 180-4 section 6.2.2), where flash is
 * short: a tenth of the size of wolfSSL's assembly, which has each round written out. All else of
 * SHA-256 is wolfSSL's.
 */
#include <stdint.h>
#include <string.h>
#include <wolfssl/wolfcrypt/settings.h>

#include <wolfssl/wolfcrypt/sha256.h>

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "words of a message are turned around");

#define ROUNDS 64u
#define BLOCK_WORDS 16u

static const uint32_t constants[ROUNDS] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
};

static inline uint32_t rotate(uint32_t x, unsigned by) {
    return x >> by | x << (32u - by);
}

/* Word t of the schedule, in place of the one sixteen before. */
static inline uint32_t schedule(uint32_t w[BLOCK_WORDS], uint32_t t) {
    const uint32_t early = w[(t + 1u) % BLOCK_WORDS];
    const uint32_t late = w[(t + 14u) % BLOCK_WORDS];
    w[t % BLOCK_WORDS] += (rotate(early, 7) ^ rotate(early, 18) ^ early >> 3) +
                          w[(t + 9u) % BLOCK_WORDS] +
                          (rotate(late, 17) ^ rotate(late, 19) ^ late >> 10);
    return w[t % BLOCK_WORDS];
}

static void transform(word32 digest[8], const uint8_t *block) {
    uint32_t w[BLOCK_WORDS];
    memcpy(w, block, sizeof w);
    uint32_t a = digest[0], b = digest[1], c = digest[2], d = digest[3];
    uint32_t e = digest[4], f = digest[5], g = digest[6], h = digest[7];
    for (uint32_t t = 0; t < ROUNDS; t++) {
        if (t < BLOCK_WORDS) {
            w[t] = __builtin_bswap32(w[t]);
            h += w[t];
        } else {
            h += schedule(w, t);
        }
        h += constants[t] + (rotate(e, 6) ^ rotate(e, 11) ^ rotate(e, 25)) + (g ^ (e & (f ^ g)));
        d += h;
        h += (rotate(a, 2) ^ rotate(a, 13) ^ rotate(a, 22)) + ((a & b) | (c & (a | b)));
        const uint32_t next = h;
        h = g, g = f, f = e, e = d;
        d = c, c = b, b = a, a = next;
    }
    digest[0] += a;
    digest[1] += b;
    digest[2] += c;
    digest[3] += d;
    digest[4] += e;
    digest[5] += f;
    digest[6] += g;
    digest[7] += h;
}

/* Of whole blocks, `count` bytes of them: called by wolfSSL's armv8-sha256.c. */
void Transform_Sha256_Len(wc_Sha256 *sha256, const byte *data, word32 count);

void Transform_Sha256_Len(wc_Sha256 *sha256, const byte *data, word32 count) {
    for (; count > 0; count -= WC_SHA256_BLOCK_SIZE, data += WC_SHA256_BLOCK_SIZE) {
        transform(sha256->digest, data);
    }
}
