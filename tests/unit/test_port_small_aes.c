/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * test_port_small_aes.c: AES-128 and GCM of small boards, by an example of their standards and
 * against the host's.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "clock.h"

#include "../../port/cortex-m/small/aes.c"

#define TEXT_BYTES 400u

static const uint8_t key[BLOCK_BYTES] = {0x2b, 0x7e, 0x15, 0x16, 0x28, 0xae, 0xd2, 0xa6,
                                         0xab, 0xf7, 0x15, 0x88, 0x09, 0xcf, 0x4f, 0x3c};
static uint32_t schedule[COLUMNS * (ROUNDS + 1u)];

/* FIPS 197 appendix A.1 and SP 800-38A section F.1.1. */
static void test_examples(void **state) {
    (void)state;
    static const uint8_t plain[2 * BLOCK_BYTES] = {0x6b, 0xc1, 0xbe, 0xe2, 0x2e, 0x40, 0x9f, 0x96,
                                                   0xe9, 0x3d, 0x7e, 0x11, 0x73, 0x93, 0x17, 0x2a,
                                                   0xae, 0x2d, 0x8a, 0x57, 0x1e, 0x03, 0xac, 0x9c,
                                                   0x9e, 0xb7, 0x6f, 0xac, 0x45, 0xaf, 0x8e, 0x51};
    static const uint8_t cipher[2 * BLOCK_BYTES] = {0x3a, 0xd7, 0x7b, 0xb4, 0x0d, 0x7a, 0x36, 0x60,
                                                    0xa8, 0x9e, 0xca, 0xf3, 0x24, 0x66, 0xef, 0x97,
                                                    0xf5, 0xd3, 0xd5, 0x85, 0x03, 0xb9, 0x69, 0x9d,
                                                    0xe7, 0x85, 0x89, 0x5a, 0x96, 0xfd, 0xba, 0xaf};
    static const uint8_t last_round_key[BLOCK_BYTES] = {0xd0, 0x14, 0xf9, 0xa8, 0xc9, 0xee,
                                                        0x25, 0x89, 0xe1, 0x3f, 0x0c, 0xc8,
                                                        0xb6, 0x63, 0x0c, 0xa6};
    uint8_t out[sizeof plain];
    AES_set_encrypt_key(key, 128, (byte *)schedule);
    assert_memory_equal(&schedule[COLUMNS * ROUNDS], last_round_key, sizeof last_round_key);
    AES_ECB_encrypt(plain, out, sizeof plain, (const byte *)schedule, ROUNDS);
    assert_memory_equal(out, cipher, sizeof cipher);
}

/* The multiples of H = E(0) as armv8-aes.c makes them: words in the processor's order, the entry of
 * four bits with the highest one for x^0. */
static void make_multiples(byte multiples[16][BLOCK_BYTES]) {
    uint8_t h[BLOCK_BYTES] = {0};
    AES_ECB_encrypt(h, h, sizeof h, (const byte *)schedule, ROUNDS);
    uint32_t m[16][COLUMNS] = {0};
    for (uint32_t i = 0; i < COLUMNS; i++) {
        memcpy(&m[8][i], &h[4 * i], 4);
        m[8][i] = __builtin_bswap32(m[8][i]);
    }
    for (uint32_t bit = 4; bit > 0; bit /= 2) { /* times x */
        const uint32_t *from = m[2 * bit];
        for (uint32_t i = 0; i < COLUMNS; i++) {
            m[bit][i] = from[i] >> 1 | (i > 0 ? from[i - 1] << 31 : 0);
        }
        m[bit][0] ^= (from[3] & 1u) * 0xe1000000u;
    }
    for (uint32_t n = 1; n < 16; n++) {
        const uint32_t high = n >= 8 ? 8 : n >= 4 ? 4 : n >= 2 ? 2 : 1;
        for (uint32_t i = 0; n != high && i < COLUMNS; i++) {
            m[n][i] = m[high][i] ^ m[n - high][i];
        }
    }
    memcpy(multiples, m, sizeof m);
}

/* Whole blocks of text, and a block of additional data: what is left of GCM then is its last
 * block, the lengths in bits. */
static void test_gcm_as_the_host(void **state) {
    (void)state;
    static uint8_t text[TEXT_BYTES];
    static byte multiples[16][BLOCK_BYTES];
    for (size_t i = 0; i < sizeof text; i++) {
        text[i] = (uint8_t)(i * i * 53u + i / 3u);
    }
    Aes aes;
    assert_int_equal(wc_AesInit(&aes, NULL, INVALID_DEVID), 0);
    assert_int_equal(wc_AesGcmSetKey(&aes, key, sizeof key), 0);
    AES_set_encrypt_key(key, 128, (byte *)schedule);
    make_multiples(multiples);
    for (uint32_t blocks = 1; blocks <= TEXT_BYTES / BLOCK_BYTES; blocks++) {
        const uint32_t count = blocks * BLOCK_BYTES;
        const uint8_t first[BLOCK_BYTES] = {1, 2, 3, [8] = (uint8_t)blocks, [15] = 1};
        uint8_t counter[BLOCK_BYTES], mask[BLOCK_BYTES], x[BLOCK_BYTES] = {0};
        uint8_t ours[TEXT_BYTES], theirs[TEXT_BYTES], tag[BLOCK_BYTES];
        const uint8_t lengths[BLOCK_BYTES] = {
            [7] = 8 * BLOCK_BYTES, [14] = (uint8_t)(8 * count >> 8), [15] = (uint8_t)(8 * count)};
        assert_int_equal(wc_AesGcmEncrypt(&aes, theirs, text, count, first, 12, tag, sizeof tag,
                                          key, sizeof key),
                         0);
        memcpy(counter, first, sizeof first);
        AES_GCM_encrypt(text, ours, count, (const byte *)schedule, ROUNDS, counter);
        assert_memory_equal(ours, theirs, count);
        GCM_gmult_len(x, multiples, key, sizeof key);
        GCM_gmult_len(x, multiples, ours, count);
        GCM_gmult_len(x, multiples, lengths, sizeof lengths);
        AES_ECB_encrypt(first, mask, sizeof first, (const byte *)schedule, ROUNDS);
        for (uint32_t i = 0; i < BLOCK_BYTES; i++) {
            x[i] ^= mask[i];
        }
        assert_memory_equal(x, tag, sizeof tag);
    }
    wc_AesFree(&aes);
}

/* The last four bytes count alone. */
static void test_counter_wraps(void **state) {
    (void)state;
    uint8_t counter[BLOCK_BYTES] = {[11] = 7, [12] = 0xff, 0xff, 0xff, 0xff};
    const uint8_t after[BLOCK_BYTES] = {[11] = 7};
    const uint8_t zero[BLOCK_BYTES] = {0};
    uint8_t stream[BLOCK_BYTES], expected[BLOCK_BYTES];
    AES_set_encrypt_key(key, 128, (byte *)schedule);
    AES_GCM_encrypt(zero, stream, sizeof zero, (const byte *)schedule, ROUNDS, counter);
    AES_ECB_encrypt(after, expected, sizeof after, (const byte *)schedule, ROUNDS);
    assert_memory_equal(counter, after, sizeof after);
    assert_memory_equal(stream, expected, sizeof expected);
}

/* wolfSSL's library wants clocks. */
uint32_t clock_monotonic_ms(void) {
    return 0;
}

bool clock_wall_ms(int64_t *unix_ms) {
    (void)unix_ms;
    return false;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_examples),
        cmocka_unit_test(test_gcm_as_the_host),
        cmocka_unit_test(test_counter_wraps),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
