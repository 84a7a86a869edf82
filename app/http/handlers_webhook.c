/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * handlers_webhook.c: POST /webhook and /slack, and GET /webhook (SPEC section 5): what is posted is
 * checked, counted and kept, and answered as its service does.
 */
#include "http/handlers_webhook.h"

#include "app.h"
#include "http/handlers.h"
#include "webhook/alertmanager.h"
#include "webhook/notification_text.h"
#include "webhook/slack.h"

/* ---- what all have in common ------------------------------------------------------------ */

bool handlers_webhook_read(struct http_conn *c, struct problem *p) {
    if (json_parse(&app_of(c)->json, http_conn_whole_body(c), p)) {
        return true;
    }
    if (p->kind == PROBLEM_TOO_LARGE && c->route->too_large_hint != NULL) {
        struct text t = text_over(p->line, sizeof p->line);
        t.len = p->line_len;
        text_puts(&t, c->route->too_large_hint);
        problem_end(p, &t);
    }
    return false;
}

void handlers_webhook_keep(struct http_conn *c, enum notifications_endpoint endpoint, bool repeat) {
    struct app *app = app_of(c);
    const struct delivery_now now = app_now(app);
    const struct notification arrived = {
        .unix_ms = now.unix_ms != EVENT_TIMES_UNKNOWN ? now.unix_ms : NOTIFICATIONS_TIME_UNKNOWN,
        .uptime_s = app->uptime_s,
        .endpoint = (uint8_t)endpoint,
        .repeat = repeat,
        .sender = app_client_address(c),
        .head = http_conn_head(c),
        .body = http_conn_whole_body(c),
    };
    notifications_add(&app->notifications, &arrived);
}

/* ---- POST /webhook ---------------------------------------------------------------------- */

#define STATUS_BYTES_MAX (sizeof ",status=\"resolved\"" - 1)

/* With the option for it, an alert that changes state is a one-shot event as well. There is a slot
 * for each: they were counted. */
static void post_event(void *context, struct slice labels, bool firing) {
    struct app *app = context;
    struct delivery_receipt receipt;
    struct problem p;
    char bytes[CFG_EVENT_TEXT_BYTES];
    struct text text = text_over(bytes, sizeof bytes);
    text_put_slice(&text, labels);
    text_puts(&text, firing ? ",status=\"firing\"" : ",status=\"resolved\"");
    delivery_post(&app->state->delivery, text_slice(&text), 1, app_now(app), &receipt, &p);
}

/* Takes an Alertmanager's notification into the table of alerts. */
static bool read_alerts(struct app *app, bool *repeat, struct problem *p) {
    const struct table_stats *events = &app->state->delivery.events.stats;
    const struct alertmanager_listener listener = {
        .changed = post_event,
        .context = app,
        .changes_max = events->limit - events->used,
        .labels_max = CFG_EVENT_TEXT_BYTES - STATUS_BYTES_MAX,
    };
    uint32_t changes_count;
    if (!alertmanager_apply(&app->alerts, &app->json, app->config.alert_events ? &listener : NULL,
                            &changes_count, p)) {
        return false;
    }
    *repeat = changes_count == 0;
    return true;
}

/* The body, laid out. */
static bool source_body(struct http_conn *c, struct text *out) {
    return json_print_pull(http_conn_state(c), http_conn_whole_body(c), JSON_PRINT_PLAIN, out);
}

void handlers_webhook_end(struct http_conn *c, struct slice rest) {
    struct app *app = app_of(c);
    struct problem p;
    bool repeat = false;
    (void)rest;
    if (!handlers_webhook_read(c, &p) ||
        (alertmanager_is_payload(&app->json) && !read_alerts(app, &repeat, &p))) {
        http_conn_reply_problem(c, &p);
        return;
    }
    handlers_webhook_keep(c, NOTIFICATIONS_WEBHOOK, repeat);
    http_conn_reply_source(c, HTTP_OK, HTTP_TYPE_JSON, source_body);
}

/* ---- GET /webhook ----------------------------------------------------------------------- */

struct list {
    struct notification_text text;
    bool begun;
};

_Static_assert(sizeof(struct list) <= HTTP_CONN_STATE_BYTES, "raise HTTP_CONN_STATE_BYTES");

/* From the newest to the oldest. */
static bool source_list(struct http_conn *c, struct text *out) {
    struct list *list = http_conn_state(c);
    const struct notifications *n = &app_of(c)->notifications;
    if (!list->begun) {
        list->text.place = notifications_newest(n);
        list->begun = true;
    }
    while (list->text.place.number != 0) {
        const enum notification_text_result result =
            notification_text_pull(&list->text, n, JSON_PRINT_PLAIN, out);
        if (result == NOTIFICATION_TEXT_MORE) {
            return false;
        }
        /* Where this one was overwritten, so were all that are older. */
        list->text = (struct notification_text){.place = notifications_older(n, list->text.place)};
    }
    return true;
}

void handlers_webhook_list_end(struct http_conn *c, struct slice rest) {
    (void)rest;
    if (notifications_newest(&app_of(c)->notifications).number == 0) {
        struct text t = http_conn_reply_begin(c, HTTP_OK);
        text_puts(&t, "no notification yet: POST JSON to /webhook, /slack, /pagerduty or "
                      "/v2/enqueue\n");
        http_conn_reply_end(c, &t);
        return;
    }
    http_conn_reply_source(c, HTTP_OK, HTTP_TYPE_TEXT, source_list);
}

/* ---- POST /slack ------------------------------------------------------------------------ */

void handlers_webhook_slack_end(struct http_conn *c, struct slice rest) {
    struct problem p;
    (void)rest;
    if (!handlers_webhook_read(c, &p)) {
        slack_refuse_text(&p);
        http_conn_reply_problem(c, &p);
        return;
    }
    if (!slack_check(&app_of(c)->json, &p)) {
        http_conn_reply_problem(c, &p);
        return;
    }
    handlers_webhook_keep(c, NOTIFICATIONS_SLACK, false);
    struct text t = http_conn_reply_begin(c, HTTP_OK);
    text_puts(&t, "ok"); /* and no line end: so Slack answers, and so its clients compare */
    http_conn_reply_end(c, &t);
}
