/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * limits_roomy.h: the simulated server as a board with enough memory, and all clients. Small tables
 * all the same, so that a few seconds of traffic fill them, and times short enough to pass.
 */
#ifndef PINGSHOT_LIMITS_H
#define PINGSHOT_LIMITS_H

#define CFG_FAMILIES_MAX 16
#define CFG_SERIES_MAX 32
#define CFG_REGISTRY_TEXT_BYTES 6144
#define CFG_REGISTRY_TRANSACTIONS_MAX 2
#define CFG_LABELS_MAX 8
#define CFG_LINE_BYTES 512

#define CFG_EVENTS_MAX 24
#define CFG_EVENT_TEXT_BYTES 64
#define CFG_SCRAPERS_MAX 6
#define CFG_SCRAPES_IN_FLIGHT_MAX 6
#define CFG_SCRAPE_TIMEOUT_MS 3000u
#define CFG_EVENT_TIMESTAMP_AGE_MS 20000u

#define CFG_NOTIFICATION_RING_BYTES 1024
#define CFG_ALERTS_MAX 2

#define CFG_CONNECTIONS_MAX 10
#define CFG_HTTP_RX_BYTES 1024
#define CFG_HTTP_COUNTERS_MAX 8
#define CFG_IDEMPOTENCY_KEYS 64
#define CFG_HTTP_BODY_BYTES 1024
#define CFG_HTTP_BODY_BUFFERS 1
#define CFG_HTTP_TX_BYTES 1024
#define CFG_JSON_TOKENS_MAX 16

#define CFG_NET_MTU_MAX 1500
#define CFG_NET_SEND_BYTES (4 * 1460)
#define CFG_NET_SEND_SEGMENTS 12
/* Less than half of a page: a client that stops reading leaves some of it unacknowledged. */
#define CFG_NET_WINDOW_BYTES (2 * 1460)
#define CFG_NET_FRAMES 24
#define CFG_NET_FRAME_BYTES 608
#define CFG_NET_SPARE_CONNECTIONS 6
#define CFG_NET_FRAGMENTS 0
#define CFG_NET_HEAP_SLABS 0
#define CFG_NET_HEAP_BYTES (24 * 1024)
#define CFG_TLS_SESSIONS_MAX (CFG_CONNECTIONS_MAX + 6)
#define CFG_TLS_MEM_BYTES (192 * 1024)
#define CFG_TLS_SEND_RECORD_BYTES 1024
#define CFG_TLS_SEND_RECORDS 8

#define CFG_TLS_CLIENT 1
#define CFG_TLS_CERTIFICATE_TOOLS 1

/* The simulation's own: this server also speaks TLS. */
#define CFG_SIM_TLS 1

#endif
