/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * test_date.c: dates as HTTP and RFC 3339 want them, against the C library's calendar and against
 * dates that are known.
 */
#include "date.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <time.h>

#include <cmocka.h>

#define DAY_S 86400
#define LAST_S INT64_C(253402300799) /* 9999-12-31T23:59:59Z */

static char bytes[64];

static const char *http(int64_t unix_s) {
    struct text t = text_over(bytes, sizeof bytes - 1);
    date_put_http(&t, unix_s);
    assert_false(t.overflow);
    bytes[t.len] = '\0';
    return bytes;
}

static const char *rfc3339(int64_t unix_ms) {
    struct text t = text_over(bytes, sizeof bytes - 1);
    date_put_rfc3339(&t, unix_ms);
    assert_false(t.overflow);
    bytes[t.len] = '\0';
    return bytes;
}

static void known_dates(void **state) {
    (void)state;
    assert_string_equal(http(0), "Thu, 01 Jan 1970 00:00:00 GMT");
    assert_string_equal(http(784111777), "Sun, 06 Nov 1994 08:49:37 GMT"); /* RFC 9110 */
    assert_string_equal(http(951782400), "Tue, 29 Feb 2000 00:00:00 GMT");
    assert_string_equal(http(951868799), "Tue, 29 Feb 2000 23:59:59 GMT");
    assert_string_equal(http(951868800), "Wed, 01 Mar 2000 00:00:00 GMT");
    assert_string_equal(http(INT64_C(2147483648)), "Tue, 19 Jan 2038 03:14:08 GMT");
    assert_string_equal(http(INT64_C(4107542399)), "Sun, 28 Feb 2100 23:59:59 GMT");
    assert_string_equal(http(INT64_C(4107542400)), "Mon, 01 Mar 2100 00:00:00 GMT"); /* no leap */
    assert_string_equal(http(INT64_C(4294967296)), "Sun, 07 Feb 2106 06:28:16 GMT");
    assert_string_equal(http(LAST_S), "Fri, 31 Dec 9999 23:59:59 GMT");
    assert_string_equal(rfc3339(0), "1970-01-01T00:00:00.000Z");
    assert_string_equal(rfc3339(INT64_C(784111777007)), "1994-11-06T08:49:37.007Z");
    assert_string_equal(rfc3339(INT64_C(951782399999)), "2000-02-28T23:59:59.999Z");
    assert_string_equal(rfc3339(LAST_S * 1000 + 999), "9999-12-31T23:59:59.999Z");
}

/* strftime with the C locale's names. */
static void check(int64_t unix_s) {
    char expected[64];
    time_t when = (time_t)unix_s;
    struct tm tm;
    assert_non_null(gmtime_r(&when, &tm));
    assert_true(strftime(expected, sizeof expected, "%a, %d %b %Y %H:%M:%S GMT", &tm) > 0);
    assert_string_equal(http(unix_s), expected);
    assert_true(strftime(expected, sizeof expected, "%Y-%m-%dT%H:%M:%S.250Z", &tm) > 0);
    assert_string_equal(rfc3339(unix_s * 1000 + 250), expected);
}

static void every_day_of_many_years(void **state) {
    (void)state;
    for (int64_t day = 0; day < 366 * 140; day++) { /* 1970 to 2110: both kinds of century */
        check(day * DAY_S + day % DAY_S);
    }
}

static void ends_of_every_year(void **state) {
    int64_t start_s = 0;
    (void)state;
    for (uint32_t year = 1970; year < 10000; year++) {
        bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
        check(start_s);
        check(start_s + 59 * DAY_S - 1); /* the last second of 28 February */
        check(start_s + 59 * DAY_S);
        start_s += (leap ? 366 : 365) * DAY_S;
        check(start_s - 1);
    }
    assert_int_equal(start_s - 1, LAST_S);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(known_dates),
        cmocka_unit_test(every_day_of_many_years),
        cmocka_unit_test(ends_of_every_year),
    };
    return cmocka_run_group_tests_name("date", tests, NULL, NULL);
}
