/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * test_notifications.c: the ring of notifications against a model that remembers everything, their
 * text, and the printer in front of consoles that are slow.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "webhook/printer.h"

static struct notifications ring;

static int setup(void **state) {
    (void)state;
    memset(&ring, 0xa5, sizeof ring);
    notifications_init(&ring);
    return 0;
}

static struct slice slice_of(const char *string) {
    return (struct slice){string, (uint32_t)strlen(string)};
}

#define HEAD "POST /webhook HTTP/1.1\r\nHost: a\r\n\r\n"

static void add_body(struct slice body) {
    const struct notification arrived = {
        .unix_ms = INT64_C(784111777123),
        .uptime_s = 7,
        .endpoint = NOTIFICATIONS_WEBHOOK,
        .sender = SLICE("10.0.0.1"),
        .head = SLICE(HEAD),
        .body = body,
    };
    notifications_add(&ring, &arrived);
}

static void add(const char *body) {
    add_body(slice_of(body));
}

/* ---- the ring ---------------------------------------------------------------------------- */

static void empty(void **state) {
    struct notification n;
    (void)state;
    assert_int_equal(notifications_newest(&ring).number, 0);
    assert_int_equal(notifications_oldest(&ring).number, 0);
    assert_false(notifications_get(&ring, notifications_newest(&ring), &n));
    assert_int_equal(notifications_older(&ring, notifications_newest(&ring)).number, 0);
    assert_int_equal(notifications_newer(&ring, notifications_newest(&ring)).number, 0);
}

static void keeps_all_of_it(void **state) {
    struct notification n;
    (void)state;
    add("{\"a\":1}");
    assert_true(notifications_get(&ring, notifications_newest(&ring), &n));
    assert_int_equal(n.number, 1);
    assert_int_equal(n.sent_bytes, 7);
    assert_int_equal(n.unix_ms, INT64_C(784111777123));
    assert_int_equal(n.uptime_s, 7);
    assert_int_equal(n.endpoint, NOTIFICATIONS_WEBHOOK);
    assert_false(n.repeat);
    assert_true(slice_equals(n.sender, SLICE("10.0.0.1")));
    assert_true(slice_equals(n.head, SLICE(HEAD)));
    assert_true(slice_equals(n.body, SLICE("{\"a\":1}")));
    assert_int_equal(ring.taken_total[NOTIFICATIONS_WEBHOOK], 1);
    assert_int_equal(ring.repeats_total[NOTIFICATIONS_WEBHOOK], 0);
}

static void check_body(const struct notification *n) {
    const uint32_t fill = (uint32_t)n->number * 37 % 700;
    char first[32];
    int len = snprintf(first, sizeof first, "\"%u ", (unsigned)n->number);
    assert_int_equal(n->sent_bytes, (uint32_t)len + fill + 1);
    assert_int_equal(n->body.len, n->sent_bytes);
    assert_memory_equal(n->body.bytes, first, (size_t)len);
    for (uint32_t i = (uint32_t)len; i < n->body.len - 1; i++) {
        assert_int_equal(n->body.bytes[i], 'x');
    }
}

/* Walks from both ends: the same ones, none missing between, the newest among them. */
static void check_ring(uint64_t last) {
    struct notification n;
    uint32_t count = 0;
    uint64_t number = last;
    for (struct notifications_place at = notifications_newest(&ring); at.number != 0;
         at = notifications_older(&ring, at)) {
        assert_true(notifications_get(&ring, at, &n));
        assert_int_equal(n.number, number);
        check_body(&n);
        number--;
        count++;
    }
    assert_int_equal(count, ring.count);
    for (struct notifications_place at = notifications_oldest(&ring); at.number != 0;
         at = notifications_newer(&ring, at)) {
        assert_int_equal(at.number, ++number);
        count--;
    }
    assert_int_equal(number, last);
    assert_int_equal(count, 0);
    assert_true(ring.stats.used <= sizeof ring.ring);
}

/* Sizes of every kind, for many turns of the ring. */
static void newest_are_kept(void **state) {
    (void)state;
    for (unsigned number = 1; number <= 3000; number++) {
        char body[1024];
        int len = snprintf(body, sizeof body, "\"%u ", number);
        memset(body + len, 'x', number * 37 % 700);
        len += (int)(number * 37 % 700);
        body[len++] = '"';
        add_body((struct slice){body, (uint32_t)len});
        check_ring(number);
        assert_true(ring.count >= 2 || number < 3 || number * 37 % 700 > 400 ||
                    (number - 1) * 37 % 700 > 400);
    }
}

