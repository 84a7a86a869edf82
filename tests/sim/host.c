/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * host.c: see host.h.
 */
#include "host.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LOOP_MS_MAX 100u

int64_t host_right_ms(const struct world *w) {
    return HOST_EPOCH_MS + (int64_t)(w->now / SIM_MS);
}

/* ---- what a machine asks of the world ----------------------------------------------------- */

/* A reset may come at each of its calls: in the midst of whatever it was doing. */
static void strike(struct host *h) {
    if (h->inside && h->strikes_in > 0 && --h->strikes_in == 0) {
        longjmp(h->escape, 1);
    }
}

static uint32_t now_ms(void *arg) {
    struct host *h = arg;
    strike(h);
    return h->clock_start + (uint32_t)(h->world->now / SIM_MS);
}

static bool wall_ms(void *arg, int64_t *unix_ms) {
    const struct host *h = arg;
    if (h->wall_known) {
        *unix_ms = host_right_ms(h->world) + h->wall_ahead_ms;
    }
    return h->wall_known;
}

static _Noreturn void fatal(void *arg, const char *line) {
    struct host *h = arg;
    if (!h->inside) {
        fprintf(stderr, "sim: %s\n", line);
        abort();
    }
    snprintf(h->fatal, sizeof h->fatal, "%s", line);
    longjmp(h->escape, 2);
}

static void send_packet(void *arg, const void *packet, uint32_t bytes);

/* ---- its loop ----------------------------------------------------------------------------- */

enum { TURN, RECEIVE, START };

/* Everything that runs inside a machine runs from here, so that a reset can end it. */
static bool enter(struct host *h, int what, const void *packet, uint32_t bytes,
                  void (*start)(struct host *h, const struct sim_world *world)) {
    const struct sim_world world = {
        .host = h, .now_ms = now_ms, .wall_ms = wall_ms, .send = send_packet, .fatal = fatal};
    volatile bool taken = true;
    const int why = setjmp(h->escape);
    h->inside = why == 0;
    if (why == 0) {
        if (what == START) {
            start(h, &world);
        } else if (what == RECEIVE) {
            taken = h->machine->receive(packet, bytes);
        }
        h->machine->turn();
        h->inside = false;
        return taken;
    }
    if (why == 1) {
        h->struck(h);
    } else {
        world_fail(h->world, "%s", h->fatal);
    }
    return false;
}

static void turn(void *arg, uint64_t life) {
    struct host *h = arg;
    if (!h->up || life != h->life) {
        return;
    }
    (void)enter(h, TURN, NULL, 0, NULL);
    if (h->up && life == h->life) {
        uint32_t sleep_ms = h->machine->sleep_ms(LOOP_MS_MAX);
        world_plan(h->world, (sleep_ms + 1) * SIM_MS, turn, h, life);
    }
}

void host_stop(struct host *h) {
    h->up = false;
    h->life++;
    h->strikes_in = 0;
}

void host_boot(struct host *h, void (*start)(struct host *h, const struct sim_world *world)) {
    instance_reset(h->instance);
    h->up = true;
    h->life++;
    (void)enter(h, START, NULL, 0, start);
    world_plan(h->world, SIM_MS, turn, h, h->life);
}

/* ---- the wire ------------------------------------------------------------------------------ */

struct flight {
    struct wire *wire;
    uint32_t to;
    uint32_t bytes;
    bool damaged;
    uint8_t packet[SIM_PACKET_BYTES_MAX];
};

static struct host *host_at(const struct wire *wire, uint32_t address) {
    if (wire->server->address == address) {
        return wire->server;
    }
    for (uint32_t i = 0; i < wire->clients_count; i++) {
        if (wire->clients[i]->address == address) {
            return wire->clients[i];
        }
    }
    return NULL;
}

