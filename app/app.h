/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * app.h: all of pingshot but its network: HTTP, webhooks and what they need, in one struct that the
 * caller owns, over the registry and the events of a struct state. A port calls app_init once,
 * app_poll in its loop, and tells of connections through app_accept and http_conn.h.
 */
#ifndef PINGSHOT_APP_H
#define PINGSHOT_APP_H

#include "hash.h"
#include "http/http_server.h"
#include "http/keyed_request.h"
#include "json.h"
#include "state.h"
#include "tls_stats.h"
#include "webhook/alerts.h"
#include "webhook/printer.h"
#include "webhook/notifications.h"

#define APP_VERSION "0.1.0"

/* What differs from one running pingshot to the next. */
struct app_config {
    uint8_t hash_key[HASH_KEY_BYTES];    /* unpredictable */
    const char *target;                  /* "host", or the board's name */
    uint32_t scraper_timeout_ms;         /* 0: CFG_SCRAPER_TIMEOUT_MS */
    enum delivery_duplicates duplicates; /* events with the same labels in one scrape interval */
    bool explicit_timestamps;            /* events carry their time */
    bool trust_proxy;                    /* X-Forwarded-For and X-Real-Ip name the client */
    bool alert_events;                   /* an alert that changes state is an event as well */
    /* Where notifications are printed, see printer.h. NULL: nowhere. */
    printer_write console;
    /* Takes a line for the console that warns of something. NULL: nobody reads it. */
    void (*warn)(struct slice line);
    /* Told, before any request, what the state held. NULL: nobody wants to know. */
    void (*found)(const struct state_found *found);
    /* Fills in the port's table number `index` (lwIP's pools) and returns true; false beyond the
     * last. NULL: it has none. */
    bool (*port_table)(uint32_t index, struct table_stats *stats);
    /* Fill in the port's counter number `index`, a word for its label and its value, and return
     * true; false beyond the last. Resets by cause, and errors of the network device by name.
     * NULL: it has none. */
    bool (*resets)(uint32_t index, struct label_value *cause, uint32_t *total);
    bool (*network_errors)(uint32_t index, struct label_value *name, uint32_t *total);
    /* Fills in the port's counters of TLS. NULL: it serves none. */
    void (*tls_stats)(struct tls_stats *stats);
};

struct app {
    struct app_config config;
    uint32_t uptime_s;       /* since start, */
    uint32_t uptime_rest_ms; /* and of the second under way */
    uint32_t now_ms;         /* of the last poll */
    uint32_t ping_family;    /* ping_request_count */
    uint32_t ping_series;    /* its series without a path and a receiver */
    struct state *state;     /* the registry and the events; the port's */
    struct json json;        /* of the body being read */
    struct notifications notifications;
    struct alerts alerts;
    struct printer printer;
    struct http_server http;
    struct keyed_request *keyed_requests; /* those under way */
};

/* Makes a pingshot whose registry and events lie in `*state`, which must stay as long as the app,
 * with what state_open restores of them. False when its own metrics do not fit into the registry: the
 * capacities in config.h are too small, and `*p` says which. */
bool app_init(struct app *app, const struct app_config *config, struct state *state,
              struct problem *p);

/* Keeps the time and every deadline, and prints to the console. Call it each turn of the main loop.
 * True when there is more to print and room for it: then the loop should not sleep. */
bool app_poll(struct app *app, uint32_t now_ms);

/* A client has connected: see http_server_accept. */
struct http_conn *app_accept(struct app *app, struct transport *transport, struct slice peer);

/* Clients wait for a connection over TLS: see http_server_give_up_secure. */
void app_give_up_secure(struct app *app, bool urgent);

/* Both clocks at the event under way, as the event table wants them. */
struct delivery_now app_now(const struct app *app);

/* The client's address: the connection's, or what a trusted proxy in front says. */
struct slice app_client_address(const struct http_conn *c);

/* The app that a connection belongs to. */
static inline struct app *app_of(const struct http_conn *c) {
    return c->server->context;
}

#endif
