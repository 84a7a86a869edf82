/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * world.c: see world.h.
 */
#include "world.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void world_init(struct world *w, uint64_t seed, bool trace) {
    *w = (struct world){.seed = seed, .now = SIM_S, .chance = seed, .trace = trace}; /* 0: never */
    w->trace_hash = 0xcbf29ce484222325u;
    w->counts.seeds = 1;
}

void world_free(struct world *w) {
    free(w->events);
    w->events = NULL;
}

/* ---- chance ------------------------------------------------------------------------------ */

/* A counter with large steps, its bits well mixed: any seed is as good as any other. */
static uint64_t next(struct world *w) {
    uint64_t x = w->chance += 0x9e3779b97f4a7c15u;
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
    return x ^ (x >> 31);
}

uint32_t world_below(struct world *w, uint32_t n) {
    return (uint32_t)(((next(w) >> 32) * n) >> 32);
}

uint32_t world_between(struct world *w, uint32_t low, uint32_t high) {
    return low + world_below(w, high - low + 1);
}

bool world_permille(struct world *w, uint32_t n) {
    return world_below(w, 1000) < n;
}

void world_fill(struct world *w, void *bytes, uint32_t n) {
    uint8_t *to = bytes;
    for (uint32_t i = 0; i < n; i++) {
        to[i] = (uint8_t)(next(w) >> 56);
    }
}

/* ---- time -------------------------------------------------------------------------------- */

static bool before(const struct world_event *a, const struct world_event *b) {
    return a->at != b->at ? a->at < b->at : a->order < b->order;
}

void world_plan(struct world *w, sim_us delay, void (*run)(void *who, uint64_t ticket), void *who,
                uint64_t ticket) {
    if (w->events_count == w->events_size) {
        w->events_size = w->events_size == 0 ? 256 : w->events_size * 2;
        w->events = realloc(w->events, w->events_size * sizeof w->events[0]);
        if (w->events == NULL) {
            abort();
        }
    }
    const struct world_event e = {w->now + delay, w->planned++, run, who, ticket};
    uint32_t i = w->events_count++;
    while (i > 0 && before(&e, &w->events[(i - 1) / 2])) {
        w->events[i] = w->events[(i - 1) / 2];
        i = (i - 1) / 2;
    }
    w->events[i] = e;
}

static struct world_event take_first(struct world *w) {
    const struct world_event first = w->events[0];
    const struct world_event last = w->events[--w->events_count];
    uint32_t i = 0;
    for (;;) {
        uint32_t child = 2 * i + 1;
        if (child >= w->events_count) {
            break;
        }
        if (child + 1 < w->events_count && before(&w->events[child + 1], &w->events[child])) {
            child++;
        }
        if (!before(&w->events[child], &last)) {
            break;
        }
        w->events[i] = w->events[child];
        i = child;
    }
    w->events[i] = last;
    return first;
}

void world_run(struct world *w, sim_us until) {
    while (!w->failed && w->events_count > 0 && w->events[0].at < until) {
        const struct world_event e = take_first(w);
        w->now = e.at;
        e.run(e.who, e.ticket);
    }
    if (w->now < until) {
        w->now = until;
    }
}

/* ---- the trace ---------------------------------------------------------------------------- */

void world_hash(struct world *w, const void *bytes, uint32_t n) {
    const uint8_t *at = bytes;
    uint64_t hash = w->trace_hash ^ n;
    for (; n >= 8; n -= 8, at += 8) {
        uint64_t x;
        memcpy(&x, at, sizeof x);
        hash = (hash ^ x) * 0x9fb21c651e98df25u;
        hash ^= hash >> 32;
    }
    for (; n > 0; n--) {
        hash = (hash ^ *at++) * 0x100000001b3u;
    }
    w->trace_hash = hash;
}

void world_note(struct world *w, const char *format, ...) {
    char line[500];
    va_list arguments;
    va_start(arguments, format);
    int n = vsnprintf(line, sizeof line, format, arguments);
    va_end(arguments);
    world_hash(w, &w->now, sizeof w->now);
    world_hash(w, line, (uint32_t)n < sizeof line ? (uint32_t)n : sizeof line - 1);
    if (w->trace) {
        printf("%10.3f  %s\n", (double)w->now / 1000.0, line);
    }
}

void world_fail(struct world *w, const char *format, ...) {
    va_list arguments;
    if (w->failed) {
        return;
    }
    w->failed = true;
    va_start(arguments, format);
    vsnprintf(w->why, sizeof w->why, format, arguments);
    va_end(arguments);
    world_note(w, "FAILED: %s", w->why);
}
