/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * own_metrics.c: see own_metrics.h.
 */
#include "own_metrics.h"

#include "app.h"

#include <stddef.h>

/* Longest sample: a scraper's, its texts escaped, or an alert's. */
#define SCRAPER_BYTES_MAX (2u * (SCRAPERS_NAME_BYTES + SCRAPERS_AGENT_BYTES) + 128u)
#define ALERT_BYTES_MAX (CFG_ALERT_TEXT_BYTES + 32u)
#define SAMPLE_BYTES_MAX (ALERT_BYTES_MAX > SCRAPER_BYTES_MAX ? ALERT_BYTES_MAX : SCRAPER_BYTES_MAX)

_Static_assert(SAMPLE_BYTES_MAX <= CFG_LINE_BYTES,
               "CFG_LINE_BYTES: too small for pingshot's own metrics");

/* ---- the tables ------------------------------------------------------------------------- */

#define APP_TABLES (REGISTRY_TABLES + 8u)

static const struct table_stats *app_table(const struct app *app, uint32_t index,
                                           struct table_stats *made) {
    switch (index) {
    case REGISTRY_TABLES:
        *made = idempotency_stats(&app->state->idempotency);
        return made;
    case REGISTRY_TABLES + 1:
        return &app->state->delivery.events.stats;
    case REGISTRY_TABLES + 2:
        return &app->state->delivery.scrapers.stats;
    case REGISTRY_TABLES + 3:
        return &app->state->delivery.scrapes_stats;
    case REGISTRY_TABLES + 4:
        return &app->http.connections_stats;
    case REGISTRY_TABLES + 5:
        return &app->http.bodies_stats;
    case REGISTRY_TABLES + 6:
        return &app->notifications.stats;
    case REGISTRY_TABLES + 7:
        return &app->alerts.stats;
    default:
        *made = registry_stats(&app->state->registry, index);
        return made;
    }
}

const struct table_stats *own_metrics_table(const struct app *app, uint32_t index,
                                            struct table_stats *made) {
    if (index < APP_TABLES) {
        return app_table(app, index, made);
    }
    return app->config.port_table != NULL && app->config.port_table(index - APP_TABLES, made)
               ? made
               : NULL;
}

/* ---- samples ---------------------------------------------------------------------------- */

/* The samples of one family on their way into a page. Of a small page they are the most part, so
 * whether there is room is asked once a sample, and its parts are put without asking again. */
struct samples {
    struct slice stem; /* what each begins with: the name, and what is before a label's value */
    uint32_t next;     /* number of the one to write next */
    char *at;          /* where in the page */
    const char *end;   /* of the page */
};

/* Writes the samples of a family from number `next` on. True when there are no more, false when
 * the next one has no room. */
typedef bool (*put_samples)(const struct app *app, struct samples *s);

static char *add(char *at, struct slice part) {
    memcpy(at, part.bytes, part.len);
    return at + part.len;
}

static inline char *add_number(char *at, uint64_t value) {
    if (value < 10) { /* as most are */
        *at = (char)('0' + value);
        return at + 1;
    }
    return at + text_write_u64(at, value);
}

/* Begins the next sample. Returns where it goes on, in a room of SAMPLE_BYTES_MAX altogether, or
 * NULL when there is not as much. */
static inline char *begin(const struct samples *s) {
    if ((size_t)(s->end - s->at) < SAMPLE_BYTES_MAX) {
        return NULL;
    }
    return add(s->at, s->stem);
}

static inline void end(struct samples *s, char *at) {
    *at = '\n';
    s->at = at + 1;
    s->next++;
}

/* A sample of which the stem ends within its label's quotes. */
static inline bool put_labelled(struct samples *s, struct slice label, uint64_t value) {
    char *at = begin(s);
    if (at == NULL) {
        return false;
    }
    at = add(at, label);
    at = add(at, SLICE("\"} "));
    end(s, add_number(at, value));
    return true;
}

