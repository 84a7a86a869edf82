/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * altcp_tls_wolfssl.c: the functions of lwip/altcp_tls.h: configurations (one certificate and its
 * key each) and listeners. What a listener accepts lives in altcp_tls_conn.c. Only the server's
 * side exists: the client's functions answer that they cannot.
 */
#include "altcp_tls_wolfssl.h"

#include "altcp_tls_conn.h"

#include "lwip/sys.h"

#include <string.h>
#include <wolfssl/wolfcrypt/error-crypt.h>

struct altcp_tls_config {
    WOLFSSL_CTX *ctx;
    char alpn[64]; /* names with commas between; empty: none */
};

/* ---- wolfSSL's clocks -------------------------------------------------------------------- */

/* Declared by wolfSSL's internal headers only. They need not be related to the date. */
word32 LowResTimer(void);
sword64 TimeNowInMilliseconds(void);

/* Goes on when sys_now() wraps, provided that someone asks within 49 days. wolfSSL takes 0 for a
 * failure, so the count starts at 1. */
sword64 TimeNowInMilliseconds(void) {
    static u32_t last_ms;
    static sword64 sum_ms = 1;
    u32_t now_ms = sys_now();
    sum_ms += now_ms - last_ms;
    last_ms = now_ms;
    return sum_ms;
}

word32 LowResTimer(void) {
    return (word32)(TimeNowInMilliseconds() / 1000);
}

/* ---- wolfSSL's session cache ------------------------------------------------------------- */

#ifdef NO_SESSION_CACHE
/* wolfSSL 5.7.2 asks for its cache when it reads a ticket, even when it is built without one. */
int TlsSessionCacheGetAndRdLock(const byte *id, const WOLFSSL_SESSION **session, word32 *row,
                                byte side);
void TlsSessionCacheUnlockRow(word32 row);

int TlsSessionCacheGetAndRdLock(const byte *id, const WOLFSSL_SESSION **session, word32 *row,
                                byte side) {
    (void)id;
    (void)row;
    (void)side;
    *session = NULL;
    return BAD_STATE_E;
}

void TlsSessionCacheUnlockRow(word32 row) {
    (void)row;
}
#endif

#ifdef NO_ECC_VERIFY
/* wolfSSL 5.7.2 has a client's CertificateVerify of TLS 1.3 in it even when it is built to ask for
 * none. No signature is good here. */
int wc_ecc_verify_hash(const byte *sig, word32 sig_len, const byte *hash, word32 hash_len,
                       int *verified, struct ecc_key *key);

int wc_ecc_verify_hash(const byte *sig, word32 sig_len, const byte *hash, word32 hash_len,
                       int *verified, struct ecc_key *key) {
    (void)sig;
    (void)sig_len;
    (void)hash;
    (void)hash_len;
    (void)key;
    *verified = 0;
    return NOT_COMPILED_IN;
}
#endif

/* ---- configuration ----------------------------------------------------------------------- */

/* A flight in one write rather than one for each message; it then waits in the pool until it is
 * whole, which a small one has no room for. TCP sends it in the same segments either way. */
static bool write_flights_whole(WOLFSSL_CTX *ctx) {
    return CFG_TLS_SMALL || wolfSSL_CTX_set_group_messages(ctx) == WOLFSSL_SUCCESS;
}

/* AES first where the processor has instructions for it, which is where it is fastest; else
 * ChaCha20 would be, but clients that want it so list it first, and those are honoured by few.
 * A small build has but one suite for each version. */
static bool restrict_suites(WOLFSSL_CTX *ctx) {
#if CFG_TLS_SMALL
    (void)ctx;
    return true;
#else
    static const char suites[] =
        "TLS13-AES128-GCM-SHA256:TLS13-AES256-GCM-SHA384:TLS13-CHACHA20-POLY1305-SHA256:"
        "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:"
        "ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384:"
        "ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305";
    return wolfSSL_CTX_set_cipher_list(ctx, suites) == WOLFSSL_SUCCESS;
#endif
}

static bool restrict_protocol(WOLFSSL_CTX *ctx) {
    int groups[] = {WOLFSSL_ECC_X25519, WOLFSSL_ECC_SECP256R1};
    return wolfSSL_CTX_SetMinVersion(ctx, WOLFSSL_TLSV1_2) == WOLFSSL_SUCCESS &&
           restrict_suites(ctx) && wolfSSL_CTX_set_groups(ctx, groups, 2) == WOLFSSL_SUCCESS &&
           write_flights_whole(ctx);
}

