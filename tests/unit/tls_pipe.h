/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * tls_pipe.h: for tests of the altcp TLS layer: the TCP layer of tcp_pipe.h below it, a wolfSSL client
 * on the other side, and an application above that notes what it is told.
 */
#ifndef TLS_PIPE_H
#define TLS_PIPE_H

#include "altcp_tls_opts.h"
#include "altcp_tls_wolfssl.h"
#include "clock.h"
#include "net_heap.h"
#include "net_stack.h"
#include "tcp_pipe.h"

#include "lwip/stats.h"

#include <wolfssl/error-ssl.h>
#include <wolfssl/ssl.h>
#include <wolfssl/wolfcrypt/asn_public.h>
#include <wolfssl/wolfcrypt/ecc.h>

enum app_habit {
    APP_TAKES,   /* recved at once */
    APP_KEEPS,   /* takes the pbuf, tells of it later */
    APP_REFUSES, /* ERR_MEM */
    APP_ABORTS,
    APP_CLOSES,
};

/* The application above one connection. */
struct upper {
    struct altcp_pcb *pcb; /* NULL before accept, and once it is gone */
    enum app_habit habit;
    err_t accept_answer;
    uint8_t received[PIPE_BYTES];
    uint32_t received_len;
    uint32_t refused_count;
    uint32_t kept_bytes; /* not told by recved */
    uint32_t sent_bytes; /* reported as acknowledged */
    uint32_t sent_calls;
    uint32_t sent_zero_calls;
    uint32_t ends;   /* recv with NULL */
    uint32_t errors; /* err callback */
    uint32_t polls;
};

static struct pipe pipes[2];
static struct upper uppers[2];
static uint32_t accepts;
static uint32_t now_ms;
static struct random rng;
static struct altcp_pcb *lower_listener; /* fake TCP's */
static struct altcp_pcb *listener;       /* the TLS layer's */
static struct altcp_tls_config *config;
static uint8_t key_der[256];
static int key_der_len;
static uint8_t cert_der[1024];
static int cert_der_len;
static uint32_t memory_at_rest_bytes;

uint32_t clock_monotonic_ms(void) {
    return now_ms;
}

bool clock_wall_ms(int64_t *unix_ms) {
    *unix_ms = 1900000000000; /* 2030 */
    return true;
}

/* ---- the client -------------------------------------------------------------------------- */

static inline int client_recv(WOLFSSL *ssl, char *to, int count, void *context) {
    struct pipe *p = context;
    (void)ssl;
    uint32_t n = LWIP_MIN((uint32_t)count, p->to_client_len - p->to_client_read);
    if (n == 0) {
        return WOLFSSL_CBIO_ERR_WANT_READ;
    }
    memcpy(to, p->to_client + p->to_client_read, n);
    p->to_client_read += n;
    return (int)n;
}

static inline int client_send(WOLFSSL *ssl, char *bytes, int count, void *context) {
    struct pipe *p = context;
    (void)ssl;
    assert_true(p->to_server_len + (uint32_t)count <= PIPE_BYTES);
    memcpy(p->to_server + p->to_server_len, bytes, (size_t)count);
    p->to_server_len += (uint32_t)count;
    return count;
}

static WOLFSSL_CTX *client_ctxs[2]; /* TLS 1.2, TLS 1.3 */

static inline void client_start(struct pipe *p, bool tls13) {
    p->client = wolfSSL_new(client_ctxs[tls13]);
    assert_non_null(p->client);
    wolfSSL_SetIOReadCtx(p->client, p);
    wolfSSL_SetIOWriteCtx(p->client, p);
}

/* Where the client stands: true when its handshake is done. */
static inline bool client_steps(struct pipe *p) {
    int done = wolfSSL_connect(p->client);
    if (done != WOLFSSL_SUCCESS) {
        assert_int_equal(wolfSSL_get_error(p->client, done), WOLFSSL_ERROR_WANT_READ);
    }
    return done == WOLFSSL_SUCCESS;
}

