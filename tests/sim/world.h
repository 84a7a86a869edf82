/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * world.h: simulated time, what is to happen in it, the one source of chance, and the trace. A
 * world lives as long as one seed; nothing in it asks the real world for anything.
 */
#ifndef PINGSHOT_SIM_WORLD_H
#define PINGSHOT_SIM_WORLD_H

#include <setjmp.h>
#include <stdbool.h>
#include <stdint.h>

/* Simulated microseconds since the world began. */
typedef uint64_t sim_us;

#define SIM_MS ((sim_us)1000)
#define SIM_S ((sim_us)1000000)

/* Something that is to happen: a call at a moment. What was planned and is no longer wanted is not
 * taken back: `ticket` tells the callee. */
struct world_event {
    sim_us at;
    uint64_t order; /* of those at one moment: as they were planned */
    void (*run)(void *who, uint64_t ticket);
    void *who;
    uint64_t ticket;
};

/* What a seed, or all of a run, came to. */
struct world_counts {
    uint64_t seeds;
    uint64_t events;     /* posted and acknowledged */
    uint64_t deliveries; /* an event stored by a scraper */
    uint64_t faults;
    uint64_t lost;
    uint64_t duplicated;
    uint64_t ambiguous;
};

struct world {
    uint64_t seed;
    sim_us now;
    uint64_t chance; /* state of the generator */
    uint64_t trace_hash;
    bool trace; /* say it as well */
    bool failed;
    char why[400]; /* the first thing that broke */
    uint64_t planned;
    uint32_t events_count;
    uint32_t events_size;
    struct world_event *events; /* a heap, the next one first */
    struct world_counts counts;
};

void world_init(struct world *w, uint64_t seed, bool trace);
void world_free(struct world *w);

/* Plans a call after `delay`. */
void world_plan(struct world *w, sim_us delay, void (*run)(void *who, uint64_t ticket), void *who,
                uint64_t ticket);

/* Lets time pass, and everything happen that is planned before `until`, or until something broke. */
void world_run(struct world *w, sim_us until);

/* A number below `n` (1..2^32), as good as random. */
uint32_t world_below(struct world *w, uint32_t n);

/* From `low` to `high`, both included. */
uint32_t world_between(struct world *w, uint32_t low, uint32_t high);

/* True `n` times of a thousand. */
bool world_permille(struct world *w, uint32_t n);

void world_fill(struct world *w, void *bytes, uint32_t n);

/* Notes what happened: it goes into the hash, and to the terminal when the trace is wanted. */
void world_note(struct world *w, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* The same of bytes, of which only the hash is kept. */
void world_hash(struct world *w, const void *bytes, uint32_t n);

/* A promise was broken. The first one is kept, and ends the world. */
void world_fail(struct world *w, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
