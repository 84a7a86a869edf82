/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * limits.h: the capacities of the MPS2 boards, as a part with 256 KiB of RAM. See app/config.h for
 * what each one means; what is not here has the default that is there.
 */
#ifndef PINGSHOT_LIMITS_H
#define PINGSHOT_LIMITS_H

#define CFG_REGISTRY_TEXT_BYTES (58 * 1024)
#define CFG_LINE_BYTES 768
#define CFG_EVENT_TEXT_BYTES 88
#define CFG_NOTIFICATION_RING_BYTES 4096
#define CFG_ALERTS_MAX 16
#define CFG_IDEMPOTENCY_KEYS 48
#define CFG_HTTP_RX_BYTES 1024
#define CFG_HTTP_REQUEST_LINE_BYTES 768
#define CFG_HTTP_BODY_BYTES 4096
#define CFG_HTTP_BODY_BUFFERS 1
#define CFG_HTTP_TX_BYTES 2944
#define CFG_HTTP_TX_ROOM_BYTES 1024 /* a TLS record */
#define CFG_JSON_TOKENS_MAX 224

#define CFG_NET_MTU_MAX 1500
#define CFG_NET_SEND_BYTES (4 * 1460)
#define CFG_NET_SEND_SEGMENTS 10
#define CFG_NET_WINDOW_BYTES 1460
#define CFG_NET_FRAMES 18
#define CFG_NET_FRAME_BYTES 608
#define CFG_NET_SPARE_CONNECTIONS 6
#define CFG_NET_HEAP_SLABS 0
#define CFG_NET_HEAP_BYTES (16 * 1024)
#define CFG_TLS_SESSIONS_MAX 6
#define CFG_TLS_WAITING_MAX 6
#define CFG_TLS_MEM_BYTES (22 * 1024 + 384)
#define CFG_TLS_MEM_RESERVE_BYTES (6 * 1024)
#define CFG_TLS_SEND_RECORD_BYTES 1024
#define CFG_TLS_SEND_RECORDS 8

#endif
