/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * net_server.c: see net_server.h. lwIP's rules for raw callbacks decide the shape: a callback that
 * aborted its own pcb returns ERR_ABRT, in the err callback the pcb is gone already, and memory
 * that is short at the moment is no error.
 */
#include "net_server.h"

#include "lwip/ip_addr.h"
#include "lwip/pbuf.h"
#include "lwip/tcp.h"

_Static_assert(TCP_SND_BUF >= CFG_LINE_BYTES + 512,
               "TCP_SND_BUF: at least CFG_LINE_BYTES + 512, a head and one line must fit");

/* Segments of one connection that may wait for the app as they came. Each, even of a single byte,
 * holds a frame of the pool that all connections share; what comes behind them is copied. */
#define RECEIVED_FRAMES_MAX 4

static struct net_conn *conn_of(struct transport *t) {
    return (struct net_conn *)t;
}

/* ---- ends ------------------------------------------------------------------------------- */

static void free_conn(struct net_conn *conn) {
    if (conn->received != NULL) {
        pbuf_free(conn->received);
        conn->received = NULL;
    }
    conn->pcb = NULL;
}

static void detach(struct altcp_pcb *pcb) {
    altcp_arg(pcb, NULL);
    altcp_recv(pcb, NULL);
    altcp_sent(pcb, NULL);
    altcp_err(pcb, NULL);
}

static void abort_pcb(struct net_conn *conn) {
    struct altcp_pcb *pcb = conn->pcb;
    if (conn == conn->server->current) {
        conn->server->current_aborted = true;
    }
    free_conn(conn);
    detach(pcb);
    altcp_abort(pcb);
}

/* When both directions are closed and all is acknowledged, lwIP needs nobody for the rest. */
static void close_if_ended(struct net_conn *conn) {
    struct altcp_pcb *pcb = conn->pcb;
    if (pcb == NULL || !conn->shut_down || !conn->peer_closed || conn->unacked_bytes > 0) {
        return;
    }
    struct http_conn *http = conn->http;
    if (altcp_close(pcb) == ERR_OK) {
        free_conn(conn);
    } else {
        abort_pcb(conn);
    }
    http_conn_lost(http);
}

/* ---- transport.h ------------------------------------------------------------------------ */

static uint32_t transport_writable(struct transport *t) {
    return altcp_sndbuf(conn_of(t)->pcb);
}

static int32_t transport_write(struct transport *t, const void *bytes, uint32_t n) {
    struct net_conn *conn = conn_of(t);
    err_t err = altcp_write(conn->pcb, bytes, (u16_t)n, TCP_WRITE_FLAG_COPY);
    if (err == ERR_MEM) {
        return 0;
    }
    if (err != ERR_OK) {
        return -1;
    }
    conn->unacked_bytes += n;
    if (conn->server->current != conn) {
        altcp_output(conn->pcb);
    }
    return (int32_t)n;
}

static void transport_shutdown(struct transport *t) {
    struct net_conn *conn = conn_of(t);
    conn->shut_down = true;
    /* Without memory for the FIN lwIP tries again by itself. */
    altcp_shutdown(conn->pcb, 0, 1);
}

static void transport_abort(struct transport *t) {
    abort_pcb(conn_of(t));
}

static const struct transport_ops ops = {
    .writable = transport_writable,
    .write = transport_write,
    .shutdown = transport_shutdown,
    .abort = transport_abort,
};

/* ---- lwIP's callbacks ------------------------------------------------------------------- */

/* Offers the app what it has not taken. */
static void deliver(struct net_conn *conn) {
    uint32_t taken_bytes = 0;
    while (conn->pcb != NULL && conn->received != NULL) {
        struct pbuf *p = conn->received;
        uint32_t n = http_conn_received(conn->http, p->payload, p->len);
        if (conn->pcb == NULL) {
            return;
        }
        taken_bytes += n;
        bool all = n == p->len;
        conn->received = pbuf_free_header(p, (u16_t)n);
        if (!all) {
            break;
        }
    }
    if (conn->pcb == NULL) {
        return;
    }
    if (taken_bytes > 0) {
        altcp_recved(conn->pcb, (u16_t)taken_bytes);
    }
    if (conn->received == NULL && conn->peer_closed && !conn->peer_closed_told) {
        conn->peer_closed_told = true;
        http_conn_peer_closed(conn->http);
    }
}

/* Copies a segment behind what waits already. False when memory is short. */
static bool copy_to_tail(struct net_conn *conn, const struct pbuf *p) {
    if (conn->tail_room < p->tot_len) {
        struct pbuf *tail = pbuf_alloc(PBUF_RAW, TCP_MSS, PBUF_RAM);
        if (tail == NULL) {
            return false;
        }
        tail->len = 0;
        tail->tot_len = 0;
        pbuf_cat(conn->received, tail);
        conn->tail_room = TCP_MSS;
    }
    struct pbuf *last = conn->received;
    while (last->next != NULL) {
        last->tot_len = (u16_t)(last->tot_len + p->tot_len);
        last = last->next;
    }
    pbuf_copy_partial(p, (char *)last->payload + last->len, p->tot_len, 0);
    last->len = (u16_t)(last->len + p->tot_len);
    last->tot_len = last->len;
    conn->tail_room = (uint16_t)(conn->tail_room - p->tot_len);
    return true;
}

