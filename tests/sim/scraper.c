/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * scraper.c: a Prometheus, as far as a target sees one: it asks at its interval, stores a whole page
 * that came within its timeout and nothing else, redials at once when a kept connection fails.
 * And its bad days: it resets in the middle, stops reading, gives up, overlaps with itself.
 */
#include "scene.h"

#include <stdio.h>
#include <string.h>

/* The server rounds the timeout, and its clock has milliseconds. */
#define LINGER_SLACK_MS 3u

static void due(void *arg, uint64_t ticket);
static void ask(void *arg, uint64_t ticket);

static void end_scrape(struct scraper_lane *lane) {
    lane->busy = false;
    lane->ticket++;
    if (!lane->scraper->keeps) {
        client_end(&lane->client);
    }
}

static void abandon(struct scraper_lane *lane) {
    lane->busy = false;
    lane->ticket++;
    client_abort(&lane->client);
}

/* ---- what its connection tells -------------------------------------------------------------- */

static void go_on(void *arg, uint64_t ticket) {
    struct scraper_lane *lane = arg;
    if (ticket == lane->ticket && lane->busy) {
        world_note(&lane->scraper->scene->world, "scraper %u reads on", lane->scraper->id);
        client_pause(&lane->client, false);
    }
}

static void began(void *owner) {
    struct scraper_lane *lane = owner;
    struct scraper *s = lane->scraper;
    struct world *w = &s->scene->world;
    if (lane->client.status == 200) {
        ledger_known(&s->scene->ledger, s->id, lane->asked);
    }
    world_note(w, "scraper %u lane %u: a response begins%s", s->id, (uint32_t)(lane - s->lanes),
               lane->stalls ? ", and it stops reading" : "");
    if (lane->stalls) {
        /* The server had read the request before now, so its deadline is not later than this: */
        const sim_us deadline = w->now + s->timeout;
        const sim_us wait =
            lane->lingers ? deadline - w->now + world_between(w, LINGER_SLACK_MS, 120) * SIM_MS
                          : world_below(w, (uint32_t)s->timeout);
        client_pause(&lane->client, true);
        world_plan(w, wait, go_on, lane, lane->ticket);
    }
}

static void answered(void *owner, const struct client_answer *answer) {
    struct scraper_lane *lane = owner;
    struct scraper *s = lane->scraper;
    struct scene *scene = s->scene;
    if (!lane->busy) {
        return;
    }
    world_note(&scene->world, "scraper %u lane %u: %d, %u bytes%s", s->id,
               (uint32_t)(lane - s->lanes), answer->status, answer->bytes,
               lane->given_up ? ", too late" : "");
    if (answer->status == 200 && !lane->given_up) {
        const struct ledger_page page = {
            .scraper = s->id,
            .lane = (uint32_t)(lane - s->lanes),
            .text = answer->body,
            .scraped_ms = lane->scraped_ms,
            .address = s->host->address,
            .position = lane->client.position,
            .in_time_until = lane->asked + s->timeout,
        };
        ledger_store(&scene->ledger, &page);
    }
    end_scrape(lane);
}

static void failed(void *owner) {
    struct scraper_lane *lane = owner;
    if (!lane->busy) {
        return;
    }
    if (!lane->retried && lane->client.was_kept) {
        lane->retried = true;
        world_plan(&lane->scraper->scene->world, 0, ask, lane, lane->ticket);
        return;
    }
    world_note(&lane->scraper->scene->world, "scraper %u lane %u: failed", lane->scraper->id,
               (uint32_t)(lane - lane->scraper->lanes));
    lane->busy = false;
    lane->ticket++;
}

static const struct client_calls calls = {.began = began, .answered = answered, .failed = failed};

/* ---- a scrape ------------------------------------------------------------------------------- */

/* Its timeout. Most close the connection. Who lingers reads on, or its kernel or proxy does, and
 * stores nothing. */
static void time_out(void *arg, uint64_t ticket) {
    struct scraper_lane *lane = arg;
    if (ticket != lane->ticket || !lane->busy) {
        return;
    }
    if (lane->lingers && lane->client.conn >= 0 && !lane->given_up) {
        lane->given_up = true;
        world_plan(&lane->scraper->scene->world, lane->scraper->timeout + SIM_S, time_out, lane,
                   ticket);
        return;
    }
    world_note(&lane->scraper->scene->world, "scraper %u gives up", lane->scraper->id);
    abandon(lane);
}

