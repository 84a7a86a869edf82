/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * own_metrics.c: see own_metrics.h.
 */
#include "own_metrics.h"

#include "apart.h"
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

/* Those whose state is not kept in one piece. */
APART static const struct table_stats *make_table(const struct app *app, uint32_t index,
                                                  struct table_stats *made) {
    if (index < REGISTRY_TABLES) {
        registry_stats(&app->state->registry, index, made);
    } else {
        *made = idempotency_stats(&app->state->idempotency);
    }
    return made;
}

static const struct table_stats *app_table(const struct app *app, uint32_t index,
                                           struct table_stats *made) {
    switch (index) {
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
        return make_table(app, index, made);
    }
}

static inline bool get_port_table(const struct app *app, uint32_t index, struct table_stats *made) {
    return app->config.port_table != NULL && app->config.port_table(index - APP_TABLES, made);
}

const struct table_stats *own_metrics_table(const struct app *app, uint32_t index,
                                            struct table_stats *made) {
    if (index < APP_TABLES) {
        return app_table(app, index, made);
    }
    return get_port_table(app, index, made) ? made : NULL;
}

/* ---- samples ---------------------------------------------------------------------------- */

/* The samples of one family on their way into a page. Of a small page they are the most part, so
 * whether there is room is asked once a sample, and its parts are put without asking again. What a
 * sample begins with, the name and what is before a label's value, is called its stem. */
struct samples {
    uint32_t next;   /* number of the one to write next */
    char *at;        /* where in the page */
    const char *end; /* of the page */
};

/* Writes the samples of a family from number `next` on. True when there are no more, false when
 * the next one has no room. */
typedef bool (*put_samples)(const struct app *app, struct samples *s);

static inline char *add(char *at, struct slice part) {
    memcpy(at, part.bytes, part.len);
    return at + part.len;
}

static inline char *add_number(char *at, uint64_t value) {
    if (value < 10) { /* as most are */
        *at = (char)('0' + value);
        return at + 1;
    }
    return at +
           (value <= UINT32_MAX ? text_write_u32(at, (uint32_t)value) : text_write_u64(at, value));
}

/* More than that GCC copies in a loop, also when it knows how much it is. */
#define UNROLLED_BYTES 32u

/* What the value takes and what stands around it, `"} ` and the line feed, in bytes. */
#define VALUE_BYTES_MAX (TEXT_U64_BYTES + 4u)

/* Begins the next sample. Returns where it goes on, in a room of `bytes_max` altogether, or NULL when
 * there is not as much. */
static SPECIALISED char *begin(const struct samples *s, struct slice stem, uint32_t bytes_max) {
    char *at = s->at;
    if ((size_t)(s->end - at) < bytes_max) {
        return NULL;
    }
    if (__builtin_constant_p(stem.len) && stem.len > UNROLLED_BYTES) {
        at = add(at, (struct slice){stem.bytes, UNROLLED_BYTES});
        stem = (struct slice){stem.bytes + UNROLLED_BYTES, stem.len - UNROLLED_BYTES};
    }
    return add(at, stem);
}

static inline void end(struct samples *s, char *at) {
    *at = '\n';
    s->at = at + 1;
    s->next++;
}

/* What ends a sample with labels: most have one digit. */
static inline void end_labels(struct samples *s, char *at, uint64_t value) {
    at = add(at, SLICE("\"} 0"));
    if (value < 10) {
        at[-1] = (char)('0' + value);
    } else {
        at = add_number(at - 1, value);
    }
    end(s, at);
}

/* A sample of which the stem ends within its label's quotes. */
static SPECIALISED bool put_labelled(struct samples *s, struct slice stem, struct label_value label,
                                     uint64_t value) {
    char *at = begin(s, stem, stem.len + LABEL_VALUE_BYTES + VALUE_BYTES_MAX);
    if (at == NULL) {
        return false;
    }
    end_labels(s, label_value_put(at, label), value);
    return true;
}

/* The one sample of a family. */
static SPECIALISED bool put_only(struct samples *s, struct slice stem, uint64_t value) {
    char *at = s->next == 0 ? begin(s, stem, stem.len + VALUE_BYTES_MAX) : NULL;
    if (at != NULL) {
        end(s, add_number(at, value));
    }
    return s->next > 0;
}

