/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * test_hash.c: HalfSipHash-1-3 against known values, and the properties that tables rely on.
 */
#include "hash.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static const uint8_t key_bytes[HASH_KEY_BYTES] = {0, 1, 2, 3, 4, 5, 6, 7};

/* Computed by a second implementation, written from the paper and checked against the authors'
 * vectors of HalfSipHash-2-4. Entry n is the hash of the bytes 0, 1, ... n-1. */
static void known_values(void **state) {
    static const uint32_t expected[64] = {
        0x5814c896u, 0xe7e864cau, 0xbc4b0e30u, 0x01539939u, 0x7e059ea6u, 0x88e3d89bu, 0xa0080b65u,
        0x9d38d9d6u, 0x577999b1u, 0xc839caedu, 0xe4fa32cfu, 0x959246eeu, 0x6b28096cu, 0x66dd9cd6u,
        0x16658a7cu, 0xd0257b04u, 0x8b31d501u, 0x2b1cd04bu, 0x06712339u, 0x522aca67u, 0x911bb605u,
        0x90a65f0eu, 0xf826ef7bu, 0x62512debu, 0x57150ad7u, 0x5d473507u, 0x1ec47442u, 0xab64afd3u,
        0x0a4100d0u, 0x6d2ce652u, 0x2331b6a3u, 0x08d8791au, 0xbc6dda8du, 0xe0f6c934u, 0xb0652033u,
        0x9b9851ccu, 0x7c46fb7fu, 0x732ba8cbu, 0xf142997au, 0xfcc9aa1bu, 0x05327eb2u, 0xe110131cu,
        0xf9e5e7c0u, 0xa7d708a6u, 0x11795ab1u, 0x65671619u, 0x9f5fff91u, 0xd89c5267u, 0x007783ebu,
        0x95766243u, 0xab639262u, 0x9c7e1390u, 0xc368dda6u, 0x38ddc455u, 0xfa13d379u, 0x979ea4e8u,
        0x53ecd77eu, 0x2ee80657u, 0x33dbb66au, 0xae3f0577u, 0x88b4c4ccu, 0x3e7f480bu, 0x74c1ebf8u,
        0x87178304u,
    };
    const struct hash_key key = hash_key_from(key_bytes);
    char bytes[64];
    (void)state;
    for (uint32_t n = 0; n < 64; n++) {
        assert_int_equal(hash_bytes(key, bytes, n), expected[n]);
        bytes[n] = (char)n;
    }
}

/* Wherever the bytes are cut in two. */
static void two_slices(void **state) {
    const struct hash_key key = hash_key_from(key_bytes);
    char bytes[40];
    (void)state;
    for (uint32_t n = 0; n < sizeof bytes; n++) {
        for (uint32_t cut = 0; cut <= n; cut++) {
            assert_int_equal(
                hash_two(key, (struct slice){bytes, cut}, (struct slice){bytes + cut, n - cut}),
                hash_bytes(key, bytes, n));
        }
        bytes[n] = (char)(n * 37);
    }
}

/* The result of 64 bits, from the same second implementation: whatever the bytes are cut into, and
 * asked for in between. Entry n is the digest of n bytes, as above. */
static void streams(void **state) {
    static const struct hash_digest expected[18] = {
        {0x21d0a576u, 0x2af72023u}, {0x8d74e887u, 0x9733d36fu}, {0xe11fee78u, 0x32d73c5du},
        {0xa339523eu, 0x3e6cde6bu}, {0xa0db24ebu, 0x05ae8c71u}, {0x4e46e783u, 0xe6bdc3cbu},
        {0xc6e065afu, 0x02d6f54du}, {0x0a2d053cu, 0x8ff14cb2u}, {0x31a8cd3du, 0x5f7aec1du},
        {0xbf5f61bdu, 0xf63b43c1u}, {0xa8fb3431u, 0xf241e009u}, {0x72aa3dcdu, 0xfb760bc2u},
        {0x5ccc7755u, 0x933fe7b3u}, {0xca7c176du, 0x4425c297u}, {0xca15a97du, 0x6b82ec92u},
        {0xa6df5b16u, 0x9a72a226u}, {0xb9c5d756u, 0xc22e3e3du}, {0x134cec58u, 0x303aacd6u},
    };
    const struct hash_key key = hash_key_from(key_bytes);
    char bytes[18];
    (void)state;
    for (uint32_t n = 0; n < 18; n++) {
        for (uint32_t cut = 0; cut <= n; cut++) {
            for (uint32_t cut_again = cut; cut_again <= n; cut_again++) {
                struct hash_stream s;
                hash_stream_begin(&s, key);
                hash_stream_add(&s, bytes, cut);
                assert_true(hash_digest_equals(hash_stream_digest(&s), expected[cut]));
                hash_stream_add(&s, bytes + cut, cut_again - cut);
                hash_stream_add(&s, bytes + cut_again, n - cut_again);
                assert_true(hash_digest_equals(hash_stream_digest(&s), expected[n]));
            }
        }
        bytes[n] = (char)n;
    }
}

