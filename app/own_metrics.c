/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * own_metrics.c: see own_metrics.h.
 */
#include "own_metrics.h"

#include "app.h"

/* Longest HELP and TYPE lines, and longest sample: a scraper's, its texts escaped. */
#define HEADER_BYTES_MAX 256u
#define SAMPLE_BYTES_MAX (2u * (SCRAPERS_NAME_BYTES + SCRAPERS_AGENT_BYTES) + 128u)

_Static_assert(HEADER_BYTES_MAX <= CFG_LINE_BYTES && SAMPLE_BYTES_MAX <= CFG_LINE_BYTES,
               "CFG_LINE_BYTES: too small for pingshot's own metrics");

/* ---- the tables ------------------------------------------------------------------------- */

bool own_metrics_table(const struct app *app, uint32_t index, struct table_stats *stats) {
    const struct table_stats *const tables[] = {
        &app->delivery.events.stats,  &app->delivery.scrapers.stats, &app->delivery.scrapes_stats,
        &app->http.connections_stats, &app->http.bodies_stats,
    };
    const uint32_t tables_count = sizeof tables / sizeof tables[0];
    if (index < REGISTRY_TABLES) {
        *stats = registry_stats(&app->registry, index);
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

/* What a family's samples are made of. A function appends sample number `index`, from the brace of
 * its labels to its value, and returns false beyond the last; appending nothing skips it. */
typedef bool (*put_sample)(const struct app *app, uint32_t index, struct text *t);

static bool put_value(struct text *t, uint64_t value) {
    text_put_char(t, ' ');
    text_put_u64(t, value);
    return true;
}

/* `{name="value"} `, for a value that needs no escapes. */
static void put_label(struct text *t, const char *name, const char *value) {
    text_put_char(t, '{');
    text_puts(t, name);
    text_put_slice(t, SLICE("=\""));
    text_puts(t, value);
    text_put_slice(t, SLICE("\"}"));
}

static bool put_build_info(const struct app *app, uint32_t index, struct text *t) {
    text_puts(t, "{target=\"");
    text_puts(t, app->config.target);
    text_puts(t, "\",version=\"" APP_VERSION "\"} 1");
    return index == 0;
}

static bool put_uptime(const struct app *app, uint32_t index, struct text *t) {
    put_value(t, app->uptime_ms / 1000);
    text_put_char(t, '.');
    text_put_digits(t, app->uptime_ms % 1000, 3);
    return index == 0;
}

static bool put_events_posted(const struct app *app, uint32_t index, struct text *t) {
    return index == 0 && put_value(t, app->delivery.counts.posted);
}

static bool put_events_delivered(const struct app *app, uint32_t index, struct text *t) {
    return index == 0 && put_value(t, app->delivery.counts.delivered);
}

static bool put_events_released(const struct app *app, uint32_t index, struct text *t) {
    return index == 0 && put_value(t, app->delivery.counts.released);
}

static bool put_rollbacks(const struct app *app, uint32_t index, struct text *t) {
    const struct delivery_counts *counts = &app->delivery.counts;
    put_label(t, "cause", index == 0 ? "connection" : "timeout");
    put_value(t, index == 0 ? counts->rollbacks_connection : counts->rollbacks_timeout);
    return index < 2;
}

/* `{agent="...",scraper="..."}`, or nothing for an unused place. */
static const struct scraper *put_scraper(const struct app *app, uint32_t index, struct text *t) {
    const struct scraper *s =
        index < CFG_SCRAPERS_MAX ? delivery_scraper(&app->delivery, (uint8_t)index) : NULL;
    if (s != NULL) {
        text_puts(t, "{agent=\"");
        text_put_label_value(t, scrapers_agent(&s->identity));
        text_puts(t, "\",scraper=\"");
        text_put_label_value(t, scrapers_name(&s->identity));
        text_puts(t, "\"}");
    }
    return s;
}

static bool put_scraper_counts(const struct app *app, uint32_t index, struct text *t) {
    const struct scraper *s = put_scraper(app, index, t);
    if (s != NULL) {
        put_value(t, s->scrapes_count);
    }
    return index < CFG_SCRAPERS_MAX;
}

static bool put_scraper_pending(const struct app *app, uint32_t index, struct text *t) {
    if (put_scraper(app, index, t) != NULL) {
        put_value(t, delivery_pending_count(&app->delivery, (uint8_t)index));
    }
    return index < CFG_SCRAPERS_MAX;
}

static bool put_requests(const struct app *app, uint32_t index, struct text *t) {
    const uint32_t route = index / HTTP_STATUS_COUNT;
    const enum http_status status = (enum http_status)(index % HTTP_STATUS_COUNT);
    if (route > router_count()) {
        return false;
    }
    const uint32_t count = app->http.requests_total[route][status];
    if (count > 0) {
        text_puts(t, "{code=\"");
        text_put_slice(t, http_status_code(status));
        text_puts(t, "\",handler=\"");
        text_put_slice(t, route < router_count() ? router_route(route)->label : SLICE("none"));
        text_puts(t, "\"}");
        put_value(t, count);
    }
    return true;
}

static bool put_evictions(const struct app *app, uint32_t index, struct text *t) {
    return index == 0 && put_value(t, app->http.evicted_total);
}

static bool put_timeouts(const struct app *app, uint32_t index, struct text *t) {
    return index == 0 && put_value(t, app->http.timeouts_total);
}

static bool put_table_used(const struct app *app, uint32_t index, struct text *t) {
    struct table_stats stats;
    if (!own_metrics_table(app, index, &stats)) {
        return false;
    }
    put_label(t, "table", stats.name);
    return put_value(t, stats.used);
}

static bool put_table_high_water(const struct app *app, uint32_t index, struct text *t) {
    struct table_stats stats;
    if (!own_metrics_table(app, index, &stats)) {
        return false;
    }
    put_label(t, "table", stats.name);
    return put_value(t, stats.high_water);
}

static bool put_table_limit(const struct app *app, uint32_t index, struct text *t) {
    struct table_stats stats;
    if (!own_metrics_table(app, index, &stats)) {
        return false;
    }
    put_label(t, "table", stats.name);
    return put_value(t, stats.limit);
}

static bool put_table_refusals(const struct app *app, uint32_t index, struct text *t) {
    struct table_stats stats;
    if (!own_metrics_table(app, index, &stats)) {
        return false;
    }
    put_label(t, "table", stats.name);
    return put_value(t, stats.refused_total);
}

/* ---- families --------------------------------------------------------------------------- */

enum family_type {
    TYPE_GAUGE,
    TYPE_COUNTER,      /* its samples are called <name>_total */
    TYPE_BARE_COUNTER, /* named by the reference documents, without _total: OpenMetrics knows no
                          such counter, there it is of type unknown */
};

struct own_family {
    const char *name; /* without _total */
    const char *help;
    put_sample put;
    uint8_t type; /* enum family_type */
};

/* To add one: a line here and its function above. */
static const struct own_family families[] = {
    {"pingshot_build_info", "Version of pingshot and the target it runs on.", put_build_info,
     TYPE_GAUGE},
    {"pingshot_uptime_seconds", "Time since start.", put_uptime, TYPE_GAUGE},
    {"events_to_metrics_event_count", "One-shot events posted.", put_events_posted,
     TYPE_BARE_COUNTER},
    {"events_to_metrics_scraper_counts", "Scrapes of GET /metrics.", put_scraper_counts,
     TYPE_BARE_COUNTER},
    {"pingshot_events_pending", "Events that wait for a scraper or are in flight to it.",
     put_scraper_pending, TYPE_GAUGE},
    {"pingshot_event_deliveries", "Events delivered, once for each scraper.", put_events_delivered,
     TYPE_COUNTER},
    {"pingshot_event_rollbacks", "Scrapes with events that were not acknowledged in time.",
     put_rollbacks, TYPE_COUNTER},
    {"pingshot_events_released", "Events that waited only for a scraper that was forgotten.",
     put_events_released, TYPE_COUNTER},
    {"pingshot_http_requests", "Responses by handler and status code.", put_requests, TYPE_COUNTER},
    {"pingshot_http_evictions", "Connections cut off to make room for another.", put_evictions,
     TYPE_COUNTER},
    {"pingshot_http_timeouts", "Requests that did not come in time.", put_timeouts, TYPE_COUNTER},
    {"pingshot_table_used", "Entries in use of each fixed table.", put_table_used, TYPE_GAUGE},
    {"pingshot_table_high_water", "The most entries that were ever in use.", put_table_high_water,
     TYPE_GAUGE},
    {"pingshot_table_limit", "Entries that there are.", put_table_limit, TYPE_GAUGE},
    {"pingshot_table_refusals", "Requests refused because no entry was left.", put_table_refusals,
     TYPE_COUNTER},
};

#define FAMILIES_COUNT (sizeof families / sizeof families[0])

/* The family's name as its HELP and TYPE lines give it: OpenMetrics leaves _total out there. */
static void put_family_name(struct text *t, const struct own_family *f, bool openmetrics) {
    text_puts(t, f->name);
    if (f->type == TYPE_COUNTER && !openmetrics) {
        text_put_slice(t, SLICE("_total"));
    }
}

static void put_header(struct text *t, const struct own_family *f, bool openmetrics) {
    text_put_slice(t, SLICE("# HELP "));
    put_family_name(t, f, openmetrics);
    text_put_char(t, ' ');
    text_puts(t, f->help);
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

/* Appends the next sample and steps on, or steps to the next family behind the last. */
static void put_next(struct own_metrics_cursor *cursor, const struct app *app, struct text *t) {
    const struct own_family *f = &families[cursor->family];
    const uint32_t start = t->len;
    put_family_name(t, f, false);
    const uint32_t name_end = t->len;
    const bool any = f->put(app, cursor->sample - 1u, t);
    if (!any || t->len == name_end) {
        t->len = start; /* beyond the last, or one to skip */
    } else {
        text_put_char(t, '\n');
    }
    if (any) {
        cursor->sample++;
    } else {
        *cursor = (struct own_metrics_cursor){.family = (uint16_t)(cursor->family + 1)};
    }
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
