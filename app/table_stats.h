/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * table_stats.h: what every fixed table and pool reports about itself in /metrics. The
 * high-water marks are what decides the defaults in config.h.
 */
#ifndef PINGSHOT_TABLE_STATS_H
#define PINGSHOT_TABLE_STATS_H

#include "label_value.h"

#include <stdint.h>

struct table_stats {
    struct label_value name; /* value of the label `table` */
    uint32_t used;           /* entries (or bytes) in use now */
    uint32_t high_water;     /* the most that were ever in use */
    uint32_t limit;          /* how many there are */
    uint32_t refused_total;  /* requests turned away because none was left */
};

static inline void table_stats_set_used(struct table_stats *s, uint32_t used) {
    s->used = used;
    if (used > s->high_water) {
        s->high_water = used;
    }
}

static inline void table_stats_take(struct table_stats *s) {
    table_stats_set_used(s, s->used + 1);
}

static inline void table_stats_give(struct table_stats *s) {
    s->used--;
}

#endif
