/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * tls_stats.h: what a port that serves TLS counts, for /metrics.
 */
#ifndef PINGSHOT_TLS_STATS_H
#define PINGSHOT_TLS_STATS_H

#include "label_value.h"

#include <stdint.h>

struct tls_stats {
    uint32_t full_total;      /* handshakes with a certificate */
    uint32_t resumed_total;   /* handshakes with a ticket */
    uint32_t truncated_total; /* connections ended without close_notify */
    uint32_t failures_count;  /* kinds of failure that there are, then their names and counts */
    const struct label_value *failure_names;
    const uint32_t *failures_total;
};

#endif