static void places_that_are_gone(void **state) {
    struct notification n;
    (void)state;
    add("1");
    const struct notifications_place first = notifications_newest(&ring);
    for (int i = 0; i < 100; i++) {
        add("2");
    }
    assert_false(notifications_get(&ring, first, &n));
    assert_int_equal(notifications_older(&ring, first).number, 0);
    assert_int_equal(notifications_newer(&ring, first).number, 0);
}

/* The whole ring is one notification's, with its beginning, cut between two characters. */
static void oversized(void **state) {
    static char body[3 * CFG_NOTIFICATION_RING_BYTES];
    struct notification n;
    (void)state;
    for (uint32_t pad = 0; pad < 4; pad++) {
        memset(body, 'x', sizeof body);
        body[0] = '"';
        for (uint32_t i = 1 + pad; i + 2 < sizeof body; i += 2) {
            memcpy(body + i, "\xc3\xa9", 2);
        }
        body[sizeof body - 1] = '"';
        add("0");
        add_body((struct slice){body, sizeof body});
        assert_int_equal(ring.count, 1);
        assert_true(notifications_get(&ring, notifications_newest(&ring), &n));
        assert_int_equal(n.sent_bytes, sizeof body);
        assert_in_range(n.body.len, sizeof ring.ring - 200, sizeof ring.ring);
        assert_memory_equal(n.body.bytes, body, n.body.len);
        assert_int_equal(slice_utf8_error(n.body), n.body.len);
    }
}

/* Just what fits is whole, one byte more is cut by it. */
static void largest_that_fits(void **state) {
    static char body[CFG_NOTIFICATION_RING_BYTES];
    struct notification n;
    (void)state;
    memset(body, '1', sizeof body);
    add_body((struct slice){body, sizeof body});
    assert_true(notifications_get(&ring, notifications_newest(&ring), &n));
    const uint32_t room = n.body.len;
    for (uint32_t len = room - 1; len <= room + 1; len++) {
        add_body((struct slice){body, len});
        assert_true(notifications_get(&ring, notifications_newest(&ring), &n));
        assert_int_equal(n.sent_bytes, len);
        assert_int_equal(n.body.len, len < room ? len : room);
    }
}

static void long_heads_and_senders(void **state) {
    static char head[2000];
    static char sender[100];
    struct notification n;
    (void)state;
    memset(head, 'h', sizeof head);
    memset(sender, 's', sizeof sender);
    memcpy(head, "POST / HTTP/1.1\r\n", 17);
    const struct notification arrived = {
        .endpoint = NOTIFICATIONS_SLACK,
        .repeat = true,
        .sender = {sender, sizeof sender},
        .head = {head, sizeof head},
        .body = SLICE("{}"),
    };
    notifications_add(&ring, &arrived);
    assert_true(notifications_get(&ring, notifications_newest(&ring), &n));
    assert_true(slice_equals(n.head, SLICE("POST / HTTP/1.1\r\n")));
    assert_int_equal(n.sender.len, NOTIFICATIONS_SENDER_BYTES);
    assert_true(slice_equals(n.body, SLICE("{}")));
    assert_true(n.repeat);
    assert_int_equal(ring.repeats_total[NOTIFICATIONS_SLACK], 1);
}

/* ---- as text ----------------------------------------------------------------------------- */

static char printed[65536];
static uint32_t printed_bytes;

static enum notification_text_result print(struct notification_text *t, enum json_print_for reader,
                                           uint32_t room) {
    enum notification_text_result result = NOTIFICATION_TEXT_MORE;
    while (result == NOTIFICATION_TEXT_MORE) {
        struct text out = text_over(printed + printed_bytes, room);
        result = notification_text_pull(t, &ring, reader, &out);
        assert_false(out.overflow);
        assert_true(out.len > 0 || result != NOTIFICATION_TEXT_MORE);
        printed_bytes += out.len;
    }
    printed[printed_bytes] = '\0';
    return result;
}

static void expect_text(enum json_print_for reader, const char *expected) {
    for (uint32_t room = NOTIFICATION_TEXT_LINE_BYTES; room < 400; room += 13) {
        struct notification_text t = {.place = notifications_newest(&ring)};
        printed_bytes = 0;
        assert_int_equal(print(&t, reader, room), NOTIFICATION_TEXT_DONE);
        assert_string_equal(printed, expected);
    }
}

static void as_text(void **state) {
    (void)state;
    add("{\"a\":[1]}");
    expect_text(JSON_PRINT_PLAIN,
                "notification 1: 1994-11-06T08:49:37.123Z /webhook (webhook), 9 bytes from "
                "10.0.0.1\n{\n    \"a\": [\n        1\n    ]\n}\n\n");
    expect_text(JSON_PRINT_TERMINAL,
                "notification 1: 1994-11-06T08:49:37.123Z /webhook (webhook), 9 bytes from "
                "10.0.0.1\nPOST /webhook HTTP/1.1\nHost: a\n\n"
                "{\n    \"a\": [\n        1\n    ]\n}\n\n");
}

