/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * handlers_scrape.c: GET /metrics (SPEC sections 3 and 4): the registry, the events due to this
 * scraper, and pingshot's own metrics, as one page. The scrape is a transaction of delivery.h:
 * begun here, committed when the client's TCP has acknowledged the last byte of the page.
 */
#include "app.h"
#include "http/accept.h"
#include "http/handlers.h"
#include "http/query.h"
#include "metrics/exposition_writer.h"
#include "own_metrics.h"

enum stage {
    STAGE_FAMILIES,
    STAGE_EVENTS,
    STAGE_OWN,
    STAGE_END,
};

struct scrape {
    struct delivery_cursor events;
    struct exposition_writer families;
    struct own_metrics_cursor own;
    uint8_t stage;
    bool openmetrics;
};

_Static_assert(sizeof(struct scrape) <= HTTP_CONN_STATE_BYTES, "raise HTTP_CONN_STATE_BYTES");

/* ---- who asks --------------------------------------------------------------------------- */

/* The announced scrape timeout in ms; 0: none was. */
static uint32_t announced_timeout_ms(const struct http_conn *c) {
    double seconds;
    if (!number_parse(http_conn_field(c, HTTP_FIELD_SCRAPE_TIMEOUT), &seconds) ||
        !(seconds >= 0.001 && seconds <= 86400.0)) {
        return 0;
    }
    return number_thousandths(seconds);
}

static bool begin_delivery(struct http_conn *c, struct scrape *scrape, struct problem *p) {
    struct app *app = app_of(c);
    struct scraper_identity who;
    char name_bytes[256];
    struct text name = text_over(name_bytes, sizeof name_bytes);
    const uint32_t timeout_ms = announced_timeout_ms(c);
    if (query_get(http_conn_query(c), SLICE("scraper"), &name) == QUERY_BROKEN) {
        return problem_set(p, PROBLEM_MALFORMED,
                           "query: scraper= is too long, or a '%' is not followed by hex digits");
    }
    c->scraper = c->scraper || timeout_ms > 0;
    if (!scrapers_identify(&who, text_slice(&name), app_client_address(c),
                           http_conn_field(c, HTTP_FIELD_USER_AGENT), timeout_ms > 0, p) ||
        !delivery_begin(&app->state->delivery, &who, timeout_ms, c->started_ms, app_now(app),
                        &scrape->events, p)) {
        return false;
    }
    /* After its timeout a scraper reads no more. Who announced none and takes events gets the usual
     * one: with the events pending again the rest of the page must not reach it. */
    if (timeout_ms > 0 || scrape->events.handle != 0) {
        http_conn_set_deadline(c, c->started_ms +
                                      (timeout_ms > 0 ? timeout_ms : CFG_SCRAPE_TIMEOUT_MS) + 1);
    }
    return true;
}

/* ---- the page --------------------------------------------------------------------------- */

static bool source_page(struct http_conn *c, struct text *out) {
    struct scrape *scrape = http_conn_state(c);
    struct app *app = app_of(c);
    if (scrape->events.handle != 0 &&
        !delivery_in_flight(&app->state->delivery, scrape->events.handle, app->http.now_ms)) {
        return false; /* never complete: the deadline is about to cut the connection off */
    }
    if (scrape->stage == STAGE_FAMILIES) {
        if (!exposition_writer_pull(&scrape->families, &app->state->registry, out)) {
            return false;
        }
        scrape->stage = STAGE_EVENTS;
    }
    if (scrape->stage == STAGE_EVENTS) {
        if (!delivery_pull(&app->state->delivery, &scrape->events, scrape->openmetrics, out)) {
            return false;
        }
        scrape->stage = STAGE_OWN;
    }
    if (scrape->stage == STAGE_OWN) {
        if (!own_metrics_pull(&scrape->own, app, scrape->openmetrics, out)) {
            return false;
        }
        scrape->stage = STAGE_END;
    }
    if (scrape->openmetrics) {
        const struct slice end = SLICE("# EOF\n");
        if (text_room(out) < end.len) {
            return false;
        }
        text_put_slice(out, end);
    }
    /* Told before the transport has it: a reset right behind that must not find it unsaid. When the
     * transport has no room it is said again. */
    delivery_sent(&app->state->delivery, scrape->events.handle);
    return true;
}

void handlers_scrape_end(struct http_conn *c, struct slice rest) {
    struct scrape *scrape = http_conn_state(c);
    struct problem p;
    (void)rest;
    /* A HEAD is shown what a scrape would begin with, but is none: it takes no event. */
    if (c->parser.head.method == HTTP_METHOD_GET && !begin_delivery(c, scrape, &p)) {
        http_conn_reply_problem(c, &p);
        return;
    }
    scrape->openmetrics = accept_prefers_openmetrics(http_conn_field(c, HTTP_FIELD_ACCEPT));
    exposition_writer_init(&scrape->families, &app_of(c)->state->registry,
                           scrape->openmetrics ? EXPOSITION_OPENMETRICS : EXPOSITION_TEXT);
    http_conn_reply_source(c, HTTP_OK,
                           scrape->openmetrics ? HTTP_TYPE_OPENMETRICS : HTTP_TYPE_EXPOSITION,
                           source_page);
    if (scrape->events.handle != 0) {
        http_conn_await_acknowledgement(c);
    }
}

void handlers_scrape_release(struct http_conn *c, enum http_outcome outcome) {
    const struct scrape *scrape = http_conn_state(c);
    struct app *app = app_of(c);
    if (outcome == HTTP_OUTCOME_ACKNOWLEDGED) {
        delivery_commit(&app->state->delivery, scrape->events.handle, app->http.now_ms);
    } else {
        delivery_rollback(&app->state->delivery, scrape->events.handle);
    }
}
