/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * altcp_tls_conn.c: a TLS connection's life: the pool of them, the handshake, its ends, and lwIP's
 * callbacks from the TCP layer. Each callback notes what came and then calls `run`, which does all
 * that can be done now. What is received and sent is for altcp_tls_rx.c and altcp_tls_tx.c. wolfSSL
 * is never on the stack when the application is called, so the application may close or abort from
 * any of its callbacks.
 */
#include "altcp_tls_conn.h"

#include "lwip/priv/tcp_priv.h"

#include <string.h>
#include <wolfssl/error-ssl.h>
#include <wolfssl/wolfcrypt/error-crypt.h>

#define RX_WAIT_POLLS ALTCP_TLS_POLLS(ALTCP_TLS_RX_WAIT_MS)
#define PLACES (ALTCP_TLS_SESSIONS_MAX + ALTCP_TLS_WAITING_MAX)

_Static_assert(ALTCP_TLS_SESSIONS_MAX >= 1 && ALTCP_TLS_SESSIONS_MAX <= 65534,
               "ALTCP_TLS_SESSIONS_MAX: set 1 to 65534");
_Static_assert(ALTCP_TLS_WAITING_MAX >= 1 && ALTCP_TLS_WAITING_MAX <= 65534,
               "ALTCP_TLS_WAITING_MAX: set 1 to 65534");

struct altcp_tls_stats altcp_tls_conn_stats;

static struct altcp_tls_conn conns[PLACES];
static struct altcp_tls_conn *first_free;
static u32_t never_used_index; /* places from here on were never taken */

/* ---- ends -------------------------------------------------------------------------------- */

static void detach_inner(struct altcp_pcb *inner) {
    altcp_arg(inner, NULL);
    altcp_recv(inner, NULL);
    altcp_sent(inner, NULL);
    altcp_err(inner, NULL);
    altcp_poll(inner, NULL, inner->pollinterval);
}

/* Takes TCP's pcb away: FIN after what is on its way, or a reset when lwIP has no memory for
 * that. True: it was a reset. */
static bool close_inner(struct altcp_tls_conn *c) {
    struct altcp_pcb *inner = c->inner;
    altcp_tls_rx_drop(c);
    detach_inner(inner);
    c->inner = NULL;
    c->pcb->inner_conn = NULL;
    if (altcp_close(inner) == ERR_OK) {
        return false;
    }
    altcp_abort(inner);
    return true;
}

/* Called by altcp_free, whatever ended the connection. */
static void dealloc(struct altcp_pcb *pcb) {
    struct altcp_tls_conn *c = pcb->state;
    if (c == NULL) {
        return;
    }
    c->inner = NULL;
    altcp_tls_rx_drop(c);
    altcp_tls_tx_drop(c);
    altcp_tls_turns_leave(c);
    wolfSSL_free(c->ssl);
    c->ssl = NULL;
    c->pcb = NULL;
    c->next = first_free;
    first_free = c;
    pcb->state = NULL;
}

static enum altcp_tls_fate fail(struct altcp_tls_conn *c, enum altcp_tls_failure failure) {
    struct altcp_pcb *pcb = c->pcb;
    altcp_err_fn err = c->established ? pcb->err : NULL;
    void *arg = pcb->arg;
    altcp_tls_conn_stats.failures_total[failure]++;
    bool aborted = close_inner(c);
    altcp_free(pcb);
    if (err != NULL) {
        err(arg, aborted ? ERR_ABRT : ERR_CLSD);
    }
    return aborted ? ALTCP_TLS_ABORTED : ALTCP_TLS_GONE;
}

