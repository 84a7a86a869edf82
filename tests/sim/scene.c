/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * scene.c: see scene.h.
 */
#include "scene.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BOARD_ADDRESS 0x0a000001u
#define FIRST_ADDRESS 0x0a000002u

/* How long the scrapers may take to get all that they are owed once nothing fails any more; as
 * many intervals after that nothing may come twice. */
#define SETTLE_STEPS_MAX 60u
#define QUIET_INTERVALS 3u

/* A client's TCP may keep an acknowledgement back for a quarter of a second (RFC 9293 section
 * 3.8.6.3 allows twice that): with a shorter timeout no scrape is ever acknowledged in time. */
#define TIMEOUT_MIN (400 * SIM_MS)

/* ---- the board ------------------------------------------------------------------------------- */

static struct scene *scene_of_board(struct host *h) {
    return (struct scene *)((char *)h - offsetof(struct scene, board));
}

static void start_board(struct host *h, const struct sim_world *world) {
    struct scene *scene = scene_of_board(h);
    struct sim_server_config config = {
        .world = *world,
        .address = h->address,
        .scraper_timeout_ms = scene->scraper_timeout_ms,
        .duplicates = scene->duplicates,
        .timestamps = scene->timestamps,
        .tls = scene->tls,
        .certificate = &scene->cast->certificate,
        .state = scene->state,
    };
    world_fill(&scene->world, config.seed, sizeof config.seed);
    scene->server->start(&config);
}

static void boot_board(void *arg, uint64_t life) {
    struct scene *scene = arg;
    if (life != scene->board.life) {
        return;
    }
    world_note(&scene->world, "the board boots, %s%s", scene->tiny ? "tiny" : "roomy",
               scene->timestamps ? ", with timestamps" : "");
    host_boot(&scene->board, start_board);
}

void scene_reset_board(struct scene *scene, bool warm) {
    struct world *w = &scene->world;
    world_note(w, "the board is reset, %s", warm ? "warm" : "cold");
    host_stop(&scene->board);
    wire_forget(&scene->wire);
    if (!warm) {
        ledger_told(&scene->ledger, scene->server->ambiguous(scene->state));
        ledger_cold_reset(&scene->ledger);
        if (world_permille(w, 500)) {
            memset(scene->state, 0, scene->server->state_bytes);
        } else {
            world_fill(w, scene->state, scene->server->state_bytes);
        }
    }
    if (world_permille(w, 200)) {
        scene->board.wall_known = !scene->timestamps; /* until it is set again */
    }
    world_plan(w, world_between(w, 10, 1500) * SIM_MS, boot_board, scene, scene->board.life);
}

static void board_struck(struct host *h) {
    struct scene *scene = scene_of_board(h);
    scene_reset_board(scene, scene->warm && scene->server->retains);
}

/* ---- clients ---------------------------------------------------------------------------------- */

static struct scene *scene_of_peer(struct host *h) {
    return (struct scene *)((char *)h->world - offsetof(struct scene, world));
}

static void start_peer(struct host *h, const struct sim_world *world) {
    struct scene *scene = scene_of_peer(h);
    const struct sim_peer *peer = h->instance->symbol;
    struct sim_peer_config config = {
        .world = *world,
        .calls = client_peer_calls,
        .address = h->address,
        .tls13 = world_permille(&scene->world, 700),
    };
    world_fill(&scene->world, config.seed, sizeof config.seed);
    peer->start(&config);
}

void scene_boot_peer(struct scene *scene, struct host *h) {
    (void)scene;
    host_boot(h, start_peer);
}

static struct host *add_peer(struct scene *scene) {
    struct wire *wire = &scene->wire;
    struct host *h = &scene->peers[wire->clients_count];
    const struct instance *instance = &scene->cast->peers[wire->clients_count];
    const struct sim_peer *peer = instance->symbol;
    *h = (struct host){
        .world = &scene->world,
        .wire = wire,
        .instance = instance,
        .machine = &peer->machine,
        .address = FIRST_ADDRESS + wire->clients_count,
        .clock_start = world_below(&scene->world, UINT32_MAX),
    };
    wire->clients[wire->clients_count++] = h;
    scene_boot_peer(scene, h);
    return h;
}

/* ---- what a seed decides ----------------------------------------------------------------------- */

static void choose_link(struct world *w, struct link *link) {
    *link = (struct link){.delay_us = world_between(w, 50, 3000)};
    switch (world_below(w, 4)) {
    case 0: /* a good one */
        break;
    case 1:
        link->lost = world_below(w, 30);
        link->late = world_below(w, 50);
        break;
    case 2:
        link->lost = world_below(w, 150);
        link->doubled = world_below(w, 100);
        link->late = world_below(w, 200);
        link->damaged = world_below(w, 30);
        break;
    default:
        link->lost = world_below(w, 350);
        link->doubled = world_below(w, 300);
        link->late = world_below(w, 500);
        link->damaged = world_below(w, 100);
    }
    link->late_us = world_between(w, 100, 400000);
}

static void choose_scraper(struct scene *scene, uint32_t i) {
    struct world *w = &scene->world;
    struct scraper *s = &scene->scrapers[i];
    *s = (struct scraper){
        .scene = scene,
        .host = add_peer(scene),
        .id = scene->scraper_ids++,
        .tls = scene->tls && world_permille(w, 600),
        .named = world_permille(w, 300),
        .keeps = world_permille(w, 700),
        .overlaps = world_permille(w, 250),
        .interval = world_between(w, 500, 3000) * SIM_MS,
    };
    s->timeout = s->interval * (s->overlaps ? 2 : 1) * world_between(w, 300, 1000) / 1000;
    s->timeout = s->timeout < TIMEOUT_MIN ? TIMEOUT_MIN : s->timeout;
    choose_link(w, &s->host->link);
    scraper_start(s);
}

