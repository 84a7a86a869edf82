/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * own_metrics.c: see own_metrics.h.
 */
#include "own_metrics.h"

#include "app.h"

/* Longest HELP and TYPE lines, and longest sample: a scraper's, its texts escaped, or an alert's. */
#define HEADER_BYTES_MAX 256u
#define SCRAPER_BYTES_MAX (2u * (SCRAPERS_NAME_BYTES + SCRAPERS_AGENT_BYTES) + 128u)
#define ALERT_BYTES_MAX (CFG_ALERT_TEXT_BYTES + 32u)
#define SAMPLE_BYTES_MAX (ALERT_BYTES_MAX > SCRAPER_BYTES_MAX ? ALERT_BYTES_MAX : SCRAPER_BYTES_MAX)

_Static_assert(HEADER_BYTES_MAX <= CFG_LINE_BYTES && SAMPLE_BYTES_MAX <= CFG_LINE_BYTES,
               "CFG_LINE_BYTES: too small for pingshot's own metrics");

/* ---- the tables ------------------------------------------------------------------------- */

bool own_metrics_table(const struct app *app, uint32_t index, struct table_stats *stats) {
    const struct table_stats *const tables[] = {
        &app->state->delivery.events.stats,
        &app->state->delivery.scrapers.stats,
        &app->state->delivery.scrapes_stats,
        &app->http.connections_stats,
        &app->http.bodies_stats,
        &app->notifications.stats,
        &app->alerts.stats,
    };
    const uint32_t tables_count = sizeof tables / sizeof tables[0];
    if (index < REGISTRY_TABLES) {
        *stats = registry_stats(&app->state->registry, index);
        return true;
    }
    index -= REGISTRY_TABLES;
    if (index < tables_count) {
        *stats = *tables[index];
        return true;
    }
    return app->config.port_table != NULL && app->config.port_table(index - tables_count, stats);
}

/* ---- samples ---------------------------------------------------------------------------- */

/* Whether a family has a sample number `index`. */
enum presence {
    PRESENCE_END,    /* neither this one nor any behind it */
    PRESENCE_ABSENT, /* not this one */
    PRESENCE_SAMPLE,
};

typedef enum presence (*look)(const struct app *app, uint32_t index);

/* Appends a sample that is there, from the brace of its labels to its value. */
typedef void (*put)(const struct app *app, uint32_t index, struct text *t);

static enum presence look_one(const struct app *app, uint32_t index) {
    (void)app;
    return index == 0 ? PRESENCE_SAMPLE : PRESENCE_END;
}

static void put_value(struct text *t, uint64_t value) {
    text_put_char(t, ' ');
    text_put_u64(t, value);
}

/* Behind the last label's value. */
static void put_end(struct text *t, uint64_t value) {
    text_put_slice(t, SLICE("\"} "));
    text_put_u64(t, value);
}

static void put_build_info(const struct app *app, uint32_t index, struct text *t) {
    (void)index;
    text_put_slice(t, SLICE("{target=\""));
    text_puts(t, app->config.target);
    text_put_slice(t, SLICE("\",version=\"" APP_VERSION "\"} 1"));
}

static void put_uptime(const struct app *app, uint32_t index, struct text *t) {
    (void)index;
    put_value(t, app->uptime_ms / 1000);
    text_put_char(t, '.');
    text_put_digits(t, app->uptime_ms % 1000, 3);
}

static void put_events_posted(const struct app *app, uint32_t index, struct text *t) {
    (void)index;
    put_value(t, app->state->delivery.counts.posted);
}

static void put_events_delivered(const struct app *app, uint32_t index, struct text *t) {
    (void)index;
    put_value(t, app->state->delivery.counts.delivered);
}

static void put_events_released(const struct app *app, uint32_t index, struct text *t) {
    (void)index;
    put_value(t, app->state->delivery.counts.released);
}

static enum presence look_rollbacks(const struct app *app, uint32_t index) {
    (void)app;
    return index < 2 ? PRESENCE_SAMPLE : PRESENCE_END;
}