static enum altcp_tls_failure certificate_or_protocol(int error) {
    switch (error) {
    case ASN_BEFORE_DATE_E:
    case ASN_AFTER_DATE_E:
    case ASN_NO_SIGNER_E:
    case ASN_SELF_SIGNED_E:
    case ASN_SIG_CONFIRM_E:
    case NO_PEER_CERT:
    case NO_PEER_VERIFY:
    case NOT_CA_ERROR:
    case MAX_CHAIN_ERROR:
    case VERIFY_CERT_ERROR:
    case EXTKEYUSE_AUTH_E:
    case KEYUSE_SIGNATURE_E:
        return ALTCP_TLS_CERTIFICATE;
    default:
        /* wolfSSL's own errors from -301 on are about messages, those above about parts of
         * certificates and keys (-140 to -189: ASN_PARSE_E and its neighbours). */
        if (error <= ASN_PARSE_E && error >= ASN_NO_PEM_HEADER) {
            return ALTCP_TLS_CERTIFICATE;
        }
        return error <= INPUT_CASE_ERROR ? ALTCP_TLS_PROTOCOL : ALTCP_TLS_INTERNAL;
    }
}

static enum altcp_tls_failure failure_of(int error) {
    switch (error) {
    case FATAL_ERROR:
        return ALTCP_TLS_ALERT;
    case VERSION_ERROR:
    case UNSUPPORTED_PROTO_VERSION:
        return ALTCP_TLS_VERSION;
    case MATCH_SUITE_ERROR:
    case UNSUPPORTED_SUITE:
    case KEY_SHARE_ERROR:
    case ECC_CURVE_ERROR:
    case ECC_CURVETYPE_ERROR:
        return ALTCP_TLS_CIPHER;
    case LENGTH_ERROR:
    case DECRYPT_ERROR:
    case VERIFY_MAC_ERROR:
    case AES_GCM_AUTH_E:
    case MAC_CMP_FAILED_E:
        return ALTCP_TLS_RECORD;
    case MEMORY_E:
    case MEMORY_ERROR:
        return ALTCP_TLS_MEMORY;
    default:
        return certificate_or_protocol(error);
    }
}

/* wolfSSL has told the peer why, unless it was this layer that would not let it read on. */
enum altcp_tls_fate altcp_tls_conn_fail(struct altcp_tls_conn *c, int error) {
    if (c->rx_record_too_long) {
        altcp_tls_tx_alert(c, record_overflow);
        return fail(c, ALTCP_TLS_RECORD);
    }
    return fail(c, failure_of(error));
}

/* ---- the handshake ----------------------------------------------------------------------- */

/* Acknowledges at once. A client whose TCP waits for that before it sends its next small segment
 * (Nagle) would else wait for lwIP's delayed acknowledgement, a quarter of a second. */
static void acknowledge_now(struct altcp_pcb *inner) {
    struct tcp_pcb *tcp = altcp_tls_conn_tcp(inner);
    if (tcp != NULL) {
        tcp_ack_now(tcp);
    }
}

/* The application's accept, with all the rights it has over TCP. */
static enum altcp_tls_fate accepted(struct altcp_tls_conn *c) {
    struct altcp_pcb *pcb = c->pcb;
    struct altcp_pcb *listener = c->listener;
    c->listener = NULL;
    altcp_tls_turns_established(c);
    altcp_tls_conn_stats.handshakes_total++;
    if (wolfSSL_session_reused(c->ssl)) {
        altcp_tls_conn_stats.resumed_total++;
    }
    err_t err = listener->accept == NULL ? ERR_ARG : listener->accept(listener->arg, pcb, ERR_OK);
    if (err == ERR_ABRT) {
        return ALTCP_TLS_ABORTED;
    }
    if (c->pcb != pcb) {
        return ALTCP_TLS_GONE;
    }
    if (err != ERR_OK) {
        altcp_abort(pcb);
        return ALTCP_TLS_ABORTED;
    }
    return ALTCP_TLS_ALIVE;
}

/* A connection in its turn takes nothing of the pool before it has said something. False: not
 * now, or `*fate` tells. */
