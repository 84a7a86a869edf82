/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * altcp_tls_wolfssl.h: TLS 1.3 and 1.2 for servers: lwIP's altcp TLS layer (lwip/altcp_tls.h) on
 * wolfSSL. This header has what that interface has no room for; a listener is made with lwIP's
 * own calls:
 *
 *     struct altcp_tls_config *config =
 *         altcp_tls_create_config_server_privkey_cert(key, key_len, NULL, 0, cert, cert_len);
 *     altcp_allocator_t tls = {altcp_tls_alloc, config};
 *     struct altcp_pcb *pcb = altcp_new_ip_type(&tls, IPADDR_TYPE_ANY);
 *
 * How it keeps altcp's contract:
 * - accept is called when a handshake is done. A connection whose handshake fails, or takes longer
 *   than ALTCP_TLS_HANDSHAKE_MS, is never seen by the application, only counted.
 * - Handshakes wait for each other. One has its turn when there is a session for it and
 *   ALTCP_TLS_MEM_RESERVE_BYTES beside what others were promised; until then it waits, in the order
 *   of arrival, behind a closed window of TCP, so what its client has to say takes no memory. While
 *   others wait a turn lasts ALTCP_TLS_TURN_MS, whatever the client does with it. A connection that
 *   says nothing holds a turn but nothing of the pool. Whoever has waited for
 *   ALTCP_TLS_HANDSHAKE_MS, or finds all places taken, is refused.
 * - When handshakes wait for a session, or for memory that no other handshake will give back, the
 *   application is asked to give up a connection: altcp_tls_wolfssl_on_shortage.
 * - recv may refuse a pbuf (anything but ERR_OK and ERR_ABRT): it is offered again. recv with NULL
 *   comes at the peer's close_notify, or at its FIN if that came without (counted as truncated).
 * - recved counts plaintext. TCP's window is opened while the application has taken all that it was
 *   given, as far as the record needs that comes in: who waits for more takes first what is there.
 *   Of what came all the same no more is decrypted than ALTCP_TLS_RX_UNTAKEN_BYTES.
 * - sndbuf is what one altcp_write takes: at most a record. sent reports plaintext, once TCP has
 *   all acknowledgements of the records that carry it; with 0 it says that there is room again
 *   after there was none.
 * - shutdown and close send close_notify before FIN. close answers ERR_MEM while TCP has no room
 *   for what was written; the application closes again later, or aborts.
 * - err means that the pcb is gone; a callback returns ERR_ABRT only after altcp_abort.
 *
 * altcp_tls_config_server_add_privkey_cert takes PEM (a chain, leaf first) or DER, and answers
 * ERR_VAL for a certificate that cannot be used, ERR_ARG for such a key, ERR_USE when the two do
 * not match. A key with a password is refused.
 *
 * The project provides two functions, see port/wolfssl/user_settings.h: altcp_tls_port_random and
 * altcp_tls_port_unix_s; sys_now() is lwIP's own.
 */
#ifndef PORT_ALTCP_TLS_WOLFSSL_H
#define PORT_ALTCP_TLS_WOLFSSL_H

#include "altcp_tls_mem.h"

#include "lwip/altcp_tls.h"

/* Why a connection was ended by TLS, in the handshake or later. */
enum altcp_tls_failure {
    ALTCP_TLS_TIMEOUT,     /* the handshake's deadline */
    ALTCP_TLS_LEFT,        /* the peer went away in the handshake */
    ALTCP_TLS_ALERT,       /* the peer sent a fatal alert */
    ALTCP_TLS_VERSION,     /* offers no version that we take */
    ALTCP_TLS_CIPHER,      /* offers no cipher suite, group or signature that we take */
    ALTCP_TLS_CERTIFICATE, /* a client certificate that is missing or bad */
    ALTCP_TLS_RECORD,      /* a record that is too long, or does not decrypt */
    ALTCP_TLS_PROTOCOL,    /* malformed or out of order; often no TLS at all */
    ALTCP_TLS_MEMORY,      /* the pool had no room */
    ALTCP_TLS_INTERNAL,    /* none of these */
    ALTCP_TLS_FAILURES
};

struct altcp_tls_stats {
    uint32_t handshakes_total; /* completed, those resumed included */
    uint32_t resumed_total;
    uint32_t failures_total[ALTCP_TLS_FAILURES];
    uint32_t truncated_total; /* ended by a FIN without close_notify */
    uint32_t sessions_used;
    uint32_t sessions_high_water;
    uint32_t sessions_limit;
    uint32_t sessions_refused_total; /* waited too long for one */
    uint32_t waiting_used;           /* connections that wait for their turn to shake hands */
    uint32_t waiting_high_water;
    uint32_t waiting_limit;         /* if no session were in use */
    uint32_t waiting_refused_total; /* no place to wait in */
};

/* The counters, as they are from now on; those of the pool are in altcp_tls_mem.h. */
const struct altcp_tls_stats *altcp_tls_wolfssl_stats(void);

/* Asks the application, through lwIP's timers and so from none of a connection's callbacks, to
 * close or abort one of its TLS connections that can be spared; `urgent` when a handshake has waited
 * for ALTCP_TLS_TURN_MS. It may find none: it is asked again. NULL: nobody is asked. */
void altcp_tls_wolfssl_on_shortage(void (*give_up)(void *arg, bool urgent), void *arg);

/* All sessions are taken, or handshakes wait for memory that no other handshake will give back:
 * clients should not keep their connections. */
bool altcp_tls_wolfssl_is_short(void);

/* Asks every client for a certificate that chains to one of these (PEM, one or more), and refuses
 * those without. ERR_VAL when wolfSSL cannot read them. */
err_t altcp_tls_wolfssl_require_client_cert(struct altcp_tls_config *config, const u8_t *ca,
                                            size_t ca_len);

/* wolfSSL's side of a configuration, for a certificate that is to stay where it is: the calls of
 * lwIP's interface copy theirs. */
struct WOLFSSL_CTX *altcp_tls_wolfssl_context(struct altcp_tls_config *config);

#endif
