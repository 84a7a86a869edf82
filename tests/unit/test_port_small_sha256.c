/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * test_port_small_sha256.c: SHA-256 of small boards, by an example of its standard and against the
 * host's.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "no_clock.h"

#include "../../port/cortex-m/small/sha256.c"

#define BLOCK_BYTES 64u

static const word32 start[8] = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                                0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};

/* FIPS 180-4's first example, "abc" with its padding. */
static void test_abc(void **state) {
    (void)state;
    static const word32 end[8] = {0xba7816bf, 0x8f01cfea, 0x414140de, 0x5dae2223,
                                  0xb00361a3, 0x96177a9c, 0xb410ff61, 0xf20015ad};
    const uint8_t block[BLOCK_BYTES] = {'a', 'b', 'c', 0x80, [BLOCK_BYTES - 1] = 24};
    wc_Sha256 sha256;
    memcpy(sha256.digest, start, sizeof start);
    Transform_Sha256_Len(&sha256, block, sizeof block);
    assert_memory_equal(sha256.digest, end, sizeof end);
}

/* Some blocks in one go, from an address that is not aligned. */
static void test_as_the_host(void **state) {
    (void)state;
    static uint8_t bytes[1 + 20 * BLOCK_BYTES];
    for (size_t i = 0; i < sizeof bytes; i++) {
        bytes[i] = (uint8_t)(i * i * 37u + i / 7u);
    }
    for (word32 blocks = 1; blocks <= 20; blocks++) {
        wc_Sha256 ours;
        wc_Sha256 theirs;
        memcpy(ours.digest, start, sizeof start);
        Transform_Sha256_Len(&ours, &bytes[1], blocks * BLOCK_BYTES);
        assert_int_equal(wc_InitSha256(&theirs), 0);
        assert_int_equal(wc_Sha256Update(&theirs, &bytes[1], blocks * BLOCK_BYTES), 0);
        assert_memory_equal(ours.digest, theirs.digest, sizeof start);
        wc_Sha256Free(&theirs);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_abc),
        cmocka_unit_test(test_as_the_host),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