static bool has_session(struct altcp_tls_conn *c, enum altcp_tls_fate *fate) {
    *fate = ALTCP_TLS_ALIVE;
    if (c->ssl != NULL) {
        return true;
    }
    if (c->rx == NULL) {
        if (c->fin_received) {
            *fate = fail(c, ALTCP_TLS_LEFT);
        }
        return false;
    }
    c->rx_waits = !altcp_tls_turns_has_memory();
    if (c->rx_waits) {
        return false;
    }
    c->ssl = altcp_tls_wolfssl_session(c->listener, c);
    if (c->ssl == NULL) {
        *fate = fail(c, ALTCP_TLS_MEMORY);
        return false;
    }
    return true;
}

static enum altcp_tls_fate shake_hands(struct altcp_tls_conn *c) {
    u32_t made_bytes = c->tx_made_bytes;
    int done = wolfSSL_accept(c->ssl);
    int error = done == WOLFSSL_SUCCESS ? 0 : wolfSSL_get_error(c->ssl, done);
    if (c->rx_taken_bytes > 0 && c->tx_made_bytes == made_bytes) {
        acknowledge_now(c->inner);
    }
    altcp_tls_rx_credit(c);
    altcp_output(c->inner);
    if (done == WOLFSSL_SUCCESS) {
        return accepted(c);
    }
    if (error != WOLFSSL_ERROR_WANT_READ) {
        return altcp_tls_conn_fail(c, error);
    }
    return c->fin_received ? fail(c, ALTCP_TLS_LEFT) : ALTCP_TLS_ALIVE;
}

/* ---- all that can be done now ------------------------------------------------------------ */

static enum altcp_tls_fate run(struct altcp_tls_conn *c) {
    if (c->broken || !altcp_tls_tx_flush(c)) {
        return fail(c, ALTCP_TLS_MEMORY);
    }
    if (c->waits) {
        return c->fin_received ? fail(c, ALTCP_TLS_LEFT) : ALTCP_TLS_ALIVE;
    }
    if (!c->established) {
        enum altcp_tls_fate fate;
        if (has_session(c, &fate)) {
            fate = shake_hands(c);
        }
        if (fate != ALTCP_TLS_ALIVE || !c->established) {
            return fate;
        }
    }
    return altcp_tls_rx_run(c);
}

void altcp_tls_conn_go_on(struct altcp_tls_conn *c) {
    (void)run(c);
}

static err_t answer(enum altcp_tls_fate fate) {
    return fate == ALTCP_TLS_ABORTED ? ERR_ABRT : ERR_OK;
}

/* ---- callbacks from TCP's layer ---------------------------------------------------------- */

static err_t lower_recv(void *arg, struct altcp_pcb *inner, struct pbuf *p, err_t err) {
    struct altcp_tls_conn *c = arg;
    (void)inner;
    (void)err;
    if (p == NULL) {
        c->fin_received = true;
    } else if (c->notify_received) {
        c->rx = p;
        altcp_tls_rx_drop(c);
    } else if (c->rx == NULL) {
        c->rx = p;
    } else {
        pbuf_cat(c->rx, p);
    }
    return answer(run(c));
}

static enum altcp_tls_fate tell_sent(struct altcp_tls_conn *c, u32_t plain_bytes) {
    struct altcp_pcb *pcb = c->pcb;
    bool room_again = c->tx_starved && c->tx_waiting == NULL;
    if (!c->established || pcb->sent == NULL || (plain_bytes == 0 && !room_again)) {
        return ALTCP_TLS_ALIVE;
    }
    c->tx_starved = false;
    do {
        u16_t n = (u16_t)LWIP_MIN(plain_bytes, 0xffffu);
        plain_bytes -= n;
        err_t err = pcb->sent(pcb->arg, pcb, n);
        if (err == ERR_ABRT) {
            return ALTCP_TLS_ABORTED;
        }
        if (c->pcb != pcb) {
            return ALTCP_TLS_GONE;
        }
    } while (plain_bytes > 0);
    return ALTCP_TLS_ALIVE;
}