static void streams_of_long_inputs(void **state) {
    static const uint8_t high[HASH_KEY_BYTES] = {0xff, 0xee, 0xdd, 0xcc, 0xbb, 0xaa, 0x99, 0x88};
    static const struct hash_digest expected = {0xf9c0fc68u, 0x33ef6524u};
    char bytes[1000] = {0};
    (void)state;
    for (uint32_t step = 1; step <= 1000; step += 37) {
        struct hash_stream s;
        hash_stream_begin(&s, hash_key_from(high));
        for (uint32_t i = 0; i < 1000; i += step) {
            hash_stream_add(&s, bytes + i, 1000 - i < step ? 1000 - i : step);
        }
        assert_true(hash_digest_equals(hash_stream_digest(&s), expected));
    }
}

/* Bytes above 127, and a length that does not fit its byte. */
static void high_bytes_and_long_inputs(void **state) {
    static const uint8_t high[HASH_KEY_BYTES] = {0xff, 0xee, 0xdd, 0xcc, 0xbb, 0xaa, 0x99, 0x88};
    static const uint8_t zero[HASH_KEY_BYTES] = {0};
    char bytes[1000] = {0};
    (void)state;
    assert_int_equal(hash_bytes(hash_key_from(high), bytes, 1000), 0x5a11b34eu);
    memset(bytes, 0xff, 257);
    assert_int_equal(hash_bytes(hash_key_from(zero), bytes, 257), 0xed22b144u);
}

static void alignment_does_not_matter(void **state) {
    const struct hash_key key = hash_key_from(key_bytes);
    char text[] = "lab_runs_total{bench=\"a\"}";
    char moved[sizeof text + 4];
    (void)state;
    for (uint32_t offset = 0; offset < 4; offset++) {
        memcpy(moved + offset, text, sizeof text);
        for (uint32_t n = 0; n < sizeof text; n++) {
            assert_int_equal(hash_bytes(key, moved + offset, n), hash_bytes(key, text, n));
        }
    }
}

static uint32_t bits(uint32_t x) {
    uint32_t n = 0;
    for (; x != 0; x &= x - 1) {
        n++;
    }
    return n;
}

/* A bit changed anywhere, in the text or in the key, changes about half of the hash's. */
static void avalanche(void **state) {
    char text[] = "events_to_metrics{type=\"reboot\"}";
    uint8_t other_key[HASH_KEY_BYTES];
    const struct hash_key key = hash_key_from(key_bytes);
    const uint32_t n = sizeof text - 1;
    const uint32_t hash = hash_bytes(key, text, n);
    uint32_t flipped = 0;
    (void)state;
    for (uint32_t i = 0; i < 8 * n; i++) {
        text[i / 8] = (char)(text[i / 8] ^ 1 << i % 8);
        uint32_t changed = hash_bytes(key, text, n) ^ hash;
        assert_true(changed != 0);
        flipped += bits(changed);
        text[i / 8] = (char)(text[i / 8] ^ 1 << i % 8);
    }
    for (uint32_t i = 0; i < 8 * HASH_KEY_BYTES; i++) {
        memcpy(other_key, key_bytes, sizeof other_key);
        other_key[i / 8] = (uint8_t)(other_key[i / 8] ^ 1 << i % 8);
        uint32_t changed = hash_bytes(hash_key_from(other_key), text, n) ^ hash;
        assert_true(changed != 0);
        flipped += bits(changed);
    }
    const uint32_t all = (8 * n + 8 * HASH_KEY_BYTES) * 32;
    assert_in_range(flipped, all * 45 / 100, all * 55 / 100);
}

/* Bytes of zero are counted: no two lengths of them hash alike. */
static void length_counts(void **state) {
    const struct hash_key key = hash_key_from(key_bytes);
    static const char zeros[64];
    (void)state;
    for (uint32_t a = 0; a < sizeof zeros; a++) {
        for (uint32_t b = 0; b < a; b++) {
            assert_true(hash_bytes(key, zeros, a) != hash_bytes(key, zeros, b));
        }
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(known_values),
        cmocka_unit_test(two_slices),
        cmocka_unit_test(streams),
        cmocka_unit_test(streams_of_long_inputs),
        cmocka_unit_test(high_bytes_and_long_inputs),
        cmocka_unit_test(alignment_does_not_matter),
        cmocka_unit_test(avalanche),
        cmocka_unit_test(length_counts),
    };
    return cmocka_run_group_tests_name("hash", tests, NULL, NULL);
}