/* The one sample of a family. */
static bool put_only(struct samples *s, uint64_t value) {
    char *at = s->next == 0 ? begin(s) : NULL;
    if (at != NULL) {
        end(s, add_number(at, value));
    }
    return s->next > 0;
}

/* The two samples of a family. */
static bool put_both(struct samples *s, const struct slice labels[2], uint64_t first,
                     uint64_t second) {
    return (s->next > 0 || put_labelled(s, labels[0], first)) &&
           (s->next > 1 || put_labelled(s, labels[1], second));
}

static struct slice string(const char *text) {
    return (struct slice){text, (uint32_t)strlen(text)};
}

static bool put_build_info(const struct app *app, struct samples *s) {
    char *at = s->next == 0 ? begin(s) : NULL;
    if (at != NULL) {
        at = add(at, string(app->config.target));
        end(s, add(at, SLICE("\",version=\"" APP_VERSION "\"} 1")));
    }
    return s->next > 0;
}

static bool put_uptime(const struct app *app, struct samples *s) {
    char *at = s->next == 0 ? begin(s) : NULL;
    if (at != NULL) {
        struct text seconds = text_over(at, 24);
        text_format(&seconds, "%u.%03u", (unsigned)app->uptime_s, (unsigned)app->uptime_rest_ms);
        end(s, at + seconds.len);
    }
    return s->next > 0;
}

static bool put_events_posted(const struct app *app, struct samples *s) {
    return put_only(s, app->state->delivery.counts.posted);
}

static bool put_events_delivered(const struct app *app, struct samples *s) {
    return put_only(s, app->state->delivery.counts.delivered);
}

static bool put_events_ambiguous(const struct app *app, struct samples *s) {
    return put_only(s, app->state->delivery.tally.ambiguous);
}

static bool put_events_released(const struct app *app, struct samples *s) {
    return put_only(s, app->state->delivery.counts.released);
}

static bool put_rollbacks(const struct app *app, struct samples *s) {
    static const struct slice causes[] = {SLICE("connection"), SLICE("timeout")};
    const struct delivery_counts *counts = &app->state->delivery.counts;
    return put_both(s, causes, counts->rollbacks_connection, counts->rollbacks_timeout);
}

/* Number `next` is the place of a scraper. */
static bool put_scraper(const struct app *app, struct samples *s, bool pending) {
    const struct delivery *d = &app->state->delivery;
    const uint8_t place = (uint8_t)s->next;
    const struct scraper *who = delivery_scraper(d, place);
    if (who == NULL) {
        s->next++;
        return true;
    }
    char *at = begin(s);
    if (at == NULL) {
        return false;
    }
    struct text labels = text_over(at, SCRAPER_BYTES_MAX);
    text_put_label_value(&labels, scrapers_agent(&who->identity));
    text_put_slice(&labels, SLICE("\",scraper=\""));
    text_put_label_value(&labels, scrapers_name(&who->identity));
    at = add(at + labels.len, SLICE("\"} "));
    end(s, add_number(at, pending ? delivery_pending_count(d, place) : who->scrapes_count));
    return true;
}

static bool put_scrapers(const struct app *app, struct samples *s, bool pending) {
    bool room = true;
    while (room && s->next < CFG_SCRAPERS_MAX) {
        room = put_scraper(app, s, pending);
    }
    return room;
}

static bool put_scraper_counts(const struct app *app, struct samples *s) {
    return put_scrapers(app, s, false);
}

static bool put_scraper_pending(const struct app *app, struct samples *s) {
    return put_scrapers(app, s, true);
}

static bool put_requests(const struct app *app, struct samples *s) {
    const struct http_server *http = &app->http;
    while (s->next < http->counters_count) {
        const struct http_counter *counter = &http->counters[s->next];
        char *at = begin(s);
        if (at == NULL) {
            return false;
        }
        at = add(at, (struct slice){http_status_name((enum http_status)counter->status),
                                    HTTP_STATUS_DIGITS});
        at = add(at, SLICE("\",handler=\""));
        at = add(at, counter->route < router_count() ? router_route(counter->route)->path
                                                     : SLICE("none"));
        at = add(at, SLICE("\"} "));
        end(s, add_number(at, counter->total));
    }
    if (s->next > http->counters_count || http->uncounted_total == 0) {
        return true;
    }
    return put_labelled(s, SLICE("other\",handler=\"other"), http->uncounted_total);
}

