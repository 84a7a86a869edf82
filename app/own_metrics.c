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

#define APP_TABLES 7u

static const struct table_stats *app_table(const struct app *app, uint32_t index) {
    switch (index) {
    case 0:
        return &app->state->delivery.events.stats;
    case 1:
        return &app->state->delivery.scrapers.stats;
    case 2:
        return &app->state->delivery.scrapes_stats;
    case 3:
        return &app->http.connections_stats;
    case 4:
        return &app->http.bodies_stats;
    case 5:
        return &app->notifications.stats;
    default:
        return &app->alerts.stats;
    }
}

bool own_metrics_table(const struct app *app, uint32_t index, struct table_stats *stats) {
    if (index < REGISTRY_TABLES) {
        *stats = registry_stats(&app->state->registry, index);
        return true;
    }
    if (index == REGISTRY_TABLES) {
        *stats = idempotency_stats(&app->state->idempotency);
        return true;
    }
    index -= REGISTRY_TABLES + 1;
    if (index < APP_TABLES) {
        *stats = *app_table(app, index);
        return true;
    }
    return app->config.port_table != NULL && app->config.port_table(index - APP_TABLES, stats);
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
    struct text digits = text_over(at, 20);
    text_put_u64(&digits, value);
    return at + digits.len;
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
    struct table_stats stats;
    bool room = true;
    while (room && own_metrics_table(app, s->next, &stats)) {
        uint32_t value;
        memcpy(&value, (const char *)&stats + offset, sizeof value);
        room = put_labelled(s, stats.name, value);
    }
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
    struct slice stem; /* of its samples */
    struct slice help;
    put_samples put;
    uint8_t name_len; /* of the stem, the name */
    uint8_t type;     /* enum family_type */
};

#define STEM(name, label) .stem = SLICE(name label), .name_len = (uint8_t)(sizeof name - 1)
#define HELP(text) .help = SLICE(text)

/* To add one: a line here and its function above. */
static const struct own_family families[] = {
    {STEM("pingshot_build_info", "{target=\""),
     HELP("Version of pingshot and the target it runs on."), .put = put_build_info,
     .type = TYPE_GAUGE},
    {STEM("pingshot_uptime_seconds", " "), HELP("Time since start."), .put = put_uptime,
     .type = TYPE_GAUGE},
    {STEM("events_to_metrics_event_count", " "), HELP("One-shot events posted."),
     .put = put_events_posted, .type = TYPE_BARE_COUNTER},
    {STEM("events_to_metrics_scraper_counts", "{agent=\""), HELP("Scrapes of GET /metrics."),
     .put = put_scraper_counts, .type = TYPE_BARE_COUNTER},
    {STEM("pingshot_events_pending", "{agent=\""),
     HELP("Events that wait for a scraper or are in flight to it."), .put = put_scraper_pending,
     .type = TYPE_GAUGE},
    {STEM("pingshot_event_deliveries_total", " "), HELP("Events delivered, once for each scraper."),
     .put = put_events_delivered, .type = TYPE_COUNTER},
    {STEM("pingshot_event_rollbacks_total", "{cause=\""),
     HELP("Scrapes with events that were not acknowledged in time."), .put = put_rollbacks,
     .type = TYPE_COUNTER},
    {STEM("pingshot_events_ambiguous_total", " "),
     HELP("Events sent to a scraper that did not acknowledge them: it may get them twice."),
     .put = put_events_ambiguous, .type = TYPE_COUNTER},
    {STEM("pingshot_events_released_total", " "),
     HELP("Events that waited only for a scraper that was forgotten."), .put = put_events_released,
     .type = TYPE_COUNTER},
    {STEM("pingshot_alert", "{"), HELP("An alert that fires, as Alertmanager told POST /webhook."),
     .put = put_alerts, .type = TYPE_GAUGE},
    {STEM("pingshot_webhook_requests_total", "{path=\""),
     HELP("Notifications taken, repeats included."), .put = put_webhook_requests,
     .type = TYPE_COUNTER},
    {STEM("pingshot_webhook_repeats_total", "{path=\""),
     HELP("Notifications of Alertmanager in which no alert had changed."),
     .put = put_webhook_repeats, .type = TYPE_COUNTER},
    {STEM("pingshot_console_dropped_total", " "),
     HELP("Notifications overwritten before the console had printed them."),
     .put = put_console_dropped, .type = TYPE_COUNTER},
    {STEM("pingshot_http_requests_total", "{code=\""),
     HELP("Responses by handler and status code."), .put = put_requests, .type = TYPE_COUNTER},
    {STEM("pingshot_http_evictions_total", " "),
     HELP("Connections cut off to make room for another."), .put = put_evictions,
     .type = TYPE_COUNTER},
    {STEM("pingshot_http_timeouts_total", " "), HELP("Requests that did not come in time."),
     .put = put_timeouts, .type = TYPE_COUNTER},
    {STEM("pingshot_http_repeats_total", " "),
     HELP("Requests answered again and not done again, by their Idempotency-Key."),
     .put = put_repeats, .type = TYPE_COUNTER},
    {STEM("pingshot_tls_handshakes_total", "{resumed=\""), HELP("TLS handshakes completed."),
     .put = put_tls_handshakes, .type = TYPE_COUNTER},
    {STEM("pingshot_tls_failures_total", "{cause=\""),
     HELP("Connections that TLS ended, in the handshake or later."), .put = put_tls_failures,
     .type = TYPE_COUNTER},
    {STEM("pingshot_tls_truncations_total", " "),
     HELP("TLS connections that ended without close_notify."), .put = put_tls_truncations,
     .type = TYPE_COUNTER},
    {STEM("pingshot_resets_total", "{cause=\""),
     HELP("Starts since power came on, by what ended the run before."), .put = put_resets,
     .type = TYPE_COUNTER},
    {STEM("pingshot_network_errors_total", "{error=\""),
     HELP("Errors that the network device counted."), .put = put_network_errors,
     .type = TYPE_COUNTER},
    {STEM("pingshot_table_used", "{table=\""), HELP("Entries in use of each fixed table."),
     .put = put_table_used, .type = TYPE_GAUGE},
    {STEM("pingshot_table_high_water", "{table=\""),
     HELP("The most entries that were ever in use."), .put = put_table_high_water,
     .type = TYPE_GAUGE},
    {STEM("pingshot_table_limit", "{table=\""), HELP("Entries that there are."),
     .put = put_table_limit, .type = TYPE_GAUGE},
    {STEM("pingshot_table_refusals_total", "{table=\""),
     HELP("Requests refused because no entry was left."), .put = put_table_refusals,
     .type = TYPE_COUNTER},
};

