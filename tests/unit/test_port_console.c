/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * test_port_console.c: lines reach the device whole and in order, or not at all and counted.
 */
#include "console.h"

#include "clock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

/* ---- what a port provides ------------------------------------------------------------------ */

static uint32_t now_ms;
static char device[8 * CFG_CONSOLE_BYTES];
static size_t device_bytes;
static size_t device_room; /* what it takes from here on */

uint32_t clock_monotonic_ms(void) {
    return now_ms;
}

bool clock_wall_ms(int64_t *unix_ms) {
    (void)unix_ms;
    return false;
}

size_t console_device_write(const char *bytes, size_t n) {
    if (n > device_room) {
        n = device_room;
    }
    memcpy(&device[device_bytes], bytes, n);
    device_bytes += n;
    device_room -= n;
    return n;
}

/* Its time begins with the first line. */
static int drain(void **state) {
    (void)state;
    if (now_ms == 0) {
        now_ms = UINT32_MAX - 4999;
        console_poll();
        now_ms += 5000; /* wraps to 0: 5 s */
    }
    device_room = sizeof device;
    console_flush(3);
    console_poll(); /* may say what was dropped */
    console_flush(3);
    device_bytes = 0;
    device_room = sizeof device;
    return 0;
}

static void assert_device(const char *wanted) {
    assert_int_equal(device_bytes, strlen(wanted));
    assert_memory_equal(device, wanted, device_bytes);
}

/* ---- tests --------------------------------------------------------------------------------- */

static void test_a_line_has_time_level_and_text(void **state) {
    (void)state;
    now_ms = 12045;
    console_say(CONSOLE_WARNING, "link is down");
    assert_true(console_waits());
    console_poll();
    assert_false(console_waits());
    assert_device("17.045 warn  link is down\n");
}

static void test_control_characters_cannot_forge_a_line(void **state) {
    (void)state;
    console_say(CONSOLE_INFO, "a\n0.000 error b\r\x1b[2J\x7f");
    console_poll();
    assert_device("17.045 info  a?0.000 error b??[2J?\n");
}

static void test_a_long_line_is_cut(void **state) {
    (void)state;
    char text[2 * CONSOLE_LINE_BYTES];
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    console_say(CONSOLE_INFO, text);
    console_poll();
    assert_int_equal(device_bytes, CONSOLE_LINE_BYTES);
    assert_int_equal(device[CONSOLE_LINE_BYTES - 1], '\n');
}

/* Over the ring's end as well: each byte offset is met as the device takes one byte at a time. */
static void test_a_slow_device_gets_every_byte(void **state) {
    (void)state;
    device_room = 0;
    char wanted[4 * CFG_CONSOLE_BYTES];
    size_t wanted_bytes = 0;
    for (unsigned i = 0; i < 100; i++) {
        const char line[] = "17.045 info  a line of some length\n";
        while (console_writable() < sizeof line) {
            device_room = 1;
            console_poll();
        }
        console_say(CONSOLE_INFO, "a line of some length");
        memcpy(&wanted[wanted_bytes], line, sizeof line - 1);
        wanted_bytes += sizeof line - 1;
    }
    device_room = sizeof device;
    console_flush(2);
    assert_int_equal(device_bytes, wanted_bytes);
    assert_memory_equal(device, wanted, wanted_bytes);
}

static void test_what_finds_no_room_is_dropped_whole_and_told(void **state) {
    (void)state;
    device_room = 0;
    const uint32_t refused = console_stats().refused_total;
    const uint32_t line_bytes = (uint32_t)strlen("17.045 info  0123456789\n");
    const uint32_t fit = CFG_CONSOLE_BYTES / line_bytes;
    for (uint32_t i = 0; i < fit + 3; i++) {
        console_say(CONSOLE_INFO, "0123456789");
    }
    assert_int_equal(console_stats().refused_total, refused + 3);
    assert_int_equal(console_stats().used, fit * line_bytes);
    device_room = sizeof device;
    console_flush(2);
    assert_int_equal(device_bytes, fit * line_bytes);
    device_bytes = 0;
    console_poll();
    console_poll();
    assert_device("17.045 warn  console: too slow, lines dropped here: 3\n");
}

