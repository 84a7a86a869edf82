/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * client.c: see client.h.
 */
#include "client.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define SERVER_ADDRESS 0x0a000001u

void client_init(struct client *c, struct host *host, bool tls, const struct client_calls *calls,
                 void *owner) {
    memset(c, 0, offsetof(struct client, head));
    c->host = host;
    c->peer = host->instance->symbol;
    c->tls = tls;
    c->calls = calls;
    c->owner = owner;
    c->conn = -1;
}

/* The host may have been restarted: then the connection is gone without a word. */
bool client_is_open(const struct client *c) {
    return c->conn >= 0 && c->life == c->host->life && c->host->up;
}

bool client_has_asked(const struct client *c) {
    return client_is_open(c) && c->connected;
}

static void forget(struct client *c) {
    c->was_kept = c->answers > 0 && c->head_bytes == 0 && !c->in_body;
    c->conn = -1;
    c->connected = false;
    c->open_count = 0;
    c->answers = 0;
    c->in_body = false;
    c->head_bytes = 0;
    c->out_bytes = 0;
}

static void next_response(struct client *c) {
    c->in_body = false;
    c->head_bytes = 0;
    c->body_bytes = 0;
}

static void fail(struct client *c) {
    if (client_is_open(c)) {
        c->peer->abort(c->conn);
    }
    forget(c);
    c->calls->failed(c->owner);
}

void client_abort(struct client *c) {
    if (client_is_open(c)) {
        c->peer->abort(c->conn);
    }
    forget(c);
}

void client_end(struct client *c) {
    if (client_is_open(c)) {
        c->peer->end(c->conn);
    }
    forget(c);
}

void client_pause(struct client *c, bool paused) {
    if (client_is_open(c)) {
        c->peer->pause(c->conn, paused);
    }
}

bool client_ask(struct client *c, const char *request, uint32_t bytes) {
    if (!c->host->up) {
        return false;
    }
    if (!client_is_open(c)) {
        forget(c);
        next_response(c);
        c->life = c->host->life;
        c->opened++;
        c->conn = c->peer->open(c, SERVER_ADDRESS, c->tls);
        if (c->conn < 0) {
            return false;
        }
    }
    if (c->connected) {
        if (!c->peer->write(c->conn, request, bytes)) {
            return false;
        }
    } else {
        if (bytes > sizeof c->out - c->out_bytes) {
            return false;
        }
        memcpy(c->out + c->out_bytes, request, bytes);
        c->out_bytes += bytes;
    }
    c->open_count++;
    return true;
}

/* ---- responses ----------------------------------------------------------------------------- */

static void finish(struct client *c) {
    const struct client_answer answer = {c->status, c->body_bytes, c->body};
    const bool last = c->close || c->to_end;
    c->body[c->body_bytes] = '\0';
    c->peer->where(c->conn, &c->position);
    const bool others = --c->open_count > 0;
    c->answers++;
    next_response(c);
    if (last) {
        client_end(c);
    }
    c->calls->answered(c->owner, &answer);
    if (last && others) {
        c->calls->failed(c->owner); /* the server did not take them */
    }
}

/* "Name: value" of the head, or NULL. */
static const char *field(const struct client *c, const char *name) {
    const size_t n = strlen(name);
    const char *line = strchr(c->head, '\n');
    while (line != NULL) {
        if (strncasecmp(++line, name, n) == 0 && line[n] == ':') {
            return line + n + 1 + strspn(line + n + 1, " ");
        }
        line = strchr(line, '\n');
    }
    return NULL;
}

static bool read_head(struct client *c) {
    c->head[c->head_bytes] = '\0';
    if (strncmp(c->head, "HTTP/1.1 ", 9) != 0 || c->open_count == 0) {
        return false;
    }
    const char *length = field(c, "Content-Length");
    const char *coding = field(c, "Transfer-Encoding");
    const char *connection = field(c, "Connection");
    c->status = atoi(c->head + 9);
    c->chunked = coding != NULL && strncasecmp(coding, "chunked", 7) == 0;
    c->to_end = !c->chunked && length == NULL;
    c->left_bytes = length != NULL ? (uint32_t)atoi(length) : 0;
    c->close = connection != NULL && strncasecmp(connection, "close", 5) == 0;
    c->in_body = true;
    c->head_bytes = 0;
    c->body_bytes = 0;
    c->calls->began(c->owner);
    return true;
}

/* A line of the head, or of the framing of chunks. False: nonsense. */
static bool end_of_line(struct client *c) {
    if (!c->in_body) {
        bool empty = c->head_bytes >= 4 && memcmp(c->head + c->head_bytes - 4, "\r\n\r\n", 4) == 0;
        if (empty && !read_head(c)) {
            return false;
        }
        if (empty && c->in_body && !c->chunked && !c->to_end && c->left_bytes == 0) {
            finish(c);
        }
        return true;
    }
    c->head[c->head_bytes] = '\0';
    c->head_bytes = 0;
    if (c->head[0] == '\r') { /* behind a chunk, or the end of all */
        if (c->status < 0) {
            c->status = -c->status;
            finish(c);
        }
        return true;
    }
    char *end;
    c->left_bytes = (uint32_t)strtoul(c->head, &end, 16);
    if (end == c->head || *end != '\r') {
        return false;
    }
    if (c->left_bytes == 0) {
        c->status = -c->status; /* the last one: the empty line ends it */
    }
    return true;
}

static bool take_byte(struct client *c, char byte) {
    if (c->in_body && (c->to_end || c->left_bytes > 0)) {
        if (c->body_bytes == CLIENT_BODY_BYTES) {
            return false;
        }
        c->body[c->body_bytes++] = byte;
        c->left_bytes -= c->to_end ? 0 : 1;
        if (!c->to_end && !c->chunked && c->left_bytes == 0) {
            finish(c);
        }
        return true;
    }
    if (c->head_bytes + 1 == sizeof c->head) {
        return false;
    }
    c->head[c->head_bytes++] = byte;
    return byte != '\n' || end_of_line(c);
}

/* ---- what peer.so tells --------------------------------------------------------------------- */

static void connected(void *user) {
    struct client *c = user;
    c->connected = true;
    uint32_t bytes = c->out_bytes;
    c->out_bytes = 0;
    if (!c->peer->write(c->conn, c->out, bytes)) {
        fail(c);
    }
}

static void received(void *user, const void *bytes, uint32_t n) {
    struct client *c = user;
    const char *at = bytes;
    const uint64_t opened = c->opened;
    for (uint32_t i = 0; i < n; i++) {
        if (!take_byte(c, at[i])) {
            fail(c);
            return;
        }
        if (c->conn < 0 || c->opened != opened) {
            return; /* ended by what it said */
        }
    }
}

static void closed(void *user) {
    struct client *c = user;
    if (c->in_body && c->to_end) {
        finish(c);
        return;
    }
    if (c->open_count > 0) {
        fail(c);
    } else {
        client_end(c);
    }
}

static void lost(void *user) {
    struct client *c = user;
    bool waiting = c->open_count > 0;
    forget(c);
    if (waiting) {
        c->calls->failed(c->owner);
    }
}

const struct sim_peer_calls client_peer_calls = {
    .connected = connected,
    .received = received,
    .closed = closed,
    .lost = lost,
};
