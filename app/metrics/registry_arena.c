/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * registry_arena.c: see registry_arena.h. A block is a word, the header, and its text. The
 * header has the block's size in words, itself included, in its lower half and the owner in its
 * upper one (0: a gap, of which there may be several in a row).
 */
#include "metrics/registry_arena.h"

#include "state_order.h"

#define HEADER_WORDS (REGISTRY_ARENA_HEADER_BYTES / 4u)
#define WORDS_MAX 0xffffu /* of a block or a gap */
#define CAPACITY_BYTES ((uint32_t)((CFG_REGISTRY_TEXT_BYTES) / 4) * 4u)

/* The longest is a family's: TYPE and HELP lines and label names, each in CFG_LINE_BYTES. */
_Static_assert(3u * (CFG_LINE_BYTES) / 4u + 16u <= WORDS_MAX, "CFG_LINE_BYTES: at most 65535");

#if CFG_REGISTRY_TEXT_BYTES < 1024 || CFG_REGISTRY_TEXT_BYTES > 0x7fffffff
#error "CFG_REGISTRY_TEXT_BYTES: set 1024 to 2^31-1"
#endif

void registry_arena_init(struct registry_arena *a) {
    a->top_bytes = 0;
    a->gap_bytes = 0;
    a->high_water_bytes = 0;
    a->move_from = 0;
}

static uint32_t header(uint32_t words, uint32_t owner) {
    return owner << 16 | words;
}

static uint32_t words_of(uint32_t header) {
    return header & WORDS_MAX;
}

static uint32_t owner_of(uint32_t header) {
    return header >> 16;
}

uint32_t registry_arena_room_bytes(const struct registry_arena *a, uint32_t text) {
    return words_of(a->words[text / 4u - HEADER_WORDS]) * 4u - REGISTRY_ARENA_HEADER_BYTES;
}

/* Brings the block down, in parts no longer than the way it goes: so no part lies over its own
 * source, and one that a reset cut can be copied again. No way is shorter than a header: where the
 * first part is not there yet, the header is still whole where it came from. */
static void finish_move(struct registry_arena *a, registry_arena_moved *moved, void *context) {
    uint32_t from = a->move_from;
    uint32_t to = a->move_to;
    uint32_t at = a->moved_words;
    uint32_t words = words_of(a->words[at == 0 ? from : to]);
    while (at < words) {
        uint32_t part = words - at < from - to ? words - at : from - to;
        memcpy(&a->words[to + at], &a->words[from + at], (size_t)part * 4u);
        at += part;
        state_barrier();
        a->moved_words = at;
        state_barrier();
    }
    moved(context, owner_of(a->words[to]), (to + HEADER_WORDS) * 4u);
    state_barrier();
    a->move_from = 0;
    state_barrier();
}

static void close_gaps(struct registry_arena *a, registry_arena_moved *moved, void *context) {
    uint32_t end = a->top_bytes / 4u;
    uint32_t to = 0;
    uint32_t from = 0;
    while (from < end) {
        uint32_t words = words_of(a->words[from]);
        if (owner_of(a->words[from]) != 0) {
            if (to != from) {
                a->move_to = to;
                a->moved_words = 0;
                state_barrier();
                a->move_from = from;
                state_barrier();
                finish_move(a, moved, context);
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
    a->words[at] = header(bytes / 4u, owner);
    a->top_bytes += bytes;
    if (registry_arena_used_bytes(a) > a->high_water_bytes) {
        a->high_water_bytes = registry_arena_used_bytes(a);
    }
    return (at + HEADER_WORDS) * 4u;
}

void registry_arena_free(struct registry_arena *a, uint32_t text) {
    uint32_t at = text / 4u - HEADER_WORDS;
    uint32_t bytes = words_of(a->words[at]) * 4u;
    a->words[at] = header(bytes / 4u, 0);
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

/* ---- after a reset ------------------------------------------------------------------------ */

/* Whether a block of so many words may begin there. */
static bool fits(uint32_t at, uint32_t words) {
    return at < CAPACITY_BYTES / 4u && words > HEADER_WORDS && words <= CAPACITY_BYTES / 4u - at;
}

void registry_arena_resume(struct registry_arena *a, registry_arena_moved *moved, void *context) {
    uint32_t from = a->move_from;
    uint32_t to = a->move_to;
    if (from < CAPACITY_BYTES / 4u && to < from &&
        fits(from, words_of(a->words[a->moved_words == 0 ? from : to]))) {
        finish_move(a, moved, context);
    }
    a->move_from = 0;
}

bool registry_arena_has(const struct registry_arena *a, uint32_t text, uint32_t owner) {
    uint32_t at = text / 4u - HEADER_WORDS;
    return text % 4u == 0 && at < CAPACITY_BYTES / 4u && fits(at, words_of(a->words[at])) &&
           owner_of(a->words[at]) == owner;
}

static void put_gap(struct registry_arena *a, uint32_t at, uint32_t end) {
    a->gap_bytes += (end - at) * 4u;
    while (at < end) {
        uint32_t words = end - at < WORDS_MAX ? end - at : WORDS_MAX;
        a->words[at] = header(words, 0);
        at += words;
    }
}

void registry_arena_recover(struct registry_arena *a, uint32_t end_bytes,
                            registry_arena_claimed *claimed, void *context) {
    uint32_t at = 0;
    uint32_t end = 0; /* of the blocks kept so far */
    a->gap_bytes = 0;
    while (at < end_bytes / 4u) {
        uint32_t text = (at + HEADER_WORDS) * 4u;
        uint32_t owner = owner_of(a->words[at]);
        if (!registry_arena_has(a, text, owner) || !claimed(context, owner, text)) {
            at++;
            continue;
        }
        put_gap(a, end, at);
        at += words_of(a->words[at]);
        end = at;
    }
    a->top_bytes = end * 4u;
    a->high_water_bytes = registry_arena_used_bytes(a);
}