/* A line behind a gap waits until the gap was told, so that the order is never in doubt. */
static void test_nothing_is_printed_behind_a_gap_before_it_is_told(void **state) {
    (void)state;
    device_room = 0;
    while (console_writable() > 0) {
        console_write("x", 1);
    }
    console_say(CONSOLE_INFO, "lost");
    device_room = 100;
    console_poll();
    console_say(CONSOLE_INFO, "lost too");
    device_room = sizeof device;
    console_flush(2);
    device_bytes = 0;
    console_poll();
    console_say(CONSOLE_INFO, "seen");
    console_flush(2);
    assert_device("17.045 warn  console: too slow, lines dropped here: 2\n17.045 info  seen\n");
}

static void test_flush_gives_up_on_a_dead_device(void **state) {
    (void)state;
    device_room = 0;
    console_say(CONSOLE_INFO, "nobody reads this");
    console_flush(1000);
    assert_true(console_waits());
}

static void test_ready_tells_what_is_served(void **state) {
    (void)state;
    console_say_ready("192.168.76.2", 8090, 8443);
    console_say_ready("[2001:db8::5]", 8090, 0);
    console_say_ready("192.168.76.2", 0, 443);
    console_flush(2);
    assert_device("17.045 info  ready: http://192.168.76.2:8090/ and https://192.168.76.2:8443/\n"
                  "17.045 info  ready: http://[2001:db8::5]:8090/\n"
                  "17.045 info  ready: https://192.168.76.2:443/\n");
}

static void test_raw_bytes_go_as_they_are(void **state) {
    (void)state;
    const char bytes[] = "{\n    \"a\": 1\n}\n";
    console_write(bytes, sizeof bytes - 1);
    console_flush(2);
    assert_device(bytes);
}

/* What prints much takes what there is, but for the room of a line. */
static void test_an_offer_leaves_room_for_a_line(void **state) {
    static char much[2 * CFG_CONSOLE_BYTES];
    const uint32_t room = CFG_CONSOLE_BYTES - CONSOLE_LINE_BYTES;
    (void)state;
    memset(much, 'x', sizeof much);
    device_room = 0;
    assert_int_equal(console_offer(much, 0), 0);
    assert_int_equal(console_offer(much, 10), 10);
    assert_int_equal(console_offer(much, sizeof much), room - 10);
    assert_int_equal(console_offer(much, 1), 0);
    assert_int_equal(console_writable(), CONSOLE_LINE_BYTES);
    console_say(CONSOLE_INFO, "still said");
    assert_int_equal(console_offer(much, 1), 0);
    device_room = sizeof device;
    console_flush(3);
    assert_memory_equal(device, much, room);
    device[device_bytes] = '\0';
    assert_non_null(strstr(device + room, " info  still said\n"));
    assert_int_equal(console_offer(much, 1), 1);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_a_line_has_time_level_and_text, drain),
        cmocka_unit_test_setup(test_control_characters_cannot_forge_a_line, drain),
        cmocka_unit_test_setup(test_a_long_line_is_cut, drain),
        cmocka_unit_test_setup(test_a_slow_device_gets_every_byte, drain),
        cmocka_unit_test_setup(test_what_finds_no_room_is_dropped_whole_and_told, drain),
        cmocka_unit_test_setup(test_nothing_is_printed_behind_a_gap_before_it_is_told, drain),
        cmocka_unit_test_setup(test_flush_gives_up_on_a_dead_device, drain),
        cmocka_unit_test_setup(test_ready_tells_what_is_served, drain),
        cmocka_unit_test_setup(test_raw_bytes_go_as_they_are, drain),
        cmocka_unit_test_setup(test_an_offer_leaves_room_for_a_line, drain),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
