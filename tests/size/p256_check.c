/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * p256_check.c: runs P-256 of boards on its processor, with cases that test_p256.py computes:
 * vectors.h, tables of the structs below.
 */
#include "qemu_check.h"

#include "p256.c"

#define COUNT(table) (sizeof(table) / sizeof(table)[0])

struct modular_case {
    const struct p256_modulus *modulus;
    uint32_t a[P256_WORDS];
    uint32_t b[P256_WORDS];
    uint32_t sum[P256_WORDS];
    uint32_t difference[P256_WORDS];
    uint32_t product[P256_WORDS];
};

struct inverse_case {
    const struct p256_modulus *modulus;
    uint32_t a[P256_WORDS];
    uint32_t inverse[P256_WORDS];
};

struct scalar_case {
    uint32_t k[P256_WORDS];
    bool good;
};

struct point_case {
    struct p256_point point;
    bool good;
};

struct key_case {
    uint32_t private_key[P256_WORDS];
    struct p256_point key;
};

struct secret_case {
    uint32_t private_key[P256_WORDS];
    struct p256_point peer;
    uint32_t secret[P256_WORDS];
};

struct signature_case {
    uint32_t hash[P256_WORDS];
    uint32_t private_key[P256_WORDS];
    uint32_t k[P256_WORDS];
    bool good;
    uint32_t r[P256_WORDS];
    uint32_t s[P256_WORDS];
};

#include "vectors.h"

static void must_be(const uint32_t got[P256_WORDS], const uint32_t want[P256_WORDS],
                    uint32_t failure) {
    for (uint32_t i = 0; i < P256_WORDS; i++) {
        if (got[i] != want[i]) {
            finish(failure);
        }
    }
}

static void must(bool condition, uint32_t failure) {
    if (!condition) {
        finish(failure);
    }
}

/* The result lies elsewhere, or is one of the arguments. */
static void check_modular(const struct modular_case *c) {
    uint32_t got[P256_WORDS];
    p256_modular_add(got, c->a, c->b, c->modulus);
    must_be(got, c->sum, 1);
    p256_modular_subtract(got, c->a, c->b, c->modulus);
    must_be(got, c->difference, 2);
    p256_modular_multiply(got, c->a, c->b, c->modulus);
    must_be(got, c->product, 3);
    memcpy(got, c->a, sizeof got);
    p256_modular_multiply(got, got, c->b, c->modulus);
    must_be(got, c->product, 3);
    memcpy(got, c->b, sizeof got);
    p256_modular_subtract(got, c->a, got, c->modulus);
    must_be(got, c->difference, 2);
}

static void check_inverse(const struct inverse_case *c) {
    uint32_t got[P256_WORDS];
    enter(got, c->a, c->modulus);
    invert(got, c->modulus);
    leave(got, got, c->modulus);
    must_be(got, c->inverse, 4);
}

static void check_key(const struct key_case *c) {
    struct p256_point got;
    p256_public_key(&got, c->private_key);
    must_be(got.x, c->key.x, 7);
    must_be(got.y, c->key.y, 8);
}

static void check_secret(const struct secret_case *c) {
    uint32_t got[P256_WORDS];
    p256_shared_secret(got, c->private_key, &c->peer);
    must_be(got, c->secret, 9);
}

static void check_signature(const struct signature_case *c) {
    uint32_t r[P256_WORDS];
    uint32_t s[P256_WORDS];
    must(p256_sign(r, s, c->hash, c->private_key, c->k) == c->good, 10);
    if (c->good) {
        must_be(r, c->r, 11);
        must_be(s, c->s, 12);
    }
}

void start(void) {
    for (uint32_t i = 0; i < COUNT(modular_cases); i++) {
        check_modular(&modular_cases[i]);
    }
    for (uint32_t i = 0; i < COUNT(inverse_cases); i++) {
        check_inverse(&inverse_cases[i]);
    }
    for (uint32_t i = 0; i < COUNT(scalar_cases); i++) {
        must(p256_is_scalar(scalar_cases[i].k) == scalar_cases[i].good, 5);
    }
    for (uint32_t i = 0; i < COUNT(point_cases); i++) {
        must(p256_is_on_curve(&point_cases[i].point) == point_cases[i].good, 6);
    }
    for (uint32_t i = 0; i < COUNT(key_cases); i++) {
        check_key(&key_cases[i]);
    }
    for (uint32_t i = 0; i < COUNT(secret_cases); i++) {
        check_secret(&secret_cases[i]);
    }
    for (uint32_t i = 0; i < COUNT(signature_cases); i++) {
        check_signature(&signature_cases[i]);
    }
    finish(0);
}
