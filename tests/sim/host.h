/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * host.h: a machine in the world: its clocks, its main loop, its place on the wire, its resets. The
 * wire joins one server and several clients, each by a link of its own, and that is where packets
 * are lost, doubled, delayed past others, and damaged.
 */
#ifndef PINGSHOT_SIM_HOST_H
#define PINGSHOT_SIM_HOST_H

#include "instance.h"
#include "sim_api.h"
#include "world.h"

/* Midnight of the world's first day, by the clocks that are right. */
#define HOST_EPOCH_MS INT64_C(1800000000000)

/* How bad a client's link is. Of each thousand packets so many ... */
struct link {
    uint32_t lost;
    uint32_t doubled;
    uint32_t late; /* by up to late_us, past others */
    uint32_t damaged;
    sim_us late_us;
    sim_us delay_us;  /* of every packet */
    sim_us cut_until; /* nothing passes before that */
};

struct wire;

struct host {
    struct world *world;
    struct wire *wire;
    const struct instance *instance;
    const struct sim_machine *machine;
    uint32_t address;
    bool is_server;
    bool up;
    uint64_t life;        /* what was planned for an earlier one is void */
    uint32_t clock_start; /* its monotonic clock when the world began */
    bool wall_known;
    int64_t wall_ahead_ms; /* of the right time */
    struct link link;      /* a client's */
    /* The next reset strikes inside the machine, when it calls the world so many times more; 0: none
     * is due. */
    uint32_t strikes_in;
    void (*struck)(struct host *h);
    bool inside;     /* it is running */
    jmp_buf escape;  /* the way out */
    char fatal[200]; /* why lwIP found itself broken; empty: it did not */
};

/* The wire also knows what only an onlooker can: whether an acknowledgement has arrived. One of
 * these lies with each scrape that was stored. */
struct wire_receipt {
    struct wire_receipt *next;
    uint32_t address;
    struct sim_position position; /* the client has all before that */
    bool closed;                  /* it cannot arrive any more */
    bool arrived;
    sim_us arrived_at;
};

struct wire {
    struct world *world;
    struct host *server;
    struct host *clients[16];
    uint32_t clients_count;
    struct wire_receipt *receipts; /* those still open */
};

/* Switches the machine off: it is gone from this moment. */
void host_stop(struct host *h);

/* Puts its globals back, and lets its main loop run once `start` has started it. */
void host_boot(struct host *h, void (*start)(struct host *h, const struct sim_world *world));

/* Frees the packet that was on its way, if that is what was planned. */
void host_discard(const struct world_event *e);

/* Right wall time. */
int64_t host_right_ms(const struct world *w);

/* Watches for the acknowledgement of all before `r->position`. */
void wire_watch(struct wire *wire, struct wire_receipt *r);

/* The server is reset: what it has not seen it will never see. */
void wire_forget(struct wire *wire);

#endif