static void without_a_clock(void **state) {
    (void)state;
    const struct notification arrived = {
        .unix_ms = NOTIFICATIONS_TIME_UNKNOWN,
        .uptime_s = 42,
        .endpoint = NOTIFICATIONS_ENQUEUE,
        .repeat = true,
        .sender = SLICE("fe80::1"),
        .head = SLICE("\r\n"),
        .body = SLICE("1"),
    };
    notifications_add(&ring, &arrived);
    expect_text(JSON_PRINT_TERMINAL, "notification 1: up 42 s /v2/enqueue (pagerduty), 1 bytes "
                                     "from fe80::1, a repeat\n\n1\n\n");
}

/* Nothing that came from outside ends a line, moves the cursor, or shows a password. */
static void nothing_is_forged(void **state) {
    (void)state;
    const struct notification arrived = {
        .unix_ms = NOTIFICATIONS_TIME_UNKNOWN,
        .endpoint = NOTIFICATIONS_SLACK,
        .sender = SLICE("a\nnotification 9: \x1b[31m"),
        .head = SLICE("POST /slack HTTP/1.1\r\nX-A: \xc2\x9b"
                      "31m\xe2\x80\xa8\x7f\xff\tb\r\n"
                      "AUTHORIZATION: Bearer s3cret\r\nCookie: s3cret\r\n"
                      "Proxy-Authorization: s3cret\r\nX-Authorization: shown\r\n\r\n"),
        .body = SLICE("\"\xe2\x80\xa8\x7f\""),
    };
    notifications_add(&ring, &arrived);
    expect_text(JSON_PRINT_TERMINAL,
                "notification 1: up 0 s /slack (slack), 6 bytes from a?notification 9: ?[31m\n"
                "POST /slack HTTP/1.1\nX-A: ?31m????b\nAUTHORIZATION: (not shown)\n"
                "Cookie: (not shown)\nProxy-Authorization: (not shown)\nX-Authorization: shown\n"
                "\n\"\\u2028\\u007f\"\n\n");
}

static void a_long_header_line(void **state) {
    static char head[450];
    (void)state;
    memset(head, 'x', sizeof head);
    memcpy(head, "X: ", 3);
    memcpy(head + sizeof head - 4, "\r\n\r\n", 4);
    const struct notification arrived = {
        .sender = SLICE("a"), .head = {head, sizeof head}, .body = SLICE("1")};
    notifications_add(&ring, &arrived);
    struct notification_text t = {.place = notifications_newest(&ring)};
    printed_bytes = 0;
    assert_int_equal(print(&t, JSON_PRINT_TERMINAL, 300), NOTIFICATION_TEXT_DONE);
    assert_non_null(strstr(printed, "\nX: xxxx"));
    assert_non_null(strstr(printed, "xxx...\n\n1\n\n"));
}

static void cut_is_marked(void **state) {
    static char body[CFG_NOTIFICATION_RING_BYTES];
    char expected[64];
    struct notification n;
    (void)state;
    memset(body, '1', sizeof body);
    add_body((struct slice){body, sizeof body});
    assert_true(notifications_get(&ring, notifications_newest(&ring), &n));
    struct notification_text t = {.place = notifications_newest(&ring)};
    printed_bytes = 0;
    assert_int_equal(print(&t, JSON_PRINT_PLAIN, 300), NOTIFICATION_TEXT_DONE);
    assert_non_null(strstr(printed, " bytes from 10.0.0.1, kept cut\n1111"));
    (void)snprintf(expected, sizeof expected, "1\n... cut: %u of %u bytes are kept\n\n",
                   (unsigned)n.body.len, (unsigned)sizeof body);
    assert_non_null(strstr(printed, expected));
}

static void overwritten_meanwhile(void **state) {
    char body[600];
    (void)state;
    memset(body, '1', sizeof body);
    add_body((struct slice){body, sizeof body});
    struct notification_text t = {.place = notifications_newest(&ring)};
    struct text out = text_over(printed, 450);
    assert_int_equal(notification_text_pull(&t, &ring, JSON_PRINT_PLAIN, &out),
                     NOTIFICATION_TEXT_MORE);
    printed_bytes = out.len;
    for (int i = 0; i < 5; i++) {
        add_body((struct slice){body, sizeof body});
    }
    assert_int_equal(print(&t, JSON_PRINT_PLAIN, 300), NOTIFICATION_TEXT_LOST);
    assert_non_null(strstr(printed, "1\n... newer notifications have overwritten the rest\n"));
    /* One that had not begun says nothing. */
    t = (struct notification_text){.place = {1, 0}};
    printed_bytes = 0;
    assert_int_equal(print(&t, JSON_PRINT_PLAIN, 300), NOTIFICATION_TEXT_LOST);
    assert_int_equal(printed_bytes, 0);
}

