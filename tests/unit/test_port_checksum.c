/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * test_port_checksum.c: the fast Internet checksum against the definition, two bytes at a time.
 */
#include "net_checksum.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#define BYTES_MAX 65535

/* RFC 1071's sum in network order, turned to the order of the machine. */
static uint16_t defined(const uint8_t *bytes, int n) {
    uint32_t sum = 0;
    for (int i = 0; i < n; i += 2) {
        sum += (uint32_t)bytes[i] << 8 | (i + 1 < n ? bytes[i + 1] : 0u);
        sum = (sum & 0xffffu) + (sum >> 16);
    }
    const uint8_t in_memory[2] = {(uint8_t)(sum >> 8), (uint8_t)sum};
    uint16_t word;
    memcpy(&word, in_memory, sizeof word);
    return word;
}

static void check(const uint8_t *bytes, int n) {
    assert_int_equal(net_checksum(bytes, n), defined(bytes, n));
}

static uint8_t bytes[BYTES_MAX + 32];

static void every_length_at_every_alignment(void **state) {
    uint32_t x = 1;
    (void)state;
    for (size_t i = 0; i < sizeof bytes; i++) {
        x = x * 1664525u + 1013904223u;
        bytes[i] = (uint8_t)(x >> 24);
    }
    for (int offset = 0; offset < 16; offset++) {
        for (int n = 0; n < 300; n++) {
            check(bytes + offset, n);
        }
    }
}

static void long_ones(void **state) {
    static const int lengths[] = {1459, 1460, 8959, 8960, 65534, BYTES_MAX};
    (void)state;
    for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
        for (int offset = 0; offset < 8; offset++) {
            check(bytes + offset, lengths[i]);
        }
    }
}

static void all_carries(void **state) {
    (void)state;
    memset(bytes, 0xff, sizeof bytes);
    for (int n = 0; n < 300; n++) {
        check(bytes, n);
    }
    check(bytes, BYTES_MAX);
    memset(bytes, 0, sizeof bytes);
    check(bytes, BYTES_MAX);
}

/* RFC 1071 section 3. */
static void example_of_the_rfc(void **state) {
    static const uint8_t example[] = {0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7};
    static const uint8_t sum[] = {0xdd, 0xf2};
    (void)state;
    uint16_t got = net_checksum(example, sizeof example);
    assert_memory_equal(&got, sum, sizeof sum);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_length_at_every_alignment),
        cmocka_unit_test(long_ones),
        cmocka_unit_test(all_carries),
        cmocka_unit_test(example_of_the_rfc),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