/* The two samples of a family. */
static SPECIALISED bool put_both(struct samples *s, struct slice stem,
                                 const struct label_value labels[2], const uint64_t values[2]) {
    bool room = true;
    while (room && s->next < 2) {
        room = put_labelled(s, stem, labels[s->next], values[s->next]);
    }
    return room;
}

static struct slice string(const char *text) {
    return (struct slice){text, (uint32_t)strlen(text)};
}

static bool put_build_info(const struct app *app, struct samples *s) {
    char *at =
        s->next == 0 ? begin(s, SLICE("pingshot_build_info{target=\""), SAMPLE_BYTES_MAX) : NULL;
    if (at != NULL) {
        at = add(at, string(app->config.target));
        end(s, add(at, SLICE("\",version=\"" APP_VERSION "\"} 1")));
    }
    return s->next > 0;
}

static bool put_uptime(const struct app *app, struct samples *s) {
    char *at = s->next == 0 ? begin(s, SLICE("pingshot_uptime_seconds "), SAMPLE_BYTES_MAX) : NULL;
    if (at != NULL) {
        char *point = add_number(at, app->uptime_s);
        char *behind = add_number(point, 1000u + app->uptime_rest_ms);
        *point = '.'; /* in place of the thousand, which kept the zeros */
        end(s, behind);
    }
    return s->next > 0;
}

static bool put_events_posted(const struct app *app, struct samples *s) {
    return put_only(s, SLICE("events_to_metrics_event_count "), app->state->delivery.counts.posted);
}

static bool put_events_delivered(const struct app *app, struct samples *s) {
    return put_only(s, SLICE("pingshot_event_deliveries_total "),
                    app->state->delivery.counts.delivered);
}

static bool put_events_ambiguous(const struct app *app, struct samples *s) {
    return put_only(s, SLICE("pingshot_events_ambiguous_total "),
                    app->state->delivery.tally.ambiguous);
}

static bool put_events_released(const struct app *app, struct samples *s) {
    return put_only(s, SLICE("pingshot_events_released_total "),
                    app->state->delivery.counts.released);
}

static bool put_rollbacks(const struct app *app, struct samples *s) {
    static const struct label_value causes[] = {LABEL_VALUE("connection"), LABEL_VALUE("timeout")};
    const struct delivery_counts *counts = &app->state->delivery.counts;
    return put_both(s, SLICE("pingshot_event_rollbacks_total{cause=\""), causes,
                    (const uint64_t[2]){counts->rollbacks_connection, counts->rollbacks_timeout});
}

/* Number `next` is the place of a scraper. */
static bool put_scraper(const struct delivery *d, const struct scraper *who, struct samples *s,
                        struct slice stem, bool pending) {
    const uint8_t place = (uint8_t)s->next;
    char *at = begin(s, stem, SAMPLE_BYTES_MAX);
    if (at == NULL) {
        return false;
    }
    struct text labels = text_over(at, SCRAPER_BYTES_MAX);
    text_put_label_value(&labels, scrapers_agent(&who->identity));
    text_put_slice(&labels, SLICE("\",scraper=\""));
    text_put_label_value(&labels, scrapers_name(&who->identity));
    end_labels(s, at + labels.len, pending ? delivery_pending_count(d, place) : who->scrapes_count);
    return true;
}

static bool put_scrapers(const struct app *app, struct samples *s, struct slice stem,
                         bool pending) {
    const struct delivery *d = &app->state->delivery;
    bool room = true;
    while (room && s->next < CFG_SCRAPERS_MAX) {
        const struct scraper *who = delivery_scraper(d, (uint8_t)s->next);
        if (who == NULL) {
            s->next++;
        } else {
            room = put_scraper(d, who, s, stem, pending);
        }
    }
    return room;
}

static bool put_scraper_counts(const struct app *app, struct samples *s) {
    return put_scrapers(app, s, SLICE("events_to_metrics_scraper_counts{agent=\""), false);
}

static bool put_scraper_pending(const struct app *app, struct samples *s) {
    return put_scrapers(app, s, SLICE("pingshot_events_pending{agent=\""), true);
}