static void put_rollbacks(const struct app *app, uint32_t index, struct text *t) {
    const struct delivery_counts *counts = &app->state->delivery.counts;
    if (index == 0) {
        text_put_slice(t, SLICE("{cause=\"connection\"}"));
        put_value(t, counts->rollbacks_connection);
    } else {
        text_put_slice(t, SLICE("{cause=\"timeout\"}"));
        put_value(t, counts->rollbacks_timeout);
    }
}

static enum presence look_scrapers(const struct app *app, uint32_t index) {
    if (index >= CFG_SCRAPERS_MAX) {
        return PRESENCE_END;
    }
    return delivery_scraper(&app->state->delivery, (uint8_t)index) != NULL ? PRESENCE_SAMPLE
                                                                           : PRESENCE_ABSENT;
}

static void put_scraper_labels(struct text *t, const struct scraper *s) {
    text_put_slice(t, SLICE("{agent=\""));
    text_put_label_value(t, scrapers_agent(&s->identity));
    text_put_slice(t, SLICE("\",scraper=\""));
    text_put_label_value(t, scrapers_name(&s->identity));
    text_put_slice(t, SLICE("\"}"));
}

static void put_scraper_counts(const struct app *app, uint32_t index, struct text *t) {
    const struct scraper *s = delivery_scraper(&app->state->delivery, (uint8_t)index);
    put_scraper_labels(t, s);
    put_value(t, s->scrapes_count);
}

static void put_scraper_pending(const struct app *app, uint32_t index, struct text *t) {
    put_scraper_labels(t, delivery_scraper(&app->state->delivery, (uint8_t)index));
    put_value(t, delivery_pending_count(&app->state->delivery, (uint8_t)index));
}

static enum presence look_requests(const struct app *app, uint32_t index) {
    const uint32_t samples = app->http.counters_count + (app->http.uncounted_total > 0);
    return index < samples ? PRESENCE_SAMPLE : PRESENCE_END;
}

static void put_requests(const struct app *app, uint32_t index, struct text *t) {
    if (index == app->http.counters_count) {
        text_put_slice(t, SLICE("{code=\"other\",handler=\"other\"}"));
        put_value(t, app->http.uncounted_total);
        return;
    }
    const struct http_counter *counter = &app->http.counters[index];
    text_put_slice(t, SLICE("{code=\""));
    text_put_slice(t, http_status_code((enum http_status)counter->status));
    text_put_slice(t, SLICE("\",handler=\""));
    text_put_slice(t, counter->route < router_count() ? router_route(counter->route)->label
                                                      : SLICE("none"));
    put_end(t, counter->total);
}

static void put_evictions(const struct app *app, uint32_t index, struct text *t) {
    (void)index;
    put_value(t, app->http.evicted_total);
}

static void put_timeouts(const struct app *app, uint32_t index, struct text *t) {
    (void)index;
    put_value(t, app->http.timeouts_total);
}

static enum presence look_alerts(const struct app *app, uint32_t index) {
    struct slice labels;
    if (index >= app->alerts.end) {
        return PRESENCE_END;
    }
    return alerts_firing(&app->alerts, index, &labels) ? PRESENCE_SAMPLE : PRESENCE_ABSENT;
}

static void put_alert(const struct app *app, uint32_t index, struct text *t) {
    struct slice labels = SLICE("");
    alerts_firing(&app->alerts, index, &labels);
    text_put_char(t, '{');
    text_put_slice(t, labels);
    text_put_slice(t, SLICE("} 1"));
}

static enum presence look_webhooks(const struct app *app, uint32_t index) {
    (void)app;
    return index < NOTIFICATIONS_ENDPOINTS ? PRESENCE_SAMPLE : PRESENCE_END;
}

