/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * registry_arena.h: the registry's one store of text. Blocks are laid down one after another;
 * what is freed stays as a gap until a block does not fit, then all of them close up. So a block
 * may move whenever another is allocated: its owner keeps an offset, which the arena corrects
 * through the function it was given.
 *
 * After a reset only what owners know of their blocks is believed, and which move was under way; all
 * else in here is laid out anew from that (registry_arena_resume, registry_arena_recover).
 */
#ifndef PINGSHOT_METRICS_REGISTRY_ARENA_H
#define PINGSHOT_METRICS_REGISTRY_ARENA_H

#include "config.h"

#include <stdbool.h>
#include <stdint.h>

/* Offset of no block: a block's text begins behind its header, so 0 is never one. */
#define REGISTRY_ARENA_NONE 0u

/* Bytes that a block takes besides its text. */
#define REGISTRY_ARENA_HEADER_BYTES 4u

/* The largest tag of an owner. */
#define REGISTRY_ARENA_OWNER_MAX 0xffffu

struct registry_arena {
    uint32_t top_bytes;        /* below it are blocks and gaps, above it nothing */
    uint32_t gap_bytes;        /* of that, freed */
    uint32_t high_water_bytes; /* most that was in use at once */
    uint32_t move_from;        /* block on its way down, as an index of words; 0: none */
    uint32_t move_to;
    uint32_t moved_words; /* of it, from its beginning, are there */
    uint32_t words[(CFG_REGISTRY_TEXT_BYTES) / 4];
};

/* Tells the owner of a block, by the tag it gave, where its text now lies. */
typedef void registry_arena_moved(void *context, uint32_t owner, uint32_t text);

void registry_arena_init(struct registry_arena *a);

static inline char *registry_arena_at(struct registry_arena *a, uint32_t text) {
    return (char *)a->words + text;
}

static inline const char *registry_arena_text(const struct registry_arena *a, uint32_t text) {
    return (const char *)a->words + text;
}

/* A block for `len` bytes of text, owned by `owner` (1..REGISTRY_ARENA_OWNER_MAX). Returns the text's offset,
 * or REGISTRY_ARENA_NONE when there is no room even with all gaps closed; then nothing moved.
 * Every offset and pointer into the arena is stale afterwards except those `moved` corrected. */
uint32_t registry_arena_alloc(struct registry_arena *a, uint32_t len, uint32_t owner,
                              registry_arena_moved *moved, void *context);

void registry_arena_free(struct registry_arena *a, uint32_t text);

/* Room that the block of a text has, in bytes. */
uint32_t registry_arena_room_bytes(const struct registry_arena *a, uint32_t text);

static inline uint32_t registry_arena_used_bytes(const struct registry_arena *a) {
    return a->top_bytes - a->gap_bytes;
}

/* ---- after a reset ------------------------------------------------------------------------ */

/* Ends the move that a reset cut, before anything else in the arena is looked at. `moved` may be
 * told of an owner that does not exist. */
void registry_arena_resume(struct registry_arena *a, registry_arena_moved *moved, void *context);

/* Whether there is a block of `owner` with its text at `text`, any number. */
bool registry_arena_has(const struct registry_arena *a, uint32_t text, uint32_t owner);

/* Says whether the block is its owner's, who is then told no more of it. */
typedef bool registry_arena_claimed(void *context, uint32_t owner, uint32_t text);

/* Keeps the blocks that begin below `end_bytes` and that `claimed` says yes to, and makes gaps of
 * all else. Asks only of blocks that registry_arena_has, in ascending order, and of none that
 * reaches into the one before. */
void registry_arena_recover(struct registry_arena *a, uint32_t end_bytes,
                            registry_arena_claimed *claimed, void *context);

#endif
