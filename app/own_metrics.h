/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * own_metrics.h: what pingshot says of itself in /metrics (SPEC section 3, "Own metrics"), beside
 * ping_request_count, which is in the registry.
 */
#ifndef PINGSHOT_OWN_METRICS_H
#define PINGSHOT_OWN_METRICS_H

#include "table_stats.h"
#include "text.h"

struct app;

/* Where a page is: a few bytes that its connection keeps. All zero: at the beginning. */
struct own_metrics_cursor {
    uint16_t family;
    uint16_t sample; /* the next one of that family, from 1; 0: its HELP and TYPE */
};

/* Appends whole lines while they fit. True when all are written; false: call again with more
 * room, CFG_LINE_BYTES is enough. */
bool own_metrics_pull(struct own_metrics_cursor *cursor, const struct app *app, bool openmetrics,
                      struct text *out);

/* The state of fixed table number `index`, of the app's and behind them the port's. NULL beyond the
 * last. What is not kept as such is put into `made`, and good as long as that. */
const struct table_stats *own_metrics_table(const struct app *app, uint32_t index,
                                            struct table_stats *made);

#endif