static inline void client_writes(struct pipe *p, const void *bytes, uint32_t n) {
    assert_int_equal(wolfSSL_write(p->client, bytes, (int)n), n);
}

/* Everything that the server sent, decrypted; returns how much. */
static inline uint32_t client_reads(struct pipe *p, uint8_t *to, uint32_t size) {
    uint32_t got = 0;
    int n;
    while (got < size && (n = wolfSSL_read(p->client, to + got, (int)(size - got))) > 0) {
        got += (uint32_t)n;
    }
    return got;
}

static inline bool client_saw_close_notify(struct pipe *p) {
    uint8_t byte;
    int n = wolfSSL_read(p->client, &byte, 1);
    return n == 0 && wolfSSL_get_error(p->client, n) == WOLFSSL_ERROR_ZERO_RETURN;
}

static inline void client_closes(struct pipe *p) {
    wolfSSL_shutdown(p->client);
}

static inline void client_free(struct pipe *p) {
    wolfSSL_free(p->client);
    p->client = NULL;
}

/* ---- the application --------------------------------------------------------------------- */

static inline err_t upper_recv(void *arg, struct altcp_pcb *pcb, struct pbuf *q, err_t err) {
    struct upper *u = arg;
    assert_ptr_equal(pcb, u->pcb);
    assert_int_equal(err, ERR_OK);
    assert_int_equal(u->ends, 0);
    if (q == NULL) {
        u->ends++;
        return ERR_OK;
    }
    assert_true(q->tot_len > 0);
    if (u->habit == APP_REFUSES) {
        u->refused_count++;
        return ERR_MEM;
    }
    uint16_t n = q->tot_len;
    pbuf_copy_partial(q, u->received + u->received_len, n, 0);
    u->received_len += n;
    pbuf_free(q);
    if (u->habit == APP_KEEPS) {
        u->kept_bytes += n;
        return ERR_OK;
    }
    altcp_recved(pcb, n);
    if (u->habit == APP_ABORTS) {
        altcp_abort(pcb);
        return ERR_ABRT;
    }
    if (u->habit == APP_CLOSES) {
        u->pcb = NULL;
        assert_int_equal(altcp_close(pcb), ERR_OK);
    }
    return ERR_OK;
}

static inline err_t upper_sent(void *arg, struct altcp_pcb *pcb, u16_t n) {
    struct upper *u = arg;
    assert_ptr_equal(pcb, u->pcb);
    u->sent_bytes += n;
    u->sent_calls++;
    u->sent_zero_calls += n == 0;
    return ERR_OK;
}

static inline void upper_err(void *arg, err_t err) {
    struct upper *u = arg;
    assert_true(err == ERR_ABRT || err == ERR_CLSD || err == ERR_RST);
    u->errors++;
    u->pcb = NULL;
}

static inline err_t upper_poll(void *arg, struct altcp_pcb *pcb) {
    struct upper *u = arg;
    assert_ptr_equal(pcb, u->pcb);
    u->polls++;
    return ERR_OK;
}

static inline err_t upper_accept(void *arg, struct altcp_pcb *pcb, err_t err) {
    assert_ptr_equal(arg, &accepts);
    assert_int_equal(err, ERR_OK);
    struct upper *u = &uppers[accepts % 2];
    accepts++;
    if (u->accept_answer != ERR_OK) {
        return u->accept_answer;
    }
    assert_null(u->pcb);
    u->pcb = pcb;
    altcp_arg(pcb, u);
    altcp_recv(pcb, upper_recv);
    altcp_sent(pcb, upper_sent);
    altcp_err(pcb, upper_err);
    altcp_poll(pcb, upper_poll, 2);
    return ERR_OK;
}

/* ---- set-up ------------------------------------------------------------------------------ */

