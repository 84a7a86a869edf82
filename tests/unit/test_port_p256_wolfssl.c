/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * test_port_p256_wolfssl.c: what boards give wolfSSL for elliptic curves: encodings, and what is
 * refused. What is computed is tests/size/test_p256.py's, here it is made up.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "no_clock.h"

/* Beside the host's of the same names. */
#define wc_ecc_init_ex our_init
#define wc_ecc_free our_free
#define wc_ecc_set_curve our_set_curve
#define wc_ecc_get_oid our_get_oid
#define wc_ecc_size our_size
#define wc_ecc_sig_size our_sig_size
#define wc_ecc_set_rng our_set_rng
#define wc_ecc_make_key_ex our_make_key
#define wc_EccPrivateKeyDecode our_private_key_decode
#define wc_ecc_export_x963 our_export
#define wc_ecc_import_x963_ex our_import
#define wc_ecc_shared_secret our_shared_secret
#define wc_ecc_sign_hash our_sign_hash
#define wc_RNG_GenerateBlock our_random
#include "../../port/cortex-m/p256_wolfssl.c"

static uint32_t refusals; /* of what is random, before it is taken */
static uint32_t randoms;
static bool on_curve;
static uint32_t made_r[P256_WORDS];
static uint32_t made_s[P256_WORDS];

int our_random(WC_RNG *rng, byte *bytes, word32 count) {
    (void)rng;
    memset(bytes, (int)++randoms, count);
    return randoms > 9 ? RNG_FAILURE_E : 0;
}

bool p256_is_scalar(const uint32_t k[P256_WORDS]) {
    return (k[0] & 0xffu) > refusals;
}

bool p256_is_on_curve(const struct p256_point *point) {
    (void)point;
    return on_curve;
}

/* One more than the private key, and two more. */
void p256_public_key(struct p256_point *key, const uint32_t private_key[P256_WORDS]) {
    memcpy(key->x, private_key, sizeof key->x);
    memcpy(key->y, private_key, sizeof key->y);
    key->x[0] += 1;
    key->y[0] += 2;
}

void p256_shared_secret(uint32_t secret[P256_WORDS], const uint32_t private_key[P256_WORDS],
                        const struct p256_point *peer) {
    memcpy(secret, peer->x, sizeof peer->x);
    secret[0] ^= private_key[0];
}

bool p256_sign(uint32_t r[P256_WORDS], uint32_t s[P256_WORDS], const uint32_t hash[P256_WORDS],
               const uint32_t private_key[P256_WORDS], const uint32_t k[P256_WORDS]) {
    assert_int_equal(hash[P256_WORDS - 1], 0x00010203);
    assert_int_equal(private_key[0], 0x07070707);
    memcpy(r, made_r, sizeof made_r);
    memcpy(s, made_s, sizeof made_s);
    return (k[0] & 0xffu) > refusals + 1;
}

static ecc_key key;

static int reset(void **state) {
    (void)state;
    refusals = randoms = 0;
    on_curve = true;
    memset(&key, 0x55, sizeof key);
    return our_init(&key, NULL, INVALID_DEVID);
}

static void test_public_key_goes_and_comes(void **state) {
    (void)state;
    byte bytes[POINT_BYTES + 1];
    word32 count = sizeof bytes;
    refusals = 2; /* the third is the first good one */
    assert_int_equal(our_size(&key), 0);
    assert_int_equal(our_make_key(NULL, 32, &key, ECC_CURVE_DEF), 0);
    assert_int_equal(our_size(&key), 32);
    assert_int_equal(our_export(&key, bytes, &count), 0);
    assert_int_equal(count, POINT_BYTES);
    assert_int_equal(bytes[0], 4);
    assert_int_equal(bytes[1], 3);
    assert_int_equal(bytes[32], 4);
    assert_int_equal(bytes[64], 5);
    ecc_key peer;
    our_init(&peer, NULL, INVALID_DEVID);
    assert_int_equal(our_import(bytes, count, &peer, ECC_SECP256R1), 0);
    assert_int_equal(peer.dp->oidSum, ECC_SECP256R1_OID);
    byte again[POINT_BYTES];
    assert_int_equal(our_export(&peer, again, &count), 0);
    assert_memory_equal(again, bytes, sizeof again);
    count = 32;
    assert_int_equal(our_shared_secret(&key, &peer, bytes, &count), 0);
    assert_int_equal(count, 32);
    assert_int_equal(bytes[0], 3);
    assert_int_equal(bytes[31], 4 ^ 3);
    our_free(&key);
    assert_int_equal(words_of(key.k)[0], 0);
    our_free(NULL);
}

