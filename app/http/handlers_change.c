/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * handlers_change.c: POST /create and POST /update, whose bodies stream into a registry
 * transaction, and DELETE /metrics/{family} (SPEC section 3).
 */
#include "app.h"
#include "http/handlers.h"
#include "http/keyed_request.h"
#include "http/query.h"
#include "metrics/exposition_reader.h"
#include "metrics/exposition_reply.h"
#include "metrics/metrics_json.h"

struct change {
    struct keyed_request keyed;
    struct registry_txn *txn; /* NULL: not begun, or ended */
    struct exposition_reader reader;
    struct exposition_reply reply;
    struct registry_txn_options options;
};

_Static_assert(sizeof(struct change) <= HTTP_CONN_STATE_BYTES, "raise HTTP_CONN_STATE_BYTES");

/* ---- the request ------------------------------------------------------------------------ */

/* The type of families that come without one. */
static bool parse_type(struct slice query, enum metric_type *type, struct problem *p) {
    char bytes[32];
    struct text text = text_over(bytes, sizeof bytes);
    enum registry_kind kind = REGISTRY_KIND_NONE;
    enum query_result found = query_get(query, SLICE("type"), &text);
    if (found == QUERY_ABSENT) {
        return true;
    }
    if (found == QUERY_FOUND && registry_kind_from(text_slice(&text), &kind)) {
        if (kind == REGISTRY_KIND_COUNTER) {
            return true;
        }
        if (kind == REGISTRY_KIND_GAUGE || kind == REGISTRY_KIND_UNTYPED) {
            *type = kind == REGISTRY_KIND_GAUGE ? METRIC_GAUGE : METRIC_UNTYPED;
            return true;
        }
    }
    return problem_set(p, PROBLEM_MALFORMED, "query: type= must be counter, gauge or untyped");
}

static bool parse_options(struct slice query, struct registry_txn_options *options,
                          struct problem *p) {
    char bytes[8];
    struct text text = text_over(bytes, sizeof bytes);
    *options = (struct registry_txn_options){.default_type = METRIC_COUNTER};
    enum query_result found = query_get(query, SLICE("labels"), &text);
    if (found != QUERY_ABSENT) {
        if (found == QUERY_BROKEN || !slice_equals(text_slice(&text), SLICE("any"))) {
            return problem_set(p, PROBLEM_MALFORMED, "query: labels= can only be \"any\"");
        }
        options->any_labels = true;
    }
    return parse_type(query, &options->default_type, p);
}

void handlers_change_begin(struct http_conn *c) {
    struct change *change = http_conn_state(c);
    struct problem p;
    if (!parse_options(http_conn_query(c), &change->options, &p)) {
        http_conn_reply_problem(c, &p);
    } else if (keyed_request_begin(c, &change->keyed) &&
               http_conn_media_type(c) == HTTP_MEDIA_JSON) {
        http_conn_set_body_mode(c, HTTP_BODY_WHOLE);
    }
}

/* Nothing of a refused request stays. */
static void refuse(struct http_conn *c, const struct problem *p) {
    struct change *change = http_conn_state(c);
    if (change->txn != NULL) {
        registry_txn_end(&app_of(c)->state->registry, change->txn);
        change->txn = NULL;
    }
    keyed_request_release(c, &change->keyed);
    http_conn_reply_problem(c, p);
}

static enum registry_txn_mode mode_of(const struct http_conn *c, const struct change *change) {
    if (keyed_request_is_repeat(&change->keyed)) {
        return REGISTRY_LOOK;
    }
    return slice_equals(c->route->path, SLICE("/update")) ? REGISTRY_UPDATE : REGISTRY_CREATE;
}

/* Starts the transaction at the first whole line, so that who only trickles holds none. */
static bool ensure_begun(struct http_conn *c, struct problem *p) {
    struct change *change = http_conn_state(c);
    struct registry *r = &app_of(c)->state->registry;
    if (change->txn == NULL) {
        change->txn = registry_txn_begin(r, mode_of(c, change), &change->options, p);
        exposition_reader_init(&change->reader, r, change->txn);
    }
    return change->txn != NULL;
}

