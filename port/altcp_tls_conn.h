/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * altcp_tls_conn.h: one accepted TLS connection: what altcp_tls_wolfssl.c (configuration and
 * listeners), altcp_tls_conn.c (life, handshake, ends), altcp_tls_turns.c (which handshake may
 * begin), altcp_tls_rx.c (receiving) and altcp_tls_tx.c (sending) share. For these five files only.
 */
#ifndef PORT_ALTCP_TLS_CONN_H
#define PORT_ALTCP_TLS_CONN_H

#include "altcp_tls_opts.h"
#include "altcp_tls_wolfssl.h"

#include "lwip/altcp.h"
#include "lwip/priv/altcp_priv.h"

#include <stdbool.h>
#include <wolfssl/ssl.h>

/* A record on its way: once TCP has acknowledged the stream of ciphertext up to `end`, the peer
 * has `plain_bytes` more. */
struct altcp_tls_record {
    u32_t end; /* wraps */
    u32_t plain_bytes;
};

/* Ciphertext that TCP had no room for. From the pool; its bytes follow. */
struct altcp_tls_waiting {
    struct altcp_tls_waiting *next;
    u32_t first; /* of its bytes, those before are with TCP */
    u32_t count;
};

struct altcp_tls_conn {
    struct altcp_pcb *pcb;       /* the TLS layer's; NULL: this place is free */
    struct altcp_pcb *inner;     /* TCP's; NULL once that is gone */
    struct altcp_pcb *listener;  /* NULL once the application has the connection */
    struct altcp_tls_conn *next; /* of the free places, or of those that wait for their turn */
    WOLFSSL *ssl;                /* NULL before the first bytes came */
    struct pbuf *rx;             /* ciphertext that wolfSSL has not taken */
    struct pbuf *rx_refused;     /* plaintext that the application did not want yet */
    struct altcp_tls_waiting *tx_waiting; /* oldest first */
    u8_t rx_header[5];                    /* of the record that comes next */
    u32_t rx_taken_bytes;                 /* taken by wolfSSL, not yet told to TCP's window */
    u32_t rx_untaken_bytes;               /* plaintext that the application has and did not take */
    u32_t tx_made_bytes;                  /* ciphertext made since the connection began; wraps */
    u32_t tx_acked_bytes;                 /* of that, acknowledged; wraps */
    struct altcp_tls_record records[ALTCP_TLS_TX_RECORDS]; /* a ring */
    u16_t rx_record_left;    /* bytes that wolfSSL has not taken of the record it reads */
    u8_t rx_header_count;    /* bytes that it has of the next one's header */
    bool rx_record_too_long; /* that header announces more than is taken */
    bool rx_waits;           /* the pool has no room for what came */
    u8_t rx_wait_polls;      /* since when */
    u16_t record_first;
    u16_t record_count;
    u8_t polls;           /* since it waits, since its turn, or since the application's poll */
    bool waits;           /* for its turn to shake hands */
    bool established;     /* the handshake is done and the application has the pcb */
    bool fin_received;    /* the peer's FIN */
    bool notify_received; /* the peer's close_notify */
    bool end_told;        /* recv was called with NULL */
    bool rx_shut;         /* the application wants no more: what comes is dropped */
    bool tx_shut;         /* nor will it write */
    bool notify_sent;
    bool fin_sent;
    bool tx_starved; /* the application was told of no room */
    bool broken;     /* a write failed: to be ended by the next callback */
};

/* What became of a connection in a callback. */
enum altcp_tls_fate {
    ALTCP_TLS_ALIVE,
    ALTCP_TLS_GONE,    /* closed */
    ALTCP_TLS_ABORTED, /* TCP's pcb was aborted: lwIP wants to hear ERR_ABRT */
};

/* ---- altcp_tls_conn.c -------------------------------------------------------------------- */

extern struct altcp_tls_stats altcp_tls_conn_stats;

/* lwIP's own TCP layer, in altcp_tcp.c. */
extern const struct altcp_functions altcp_tcp_functions;

/* TCP's own pcb, where the layer below is that and not another one; or NULL. */
static inline struct tcp_pcb *altcp_tls_conn_tcp(const struct altcp_pcb *inner) {
    return inner->fns == &altcp_tcp_functions ? inner->state : NULL;
}

