/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * net_server.c: see net_server.h. lwIP's rules for raw callbacks decide the shape: what is written
 * in one goes out when it returns, in the err callback the pcb is gone already, and memory that is
 * short at the moment is no error.
 */
#include "net_server.h"

#include "altcp_tls_wolfssl.h"
#include "net_stack.h"

#include "lwip/ip_addr.h"
#include "lwip/pbuf.h"
#include "lwip/tcp.h"

_Static_assert(TCP_SND_BUF >= CFG_LINE_BYTES + 512,
               "TCP_SND_BUF: at least CFG_LINE_BYTES + 512, a head and one line must fit");

/* What the app keeps may count against the window (kept_bytes), and has to leave some of it. */
_Static_assert(CFG_NET_HEAP_SLABS > 0 || TCP_WND > CFG_HTTP_RX_BYTES,
               "CFG_NET_WINDOW_BYTES: more than CFG_HTTP_RX_BYTES, or a request may wait for ever");

static struct net_conn *conn_of(struct transport *t) {
    return (struct net_conn *)t;
}

/* ---- room for what the app cannot take yet ---------------------------------------------- */

#if CFG_NET_HEAP_SLABS > 0
/* The heap has room for all that the windows of its connections let in. */
static bool may_hold(void) {
    return true;
}

static bool is_crowded(void) {
    return false;
}

static void count_held(int32_t more) {
    (void)more;
}
#else
/* Blocks of all connections may take a third of the heap. The rest is for answers: without them
 * nothing held would ever be taken. */
#define HELD_MAX (CFG_NET_HEAP_BYTES / 3 / (sizeof(struct net_held) + 2 * MEM_ALIGNMENT))

static uint32_t held_count;

static bool may_hold(void) {
    return held_count < HELD_MAX;
}

static bool is_crowded(void) {
    return held_count >= HELD_MAX / 2;
}

static void count_held(int32_t more) {
    held_count += (uint32_t)more;
}
#endif

/* ---- ends ------------------------------------------------------------------------------- */

static void drop_first_held(struct net_conn *conn) {
    struct net_held *first = conn->held_first;
    conn->held_first = first->next;
    mem_free(first);
    count_held(-1);
}