/* ---- the printer --------------------------------------------------------------------------- */

static struct printer printer;
static uint32_t console_room; /* what the console takes at a time */

static uint32_t console_takes(const char *bytes, uint32_t n) {
    n = n < console_room ? n : console_room;
    memcpy(printed + printed_bytes, bytes, n);
    printed_bytes += n;
    printed[printed_bytes] = '\0';
    return n;
}

static void start_printer(uint32_t room) {
    console_room = room;
    printed_bytes = 0;
    printed[0] = '\0';
    printer_init(&printer, console_takes);
}

/* Polls until nothing more is printed. */
static void print_all(void) {
    uint32_t before;
    do {
        before = printed_bytes;
        printer_poll(&printer, &ring);
    } while (printed_bytes != before);
}

static void prints_in_order(void **state) {
    (void)state;
    for (uint32_t room = 1; room < 700; room += 97) {
        setup(state);
        start_printer(room);
        assert_false(printer_poll(&printer, &ring));
        assert_int_equal(printed_bytes, 0);
        add("1");
        add("{\"a\":2}");
        print_all();
        assert_string_equal(printed,
                            "notification 1: 1994-11-06T08:49:37.123Z /webhook (webhook), 1 bytes "
                            "from 10.0.0.1\nPOST /webhook HTTP/1.1\nHost: a\n\n1\n\n"
                            "notification 2: 1994-11-06T08:49:37.123Z /webhook (webhook), 7 bytes "
                            "from 10.0.0.1\nPOST /webhook HTTP/1.1\nHost: a\n\n"
                            "{\n    \"a\": 2\n}\n\n");
        printed_bytes = 0;
        add("3");
        print_all();
        assert_non_null(strstr(printed, "notification 3: "));
        assert_non_null(strstr(printed, "\n3\n\n"));
        assert_int_equal(printer.dropped_total, 0);
        assert_false(printer_poll(&printer, &ring));
    }
}

/* Every notification is printed whole or counted, and what is missing is said in its place. */
static void counts_what_it_drops(void **state) {
    (void)state;
    start_printer(300);
    char body[500];
    memset(body, '7', sizeof body);
    for (uint32_t i = 0; i < 90; i++) {
        add_body((struct slice){body, 50 + i * 7 % 400});
        if (i % 2 == 0) {
            printer_poll(&printer, &ring);
        }
    }
    print_all();
    uint32_t whole = 0;
    for (const char *at = printed; (at = strstr(at, "7\n\n")) != NULL; at += 3) {
        whole++;
    }
    assert_int_equal(whole + printer.dropped_total, 90);
    assert_true(printer.dropped_total > 20 && whole > 5);
    assert_non_null(strstr(printed, "... the console was too slow for "));
    assert_non_null(strstr(printed, "notification 90: "));
}

static void console_that_stands_still(void **state) {
    (void)state;
    start_printer(0);
    for (int i = 0; i < 100; i++) {
        add("1");
        assert_false(printer_poll(&printer, &ring));
    }
    console_room = 10000;
    print_all();
    assert_non_null(strstr(printed, "notification 100: "));
    assert_true(printer.dropped_total > 0);
}

static void no_console(void **state) {
    (void)state;
    printer_init(&printer, NULL);
    add("1");
    assert_false(printer_poll(&printer, &ring));
    assert_int_equal(printer.dropped_total, 0);
}

#define RING_TEST(function) cmocka_unit_test_setup(function, setup)

int main(void) {
    const struct CMUnitTest tests[] = {
        RING_TEST(empty),
        RING_TEST(keeps_all_of_it),
        RING_TEST(newest_are_kept),
        RING_TEST(places_that_are_gone),
        RING_TEST(oversized),
        RING_TEST(largest_that_fits),
        RING_TEST(long_heads_and_senders),
        RING_TEST(as_text),
        RING_TEST(without_a_clock),
        RING_TEST(nothing_is_forged),
        RING_TEST(a_long_header_line),
        RING_TEST(cut_is_marked),
        RING_TEST(overwritten_meanwhile),
        RING_TEST(prints_in_order),
        RING_TEST(counts_what_it_drops),
        RING_TEST(console_that_stands_still),
        RING_TEST(no_console),
    };
    return cmocka_run_group_tests_name("notifications", tests, NULL, NULL);
}
