/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * handlers_status.c: GET /api/v1/status: everything the dashboard shows, as one JSON object.
 */
#include "app.h"
#include "clock.h"
#include "date.h"
#include "http/handlers.h"
#include "own_metrics.h"

/* The longest item: a scraper, each byte of whose name may become an escape of two. */
#define ITEM_BYTES_MAX (2u * (SCRAPERS_NAME_BYTES + SCRAPERS_AGENT_BYTES) + 192u)

_Static_assert(ITEM_BYTES_MAX <= CFG_LINE_BYTES,
               "CFG_LINE_BYTES: too small for a scraper in GET /api/v1/status");

enum stage {
    STAGE_HEAD,
    STAGE_SCRAPERS,
    STAGE_TABLES,
    STAGE_END,
};

struct status {
    uint32_t stage;
    uint32_t index; /* of the next scraper or table */
    bool any;       /* one stands before it in its list */
};

static void put_head(struct text *t, const struct app *app) {
    const struct delivery *d = &app->state->delivery;
    int64_t unix_ms;
    text_format(t,
                "{\"version\":\"" APP_VERSION "\",\"target\":\"%s\",\"time\":", app->config.target);
    if (clock_wall_ms(&unix_ms)) {
        text_put_char(t, '"');
        date_put_rfc3339(t, unix_ms);
        text_put_char(t, '"');
    } else {
        text_puts(t, "null");
    }
    text_format(t,
                ",\"uptime_seconds\":%u,\"events_posted\":%llu,\"events_delivered\":%llu,"
                "\"events_released\":%llu,\"events_waiting\":%u,\"notifications\":%llu,"
                "\"alerts_firing\":%u,\"scrapers\":[",
                (unsigned)app->uptime_s, (unsigned long long)d->counts.posted,
                (unsigned long long)d->counts.delivered, (unsigned long long)d->counts.released,
                (unsigned)d->events.stats.used, (unsigned long long)app->notifications.number,
                (unsigned)app->alerts.stats.used);
}

/* A scraper chose its name: control characters, which JSON would escape, are not shown. */
static void put_name(struct text *t, struct slice name) {
    char bytes[SCRAPERS_NAME_BYTES];
    struct text printable = text_over(bytes, sizeof bytes);
    text_put_printable(&printable, name, sizeof bytes);
    text_put_json(t, text_slice(&printable));
}

static void put_scraper(struct text *t, const struct app *app, uint8_t index) {
    const struct scraper *s = delivery_scraper(&app->state->delivery, index);
    text_puts(t, "{\"scraper\":\"");
    put_name(t, scrapers_name(&s->identity));
    text_puts(t, "\",\"agent\":\"");
    put_name(t, scrapers_agent(&s->identity));
    text_format(t, "\",\"scrapes\":%llu,\"pending\":%u,\"last_seen_seconds_ago\":%u}",
                (unsigned long long)s->scrapes_count,
                (unsigned)delivery_pending_count(&app->state->delivery, index),
                (unsigned)((app->http.now_ms - s->last_seen_ms) / 1000));
}

static void put_table(struct text *t, const struct table_stats *stats) {
    text_format(t, "{\"table\":\"%.*s\",\"used\":%u,\"high_water\":%u,\"limit\":%u,\"refused\":%u}",
                TEXT_SLICE(stats->name), (unsigned)stats->used, (unsigned)stats->high_water,
                (unsigned)stats->limit, (unsigned)stats->refused_total);
}

/* Appends the next item. Always fits ITEM_BYTES_MAX. */
static void put_item(struct status *status, const struct app *app, struct text *t) {
    struct table_stats made;
    const struct table_stats *stats;
    switch ((enum stage)status->stage) {
    case STAGE_HEAD:
        put_head(t, app);
        status->stage = STAGE_SCRAPERS;
        break;
    case STAGE_SCRAPERS:
        if (status->index == CFG_SCRAPERS_MAX) {
            text_puts(t, "],\"tables\":[");
            *status = (struct status){.stage = STAGE_TABLES};
        } else if (delivery_scraper(&app->state->delivery, (uint8_t)status->index++) != NULL) {
            text_puts(t, status->any ? "," : "");
            put_scraper(t, app, (uint8_t)(status->index - 1));
            status->any = true;
        }
        break;
    case STAGE_TABLES:
        stats = own_metrics_table(app, status->index++, &made);
        if (stats != NULL) {
            text_puts(t, status->any ? "," : "");
            put_table(t, stats);
            status->any = true;
        } else {
            text_puts(t, "]}\n");
            status->stage = STAGE_END;
        }
        break;
    case STAGE_END:
        break;
    }
}

static bool source_status(struct http_conn *c, struct text *out) {
    struct status *status = http_conn_state(c);
    while (status->stage != STAGE_END) {
        if (text_room(out) < ITEM_BYTES_MAX) {
            return false;
        }
        put_item(status, app_of(c), out);
    }
    return true;
}

void handlers_status_end(struct http_conn *c, struct slice rest) {
    (void)rest;
    http_conn_reply_source(c, HTTP_OK, HTTP_TYPE_JSON, source_status);
}
