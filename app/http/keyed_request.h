/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * keyed_request.h: a request with an Idempotency-Key on its way through a handler. The key is looked
 * up when the head is there, the body is hashed as it comes, and compared at its end. A handler
 * keeps a struct keyed_request in its state and calls, whether or not there is a key:
 *
 *     begin                at the head; false: it has replied
 *     body                 with each piece of the body, once
 *     end                  before it acts: false is a refusal; a repeat is answered, not done
 *     prepare_*, settle    around what it does
 *     repeated             when a repeat is answered
 *     release              when its handler is
 *
 * | the key             | the request                       | answer                               |
 * | ------------------- | --------------------------------- | ------------------------------------ |
 * | new, or was refused | any                               | as without a key                     |
 * | done, in the ring   | the same                          | the first one's, nothing is done     |
 * | done, in the ring   | another path, query, format, body | 422                                  |
 * | under way           | any                               | 409 with Retry-After                 |
 *
 * The same request has the same path and query, byte for byte, the same body, and is JSON like the
 * first or not; other headers, and how the body was framed, do not matter. To /event the first
 * answer's status and text come again. To /create and /update, whose answer lists lines, these
 * lines come as they now stand, without those deleted since.
 *
 * A key is under way until its request's body is complete or its connection has ended. That of a
 * client that vanished without a word lasts until the request times out.
 */
#ifndef PINGSHOT_HTTP_KEYED_REQUEST_H
#define PINGSHOT_HTTP_KEYED_REQUEST_H

#include "events/delivery.h"
#include "http/http_conn.h"
#include "http/idempotency.h"

enum keyed_request_kind {
    KEYED_REQUEST_PLAIN = 0, /* no key: nothing below does anything */
    KEYED_REQUEST_FIRST,
    KEYED_REQUEST_REPEAT, /* its key is in the ring */
};

/* Zeroed before begin, as handlers' state is. */
struct keyed_request {
    struct keyed_request *next;       /* others under way, from app.keyed_requests */
    struct hash_stream hash;          /* of the request so far */
    struct idempotency_record record; /* of a repeat: of the first time */
    uint8_t kind;                     /* enum keyed_request_kind */
    bool under_way;
};

bool keyed_request_begin(struct http_conn *c, struct keyed_request *k);

/* A piece of the body. */
static inline void keyed_request_body(struct keyed_request *k, struct slice bytes) {
    if (k->kind != KEYED_REQUEST_PLAIN) {
        hash_stream_add(&k->hash, bytes.bytes, bytes.len);
    }
}

static inline bool keyed_request_is_repeat(const struct keyed_request *k) {
    return k->kind == KEYED_REQUEST_REPEAT;
}

/* The body is complete. False with PROBLEM_REUSED when it is not that of the first time. */
bool keyed_request_end(struct http_conn *c, struct keyed_request *k, struct problem *p);

/* The line of PROBLEM_REUSED. Returns false. */
bool keyed_request_refuse(struct problem *p);

/* It is about to be done, as a post or as the transaction with that index. */
void keyed_request_prepare_event(struct http_conn *c, struct keyed_request *k);
void keyed_request_prepare_txn(struct http_conn *c, struct keyed_request *k, uint32_t txn);

/* It was done, or refused. */
void keyed_request_settle(struct http_conn *c, const struct keyed_request *k, bool done);

/* The receipt that the first POST /event was answered with. */
struct delivery_receipt keyed_request_receipt(const struct http_conn *c,
                                              const struct keyed_request *k);

/* A repeat is answered as the first one was: counts it. */
void keyed_request_repeated(struct http_conn *c, const struct keyed_request *k);

/* It is under way no more, however it ended. */
void keyed_request_release(struct http_conn *c, struct keyed_request *k);

#endif
