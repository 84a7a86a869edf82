/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * tcp_pipe.h: TCP made of memory, below a layer of altcp: it counts what that layer does, and refuses
 * what a test wants refused. The test decides when bytes travel, in what pieces, and when they are
 * acknowledged.
 */
#ifndef TCP_PIPE_H
#define TCP_PIPE_H

#include "lwip/pbuf.h"
#include "lwip/priv/altcp_priv.h"
#include "lwip/tcp.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <wolfssl/ssl.h>

#define PIPE_BYTES (1u << 20)

/* TCP below one connection, and what its peer did. */
struct pipe {
    struct altcp_pcb *inner; /* NULL once closed or aborted */
    uint32_t sndbuf_bytes;   /* TCP's send buffer */
    uint32_t unacked_bytes;  /* of it in use */
    uint32_t writes_refused; /* so many writes from now on get ERR_MEM */
    uint32_t closes_refused;
    uint32_t written_bytes;   /* by the server since the start */
    uint32_t recved_bytes;    /* told to TCP's window */
    uint32_t delivered_bytes; /* ciphertext that the TLS layer was given */
    bool fin_sent;            /* by the server: shutdown or close */
    bool aborted;             /* by the server */
    uint8_t to_client[PIPE_BYTES];
    uint32_t to_client_len;
    uint32_t to_client_read;
    uint8_t to_server[PIPE_BYTES];
    uint32_t to_server_len;
    uint32_t to_server_read;
    WOLFSSL *client;
};

static inline struct pipe *pipe_of(struct altcp_pcb *pcb) {
    return pcb->state;
}

static inline void fake_set_poll(struct altcp_pcb *pcb, u8_t interval) {
    (void)pcb;
    (void)interval;
}

static inline void fake_recved(struct altcp_pcb *pcb, u16_t len) {
    pipe_of(pcb)->recved_bytes += len;
    assert_true(pipe_of(pcb)->recved_bytes <= pipe_of(pcb)->delivered_bytes);
}

static inline struct altcp_pcb *fake_listen(struct altcp_pcb *pcb, u8_t backlog, err_t *err) {
    (void)backlog;
    *err = ERR_OK;
    return pcb;
}

static inline void fake_abort(struct altcp_pcb *pcb) {
    struct pipe *p = pipe_of(pcb);
    p->aborted = true;
    p->inner = NULL;
    if (pcb->err != NULL) {
        pcb->err(pcb->arg, ERR_ABRT);
    }
    altcp_free(pcb);
}

static inline err_t fake_close(struct altcp_pcb *pcb) {
    struct pipe *p = pipe_of(pcb);
    if (p != NULL) {
        if (p->closes_refused > 0) {
            p->closes_refused--;
            return ERR_MEM;
        }
        p->fin_sent = true;
        p->inner = NULL;
    }
    altcp_free(pcb);
    return ERR_OK;
}

static inline err_t fake_shutdown(struct altcp_pcb *pcb, int rx, int tx) {
    assert_false(rx);
    assert_true(tx);
    assert_false(pipe_of(pcb)->fin_sent);
    pipe_of(pcb)->fin_sent = true;
    return ERR_OK;
}

static inline u16_t fake_sndbuf(struct altcp_pcb *pcb) {
    struct pipe *p = pipe_of(pcb);
    return (u16_t)LWIP_MIN(p->sndbuf_bytes - p->unacked_bytes, 0xffffu);
}

static inline err_t fake_write(struct altcp_pcb *pcb, const void *bytes, u16_t n, u8_t flags) {
    struct pipe *p = pipe_of(pcb);
    assert_true(flags & TCP_WRITE_FLAG_COPY);
    assert_false(p->fin_sent);
    if (p->writes_refused > 0 || n > fake_sndbuf(pcb)) {
        p->writes_refused -= p->writes_refused > 0;
        return ERR_MEM;
    }
    assert_true(p->to_client_len + n <= PIPE_BYTES);
    memcpy(p->to_client + p->to_client_len, bytes, n);
    p->to_client_len += n;
    p->written_bytes += n;
    p->unacked_bytes += n;
    return ERR_OK;
}

static inline err_t fake_output(struct altcp_pcb *pcb) {
    (void)pcb;
    return ERR_OK;
}

static inline u16_t fake_mss(struct altcp_pcb *pcb) {
    (void)pcb;
    return 1460;
}

static inline u16_t fake_sndqueuelen(struct altcp_pcb *pcb) {
    (void)pcb;
    return 0;
}

static inline void fake_nothing(struct altcp_pcb *pcb) {
    (void)pcb;
}

static const struct altcp_functions fake_tcp = {
    .set_poll = fake_set_poll,
    .recved = fake_recved,
    .listen = fake_listen,
    .abort = fake_abort,
    .close = fake_close,
    .shutdown = fake_shutdown,
    .write = fake_write,
    .output = fake_output,
    .mss = fake_mss,
    .sndbuf = fake_sndbuf,
    .sndqueuelen = fake_sndqueuelen,
    .nagle_disable = fake_nothing,
    .dealloc = fake_nothing,
};

/* lwIP's rule: a callback that aborted its own pcb, and no other, says ERR_ABRT. */
static inline void expect_answer(const struct pipe *p, bool aborted_before, err_t err) {
    assert_int_equal(err == ERR_ABRT, p->aborted && !aborted_before);
}

/* Gives the TLS layer the next `n` bytes that the client sent. */
static inline void deliver(struct pipe *p, uint32_t n) {
    if (p->inner == NULL) {
        p->to_server_read += n;
        return;
    }
    struct pbuf *q = pbuf_alloc(PBUF_RAW, (u16_t)n, PBUF_RAM);
    assert_non_null(q);
    pbuf_take(q, p->to_server + p->to_server_read, (u16_t)n);
    p->to_server_read += n;
    p->delivered_bytes += n;
    bool aborted_before = p->aborted;
    expect_answer(p, aborted_before, p->inner->recv(p->inner->arg, p->inner, q, ERR_OK));
}

static inline uint32_t undelivered(const struct pipe *p) {
    return p->to_server_len - p->to_server_read;
}

/* All of it, in pieces. */
static inline void deliver_all(struct pipe *p, uint32_t piece_bytes) {
    while (undelivered(p) > 0) {
        deliver(p, LWIP_MIN(undelivered(p), piece_bytes));
    }
}

static inline void deliver_fin(struct pipe *p) {
    bool aborted_before = p->aborted;
    expect_answer(p, aborted_before, p->inner->recv(p->inner->arg, p->inner, NULL, ERR_OK));
}

static inline void acknowledge(struct pipe *p, uint32_t n) {
    assert_true(n <= p->unacked_bytes);
    p->unacked_bytes -= n;
    if (p->inner != NULL && p->inner->sent != NULL) {
        bool aborted_before = p->aborted;
        expect_answer(p, aborted_before, p->inner->sent(p->inner->arg, p->inner, (u16_t)n));
    }
}

static inline void acknowledge_all(struct pipe *p) {
    while (p->unacked_bytes > 0) {
        acknowledge(p, LWIP_MIN(p->unacked_bytes, 0xffffu));
    }
}

static inline void poll_once(struct pipe *p) {
    if (p->inner != NULL && p->inner->poll != NULL) {
        bool aborted_before = p->aborted;
        expect_answer(p, aborted_before, p->inner->poll(p->inner->arg, p->inner));
    }
}

#endif
