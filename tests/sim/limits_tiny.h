/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * limits_tiny.h: the simulated server as the smallest board that could work: every table, lwIP's
 * heap and its segments run out all the time. Without TLS, whose memory would dwarf all others.
 */
#ifndef PINGSHOT_LIMITS_H
#define PINGSHOT_LIMITS_H

#define CFG_FAMILIES_MAX 8
#define CFG_SERIES_MAX 8
#define CFG_REGISTRY_TEXT_BYTES 1024
#define CFG_REGISTRY_TRANSACTIONS_MAX 1
#define CFG_LABELS_MAX 8
#define CFG_LINE_BYTES 384

#define CFG_EVENTS_MAX 8
#define CFG_EVENT_TEXT_BYTES 64
#define CFG_SCRAPERS_MAX 3
#define CFG_SCRAPES_IN_FLIGHT_MAX 2
#define CFG_SCRAPE_TIMEOUT_MS 3000u
#define CFG_EVENT_TIMESTAMP_AGE_MS 20000u

#define CFG_NOTIFICATION_RING_BYTES 1024
#define CFG_ALERTS_MAX 1

#define CFG_CONNECTIONS_MAX 5
#define CFG_HTTP_RX_BYTES 640
#define CFG_HTTP_REQUEST_LINE_BYTES 512
#define CFG_HTTP_COUNTERS_MAX 8
#define CFG_IDEMPOTENCY_KEYS 24
#define CFG_HTTP_BODY_BYTES 640
#define CFG_HTTP_BODY_BUFFERS 1
#define CFG_HTTP_TX_BYTES 1024
#define CFG_JSON_TOKENS_MAX 16

#define CFG_NET_MTU_MAX 1500
#define CFG_NET_MSS 536
#define CFG_NET_SEND_BYTES (3 * 536)
#define CFG_NET_SEND_SEGMENTS 6
#define CFG_NET_WINDOW_BYTES (2 * 536)
#define CFG_NET_FRAMES 6
#define CFG_NET_FRAME_BYTES 304
#define CFG_NET_SPARE_CONNECTIONS 2
#define CFG_NET_FRAGMENTS 0
#define CFG_NET_HEAP_SLABS 0
#define CFG_NET_HEAP_BYTES 3584
#define CFG_TLS_SESSIONS_MAX 1

#define CFG_SIM_TLS 0

#endif
