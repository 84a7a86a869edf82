/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * http_server.h: all connections: their fixed pool, who has to go when it runs short, deadlines,
 * what they share, and the counters.
 */
#ifndef PINGSHOT_HTTP_SERVER_H
#define PINGSHOT_HTTP_SERVER_H

#include "http/http_conn.h"
#include "table_stats.h"

/* "Sun, 06 Nov 1994 08:49:37 GMT", RFC 9110 section 5.6.7. */
#define HTTP_SERVER_DATE_BYTES 29u

/* Responses of one handler with one status. */
struct http_counter {
    uint32_t total;
    uint8_t route;  /* router_index */
    uint8_t status; /* enum http_status */
};

struct http_server {
    void *context;            /* for handlers: the app */
    uint32_t now_ms;          /* of the last poll or event */
    uint32_t polled_ms;       /* when the deadlines were last looked at */
    uint32_t scraper_idle_ms; /* how long a scraper's idle connection is kept */
    int64_t date_s;           /* the second that `date` says; -1 before the first */
    uint32_t date_len;        /* 0 while the wall time is not known */
    char date[HTTP_SERVER_DATE_BYTES];
    struct table_stats connections_stats;
    struct table_stats bodies_stats;
    uint32_t evicted_total;
    uint32_t timeouts_total;
    uint32_t counters_count;
    struct http_counter counters[CFG_HTTP_COUNTERS_MAX]; /* in the order of their first response */
    uint32_t uncounted_total; /* responses that no counter was left for */
    bool body_taken[CFG_HTTP_BODY_BUFFERS];
    _Alignas(4) char tx[CFG_HTTP_TX_BYTES];
    char bodies[CFG_HTTP_BODY_BUFFERS][CFG_HTTP_BODY_BYTES];
    struct http_conn conns[CFG_CONNECTIONS_MAX];
};

/* `scraper_timeout_ms`: after it a scraper is forgotten, and so is its connection. */
void http_server_init(struct http_server *s, void *context, uint32_t scraper_timeout_ms);

/* Call it every turn of the main loop: it keeps the time, and looks at all deadlines a few times
 * a second. */
void http_server_poll(struct http_server *s, uint32_t now_ms);

/* A client has connected: the connection for it, or NULL when none can be had even by cutting
 * another off; abort it then. `peer` is its address as text, without the port. */
struct http_conn *http_server_accept(struct http_server *s, struct transport *transport,
                                     struct slice peer);

/* Clients wait for a connection over TLS, of which there are fewer: cuts off the longest-idle one of
 * them whose client has closed or makes no request, and is no scraper. With `urgent` it may be any
 * that http_server_accept would cut off. None that has begun only just; perhaps none at all. */
void http_server_give_up_secure(struct http_server *s, bool urgent);

/* ---- for http_conn ---------------------------------------------------------------------- */

/* Brings now_ms up to date. At each event that a deadline is measured from: the main loop may have
 * slept until this very event, and its last poll be as old as that sleep. */
void http_server_look_at_clock(struct http_server *s);

/* So few connections are left that clients should not keep theirs. */
bool http_server_is_short(const struct http_server *s);

/* Scrapers have all the connections over TLS that there can be. */
bool http_server_has_only_scrapers(const struct http_server *s);

void http_server_count(struct http_server *s, const struct http_route *route,
                       enum http_status status);

/* How long this connection may stand without a request. */
uint32_t http_server_idle_timeout_ms(const struct http_server *s, const struct http_conn *c);

/* A connection went back to the pool. */
void http_server_freed(struct http_server *s);

/* A body buffer of CFG_HTTP_BODY_BYTES, or NULL. */
char *http_server_take_body(struct http_server *s);
void http_server_give_body(struct http_server *s, char *body);

#endif
