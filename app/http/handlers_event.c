/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * handlers_event.c: POST /event (SPEC section 4): labels from the query and from a form body.
 */
#include "app.h"
#include "events/event_labels.h"
#include "http/handlers.h"
#include "http/keyed_request.h"
#include "http/query.h"

static bool refuse_encoding(struct slice pair, struct problem *p) {
    return problem_format(p, PROBLEM_MALFORMED,
                          "label \"%.*s\": a '%%' must be followed by two hex digits",
                          TEXT_SLICE(pair));
}

static bool refuse_length(struct slice pair, struct problem *p) {
    return problem_format(p, PROBLEM_TOO_LARGE,
                          "label \"%.*s\": longer than the %u bytes that all labels may have",
                          TEXT_SLICE(pair), CFG_EVENT_TEXT_BYTES);
}

/* Adds the pairs of a query or a form. */
static bool add_pairs(struct event_labels *labels, struct slice pairs, struct problem *p) {
    struct slice name;
    struct slice value;
    while (query_next(&pairs, &name, &value)) {
        char name_bytes[CFG_EVENT_TEXT_BYTES];
        char value_bytes[CFG_EVENT_TEXT_BYTES];
        struct text decoded_name = text_over(name_bytes, sizeof name_bytes);
        struct text decoded_value = text_over(value_bytes, sizeof value_bytes);
        if (!query_decode(name, &decoded_name) || !query_decode(value, &decoded_value)) {
            return decoded_name.overflow || decoded_value.overflow ? refuse_length(name, p)
                                                                   : refuse_encoding(name, p);
        }
        if (!event_labels_add(labels, text_slice(&decoded_name), text_slice(&decoded_value), p)) {
            return false;
        }
    }
    return true;
}

static void reply_receipt(struct http_conn *c, const struct delivery_receipt *receipt) {
    struct text t = http_conn_reply_begin(c, HTTP_OK);
    text_format(&t, "event %llu queued for ", (unsigned long long)receipt->event_number);
    if (receipt->scrapers_count == 0) {
        text_puts(&t, "the first scraper that comes\n");
    } else {
        text_format(&t, receipt->scrapers_count == 1 ? "%u scraper\n" : "%u scrapers\n",
                    (unsigned)receipt->scrapers_count);
    }
    http_conn_reply_end(c, &t);
}

static bool post(struct http_conn *c, struct keyed_request *keyed, struct delivery_receipt *receipt,
                 struct problem *p) {
    struct app *app = app_of(c);
    struct event_labels labels;
    char text[CFG_EVENT_TEXT_BYTES];
    event_labels_init(&labels);
    if (!add_pairs(&labels, http_conn_query(c), p) ||
        !add_pairs(&labels, http_conn_whole_body(c), p)) {
        return false;
    }
    keyed_request_prepare_event(c, keyed);
    const bool posted = delivery_post(&app->state->delivery, event_labels_text(&labels, text),
                                      labels.value, app_now(app), receipt, p);
    keyed_request_settle(c, keyed, posted);
    return posted;
}

void handlers_event_begin(struct http_conn *c) {
    keyed_request_begin(c, http_conn_state(c));
}

void handlers_event_end(struct http_conn *c, struct slice rest) {
    struct keyed_request *keyed = http_conn_state(c);
    struct delivery_receipt receipt;
    struct problem p;
    (void)rest;
    keyed_request_body(keyed, http_conn_whole_body(c));
    if (!keyed_request_end(c, keyed, &p)) {
        http_conn_reply_problem(c, &p);
    } else if (keyed_request_is_repeat(keyed)) {
        receipt = keyed_request_receipt(c, keyed);
        keyed_request_repeated(c, keyed);
        reply_receipt(c, &receipt);
    } else if (post(c, keyed, &receipt, &p)) {
        reply_receipt(c, &receipt);
    } else {
        http_conn_reply_problem(c, &p);
    }
}

void handlers_event_release(struct http_conn *c, enum http_outcome outcome) {
    (void)outcome; /* what is posted stays, whether or not the client heard of it */
    keyed_request_release(c, http_conn_state(c));
}
