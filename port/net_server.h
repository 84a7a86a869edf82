/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * net_server.h: joins lwIP's altcp connections to the app's HTTP connections: it implements
 * transport.h. Whether a connection is plain TCP or TLS is the listener's affair alone.
 */
#ifndef PINGSHOT_NET_SERVER_H
#define PINGSHOT_NET_SERVER_H

#include "app.h"

#include "lwip/altcp.h"

struct net_server;

/* One accepted connection. */
struct net_conn {
    struct transport transport; /* first: the app knows it by this */
    struct net_server *server;
    struct altcp_pcb *pcb; /* NULL: this place is free */
    struct http_conn *http;
    struct pbuf *received;  /* what the app has not taken yet */
    uint16_t tail_room;     /* bytes that still fit behind the end of its last pbuf */
    uint32_t unacked_bytes; /* taken from the app, not acknowledged by the peer's TCP */
    bool peer_closed;       /* its FIN has come */
    bool peer_closed_told;  /* and the app knows */
    bool shut_down;         /* our FIN is on its way */
};

struct net_server {
    struct app *app;
    /* The connection whose lwIP callback is running: lwIP sends what is written when that returns,
     * and must be told if it was aborted meanwhile. */
    struct net_conn *current;
    bool current_aborted;
    /* One more than the app has: a newcomer has a place before another is cut off for it. */
    struct net_conn conns[CFG_CONNECTIONS_MAX + 1];
};

void net_server_init(struct net_server *s, struct app *app);

/* Serves the app on `port` of all addresses. `allocator` makes the listening pcb: NULL for plain
 * TCP. ERR_USE when the port is taken, ERR_MEM when lwIP has no pcb left. */
err_t net_server_listen(struct net_server *s, altcp_allocator_t *allocator, uint16_t port);

#endif