static err_t lower_sent(void *arg, struct altcp_pcb *inner, u16_t len) {
    struct altcp_tls_conn *c = arg;
    (void)inner;
    u32_t plain_bytes = altcp_tls_tx_acked(c, len);
    if (!altcp_tls_tx_flush(c)) {
        return answer(fail(c, ALTCP_TLS_MEMORY));
    }
    enum altcp_tls_fate fate = tell_sent(c, plain_bytes);
    return answer(fate == ALTCP_TLS_ALIVE ? run(c) : fate);
}

/* Ends a handshake at once. */
static enum altcp_tls_fate cut_off(struct altcp_tls_conn *c) {
    struct altcp_pcb *inner = c->inner;
    struct altcp_pcb *pcb = c->pcb;
    detach_inner(inner);
    altcp_abort(inner);
    c->inner = NULL;
    altcp_free(pcb);
    return ALTCP_TLS_ABORTED;
}

static err_t lower_poll(void *arg, struct altcp_pcb *inner) {
    struct altcp_tls_conn *c = arg;
    (void)inner;
    c->polls++;
    if (!c->established && altcp_tls_turns_is_late(c)) {
        /* Whoever says nothing would not answer a FIN either. */
        *(c->waits ? &altcp_tls_conn_stats.sessions_refused_total
                   : &altcp_tls_conn_stats.failures_total[ALTCP_TLS_TIMEOUT]) += 1;
        return answer(cut_off(c));
    }
    altcp_tls_turns_look();
    enum altcp_tls_fate fate = run(c);
    if (fate == ALTCP_TLS_ALIVE && c->rx_waits && ++c->rx_wait_polls > RX_WAIT_POLLS) {
        if (c->ssl != NULL) {
            altcp_tls_tx_alert(c, internal_error);
        }
        fate = fail(c, ALTCP_TLS_MEMORY);
    }
    if (fate != ALTCP_TLS_ALIVE) {
        return answer(fate);
    }
    if (c->tx_starved) {
        fate = tell_sent(c, 0); /* memory that the pool has again tells nobody */
        if (fate != ALTCP_TLS_ALIVE) {
            return answer(fate);
        }
    }
    struct altcp_pcb *pcb = c->pcb;
    if (c->established && pcb->poll != NULL && c->polls >= pcb->pollinterval) {
        c->polls = 0;
        return pcb->poll(pcb->arg, pcb);
    }
    return ERR_OK;
}

/* TCP's pcb is gone already. */
static void lower_err(void *arg, err_t err) {
    struct altcp_tls_conn *c = arg;
    struct altcp_pcb *pcb = c->pcb;
    altcp_err_fn told = c->established ? pcb->err : NULL;
    void *told_arg = pcb->arg;
    if (!c->established) {
        altcp_tls_conn_stats.failures_total[ALTCP_TLS_LEFT]++;
    }
    c->inner = NULL;
    pcb->inner_conn = NULL;
    altcp_free(pcb);
    if (told != NULL) {
        told(told_arg, err);
    }
}

static void attach_inner(struct altcp_tls_conn *c) {
    altcp_arg(c->inner, c);
    altcp_recv(c->inner, lower_recv);
    altcp_sent(c->inner, lower_sent);
    altcp_err(c->inner, lower_err);
    altcp_poll(c->inner, lower_poll, 1);
}

/* ---- functions of the pcb ---------------------------------------------------------------- */

static void conn_set_poll(struct altcp_pcb *pcb, u8_t interval) {
    (void)pcb; /* this layer polls always, and counts for the application */
    (void)interval;
}

static void conn_recved(struct altcp_pcb *pcb, u16_t len) {
    struct altcp_tls_conn *c = pcb->state;
    if (c != NULL) {
        c->rx_untaken_bytes -= LWIP_MIN(c->rx_untaken_bytes, (u32_t)len);
        altcp_tls_rx_credit(c);
    }
}

static void conn_abort(struct altcp_pcb *pcb) {
    if (pcb->inner_conn != NULL) {
        altcp_abort(pcb->inner_conn); /* comes back through lower_err */
    }
}