static bool put_evictions(const struct app *app, struct samples *s) {
    return put_only(s, app->http.evicted_total);
}

static bool put_repeats(const struct app *app, struct samples *s) {
    return put_only(s, app->state->idempotency.repeats_total);
}

static bool put_timeouts(const struct app *app, struct samples *s) {
    return put_only(s, app->http.timeouts_total);
}

/* Number `next` is the place of an alert. */
static bool put_alerts(const struct app *app, struct samples *s) {
    struct slice labels;
    while (s->next < app->alerts.end) {
        if (!alerts_firing(&app->alerts, s->next, &labels)) {
            s->next++;
            continue;
        }
        char *at = begin(s);
        if (at == NULL) {
            return false;
        }
        at = add(at, labels);
        end(s, add(at, SLICE("} 1")));
    }
    return true;
}

static bool put_webhooks(struct samples *s, const uint64_t totals[NOTIFICATIONS_ENDPOINTS]) {
    while (s->next < NOTIFICATIONS_ENDPOINTS) {
        const enum notifications_endpoint endpoint = (enum notifications_endpoint)s->next;
        char *at = begin(s);
        if (at == NULL) {
            return false;
        }
        at = add(at, notifications_path(endpoint));
        at = add(at, SLICE("\",receiver=\""));
        at = add(at, notifications_receiver(endpoint));
        at = add(at, SLICE("\"} "));
        end(s, add_number(at, totals[endpoint]));
    }
    return true;
}

static bool put_webhook_requests(const struct app *app, struct samples *s) {
    return put_webhooks(s, app->notifications.taken_total);
}

static bool put_webhook_repeats(const struct app *app, struct samples *s) {
    return put_webhooks(s, app->notifications.repeats_total);
}

static bool put_console_dropped(const struct app *app, struct samples *s) {
    return app->config.console == NULL || put_only(s, app->printer.dropped_total);
}

/* False: there is no TLS here. */
static bool get_tls(const struct app *app, struct tls_stats *stats) {
    if (app->config.tls_stats == NULL) {
        return false;
    }
    app->config.tls_stats(stats);
    return true;
}

static bool put_tls_handshakes(const struct app *app, struct samples *s) {
    static const struct slice resumed[] = {SLICE("no"), SLICE("yes")};
    struct tls_stats stats;
    return !get_tls(app, &stats) || put_both(s, resumed, stats.full_total, stats.resumed_total);
}

static bool put_tls_failures(const struct app *app, struct samples *s) {
    struct tls_stats stats;
    bool room = true;
    if (get_tls(app, &stats)) {
        while (room && s->next < stats.failures_count) {
            room = put_labelled(s, stats.failure_names[s->next], stats.failures_total[s->next]);
        }
    }
    return room;
}

static bool put_tls_truncations(const struct app *app, struct samples *s) {
    struct tls_stats stats;
    return !get_tls(app, &stats) || put_only(s, stats.truncated_total);
}

/* A counter of the port's with one label, or NULL. */
typedef bool (*port_counter)(uint32_t index, struct slice *label, uint32_t *total);

static bool put_counters(port_counter counter, struct samples *s) {
    struct slice label;
    uint32_t total;
    bool room = true;
    while (room && counter != NULL && counter(s->next, &label, &total)) {
        room = put_labelled(s, label, total);
    }
    return room;
}

static bool put_resets(const struct app *app, struct samples *s) {
    return put_counters(app->config.resets, s);
}

static bool put_network_errors(const struct app *app, struct samples *s) {
    return put_counters(app->config.network_errors, s);
}

