/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * console.c: see console.h.
 */
#include "console.h"

#include "clock.h"

#include <string.h>

_Static_assert(CFG_CONSOLE_BYTES >= 512 && CFG_CONSOLE_BYTES <= 65536 &&
                   (CFG_CONSOLE_BYTES & (CFG_CONSOLE_BYTES - 1)) == 0,
               "CFG_CONSOLE_BYTES: a power of two, 512 to 65536");

static struct {
    char ring[CFG_CONSOLE_BYTES];
    uint32_t head; /* bytes ever queued */
    uint32_t tail; /* bytes ever given to the device */
    uint32_t dropped_lines;
    uint32_t looked_ms; /* at the clock; what it shows wraps, what is printed does not */
    uint32_t uptime_s;
    uint32_t uptime_rest_ms; /* of the second under way */
    bool started;
    struct table_stats stats;
} console;

static void keep_time(void) {
    const uint32_t now_ms = clock_monotonic_ms();
    console.uptime_rest_ms += console.started ? now_ms - console.looked_ms : 0;
    console.uptime_s += console.uptime_rest_ms / 1000u;
    console.uptime_rest_ms %= 1000u;
    console.looked_ms = now_ms;
    console.started = true;
}

uint32_t console_writable(void) {
    return CFG_CONSOLE_BYTES - (console.head - console.tail);
}

bool console_waits(void) {
    return console.head != console.tail;
}

void console_write(const void *bytes, uint32_t n) {
    const uint32_t at = console.head % CFG_CONSOLE_BYTES;
    const uint32_t first = n < CFG_CONSOLE_BYTES - at ? n : CFG_CONSOLE_BYTES - at;
    memcpy(&console.ring[at], bytes, first);
    memcpy(console.ring, (const char *)bytes + first, n - first);
    console.head += n;
    table_stats_set_used(&console.stats, console.head - console.tail);
}

void console_begin(struct console_line *line, enum console_level level) {
    static const char *const names[] = {" error ", " warn  ", " info  "};
    keep_time();
    line->text = text_over(line->bytes, sizeof line->bytes - 1);
    text_format(&line->text, "%u.%03u%s", (unsigned)console.uptime_s,
                (unsigned)console.uptime_rest_ms, names[level]);
}

void console_end(struct console_line *line) {
    for (uint32_t i = 0; i < line->text.len; i++) {
        const unsigned char c = (unsigned char)line->bytes[i];
        if (c < 0x20 || c == 0x7f) {
            line->bytes[i] = '?';
        }
    }
    line->bytes[line->text.len] = '\n';
    const uint32_t n = line->text.len + 1;
    if (n > console_writable() || console.dropped_lines > 0) {
        console.dropped_lines++;
        console.stats.refused_total++;
        return;
    }
    console_write(line->bytes, n);
}

void console_say(enum console_level level, const char *text) {
    struct console_line line;
    console_begin(&line, level);
    text_puts(&line.text, text);
    console_end(&line);
}

uint32_t console_offer(const char *bytes, uint32_t n) {
    const uint32_t room = console_writable();
    if (room <= CONSOLE_LINE_BYTES) {
        return 0;
    }
    n = n < room - CONSOLE_LINE_BYTES ? n : room - CONSOLE_LINE_BYTES;
    console_write(bytes, n);
    return n;
}

void console_warn(struct slice text) {
    struct console_line line;
    console_begin(&line, CONSOLE_WARNING);
    text_put_slice(&line.text, text);
    console_end(&line);
}

static void put_url(struct text *t, const char *scheme, const char *host, uint16_t port) {
    text_format(t, "%s%s:%u/", scheme, host, port);
}

void console_say_ready(const char *host, uint16_t port_http, uint16_t port_tls) {
    struct console_line line;
    console_begin(&line, CONSOLE_INFO);
    text_puts(&line.text, "ready:");
    if (port_http != 0) {
        put_url(&line.text, " http://", host, port_http);
    }
    if (port_tls != 0) {
        put_url(&line.text, port_http != 0 ? " and https://" : " https://", host, port_tls);
    }
    console_end(&line);
}

/* Once there is room again, says what is missing. */
static void tell_dropped(void) {
    if (console.dropped_lines == 0 || console_writable() < CFG_CONSOLE_BYTES / 2) {
        return;
    }
    const uint32_t dropped = console.dropped_lines;
    console.dropped_lines = 0;
    struct console_line line;
    console_begin(&line, CONSOLE_WARNING);
    text_format(&line.text, "console: too slow, lines dropped here: %u", (unsigned)dropped);
    console_end(&line);
}

/* Gives the device one run of bytes; returns how many it took. */
static size_t give(void) {
    const uint32_t at = console.tail % CFG_CONSOLE_BYTES;
    const uint32_t waits = console.head - console.tail;
    const uint32_t run = waits < CFG_CONSOLE_BYTES - at ? waits : CFG_CONSOLE_BYTES - at;
    const size_t took = run == 0 ? 0 : console_device_write(&console.ring[at], run);
    console.tail += (uint32_t)took;
    table_stats_set_used(&console.stats, console.head - console.tail);
    return took;
}

void console_poll(void) {
    keep_time();
    give();
    tell_dropped();
}

void console_flush(uint32_t tries) {
    for (uint32_t tried = 0; console_waits() && tried < tries; tried++) {
        if (give() > 0) {
            tried = 0;
        }
    }
}

struct table_stats console_stats(void) {
    struct table_stats stats = console.stats;
    stats.name = LABEL_VALUE("console_bytes");
    stats.limit = CFG_CONSOLE_BYTES;
    return stats;
}