struct altcp_tls_config *altcp_tls_create_config_server(u8_t cert_count) {
    if (cert_count != 1 || wolfSSL_Init() != WOLFSSL_SUCCESS) {
        return NULL;
    }
    struct altcp_tls_config *config = altcp_tls_mem_alloc(sizeof *config);
    WOLFSSL_CTX *ctx = config == NULL ? NULL : wolfSSL_CTX_new(wolfTLS_server_method());
    if (ctx == NULL || !restrict_protocol(ctx)) {
        wolfSSL_CTX_free(ctx);
        altcp_tls_mem_free(config);
        return NULL;
    }
    wolfSSL_CTX_SetIORecv(ctx, altcp_tls_rx_read);
    wolfSSL_CTX_SetIOSend(ctx, altcp_tls_tx_send);
    *config = (struct altcp_tls_config){.ctx = ctx};
    return config;
}

static bool is_pem(const u8_t *bytes, size_t count) {
    static const char begin[] = "-----BEGIN";
    for (size_t i = 0; i + sizeof begin <= count; i++) {
        if (memcmp(bytes + i, begin, sizeof begin - 1) == 0) {
            return true;
        }
    }
    return false;
}

static int format_of(const u8_t *bytes, size_t count) {
    return is_pem(bytes, count) ? WOLFSSL_FILETYPE_PEM : WOLFSSL_FILETYPE_ASN1;
}

err_t altcp_tls_config_server_add_privkey_cert(struct altcp_tls_config *config, const u8_t *privkey,
                                               size_t privkey_len, const u8_t *privkey_pass,
                                               size_t privkey_pass_len, const u8_t *cert,
                                               size_t cert_len) {
    (void)privkey_pass;
    if (privkey_pass_len != 0) {
        return ERR_VAL; /* encrypted keys would need ciphers that nothing else does */
    }
    if (wolfSSL_CTX_use_certificate_chain_buffer_format(
            config->ctx, cert, (long)cert_len, format_of(cert, cert_len)) != WOLFSSL_SUCCESS) {
        return ERR_VAL;
    }
    if (wolfSSL_CTX_use_PrivateKey_buffer(config->ctx, privkey, (long)privkey_len,
                                          format_of(privkey, privkey_len)) != WOLFSSL_SUCCESS) {
        return ERR_ARG;
    }
#ifdef NO_CHECK_PRIVATE_KEY
    return ERR_OK;
#else
    return wolfSSL_CTX_check_private_key(config->ctx) == WOLFSSL_SUCCESS ? ERR_OK : ERR_USE;
#endif
}

struct altcp_tls_config *altcp_tls_create_config_server_privkey_cert(
    const u8_t *privkey, size_t privkey_len, const u8_t *privkey_pass, size_t privkey_pass_len,
    const u8_t *cert, size_t cert_len) {
    struct altcp_tls_config *config = altcp_tls_create_config_server(1);
    if (config != NULL &&
        altcp_tls_config_server_add_privkey_cert(config, privkey, privkey_len, privkey_pass,
                                                 privkey_pass_len, cert, cert_len) != ERR_OK) {
        altcp_tls_free_config(config);
        config = NULL;
    }
    return config;
}

err_t altcp_tls_wolfssl_require_client_cert(struct altcp_tls_config *config, const u8_t *ca,
                                            size_t ca_len) {
    if (wolfSSL_CTX_load_verify_buffer(config->ctx, ca, (long)ca_len, format_of(ca, ca_len)) !=
        WOLFSSL_SUCCESS) {
        return ERR_VAL;
    }
    wolfSSL_CTX_set_verify(config->ctx, WOLFSSL_VERIFY_PEER | WOLFSSL_VERIFY_FAIL_IF_NO_PEER_CERT,
                           NULL);
    return ERR_OK;
}

struct WOLFSSL_CTX *altcp_tls_wolfssl_context(struct altcp_tls_config *config) {
    return config->ctx;
}

int altcp_tls_configure_alpn_protocols(struct altcp_tls_config *conf, const char **protos) {
    size_t used = 0;
    for (; *protos != NULL; protos++) {
        size_t n = strlen(*protos);
        if (used + 1 + n >= sizeof conf->alpn) {
            conf->alpn[0] = '\0';
            return -1;
        }
        if (used > 0) {
            conf->alpn[used++] = ',';
        }
        memcpy(conf->alpn + used, *protos, n);
        used += n;
    }
    conf->alpn[used] = '\0';
    return 0;
}

void altcp_tls_free_config(struct altcp_tls_config *conf) {
    if (conf != NULL) {
        wolfSSL_CTX_free(conf->ctx);
        altcp_tls_mem_free(conf);
    }
}

void altcp_tls_free_entropy(void) {
    /* There is none: randomness is the port's. */
}