static void choose_poster(struct scene *scene, uint32_t i) {
    struct world *w = &scene->world;
    struct poster *p = &scene->posters[i];
    *p = (struct poster){
        .scene = scene,
        .host = add_peer(scene),
        .tls = scene->tls && world_permille(w, 300),
        .keeps = world_permille(w, 500),
        .retries = world_permille(w, 700),
        .burst_max = world_permille(w, 300) ? world_between(w, 2, POSTER_BURST_MAX) : 1,
        .interval = world_between(w, 100, 4000) * SIM_MS,
        .patience = world_between(w, 500, 4000) * SIM_MS,
    };
    choose_link(w, &p->host->link);
    poster_start(p);
}

static void choose_board(struct scene *scene) {
    struct world *w = &scene->world;
    scene->tiny = world_permille(w, 350);
    const struct instance *instance = &scene->cast->server[scene->tiny];
    scene->server = instance->symbol;
    scene->tls = scene->server->has_tls && world_permille(w, 250);
    scene->timestamps = world_permille(w, 400);
    scene->duplicates = world_permille(w, 700)
                            ? SIM_DUPLICATES_QUEUE
                            : (enum sim_duplicates)world_below(w, SIM_DUPLICATES_MODES);
    scene->scraper_timeout_ms = world_between(w, 20000, 60000);
    scene->groups_count = world_between(w, 1, LEDGER_GROUPS_MAX / SCENE_POSTERS_MAX);
    scene->fault_interval_ms = world_between(w, 200, 6000);
    scene->board = (struct host){
        .world = w,
        .wire = &scene->wire,
        .instance = instance,
        .machine = &scene->server->machine,
        .address = BOARD_ADDRESS,
        .is_server = true,
        .clock_start =
            world_permille(w, 500) ? UINT32_MAX - world_below(w, 60000) : world_below(w, 60000),
        .wall_known = world_permille(w, 600),
        .struck = board_struck,
    };
    scene->state = malloc(scene->server->state_bytes);
    if (scene->state == NULL) {
        abort();
    }
    memset(scene->state, 0, scene->server->state_bytes);
    host_boot(&scene->board, start_board);
}

static void choose(struct scene *scene) {
    struct world *w = &scene->world;
    scene->wire = (struct wire){.world = w, .server = &scene->board};
    choose_board(scene);
    scene->ledger.world = w;
    scene->ledger.wire = &scene->wire;
    scene->ledger.duplicates = scene->duplicates;
    scene->ledger.timestamps = scene->timestamps;
    scene->ledger.clocks_right = world_permille(w, 700);
    scene->ledger.scraper_timeout = scene->scraper_timeout_ms * SIM_MS;
    scene->scrapers_count = world_between(w, 1, SCENE_SCRAPERS_MAX);
    scene->posters_count = world_between(w, 1, SCENE_POSTERS_MAX);
    for (uint32_t i = 0; i < scene->scrapers_count; i++) {
        choose_scraper(scene, i);
    }
    for (uint32_t i = 0; i < scene->posters_count; i++) {
        choose_poster(scene, i);
    }
    faults_start(scene);
}

/* ---- from beginning to end ---------------------------------------------------------------------- */

static void heal(struct scene *scene) {
    scene->quiet = true;
    scene->board.strikes_in = 0;
    scene->board.wall_known = true;
    for (uint32_t i = 0; i < scene->wire.clients_count; i++) {
        scene->peers[i].link = (struct link){.delay_us = 200};
    }
    for (uint32_t i = 0; i < scene->posters_count; i++) {
        scene->posters[i].stops = true;
    }
    world_note(&scene->world, "from here on nothing fails");
}

static bool is_settled(const struct scene *scene) {
    for (uint32_t i = 0; i < scene->posters_count; i++) {
        if (!poster_is_idle(&scene->posters[i])) {
            return false;
        }
    }
    return ledger_settled(&scene->ledger);
}

static void settle(struct scene *scene) {
    struct world *w = &scene->world;
    sim_us longest = 0;
    for (uint32_t i = 0; i < SETTLE_STEPS_MAX && !w->failed; i++) {
        world_run(w, w->now + 2 * SIM_S);
        if (is_settled(scene)) {
            break;
        }
    }
    for (uint32_t i = 0; i < scene->scrapers_count; i++) {
        longest = scene->scrapers[i].interval > longest ? scene->scrapers[i].interval : longest;
    }
    world_run(w, w->now + QUIET_INTERVALS * longest);
}

static void clear(struct world *w) {
    while (w->events_count > 0) {
        const struct world_event *e = &w->events[--w->events_count];
        host_discard(e);
    }
}

void scene_play(struct scene *scene, const struct cast *cast, uint64_t seed, bool trace) {
    struct world *w = &scene->world;
    memset(scene, 0, sizeof *scene);
    scene->cast = cast;
    world_init(w, seed, trace);
    choose(scene);
    world_run(w, w->now + world_between(w, 5, 30) * SIM_S);
    heal(scene);
    settle(scene);
    if (!w->failed) {
        prober_run(&scene->prober, scene);
    }
    ledger_told(&scene->ledger, scene->server->ambiguous(scene->state));
    ledger_judge(&scene->ledger);
    clear(w);
    world_free(w);
    free(scene->state);
}
