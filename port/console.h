/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * console.h: the console: a UART on a board, stdout on a host. Lines wait in a ring until the
 * device takes them, so nothing ever waits for the console; what finds no room is dropped and
 * counted, and the next line that fits says how many were.
 *
 * A line: seconds since start, level, text:
 *
 *     12.345 info  network: address 192.168.76.2/24
 */
#ifndef PINGSHOT_CONSOLE_H
#define PINGSHOT_CONSOLE_H

#include "table_stats.h"
#include "text.h"

#include <stddef.h>
#include <stdint.h>

/* Bytes that can wait. 512..65536, a power of two. */
#ifndef CFG_CONSOLE_BYTES
#define CFG_CONSOLE_BYTES 2048
#endif

/* Longest line, its newline included; a longer one is cut. */
#define CONSOLE_LINE_BYTES 256u

enum console_level {
    CONSOLE_ERROR, /* something that pingshot is there for cannot work */
    CONSOLE_WARNING,
    CONSOLE_INFO,
};

/* A line being made; text_* functions append to `text`. */
struct console_line {
    struct text text;
    char bytes[CONSOLE_LINE_BYTES];
};

/* Begins a line with time and level, and queues it. Control characters become '?', so that what
 * came from outside cannot forge a line. */
void console_begin(struct console_line *line, enum console_level level);
void console_end(struct console_line *line);

/* A line of one fixed text. */
void console_say(enum console_level level, const char *text);

/* A warning of the app's. */
void console_warn(struct slice text);

/* The line that tells where pingshot is: `host` as a URL has it; a port of 0 is not served. */
void console_say_ready(const char *host, uint16_t port_http, uint16_t port_tls);

/* How many bytes console_write takes now. */
uint32_t console_writable(void);

/* Queues `n` bytes as they are, at most console_writable(). */
void console_write(const void *bytes, uint32_t n);

/* Queues as many of `n` bytes as there is room for beside a line, and returns how many: what prints
 * much can so never crowd out the lines. */
uint32_t console_offer(const char *bytes, uint32_t n);

/* Gives the device what it takes. Call each turn of the main loop. */
void console_poll(void);

/* True when bytes wait for the device. */
bool console_waits(void);

/* Copies what waits to the device with console_device_write until all is there or the device
 * takes nothing for `tries` calls: for last words before a reset. */
void console_flush(uint32_t tries);

/* The table `console_bytes`; its refusals are lines dropped. */
struct table_stats console_stats(void);

/* Provided by the port: gives the device at most `n` bytes, returns how many it took. Never
 * waits. */
size_t console_device_write(const char *bytes, size_t n);

#endif