static bool put_requests(const struct app *app, struct samples *s) {
    const struct slice stem = SLICE("pingshot_http_requests_total{code=\"");
    const struct http_server *http = &app->http;
    while (s->next < http->counters_count) {
        const struct http_counter *counter = &http->counters[s->next];
        char *at = begin(s, stem, SAMPLE_BYTES_MAX);
        if (at == NULL) {
            return false;
        }
        at = add(at, (struct slice){http_status_name((enum http_status)counter->status),
                                    HTTP_STATUS_DIGITS});
        at = add(at, SLICE("\",handler=\""));
        at = add(at, counter->route < router_count() ? router_route(counter->route)->path
                                                     : SLICE("none"));
        end_labels(s, at, counter->total);
    }
    if (s->next > http->counters_count || http->uncounted_total == 0) {
        return true;
    }
    return put_labelled(s, stem, LABEL_VALUE("other\",handler=\"other"), http->uncounted_total);
}

static bool put_evictions(const struct app *app, struct samples *s) {
    return put_only(s, SLICE("pingshot_http_evictions_total "), app->http.evicted_total);
}

static bool put_repeats(const struct app *app, struct samples *s) {
    return put_only(s, SLICE("pingshot_http_repeats_total "),
                    app->state->idempotency.repeats_total);
}

static bool put_timeouts(const struct app *app, struct samples *s) {
    return put_only(s, SLICE("pingshot_http_timeouts_total "), app->http.timeouts_total);
}

/* Number `next` is the place of an alert. */
static bool put_alerts(const struct app *app, struct samples *s) {
    struct slice labels;
    while (s->next < app->alerts.end) {
        if (!alerts_firing(&app->alerts, s->next, &labels)) {
            s->next++;
            continue;
        }
        char *at = begin(s, SLICE("pingshot_alert{"), SAMPLE_BYTES_MAX);
        if (at == NULL) {
            return false;
        }
        at = add(at, labels);
        end(s, add(at, SLICE("} 1")));
    }
    return true;
}

static SPECIALISED bool put_webhooks(struct samples *s, struct slice stem,
                                     const uint64_t totals[NOTIFICATIONS_ENDPOINTS]) {
    while (s->next < NOTIFICATIONS_ENDPOINTS) {
        const uint32_t endpoint = s->next;
        char *at = begin(s, stem, SAMPLE_BYTES_MAX);
        if (at == NULL) {
            return false;
        }
        at = add(at, notifications_labels((enum notifications_endpoint)endpoint));
        end_labels(s, at, totals[endpoint]);
    }
    return true;
}

static bool put_webhook_requests(const struct app *app, struct samples *s) {
    return put_webhooks(s, SLICE("pingshot_webhook_requests_total{path=\""),
                        app->notifications.taken_total);
}

static bool put_webhook_repeats(const struct app *app, struct samples *s) {
    return put_webhooks(s, SLICE("pingshot_webhook_repeats_total{path=\""),
                        app->notifications.repeats_total);
}

static bool put_console_dropped(const struct app *app, struct samples *s) {
    return app->config.console == NULL ||
           put_only(s, SLICE("pingshot_console_dropped_total "), app->printer.dropped_total);
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
    static const struct label_value resumed[] = {LABEL_VALUE("no"), LABEL_VALUE("yes")};
    struct tls_stats stats;
    return !get_tls(app, &stats) ||
           put_both(s, SLICE("pingshot_tls_handshakes_total{resumed=\""), resumed,
                    (const uint64_t[2]){stats.full_total, stats.resumed_total});
}

static bool put_tls_failures(const struct app *app, struct samples *s) {
    struct tls_stats stats;
    bool room = true;
    if (get_tls(app, &stats)) {
        while (room && s->next < stats.failures_count) {
            room = put_labelled(s, SLICE("pingshot_tls_failures_total{cause=\""),
                                stats.failure_names[s->next], stats.failures_total[s->next]);
        }
    }
    return room;
}

static bool put_tls_truncations(const struct app *app, struct samples *s) {
    struct tls_stats stats;
    return !get_tls(app, &stats) ||
           put_only(s, SLICE("pingshot_tls_truncations_total "), stats.truncated_total);
}

/* A counter of the port's with one label, or NULL. */
typedef bool (*port_counter)(uint32_t index, struct label_value *label, uint32_t *total);