static err_t conn_close(struct altcp_pcb *pcb) {
    struct altcp_tls_conn *c = pcb->state;
    if (!altcp_tls_tx_flush(c) || c->tx_waiting != NULL) {
        return ERR_MEM;
    }
    altcp_tls_tx_notify(c);
    if (c->tx_waiting != NULL) {
        return ERR_MEM;
    }
    altcp_tls_rx_drop(c);
    struct altcp_pcb *inner = c->inner;
    detach_inner(inner);
    err_t err = altcp_close(inner);
    if (err != ERR_OK) {
        attach_inner(c);
        return err;
    }
    c->inner = NULL;
    pcb->inner_conn = NULL;
    altcp_free(pcb);
    return ERR_OK;
}

static err_t conn_shutdown(struct altcp_pcb *pcb, int shut_rx, int shut_tx) {
    struct altcp_tls_conn *c = pcb->state;
    if (shut_rx && shut_tx) {
        return conn_close(pcb);
    }
    if (shut_rx) {
        c->rx_shut = true;
    }
    if (shut_tx && !c->tx_shut) {
        altcp_tls_tx_notify(c);
        c->tx_shut = true;
        return altcp_tls_tx_flush(c) ? ERR_OK : ERR_CONN;
    }
    return ERR_OK;
}

static const struct altcp_functions functions = {
    .set_poll = conn_set_poll,
    .recved = conn_recved,
    .bind = altcp_default_bind,
    .abort = conn_abort,
    .close = conn_close,
    .shutdown = conn_shutdown,
    .write = altcp_tls_tx_write,
    .output = altcp_default_output,
    .mss = altcp_tls_tx_mss,
    .sndbuf = altcp_tls_tx_sndbuf,
    .sndqueuelen = altcp_default_sndqueuelen,
    .nagle_disable = altcp_default_nagle_disable,
    .nagle_enable = altcp_default_nagle_enable,
    .nagle_disabled = altcp_default_nagle_disabled,
    .setprio = altcp_default_setprio,
    .dealloc = dealloc,
    .addrinfo = altcp_default_get_tcp_addrinfo,
    .getip = altcp_default_get_ip,
    .getport = altcp_default_get_port,
#if LWIP_TCP_KEEPALIVE
    .keepalive_disable = altcp_default_keepalive_disable,
    .keepalive_enable = altcp_default_keepalive_enable,
#endif
#ifdef LWIP_DEBUG
    .dbg_get_tcp_state = altcp_default_dbg_get_tcp_state,
#endif
};

/* ---- start ------------------------------------------------------------------------------- */

static struct altcp_tls_conn *take_place(void) {
    struct altcp_tls_conn *c = first_free;
    if (c != NULL) {
        first_free = c->next;
    } else if (never_used_index < PLACES) {
        c = &conns[never_used_index++];
    } else {
        return NULL;
    }
    memset(c, 0, sizeof *c);
    return c;
}

err_t altcp_tls_conn_start(struct altcp_pcb *listener, struct altcp_pcb *inner) {
    struct altcp_pcb *pcb = altcp_alloc();
    struct altcp_tls_conn *c = pcb == NULL ? NULL : take_place();
    if (c == NULL) {
        altcp_free(pcb);
        altcp_tls_conn_stats.waiting_refused_total++;
        return ERR_MEM;
    }
    pcb->fns = &functions;
    pcb->state = c;
    pcb->inner_conn = inner;
    c->pcb = pcb;
    c->inner = inner;
    c->listener = listener;
    altcp_nagle_disable(inner); /* a flight's last segment waits for nothing */
    attach_inner(c);
    altcp_tls_turns_join(c);
    return ERR_OK;
}

void altcp_tls_conn_forget_listener(const struct altcp_pcb *listener) {
    for (u32_t i = 0; i < never_used_index; i++) {
        if (conns[i].pcb != NULL && conns[i].listener == listener) {
            cut_off(&conns[i]);
        }
    }
}