/* Keeps a segment for the app; TCP's window bounds how many bytes that can be. False when memory
 * is short, and the segment is still the caller's. */
static bool keep(struct net_conn *conn, struct pbuf *p) {
    if (conn->received == NULL) {
        conn->received = p;
        conn->tail_room = 0;
    } else if (pbuf_clen(conn->received) < RECEIVED_FRAMES_MAX || p->tot_len > TCP_MSS) {
        /* More than a segment is what a filled hole let through: TCP_OOSEQ_MAX_PBUFS bounds it, and
         * no tail has that much room. */
        pbuf_cat(conn->received, p);
        conn->tail_room = 0;
    } else if (copy_to_tail(conn, p)) {
        pbuf_free(p);
    } else {
        return false;
    }
    return true;
}

static void enter(struct net_conn *conn) {
    conn->server->current = conn;
    conn->server->current_aborted = false;
}

static err_t leave(struct net_conn *conn) {
    struct net_server *s = conn->server;
    close_if_ended(conn);
    s->current = NULL;
    return s->current_aborted ? ERR_ABRT : ERR_OK;
}

static err_t on_recv(void *arg, struct altcp_pcb *pcb, struct pbuf *p, err_t err) {
    struct net_conn *conn = arg;
    (void)pcb;
    (void)err;
    if (p == NULL) {
        conn->peer_closed = true;
    } else if (!keep(conn, p)) {
        return ERR_MEM; /* lwIP keeps it and offers it again */
    }
    enter(conn);
    deliver(conn);
    return leave(conn);
}

static err_t on_sent(void *arg, struct altcp_pcb *pcb, u16_t len) {
    struct net_conn *conn = arg;
    (void)pcb;
    enter(conn);
    conn->unacked_bytes -= len;
    http_conn_acknowledged(conn->http, len);
    deliver(conn);
    return leave(conn);
}

static void on_err(void *arg, err_t err) {
    struct net_conn *conn = arg;
    (void)err;
    free_conn(conn);
    http_conn_lost(conn->http);
}

static struct net_conn *find_free(struct net_server *s) {
    for (uint32_t i = 0; i <= CFG_CONNECTIONS_MAX; i++) {
        if (s->conns[i].pcb == NULL) {
            return &s->conns[i];
        }
    }
    return NULL;
}

static err_t on_accept(void *arg, struct altcp_pcb *pcb, err_t err) {
    struct net_server *s = arg;
    char peer[IPADDR_STRLEN_MAX];
    if (err != ERR_OK || pcb == NULL) {
        return ERR_VAL;
    }
    struct net_conn *conn = find_free(s);
    LWIP_ASSERT("as many places as the app has connections, and one more", conn != NULL);
    *conn = (struct net_conn){.transport.ops = &ops, .server = s, .pcb = pcb};
    ipaddr_ntoa_r(altcp_get_ip(pcb, 0), peer, sizeof peer);
    conn->http = app_accept(s->app, &conn->transport, (struct slice){peer, (uint32_t)strlen(peer)});
    if (conn->http == NULL) {
        free_conn(conn);
        altcp_abort(pcb);
        return ERR_ABRT;
    }
    altcp_nagle_disable(pcb);
    altcp_arg(pcb, conn);
    altcp_recv(pcb, on_recv);
    altcp_sent(pcb, on_sent);
    altcp_err(pcb, on_err);
    return ERR_OK;
}

/* ---- set-up ----------------------------------------------------------------------------- */

void net_server_init(struct net_server *s, struct app *app) {
    memset(s, 0, sizeof *s);
    s->app = app;
}

err_t net_server_listen(struct net_server *s, altcp_allocator_t *allocator, uint16_t port) {
    struct altcp_pcb *pcb = altcp_new_ip_type(allocator, IPADDR_TYPE_ANY);
    if (pcb == NULL) {
        return ERR_MEM;
    }
    err_t err = altcp_bind(pcb, IP_ANY_TYPE, port);
    if (err != ERR_OK) {
        altcp_close(pcb);
        return err;
    }
    struct altcp_pcb *listener =
        altcp_listen_with_backlog_and_err(pcb, TCP_DEFAULT_LISTEN_BACKLOG, &err);
    if (listener == NULL) {
        altcp_close(pcb);
        return err;
    }
    altcp_arg(listener, s);
    altcp_accept(listener, on_accept);
    return ERR_OK;
}
