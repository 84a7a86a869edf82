/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * http_server.c: see http_server.h.
 */
#include "http/http_server.h"

#include "clock.h"
#include "date.h"

/* How often the deadlines are looked at. */
#define POLL_INTERVAL_MS 100u

/* A response that could not begin for so long takes the memory of one that was not acknowledged for
 * so long: longer than a lost segment takes to be sent again. */
#define STARVED_MS 300u
#define QUIET_MS 2000u

/* Whoever began to wait for a request, or to make one, so short a time ago is not cut off for those
 * who wait for a connection over TLS: it was one of them. */
#define JUST_BEGUN_MS 1000u

/* With fewer connections left than this, responses say Connection: close. */
#define SHORT_OF_CONNECTIONS (CFG_CONNECTIONS_MAX / 8 + 1)

void http_server_init(struct http_server *s, void *context, uint32_t scraper_timeout_ms) {
    /* The large buffers and the connections' own are left as they are: nothing reads them before
     * it wrote them, and on a host their pages then cost nothing. */
    s->context = context;
    s->now_ms = clock_monotonic_ms();
    s->polled_ms = s->now_ms - POLL_INTERVAL_MS; /* the first poll is one that looks */
    s->scraper_idle_ms = scraper_timeout_ms > CFG_HTTP_IDLE_TIMEOUT_MS ? scraper_timeout_ms
                                                                       : CFG_HTTP_IDLE_TIMEOUT_MS;
    s->date_s = -1;
    s->date_len = 0;
    s->connections_stats =
        (struct table_stats){.name = LABEL_VALUE("connections"), .limit = CFG_CONNECTIONS_MAX};
    s->bodies_stats =
        (struct table_stats){.name = LABEL_VALUE("body_buffers"), .limit = CFG_HTTP_BODY_BUFFERS};
    s->evicted_total = 0;
    s->timeouts_total = 0;
    s->counters_count = 0;
    s->uncounted_total = 0;
    memset(s->body_taken, 0, sizeof s->body_taken);
    for (uint32_t i = 0; i < CFG_CONNECTIONS_MAX; i++) {
        s->conns[i].phase = HTTP_CONN_FREE;
    }
}

/* ---- time ------------------------------------------------------------------------------- */

static void update_date(struct http_server *s) {
    int64_t wall_ms;
    if (!clock_wall_ms(&wall_ms)) {
        s->date_s = -1;
        s->date_len = 0;
        return;
    }
    const int64_t wall_s = (int64_t)((uint64_t)wall_ms / 1000u);
    if (wall_s != s->date_s) {
        struct text t = text_over(s->date, sizeof s->date);
        s->date_s = wall_s;
        date_put_http(&t, s->date_s);
        s->date_len = t.len;
    }
}

void http_server_look_at_clock(struct http_server *s) {
    s->now_ms = clock_monotonic_ms();
}

/* How long the client has acknowledged nothing of what it was sent, or of what it is to get. */
static uint32_t quiet_ms(const struct http_conn *c, uint32_t now_ms) {
    return now_ms - (c->acked_by_ms - CFG_HTTP_STALL_TIMEOUT_MS);
}

static bool is_starved(const struct http_conn *c, uint32_t now_ms) {
    return c->phase == HTTP_CONN_RESPOND && c->sent_bytes == c->acked_bytes &&
           quiet_ms(c, now_ms) >= STARVED_MS;
}

/* All responses under way share the transport's memory. When there is none left to begin another,
 * the client that has been quiet for longest gives up its part. */
static void relieve_starved(struct http_server *s) {
    bool starved = false;
    struct http_conn *quietest = NULL;
    for (uint32_t i = 0; i < CFG_CONNECTIONS_MAX; i++) {
        struct http_conn *c = &s->conns[i];
        if (is_starved(c, s->now_ms)) {
            starved = true;
        } else if (c->phase != HTTP_CONN_FREE && c->sent_bytes != c->acked_bytes &&
                   quiet_ms(c, s->now_ms) >= QUIET_MS &&
                   (quietest == NULL || quiet_ms(c, s->now_ms) > quiet_ms(quietest, s->now_ms))) {
            quietest = c;
        }
    }
    if (starved && quietest != NULL) {
        s->evicted_total++;
        http_conn_abort(quietest);
    }
}

void http_server_poll(struct http_server *s, uint32_t now_ms) {
    s->now_ms = now_ms;
    if (!clock_reached(now_ms, s->polled_ms + POLL_INTERVAL_MS)) {
        return;
    }
    s->polled_ms = now_ms;
    update_date(s);
    for (uint32_t i = 0; i < CFG_CONNECTIONS_MAX; i++) {
        http_conn_poll(&s->conns[i], now_ms);
    }
    relieve_starved(s);
}

uint32_t http_server_idle_timeout_ms(const struct http_server *s, const struct http_conn *c) {
    return c->scraper ? s->scraper_idle_ms : CFG_HTTP_IDLE_TIMEOUT_MS;
}

/* ---- connections ------------------------------------------------------------------------ */

bool http_server_is_short(const struct http_server *s) {
    return CFG_CONNECTIONS_MAX - s->connections_stats.used < SHORT_OF_CONNECTIONS;
}