/* One of the numbers of every table: the one that is `offset` bytes into struct table_stats. */
static bool put_tables(const struct app *app, struct samples *s, size_t offset) {
    struct samples to = *s; /* in registers: these are most of the samples */
    struct table_stats made;
    const struct table_stats *stats;
    bool room = true;
    while (room && (stats = own_metrics_table(app, to.next, &made)) != NULL) {
        uint32_t value;
        memcpy(&value, (const char *)stats + offset, sizeof value);
        room = put_labelled(&to, stats->name, value);
    }
    *s = to;
    return room;
}

static bool put_table_used(const struct app *app, struct samples *s) {
    return put_tables(app, s, offsetof(struct table_stats, used));
}

static bool put_table_high_water(const struct app *app, struct samples *s) {
    return put_tables(app, s, offsetof(struct table_stats, high_water));
}

static bool put_table_limit(const struct app *app, struct samples *s) {
    return put_tables(app, s, offsetof(struct table_stats, limit));
}

static bool put_table_refusals(const struct app *app, struct samples *s) {
    return put_tables(app, s, offsetof(struct table_stats, refused_total));
}

/* ---- families --------------------------------------------------------------------------- */

enum family_type {
    TYPE_GAUGE,
    TYPE_COUNTER,      /* called <name>_total */
    TYPE_BARE_COUNTER, /* named by the reference documents, without _total: OpenMetrics knows no
                          such counter, there it is of type unknown */
};

struct own_family {
    const char *text; /* HELP and TYPE in the text format, and behind them the samples' stem */
    put_samples put;
    uint16_t header_len;
    uint8_t name_len;
    uint8_t stem_len;
    uint8_t type; /* enum family_type */
};

#define HEADER(name, help, type) "# HELP " name " " help "\n# TYPE " name " " type "\n"
#define FAMILY(kind, word, name, label, help, function)                                 \
    {                                                                                   \
        .text = HEADER(name, help, word) name label, .put = function,                   \
        .header_len = sizeof HEADER(name, help, word) - 1, .name_len = sizeof name - 1, \
        .stem_len = sizeof name label - 1, .type = kind                                 \
    }
#define GAUGE(name, label, help, function) FAMILY(TYPE_GAUGE, "gauge", name, label, help, function)
#define COUNTER(name, label, help, function) \
    FAMILY(TYPE_COUNTER, "counter", name "_total", label, help, function)
#define BARE_COUNTER(name, label, help, function) \
    FAMILY(TYPE_BARE_COUNTER, "counter", name, label, help, function)

/* To add one: a line here and its function above. What is before a label's value, or before the
 * value of a sample without labels, belongs to what its samples begin with. */
