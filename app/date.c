/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * date.c: see date.h.
 */
#include "date.h"

#define SECONDS_PER_DAY 86400

struct civil {
    uint32_t year, month, day; /* month and day from 1 */
    uint32_t weekday;          /* 0: Sunday */
    uint32_t hour, minute, second;
};

static bool is_leap(uint32_t year) {
    return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

static struct civil civil_from(int64_t unix_s) {
    static const uint8_t month_days[12] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    uint32_t days = (uint32_t)(unix_s / SECONDS_PER_DAY);
    uint32_t rest = (uint32_t)(unix_s % SECONDS_PER_DAY);
    struct civil c = {.year = 1970,
                      .weekday = (days + 4) % 7, /* 1970-01-01 was a Thursday */
                      .hour = rest / 3600,
                      .minute = rest / 60 % 60,
                      .second = rest % 60};
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

static void put_time(struct text *t, const struct civil *c) {
    text_put_digits(t, c->hour, 2);
    text_put_char(t, ':');
    text_put_digits(t, c->minute, 2);
    text_put_char(t, ':');
    text_put_digits(t, c->second, 2);
}

void date_put_http(struct text *t, int64_t unix_s) {
    static const char weekdays[] = "SunMonTueWedThuFriSat";
    static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    struct civil c = civil_from(unix_s);
    text_put(t, weekdays + 3 * c.weekday, 3);
    text_puts(t, ", ");
    text_put_digits(t, c.day, 2);
    text_put_char(t, ' ');
    text_put(t, months + 3 * (c.month - 1), 3);
    text_put_char(t, ' ');
    text_put_digits(t, c.year, 4);
    text_put_char(t, ' ');
    put_time(t, &c);
    text_puts(t, " GMT");
}

void date_put_rfc3339(struct text *t, int64_t unix_ms) {
    struct civil c = civil_from(unix_ms / 1000);
    text_put_digits(t, c.year, 4);
    text_put_char(t, '-');
    text_put_digits(t, c.month, 2);
    text_put_char(t, '-');
    text_put_digits(t, c.day, 2);
    text_put_char(t, 'T');
    put_time(t, &c);
    text_put_char(t, '.');
    text_put_digits(t, (uint64_t)(unix_ms % 1000), 3);
    text_put_char(t, 'Z');
}
