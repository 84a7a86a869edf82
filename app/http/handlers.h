/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * handlers.h: what the routes do. The functions have the signatures of struct http_handler
 * (router.h).
 */
#ifndef PINGSHOT_HANDLERS_H
#define PINGSHOT_HANDLERS_H

#include "http/http_conn.h"

/* ---- handlers_scrape.c: GET /metrics */
void handlers_scrape_end(struct http_conn *c, struct slice rest);
void handlers_scrape_release(struct http_conn *c, enum http_outcome outcome);

/* ---- handlers_change.c: POST /create, POST /update, DELETE /metrics/{family} */
void handlers_change_begin(struct http_conn *c);
uint32_t handlers_change_body(struct http_conn *c, struct slice bytes);
void handlers_change_end(struct http_conn *c, struct slice rest);
void handlers_change_release(struct http_conn *c, enum http_outcome outcome);
void handlers_change_delete_end(struct http_conn *c, struct slice rest);

/* ---- handlers_event.c: POST /event */
void handlers_event_begin(struct http_conn *c);
void handlers_event_end(struct http_conn *c, struct slice rest);
void handlers_event_release(struct http_conn *c, enum http_outcome outcome);

/* ---- handlers_info.c: GET /, /ping, /healthz, /time, POST /echo */
void handlers_info_welcome_end(struct http_conn *c, struct slice rest);
void handlers_info_ping_end(struct http_conn *c, struct slice rest);
void handlers_info_health_end(struct http_conn *c, struct slice rest);
void handlers_info_time_end(struct http_conn *c, struct slice rest);
void handlers_info_echo_end(struct http_conn *c, struct slice rest);

/* ---- handlers_webhook.c: POST and GET /webhook, POST /slack */
void handlers_webhook_end(struct http_conn *c, struct slice rest);
void handlers_webhook_list_end(struct http_conn *c, struct slice rest);
void handlers_webhook_slack_end(struct http_conn *c, struct slice rest);

/* ---- handlers_pagerduty.c: POST /pagerduty, POST /v2/enqueue */
void handlers_pagerduty_end(struct http_conn *c, struct slice rest);
void handlers_pagerduty_enqueue_end(struct http_conn *c, struct slice rest);

/* ---- handlers_status.c: GET /api/v1/status */
void handlers_status_end(struct http_conn *c, struct slice rest);

#endif