static const struct own_family families[] = {
    GAUGE("pingshot_build_info", "{target=\"", "Version of pingshot and the target it runs on.",
          put_build_info),
    GAUGE("pingshot_uptime_seconds", " ", "Time since start.", put_uptime),
    BARE_COUNTER("events_to_metrics_event_count", " ", "One-shot events posted.",
                 put_events_posted),
    BARE_COUNTER("events_to_metrics_scraper_counts", "{agent=\"", "Scrapes of GET /metrics.",
                 put_scraper_counts),
    GAUGE("pingshot_events_pending", "{agent=\"",
          "Events that wait for a scraper or are in flight to it.", put_scraper_pending),
    COUNTER("pingshot_event_deliveries", " ", "Events delivered, once for each scraper.",
            put_events_delivered),
    COUNTER("pingshot_event_rollbacks", "{cause=\"",
            "Scrapes with events that were not acknowledged in time.", put_rollbacks),
    COUNTER("pingshot_events_ambiguous", " ",
            "Events sent to a scraper that did not acknowledge them: it may get them twice.",
            put_events_ambiguous),
    COUNTER("pingshot_events_released", " ",
            "Events that waited only for a scraper that was forgotten.", put_events_released),
    GAUGE("pingshot_alert", "{", "An alert that fires, as Alertmanager told POST /webhook.",
          put_alerts),
    COUNTER("pingshot_webhook_requests", "{path=\"", "Notifications taken, repeats included.",
            put_webhook_requests),
    COUNTER("pingshot_webhook_repeats", "{path=\"",
            "Notifications of Alertmanager in which no alert had changed.", put_webhook_repeats),
    COUNTER("pingshot_console_dropped", " ",
            "Notifications overwritten before the console had printed them.", put_console_dropped),
    COUNTER("pingshot_http_requests", "{code=\"", "Responses by handler and status code.",
            put_requests),
    COUNTER("pingshot_http_evictions", " ", "Connections cut off to make room for another.",
            put_evictions),
    COUNTER("pingshot_http_timeouts", " ", "Requests that did not come in time.", put_timeouts),
    COUNTER("pingshot_http_repeats", " ",
            "Requests answered again and not done again, by their Idempotency-Key.", put_repeats),
    COUNTER("pingshot_tls_handshakes", "{resumed=\"", "TLS handshakes completed.",
            put_tls_handshakes),
    COUNTER("pingshot_tls_failures", "{cause=\"",
            "Connections that TLS ended, in the handshake or later.", put_tls_failures),
    COUNTER("pingshot_tls_truncations", " ", "TLS connections that ended without close_notify.",
            put_tls_truncations),
    COUNTER("pingshot_resets", "{cause=\"",
            "Starts since power came on, by what ended the run before.", put_resets),
    COUNTER("pingshot_network_errors", "{error=\"", "Errors that the network device counted.",
            put_network_errors),
    GAUGE("pingshot_table_used", "{table=\"", "Entries in use of each fixed table.",
          put_table_used),
    GAUGE("pingshot_table_high_water", "{table=\"", "The most entries that were ever in use.",
          put_table_high_water),
    GAUGE("pingshot_table_limit", "{table=\"", "Entries that there are.", put_table_limit),
    COUNTER("pingshot_table_refusals", "{table=\"", "Requests refused because no entry was left.",
            put_table_refusals),
};

#define FAMILIES_COUNT (sizeof families / sizeof families[0])

/* HELP and TYPE of a counter in OpenMetrics, which leaves _total out of its name there. */
static void put_openmetrics_counter(struct text *out, const struct own_family *f) {
    const struct slice type = SLICE(" counter\n");
    const uint32_t type_at = f->header_len - type.len;
    if (f->type == TYPE_BARE_COUNTER) {
        text_put(out, f->text, type_at);
        text_put_slice(out, SLICE(" unknown\n"));
        return;
    }
    const uint32_t total_len = (uint32_t)sizeof "_total" - 1;
    const uint32_t help_at = (uint32_t)sizeof "# HELP " - 1 + f->name_len;
    text_put(out, f->text, help_at - total_len);
    text_put(out, f->text + help_at, type_at - total_len - help_at);
    text_put_slice(out, type);
}

/* Appends HELP and TYPE, or nothing when they have no room. */
static bool put_header(struct text *out, const struct own_family *f, bool openmetrics) {
    if (text_room(out) < f->header_len) {
        return false;
    }
    if (openmetrics && f->type != TYPE_GAUGE) {
        put_openmetrics_counter(out, f);
    } else {
        text_put(out, f->text, f->header_len);
    }
    return true;
}

bool own_metrics_pull(struct own_metrics_cursor *cursor, const struct app *app, bool openmetrics,
                      struct text *out) {
    for (; cursor->family < FAMILIES_COUNT; cursor->family++, cursor->sample = 0) {
        const struct own_family *f = &families[cursor->family];
        if (cursor->sample == 0 && !put_header(out, f, openmetrics)) {
            return false;
        }
        struct samples s = {{f->text + f->header_len, f->stem_len},
                            cursor->sample == 0 ? 0 : cursor->sample - 1u,
                            out->bytes + out->len,
                            out->bytes + out->capacity};
        const bool all = f->put(app, &s);
        out->len = (uint32_t)(s.at - out->bytes);
        cursor->sample = (uint16_t)(s.next + 1);
        if (!all) {
            return false;
        }
    }
    return true;
}
