/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * console.c: see console.h.
 */
#include "webhook/console.h"

void console_init(struct console *c, console_write write) {
    c->write = write;
    c->printing = false;
    c->printed = 0;
    c->dropped_total = 0;
    c->ready_bytes = 0;
    c->taken_bytes = 0;
    c->text = (struct notification_text){.place = {0, 0}};
}

/* Begins with the next notification. False when there is none. Those that are gone already are
 * counted, and a line says so. */
static bool begin_next(struct console *c, const struct notifications *n, struct text *out) {
    if (c->printed == n->number) {
        return false;
    }
    struct notifications_place next = notifications_newer(n, c->text.place);
    if (next.number == 0) { /* the last one printed is gone, or there was none */
        next = notifications_oldest(n);
    }
    const uint64_t lost = next.number - c->printed - 1u;
    if (lost > 0) {
        c->dropped_total += lost;
        text_put_slice(out, SLICE("... the console was too slow for "));
        text_put_u64(out, lost);
        text_put_slice(out, SLICE(" notifications\n\n"));
    }
    c->text = (struct notification_text){.place = next};
    c->printing = true;
    return true;
}

/* Fills the buffer with what is to be printed. */
static void make_ready(struct console *c, const struct notifications *n) {
    struct text out = text_over(c->ready, sizeof c->ready);
    while (text_room(&out) >= NOTIFICATION_TEXT_LINE_BYTES &&
           (c->printing || begin_next(c, n, &out))) {
        if (text_room(&out) < NOTIFICATION_TEXT_LINE_BYTES) {
            break;
        }
        const enum notification_text_result result =
            notification_text_pull(&c->text, n, JSON_PRINT_TERMINAL, &out);
        if (result == NOTIFICATION_TEXT_MORE) {
            break;
        }
        c->dropped_total += result == NOTIFICATION_TEXT_LOST;
        c->printed = c->text.place.number;
        c->printing = false;
    }
    c->ready_bytes = out.len;
    c->taken_bytes = 0;
}

bool console_poll(struct console *c, const struct notifications *n) {
    if (c->write == NULL) {
        return false;
    }
    if (c->taken_bytes == c->ready_bytes) {
        if (!c->printing && c->printed == n->number) {
            return false;
        }
        make_ready(c, n);
    }
    c->taken_bytes += c->write(c->ready + c->taken_bytes, c->ready_bytes - c->taken_bytes);
    return c->taken_bytes == c->ready_bytes && (c->printing || c->printed != n->number);
}
