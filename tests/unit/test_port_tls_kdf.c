/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * test_port_tls_kdf.c: HMAC and TLS's derivation of keys on boards, by examples of their standards
 * and against the host's.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "no_clock.h"

/* Beside the host's of the same names. */
#define wc_HmacInit our_init
#define wc_HmacSetKey our_set_key
#define wc_HmacUpdate our_update
#define wc_HmacFinal our_final
#define wc_HmacFree our_free
#define wc_Tls13_HKDF_Extract_ex our_extract
#include "../../port/cortex-m/tls_kdf.c"
#undef wc_Tls13_HKDF_Extract_ex

int wc_Tls13_HKDF_Extract_ex(byte *key, const byte *salt, word32 salt_count, byte *secret,
                             word32 secret_count, int digest, void *heap, int device);

#define LONGEST 200u

static byte text[LONGEST];

static int fill(void **state) {
    (void)state;
    for (uint32_t i = 0; i < sizeof text; i++) {
        text[i] = (byte)(i * i * 53u + i / 3u);
    }
    return 0;
}

/* RFC 4231 section 4.3. */
static void test_hmac(void **state) {
    (void)state;
    static const byte right[HASH_BYTES] = {0x5b, 0xdc, 0xc1, 0x46, 0xbf, 0x60, 0x75, 0x4e,
                                           0x6a, 0x04, 0x24, 0x26, 0x08, 0x95, 0x75, 0xc7,
                                           0x5a, 0x00, 0x3f, 0x08, 0x9d, 0x27, 0x39, 0x83,
                                           0x9d, 0xec, 0x58, 0xb9, 0x64, 0xec, 0x38, 0x43};
    Hmac hmac;
    byte mac[HASH_BYTES];
    assert_int_equal(our_init(&hmac, NULL, INVALID_DEVID), 0);
    assert_int_equal(our_set_key(&hmac, WC_SHA256, (const byte *)"Jefe", 4), 0);
    assert_int_equal(our_update(&hmac, (const byte *)"what do ya want ", 16), 0);
    assert_int_equal(our_update(&hmac, (const byte *)"for nothing?", 12), 0);
    assert_int_equal(our_final(&hmac, mac), 0);
    assert_memory_equal(mac, right, sizeof mac);
    assert_int_equal(our_set_key(&hmac, WC_SHA256, text, BLOCK_BYTES), 0);
    assert_int_equal(our_set_key(&hmac, WC_SHA256, text, BLOCK_BYTES + 1), BAD_FUNC_ARG);
    assert_int_equal(our_set_key(&hmac, WC_SHA384, text, 32), BAD_FUNC_ARG);
    our_free(&hmac);
    for (size_t i = 0; i < sizeof hmac; i++) {
        assert_int_equal(((const byte *)&hmac)[i], 0);
    }
}

/* RFC 8448 section 3: the early secret, and what is derived from that for the handshake's. */
static void test_tls_1_3(void **state) {
    (void)state;
    static const byte early[HASH_BYTES] = {0x33, 0xad, 0x0a, 0x1c, 0x60, 0x7e, 0xc0, 0x3b,
                                           0x09, 0xe6, 0xcd, 0x98, 0x93, 0x68, 0x0c, 0xe2,
                                           0x10, 0xad, 0xf3, 0x00, 0xaa, 0x1f, 0x26, 0x60,
                                           0xe1, 0xb2, 0x2e, 0x10, 0xf1, 0x70, 0xf9, 0x2a};
    static const byte derived[HASH_BYTES] = {0x6f, 0x26, 0x15, 0xa1, 0x08, 0xc7, 0x02, 0xc5,
                                             0x67, 0x8f, 0x54, 0xfc, 0x9d, 0xba, 0xb6, 0x97,
                                             0x16, 0xc0, 0x76, 0x18, 0x9c, 0x48, 0x25, 0x0c,
                                             0xeb, 0xea, 0xc3, 0x57, 0x6c, 0x36, 0x11, 0xba};
    byte key[HASH_BYTES], none[HASH_BYTES], empty[HASH_BYTES], result[HASH_BYTES];
    memset(none, 7, sizeof none);
    assert_int_equal(our_extract(key, NULL, 0, none, 0, WC_SHA256, NULL, INVALID_DEVID), 0);
    assert_memory_equal(key, early, sizeof key);
    assert_int_equal(wc_Sha256Hash(text, 0, empty), 0);
    const struct tls_kdf_label label = {
        (const byte *)"tls13 ", 6, (const byte *)"derived", 7, empty, sizeof empty};
    assert_int_equal(tls_kdf_expand_label(result, sizeof result, key, sizeof key, &label), 0);
    assert_memory_equal(result, derived, sizeof result);
    assert_int_equal(tls_kdf_expand_label(result, HASH_BYTES + 1, key, sizeof key, &label),
                     BAD_FUNC_ARG);
    assert_int_equal(tls_kdf_expand_label(result, 16, text, BLOCK_BYTES + 1, &label), BAD_FUNC_ARG);
    assert_int_equal(our_extract(key, text, BLOCK_BYTES + 1, text, 1, WC_SHA256, NULL, 0),
                     BAD_FUNC_ARG);
}

static void test_as_the_host(void **state) {
    (void)state;
    for (word32 count = 1; count <= BLOCK_BYTES; count++) {
        byte ours[LONGEST] = {0}, theirs[LONGEST] = {0};
        assert_int_equal(our_extract(ours, text, count, text + 5, count, WC_SHA256, NULL, 0), 0);
        assert_int_equal(wc_Tls13_HKDF_Extract_ex(theirs, text, count, text + 5, count, WC_SHA256,
                                                  NULL, INVALID_DEVID),
                         0);
        assert_memory_equal(ours, theirs, sizeof ours);
        const word32 length = 1 + count % HASH_BYTES;
        const struct tls_kdf_label label = {text + 1,   6,        text + 2,
                                            count % 13, text + 3, count % 33};
        assert_int_equal(tls_kdf_expand_label(ours, length, text, count, &label), 0);
        assert_int_equal(wc_Tls13_HKDF_Expand_Label_ex(
                             theirs, length, text, count, label.protocol, label.protocol_count,
                             label.label, label.label_count, label.context, label.context_count,
                             WC_SHA256, NULL, INVALID_DEVID),
                         0);
        assert_memory_equal(ours, theirs, sizeof ours);
        const struct tls_kdf_seed seed = {text + 7, count % 20, text + 9, count};
        const word32 wanted = 3 * count;
        assert_int_equal(tls_kdf_prf(ours, wanted, text, count, &seed), 0);
        assert_int_equal(wc_PRF_TLS(theirs, wanted, text, count, seed.label, seed.label_count,
                                    seed.seed, seed.seed_count, 1, sha256_mac, NULL, INVALID_DEVID),
                         0);
        assert_memory_equal(ours, theirs, sizeof ours);
    }
    const struct tls_kdf_seed seed = {text, 1, text, 1};
    byte result[HASH_BYTES];
    assert_int_equal(tls_kdf_prf(result, 12, text, BLOCK_BYTES + 1, &seed), BAD_FUNC_ARG);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_hmac),
        cmocka_unit_test(test_tls_1_3),
        cmocka_unit_test(test_as_the_host),
    };
    return cmocka_run_group_tests(tests, fill, NULL);
}
