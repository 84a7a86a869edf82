/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * scene.h: who is in a world: the board, scrapers and posters, each on a machine of its own; and
 * what a seed decides about them.
 */
#ifndef PINGSHOT_SIM_SCENE_H
#define PINGSHOT_SIM_SCENE_H

#include "client.h"
#include "host.h"
#include "ledger.h"

#include <stddef.h>

#define SCENE_SCRAPERS_MAX 5u
#define SCENE_POSTERS_MAX 3u
#define SCENE_PEERS_MAX (SCENE_SCRAPERS_MAX + SCENE_POSTERS_MAX)

/* Two scrapes by one scraper may be under way at once. */
#define SCRAPER_LANES 2u

#define POSTER_BURST_MAX 24u

struct scene;

/* ---- scraper.c ---------------------------------------------------------------------------- */

struct scraper_lane {
    struct scraper *scraper;
    struct client client;
    bool busy;
    bool given_up;   /* timed out: what still comes is read and not stored */
    bool retried;    /* as Prometheus does when a connection that was kept fails at once */
    bool stalls;     /* will stop reading when the response begins */
    bool lingers;    /* and go on only after the server's deadline */
    uint64_t ticket; /* of the scrape under way */
    sim_us asked;    /* its request */
    sim_us started;  /* the scrape; its timeout runs from then */
    int64_t scraped_ms;
};

struct scraper {
    struct scene *scene;
    struct host *host;
    uint32_t id; /* in the ledger: who it is to the server */
    bool tls;
    bool named;    /* by ?scraper=, not by its address */
    bool keeps;    /* its connection from one scrape to the next */
    bool overlaps; /* scrapes while a scrape is under way */
    bool vanished;
    sim_us interval;
    sim_us timeout;
    struct scraper_lane lanes[SCRAPER_LANES];
};

void scraper_start(struct scraper *s);

/* Its process is gone; its host may be restarted, too. */
void scraper_drop(struct scraper *s);

/* It has a new address, and so, unless it names itself, is another scraper. */
void scraper_move(struct scraper *s, uint32_t address);

void scraper_vanish(struct scraper *s);

/* ---- poster.c ----------------------------------------------------------------------------- */

struct post {
    struct ledger_event *event; /* NULL: free */
    uint32_t tries;
    uint32_t key; /* so many keys had been used before its own */
};

struct poster {
    struct scene *scene;
    struct host *host;
    struct client client;
    bool tls;
    bool keeps;   /* its connection */
    bool retries; /* with a key, until there is an answer */
    uint32_t burst_max;
    sim_us interval;
    sim_us patience; /* for an answer */
    uint64_t ticket;
    uint32_t posts_count;
    uint32_t sent_count; /* the first of them, which wait for their answers */
    struct post posts[POSTER_BURST_MAX];
    bool stops; /* no new posts */
};

void poster_start(struct poster *p);
void poster_drop(struct poster *p);

/* Nothing of it is under way. */
bool poster_is_idle(const struct poster *p);

/* ---- prober.c ----------------------------------------------------------------------------- */

struct prober {
    struct scene *scene;
    struct client client;
    uint32_t answered_count;
    bool ended;
};

void prober_run(struct prober *p, struct scene *scene);

/* ---- scene.c ------------------------------------------------------------------------------- */

/* The machines, loaded once a process. */
struct cast {
    struct instance server[2]; /* roomy, tiny */
    struct instance peers[SCENE_PEERS_MAX];
    struct sim_certificate certificate;
};

struct scene {
    struct world world;
    struct wire wire;
    struct ledger ledger;
    const struct cast *cast;
    const struct sim_server *server;
    struct host board;
    struct host peers[SCENE_PEERS_MAX];
    uint8_t *state; /* what the board retains */
    bool warm;      /* the next boot finds it */
    bool tiny;
    bool tls;
    bool tls13;
    enum sim_duplicates duplicates;
    bool timestamps;
    uint32_t groups_count;
    uint32_t scraper_timeout_ms;
    uint32_t fault_interval_ms; /* on average */
    bool quiet;                 /* no more faults */
    uint32_t scraper_ids;       /* of the ledger, in use */
    uint32_t addresses;         /* given out so far */
    uint32_t keys_count;        /* Idempotency-Keys */
    uint32_t scrapers_count;
    uint32_t posters_count;
    struct scraper scrapers[SCENE_SCRAPERS_MAX];
    struct poster posters[SCENE_POSTERS_MAX];
    struct prober prober;
};

/* Plays a seed from beginning to end. What came of it is in scene->world. */
void scene_play(struct scene *scene, const struct cast *cast, uint64_t seed, bool trace);

/* A machine of a client starts (again). */
void scene_boot_peer(struct scene *scene, struct host *h);

/* The board loses power or is reset now, and is back some time later. */
void scene_reset_board(struct scene *scene, bool warm);

/* faults.c: faults of links and machines, one after the other until the scene is quiet. */
void faults_start(struct scene *scene);

#endif
