/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * test_port_x25519_wolfssl.c: what boards give wolfSSL for X25519, by the example of its standard; the
 * computation is the host's here.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "no_clock.h"

/* Beside the host's of the same names. */
#define wc_curve25519_init our_init
#define wc_curve25519_init_ex our_init_ex
#define wc_curve25519_free our_free
#define wc_curve25519_make_key our_make_key
#define wc_curve25519_export_public_ex our_export
#define wc_curve25519_check_public our_check
#define wc_curve25519_import_public_ex our_import
#define wc_curve25519_shared_secret_ex our_shared_secret
#define wc_RNG_GenerateBlock our_random

#include <wolfssl/wolfcrypt/settings.h>

#include <wolfssl/wolfcrypt/curve25519.h>
#include <wolfssl/wolfcrypt/fe_operations.h>
#include <wolfssl/wolfcrypt/random.h>

#define curve25519(q, n, p) (must_be_aligned((q), (n), (p)), (curve25519)((q), (n), (p)))

/* The processor's loads of several words want that. */
static void must_be_aligned(const void *q, const void *n, const void *p) {
    assert_int_equal(((uintptr_t)q | (uintptr_t)n | (uintptr_t)p) % sizeof(word32), 0);
}

#include "../../port/cortex-m/x25519_wolfssl.c"

#define ORDER EC25519_LITTLE_ENDIAN

/* RFC 7748 section 6.1: Bob's keys, Alice's public one, their secret. */
static const byte bob[KEY_BYTES] = {
    0x5d, 0xab, 0x08, 0x7e, 0x62, 0x4a, 0x8a, 0x4b, 0x79, 0xe1, 0x7f, 0x8b, 0x83, 0x80, 0x0e, 0xe6,
    0x6f, 0x3b, 0xb1, 0x29, 0x26, 0x18, 0xb6, 0xfd, 0x1c, 0x2f, 0x8b, 0x27, 0xff, 0x88, 0xe0, 0xeb};
static const byte bob_public[KEY_BYTES] = {
    0xde, 0x9e, 0xdb, 0x7d, 0x7b, 0x7d, 0xc1, 0xb4, 0xd3, 0x5b, 0x61, 0xc2, 0xec, 0xe4, 0x35, 0x37,
    0x3f, 0x83, 0x43, 0xc8, 0x5b, 0x78, 0x67, 0x4d, 0xad, 0xfc, 0x7e, 0x14, 0x6f, 0x88, 0x2b, 0x4f};
static const byte alice_public[KEY_BYTES] = {
    0x85, 0x20, 0xf0, 0x09, 0x89, 0x30, 0xa7, 0x54, 0x74, 0x8b, 0x7d, 0xdc, 0xb4, 0x3e, 0xf7, 0x5a,
    0x0d, 0xbf, 0x3a, 0x0d, 0x26, 0x38, 0x1a, 0xf4, 0xeb, 0xa4, 0xa9, 0x8e, 0xaa, 0x9b, 0x4e, 0x6a};
static const byte shared[KEY_BYTES] = {
    0x4a, 0x5d, 0x9d, 0x5b, 0xa4, 0xce, 0x2d, 0xe1, 0x72, 0x8e, 0x3b, 0xf4, 0x80, 0x35, 0x0f, 0x25,
    0xe0, 0x7e, 0x21, 0xc9, 0x47, 0xd1, 0x9e, 0x33, 0x76, 0xf0, 0x9b, 0x3c, 0x1e, 0x16, 0x17, 0x42};

static int random_result;

int our_random(WC_RNG *rng, byte *bytes, word32 count) {
    (void)rng;
    memcpy(bytes, bob, count);
    return random_result;
}

static void test_example(void **state) {
    (void)state;
    curve25519_key key, peer;
    byte out[KEY_BYTES + 1];
    word32 count = sizeof out;
    random_result = 0;
    assert_int_equal(our_init(&key), 0);
    assert_int_equal(our_init(&peer), 0);
    assert_int_equal(our_make_key(NULL, KEY_BYTES, &key), 0);
    assert_int_equal(our_export(&key, out, &count, ORDER), 0);
    assert_int_equal(count, KEY_BYTES);
    assert_memory_equal(out, bob_public, KEY_BYTES);
    for (byte high = 0; high < 2; high++) { /* its highest bit does not count */
        memcpy(out, alice_public, KEY_BYTES);
        out[KEY_BYTES - 1] |= (byte)(high << 7);
        assert_int_equal(our_check(out, KEY_BYTES, ORDER), 0);
        assert_int_equal(our_import(out, KEY_BYTES, &peer, ORDER), 0);
        count = sizeof out;
        assert_int_equal(our_shared_secret(&key, &peer, out + 1, &count, ORDER), 0);
        assert_int_equal(count, KEY_BYTES);
        assert_memory_equal(out + 1, shared, KEY_BYTES);
    }
    our_free(&key);
    our_free(NULL);
    static const byte zeros[KEY_BYTES];
    assert_memory_equal(key.k, zeros, sizeof zeros);
}

/* Points of a small order make a secret of 0: 0, 1, p - 1, p, p + 1, and one of order 8. */
static void test_refusals(void **state) {
    (void)state;
    static const byte order_8[KEY_BYTES] = {0x5f, 0x9c, 0x95, 0xbc, 0xa3, 0x50, 0x8c, 0x24,
                                            0xb1, 0xd0, 0xb1, 0x55, 0x9c, 0x83, 0xef, 0x5b,
                                            0x04, 0x44, 0x5c, 0xc4, 0x58, 0x1c, 0x8e, 0x86,
                                            0xd8, 0x22, 0x4e, 0xdd, 0xd0, 0x9f, 0x11, 0x57};
    curve25519_key key, peer;
    byte out[KEY_BYTES] = {0};
    word32 count = KEY_BYTES - 1;
    our_init(&key);
    our_init(&peer);
    random_result = RNG_FAILURE_E;
    assert_int_equal(our_make_key(NULL, KEY_BYTES, &key), RNG_FAILURE_E);
    random_result = 0;
    assert_int_equal(our_make_key(NULL, KEY_BYTES, &key), 0);
    assert_int_equal(our_export(&key, out, &count, ORDER), BUFFER_E);
    assert_int_equal(our_shared_secret(&key, &key, out, &count, ORDER), BUFFER_E);
    for (count = 0; count < KEY_BYTES + 2; count++) {
        const int expected = count == KEY_BYTES ? 0 : BUFFER_E;
        assert_int_equal(our_check(bob_public, count, ORDER), expected);
        assert_int_equal(our_import(bob_public, count, &peer, ORDER), expected);
    }
    for (uint32_t i = 0; i < 6; i++) {
        byte point[KEY_BYTES] = {(byte)i};
        if (i >= 2) {
            memset(point, 0xff, sizeof point);
            point[0] = (byte)(0xea + i);
            point[KEY_BYTES - 1] = 0x7f;
        }
        count = KEY_BYTES;
        assert_int_equal(our_import(i == 5 ? order_8 : point, KEY_BYTES, &peer, ORDER), 0);
        assert_int_equal(our_shared_secret(&key, &peer, out, &count, ORDER), ECC_PEERKEY_ERROR);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_example),
        cmocka_unit_test(test_refusals),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