static void put_webhook(enum notifications_endpoint endpoint, uint64_t value, struct text *t) {
    text_put_slice(t, SLICE("{path=\""));
    text_put_slice(t, notifications_path(endpoint));
    text_put_slice(t, SLICE("\",receiver=\""));
    text_put_slice(t, notifications_receiver(endpoint));
    put_end(t, value);
}

static void put_webhook_requests(const struct app *app, uint32_t index, struct text *t) {
    put_webhook((enum notifications_endpoint)index, app->notifications.taken_total[index], t);
}

static void put_webhook_repeats(const struct app *app, uint32_t index, struct text *t) {
    put_webhook((enum notifications_endpoint)index, app->notifications.repeats_total[index], t);
}

static enum presence look_console(const struct app *app, uint32_t index) {
    return app->config.console == NULL ? PRESENCE_END : look_one(app, index);
}

static void put_console_dropped(const struct app *app, uint32_t index, struct text *t) {
    (void)index;
    put_value(t, app->printer.dropped_total);
}

static struct tls_stats tls_stats_of(const struct app *app) {
    struct tls_stats stats = {0};
    app->config.tls_stats(&stats);
    return stats;
}

static enum presence look_tls(const struct app *app, uint32_t index) {
    return app->config.tls_stats == NULL ? PRESENCE_END : look_one(app, index);
}

static enum presence look_tls_handshakes(const struct app *app, uint32_t index) {
    return app->config.tls_stats != NULL && index < 2 ? PRESENCE_SAMPLE : PRESENCE_END;
}

static void put_tls_handshakes(const struct app *app, uint32_t index, struct text *t) {
    const struct tls_stats stats = tls_stats_of(app);
    text_put_slice(t, index == 0 ? SLICE("{resumed=\"no\"}") : SLICE("{resumed=\"yes\"}"));
    put_value(t, index == 0 ? stats.full_total : stats.resumed_total);
}

static enum presence look_tls_failures(const struct app *app, uint32_t index) {
    return app->config.tls_stats != NULL && index < tls_stats_of(app).failures_count
               ? PRESENCE_SAMPLE
               : PRESENCE_END;
}

static void put_tls_failures(const struct app *app, uint32_t index, struct text *t) {
    const struct tls_stats stats = tls_stats_of(app);
    text_put_slice(t, SLICE("{cause=\""));
    text_puts(t, stats.failure_names[index]);
    put_end(t, stats.failures_total[index]);
}

static void put_tls_truncations(const struct app *app, uint32_t index, struct text *t) {
    (void)index;
    put_value(t, tls_stats_of(app).truncated_total);
}

/* A counter of the port's with one label, or NULL. */
typedef bool (*port_counter)(uint32_t index, const char **label, uint32_t *total);

static enum presence look_counter(port_counter counter, uint32_t index) {
    const char *label;
    uint32_t total;
    return counter != NULL && counter(index, &label, &total) ? PRESENCE_SAMPLE : PRESENCE_END;
}

static void put_counter(port_counter counter, struct slice name, uint32_t index, struct text *t) {
    const char *label = "";
    uint32_t total = 0;
    counter(index, &label, &total);
    text_put_slice(t, name);
    text_puts(t, label);
    put_end(t, total);
}

static enum presence look_resets(const struct app *app, uint32_t index) {
    return look_counter(app->config.resets, index);
}

static void put_resets(const struct app *app, uint32_t index, struct text *t) {
    put_counter(app->config.resets, SLICE("{cause=\""), index, t);
}

static enum presence look_network_errors(const struct app *app, uint32_t index) {
    return look_counter(app->config.network_errors, index);
}

static void put_network_errors(const struct app *app, uint32_t index, struct text *t) {
    put_counter(app->config.network_errors, SLICE("{error=\""), index, t);
}

static enum presence look_tables(const struct app *app, uint32_t index) {
    struct table_stats stats;
    return own_metrics_table(app, index, &stats) ? PRESENCE_SAMPLE : PRESENCE_END;
}

