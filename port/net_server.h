/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * net_server.h: joins lwIP's altcp connections to the app's HTTP connections: it implements
 * transport.h. Whether a connection is plain TCP or TLS is the listener's affair alone.
 */
#ifndef PINGSHOT_NET_SERVER_H
#define PINGSHOT_NET_SERVER_H

#include "app.h"

#include "lwip/altcp.h"
#include "lwip/tcp.h"

struct net_server;

/* Bytes that came and wait for the app to take them, in a block of lwIP's heap. Of a small heap (no
 * CFG_NET_HEAP_SLABS) all connections together take a third at most, in small blocks, for a few bytes
 * take a whole one; what finds none stays with lwIP or the TLS layer, which offers it again. */
struct net_held {
    struct net_held *next;
    uint16_t start; /* the app has taken those before it */
    uint16_t end;
    uint8_t bytes[CFG_NET_HEAP_SLABS > 0 ? TCP_MSS : 256];
};

/* One accepted connection. */
struct net_conn {
    struct transport transport; /* first: the app knows it by this */
    struct net_server *server;
    struct altcp_pcb *pcb; /* NULL: this place is free */
    struct http_conn *http;
    struct net_held *held_first; /* TCP's window bounds it, or ALTCP_TLS_RX_UNTAKEN_BYTES */
    uint32_t unacked_bytes;      /* taken from the app, not acknowledged by the peer's TCP */
    uint16_t closed_bytes;       /* taken by the app, and not given back to TCP's window */
    bool peer_closed : 1;        /* its FIN has come */
    bool peer_closed_told : 1;   /* and the app knows */
    bool shut_down : 1;          /* our FIN is on its way */
};

struct net_server {
    struct app *app;
    /* The connection whose lwIP callback is running: lwIP sends what is written when it returns. */
    struct net_conn *current;
    /* One more than the app has: a newcomer has a place before another is cut off for it. */
    struct net_conn conns[CFG_CONNECTIONS_MAX + 1];
};

void net_server_init(struct net_server *s, struct app *app);

/* Serves the app on `port` of all addresses. `allocator` makes the listening pcb: NULL for plain
 * TCP. ERR_USE when the port is taken, ERR_MEM when lwIP has no pcb left. */
err_t net_server_listen(struct net_server *s, altcp_allocator_t *allocator, uint16_t port);

#endif
