/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * handlers_pagerduty.c: POST /pagerduty and POST /v2/enqueue: events of PagerDuty's Events API, v2
 * and, on /pagerduty, v1, answered in JSON as PagerDuty does.
 */
#include "app.h"
#include "http/handlers.h"
#include "http/handlers_webhook.h"
#include "webhook/pagerduty.h"

/* ---- the reply -------------------------------------------------------------------------- */

enum pagerduty_reply {
    REPLY_DEDUP_KEY,    /* v2 takes the event */
    REPLY_INCIDENT_KEY, /* v1 takes it */
    REPLY_ERRORS,       /* it is no right event: `errors` */
    REPLY_UNRECOGNIZED, /* it is none at all: http_conn.reply says why */
};

/* A reply is pieces: what stands before, what differs, what stands behind. */
struct pagerduty_source {
    uint32_t piece;
    uint32_t offset;  /* in that piece */
    uint32_t key_at;  /* where in the body the key is spelt */
    uint32_t key_len; /* 0: in http_conn.reply stands the one that was made */
    pagerduty_errors errors;
    uint8_t reply; /* enum pagerduty_reply */
};

_Static_assert(sizeof(struct pagerduty_source) <= HTTP_CONN_STATE_BYTES,
               "raise HTTP_CONN_STATE_BYTES");

/* Errors begin at piece 1; each is three, the last one what stands between it and the next. */
static bool error_piece(const struct pagerduty_source *s, struct slice *piece) {
    pagerduty_errors left = s->errors;
    uint32_t part = s->piece - 1;
    for (; part >= 3; part -= 3) {
        left &= left - 1;
    }
    if (left == 0) {
        return false;
    }
    const uint32_t error = (uint32_t)__builtin_ctz(left);
    const char *text = (left & (left - 1)) == 0 ? "\"]}\n" : "\",\"";
    if (part == 0) {
        text = pagerduty_error_subject(error);
    } else if (part == 1) {
        text = pagerduty_error_fault(error);
    }
    *piece = (struct slice){text, (uint32_t)strlen(text)};
    return true;
}

/* The piece at the cursor. False behind the last. */
static bool reply_piece(const struct http_conn *c, const struct pagerduty_source *s,
                        struct slice *piece) {
    static const struct slice before[] = {
        [REPLY_DEDUP_KEY] =
            SLICE("{\"status\":\"success\",\"message\":\"Event processed\",\"dedup_key\":"),
        [REPLY_INCIDENT_KEY] =
            SLICE("{\"status\":\"success\",\"message\":\"Event processed\",\"incident_key\":"),
        [REPLY_ERRORS] = SLICE("{\"status\":\"invalid event\",\"message\":\"Event object is "
                               "invalid\",\"errors\":[\""),
        [REPLY_UNRECOGNIZED] = SLICE("{\"status\":\"Unrecognized object\",\"message\":\"Event "
                                     "object format is unrecognized\",\"errors\":[\"JSON parse "
                                     "error: "),
    };
    if (s->piece == 0) {
        *piece = before[s->reply];
        return true;
    }
    if (s->reply == REPLY_ERRORS) {
        return error_piece(s, piece);
    }
    if (s->piece == 1) {
        *piece = s->key_len > 0
                     ? (struct slice){http_conn_whole_body(c).bytes + s->key_at, s->key_len}
                     : (struct slice){c->reply, c->response.reply_len};
        return true;
    }
    *piece = s->reply == REPLY_UNRECOGNIZED ? SLICE("\"]}\n") : SLICE("}\n");
    return s->piece == 2;
}

static bool source_pagerduty(struct http_conn *c, struct text *out) {
    struct pagerduty_source *s = http_conn_state(c);
    struct slice piece;
    while (reply_piece(c, s, &piece)) {
        const uint32_t left = piece.len - s->offset;
        const uint32_t n = left < text_room(out) ? left : text_room(out);
        text_put(out, piece.bytes + s->offset, n);
        s->offset += n;
        if (n < left) {
            return false;
        }
        s->offset = 0;
        s->piece++;
    }
    return true;
}

static void reply_pagerduty(struct http_conn *c, enum http_status status,
                            enum pagerduty_reply reply) {
    struct pagerduty_source *s = http_conn_state(c);
    s->reply = (uint8_t)reply;
    http_conn_reply_source(c, status, HTTP_TYPE_JSON, source_pagerduty);
}

/* ---- the event -------------------------------------------------------------------------- */

/* Why the body is no event, as a JSON string's content. */
static void refuse_unrecognized(struct http_conn *c, const struct problem *p) {
    struct text t = http_conn_reply_begin(c, HTTP_OK);
    text_put_json(&t, (struct slice){p->line, p->line_len < CFG_HTTP_REPLY_BYTES / 2
                                                  ? p->line_len
                                                  : CFG_HTTP_REPLY_BYTES / 2});
    http_conn_reply_end(c, &t);
    reply_pagerduty(c, http_status_of_problem(p->kind), REPLY_UNRECOGNIZED);
}

/* A key like those that PagerDuty makes: 32 hex digits. */
static void make_key(struct http_conn *c) {
    const struct app *app = app_of(c);
    const struct hash_key key = hash_key_from(app->config.hash_key);
    struct {
        uint64_t number;
        uint32_t word;
        uint32_t zero;
    } seed = {app->notifications.number, 0, 0};
    struct text t = http_conn_reply_begin(c, HTTP_OK);
    text_put_char(&t, '"');
    for (; seed.word < 4; seed.word++) {
        text_put_hex(&t, hash_bytes(key, (const char *)&seed, sizeof seed), 8);
    }
    text_put_char(&t, '"');
    http_conn_reply_end(c, &t);
}

static void take_event(struct http_conn *c, enum notifications_endpoint endpoint,
                       enum pagerduty_version version) {
    struct pagerduty_source *s = http_conn_state(c);
    const struct json *j = &app_of(c)->json;
    uint32_t key;
    s->errors = pagerduty_check(j, version, &key);
    if (s->errors != 0) {
        reply_pagerduty(c, HTTP_BAD_REQUEST, REPLY_ERRORS);
        return;
    }
    handlers_webhook_keep(c, endpoint, false);
    if (key == JSON_NONE) {
        make_key(c);
    } else {
        s->key_at = (uint32_t)(json_raw(j, key).bytes - http_conn_whole_body(c).bytes);
        s->key_len = json_raw(j, key).len;
    }
    if (version == PAGERDUTY_V1) {
        reply_pagerduty(c, HTTP_OK, REPLY_INCIDENT_KEY);
    } else {
        reply_pagerduty(c, HTTP_ACCEPTED, REPLY_DEDUP_KEY);
    }
}

/* Reads the body; answers when it is no object. */
static bool read_event(struct http_conn *c) {
    struct problem p;
    if (!handlers_webhook_read(c, &p)) {
        refuse_unrecognized(c, &p);
        return false;
    }
    if (!pagerduty_is_object(&app_of(c)->json)) {
        problem_set(&p, PROBLEM_MALFORMED, "expected an object");
        refuse_unrecognized(c, &p);
        return false;
    }
    return true;
}

void handlers_pagerduty_end(struct http_conn *c, struct slice rest) {
    (void)rest;
    if (read_event(c)) {
        take_event(c, NOTIFICATIONS_PAGERDUTY, pagerduty_version_of(&app_of(c)->json));
    }
}

void handlers_pagerduty_enqueue_end(struct http_conn *c, struct slice rest) {
    (void)rest;
    if (read_event(c)) {
        take_event(c, NOTIFICATIONS_ENQUEUE, PAGERDUTY_V2);
    }
}
