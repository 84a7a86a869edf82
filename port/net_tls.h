/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * net_tls.h: what joins the TLS layer (altcp_tls_wolfssl) to pingshot: its randomness and time
 * come from the port's, and its pools and counters go to /metrics.
 */
#ifndef PINGSHOT_NET_TLS_H
#define PINGSHOT_NET_TLS_H

#include "table_stats.h"
#include "tls_stats.h"

#include <stdbool.h>
#include <stdint.h>

/* How many tables net_tls_table knows. */
#define NET_TLS_TABLES 3u

/* Fills in table `index`: sessions, handshakes that wait for one, and wolfSSL's
 * memory in bytes. False beyond the last. */
bool net_tls_table(uint32_t index, struct table_stats *stats);

/* Fills in the counters. */
void net_tls_stats(struct tls_stats *stats);

#endif