static void free_conn(struct net_conn *conn) {
    while (conn->held_first != NULL) {
        drop_first_held(conn);
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
    /* TLS may have no memory for it. Then the next callback tries again, or http_conn's time to linger
     * ends; an abort would leave lwIP, whose callback this is, with a pcb that is gone. */
    if (altcp_close(pcb) == ERR_OK) {
        free_conn(conn);
        http_conn_lost(conn->http);
    }
}

/* ---- transport.h ------------------------------------------------------------------------ */

static uint32_t least(uint32_t a, uint32_t b) {
    return a < b ? a : b;
}

/* What waits for acknowledgement lies in a heap that all connections share. Each may have there as
 * much as it leaves for others: however many acknowledge nothing, a newcomer finds some. */
static uint32_t share_of_heap(const struct net_conn *conn) {
    const uint32_t left = net_stack_heap_left_bytes();
    return left > conn->unacked_bytes ? (left - conn->unacked_bytes) / 2 : 0;
}

/* As much as TCP has buffer for, and as many segments as it may queue: to a peer with a tiny MSS
 * the second is less. */
static uint32_t transport_writable(struct transport *t) {
    const struct net_conn *conn = conn_of(t);
    struct altcp_pcb *pcb = conn->pcb;
    uint32_t queued = altcp_sndqueuelen(pcb) + 2u; /* a write may begin and end within segments */
    uint32_t segments = queued < TCP_SND_QUEUELEN ? TCP_SND_QUEUELEN - queued : 0;
    uint32_t bytes = least(altcp_sndbuf(pcb), segments * altcp_mss(pcb));
    return least(bytes, share_of_heap(conn));
}

/* Full segments cost least. But a peer that has received only one acknowledges it late (RFC 9293
 * section 3.8.6.3): so bytes that fill none wait (section 3.7.4) only while two are on their way. */
static bool may_wait(const struct net_conn *conn, uint32_t n) {
    return conn->unacked_bytes + n >= 2u * altcp_mss(conn->pcb);
}

static int32_t transport_write(struct transport *t, const void *bytes, uint32_t n, bool more) {
    struct net_conn *conn = conn_of(t);
    u8_t flags = TCP_WRITE_FLAG_COPY;
    if (more && may_wait(conn, n)) {
        flags |= TCP_WRITE_FLAG_MORE;
        altcp_nagle_enable(conn->pcb);
    } else {
        altcp_nagle_disable(conn->pcb);
    }
    err_t err = altcp_write(conn->pcb, bytes, (u16_t)n, flags);
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

static bool transport_is_short(struct transport *t) {
    return t->secure && altcp_tls_wolfssl_is_short();
}

static const struct transport_ops ops = {
    .writable = transport_writable,
    .write = transport_write,
    .shutdown = transport_shutdown,
    .abort = transport_abort,
    .is_short = transport_is_short,
};

/* ---- what came -------------------------------------------------------------------------- */

/* A segment stays in the frame that it came in only while its callback runs: the frames are shared
 * by all connections, and a segment of one byte takes a whole one. What the app does not take at
 * once is copied into blocks. */

static struct net_held *new_held(void) {
    struct net_held *block = may_hold() ? mem_malloc(sizeof *block) : NULL;
    if (block != NULL) {
        count_held(1);
        block->next = NULL;
        block->start = 0;
        block->end = 0;
    }
    return block;
}

/* The block that has room for more, linked behind the others. NULL when memory is short. */
static struct net_held *held_with_room(struct net_conn *conn) {
    struct net_held **link = &conn->held_first;
    while (*link != NULL && ((*link)->next != NULL || (*link)->end == sizeof(*link)->bytes)) {
        link = &(*link)->next;
    }
    if (*link == NULL) {
        *link = new_held();
    }
    return *link;
}

/* Copies the bytes of `p` from `offset` on behind those held. What memory is too short for stays
 * behind: returns the offset that it got to. */
static uint32_t hold(struct net_conn *conn, const struct pbuf *p, uint32_t offset) {
    while (offset < p->tot_len) {
        struct net_held *last = held_with_room(conn);
        if (last == NULL) {
            break;
        }
        uint32_t n = sizeof last->bytes - last->end;
        n = n < p->tot_len - offset ? n : p->tot_len - offset;
        pbuf_copy_partial(p, last->bytes + last->end, (u16_t)n, (u16_t)offset);
        last->end = (uint16_t)(last->end + n);
        offset += n;
    }
    return offset;
}

/* Offers the app a segment just come, while nothing is held. Returns how many bytes it took. */
static uint32_t offer(struct net_conn *conn, const struct pbuf *p) {
    uint32_t taken = 0;
    for (; p != NULL; p = p->next) {
        uint32_t n = p->len > 0 ? http_conn_received(conn->http, p->payload, p->len) : 0;
        taken += n;
        if (n < p->len) {
            break;
        }
    }
    return taken;
}

/* Offers the app what is held. Returns how many bytes it took. */
static uint32_t offer_held(struct net_conn *conn) {
    uint32_t taken = 0;
    while (conn->held_first != NULL) {
        struct net_held *first = conn->held_first;
        const char *bytes = (const char *)first->bytes + first->start;
        uint32_t n = http_conn_received(conn->http, bytes, (uint32_t)first->end - first->start);
        taken += n;
        first->start = (uint16_t)(first->start + n);
        if (first->start < first->end) {
            break;
        }
        drop_first_held(conn);
    }
    return taken;
}

/* What the app took and keeps counts against the window only while many have something held: then
 * a client is not let send more than what has room. TLS has windows of its own. */
static uint32_t kept_bytes(const struct net_conn *conn) {
    return is_crowded() && !conn->shut_down && !conn->transport.secure ? conn->http->rx_len : 0;
}

/* After the app took `bytes`: tells the peer that there is room, and the app of the peer's end. */
static void credit(struct net_conn *conn, uint32_t bytes) {
    conn->closed_bytes = (uint16_t)(conn->closed_bytes + bytes);
    const uint32_t kept = kept_bytes(conn);
    if (conn->closed_bytes > kept) {
        const u16_t more = (u16_t)(conn->closed_bytes - kept);
        conn->closed_bytes = (uint16_t)kept;
        altcp_recved(conn->pcb, more);
    }
    if (conn->held_first == NULL && conn->peer_closed && !conn->peer_closed_told) {
        conn->peer_closed_told = true;
        http_conn_peer_closed(conn->http);
    }
}

/* Takes the first `n` bytes off a segment that lwIP is to keep: it must stay the same pbuf. */
static void trim(struct pbuf *p, uint32_t n) {
    const u16_t left = (u16_t)(p->tot_len - n);
    for (; n > p->len; p = p->next) {
        n -= p->len;
        p->len = 0;
        p->tot_len = left; /* of empty ones in front: what is left behind them */
    }
    pbuf_remove_header(p, n);
}

/* ---- lwIP's callbacks ------------------------------------------------------------------- */

static void enter(struct net_conn *conn) {
    conn->server->current = conn;
}

static void leave(struct net_conn *conn) {
    struct net_server *s = conn->server;
    close_if_ended(conn);
    s->current = NULL;
}

static err_t on_recv(void *arg, struct altcp_pcb *pcb, struct pbuf *p, err_t err) {
    struct net_conn *conn = arg;
    uint32_t taken = 0;
    (void)pcb;
    (void)err;
    enter(conn);
    if (p == NULL) {
        conn->peer_closed = true;
    } else {
        if (conn->held_first == NULL) {
            taken = offer(conn, p);
        }
        uint32_t kept = hold(conn, p, taken);
        if (kept < p->tot_len) {
            trim(p, kept);
            credit(conn, taken);
            leave(conn);
            return ERR_MEM; /* lwIP keeps the rest and offers it again */
        }
        pbuf_free(p);
    }
    credit(conn, taken);
    leave(conn);
    return ERR_OK;
}

static err_t on_sent(void *arg, struct altcp_pcb *pcb, u16_t len) {
    struct net_conn *conn = arg;
    (void)pcb;
    enter(conn);
    conn->unacked_bytes -= len;
    if (len > 0) {
        http_conn_acknowledged(conn->http, len);
    } else {
        http_conn_drained(conn->http); /* as a TLS layer says that it has room again */
    }
    credit(conn, offer_held(conn));
    leave(conn);
    return ERR_OK;
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
    /* What lies above another layer is TLS. To ask that layer would link it where nobody uses it. */
    *conn = (struct net_conn){
        .transport = {.ops = &ops, .secure = pcb->inner_conn != NULL},
        .server = s,
        .pcb = pcb,
    };
    net_stack_address_text(altcp_get_ip(pcb, 0), peer);
    conn->http = app_accept(s->app, &conn->transport, (struct slice){peer, (uint32_t)strlen(peer)});
    if (conn->http == NULL) {
        free_conn(conn);
        altcp_abort(pcb);
        return ERR_ABRT;
    }
    altcp_arg(pcb, conn);
    altcp_recv(pcb, on_recv);
    altcp_sent(pcb, on_sent);
    altcp_err(pcb, on_err);
    return ERR_OK;
}

/* ---- set-up ----------------------------------------------------------------------------- */

static void give_up_secure(void *arg, bool urgent) {
    const struct net_server *s = arg;
    app_give_up_secure(s->app, urgent);
}

void net_server_init(struct net_server *s, struct app *app) {
    memset(s, 0, sizeof *s);
    s->app = app;
    altcp_tls_wolfssl_on_shortage(give_up_secure, s);
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