static void reset(void *arg, uint64_t ticket) {
    struct scraper_lane *lane = arg;
    if (ticket == lane->ticket && lane->busy) {
        world_note(&lane->scraper->scene->world, "scraper %u resets", lane->scraper->id);
        lane->scraper->scene->world.counts.faults++;
        abandon(lane);
    }
}

static void ask(void *arg, uint64_t ticket) {
    struct scraper_lane *lane = arg;
    struct scraper *s = lane->scraper;
    char request[400];
    char name[40] = "";
    if (ticket != lane->ticket || !lane->busy) {
        return;
    }
    if (s->named) {
        snprintf(name, sizeof name, "?scraper=s%u", s->id);
    }
    int n = snprintf(request, sizeof request,
                     "GET /metrics%s HTTP/1.1\r\nHost: board\r\nUser-Agent: Prometheus/2.42.0\r\n"
                     "Accept: text/plain;version=0.0.4;q=0.5,*/*;q=0.1\r\nAccept-Encoding: gzip\r\n"
                     "X-Prometheus-Scrape-Timeout-Seconds: %.3f\r\n\r\n",
                     name, (double)s->timeout / (double)SIM_S);
    lane->asked = s->scene->world.now;
    world_note(&s->scene->world, "scraper %u lane %u asks", s->id, (uint32_t)(lane - s->lanes));
    ledger_asked(&s->scene->ledger, s->id);
    if (!client_ask(&lane->client, request, (uint32_t)n)) {
        abandon(lane);
    }
}

/* What goes wrong on the scraper's side this time. */
static void choose_faults(struct scraper_lane *lane) {
    struct scene *scene = lane->scraper->scene;
    struct world *w = &scene->world;
    lane->stalls = false;
    lane->lingers = false;
    if (scene->quiet) {
        return;
    }
    if (world_permille(w, 80)) {
        sim_us span = world_permille(w, 700) ? 30 * SIM_MS : lane->scraper->timeout;
        world_plan(w, world_below(w, (uint32_t)span), reset, lane, lane->ticket);
    }
    lane->stalls = world_permille(w, 100);
    lane->lingers = lane->stalls && world_permille(w, 500);
    w->counts.faults += lane->stalls;
}

static void start_scrape(struct scraper_lane *lane) {
    struct scraper *s = lane->scraper;
    struct world *w = &s->scene->world;
    lane->busy = true;
    lane->given_up = false;
    lane->retried = false;
    lane->started = w->now;
    lane->scraped_ms = host_right_ms(w);
    lane->ticket++;
    choose_faults(lane);
    world_plan(w, s->timeout, time_out, lane, lane->ticket);
    ask(lane, lane->ticket);
}

static void due(void *arg, uint64_t ticket) {
    struct scraper *s = arg;
    (void)ticket;
    if (s->vanished) {
        return;
    }
    world_plan(&s->scene->world, s->interval, due, s, 0);
    for (uint32_t i = 0; i < (s->overlaps ? SCRAPER_LANES : 1u) && s->host->up; i++) {
        if (!s->lanes[i].busy) {
            start_scrape(&s->lanes[i]);
            return;
        }
    }
}

/* ---- the scraper ---------------------------------------------------------------------------- */

void scraper_start(struct scraper *s) {
    struct world *w = &s->scene->world;
    for (uint32_t i = 0; i < SCRAPER_LANES; i++) {
        s->lanes[i].scraper = s;
        client_init(&s->lanes[i].client, s->host, s->tls, &calls, &s->lanes[i]);
    }
    s->scene->ledger.scrapers[s->id].used = true;
    world_plan(w, world_below(w, (uint32_t)s->interval), due, s, 0);
}

void scraper_drop(struct scraper *s) {
    for (uint32_t i = 0; i < SCRAPER_LANES; i++) {
        s->lanes[i].busy = false;
        s->lanes[i].ticket++;
    }
}

void scraper_vanish(struct scraper *s) {
    s->vanished = true;
    scraper_drop(s);
    host_stop(s->host);
    ledger_vanished(&s->scene->ledger, s->id);
}

void scraper_move(struct scraper *s, uint32_t address) {
    struct scene *scene = s->scene;
    if (!s->named && scene->scraper_ids == LEDGER_SCRAPERS_MAX) {
        return; /* the ledger has no page left for another one */
    }
    scraper_drop(s);
    host_stop(s->host);
    s->host->address = address;
    if (!s->named) {
        ledger_vanished(&scene->ledger, s->id);
        s->id = scene->scraper_ids++;
        scene->ledger.scrapers[s->id].used = true;
    }
    scene_boot_peer(scene, s->host);
}