static void test_refusals(void **state) {
    (void)state;
    byte bytes[POINT_BYTES] = {4};
    word32 count = POINT_BYTES - 1;
    assert_int_not_equal(our_import(bytes, POINT_BYTES - 1, &key, ECC_SECP256R1), 0);
    assert_int_not_equal(our_import(bytes, POINT_BYTES, &key, ECC_SECP384R1), 0);
    bytes[0] = 2;
    assert_int_not_equal(our_import(bytes, POINT_BYTES, &key, ECC_SECP256R1), 0);
    bytes[0] = 4;
    on_curve = false;
    assert_int_equal(our_import(bytes, POINT_BYTES, &key, ECC_SECP256R1), IS_POINT_E);
    assert_int_equal(our_size(&key), 0);
    assert_int_equal(our_export(&key, bytes, &count), BUFFER_E);
    count = 31;
    assert_int_equal(our_shared_secret(&key, &key, bytes, &count), BUFFER_E);
    assert_int_equal(our_make_key(NULL, 32, &key, ECC_SECP384R1), ECC_CURVE_OID_E);
    assert_int_equal(our_private_key_decode(bytes, &count, &key, 31), ASN_PARSE_E);
    assert_int_equal(our_get_oid(ECC_SECP384R1_OID, NULL, NULL), ECC_CURVE_INVALID);
    assert_int_equal(our_get_oid(ECC_SECP256R1_OID, NULL, NULL), ECC_SECP256R1);
    refusals = 0xff;
    assert_int_equal(our_make_key(NULL, 32, &key, ECC_SECP256R1), RNG_FAILURE_E);
}

/* As the host's wolfSSL writes it, for numbers with any number of zeros in front. */
static void test_signature(void **state) {
    (void)state;
    byte hash[32], private_key[32], out[SIGNATURE_BYTES_MAX], theirs[SIGNATURE_BYTES_MAX + 8];
    word32 read = 0;
    for (uint32_t i = 0; i < sizeof hash; i++) {
        hash[i] = (byte)i;
    }
    memset(private_key, 7, sizeof private_key);
    assert_int_equal(our_private_key_decode(private_key, &read, &key, sizeof private_key), 0);
    assert_int_equal(read, 32);
    for (uint32_t bit = 0; bit < 256; bit++) {
        byte r[NUMBER_BYTES] = {0}, s[NUMBER_BYTES] = {0};
        word32 count = sizeof out, their_count = sizeof theirs;
        r[31 - bit / 8] = (byte)(1u << bit % 8);
        s[bit / 8] = (byte)(0x80u >> bit % 8);
        s[31] |= 1;
        get_number(made_r, r);
        get_number(made_s, s);
        randoms = 0;
        refusals = bit % 3;
        assert_int_equal(our_sign_hash(hash, sizeof hash, out, &count, NULL, &key), 0);
        assert_int_equal(randoms, refusals + 2);
        assert_int_equal(wc_ecc_rs_raw_to_sig(r, sizeof r, s, sizeof s, theirs, &their_count), 0);
        assert_int_equal(count, their_count);
        assert_memory_equal(out, theirs, count);
        assert_true(count <= (word32)our_sig_size(&key));
    }
    word32 count = SIGNATURE_BYTES_MAX - 1;
    assert_int_equal(our_sign_hash(hash, 32, out, &count, NULL, &key), BAD_FUNC_ARG);
    count = SIGNATURE_BYTES_MAX;
    assert_int_equal(our_sign_hash(hash, 31, out, &count, NULL, &key), BAD_FUNC_ARG);
    randoms = 9;
    assert_int_equal(our_sign_hash(hash, 32, out, &count, NULL, &key), RNG_FAILURE_E);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_public_key_goes_and_comes, reset),
        cmocka_unit_test_setup(test_refusals, reset),
        cmocka_unit_test_setup(test_signature, reset),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
