/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * test_port_random.c: ChaCha20 by RFC 8439's vectors, and what fast key erasure promises.
 */
#include "random.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#define POOL_BYTES (CFG_RANDOM_BLOCKS * RANDOM_BLOCK_BYTES)

struct vector {
    uint32_t key[8];
    uint32_t counter;
    uint32_t nonce[3];
    uint8_t block[RANDOM_BLOCK_BYTES];
};

/* RFC 8439 section 2.3.2. */
static const struct vector section_2_3_2 = {
    {0x03020100, 0x07060504, 0x0b0a0908, 0x0f0e0d0c, 0x13121110, 0x17161514, 0x1b1a1918,
     0x1f1e1d1c},
    1,
    {0x09000000, 0x4a000000, 0x00000000},
    {0x10, 0xf1, 0xe7, 0xe4, 0xd1, 0x3b, 0x59, 0x15, 0x50, 0x0f, 0xdd, 0x1f, 0xa3,
     0x20, 0x71, 0xc4, 0xc7, 0xd1, 0xf4, 0xc7, 0x33, 0xc0, 0x68, 0x03, 0x04, 0x22,
     0xaa, 0x9a, 0xc3, 0xd4, 0x6c, 0x4e, 0xd2, 0x82, 0x64, 0x46, 0x07, 0x9f, 0xaa,
     0x09, 0x14, 0xc2, 0xd7, 0x05, 0xd9, 0x8b, 0x02, 0xa2, 0xb5, 0x12, 0x9c, 0xd1,
     0xde, 0x16, 0x4e, 0xb9, 0xcb, 0xd0, 0x83, 0xe8, 0xa2, 0x50, 0x3c, 0x4e},
};

/* RFC 8439 appendix A.1, vectors 1 and 2: all zero, counters 0 and 1. */
static const struct vector a_1_1 = {
    {0},
    0,
    {0},
    {0x76, 0xb8, 0xe0, 0xad, 0xa0, 0xf1, 0x3d, 0x90, 0x40, 0x5d, 0x6a, 0xe5, 0x53,
     0x86, 0xbd, 0x28, 0xbd, 0xd2, 0x19, 0xb8, 0xa0, 0x8d, 0xed, 0x1a, 0xa8, 0x36,
     0xef, 0xcc, 0x8b, 0x77, 0x0d, 0xc7, 0xda, 0x41, 0x59, 0x7c, 0x51, 0x57, 0x48,
     0x8d, 0x77, 0x24, 0xe0, 0x3f, 0xb8, 0xd8, 0x4a, 0x37, 0x6a, 0x43, 0xb8, 0xf4,
     0x15, 0x18, 0xa1, 0x1c, 0xc3, 0x87, 0xb6, 0x69, 0xb2, 0xee, 0x65, 0x86},
};
static const struct vector a_1_2 = {
    {0},
    1,
    {0},
    {0x9f, 0x07, 0xe7, 0xbe, 0x55, 0x51, 0x38, 0x7a, 0x98, 0xba, 0x97, 0x7c, 0x73,
     0x2d, 0x08, 0x0d, 0xcb, 0x0f, 0x29, 0xa0, 0x48, 0xe3, 0x65, 0x69, 0x12, 0xc6,
     0x53, 0x3e, 0x32, 0xee, 0x7a, 0xed, 0x29, 0xb7, 0x21, 0x76, 0x9c, 0xe6, 0x4e,
     0x43, 0xd5, 0x71, 0x33, 0xb0, 0x74, 0xd8, 0x39, 0xd5, 0x31, 0xed, 0x1f, 0x28,
     0x51, 0x0a, 0xfb, 0x45, 0xac, 0xe1, 0x0a, 0x1f, 0x4b, 0x79, 0x4d, 0x6f},
};

static void block_matches_the_rfc(void **state) {
    const struct vector *const vectors[] = {&section_2_3_2, &a_1_1, &a_1_2};
    (void)state;
    for (size_t i = 0; i < sizeof vectors / sizeof vectors[0]; i++) {
        uint8_t block[RANDOM_BLOCK_BYTES];
        random_chacha20_block(vectors[i]->key, vectors[i]->counter, vectors[i]->nonce, block);
        assert_memory_equal(block, vectors[i]->block, sizeof block);
    }
}