/* A key and a certificate that signs itself; both of the client and the server trust it. */
static inline void make_certificate(void) {
    WC_RNG wc_rng;
    ecc_key key;
    Cert cert;
    wc_InitRng(&wc_rng);
    wc_ecc_init(&key);
    assert_int_equal(wc_ecc_make_key_ex(&wc_rng, 32, &key, ECC_SECP256R1), 0);
    key_der_len = wc_EccKeyToDer(&key, key_der, sizeof key_der);
    assert_true(key_der_len > 0);
    assert_int_equal(wc_InitCert(&cert), 0);
    memcpy(cert.subject.commonName, "pingshot test", 14);
    cert.isCA = 1;
    cert.selfSigned = 1;
    cert.sigType = CTC_SHA256wECDSA;
    cert.daysValid = 30;
    assert_true(wc_MakeCert(&cert, cert_der, sizeof cert_der, NULL, &key, &wc_rng) > 0);
    cert_der_len =
        wc_SignCert(cert.bodySz, cert.sigType, cert_der, sizeof cert_der, NULL, &key, &wc_rng);
    assert_true(cert_der_len > 0);
    wc_ecc_free(&key);
    wc_FreeRng(&wc_rng);
}

static inline WOLFSSL_CTX *make_client_ctx(WOLFSSL_METHOD *method) {
    WOLFSSL_CTX *ctx = wolfSSL_CTX_new(method);
    assert_non_null(ctx);
    assert_int_equal(
        wolfSSL_CTX_load_verify_buffer(ctx, cert_der, cert_der_len, WOLFSSL_FILETYPE_ASN1),
        WOLFSSL_SUCCESS);
    wolfSSL_CTX_UseSessionTicket(ctx);
    wolfSSL_CTX_set_session_cache_mode(ctx, WOLFSSL_SESS_CACHE_OFF);
    wolfSSL_CTX_SetIORecv(ctx, client_recv);
    wolfSSL_CTX_SetIOSend(ctx, client_send);
    return ctx;
}

static inline void start_listener(void) {
    static const char *alpn[] = {"http/1.1", NULL};
    config = altcp_tls_create_config_server_privkey_cert(key_der, (size_t)key_der_len, NULL, 0,
                                                         cert_der, (size_t)cert_der_len);
    assert_non_null(config);
    assert_int_equal(altcp_tls_configure_alpn_protocols(config, alpn), 0);
    lower_listener = altcp_alloc();
    lower_listener->fns = &fake_tcp;
    struct altcp_pcb *pcb = altcp_tls_wrap(config, lower_listener);
    assert_non_null(pcb);
    err_t err;
    listener = altcp_listen_with_backlog_and_err(pcb, 5, &err);
    assert_ptr_equal(listener, pcb);
    altcp_arg(listener, &accepts);
    altcp_accept(listener, upper_accept);
}

static inline void warm_up(void);

static inline int start_world(void **state) {
    static const uint8_t seed[RANDOM_SEED_BYTES] = {7};
    (void)state;
    random_seed(&rng, seed);
    net_stack_init(&(struct net_stack_config){.rng = &rng});
    assert_int_equal(wolfSSL_Init(), WOLFSSL_SUCCESS);
    make_certificate();
    client_ctxs[0] = make_client_ctx(wolfTLSv1_2_client_method());
    client_ctxs[1] = make_client_ctx(wolfTLSv1_3_client_method());
    start_listener();
    warm_up();
    return 0;
}

static inline int end_world(void **state) {
    struct altcp_tls_mem_stats mem;
    (void)state;
    if (listener != NULL) {
        assert_int_equal(altcp_close(listener), ERR_OK);
    }
    altcp_tls_free_config(config);
    wolfSSL_CTX_free(client_ctxs[0]);
    wolfSSL_CTX_free(client_ctxs[1]);
    wolfSSL_Cleanup();
    altcp_tls_mem_get_stats(&mem);
    assert_int_equal(mem.used_bytes, 0);
    return 0;
}

static inline uint32_t memory_used(void) {
    struct altcp_tls_mem_stats mem;
    altcp_tls_mem_get_stats(&mem);
    return mem.used_bytes;
}

static inline struct altcp_tls_stats stats_now(void) {
    return *altcp_tls_wolfssl_stats();
}

static struct altcp_tls_stats stats_before; /* this test */

