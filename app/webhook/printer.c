/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * printer.c: see printer.h.
 */
#include "webhook/printer.h"

void printer_init(struct printer *printer, printer_write write) {
    printer->write = write;
    printer->printing = false;
    printer->printed = 0;
    printer->dropped_total = 0;
    printer->ready_bytes = 0;
    printer->taken_bytes = 0;
    printer->text = (struct notification_text){.place = {0, 0}};
}

/* Begins with the next notification. False when there is none. Those that are gone already are
 * counted, and a line says so. */
static bool begin_next(struct printer *printer, const struct notifications *n, struct text *out) {
    if (printer->printed == n->number) {
        return false;
    }
    struct notifications_place next = notifications_newer(n, printer->text.place);
    if (next.number == 0) { /* the last one printed is gone, or there was none */
        next = notifications_oldest(n);
    }
    const uint64_t lost = next.number - printer->printed - 1u;
    if (lost > 0) {
        printer->dropped_total += lost;
        text_format(out, "... the console was too slow for %llu notifications\n\n",
                    (unsigned long long)lost);
    }
    printer->text = (struct notification_text){.place = next};
    printer->printing = true;
    return true;
}

/* Fills the buffer with what is to be printed. */
static void make_ready(struct printer *printer, const struct notifications *n) {
    struct text out = text_over(printer->ready, sizeof printer->ready);
    while (text_room(&out) >= NOTIFICATION_TEXT_LINE_BYTES &&
           (printer->printing || begin_next(printer, n, &out))) {
        if (text_room(&out) < NOTIFICATION_TEXT_LINE_BYTES) {
            break;
        }
        const enum notification_text_result result =
            notification_text_pull(&printer->text, n, JSON_PRINT_TERMINAL, &out);
        if (result == NOTIFICATION_TEXT_MORE) {
            break;
        }
        printer->dropped_total += result == NOTIFICATION_TEXT_LOST;
        printer->printed = printer->text.place.number;
        printer->printing = false;
    }
    printer->ready_bytes = out.len;
    printer->taken_bytes = 0;
}

bool printer_poll(struct printer *printer, const struct notifications *n) {
    if (printer->write == NULL) {
        return false;
    }
    if (printer->taken_bytes == printer->ready_bytes) {
        if (!printer->printing && printer->printed == n->number) {
            return false;
        }
        make_ready(printer, n);
    }
    printer->taken_bytes += printer->write(printer->ready + printer->taken_bytes,
                                           printer->ready_bytes - printer->taken_bytes);
    return printer->taken_bytes == printer->ready_bytes &&
           (printer->printing || printer->printed != n->number);
}
