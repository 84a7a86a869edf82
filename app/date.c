/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * date.c: see date.h.
 */
#include "date.h"

struct civil {
    unsigned year, month, day; /* month and day from 1 */
    unsigned weekday;          /* 0: Sunday */
    unsigned hour, minute, second;
};

static bool is_leap(uint32_t year) {
    return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

static struct civil civil_from(uint64_t unix_s) {
    static const uint8_t month_days[12] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    const uint32_t minutes = (uint32_t)(unix_s / 60u); /* up to the year 10136 */
    uint32_t days = minutes / (24 * 60);
    struct civil c = {.year = 1970,
                      .weekday = (days + 4) % 7, /* 1970-01-01 was a Thursday */
                      .hour = minutes / 60 % 24,
                      .minute = minutes % 60,
                      .second = (unsigned)(unix_s % 60u)};
    while (days >= (is_leap(c.year) ? 366u : 365u)) {
        days -= is_leap(c.year) ? 366u : 365u;
        c.year++;
    }
    for (;;) {
        uint32_t in_month = month_days[c.month] + (c.month == 1 && is_leap(c.year) ? 1u : 0u);
        if (days < in_month) {
            break;
        }
        days -= in_month;
        c.month++;
    }
    c.month++;
    c.day = days + 1;
    return c;
}

void date_put_http(struct text *t, int64_t unix_s) {
    static const char weekdays[] = "SunMonTueWedThuFriSat";
    static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    struct civil c = civil_from((uint64_t)unix_s);
    text_format(t, "%.*s, %02u %.*s %04u %02u:%02u:%02u GMT", 3, weekdays + 3 * c.weekday, c.day, 3,
                months + 3 * (c.month - 1), c.year, c.hour, c.minute, c.second);
}

void date_put_rfc3339(struct text *t, int64_t unix_ms) {
    struct civil c = civil_from((uint64_t)unix_ms / 1000u);
    text_format(t, "%04u-%02u-%02uT%02u:%02u:%02u.%03uZ", c.year, c.month, c.day, c.hour, c.minute,
                c.second, (unsigned)((uint64_t)unix_ms % 1000u));
}
