/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * limits.h: the capacities of the host target. See app/config.h for what each one means.
 * The tables are large, but Linux gives their memory page by page as it is first used.
 */
#ifndef PINGSHOT_LIMITS_H
#define PINGSHOT_LIMITS_H

#define CFG_FAMILIES_MAX 1024
#define CFG_SERIES_MAX 16384
#define CFG_REGISTRY_VALUE_BYTES 25
#define CFG_REGISTRY_TEXT_BYTES (4 * 1024 * 1024)
#define CFG_REGISTRY_TRANSACTIONS_MAX 32
#define CFG_LABELS_MAX 64
#define CFG_LINE_BYTES 4096

#define CFG_EVENTS_MAX 4096
#define CFG_EVENT_TEXT_BYTES 1024
#define CFG_SCRAPERS_MAX 32
#define CFG_SCRAPES_IN_FLIGHT_MAX 64

#define CFG_NOTIFICATION_RING_BYTES (4 * 1024 * 1024)
#define CFG_ALERTS_MAX 2048
#define CFG_ALERT_TEXT_BYTES 512
#define CFG_PRINT_BYTES 16384
#define CFG_CONSOLE_BYTES 65536

#define CFG_CONNECTIONS_MAX 128
#define CFG_HTTP_RX_BYTES 16384
#define CFG_IDEMPOTENCY_KEYS 1024
#define CFG_HTTP_COUNTERS_MAX 384
#define CFG_HTTP_BODY_BYTES (1024 * 1024)
#define CFG_HTTP_BODY_BUFFERS 32
#define CFG_HTTP_TX_BYTES 16384

#define CFG_JSON_TOKENS_MAX 65536

#define CFG_TLS_CERTIFICATE_TOOLS 1

#endif