static SPECIALISED bool put_counters(struct samples *s, struct slice stem, port_counter counter) {
    struct samples to = *s; /* in registers */
    struct label_value label;
    uint32_t total;
    bool room = true;
    while (room && counter != NULL && counter(to.next, &label, &total)) {
        room = put_labelled(&to, stem, label, total);
    }
    *s = to;
    return room;
}

static bool put_resets(const struct app *app, struct samples *s) {
    return put_counters(s, SLICE("pingshot_resets_total{cause=\""), app->config.resets);
}

static bool put_network_errors(const struct app *app, struct samples *s) {
    return put_counters(s, SLICE("pingshot_network_errors_total{error=\""),
                        app->config.network_errors);
}

#define TABLE "{table=\""

static inline uint32_t number_at(const struct table_stats *stats, size_t offset) {
    uint32_t number;
    memcpy(&number, (const char *)stats + offset, sizeof number);
    return number;
}

/* One of the numbers of every table: the one that is `offset` bytes into struct table_stats. Most
 * samples are these. */
static SPECIALISED bool put_tables(const struct app *app, struct samples *s, struct slice stem,
                                   size_t offset) {
    struct samples to = *s; /* in registers */
    struct table_stats made;
    bool room = true;
    while (room && to.next < APP_TABLES) {
        const struct table_stats *stats = app_table(app, to.next, &made);
        room = put_labelled(&to, stem, stats->name, number_at(stats, offset));
    }
    while (room && get_port_table(app, to.next, &made)) {
        room = put_labelled(&to, stem, made.name, number_at(&made, offset));
    }
    *s = to;
    return room;
}

static bool put_table_used(const struct app *app, struct samples *s) {
    return put_tables(app, s, SLICE("pingshot_table_used" TABLE),
                      offsetof(struct table_stats, used));
}

static bool put_table_high_water(const struct app *app, struct samples *s) {
    return put_tables(app, s, SLICE("pingshot_table_high_water" TABLE),
                      offsetof(struct table_stats, high_water));
}

static bool put_table_limit(const struct app *app, struct samples *s) {
    return put_tables(app, s, SLICE("pingshot_table_limit" TABLE),
                      offsetof(struct table_stats, limit));
}

static bool put_table_refusals(const struct app *app, struct samples *s) {
    return put_tables(app, s, SLICE("pingshot_table_refusals_total" TABLE),
                      offsetof(struct table_stats, refused_total));
}

/* ---- families --------------------------------------------------------------------------- */

enum family_type {
    TYPE_GAUGE,
    TYPE_COUNTER,      /* called <name>_total */
    TYPE_BARE_COUNTER, /* named by the reference documents, without _total: OpenMetrics knows no
                          such counter, there it is of type unknown */
};

struct own_family {
    struct slice header; /* HELP and TYPE in the text format */
    put_samples put;
    uint8_t name_len;
    uint8_t type; /* enum family_type */
};

#define FAMILY(kind, word, name, help, function)                                                  \
    {                                                                                             \
        .header = SLICE("# HELP " name " " help "\n# TYPE " name " " word "\n"), .put = function, \
        .name_len = sizeof name - 1, .type = kind                                                 \
    }
#define GAUGE(name, help, function) FAMILY(TYPE_GAUGE, "gauge", name, help, function)
#define COUNTER(name, help, function) FAMILY(TYPE_COUNTER, "counter", name, help, function)
#define BARE_COUNTER(name, help, function) \
    FAMILY(TYPE_BARE_COUNTER, "counter", name, help, function)

