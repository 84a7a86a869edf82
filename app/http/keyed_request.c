/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * keyed_request.c: see keyed_request.h.
 */
#include "http/keyed_request.h"

#include "apart.h"
#include "app.h"

static struct idempotency *ring_of(const struct http_conn *c) {
    return &app_of(c)->state->idempotency;
}

/* ---- the head --------------------------------------------------------------------------- */

/* What of the head has a meaning to the routes that take keys. No part can hold a line feed. */
static void hash_head(const struct http_conn *c, struct keyed_request *k) {
    const struct slice query = http_conn_query(c);
    hash_stream_begin(&k->hash, ring_of(c)->key);
    hash_stream_add(&k->hash, c->route->path.bytes, c->route->path.len);
    hash_stream_add(&k->hash, "\n", 1);
    hash_stream_add(&k->hash, query.bytes, query.len);
    hash_stream_add(&k->hash, http_conn_media_type(c) == HTTP_MEDIA_JSON ? "\nj" : "\n-", 2);
}

static bool is_under_way(const struct http_conn *c, struct hash_digest key) {
    const struct keyed_request *k = app_of(c)->keyed_requests;
    while (k != NULL && !hash_digest_equals(k->record.key, key)) {
        k = k->next;
    }
    return k != NULL;
}

static void enter(struct http_conn *c, struct keyed_request *k) {
    struct app *app = app_of(c);
    k->next = app->keyed_requests;
    k->under_way = true;
    app->keyed_requests = k;
}

bool keyed_request_refuse(struct problem *p) {
    return problem_set(p, PROBLEM_REUSED,
                       "Idempotency-Key: another path, query or body was sent with it before; "
                       "a new request needs a new key");
}

/* Looks the key up. */
static bool classify(struct http_conn *c, struct keyed_request *k, struct problem *p) {
    struct hash_digest key;
    if (!idempotency_read_key(ring_of(c), http_conn_field(c, HTTP_FIELD_IDEMPOTENCY_KEY), &key,
                              p)) {
        return false;
    }
    hash_head(c, k);
    const uint16_t head = (uint16_t)hash_stream_digest(&k->hash).low;
    const struct idempotency_record *done = idempotency_find(ring_of(c), key);
    if (done != NULL) {
        k->kind = KEYED_REQUEST_REPEAT;
        k->record = *done;
        return done->head == head || keyed_request_refuse(p);
    }
    if (is_under_way(c, key)) {
        return problem_set(p, PROBLEM_CONFLICT,
                           "Idempotency-Key: a request with it is still under way; "
                           "come again for its answer");
    }
    k->kind = KEYED_REQUEST_FIRST;
    k->record = (struct idempotency_record){.key = key, .head = head};
    enter(c, k);
    return true;
}

APART static bool begin(struct http_conn *c, struct keyed_request *k) {
    struct problem p;
    if (classify(c, k, &p)) {
        return true;
    }
    http_conn_reply_problem(c, &p);
    c->response.retry_after = p.kind == PROBLEM_CONFLICT;
    return false;
}

bool keyed_request_begin(struct http_conn *c, struct keyed_request *k) {
    return c->parser.head.field[HTTP_FIELD_IDEMPOTENCY_KEY].offset == 0 || begin(c, k);
}

/* ---- the end ---------------------------------------------------------------------------- */

void keyed_request_release(struct http_conn *c, struct keyed_request *k) {
    struct keyed_request **at = &app_of(c)->keyed_requests;
    if (!k->under_way) {
        return;
    }
    while (*at != k) {
        at = &(*at)->next;
    }
    *at = k->next;
    k->under_way = false;
}

bool keyed_request_end(struct http_conn *c, struct keyed_request *k, struct problem *p) {
    if (k->kind == KEYED_REQUEST_PLAIN) {
        return true;
    }
    const struct hash_digest request = hash_stream_digest(&k->hash);
    keyed_request_release(c, k);
    if (k->kind == KEYED_REQUEST_FIRST) {
        k->record.request = request;
        return true;
    }
    return hash_digest_equals(k->record.request, request) || keyed_request_refuse(p);
}

/* ---- doing it --------------------------------------------------------------------------- */

void keyed_request_prepare_event(struct http_conn *c, struct keyed_request *k) {
    if (k->kind == KEYED_REQUEST_FIRST) {
        const struct delivery_receipt receipt = delivery_next_receipt(&app_of(c)->state->delivery);
        k->record.event_number = (uint32_t)receipt.event_number;
        k->record.scrapers_count = (uint8_t)receipt.scrapers_count;
        k->record.txn = IDEMPOTENCY_NO_TXN;
        idempotency_prepare(ring_of(c), &k->record);
    }
}

void keyed_request_prepare_txn(struct http_conn *c, struct keyed_request *k, uint32_t txn) {
    if (k->kind == KEYED_REQUEST_FIRST) {
        k->record.txn = (uint8_t)txn;
        idempotency_prepare(ring_of(c), &k->record);
    }
}

void keyed_request_settle(struct http_conn *c, const struct keyed_request *k, bool done) {
    if (k->kind == KEYED_REQUEST_FIRST) {
        idempotency_settle(ring_of(c), done);
    }
}

void keyed_request_repeated(struct http_conn *c, const struct keyed_request *k) {
    ring_of(c)->repeats_total += keyed_request_is_repeat(k) ? 1u : 0u;
}

struct delivery_receipt keyed_request_receipt(const struct http_conn *c,
                                              const struct keyed_request *k) {
    const uint64_t posted = app_of(c)->state->delivery.counts.posted;
    const int32_t since = (int32_t)((uint32_t)posted - k->record.event_number);
    return (struct delivery_receipt){posted - (uint64_t)(int64_t)since, k->record.scrapers_count};
}