static uint32_t be32(const uint8_t *at) {
    return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

static uint32_t be16(const uint8_t *at) {
    return (uint32_t)at[0] << 8 | at[1];
}

#define TCP_RST 0x04u
#define TCP_ACK 0x10u

/* An undamaged packet has reached the server, or left it: what that means for those who wait. */
static void look_at(struct wire *wire, const uint8_t *packet, uint32_t bytes, bool arrived) {
    const uint32_t ip_bytes = (packet[0] & 15u) * 4u;
    if (bytes < ip_bytes + 20u || packet[9] != 6) {
        return;
    }
    const uint8_t *tcp = packet + ip_bytes;
    const uint32_t client = be32(packet + (arrived ? 12 : 16));
    const uint32_t port = be16(tcp + (arrived ? 0 : 2));
    const uint32_t flags = tcp[13];
    struct wire_receipt **link = &wire->receipts;
    while (*link != NULL) {
        struct wire_receipt *r = *link;
        if (r->address == client && r->position.port == port) {
            if ((flags & TCP_RST) != 0) {
                r->closed = true;
            } else if (arrived && (flags & TCP_ACK) != 0 &&
                       (int32_t)(be32(tcp + 8) - r->position.sequence) >= 0) {
                r->arrived = true;
                r->arrived_at = wire->world->now;
            }
        }
        if (r->closed || r->arrived) {
            *link = r->next;
        } else {
            link = &r->next;
        }
    }
}

void wire_watch(struct wire *wire, struct wire_receipt *r) {
    r->next = wire->receipts;
    wire->receipts = r;
}

void wire_forget(struct wire *wire) {
    for (struct wire_receipt *r = wire->receipts; r != NULL; r = r->next) {
        r->closed = true;
    }
    wire->receipts = NULL;
}

static void arrive(void *arg, uint64_t ticket) {
    struct flight *f = arg;
    struct wire *wire = f->wire;
    struct host *to = host_at(wire, f->to);
    (void)ticket;
    if (to != NULL && to->up) {
        world_hash(wire->world, f->packet, f->bytes);
        uint64_t life = to->life;
        bool taken = enter(to, RECEIVE, f->packet, f->bytes, NULL);
        /* Looked at afterwards: a reset in the midst of it, or no memory, and it has not come. */
        if (to->is_server && taken && life == to->life && !f->damaged) {
            look_at(wire, f->packet, f->bytes, true);
        }
    }
    free(f);
}

void host_discard(const struct world_event *e) {
    if (e->run == arrive) {
        free(e->who);
    }
}

/* One bit: no sum of 16 bits misses that. */
static void damage(struct world *w, struct flight *f) {
    uint32_t at = world_below(w, f->bytes);
    f->packet[at] ^= (uint8_t)(1u << world_below(w, 8));
    f->damaged = true;
}

static void put_on_wire(struct wire *wire, const struct link *link, const void *packet,
                        uint32_t bytes) {
    struct world *w = wire->world;
    struct flight *f = malloc(sizeof *f);
    if (f == NULL) {
        abort();
    }
    f->wire = wire;
    f->bytes = bytes;
    f->damaged = false;
    memcpy(f->packet, packet, bytes);
    f->to = be32(f->packet + 16);
    sim_us delay = link->delay_us + world_below(w, 50);
    if (world_permille(w, link->late)) {
        delay += world_below(w, (uint32_t)link->late_us);
        w->counts.faults++;
    }
    if (world_permille(w, link->damaged)) {
        damage(w, f);
        w->counts.faults++;
    }
    world_plan(w, delay, arrive, f, 0);
}

static void send_packet(void *arg, const void *packet, uint32_t bytes) {
    struct host *from = arg;
    struct wire *wire = from->wire;
    struct world *w = from->world;
    const uint8_t *at = packet;
    strike(from);
    if (from->is_server) {
        look_at(wire, at, bytes, false);
    }
    const struct host *client = from->is_server ? host_at(wire, be32(at + 16)) : from;
    if (client == NULL) {
        return;
    }
    const struct link *link = &client->link;
    if (w->now < link->cut_until) {
        return;
    }
    if (world_permille(w, link->lost)) {
        w->counts.faults++;
        return;
    }
    put_on_wire(wire, link, packet, bytes);
    if (world_permille(w, link->doubled)) {
        w->counts.faults++;
        put_on_wire(wire, link, packet, bytes);
    }
}
