/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * registry_arena.h: the registry's one store of text. Blocks are laid down one after another;
 * what is freed stays as a gap until a block does not fit, then all of them close up. So a block
 * may move whenever another is allocated: its owner keeps an offset, which the arena corrects
 * through the function it was given.
 */
#ifndef PINGSHOT_METRICS_REGISTRY_ARENA_H
#define PINGSHOT_METRICS_REGISTRY_ARENA_H

#include "config.h"

#include <stdbool.h>
#include <stdint.h>

/* Offset of no block: a block's text begins behind its header, so 0 is never one. */
#define REGISTRY_ARENA_NONE 0u

/* Bytes that a block takes besides its text. */
#define REGISTRY_ARENA_HEADER_BYTES 8u

struct registry_arena {
    uint32_t top_bytes;        /* below it are blocks and gaps, above it nothing */
    uint32_t gap_bytes;        /* of that, freed */
    uint32_t high_water_bytes; /* most that was in use at once */
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

/* A block for `len` bytes of text, owned by `owner` (any tag but 0). Returns the text's offset,
 * or REGISTRY_ARENA_NONE when there is no room even with all gaps closed; then nothing moved.
 * Every offset and pointer into the arena is stale afterwards except those `moved` corrected. */
uint32_t registry_arena_alloc(struct registry_arena *a, uint32_t len, uint32_t owner,
                              registry_arena_moved *moved, void *context);

void registry_arena_free(struct registry_arena *a, uint32_t text);

/* Hands a block to another owner. */
void registry_arena_set_owner(struct registry_arena *a, uint32_t text, uint32_t owner);

static inline uint32_t registry_arena_used_bytes(const struct registry_arena *a) {
    return a->top_bytes - a->gap_bytes;
}

#endif
