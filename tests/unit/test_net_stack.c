/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * test_net_stack.c: addresses as text.
 */
#include "net_stack.h"

#include "no_clock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static void check_ip4(uint8_t a, uint8_t b, uint8_t c, uint8_t d, const char *expected) {
    char text[IPADDR_STRLEN_MAX];
    ip_addr_t address;
    IP_ADDR4(&address, a, b, c, d);
    net_stack_address_text(&address, text);
    assert_string_equal(text, expected);
}

static void test_ip4(void **state) {
    (void)state;
    check_ip4(0, 0, 0, 0, "0.0.0.0");
    check_ip4(192, 168, 76, 2, "192.168.76.2");
    check_ip4(255, 255, 255, 255, "255.255.255.255");
}

static void check_ip6(uint32_t a, uint32_t b, uint32_t c, uint32_t d, const char *expected) {
    char text[IPADDR_STRLEN_MAX];
    ip_addr_t address;
    IP_ADDR6_HOST(&address, a, b, c, d);
    net_stack_address_text(&address, text);
    assert_string_equal(text, expected);
}

/* RFC 5952 section 4: no leading zeros; the longest run of zeros left out, the first of two; but
 * never a single group; lower case. */
static void test_ip6(void **state) {
    (void)state;
    check_ip6(0, 0, 0, 0, "::");
    check_ip6(0, 0, 0, 1, "::1");
    check_ip6(0xfe800000, 0, 0, 0, "fe80::");
    check_ip6(0xfe800000, 0, 0x5054abff, 0xfe120034, "fe80::5054:abff:fe12:34");
    check_ip6(0x20010db8, 0x00010000, 0x00010001, 0x00010001, "2001:db8:1:0:1:1:1:1");
    check_ip6(0x20010db8, 0, 0x00010000, 0x00000001, "2001:db8::1:0:0:1");
    check_ip6(0x20010db8, 0x00000000, 0x00000000, 0x00000001, "2001:db8::1");
    check_ip6(0x20010000, 0x00000001, 0, 0x00000001, "2001:0:0:1::1");
    check_ip6(0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff,
              "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff");
    check_ip6(0xabcd0123, 0x00450006, 0x70008900, 0xa00bc0de, "abcd:123:45:6:7000:8900:a00b:c0de");
    check_ip6(0, 0x00010002, 0x00030004, 0x00050000, "::1:2:3:4:5:0");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ip4),
        cmocka_unit_test(test_ip6),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