static void stream_starts_behind_the_next_key(void **state) {
    static const uint8_t zero[RANDOM_SEED_BYTES];
    struct random rng;
    uint8_t bytes[2 * RANDOM_BLOCK_BYTES - RANDOM_SEED_BYTES];
    (void)state;
    random_seed(&rng, zero);
    random_fill(&rng, bytes, sizeof bytes);
    assert_memory_equal(bytes, a_1_1.block + RANDOM_SEED_BYTES, RANDOM_SEED_BYTES);
    assert_memory_equal(bytes + RANDOM_SEED_BYTES, a_1_2.block, RANDOM_BLOCK_BYTES);
    assert_int_equal(rng.key[0], 0xade0b876); /* the first bytes of the stream, little endian */
}

static void any_split_gives_the_same_bytes(void **state) {
    static const uint8_t seed[RANDOM_SEED_BYTES] = {1, 2, 3};
    uint8_t whole[3 * POOL_BYTES];
    uint8_t parts[3 * POOL_BYTES];
    struct random rng;
    (void)state;
    random_seed(&rng, seed);
    random_fill(&rng, whole, sizeof whole);
    for (size_t step = 1; step <= POOL_BYTES + 1; step++) {
        random_seed(&rng, seed);
        for (size_t at = 0; at < sizeof parts; at += step) {
            size_t left = sizeof parts - at;
            random_fill(&rng, parts + at, left < step ? left : step);
        }
        assert_memory_equal(parts, whole, sizeof whole);
    }
}

static void words_are_the_stream_little_endian(void **state) {
    static const uint8_t seed[RANDOM_SEED_BYTES] = {9};
    struct random rng;
    uint8_t bytes[4];
    (void)state;
    random_seed(&rng, seed);
    random_fill(&rng, bytes, sizeof bytes);
    random_seed(&rng, seed);
    assert_int_equal(random_u32(&rng), (uint32_t)bytes[0] | (uint32_t)bytes[1] << 8 |
                                           (uint32_t)bytes[2] << 16 | (uint32_t)bytes[3] << 24);
}

static bool contains(const void *hay, size_t hay_bytes, const uint8_t *needle, size_t n) {
    for (size_t i = 0; i + n <= hay_bytes; i++) {
        if (memcmp((const uint8_t *)hay + i, needle, n) == 0) {
            return true;
        }
    }
    return false;
}

static void state_forgets_what_it_gave(void **state) {
    static const uint8_t seed[RANDOM_SEED_BYTES] = {7, 7, 7};
    struct random rng;
    uint8_t given[40];
    (void)state;
    random_seed(&rng, seed);
    assert_false(contains(&rng, sizeof rng, seed, 8)); /* not even the seed is there */
    for (int i = 0; i < 100; i++) {
        uint8_t key[sizeof rng.key];
        memcpy(key, rng.key, sizeof key);
        random_fill(&rng, given, sizeof given);
        for (size_t at = 0; at + 8 <= sizeof given; at += 8) {
            assert_false(contains(&rng, sizeof rng, given + at, 8));
        }
        if (rng.next < sizeof given + RANDOM_SEED_BYTES) { /* a new pool: the old key is gone */
            assert_false(contains(&rng, sizeof rng, key, 8));
        }
    }
}

static void another_seed_gives_another_stream(void **state) {
    uint8_t seed[RANDOM_SEED_BYTES] = {0};
    uint8_t first[32];
    uint8_t second[32];
    struct random rng;
    (void)state;
    random_seed(&rng, seed);
    random_fill(&rng, first, sizeof first);
    for (unsigned bit = 0; bit < 8 * RANDOM_SEED_BYTES; bit++) {
        memset(seed, 0, sizeof seed);
        seed[bit / 8] = (uint8_t)(1u << bit % 8);
        random_seed(&rng, seed);
        random_fill(&rng, second, sizeof second);
        assert_memory_not_equal(first, second, sizeof first);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(block_matches_the_rfc),
        cmocka_unit_test(stream_starts_behind_the_next_key),
        cmocka_unit_test(any_split_gives_the_same_bytes),
        cmocka_unit_test(words_are_the_stream_little_endian),
        cmocka_unit_test(state_forgets_what_it_gave),
        cmocka_unit_test(another_seed_gives_another_stream),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
