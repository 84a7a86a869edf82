/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * altcp_tls_opts.h: what altcp_tls_wolfssl lets a project choose. lwipopts.h may define any of
 * them; what it leaves alone has the default here.
 */
#ifndef PORT_ALTCP_TLS_OPTS_H
#define PORT_ALTCP_TLS_OPTS_H

#include "lwip/opt.h"

/* TLS connections at once, those still in the handshake included. 1..65534; 80 bytes each and
 * ALTCP_TLS_TX_RECORDS * 8 more, beside what wolfSSL needs in the pool. */
#ifndef ALTCP_TLS_SESSIONS_MAX
#define ALTCP_TLS_SESSIONS_MAX 8
#endif

/* Connections beyond these that wait for the turn of their handshake. 1..65534; as large. */
#ifndef ALTCP_TLS_WAITING_MAX
#define ALTCP_TLS_WAITING_MAX ALTCP_TLS_SESSIONS_MAX
#endif

/* The pool of all of wolfSSL's memory, in bytes. 1024..2^27. A connection at rest holds 2 to 4 KB,
 * in the handshake 5 to 12 KB, and a record as large as it is while it arrives or leaves. */
#ifndef ALTCP_TLS_MEM_BYTES
#define ALTCP_TLS_MEM_BYTES (ALTCP_TLS_SESSIONS_MAX * 12 * 1024)
#endif

/* What one handshake takes of the pool, in bytes: it begins when so much is free. */
#ifndef ALTCP_TLS_MEM_RESERVE_BYTES
#define ALTCP_TLS_MEM_RESERVE_BYTES 8192
#endif

/* Time for a handshake from its turn on, and the longest that a connection waits for its turn, in
 * ms. 1000..60000, in steps of 500. */
#ifndef ALTCP_TLS_HANDSHAKE_MS
#define ALTCP_TLS_HANDSHAKE_MS 10000
#endif

/* Time for a handshake while others wait for their turn, in ms. 500..ALTCP_TLS_HANDSHAKE_MS, in
 * steps of 500: a segment lost should not end it. */
#ifndef ALTCP_TLS_TURN_MS
#define ALTCP_TLS_TURN_MS 2000
#endif

/* Plaintext of one record sent, in bytes, and so the most that altcp_sndbuf tells. 512..16384
 * (RFC 8446 section 5.1); while a record is made it lies in the pool. */
#ifndef ALTCP_TLS_RECORD_BYTES
#define ALTCP_TLS_RECORD_BYTES 16384
#endif

/* Longest plaintext of one record received, in bytes. 512..16384 (RFC 8446 section 5.1). A record
 * lies in the pool until it is decrypted; one that is longer ends its connection with the alert
 * record_overflow. */
#ifndef ALTCP_TLS_RX_RECORD_BYTES
#define ALTCP_TLS_RX_RECORD_BYTES 16384
#endif

/* How long a record may wait for room in the pool, in ms, before its connection is ended: it holds
 * frames meanwhile. 500..60000, in steps of 500. */
#ifndef ALTCP_TLS_RX_WAIT_MS
#define ALTCP_TLS_RX_WAIT_MS 2000
#endif

/* Records sent whose acknowledgement is told exactly. 2..65535; 8 bytes each and session. Beyond
 * them a record's bytes are reported with those of a later one. */
#ifndef ALTCP_TLS_TX_RECORDS
#define ALTCP_TLS_TX_RECORDS 32
#endif

/* Plaintext that the application was given and has not taken (altcp_recved), in bytes. Nothing
 * more is decrypted beyond it; TCP's window then fills. 1..65535. */
#ifndef ALTCP_TLS_RX_UNTAKEN_BYTES
#define ALTCP_TLS_RX_UNTAKEN_BYTES 16384
#endif

/* Plaintext given to the application in one pbuf, in bytes. 64..16384. Taken from lwIP's heap:
 * PBUF_POOL may be full of what waits to be decrypted. */
#ifndef ALTCP_TLS_RX_PBUF_BYTES
#define ALTCP_TLS_RX_PBUF_BYTES 2048
#endif

#endif
