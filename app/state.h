/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * state.h: what outlives a reset, as one region of memory that the port owns: a file mapped by a
 * host process, memory that a board does not clear at start. Here is what the region is and what a
 * start makes of it; how its parts stay valid between any two stores is theirs (state_order.h).
 *
 * Outlives: series and their values, events and who they are still due to, scrapers, the keys of
 * requests done. Not: what was being read or sent, pingshot's own metrics (they start at 0, as
 * Prometheus expects of a restart).
 */
#ifndef PINGSHOT_STATE_H
#define PINGSHOT_STATE_H

#include "events/delivery.h"
#include "hash.h"
#include "http/idempotency.h"
#include "metrics/registry.h"
#include "text.h"

#include <stdint.h>

/* Tells what the bytes of the region mean. A change of that which leaves every size as it was needs
 * another number; of sizes and capacities the header keeps track by itself. */
#define STATE_VERSION 2u

/* Sealed: `check` is over all before it, and is written last. */
struct state_header {
    uint32_t magic;
    uint32_t version;                 /* STATE_VERSION */
    uint32_t layout;                  /* a hash of all sizes and capacities */
    uint8_t hash_key[HASH_KEY_BYTES]; /* of all hash tables, for as long as the state lives */
    uint32_t check;
};

/* Holds no pointer that is believed after a reset. */
struct state {
    struct state_header header;
    struct registry registry;
    struct delivery delivery;
    struct idempotency idempotency;
};

/* What a region holds, by its header. */
enum state_kind {
    STATE_NONE, /* nothing of pingshot's, or a state that was not finished being made */
    STATE_OTHER_VERSION,
    STATE_OTHER_CAPACITIES,
    STATE_DAMAGED, /* its header is */
    STATE_OURS,
};

/* What a start found; the counts are of STATE_OURS. */
struct state_found {
    enum state_kind kind;
    struct registry_recovery registry;
    struct delivery_recovery delivery;
    struct idempotency_recovery idempotency;
};

/* Looks at a header, anywhere, and changes nothing. */
enum state_kind state_look(const struct state_header *header);

/* At start, once: restores what a region of STATE_OURS holds, leaving out damaged records; of any
 * other makes an empty one, with `key`. Like all that follows, a reset may cut it at any store. */
void state_open(struct state *s, const struct delivery_options *options,
                const uint8_t key[HASH_KEY_BYTES], uint32_t now_ms, struct state_found *found);

/* Appends what was found as one line, without a line feed. */
void state_put_found(const struct state_found *found, struct text *t);

#endif