WOLFSSL *altcp_tls_wolfssl_session(const struct altcp_pcb *listener, struct altcp_tls_conn *c) {
    struct altcp_tls_config *config = listener->state;
    WOLFSSL *ssl = wolfSSL_new(config->ctx);
    if (ssl == NULL) {
        return NULL;
    }
    wolfSSL_SetIOReadCtx(ssl, c);
    wolfSSL_SetIOWriteCtx(ssl, c);
    /* wolfSSL copies it. A client that knows none of these names goes on without: those who speak
     * only h2 will say so themselves. */
    if (config->alpn[0] != '\0' &&
        wolfSSL_UseALPN(ssl, config->alpn, (unsigned)strlen(config->alpn),
                        WOLFSSL_ALPN_CONTINUE_ON_MISMATCH) != WOLFSSL_SUCCESS) {
        wolfSSL_free(ssl);
        return NULL;
    }
    return ssl;
}

/* ---- listeners --------------------------------------------------------------------------- */

static err_t lower_accept(void *arg, struct altcp_pcb *inner, err_t err) {
    struct altcp_pcb *listener = arg;
    if (inner == NULL || err != ERR_OK) {
        return ERR_VAL;
    }
    return altcp_tls_conn_start(listener, inner);
}

static struct altcp_pcb *listener_listen(struct altcp_pcb *pcb, u8_t backlog, err_t *err) {
    struct altcp_pcb *inner = altcp_listen_with_backlog_and_err(pcb->inner_conn, backlog, err);
    if (inner == NULL) {
        return NULL;
    }
    pcb->inner_conn = inner;
    altcp_arg(inner, pcb);
    altcp_accept(inner, lower_accept);
    altcp_tls_turns_listen(inner);
    return pcb;
}

static err_t listener_close(struct altcp_pcb *pcb) {
    err_t err = altcp_close(pcb->inner_conn);
    if (err == ERR_OK) {
        altcp_tls_conn_forget_listener(pcb);
        altcp_free(pcb);
    }
    return err;
}

static void listener_abort(struct altcp_pcb *pcb) {
    listener_close(pcb);
}

/* Until altcp_listen the same pcb could become a client in other ports; here it only listens. */
static const struct altcp_functions listener_functions = {
    .bind = altcp_default_bind,
    .listen = listener_listen,
    .abort = listener_abort,
    .close = listener_close,
    .setprio = altcp_default_setprio,
    .dealloc = altcp_default_dealloc,
    .addrinfo = altcp_default_get_tcp_addrinfo,
    .getip = altcp_default_get_ip,
    .getport = altcp_default_get_port,
};

struct altcp_pcb *altcp_tls_wrap(struct altcp_tls_config *config, struct altcp_pcb *inner_pcb) {
    if (config == NULL || inner_pcb == NULL) {
        return NULL;
    }
    struct altcp_pcb *pcb = altcp_alloc();
    if (pcb != NULL) {
        pcb->fns = &listener_functions;
        pcb->state = config;
        pcb->inner_conn = inner_pcb;
    }
    return pcb;
}

/* altcp_tls_new and altcp_tls_alloc are lwIP's own, in altcp_alloc.c. */

void *altcp_tls_context(struct altcp_pcb *conn) {
    struct altcp_tls_conn *c =
        conn->inner_conn == NULL || conn->fns == &listener_functions ? NULL : conn->state;
    return c == NULL ? NULL : c->ssl;
}

/* ---- the client's side ------------------------------------------------------------------- */

struct altcp_tls_config *altcp_tls_create_config_client(const u8_t *cert, size_t cert_len) {
    (void)cert;
    (void)cert_len;
    return NULL;
}

struct altcp_tls_config *altcp_tls_create_config_client_2wayauth(
    const u8_t *ca, size_t ca_len, const u8_t *privkey, size_t privkey_len,
    const u8_t *privkey_pass, size_t privkey_pass_len, const u8_t *cert, size_t cert_len) {
    (void)ca;
    (void)ca_len;
    (void)privkey;
    (void)privkey_len;
    (void)privkey_pass;
    (void)privkey_pass_len;
    (void)cert;
    (void)cert_len;
    return NULL;
}

/* ---- counters ---------------------------------------------------------------------------- */

const struct altcp_tls_stats *altcp_tls_wolfssl_stats(void) {
    altcp_tls_conn_stats.sessions_limit = ALTCP_TLS_SESSIONS_MAX;
    altcp_tls_conn_stats.waiting_limit = ALTCP_TLS_WAITING_MAX + ALTCP_TLS_SESSIONS_MAX;
    return &altcp_tls_conn_stats;
}
