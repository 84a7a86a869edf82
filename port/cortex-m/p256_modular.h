/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * p256_modular.h: the arithmetic below P-256: numbers of 256 bits modulo its p and its n (SP 800-186
 * section 3.2.1.3). In time that does not depend on them. For p256.c.
 */
#ifndef PINGSHOT_P256_MODULAR_H
#define PINGSHOT_P256_MODULAR_H

#include <stdint.h>

#define P256_WORDS 8u

struct p256_modulus {
    uint32_t words[P256_WORDS];     /* lowest first, as in all numbers here */
    uint32_t factor;                /* -1/words[0] modulo 2^32; where it is 1, the modulus is p */
    uint32_t r_squared[P256_WORDS]; /* 2^512 */
};

/* result = a + b, for a + b below twice the modulus; for more, below it and 2^256, the result may be
 * above the modulus. It may lie where an argument does, here and below. */
void p256_modular_add(uint32_t result[P256_WORDS], const uint32_t a[P256_WORDS],
                      const uint32_t b[P256_WORDS], const struct p256_modulus *modulus);

/* result = a - b, for both below the modulus. */
void p256_modular_subtract(uint32_t result[P256_WORDS], const uint32_t a[P256_WORDS],
                           const uint32_t b[P256_WORDS], const struct p256_modulus *modulus);

/* result = a * b / 2^256, for b below the modulus (Montgomery's product: of two numbers times 2^256,
 * the product times 2^256). */
void p256_modular_multiply(uint32_t result[P256_WORDS], const uint32_t a[P256_WORDS],
                           const uint32_t b[P256_WORDS], const struct p256_modulus *modulus);

#endif
