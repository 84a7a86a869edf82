/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * altcp_tls_rx.c: the bytes that wolfSSL reads. It keeps a whole record in the pool before it can
 * decrypt it, and ends the connection when there is no room. So each record's header is looked at
 * first: one that is too long is refused before a byte of it is kept, and one for which the pool
 * has no room now waits in TCP's window for others to give memory back. Not for long, because what
 * waits keeps frames that others need.
 */
#include "altcp_tls_conn.h"

_Static_assert(ALTCP_TLS_RX_RECORD_BYTES >= 512 && ALTCP_TLS_RX_RECORD_BYTES <= 16384,
               "ALTCP_TLS_RX_RECORD_BYTES: set 512 to 16384");

/* What encryption may add to a record: RFC 8446 section 5.2. */
#define EXPANSION_BYTES_MAX 256u

/* Of a header: RFC 8446 section 5.1. */
#define FIRST_TYPE 20 /* change_cipher_spec */
#define LAST_TYPE 23  /* application_data */
#define MAJOR_VERSION 3

/* Records up to this size lie in the session itself (RECORD_SIZE in wolfSSL's internal.h). */
#define IN_SESSION_BYTES 128u

static u32_t announced_bytes(const struct altcp_tls_conn *c) {
    return (u32_t)c->rx_header[3] << 8 | c->rx_header[4];
}

/* What is no record at all wolfSSL shall refuse, for that is what its bytes are counted as. */
static bool is_record(const struct altcp_tls_conn *c) {
    return c->rx_header[0] >= FIRST_TYPE && c->rx_header[0] <= LAST_TYPE &&
           c->rx_header[1] == MAJOR_VERSION;
}

/* What is left must do for the answer: the rest of the handshake, or a record of the
 * application's. */
static bool has_room(const struct altcp_tls_conn *c) {
    const bool begins = !c->established && c->tx_made_bytes == 0;
    const u32_t rest_bytes =
        begins ? ALTCP_TLS_MEM_RESERVE_BYTES / 2 : ALTCP_TLS_RECORD_BYTES + EXPANSION_BYTES_MAX;
    const u32_t bytes = announced_bytes(c);
    if (bytes <= IN_SESSION_BYTES) {
        return !begins || altcp_tls_mem_fits(1, rest_bytes);
    }
    return altcp_tls_mem_fits(bytes + ALTCP_TLS_RX_HEADER_BYTES, rest_bytes);
}

/* How many bytes of the header wolfSSL may have now, of `count` that it wants. */
static int header_bytes(struct altcp_tls_conn *c, u16_t count) {
    u16_t wanted = (u16_t)(ALTCP_TLS_RX_HEADER_BYTES - c->rx_header_count);
    u16_t n = (u16_t)LWIP_MIN(count, wanted);
    pbuf_copy_partial(c->rx, c->rx_header + c->rx_header_count, n, 0);
    if (n == wanted && is_record(c)) {
        if (announced_bytes(c) > ALTCP_TLS_RX_RECORD_BYTES + EXPANSION_BYTES_MAX) {
            c->rx_record_too_long = true;
            return WOLFSSL_CBIO_ERR_GENERAL;
        }
        c->rx_waits = !has_room(c);
        if (c->rx_waits) {
            return WOLFSSL_CBIO_ERR_WANT_READ;
        }
        c->rx_wait_polls = 0;
    }
    c->rx_header_count = (u8_t)(c->rx_header_count + n);
    if (c->rx_header_count == ALTCP_TLS_RX_HEADER_BYTES) {
        c->rx_header_count = 0;
        c->rx_record_left = (u16_t)announced_bytes(c);
    }
    return n;
}

int altcp_tls_rx_read(WOLFSSL *ssl, char *to, int count, void *context) {
    struct altcp_tls_conn *c = context;
    (void)ssl;
    if (c->rx == NULL) {
        return WOLFSSL_CBIO_ERR_WANT_READ;
    }
    u16_t there = (u16_t)LWIP_MIN((u32_t)count, c->rx->tot_len);
    int n;
    if (c->rx_record_left > 0) {
        n = LWIP_MIN(there, c->rx_record_left);
        c->rx_record_left = (u16_t)(c->rx_record_left - n);
    } else {
        n = header_bytes(c, there);
    }
    if (n > 0) {
        pbuf_copy_partial(c->rx, to, (u16_t)n, 0);
        c->rx = pbuf_free_header(c->rx, (u16_t)n);
        c->rx_taken_bytes += (u32_t)n;
    }
    return n;
}
