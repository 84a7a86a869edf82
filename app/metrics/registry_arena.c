/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * registry_arena.c: see registry_arena.h. A block is a word with its size in words, header
 * included, a word with its owner (0: a gap), and its text.
 */
#include "metrics/registry_arena.h"

#include <string.h>

#define HEADER_WORDS (REGISTRY_ARENA_HEADER_BYTES / 4u)
#define CAPACITY_BYTES ((uint32_t)((CFG_REGISTRY_TEXT_BYTES) / 4) * 4u)

#if CFG_REGISTRY_TEXT_BYTES < 1024 || CFG_REGISTRY_TEXT_BYTES > 0x7fffffff
#error "CFG_REGISTRY_TEXT_BYTES: set 1024 to 2^31-1"
#endif

void registry_arena_init(struct registry_arena *a) {
    a->top_bytes = 0;
    a->gap_bytes = 0;
    a->high_water_bytes = 0;
}

static uint32_t *header_of(struct registry_arena *a, uint32_t text) {
    return &a->words[text / 4u - HEADER_WORDS];
}

static void close_gaps(struct registry_arena *a, registry_arena_moved *moved, void *context) {
    uint32_t end = a->top_bytes / 4u;
    uint32_t to = 0;
    uint32_t from = 0;
    while (from < end) {
        uint32_t words = a->words[from];
        uint32_t owner = a->words[from + 1];
        if (owner != 0) {
            if (to != from) {
                memmove(&a->words[to], &a->words[from], (size_t)words * 4u);
                moved(context, owner, (to + HEADER_WORDS) * 4u);
            }
            to += words;
        }
        from += words;
    }
    a->top_bytes = to * 4u;
    a->gap_bytes = 0;
}

uint32_t registry_arena_alloc(struct registry_arena *a, uint32_t len, uint32_t owner,
                              registry_arena_moved *moved, void *context) {
    uint32_t bytes = REGISTRY_ARENA_HEADER_BYTES + ((len + 3u) & ~3u);
    if (bytes > CAPACITY_BYTES - registry_arena_used_bytes(a)) {
        return REGISTRY_ARENA_NONE;
    }
    if (bytes > CAPACITY_BYTES - a->top_bytes) {
        close_gaps(a, moved, context);
    }
    uint32_t at = a->top_bytes / 4u;
    a->words[at] = bytes / 4u;
    a->words[at + 1] = owner;
    a->top_bytes += bytes;
    if (registry_arena_used_bytes(a) > a->high_water_bytes) {
        a->high_water_bytes = registry_arena_used_bytes(a);
    }
    return (at + HEADER_WORDS) * 4u;
}

void registry_arena_free(struct registry_arena *a, uint32_t text) {
    uint32_t *header = header_of(a, text);
    uint32_t bytes = header[0] * 4u;
    header[1] = 0;
    if (text - REGISTRY_ARENA_HEADER_BYTES + bytes == a->top_bytes) {
        a->top_bytes -= bytes; /* the newest block: what is tried and rolled back leaves no gap */
    } else {
        a->gap_bytes += bytes;
    }
    if (a->gap_bytes == a->top_bytes) {
        a->top_bytes = 0;
        a->gap_bytes = 0;
    }
}

void registry_arena_set_owner(struct registry_arena *a, uint32_t text, uint32_t owner) {
    header_of(a, text)[1] = owner;
}
