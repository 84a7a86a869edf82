/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * faults.c: what happens to links and machines: the board is reset at any moment, its clock is set,
 * links are cut, clients restart, move or vanish. What single packets and scrapes suffer is in
 * host.c and scraper.c.
 */
#include "scene.h"

#include <stddef.h>

static void next(void *arg, uint64_t ticket);

static struct scraper *any_scraper(struct scene *scene) {
    return &scene->scrapers[world_below(&scene->world, scene->scrapers_count)];
}

static struct poster *any_poster(struct scene *scene) {
    return &scene->posters[world_below(&scene->world, scene->posters_count)];
}

static void cut_link(struct scene *scene) {
    struct world *w = &scene->world;
    struct host *h = &scene->peers[world_below(w, SCENE_PEERS_MAX)];
    h->link.cut_until = w->now + world_between(w, 50, 6000) * SIM_MS;
    world_note(w, "link of host %u is cut", (uint32_t)(h - scene->peers));
}

static void cut_all(struct scene *scene) {
    struct world *w = &scene->world;
    const sim_us until = w->now + world_between(w, 50, 3000) * SIM_MS;
    for (uint32_t i = 0; i < SCENE_PEERS_MAX; i++) {
        scene->peers[i].link.cut_until = until;
    }
    world_note(w, "the board's link is cut");
}

/* In the midst of whatever it does next. */
static void strike_warm(struct scene *scene) {
    scene->warm = true;
    scene->board.strikes_in = world_between(&scene->world, 1, 60);
}

static void strike_cold(struct scene *scene) {
    scene->warm = false;
    scene->board.strikes_in = world_between(&scene->world, 1, 60);
}

static void set_clock(struct scene *scene) {
    struct world *w = &scene->world;
    struct host *board = &scene->board;
    if (!board->wall_known) {
        board->wall_known = true;
        world_note(w, "the board's clock is set");
    } else if (!scene->ledger.clocks_right) {
        board->wall_ahead_ms = (int64_t)world_below(w, 1200000) - 600000;
        world_note(w, "the board's clock jumps to %+d s", (int)(board->wall_ahead_ms / 1000));
    }
}

static void restart_scraper(struct scene *scene) {
    struct scraper *s = any_scraper(scene);
    if (s->vanished) {
        return;
    }
    scraper_drop(s);
    host_stop(s->host);
    if (world_permille(&scene->world, 300)) {
        ledger_new_database(&scene->ledger, s->id);
    }
    world_note(&scene->world, "scraper %u restarts", s->id);
    scene_boot_peer(scene, s->host);
}

static void restart_poster(struct scene *scene) {
    struct poster *p = any_poster(scene);
    poster_drop(p);
    host_stop(p->host);
    world_note(&scene->world, "poster %u restarts", (uint32_t)(p - scene->posters));
    scene_boot_peer(scene, p->host);
}

static void move_scraper(struct scene *scene) {
    struct scraper *s = any_scraper(scene);
    if (!s->vanished) {
        world_note(&scene->world, "scraper %u moves", s->id);
        scraper_move(s, 0x0a000100u + scene->addresses++);
    }
}

static void lose_scraper(struct scene *scene) {
    struct scraper *s = any_scraper(scene);
    if (!s->vanished && scene->scrapers_count > 1) {
        world_note(&scene->world, "scraper %u vanishes", s->id);
        scraper_vanish(s);
    }
}

/* Of each thousand so many. */
static const struct {
    uint32_t permille;
    void (*happen)(struct scene *scene);
} kinds[] = {
    {250, cut_link},      {80, cut_all},      {330, strike_warm},
    {30, strike_cold},    {100, set_clock},   {100, restart_scraper},
    {50, restart_poster}, {40, move_scraper}, {20, lose_scraper},
};

static void happen(struct scene *scene) {
    uint32_t which = world_below(&scene->world, 1000);
    for (uint32_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        if (which < kinds[i].permille) {
            scene->world.counts.faults++;
            kinds[i].happen(scene);
            return;
        }
        which -= kinds[i].permille;
    }
}

static void next(void *arg, uint64_t ticket) {
    struct scene *scene = arg;
    (void)ticket;
    if (!scene->quiet) {
        happen(scene);
        faults_start(scene);
    }
}

void faults_start(struct scene *scene) {
    world_plan(&scene->world, world_below(&scene->world, 2 * scene->fault_interval_ms) * SIM_MS,
               next, scene, 0);
}