/* Appends the label of a table, but for its closing quote, and returns its state. */
static struct table_stats put_table(const struct app *app, uint32_t index, struct text *t) {
    struct table_stats stats = {.name = ""};
    own_metrics_table(app, index, &stats);
    text_put_slice(t, SLICE("{table=\""));
    text_puts(t, stats.name);
    return stats;
}

static void put_table_used(const struct app *app, uint32_t index, struct text *t) {
    put_end(t, put_table(app, index, t).used);
}

static void put_table_high_water(const struct app *app, uint32_t index, struct text *t) {
    put_end(t, put_table(app, index, t).high_water);
}

static void put_table_limit(const struct app *app, uint32_t index, struct text *t) {
    put_end(t, put_table(app, index, t).limit);
}

static void put_table_refusals(const struct app *app, uint32_t index, struct text *t) {
    put_end(t, put_table(app, index, t).refused_total);
}

/* ---- families --------------------------------------------------------------------------- */

enum family_type {
    TYPE_GAUGE,
    TYPE_COUNTER,      /* called <name>_total */
    TYPE_BARE_COUNTER, /* named by the reference documents, without _total: OpenMetrics knows no
                          such counter, there it is of type unknown */
};

struct own_family {
    struct slice name; /* of its samples */
    struct slice help;
    look look_at;
    put put_sample;
    uint8_t type; /* enum family_type */
};

/* To add one: a line here and its functions above. */
static const struct own_family families[] = {
    {SLICE("pingshot_build_info"), SLICE("Version of pingshot and the target it runs on."),
     look_one, put_build_info, TYPE_GAUGE},
    {SLICE("pingshot_uptime_seconds"), SLICE("Time since start."), look_one, put_uptime,
     TYPE_GAUGE},
    {SLICE("events_to_metrics_event_count"), SLICE("One-shot events posted."), look_one,
     put_events_posted, TYPE_BARE_COUNTER},
    {SLICE("events_to_metrics_scraper_counts"), SLICE("Scrapes of GET /metrics."), look_scrapers,
     put_scraper_counts, TYPE_BARE_COUNTER},
    {SLICE("pingshot_events_pending"),
     SLICE("Events that wait for a scraper or are in flight to it."), look_scrapers,
     put_scraper_pending, TYPE_GAUGE},
    {SLICE("pingshot_event_deliveries_total"), SLICE("Events delivered, once for each scraper."),
     look_one, put_events_delivered, TYPE_COUNTER},
    {SLICE("pingshot_event_rollbacks_total"),
     SLICE("Scrapes with events that were not acknowledged in time."), look_rollbacks,
     put_rollbacks, TYPE_COUNTER},
    {SLICE("pingshot_events_released_total"),
     SLICE("Events that waited only for a scraper that was forgotten."), look_one,
     put_events_released, TYPE_COUNTER},
    {SLICE("pingshot_alert"), SLICE("An alert that fires, as Alertmanager told POST /webhook."),
     look_alerts, put_alert, TYPE_GAUGE},
    {SLICE("pingshot_webhook_requests_total"), SLICE("Notifications taken, repeats included."),
     look_webhooks, put_webhook_requests, TYPE_COUNTER},
    {SLICE("pingshot_webhook_repeats_total"),
     SLICE("Notifications of Alertmanager in which no alert had changed."), look_webhooks,
     put_webhook_repeats, TYPE_COUNTER},
    {SLICE("pingshot_console_dropped_total"),
     SLICE("Notifications overwritten before the console had printed them."), look_console,
     put_console_dropped, TYPE_COUNTER},
    {SLICE("pingshot_http_requests_total"), SLICE("Responses by handler and status code."),
     look_requests, put_requests, TYPE_COUNTER},
    {SLICE("pingshot_http_evictions_total"), SLICE("Connections cut off to make room for another."),
     look_one, put_evictions, TYPE_COUNTER},
    {SLICE("pingshot_http_timeouts_total"), SLICE("Requests that did not come in time."), look_one,
     put_timeouts, TYPE_COUNTER},
    {SLICE("pingshot_tls_handshakes_total"), SLICE("TLS handshakes completed."),
     look_tls_handshakes, put_tls_handshakes, TYPE_COUNTER},
    {SLICE("pingshot_tls_failures_total"),
     SLICE("Connections that TLS ended, in the handshake or later."), look_tls_failures,
     put_tls_failures, TYPE_COUNTER},
    {SLICE("pingshot_tls_truncations_total"),
     SLICE("TLS connections that ended without close_notify."), look_tls, put_tls_truncations,
     TYPE_COUNTER},
    {SLICE("pingshot_resets_total"),
     SLICE("Starts since power came on, by what ended the run before."), look_resets, put_resets,
     TYPE_COUNTER},
    {SLICE("pingshot_network_errors_total"), SLICE("Errors that the network device counted."),
     look_network_errors, put_network_errors, TYPE_COUNTER},
    {SLICE("pingshot_table_used"), SLICE("Entries in use of each fixed table."), look_tables,
     put_table_used, TYPE_GAUGE},
    {SLICE("pingshot_table_high_water"), SLICE("The most entries that were ever in use."),
     look_tables, put_table_high_water, TYPE_GAUGE},
    {SLICE("pingshot_table_limit"), SLICE("Entries that there are."), look_tables, put_table_limit,
     TYPE_GAUGE},
    {SLICE("pingshot_table_refusals_total"), SLICE("Requests refused because no entry was left."),
     look_tables, put_table_refusals, TYPE_COUNTER},
};

