/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * printer.h: prints each notification to the console, in order of arrival, as fast as the console
 * takes it. A console (a UART, a pipe) can be slow or stand still; nobody waits for it: what newer
 * notifications overwrite in the ring before it was printed is counted as dropped.
 */
#ifndef PINGSHOT_PRINTER_H
#define PINGSHOT_PRINTER_H

#include "webhook/notification_text.h"

_Static_assert(CFG_PRINT_BYTES >= 2 * NOTIFICATION_TEXT_LINE_BYTES &&
                   CFG_PRINT_BYTES >= NOTIFICATION_TEXT_LINE_BYTES + JSON_PRINT_STEP_BYTES,
               "CFG_PRINT_BYTES: too small for a line");

/* What a port provides: takes up to `n` of these bytes and returns how many; 0: it has no room now,
 * ask again at the next poll. It must not wait. */
typedef uint32_t (*printer_write)(const char *bytes, uint32_t n);

/* Owned by the caller. */
struct printer {
    printer_write write; /* NULL: there is no console */
    bool printing;       /* `text` is under way */
    uint64_t printed;    /* number of the last notification that was printed, or dropped */
    uint64_t dropped_total;
    uint32_t ready_bytes; /* in `ready` */
    uint32_t taken_bytes; /* of those, by the port */
    struct notification_text text;
    char ready[CFG_PRINT_BYTES];
};

void printer_init(struct printer *printer, printer_write write);

/* Prints on, at most CFG_PRINT_BYTES at a time. True when there is more to print and the console
 * has taken all it was offered: then poll again soon. */
bool printer_poll(struct printer *printer, const struct notifications *n);

#endif