/* To add one: a line here and its function above. */
static const struct own_family families[] = {
    GAUGE("pingshot_build_info", "Version of pingshot and the target it runs on.", put_build_info),
    GAUGE("pingshot_uptime_seconds", "Time since start.", put_uptime),
    BARE_COUNTER("events_to_metrics_event_count", "One-shot events posted.", put_events_posted),
    BARE_COUNTER("events_to_metrics_scraper_counts", "Scrapes of GET /metrics.",
                 put_scraper_counts),
    GAUGE("pingshot_events_pending", "Events that wait for a scraper or are in flight to it.",
          put_scraper_pending),
    COUNTER("pingshot_event_deliveries_total", "Events delivered, once for each scraper.",
            put_events_delivered),
    COUNTER("pingshot_event_rollbacks_total",
            "Scrapes with events that were not acknowledged in time.", put_rollbacks),
    COUNTER("pingshot_events_ambiguous_total",
            "Events sent to a scraper that did not acknowledge them: it may get them twice.",
            put_events_ambiguous),
    COUNTER("pingshot_events_released_total",
            "Events that waited only for a scraper that was forgotten.", put_events_released),
    GAUGE("pingshot_alert", "An alert that fires, as Alertmanager told POST /webhook.", put_alerts),
    COUNTER("pingshot_webhook_requests_total", "Notifications taken, repeats included.",
            put_webhook_requests),
    COUNTER("pingshot_webhook_repeats_total",
            "Notifications of Alertmanager in which no alert had changed.", put_webhook_repeats),
    COUNTER("pingshot_console_dropped_total",
            "Notifications overwritten before the console had printed them.", put_console_dropped),
    COUNTER("pingshot_http_requests_total", "Responses by handler and status code.", put_requests),
    COUNTER("pingshot_http_evictions_total", "Connections cut off to make room for another.",
            put_evictions),
    COUNTER("pingshot_http_timeouts_total", "Requests that did not come in time.", put_timeouts),
    COUNTER("pingshot_http_repeats_total",
            "Requests answered again and not done again, by their Idempotency-Key.", put_repeats),
    COUNTER("pingshot_tls_handshakes_total", "TLS handshakes completed.", put_tls_handshakes),
    COUNTER("pingshot_tls_failures_total", "Connections that TLS ended, in the handshake or later.",
            put_tls_failures),
    COUNTER("pingshot_tls_truncations_total", "TLS connections that ended without close_notify.",
            put_tls_truncations),
    COUNTER("pingshot_resets_total", "Starts since power came on, by what ended the run before.",
            put_resets),
    COUNTER("pingshot_network_errors_total", "Errors that the network device counted.",
            put_network_errors),
    GAUGE("pingshot_table_used", "Entries in use of each fixed table.", put_table_used),
    GAUGE("pingshot_table_high_water", "The most entries that were ever in use.",
          put_table_high_water),
    GAUGE("pingshot_table_limit", "Entries that there are.", put_table_limit),
    COUNTER("pingshot_table_refusals_total", "Requests refused because no entry was left.",
            put_table_refusals),
};

#define FAMILIES_COUNT (sizeof families / sizeof families[0])

/* HELP and TYPE of a counter in OpenMetrics, which leaves _total out of its name there. */
static char *add_openmetrics_counter(char *at, const struct own_family *f) {
    const struct slice type = SLICE(" counter\n");
    const char *text = f->header.bytes;
    const uint32_t type_at = f->header.len - type.len;
    if (f->type == TYPE_BARE_COUNTER) {
        at = add(at, (struct slice){text, type_at});
        return add(at, SLICE(" unknown\n"));
    }
    const uint32_t total_len = (uint32_t)sizeof "_total" - 1;
    const uint32_t help_at = (uint32_t)sizeof "# HELP " - 1 + f->name_len;
    at = add(at, (struct slice){text, help_at - total_len});
    at = add(at, (struct slice){text + help_at, type_at - total_len - help_at});
    return add(at, type);
}

/* Puts HELP and TYPE, or nothing when they have no room. */
static bool put_header(struct samples *s, const struct own_family *f, bool openmetrics) {
    if ((size_t)(s->end - s->at) < f->header.len) {
        return false;
    }
    s->at = openmetrics && f->type != TYPE_GAUGE ? add_openmetrics_counter(s->at, f)
                                                 : add(s->at, f->header);
    return true;
}

bool own_metrics_pull(struct own_metrics_cursor *cursor, const struct app *app, bool openmetrics,
                      struct text *out) {
    struct samples s = {.at = out->bytes + out->len, .end = out->bytes + out->capacity};
    uint32_t sample = cursor->sample;
    bool room = true;
    const struct own_family *f = &families[cursor->family];
    for (; f < families + FAMILIES_COUNT; f++, sample = 0) {
        if (sample == 0 && !put_header(&s, f, openmetrics)) {
            room = false;
            break;
        }
        s.next = sample == 0 ? 0 : sample - 1u;
        room = f->put(app, &s);
        if (!room) {
            sample = s.next + 1;
            break;
        }
    }
    cursor->family = (uint16_t)(f - families);
    cursor->sample = (uint16_t)sample;
    out->len = (uint32_t)(s.at - out->bytes);
    return room;
}
