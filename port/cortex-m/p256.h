/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * p256.h: keys, ECDH and ECDSA on the curve P-256 (SP 800-186 section 3.2.1.3; SP 800-56A section
 * 5.7.1.2; FIPS 186-5 section 6.4.1), in little flash. Private keys and ECDSA's k are used in time
 * that does not depend on them. Encodings, randomness and wolfSSL's types are p256_wolfssl.c's.
 *
 * A number is eight words, the lowest first.
 */
#ifndef PINGSHOT_P256_H
#define PINGSHOT_P256_H

#include "p256_modular.h"

#include <stdbool.h>

/* A point that is not the one at infinity. */
struct p256_point {
    uint32_t x[P256_WORDS];
    uint32_t y[P256_WORDS];
};

/* Whether a number can be a private key or ECDSA's k: 1 to n - 1. */
bool p256_is_scalar(const uint32_t k[P256_WORDS]);

/* Whether both coordinates are below p and fulfil the curve's equation. */
bool p256_is_on_curve(const struct p256_point *point);

/* The public key of a private one, which is a scalar, here and below. */
void p256_public_key(struct p256_point *key, const uint32_t private_key[P256_WORDS]);

/* ECDH: the x coordinate of a peer's point, which is on the curve, times a private key. */
void p256_shared_secret(uint32_t secret[P256_WORDS], const uint32_t private_key[P256_WORDS],
                        const struct p256_point *peer);

/* ECDSA: signs the number that a hash's first 32 bytes are. `k`: a scalar, random, secret, and never
 * used twice. False: for this hash it cannot be used, take another. */
bool p256_sign(uint32_t r[P256_WORDS], uint32_t s[P256_WORDS], const uint32_t hash[P256_WORDS],
               const uint32_t private_key[P256_WORDS], const uint32_t k[P256_WORDS]);

#endif
