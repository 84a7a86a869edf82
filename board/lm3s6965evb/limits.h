/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * limits.h: the capacities of the LM3S6965, which has 64 KiB of RAM. See app/config.h for what each
 * one means; what is not here has the default that is there.
 *
 * Of its memory wolfSSL takes some 1,200 bytes for all, for a session at rest 2,100 (TLS 1.3) or
 * 2,500 (1.2), and up to 5,000 while that one is in its handshake: so there is room for a second
 * handshake beside a session, and for a POST of 2 KB and a page beside two. lwIP's heap has room for
 * the two pages that two slow readers have not acknowledged, and still for another's answer.
 */
#ifndef PINGSHOT_LIMITS_H
#define PINGSHOT_LIMITS_H

#define CFG_FAMILIES_MAX 28
#define CFG_SERIES_MAX 96
#define CFG_REGISTRY_TEXT_BYTES (5 * 1024 + 512)
#define CFG_REGISTRY_TRANSACTIONS_MAX 2
#define CFG_LABELS_MAX 16
#define CFG_LINE_BYTES 384

#define CFG_EVENTS_MAX 48
#define CFG_EVENT_TEXT_BYTES 80
#define CFG_SCRAPERS_MAX 4

#define CFG_CONNECTIONS_MAX 6
#define CFG_HTTP_RX_BYTES 832
#define CFG_HTTP_REQUEST_LINE_BYTES 768
#define CFG_IDEMPOTENCY_KEYS 16
#define CFG_HTTP_COUNTERS_MAX 40
#define CFG_HTTP_BODY_BYTES 2048
#define CFG_HTTP_BODY_BUFFERS 1
#define CFG_HTTP_TX_BYTES 1024
#define CFG_JSON_TOKENS_MAX 112

#define CFG_NOTIFICATION_RING_BYTES 1280
#define CFG_ALERTS_MAX 8
#define CFG_ALERT_TEXT_BYTES 96

#define CFG_CONSOLE_BYTES 512

#define CFG_INTERRUPTS 44

#define CFG_NET_MTU_MAX 1500
#define CFG_NET_MSS 536
#define CFG_NET_ETH_PAD_BYTES 2
#define CFG_NET_SEND_BYTES (3 * 536)
#define CFG_NET_SEND_SEGMENTS 7
#define CFG_NET_WINDOW_BYTES (2 * 536)
#define CFG_NET_FRAMES 9
#define CFG_NET_FRAME_BYTES 304
#define CFG_NET_SPARE_CONNECTIONS 3
#define CFG_NET_FRAGMENTS 0
#define CFG_NET_SMALL 1
#define CFG_NET_HEAP_SLABS 0
#define CFG_NET_HEAP_BYTES (4 * 1024 + 512)
#define CFG_NET_NEIGHBORS 6
#define CFG_RANDOM_BLOCKS 2
#define CFG_TLS_SESSIONS_MAX 2
#define CFG_TLS_WAITING_MAX 4
#define CFG_TLS_MEM_BYTES (9 * 1024)
#define CFG_TLS_MEM_RESERVE_BYTES 4736
#define CFG_TLS_SEND_RECORD_BYTES 1024
#define CFG_TLS_SEND_RECORDS 4

#endif
