/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * handlers_info.c: the small endpoints: GET /, /ping, /healthz, /time, POST /echo (SPEC section 1).
 */
#include "app.h"
#include "clock.h"
#include "date.h"
#include "http/handlers.h"
#include "http/query.h"

/* ---- GET / ------------------------------------------------------------------------------ */

static const char welcome[] =
    "pingshot " APP_VERSION ": made-up metrics, and one-shot events delivered exactly once\n"
    "\n"
    "GET    /metrics            what there is, for Prometheus or VictoriaMetrics\n"
    "POST   /create             create metrics: exposition text, or JSON\n"
    "POST   /update             change metrics that exist: counters add, others are set\n"
    "DELETE /metrics/{family}   remove a family\n"
    "POST   /event              queue a one-shot event: labels in the query or a form\n"
    "POST   /webhook            take a notification: JSON, as Alertmanager and others send it\n"
    "POST   /slack              the same in Slack's place\n"
    "POST   /pagerduty          the same in PagerDuty's place; also POST /v2/enqueue\n"
    "GET    /webhook            the last notifications, newest first\n"
    "GET    /ping               PONG and the time\n"
    "GET    /healthz            ok; also /-/healthy and /-/ready\n"
    "GET    /time               the time here\n"
    "POST   /echo               the request, sent back\n"
    "GET    /api/v1/status      all of the above in numbers, as JSON\n"
    "\n"
    "A first try, with HOST for this address and port:\n"
    "  curl -d 'lab_runs_total{bench=\"a\"} 1' http://HOST/create\n"
    "  curl -d 'lab_runs_total{bench=\"a\"} 1' http://HOST/update\n"
    "  curl -X POST 'http://HOST/event?type=test&message=hello'\n"
    "  curl http://HOST/metrics\n";

/* Copies whole lines from `bytes`, from the offset in the handler's state on. */
static bool pull_bytes(struct http_conn *c, struct slice bytes, struct text *out) {
    uint32_t *offset = http_conn_state(c);
    uint32_t n = bytes.len - *offset;
    n = n < text_room(out) ? n : text_room(out);
    text_put(out, bytes.bytes + *offset, n);
    *offset += n;
    return *offset == bytes.len;
}

static bool source_welcome(struct http_conn *c, struct text *out) {
    return pull_bytes(c, SLICE(welcome), out);
}

void handlers_info_welcome_end(struct http_conn *c, struct slice rest) {
    (void)rest;
    http_conn_reply_source(c, HTTP_OK, HTTP_TYPE_TEXT, source_welcome);
}

/* ---- GET /ping, /time ------------------------------------------------------------------- */

/* RFC 3339, or what can be said without a clock that was set. */
static void put_time(struct text *t, const struct app *app) {
    int64_t unix_ms;
    if (clock_wall_ms(&unix_ms)) {
        date_put_rfc3339(t, unix_ms);
    } else {
        text_format(t, "clock not set, up %u s", (unsigned)app->uptime_s);
    }
}

/* The value of one of the two labels of ping_request_count, decoded; empty when not given. */
static struct slice ping_label(const struct http_conn *c, struct slice name, struct text *out) {
    if (query_get(http_conn_query(c), name, out) != QUERY_FOUND) {
        out->len = 0;
    }
    return text_slice(out);
}

/* Counts in the series that the query's path and receiver name. */
static uint32_t ping_series(const struct http_conn *c) {
    struct app *app = app_of(c);
    struct label_set labels;
    struct problem p;
    char path_bytes[128];
    char receiver_bytes[128];
    struct text path = text_over(path_bytes, sizeof path_bytes);
    struct text receiver = text_over(receiver_bytes, sizeof receiver_bytes);
    if (http_conn_query(c).len == 0) {
        return app->ping_series;
    }
    label_set_init(&labels);
    if (!label_set_add(&labels, SLICE("path"), ping_label(c, SLICE("path"), &path), LABEL_RAW,
                       &p) ||
        !label_set_add(&labels, SLICE("receiver"), ping_label(c, SLICE("receiver"), &receiver),
                       LABEL_RAW, &p)) {
        return app->ping_series;
    }
    return registry_own_series(&app->state->registry, app->ping_family, &labels, &p);
}

void handlers_info_ping_end(struct http_conn *c, struct slice rest) {
    struct app *app = app_of(c);
    uint32_t series = ping_series(c);
    (void)rest;
    /* A health check goes on answering when the registry has no room for one more series; the
     * registry counts that refusal. */
    if (series != REGISTRY_NONE) {
        registry_own_add(&app->state->registry, series, 1);
    }
    struct text t = http_conn_reply_begin(c, HTTP_OK);
    text_puts(&t, "PONG - ");
    put_time(&t, app);
    text_put_char(&t, '\n');
    http_conn_reply_end(c, &t);
}

void handlers_info_time_end(struct http_conn *c, struct slice rest) {
    (void)rest;
    struct text t = http_conn_reply_begin(c, HTTP_OK);
    put_time(&t, app_of(c));
    text_put_char(&t, '\n');
    http_conn_reply_end(c, &t);
}

void handlers_info_health_end(struct http_conn *c, struct slice rest) {
    (void)rest;
    struct text t = http_conn_reply_begin(c, HTTP_OK);
    text_puts(&t, "ok\n");
    http_conn_reply_end(c, &t);
}

/* ---- POST /echo ------------------------------------------------------------------------- */

/* The head, then the body. */
static bool source_echo(struct http_conn *c, struct text *out) {
    uint32_t *offset = http_conn_state(c);
    const struct slice head = http_conn_head(c);
    const struct slice body = http_conn_whole_body(c);
    if (*offset < head.len && !pull_bytes(c, head, out)) {
        return false;
    }
    *offset -= head.len;
    bool done = pull_bytes(c, body, out);
    *offset += head.len;
    return done;
}

void handlers_info_echo_end(struct http_conn *c, struct slice rest) {
    (void)rest;
    http_conn_reply_source(c, HTTP_OK, HTTP_TYPE_TEXT, source_echo);
}
