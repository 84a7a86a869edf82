/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * handlers_webhook.h: what all handlers that take notifications share.
 */
#ifndef PINGSHOT_HANDLERS_WEBHOOK_H
#define PINGSHOT_HANDLERS_WEBHOOK_H

#include "http/http_conn.h"
#include "webhook/notifications.h"

/* Parses the body into the app's json, which is valid until another handler runs. The line of a
 * problem with its size says how to make it smaller, where the route knows how. */
bool handlers_webhook_read(struct http_conn *c, struct problem *p);

/* Counts the request and keeps it as a notification. */
void handlers_webhook_keep(struct http_conn *c, enum notifications_endpoint endpoint, bool repeat);

#endif
