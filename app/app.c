/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * app.c: see app.h.
 */
#include "app.h"

#include "clock.h"

/* ping_request_count keeps pingpong's name and labels; both labels are empty unless the query of
 * GET /ping fills them. */
static bool add_ping_metric(struct app *app, struct problem *p) {
    struct label_set labels;
    app->ping_family = registry_add_own(&app->state->registry, SLICE("ping_request_count"),
                                        SLICE("Requests of GET /ping."), METRIC_COUNTER, p);
    if (app->ping_family == REGISTRY_NONE) {
        return false;
    }
    label_set_init(&labels);
    label_set_add(&labels, SLICE("path"), SLICE(""), LABEL_RAW, p);
    label_set_add(&labels, SLICE("receiver"), SLICE(""), LABEL_RAW, p);
    app->ping_series = registry_own_series(&app->state->registry, app->ping_family, &labels, p);
    return app->ping_series != REGISTRY_NONE;
}

bool app_init(struct app *app, const struct app_config *config, struct state *state,
              struct problem *p) {
    app->state = state;
    app->config = *config;
    if (app->config.scraper_timeout_ms == 0) {
        app->config.scraper_timeout_ms = CFG_SCRAPER_TIMEOUT_MS;
    }
    app->uptime_s = 0;
    app->uptime_rest_ms = 0;
    app->now_ms = clock_monotonic_ms();
    const struct delivery_options options = {
        .scraper_timeout_ms = app->config.scraper_timeout_ms,
        .duplicates = config->duplicates,
        .timestamps = config->explicit_timestamps,
        .warn = config->warn,
    };
    struct state_found found;
    state_open(state, &options, config->hash_key, app->now_ms, &found);
    if (config->found != NULL) {
        config->found(&found);
    }
    notifications_init(&app->notifications);
    alerts_init(&app->alerts, hash_key_from(config->hash_key));
    printer_init(&app->printer, config->console);
    app->keyed_requests = NULL;
    http_server_init(&app->http, app, app->config.scraper_timeout_ms);
    return add_ping_metric(app, p);
}

bool app_poll(struct app *app, uint32_t now_ms) {
    app->uptime_rest_ms += now_ms - app->now_ms;
    app->uptime_s += app->uptime_rest_ms / 1000u;
    app->uptime_rest_ms %= 1000u;
    app->now_ms = now_ms;
    delivery_poll(&app->state->delivery, now_ms);
    http_server_poll(&app->http, now_ms);
    return printer_poll(&app->printer, &app->notifications);
}

struct http_conn *app_accept(struct app *app, struct transport *transport, struct slice peer) {
    return http_server_accept(&app->http, transport, peer);
}

void app_give_up_secure(struct app *app, bool urgent) {
    http_server_give_up_secure(&app->http, urgent);
}

struct delivery_now app_now(const struct app *app) {
    struct delivery_now now = {app->http.now_ms, EVENT_TIMES_UNKNOWN};
    int64_t unix_ms;
    if (clock_wall_ms(&unix_ms)) {
        now.unix_ms = unix_ms;
    }
    return now;
}

struct slice app_client_address(const struct http_conn *c) {
    struct slice address = {c->peer, c->peer_len};
    if (app_of(c)->config.trust_proxy) {
        struct slice forwarded = http_conn_field(c, HTTP_FIELD_X_FORWARDED_FOR);
        struct slice first = slice_trim(slice_cut(&forwarded, ','));
        struct slice real = http_conn_field(c, HTTP_FIELD_X_REAL_IP);
        if (first.len > 0) {
            address = first;
        } else if (real.len > 0) {
            address = real;
        }
    }
    return address;
}
