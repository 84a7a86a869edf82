/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * router.c: see router.h.
 */
#include "http/router.h"

#include "http/handlers.h"

#define GET (HTTP_METHOD_GET | HTTP_METHOD_HEAD)
#define EXPOSITION_MEDIA \
    (HTTP_MEDIA_FORM | HTTP_MEDIA_TEXT | HTTP_MEDIA_OPENMETRICS | HTTP_MEDIA_JSON)

/* One for both: it asks the path whether to create or to update. */
#define CHANGE_HANDLER                                                                            \
    {                                                                                             \
        .begin = handlers_change_begin, .body = handlers_change_body, .end = handlers_change_end, \
        .release = handlers_change_release                                                        \
    }

#define MAX_ALERTS_HINT "; set max_alerts in Alertmanager's webhook_configs"

/* To add an endpoint: a line here, its functions in a handlers_*.c, and their names in handlers.h.
 * The hot ones come first, since the table is searched in order. */
static const struct http_route routes[] = {
    {.path = SLICE("/ping"), .methods = GET, .handler = {.end = handlers_info_ping_end}},
    {.path = SLICE("/event"),
     .methods = HTTP_METHOD_POST,
     .media_types = HTTP_MEDIA_FORM,
     .body_optional = true,
     .body_mode = HTTP_BODY_WHOLE,
     .handler = {.begin = handlers_event_begin,
                 .end = handlers_event_end,
                 .release = handlers_event_release}},
    {.path = SLICE("/update"),
     .methods = HTTP_METHOD_POST,
     .media_types = EXPOSITION_MEDIA,
     .body_mode = HTTP_BODY_STREAMED,
     .handler = CHANGE_HANDLER},
    {.path = SLICE("/metrics"),
     .methods = GET,
     .handler = {.end = handlers_scrape_end, .release = handlers_scrape_release}},
    {.path = SLICE("/create"),
     .methods = HTTP_METHOD_POST,
     .media_types = EXPOSITION_MEDIA,
     .body_mode = HTTP_BODY_STREAMED,
     .handler = CHANGE_HANDLER},
    {.path = SLICE("/metrics/{family}"),
     .methods = HTTP_METHOD_DELETE,
     .handler = {.end = handlers_change_delete_end}},
    {.path = SLICE("/webhook"),
     .methods = HTTP_METHOD_POST,
     .media_types = HTTP_MEDIA_JSON,
     .body_mode = HTTP_BODY_WHOLE,
     .too_large_hint = MAX_ALERTS_HINT,
     .handler = {.end = handlers_webhook_end}},
    {.path = SLICE("/webhook"), .methods = GET, .handler = {.end = handlers_webhook_list_end}},
    {.path = SLICE("/slack"),
     .methods = HTTP_METHOD_POST,
     .media_types = HTTP_MEDIA_JSON,
     .body_mode = HTTP_BODY_WHOLE,
     .handler = {.end = handlers_webhook_slack_end}},
    {.path = SLICE("/pagerduty"),
     .methods = HTTP_METHOD_POST,
     .media_types = HTTP_MEDIA_JSON,
     .body_mode = HTTP_BODY_WHOLE,
     .handler = {.end = handlers_pagerduty_end}},
    {.path = SLICE("/v2/enqueue"),
     .methods = HTTP_METHOD_POST,
     .media_types = HTTP_MEDIA_JSON,
     .body_mode = HTTP_BODY_WHOLE,
     .handler = {.end = handlers_pagerduty_enqueue_end}},
    {.path = SLICE("/healthz"), .methods = GET, .handler = {.end = handlers_info_health_end}},
    {.path = SLICE("/-/healthy"), .methods = GET, .handler = {.end = handlers_info_health_end}},
    {.path = SLICE("/-/ready"), .methods = GET, .handler = {.end = handlers_info_health_end}},
    {.path = SLICE("/time"), .methods = GET, .handler = {.end = handlers_info_time_end}},
    {.path = SLICE("/echo"),
     .methods = HTTP_METHOD_POST,
     .media_types = HTTP_MEDIA_ANY,
     .body_mode = HTTP_BODY_WHOLE,
     .handler = {.end = handlers_info_echo_end}},
    {.path = SLICE("/api/v1/status"), .methods = GET, .handler = {.end = handlers_status_end}},
    {.path = SLICE("/"), .methods = GET, .handler = {.end = handlers_info_welcome_end}},
};

#define ROUTES_COUNT ((uint32_t)(sizeof routes / sizeof routes[0]))

_Static_assert(sizeof routes / sizeof routes[0] < UINT8_MAX, "routes are counted in a byte");

struct slice router_prefix(const struct http_route *route) {
    struct slice path = route->path;
    return slice_cut(&path, '{');
}

static bool matches(const struct http_route *route, struct slice path) {
    if (route->path.bytes[route->path.len - 1] == '}') {
        const struct slice prefix = router_prefix(route);
        return path.len > prefix.len && slice_starts_with(path, prefix);
    }
    return slice_equals(path, route->path);
}

const struct http_route *router_find(struct slice path, uint8_t method, uint8_t *allowed) {
    *allowed = 0;
    for (uint32_t i = 0; i < ROUTES_COUNT; i++) {
        if (matches(&routes[i], path)) {
            if ((routes[i].methods & method) != 0) {
                return &routes[i];
            }
            *allowed |= routes[i].methods;
        }
    }
    return NULL;
}

uint32_t router_count(void) {
    return ROUTES_COUNT;
}

const struct http_route *router_route(uint32_t index) {
    return &routes[index];
}

uint32_t router_index(const struct http_route *route) {
    if (route == NULL) {
        return ROUTES_COUNT;
    }
    while (route > routes && slice_equals(route[-1].path, route->path)) {
        route--;
    }
    return (uint32_t)(route - routes);
}