bool http_server_has_only_scrapers(const struct http_server *s) {
    uint32_t scrapers_count = 0;
    for (uint32_t i = 0; i < CFG_CONNECTIONS_MAX; i++) {
        const struct http_conn *c = &s->conns[i];
        scrapers_count += c->phase != HTTP_CONN_FREE && c->transport->secure && c->scraper;
    }
    return scrapers_count >= CFG_TLS_SESSIONS_MAX;
}

/* How readily a connection is given up for a new one, 0: not at all. Closed ones go first, then who
 * makes no request, then who does not read its response or is slow to send its request, then scrapers:
 * idle, or slower than a scrape usually may be. */
#define EXPENDABLE_AT_ONCE 3u
static uint32_t expendability(const struct http_conn *c, uint32_t now_ms) {
    switch ((enum http_conn_phase)c->phase) {
    case HTTP_CONN_LINGER:
        return c->held ? 2 : 4; /* held: its scrape's acknowledgement is still to come */
    case HTTP_CONN_HEAD:
        return c->scraper ? 1 : EXPENDABLE_AT_ONCE;
    case HTTP_CONN_BODY:
        return c->scraper ? 1 : 2;
    case HTTP_CONN_RESPOND:
    case HTTP_CONN_AWAIT:
        if (c->scraper) {
            return clock_reached(now_ms, c->started_ms + CFG_SCRAPE_TIMEOUT_MS) ? 1 : 0;
        }
        return 2;
    case HTTP_CONN_FREE:
        break;
    }
    return 0;
}

/* Which connections may go. */
struct eviction {
    uint32_t expendability_min;
    uint32_t idle_ms_min; /* since they began to wait, or since their request began */
    bool secure_only;
};

static bool may_go(const struct http_server *s, const struct http_conn *c,
                   const struct eviction *rule) {
    return expendability(c, s->now_ms) >= rule->expendability_min &&
           s->now_ms - c->started_ms >= rule->idle_ms_min &&
           (c->transport->secure || !rule->secure_only);
}

/* Cuts off the longest-idle connection of the most expendable kind. */
static struct http_conn *evict(struct http_server *s, struct eviction rule) {
    struct http_conn *victim = NULL;
    for (uint32_t i = 0; i < CFG_CONNECTIONS_MAX; i++) {
        struct http_conn *c = &s->conns[i];
        if (c->phase == HTTP_CONN_FREE || !may_go(s, c, &rule)) {
            continue;
        }
        const uint32_t e = expendability(c, s->now_ms);
        if (e > rule.expendability_min || victim == NULL ||
            s->now_ms - c->started_ms > s->now_ms - victim->started_ms) {
            rule.expendability_min = e;
            victim = c;
        }
    }
    if (victim != NULL) {
        s->evicted_total++;
        http_conn_abort(victim);
    }
    return victim;
}

struct http_conn *http_server_accept(struct http_server *s, struct transport *transport,
                                     struct slice peer) {
    struct http_conn *c = NULL;
    http_server_look_at_clock(s);
    for (uint32_t i = 0; i < CFG_CONNECTIONS_MAX && c == NULL; i++) {
        if (s->conns[i].phase == HTTP_CONN_FREE) {
            c = &s->conns[i];
        }
    }
    if (c == NULL) {
        c = evict(s, (struct eviction){.expendability_min = 1});
    }
    if (c == NULL) {
        s->connections_stats.refused_total++;
        return NULL;
    }
    http_conn_init(c, s, transport, peer);
    table_stats_take(&s->connections_stats);
    return c;
}

void http_server_give_up_secure(struct http_server *s, bool urgent) {
    http_server_look_at_clock(s);
    (void)evict(s, (struct eviction){
                       .expendability_min = urgent ? 1 : EXPENDABLE_AT_ONCE,
                       .idle_ms_min = JUST_BEGUN_MS,
                       .secure_only = true,
                   });
}

void http_server_freed(struct http_server *s) {
    table_stats_give(&s->connections_stats);
}

void http_server_count(struct http_server *s, const struct http_route *route,
                       enum http_status status) {
    const uint32_t index = router_index(route);
    uint32_t i = 0;
    while (i < s->counters_count &&
           (s->counters[i].route != index || s->counters[i].status != status)) {
        i++;
    }
    if (i == CFG_HTTP_COUNTERS_MAX) {
        s->uncounted_total++;
        return;
    }
    if (i == s->counters_count) {
        s->counters[s->counters_count++] =
            (struct http_counter){.route = (uint8_t)index, .status = (uint8_t)status};
    }
    s->counters[i].total++;
}

/* ---- body buffers ----------------------------------------------------------------------- */

char *http_server_take_body(struct http_server *s) {
    for (uint32_t i = 0; i < CFG_HTTP_BODY_BUFFERS; i++) {
        if (!s->body_taken[i]) {
            s->body_taken[i] = true;
            table_stats_take(&s->bodies_stats);
            return s->bodies[i];
        }
    }
    s->bodies_stats.refused_total++;
    return NULL;
}

void http_server_give_body(struct http_server *s, char *body) {
    s->body_taken[(uint32_t)(body - s->bodies[0]) / CFG_HTTP_BODY_BYTES] = false;
    table_stats_give(&s->bodies_stats);
}