#define FAMILIES_COUNT (sizeof families / sizeof families[0])

/* The family's name as its HELP and TYPE lines give it: OpenMetrics leaves _total out there. */
static void put_family_name(struct text *t, const struct own_family *f, bool openmetrics) {
    struct slice name = f->name;
    if (f->type == TYPE_COUNTER && openmetrics) {
        name.len -= (uint32_t)sizeof "_total" - 1;
    }
    text_put_slice(t, name);
}

static void put_header(struct text *t, const struct own_family *f, bool openmetrics) {
    text_put_slice(t, SLICE("# HELP "));
    put_family_name(t, f, openmetrics);
    text_put_char(t, ' ');
    text_put_slice(t, f->help);
    text_put_slice(t, SLICE("\n# TYPE "));
    put_family_name(t, f, openmetrics);
    if (f->type == TYPE_GAUGE) {
        text_put_slice(t, SLICE(" gauge\n"));
    } else if (f->type == TYPE_BARE_COUNTER && openmetrics) {
        text_put_slice(t, SLICE(" unknown\n"));
    } else {
        text_put_slice(t, SLICE(" counter\n"));
    }
}

/* Appends the sample at the cursor, or passes over what is not there; steps on. */
static void put_next(struct own_metrics_cursor *cursor, const struct app *app, struct text *t) {
    const struct own_family *f = &families[cursor->family];
    const uint32_t index = cursor->sample - 1u;
    switch (f->look_at(app, index)) {
    case PRESENCE_SAMPLE:
        text_put_slice(t, f->name);
        f->put_sample(app, index, t);
        text_put_char(t, '\n');
        break;
    case PRESENCE_ABSENT:
        break;
    case PRESENCE_END:
        *cursor = (struct own_metrics_cursor){.family = (uint16_t)(cursor->family + 1)};
        return;
    }
    cursor->sample++;
}

bool own_metrics_pull(struct own_metrics_cursor *cursor, const struct app *app, bool openmetrics,
                      struct text *out) {
    while (cursor->family < FAMILIES_COUNT) {
        if (text_room(out) < (cursor->sample == 0 ? HEADER_BYTES_MAX : SAMPLE_BYTES_MAX)) {
            return false;
        }
        if (cursor->sample == 0) {
            put_header(out, &families[cursor->family], openmetrics);
            cursor->sample = 1;
        } else {
            put_next(cursor, app, out);
        }
    }
    return true;
}
