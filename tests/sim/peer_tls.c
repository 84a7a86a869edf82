/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * peer_tls.c: see peer_tls.h.
 */
#include "peer_tls.h"

#include "altcp_tls_mem.h"
#include "glue.h"

#include <string.h>

#include <wolfssl/wolfcrypt/settings.h>

#include <wolfssl/ssl.h>

static WOLFSSL_CTX *context;

static int receive(WOLFSSL *session, char *to, int count, void *arg) {
    struct peer_tls *tls = arg;
    (void)session;
    uint32_t n = tls->input_bytes < (uint32_t)count ? tls->input_bytes : (uint32_t)count;
    if (n == 0) {
        return WOLFSSL_CBIO_ERR_WANT_READ;
    }
    memcpy(to, tls->input, n);
    tls->input_bytes -= n;
    memmove(tls->input, tls->input + n, tls->input_bytes);
    tcp_recved(tls->pcb, (u16_t)n);
    return (int)n;
}

static int send_bytes(WOLFSSL *session, char *bytes, int count, void *arg) {
    struct peer_tls *tls = arg;
    (void)session;
    if (tcp_sndbuf(tls->pcb) < (uint32_t)count ||
        tcp_write(tls->pcb, bytes, (u16_t)count, TCP_WRITE_FLAG_COPY) != ERR_OK) {
        return WOLFSSL_CBIO_ERR_GENERAL; /* a client has room, or is given up */
    }
    return count;
}

void peer_tls_init(bool tls13) {
    context = wolfSSL_CTX_new(tls13 ? wolfTLSv1_3_client_method() : wolfTLSv1_2_client_method());
    if (context == NULL) {
        glue_fatal("no memory for TLS");
    }
    wolfSSL_CTX_set_verify(context, WOLFSSL_VERIFY_NONE, NULL);
    wolfSSL_CTX_set_session_cache_mode(context, WOLFSSL_SESS_CACHE_OFF);
    wolfSSL_CTX_SetIORecv(context, receive);
    wolfSSL_CTX_SetIOSend(context, send_bytes);
}

static bool wants_more(struct peer_tls *tls, int result) {
    int why = wolfSSL_get_error(tls->session, result);
    tls->ended = tls->ended || why == WOLFSSL_ERROR_ZERO_RETURN;
    return why == WOLFSSL_ERROR_WANT_READ || why == WOLFSSL_ERROR_ZERO_RETURN;
}

static bool shake_hands(struct peer_tls *tls) {
    if (!tls->connected) {
        int result = wolfSSL_connect(tls->session);
        tls->connected = result == WOLFSSL_SUCCESS;
        return tls->connected || wants_more(tls, result);
    }
    return true;
}

bool peer_tls_begin(struct peer_tls *tls, struct tcp_pcb *pcb) {
    tls->pcb = pcb;
    tls->connected = false;
    tls->ended = false;
    tls->input_bytes = 0;
    tls->session = wolfSSL_new(context);
    if (tls->session == NULL) {
        return false;
    }
    wolfSSL_SetIOReadCtx(tls->session, tls);
    wolfSSL_SetIOWriteCtx(tls->session, tls);
    return shake_hands(tls);
}

bool peer_tls_input(struct peer_tls *tls, const uint8_t *bytes, uint32_t n) {
    if (n > sizeof tls->input - tls->input_bytes) {
        return false;
    }
    memcpy(tls->input + tls->input_bytes, bytes, n);
    tls->input_bytes += n;
    return true;
}

int peer_tls_read(struct peer_tls *tls, void *to, uint32_t size) {
    if (!shake_hands(tls)) {
        return -1;
    }
    if (!tls->connected || tls->ended) {
        return 0;
    }
    int n = wolfSSL_read(tls->session, to, (int)size);
    if (n > 0) {
        return n;
    }
    return wants_more(tls, n) ? 0 : -1;
}

bool peer_tls_write(struct peer_tls *tls, const void *bytes, uint32_t n) {
    return tls->connected && wolfSSL_write(tls->session, bytes, (int)n) == (int)n;
}

void peer_tls_end(struct peer_tls *tls) {
    if (tls->connected) {
        (void)wolfSSL_shutdown(tls->session);
    }
}

void peer_tls_free(struct peer_tls *tls) {
    wolfSSL_free(tls->session);
    tls->session = NULL;
}
