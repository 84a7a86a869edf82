/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * altcp_tls_rx.c: the receiving half of a TLS connection: what wolfSSL may read, what of it TCP's
 * window gets back, and what the application is given. When bytes come, and how a connection ends
 * that wolfSSL has given up, is for altcp_tls_conn.c.
 */
#include "altcp_tls_conn.h"

#include "lwip/priv/tcp_priv.h"

#include <wolfssl/error-ssl.h>

/* A pbuf chain counts its bytes in 16 bits. */
_Static_assert(TCP_WND <= 0xffff, "TCP_WND: at most 65535 with TLS");
_Static_assert(ALTCP_TLS_RX_UNTAKEN_BYTES >= 1 && ALTCP_TLS_RX_UNTAKEN_BYTES <= 65535,
               "ALTCP_TLS_RX_UNTAKEN_BYTES: set 1 to 65535");
_Static_assert(ALTCP_TLS_RX_PBUF_BYTES >= 64 && ALTCP_TLS_RX_PBUF_BYTES <= 16384,
               "ALTCP_TLS_RX_PBUF_BYTES: set 64 to 16384");
_Static_assert(ALTCP_TLS_RX_RECORD_BYTES >= 512 && ALTCP_TLS_RX_RECORD_BYTES <= 16384,
               "ALTCP_TLS_RX_RECORD_BYTES: set 512 to 16384");

/* ---- what wolfSSL reads ---------------------------------------------------------------------
 *
 * It keeps a whole record in the pool before it can decrypt it, and ends the connection when there
 * is no room. So each record's header is looked at first: one that is too long is refused before a
 * byte of it is kept, and one for which the pool has no room now waits in TCP's window for others to
 * give memory back. Not for long, because what waits keeps frames that others need. */

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

/* ---- the window ----------------------------------------------------------------------------- */

static void credit_all(struct altcp_tls_conn *c) {
    while (c->rx_taken_bytes > 0 && c->inner != NULL) {
        u16_t n = (u16_t)LWIP_MIN(c->rx_taken_bytes, 0xffffu);
        c->rx_taken_bytes -= n;
        altcp_recved(c->inner, n);
    }
}

/* What the client was told that it may send, less what came of it. It is not all that there is room
 * for: TCP tells no gain of less than half the window, or a segment. */
static u32_t told_bytes(const struct altcp_tls_conn *c) {
    const struct tcp_pcb *tcp = altcp_tls_conn_tcp(c->inner);
    return tcp != NULL ? tcp->rcv_ann_wnd : TCP_WND - c->rx_taken_bytes;
}

/* What comes while the application does not take, or beyond the record that is needed, would wait in
 * frames that others need. A client sends nothing into less than half of the largest window that it
 * saw, or a segment (RFC 9293 section 3.8.6.2). */
void altcp_tls_rx_credit(struct altcp_tls_conn *c) {
    const u32_t needed = LWIP_MAX(c->rx_record_left, LWIP_MIN(TCP_WND / 2u, TCP_MSS));
    if (c->inner == NULL || c->rx_untaken_bytes > 0 || c->rx_refused != NULL) {
        return;
    }
    if (c->rx_record_left == 0 || told_bytes(c) < needed) {
        credit_all(c);
    }
}

/* TCP's window is given back with it, for lwIP answers a close with unread data by a reset, and that
 * may overtake what was sent last. */
void altcp_tls_rx_drop(struct altcp_tls_conn *c) {
    if (c->rx != NULL) {
        c->rx_taken_bytes += c->rx->tot_len;
        pbuf_free(c->rx);
        c->rx = NULL;
    }
    if (c->rx_refused != NULL) {
        pbuf_free(c->rx_refused);
        c->rx_refused = NULL;
    }
    credit_all(c);
}

/* ---- to the application --------------------------------------------------------------------- */

/* Gives the application a pbuf, or with NULL the end of the stream. */
static enum altcp_tls_fate pass_up(struct altcp_tls_conn *c, struct pbuf *p) {
    struct altcp_pcb *pcb = c->pcb;
    u16_t n = p == NULL ? 0 : p->tot_len;
    if (pcb->recv == NULL || c->rx_shut) {
        if (p != NULL) {
            pbuf_free(p);
        }
        return ALTCP_TLS_ALIVE;
    }
    c->rx_untaken_bytes += n; /* before, for it may be taken at once */
    err_t err = pcb->recv(pcb->arg, pcb, p, ERR_OK);
    if (err == ERR_ABRT) {
        return ALTCP_TLS_ABORTED;
    }
    if (c->pcb != pcb) {
        return ALTCP_TLS_GONE;
    }
    if (err != ERR_OK && p != NULL) {
        c->rx_refused = p;
        c->rx_untaken_bytes -= p->tot_len; /* it may have taken a part */
    }
    return ALTCP_TLS_ALIVE;
}

/* Decrypts up to a pbuf's worth and passes it up. `*more` is false when nothing is left to do
 * until something comes, or until memory is given back. */
static enum altcp_tls_fate read_some(struct altcp_tls_conn *c, bool *more) {
    u32_t there = (u32_t)wolfSSL_pending(c->ssl);
    if (there == 0 && c->rx != NULL) {
        there = c->rx->tot_len; /* what it decrypts to is shorter */
    }
    *more = false;
    if (there == 0) {
        return ALTCP_TLS_ALIVE;
    }
    u16_t n = (u16_t)LWIP_MIN(there, (u32_t)ALTCP_TLS_RX_PBUF_BYTES);
    struct pbuf *p = pbuf_alloc(PBUF_RAW, n, PBUF_RAM);
    if (p == NULL) {
        return ALTCP_TLS_ALIVE;
    }
    int got = wolfSSL_read(c->ssl, p->payload, n);
    altcp_tls_rx_credit(c);
    if (got > 0) {
        pbuf_realloc(p, (u16_t)got);
        *more = true;
        return pass_up(c, p);
    }
    pbuf_free(p);
    int error = wolfSSL_get_error(c->ssl, got);
    if (error == WOLFSSL_ERROR_ZERO_RETURN || error == ZERO_RETURN) {
        c->notify_received = true;
        altcp_tls_rx_drop(c); /* nothing counts after a close_notify */
    } else if (error != WOLFSSL_ERROR_WANT_READ) {
        return altcp_tls_conn_fail(c, error);
    }
    return ALTCP_TLS_ALIVE;
}

/* Tells the application of the end once, after all that came before. */
static enum altcp_tls_fate tell_end(struct altcp_tls_conn *c) {
    bool all_read = c->rx == NULL && wolfSSL_pending(c->ssl) == 0;
    if (c->end_told || c->rx_refused != NULL ||
        !(c->notify_received || (c->fin_received && all_read))) {
        return ALTCP_TLS_ALIVE;
    }
    c->end_told = true;
    if (!c->notify_received) {
        altcp_tls_conn_stats.truncated_total++;
    }
    return pass_up(c, NULL);
}

enum altcp_tls_fate altcp_tls_rx_run(struct altcp_tls_conn *c) {
    enum altcp_tls_fate fate = ALTCP_TLS_ALIVE;
    bool more = true;
    if (c->rx_refused != NULL) {
        struct pbuf *p = c->rx_refused;
        c->rx_refused = NULL;
        fate = pass_up(c, p);
    }
    while (fate == ALTCP_TLS_ALIVE && more && c->rx_refused == NULL && !c->notify_received &&
           c->rx_untaken_bytes < ALTCP_TLS_RX_UNTAKEN_BYTES) {
        fate = read_some(c, &more);
    }
    return fate == ALTCP_TLS_ALIVE ? tell_end(c) : fate;
}