uint32_t handlers_change_body(struct http_conn *c, struct slice bytes) {
    struct change *change = http_conn_state(c);
    struct problem p;
    uint32_t used = 0;
    if (memchr(bytes.bytes, '\n', bytes.len) == NULL && bytes.len < CFG_LINE_BYTES) {
        return 0;
    }
    if (!ensure_begun(c, &p) ||
        !exposition_reader_feed(&change->reader, bytes.bytes, bytes.len, &used, &p)) {
        if (keyed_request_is_repeat(&change->keyed) && p.kind != PROBLEM_FULL) {
            keyed_request_refuse(&p); /* what was taken once is taken again: it is another body */
        }
        refuse(c, &p);
        return bytes.len;
    }
    keyed_request_body(&change->keyed, (struct slice){bytes.bytes, used});
    return used;
}

/* The body is complete, and was taken but for `rest`. */
static bool apply(struct http_conn *c, struct slice rest, struct problem *p) {
    struct change *change = http_conn_state(c);
    struct app *app = app_of(c);
    const bool is_json = http_conn_media_type(c) == HTTP_MEDIA_JSON;
    keyed_request_body(&change->keyed, is_json ? http_conn_whole_body(c) : rest);
    if (!keyed_request_end(c, &change->keyed, p) || !ensure_begun(c, p)) {
        return false;
    }
    if (is_json) {
        return json_parse(&app->json, http_conn_whole_body(c), p) &&
               metrics_json_apply(&app->state->registry, change->txn, &app->json, p);
    }
    return exposition_reader_finish(&change->reader, rest.bytes, rest.len, p);
}

static bool commit(struct http_conn *c, struct problem *p) {
    struct change *change = http_conn_state(c);
    struct registry *r = &app_of(c)->state->registry;
    keyed_request_prepare_txn(c, &change->keyed, (uint32_t)(change->txn - r->txns));
    const bool committed = registry_txn_commit(r, change->txn, p);
    keyed_request_settle(c, &change->keyed, committed);
    return committed;
}

/* The lines that the request created or changed, as they now stand. */
static bool source_lines(struct http_conn *c, struct text *out) {
    struct change *change = http_conn_state(c);
    return exposition_reply_pull(&change->reply, &app_of(c)->state->registry, out);
}

void handlers_change_end(struct http_conn *c, struct slice rest) {
    struct change *change = http_conn_state(c);
    struct problem p;
    if (!apply(c, rest, &p) || !commit(c, &p)) {
        refuse(c, &p);
        return;
    }
    keyed_request_repeated(c, &change->keyed);
    exposition_reply_init(&change->reply, change->txn);
    http_conn_reply_source(c, HTTP_OK, HTTP_TYPE_TEXT, source_lines);
}

void handlers_change_release(struct http_conn *c, enum http_outcome outcome) {
    struct change *change = http_conn_state(c);
    (void)outcome; /* what is committed stays, whether or not the client heard of it */
    keyed_request_release(c, &change->keyed);
    if (change->txn != NULL) {
        registry_txn_end(&app_of(c)->state->registry, change->txn);
    }
}

/* ---- deletion --------------------------------------------------------------------------- */

void handlers_change_delete_end(struct http_conn *c, struct slice rest) {
    char bytes[REGISTRY_NAME_BYTES + sizeof "/metrics/"];
    struct text path = text_over(bytes, sizeof bytes);
    struct problem p;
    (void)rest;
    query_decode(http_conn_path(c), &path); /* cut if longer than any name: not found then */
    struct slice name = text_slice(&path);
    const uint32_t prefix_bytes = router_prefix(c->route).len;
    name.bytes += prefix_bytes;
    name.len -= prefix_bytes;
    if (registry_delete(&app_of(c)->state->registry, name, &p)) {
        http_conn_reply_empty(c, HTTP_NO_CONTENT);
    } else {
        http_conn_reply_problem(c, &p);
    }
}
