/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * router.h: which handler answers a method and a path, and what it takes.
 */
#ifndef PINGSHOT_ROUTER_H
#define PINGSHOT_ROUTER_H

#include "http/http_media.h"
#include "http/http_parser.h"

struct http_conn;

enum http_body_mode {
    HTTP_BODY_IGNORED,  /* the handler wants none; what comes is read and dropped */
    HTTP_BODY_WHOLE,    /* handed over in one piece when complete */
    HTTP_BODY_STREAMED, /* handed over as it arrives */
};

/* How a request ended, from the server's side. */
enum http_outcome {
    HTTP_OUTCOME_ABANDONED,    /* before its response was out: the client vanished or was cut off */
    HTTP_OUTCOME_WRITTEN,      /* the transport took all of the response */
    HTTP_OUTCOME_ACKNOWLEDGED, /* the client's TCP acknowledged all of it; only for a request that
                                  asked with http_conn_await_acknowledgement */
};

/* What a route does. Every function may be NULL but `end`. */
struct http_handler {
    /* The head is complete. May choose the body mode (http_conn_set_body_mode), or reply at once,
     * as a refusal. */
    void (*begin)(struct http_conn *c);
    /* A piece of a streamed body: what was left the last time and what came since. Returns how
     * many bytes were used; the rest comes again with more behind it. */
    uint32_t (*body)(struct http_conn *c, struct slice bytes);
    /* The body is complete: must reply. For a streamed one, `rest` is what `body` left. */
    void (*end)(struct http_conn *c, struct slice rest);
    /* Called exactly once after begin, however the request ends. */
    void (*release)(struct http_conn *c, enum http_outcome outcome);
};

struct http_route {
    struct slice path;   /* and value of the label `handler` in /metrics; with {name} at its end all
                            that begins with what is before that. Neighbours may share one */
    uint8_t methods;     /* bits of enum http_method */
    uint8_t media_types; /* bits of enum http_media_type that a body may have */
    bool body_optional;  /* no body, and then no Content-Type, is right as well */
    uint8_t body_mode;   /* enum http_body_mode */
    const char *too_large_hint; /* ends the line that refuses a body for its size; or NULL */
    struct http_handler handler;
};

/* The route for `path` (decoded) and `method`. NULL when there is none: `*allowed` then has the
 * methods that the path does answer, 0 when it is not known. */
const struct http_route *router_find(struct slice path, uint8_t method, uint8_t *allowed);

/* Number of routes; router_route(i) is one, for i below that. */
uint32_t router_count(void);
const struct http_route *router_route(uint32_t index);

/* What every path of a route begins with: all of its own, or what stands before its {name}. */
struct slice router_prefix(const struct http_route *route);

/* The index of a route, of the first of those that share its path, or router_count() for NULL. */
uint32_t router_index(const struct http_route *route);

#endif