/* A new connection over TCP's `inner`. `listener` has the accept callback. ERR_MEM, and counted,
 * when there is no place for one more; `inner` is then as it was. */
err_t altcp_tls_conn_start(struct altcp_pcb *listener, struct altcp_pcb *inner);

/* Its turn has come: does what can be done with what was received meanwhile. */
void altcp_tls_conn_go_on(struct altcp_tls_conn *c);

/* Ends a connection that wolfSSL has given up with this error. */
enum altcp_tls_fate altcp_tls_conn_fail(struct altcp_tls_conn *c, int error);

/* Ends all handshakes that would be told to this listener. */
void altcp_tls_conn_forget_listener(const struct altcp_pcb *listener);

/* ---- altcp_tls_wolfssl.c ------------------------------------------------------------------ */

/* wolfSSL's side of a connection of this listener's, or NULL when the pool has no room. Belongs to
 * the caller. */
WOLFSSL *altcp_tls_wolfssl_session(const struct altcp_pcb *listener, struct altcp_tls_conn *c);

/* ---- altcp_tls_turns.c -------------------------------------------------------------------- */

#define ALTCP_TLS_POLLS(ms) ((ms) / TCP_SLOW_INTERVAL)

/* A new connection: it has its turn at once, or waits for it. */
void altcp_tls_turns_join(struct altcp_tls_conn *c);

/* The handshake is done. */
void altcp_tls_turns_established(struct altcp_tls_conn *c);

/* The connection is gone, whatever it was doing. */
void altcp_tls_turns_leave(struct altcp_tls_conn *c);

/* Has those who wait looked at, soon. */
void altcp_tls_turns_look(void);

/* A connection in the handshake has had its time: whether to end it. */
bool altcp_tls_turns_is_late(const struct altcp_tls_conn *c);

/* Whether the pool has what a handshake takes, for a connection in its turn. */
bool altcp_tls_turns_has_memory(void);

/* Has the window of a listener's new connections closed while they would have to wait: call it for
 * TCP's listening pcb. */
void altcp_tls_turns_listen(struct altcp_pcb *inner);

/* ---- altcp_tls_rx.c ---------------------------------------------------------------------- */

/* Bytes before a record's own: RFC 8446 section 5.1. */
#define ALTCP_TLS_RX_HEADER_BYTES 5

/* wolfSSL's callback for bytes to read. Gives it a record's header only when the pool has room for
 * what that announces. */
int altcp_tls_rx_read(WOLFSSL *ssl, char *to, int count, void *context);

/* Gives TCP's window back what was taken of it, unless the client needs none now. */
void altcp_tls_rx_credit(struct altcp_tls_conn *c);

/* Drops what nobody will read any more. */
void altcp_tls_rx_drop(struct altcp_tls_conn *c);

/* After the handshake: decrypts what is there and gives it to the application, as much as that takes,
 * and after all of it the end of the stream, once. */
enum altcp_tls_fate altcp_tls_rx_run(struct altcp_tls_conn *c);

/* ---- altcp_tls_tx.c ---------------------------------------------------------------------- */

/* wolfSSL's callback for bytes to send. Takes all of them, always: what TCP has no room for waits
 * in the pool. */
int altcp_tls_tx_send(WOLFSSL *ssl, char *bytes, int count, void *context);

/* Hands TCP what waits, and the end of the stream if it is due. False: the connection cannot send
 * any more. */
bool altcp_tls_tx_flush(struct altcp_tls_conn *c);

/* TCP has `count` more acknowledgements. Returns how many bytes of plaintext that completes. */
u32_t altcp_tls_tx_acked(struct altcp_tls_conn *c, u32_t count);

/* Sends close_notify unless it was sent. */
void altcp_tls_tx_notify(struct altcp_tls_conn *c);

/* Sends a fatal alert, by its number in RFC 8446 section 6. */
void altcp_tls_tx_alert(struct altcp_tls_conn *c, int description);

/* Gives back what waits. */
void altcp_tls_tx_drop(struct altcp_tls_conn *c);

/* Functions of the pcb. */
err_t altcp_tls_tx_write(struct altcp_pcb *pcb, const void *bytes, u16_t count, u8_t flags);
u16_t altcp_tls_tx_sndbuf(struct altcp_pcb *pcb);
u16_t altcp_tls_tx_mss(struct altcp_pcb *pcb);

#endif
