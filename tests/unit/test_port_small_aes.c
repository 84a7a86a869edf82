/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * test_port_small_aes.c: AES-128-GCM of small boards, by an example of its standard and against the
 * host's.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "no_clock.h"

#include <wolfssl/wolfcrypt/settings.h>

#include <wolfssl/wolfcrypt/aes.h>

/* Beside the host's of the same name. */
int small_set_key(Aes *aes, const byte *key, word32 count);
#define wc_AesGcmSetKey small_set_key
#include "../../port/cortex-m/small/aes.c"
#undef wc_AesGcmSetKey

#define TEXT_BYTES 300u

static const byte key[KEY_BYTES] = {0x2b, 0x7e, 0x15, 0x16, 0x28, 0xae, 0xd2, 0xa6,
                                    0xab, 0xf7, 0x15, 0x88, 0x09, 0xcf, 0x4f, 0x3c};
static Aes small;

/* FIPS 197 appendix A.1 and SP 800-38A section F.1.1. */
static void test_block(void **state) {
    (void)state;
    static const byte plain[BLOCK_BYTES] = {0x6b, 0xc1, 0xbe, 0xe2, 0x2e, 0x40, 0x9f, 0x96,
                                            0xe9, 0x3d, 0x7e, 0x11, 0x73, 0x93, 0x17, 0x2a};
    static const byte cipher[BLOCK_BYTES] = {0x3a, 0xd7, 0x7b, 0xb4, 0x0d, 0x7a, 0x36, 0x60,
                                             0xa8, 0x9e, 0xca, 0xf3, 0x24, 0x66, 0xef, 0x97};
    static const byte last_round_key[BLOCK_BYTES] = {0xd0, 0x14, 0xf9, 0xa8, 0xc9, 0xee,
                                                     0x25, 0x89, 0xe1, 0x3f, 0x0c, 0xc8,
                                                     0xb6, 0x63, 0x0c, 0xa6};
    byte out[BLOCK_BYTES];
    assert_int_equal(small_set_key(&small, key, sizeof key), 0);
    assert_memory_equal(&small.key[COLUMNS * ROUNDS], last_round_key, sizeof last_round_key);
    encrypt(&small, plain, out);
    assert_memory_equal(out, cipher, sizeof cipher);
}

/* Text and additional data of every length, whole blocks or not, from any address. */
static void test_as_the_host(void **state) {
    (void)state;
    static byte text[1 + TEXT_BYTES];
    static byte ours[TEXT_BYTES];
    static byte theirs[TEXT_BYTES];
    Aes host;
    for (size_t i = 0; i < sizeof text; i++) {
        text[i] = (byte)(i * i * 53u + i / 3u);
    }
    assert_int_equal(wc_AesInit(&host, NULL, INVALID_DEVID), 0);
    assert_int_equal(wc_AesGcmSetKey(&host, key, sizeof key), 0);
    assert_int_equal(small_set_key(&small, key, sizeof key), 0);
    for (word32 count = 0; count <= TEXT_BYTES; count++) {
        const byte nonce[NONCE_BYTES] = {1, 2, 3, [8] = (byte)count, [11] = 0xff};
        const word32 additional = count % 37;
        byte our_tag[BLOCK_BYTES], their_tag[BLOCK_BYTES];
        assert_int_equal(wc_AesGcmEncrypt(&host, theirs, text + 1, count, nonce, sizeof nonce,
                                          their_tag, sizeof their_tag, text, additional),
                         0);
        const struct aes_gcm_record record = {nonce,          sizeof nonce, our_tag,
                                              sizeof our_tag, text,         additional};
        assert_int_equal(aes_gcm_encrypt(&small, ours, text + 1, count, &record), 0);
        assert_memory_equal(ours, theirs, count);
        assert_memory_equal(our_tag, their_tag, sizeof our_tag);
        assert_int_equal(aes_gcm_decrypt(&small, ours, ours, count, &record), 0); /* in place */
        assert_memory_equal(ours, text + 1, count);
    }
    wc_AesFree(&host);
}

/* Each bit of the tag, the text and the additional data counts; what is wrong is not decrypted. */
static void test_refusals(void **state) {
    (void)state;
    byte all[20 + 7 + BLOCK_BYTES]; /* text, additional data, tag */
    byte *const additional = &all[20];
    byte *const tag = &all[27];
    const byte nonce[NONCE_BYTES] = {9};
    const byte zeros[20] = {0};
    byte out[20] = {0};
    const struct aes_gcm_record record = {nonce, sizeof nonce, tag, BLOCK_BYTES, additional, 7};
    memset(all, 0x35, sizeof all);
    assert_int_equal(small_set_key(&small, key, sizeof key), 0);
    assert_int_equal(aes_gcm_encrypt(&small, all, all, 20, &record), 0);
    for (size_t bit = 0; bit < 8 * sizeof all; bit++) {
        all[bit / 8] ^= (byte)(1u << bit % 8);
        assert_int_equal(aes_gcm_decrypt(&small, out, all, 20, &record), AES_GCM_AUTH_E);
        assert_memory_equal(out, zeros, sizeof out);
        all[bit / 8] ^= (byte)(1u << bit % 8);
    }
    struct aes_gcm_record unusual = record;
    unusual.nonce_bytes = 8;
    assert_int_equal(small_set_key(&small, key, 24), BAD_FUNC_ARG);
    assert_int_equal(aes_gcm_encrypt(&small, out, all, 20, &unusual), BAD_FUNC_ARG);
    unusual = record;
    unusual.tag_bytes = 12;
    assert_int_equal(aes_gcm_decrypt(&small, out, all, 20, &unusual), BAD_FUNC_ARG);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_block),
        cmocka_unit_test(test_as_the_host),
        cmocka_unit_test(test_refusals),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