static inline int start_test(void **state) {
    (void)state;
    memset(pipes, 0, sizeof pipes);
    memset(uppers, 0, sizeof uppers);
    accepts = 0;
    memory_at_rest_bytes = memory_used();
    stats_before = stats_now();
    return 0;
}

/* Every pool is as it was. */
static inline int end_test(void **state) {
    (void)state;
    for (int i = 0; i < 2; i++) {
        client_free(&pipes[i]);
        if (uppers[i].pcb != NULL) {
            altcp_abort(uppers[i].pcb);
        }
        assert_null(pipes[i].inner);
    }
    assert_int_equal(altcp_tls_wolfssl_stats()->sessions_used, 0);
    assert_int_equal(memory_used(), memory_at_rest_bytes);
    assert_int_equal(net_heap_stats().used, 0);
    assert_int_equal(lwip_stats.memp[MEMP_ALTCP_PCB]->used, 2); /* the listener's layers */
    return 0;
}

/* A cmocka test with these. The group's setup is start_world, its teardown end_world. */
#define TLS_TEST(function) cmocka_unit_test_setup_teardown(function, start_test, end_test)

/* A TCP connection comes in; what the TLS layer says to that. */
static inline err_t connect_tcp(struct pipe *p) {
    struct altcp_pcb *inner = altcp_alloc();
    assert_non_null(inner);
    inner->fns = &fake_tcp;
    inner->state = p;
    p->sndbuf_bytes = 65535;
    p->inner = inner;
    err_t err = lower_listener->accept(lower_listener->arg, inner, ERR_OK);
    if (err != ERR_OK) { /* as lwIP does */
        fake_abort(inner);
    }
    return err;
}

/* Runs a handshake with every byte delivered in pieces of that size. */
static inline void shake_hands_in(struct pipe *p, bool tls13, uint32_t piece_bytes) {
    assert_int_equal(connect_tcp(p), ERR_OK);
    client_start(p, tls13);
    bool done = false;
    for (int turn = 0; turn < 8 && p->inner != NULL; turn++) {
        done = done || client_steps(p);
        deliver_all(p, piece_bytes);
        acknowledge_all(p);
    }
    assert_true(done);
}

static inline void shake_hands(struct pipe *p, bool tls13) {
    shake_hands_in(p, tls13, 0xffff);
}

/* A client's context keeps what its first connection made. */
static inline void warm_up(void) {
    for (int tls13 = 0; tls13 < 2; tls13++) {
        start_test(NULL);
        shake_hands(&pipes[0], tls13);
        client_free(&pipes[0]);
        altcp_abort(uppers[0].pcb);
    }
}

/* Takes memory until less than `left_bytes` is there. */
static inline uint32_t take_memory(void **blocks, uint32_t size, uint32_t left_bytes) {
    uint32_t count = 0;
    struct altcp_tls_mem_stats mem;
    for (;;) {
        altcp_tls_mem_get_stats(&mem);
        if (mem.limit_bytes - mem.used_bytes <= left_bytes || count == size) {
            return count;
        }
        uint32_t over = mem.limit_bytes - mem.used_bytes - left_bytes;
        blocks[count] = altcp_tls_mem_alloc(over > 8192 ? 4096 : 64);
        if (blocks[count++] == NULL) {
            return count - 1;
        }
    }
}

static inline void give_memory(void **blocks, uint32_t count) {
    while (count > 0) {
        altcp_tls_mem_free(blocks[--count]);
    }
}

static inline void fill_pattern(uint8_t *bytes, uint32_t n) {
    for (uint32_t i = 0; i < n; i++) {
        bytes[i] = (uint8_t)(i * 31u + (i >> 8));
    }
}

/* The application writes as much as it may, once. */
static inline uint32_t upper_writes(struct upper *u, const uint8_t *bytes, uint32_t n) {
    uint16_t room = altcp_sndbuf(u->pcb);
    uint16_t take = (uint16_t)LWIP_MIN(n, room);
    if (take == 0 || altcp_write(u->pcb, bytes, take, 0) != ERR_OK) {
        return 0;
    }
    return take;
}

#endif