#define FAMILIES_COUNT (sizeof families / sizeof families[0])

/* Appends HELP and TYPE, or nothing when they have no room. OpenMetrics leaves _total out of a
 * counter's name there. */
static bool put_header(struct text *out, const struct own_family *f, bool openmetrics) {
    struct slice name = {f->stem.bytes, f->name_len};
    struct slice type = f->type == TYPE_GAUGE ? SLICE(" gauge\n") : SLICE(" counter\n");
    if (openmetrics && f->type == TYPE_BARE_COUNTER) {
        type = SLICE(" unknown\n");
    } else if (openmetrics && f->type == TYPE_COUNTER) {
        name.len -= (uint32_t)sizeof "_total" - 1;
    }
    const uint32_t fixed = (uint32_t)sizeof "# HELP  \n# TYPE " - 1;
    if (text_room(out) < fixed + 2 * name.len + f->help.len + type.len) {
        return false;
    }
    char *at = out->bytes + out->len;
    at = add(at, SLICE("# HELP "));
    at = add(at, name);
    *at++ = ' ';
    at = add(at, f->help);
    at = add(at, SLICE("\n# TYPE "));
    at = add(at, name);
    at = add(at, type);
    out->len = (uint32_t)(at - out->bytes);
    return true;
}

bool own_metrics_pull(struct own_metrics_cursor *cursor, const struct app *app, bool openmetrics,
                      struct text *out) {
    for (; cursor->family < FAMILIES_COUNT; cursor->family++, cursor->sample = 0) {
        const struct own_family *f = &families[cursor->family];
        if (cursor->sample == 0 && !put_header(out, f, openmetrics)) {
            return false;
        }
        struct samples s = {f->stem, cursor->sample == 0 ? 0 : cursor->sample - 1u,
                            out->bytes + out->len, out->bytes + out->capacity};
        const bool all = f->put(app, &s);
        out->len = (uint32_t)(s.at - out->bytes);
        cursor->sample = (uint16_t)(s.next + 1);
        if (!all) {
            return false;
        }
    }
    return true;
}
