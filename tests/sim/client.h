/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * client.h: a client's HTTP: one connection, requests one behind another, responses read by a
 * reader of its own. Who asks, and what for, is scraper.h's and poster.h's affair.
 */
#ifndef PINGSHOT_SIM_CLIENT_H
#define PINGSHOT_SIM_CLIENT_H

#include "host.h"

#define CLIENT_BODY_BYTES 16384u
#define CLIENT_OUT_BYTES 8192u

struct client_answer {
    int status;
    uint32_t bytes;
    const char *body; /* NUL behind it */
};

struct client;

/* What its owner is told. It may end the connection there, but opens a new one later. */
struct client_calls {
    void (*began)(void *owner); /* the head of a response is here: the server has read a request */
    void (*answered)(void *owner, const struct client_answer *answer);
    void (*failed)(void *owner); /* the connection is lost, or talks nonsense */
};

struct client {
    struct host *host;
    const struct sim_peer *peer;
    const struct client_calls *calls;
    void *owner;
    bool tls;
    int conn; /* -1: none */
    bool connected;
    uint32_t open_count; /* requests written and not answered */
    uint32_t answers;    /* on this connection */
    bool was_kept;       /* the last one failed after other requests, before a byte of an answer */
    uint64_t life;       /* of the host, when the connection was opened */
    uint64_t opened;     /* connections so far */
    struct sim_position position; /* behind the last response that was complete */
    /* The response being read. */
    bool in_body;
    bool chunked;
    bool to_end; /* without a length: until the connection ends */
    bool close;  /* Connection: close */
    int status;
    uint32_t left_bytes; /* of the body, or of the chunk */
    uint32_t head_bytes;
    uint32_t body_bytes;
    uint32_t out_bytes;
    char head[1024]; /* of the response, or a chunk's size line */
    char body[CLIENT_BODY_BYTES + 1];
    char out[CLIENT_OUT_BYTES]; /* requests that wait for the connection */
};

void client_init(struct client *c, struct host *host, bool tls, const struct client_calls *calls,
                 void *owner);

/* Sends a request, over the connection there is or a new one. False: there is no way to; no byte
 * of it was sent. */
bool client_ask(struct client *c, const char *request, uint32_t bytes);

/* A connection is there, or being made. */
bool client_is_open(const struct client *c);

/* Some byte of a request may have reached the server. */
bool client_has_asked(const struct client *c);

/* Reads no more for now; or goes on. */
void client_pause(struct client *c, bool paused);

/* Ends the connection: with RST, or politely. Nothing is told. */
void client_abort(struct client *c);
void client_end(struct client *c);

/* What peer.so tells; `user` is the struct client. */
extern const struct sim_peer_calls client_peer_calls;

#endif
