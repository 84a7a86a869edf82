/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * limits.h: small capacities for the unit tests, so that every table can be filled quickly.
 */
#ifndef PINGSHOT_LIMITS_H
#define PINGSHOT_LIMITS_H

#define CFG_FAMILIES_MAX 16
#define CFG_SERIES_MAX 64
#define CFG_REGISTRY_TEXT_BYTES 8192
#define CFG_REGISTRY_TRANSACTIONS_MAX 3
#define CFG_LABELS_MAX 8
#define CFG_LINE_BYTES 512

#define CFG_EVENTS_MAX 40
#define CFG_EVENT_TEXT_BYTES 128
#define CFG_SCRAPERS_MAX 4
#define CFG_SCRAPES_IN_FLIGHT_MAX 6

#define CFG_NOTIFICATION_RING_BYTES 2048
#define CFG_ALERTS_MAX 6

#define CFG_CONNECTIONS_MAX 6
#define CFG_HTTP_RX_BYTES 1024
#define CFG_IDEMPOTENCY_KEYS 4
#define CFG_HTTP_COUNTERS_MAX 8
#define CFG_HTTP_BODY_BYTES 2048
#define CFG_HTTP_BODY_BUFFERS 2
#define CFG_HTTP_TX_BYTES 2048

#define CFG_JSON_TOKENS_MAX 64

/* A full frame is a chain of three. */
#define CFG_NET_FRAME_BYTES 608
#define CFG_NET_FRAMES 128

#define CFG_TLS_SESSIONS_MAX 5
#define CFG_TLS_WAITING_MAX 4
#define CFG_TLS_CLIENT 1
#define CFG_TLS_CERTIFICATE_TOOLS 1

#endif
