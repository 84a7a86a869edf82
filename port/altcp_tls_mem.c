/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * altcp_tls_mem.c: see altcp_tls_mem.h. Blocks lie side by side in the array, each behind a header
 * with its own size and that of the block before.
 *
 * A large array has its free blocks in lists by size: a list for each eighth between two powers of
 * two, and bitmaps that say which lists have any. A request is rounded up to the next list, so that
 * whatever that list holds is large enough; when that has none, a few of the list before are looked
 * at. A small array, with hardly more than its few sessions need, cannot spare what then lies in gaps:
 * it has one list, and takes of all that are large enough the one that is nearest to its end.
 */
#include "altcp_tls_mem.h"

#include "altcp_tls_opts.h"

#include <stdalign.h>
#include <stdbool.h>
#include <string.h>

#define ALIGN_BYTES ((uint32_t)alignof(max_align_t))

/* A free block's header is followed by its links. Offsets into the array, not pointers: half the
 * size on a 64-bit host. */
struct header {
    alignas(max_align_t) uint32_t size_bytes; /* of the block, header included; bit 0: in use */
    uint32_t before_bytes;                    /* size of the block before; 0: this is the first */
};

struct links {
    uint32_t next; /* offset in the same list, or NONE */
    uint32_t previous;
};

#define NONE UINT32_MAX
#define IN_USE 1u
#define HEADER_BYTES ((uint32_t)sizeof(struct header))
#define BLOCK_BYTES_MIN \
    (HEADER_BYTES + (ALIGN_BYTES > sizeof(struct links) ? ALIGN_BYTES : sizeof(struct links)))
#define ARENA_BYTES (ALTCP_TLS_MEM_BYTES / ALIGN_BYTES * ALIGN_BYTES)

/* A small array's free blocks are few enough to look at them all. */
#define SMALL_BYTES_MAX (64u * 1024u)
#define IS_SMALL (ALTCP_TLS_MEM_BYTES <= SMALL_BYTES_MAX)

/* Lists: the first level is the power of two, from 2^FIRST_SHIFT, the second an eighth of it. */
#define EIGHTHS_SHIFT 3u
#define EIGHTHS (1u << EIGHTHS_SHIFT)
#define FIRST_SHIFT 4u
#define LEVELS (IS_SMALL ? 1u : 32u - FIRST_SHIFT - (uint32_t)__builtin_clz(ALTCP_TLS_MEM_BYTES))
#define LISTS (IS_SMALL ? 1u : EIGHTHS)

/* Blocks looked at one by one before a request is refused. */
#define MIXED_BLOCKS 16u

_Static_assert(ALTCP_TLS_MEM_BYTES < (1u << 27), "ALTCP_TLS_MEM_BYTES: less than 128 MiB");
_Static_assert(ALTCP_TLS_MEM_BYTES >= 1024, "ALTCP_TLS_MEM_BYTES: at least 1024");

static alignas(max_align_t) uint8_t arena[ARENA_BYTES];

static struct {
    bool ready;
    uint32_t levels;         /* bit: some list of that level has a block */
    uint8_t eighths[LEVELS]; /* bit: that list has a block */
    uint32_t heads[LEVELS][LISTS];
    struct altcp_tls_mem_stats stats;
} mem;

/* Under AddressSanitizer what is not handed out may not be touched, as with malloc. The pool itself
 * opens its headers and links for as long as it reads or writes them. */
#if defined(__SANITIZE_ADDRESS__)
#define WITH_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define WITH_ASAN 1
#endif
#endif
#ifdef WITH_ASAN
void __asan_poison_memory_region(void const volatile *at, size_t bytes);
void __asan_unpoison_memory_region(void const volatile *at, size_t bytes);
#define POISON(at, bytes) __asan_poison_memory_region((at), (bytes))
#define UNPOISON(at, bytes) __asan_unpoison_memory_region((at), (bytes))
#else
#define POISON(at, bytes) ((void)(at), (void)(bytes))
#define UNPOISON(at, bytes) ((void)(at), (void)(bytes))
#endif

/* ---- blocks ------------------------------------------------------------------------------ */

static struct header load_header(uint32_t offset) {
    struct header header;
    UNPOISON(&arena[offset], sizeof header);
    memcpy(&header, &arena[offset], sizeof header);
    POISON(&arena[offset], sizeof header);
    return header;
}

static void store_header(uint32_t offset, struct header header) {
    UNPOISON(&arena[offset], sizeof header);
    memcpy(&arena[offset], &header, sizeof header);
    POISON(&arena[offset], sizeof header);
}

static struct links load_links(uint32_t offset) {
    struct links links;
    UNPOISON(&arena[offset + HEADER_BYTES], sizeof links);
    memcpy(&links, &arena[offset + HEADER_BYTES], sizeof links);
    POISON(&arena[offset + HEADER_BYTES], sizeof links);
    return links;
}

static void store_links(uint32_t offset, struct links links) {
    UNPOISON(&arena[offset + HEADER_BYTES], sizeof links);
    memcpy(&arena[offset + HEADER_BYTES], &links, sizeof links);
    POISON(&arena[offset + HEADER_BYTES], sizeof links);
}

static void set_next(uint32_t offset, uint32_t next) {
    struct links links = load_links(offset);
    links.next = next;
    store_links(offset, links);
}

static void set_previous(uint32_t offset, uint32_t previous) {
    struct links links = load_links(offset);
    links.previous = previous;
    store_links(offset, links);
}

static uint32_t offset_of(const void *block) {
    return (uint32_t)((const uint8_t *)block - arena) - HEADER_BYTES;
}

static uint32_t size_at(uint32_t offset) {
    return load_header(offset).size_bytes & ~IN_USE;
}

static bool is_free(uint32_t offset) {
    return offset < ARENA_BYTES && (load_header(offset).size_bytes & IN_USE) == 0;
}

/* Writes a block's size into its own header and into the one behind it. */
static void set_size(uint32_t offset, uint32_t size_bytes, uint32_t in_use) {
    struct header header = load_header(offset);
    header.size_bytes = size_bytes | in_use;
    store_header(offset, header);
    if (offset + size_bytes < ARENA_BYTES) {
        header = load_header(offset + size_bytes);
        header.before_bytes = size_bytes;
        store_header(offset + size_bytes, header);
    }
}

/* ---- lists of free blocks ---------------------------------------------------------------- */

struct list {
    uint32_t level;
    uint32_t eighth;
};

static uint32_t log2_of(uint32_t x) {
    return 31u - (uint32_t)__builtin_clz(x);
}

/* The list that a block of this size is in. */
static struct list list_of(uint32_t size_bytes) {
    if (IS_SMALL) {
        return (struct list){0, 0};
    }
    uint32_t power = log2_of(size_bytes);
    return (struct list){power - FIRST_SHIFT,
                         (size_bytes >> (power - EIGHTHS_SHIFT)) & (EIGHTHS - 1u)};
}

static void list_add(uint32_t offset) {
    struct list l = list_of(size_at(offset));
    uint32_t *head = &mem.heads[l.level][l.eighth];
    store_links(offset, (struct links){*head, NONE});
    if (*head != NONE) {
        set_previous(*head, offset);
    }
    *head = offset;
    mem.eighths[l.level] = (uint8_t)(mem.eighths[l.level] | 1u << l.eighth);
    mem.levels |= 1u << l.level;
}

static void list_remove(uint32_t offset) {
    struct list l = list_of(size_at(offset));
    const struct links links = load_links(offset);
    if (links.next != NONE) {
        set_previous(links.next, links.previous);
    }
    if (links.previous != NONE) {
        set_next(links.previous, links.next);
        return;
    }
    mem.heads[l.level][l.eighth] = links.next;
    if (links.next == NONE) {
        mem.eighths[l.level] = (uint8_t)(mem.eighths[l.level] & ~(1u << l.eighth));
        if (mem.eighths[l.level] == 0) {
            mem.levels &= ~(1u << l.level);
        }
    }
}

/* A free block of at least that size, or NONE: the first of the first list all of whose blocks are
 * large enough. */
static uint32_t find_at_once(uint32_t size_bytes) {
    struct list l = list_of(size_bytes + (1u << (log2_of(size_bytes) - EIGHTHS_SHIFT)) - 1u);
    if (l.level >= LEVELS) {
        return NONE;
    }
    uint32_t eighths = mem.eighths[l.level] & (0xffu << l.eighth);
    if (eighths == 0) {
        uint32_t levels = l.level + 1u < LEVELS ? mem.levels & (UINT32_MAX << (l.level + 1u)) : 0;
        if (levels == 0) {
            return NONE;
        }
        l.level = (uint32_t)__builtin_ctz(levels);
        eighths = mem.eighths[l.level];
    }
    return mem.heads[l.level][__builtin_ctz(eighths)];
}

/* The list where blocks a bit smaller and a bit larger are mixed: a few of it are looked at before a
 * request is refused. */
static uint32_t find_mixed(uint32_t size_bytes) {
    struct list l = list_of(size_bytes);
    uint32_t offset = l.level < LEVELS ? mem.heads[l.level][l.eighth] : NONE;
    for (uint32_t i = 1; i < MIXED_BLOCKS && offset != NONE && size_at(offset) < size_bytes; i++) {
        offset = load_links(offset).next;
    }
    return offset != NONE && size_at(offset) >= size_bytes ? offset : NONE;
}

/* Of a small array's blocks that are large enough, the one nearest to that end. */
static uint32_t find_outermost(uint32_t size_bytes, bool at_front) {
    uint32_t found = NONE;
    for (uint32_t at = mem.heads[0][0]; at != NONE; at = load_links(at).next) {
        if (size_at(at) >= size_bytes && (found == NONE || (at < found) == at_front)) {
            found = at;
        }
    }
    return found;
}

static uint32_t find(uint32_t size_bytes, bool at_front) {
    if (IS_SMALL) {
        return find_outermost(size_bytes, at_front);
    }
    uint32_t offset = find_at_once(size_bytes);
    return offset != NONE ? offset : find_mixed(size_bytes);
}

/* The first of the list with the largest blocks, or NONE. */
static uint32_t highest_head(void) {
    if (mem.levels == 0) {
        return NONE;
    }
    const uint32_t level = log2_of(mem.levels);
    return mem.heads[level][log2_of(mem.eighths[level])];
}

/* ---- what is called ---------------------------------------------------------------------- */

static void prepare(void) {
    memset(mem.heads, 0xff, sizeof mem.heads);
    mem.stats.limit_bytes = ARENA_BYTES;
    mem.ready = true;
    set_size(0, ARENA_BYTES, 0);
    list_add(0);
    POISON(arena, sizeof arena);
}

/* The size of a block for so many bytes; 0: larger than the array. */
static uint32_t block_bytes_for(size_t bytes) {
    if (bytes > ARENA_BYTES - HEADER_BYTES) {
        return 0;
    }
    uint32_t size_bytes =
        (HEADER_BYTES + (uint32_t)bytes + ALIGN_BYTES - 1u) / ALIGN_BYTES * ALIGN_BYTES;
    return size_bytes < BLOCK_BYTES_MIN ? (uint32_t)BLOCK_BYTES_MIN : size_bytes;
}

static void count_used(uint32_t used_bytes) {
    mem.stats.used_bytes = used_bytes;
    if (used_bytes > mem.stats.high_water_bytes) {
        mem.stats.high_water_bytes = used_bytes;
    }
}

static void *take(size_t bytes, bool at_front) {
    if (!mem.ready) {
        prepare();
    }
    uint32_t size_bytes = block_bytes_for(bytes);
    uint32_t offset = size_bytes == 0 ? NONE : find(size_bytes, at_front);
    if (offset == NONE) {
        mem.stats.refused_total++;
        return NULL;
    }
    list_remove(offset);
    uint32_t rest_bytes = size_at(offset) - size_bytes;
    if (rest_bytes >= BLOCK_BYTES_MIN) {
        const uint32_t rest = at_front ? offset + size_bytes : offset;
        offset = at_front ? offset : offset + rest_bytes;
        set_size(rest, rest_bytes, 0);
        list_add(rest);
    } else {
        size_bytes += rest_bytes;
    }
    set_size(offset, size_bytes, IN_USE);
    count_used(mem.stats.used_bytes + size_bytes);
    UNPOISON(&arena[offset + HEADER_BYTES], bytes);
    return &arena[offset + HEADER_BYTES];
}

void *altcp_tls_mem_alloc(size_t bytes) {
    return take(bytes, false);
}

void *altcp_tls_mem_alloc_lasting(size_t bytes) {
    return take(bytes, true);
}

void altcp_tls_mem_free(void *block) {
    if (block == NULL) {
        return;
    }
    uint32_t offset = offset_of(block);
    uint32_t size_bytes = size_at(offset);
    POISON(block, size_bytes - HEADER_BYTES);
    count_used(mem.stats.used_bytes - size_bytes);
    if (is_free(offset + size_bytes)) {
        list_remove(offset + size_bytes);
        size_bytes += size_at(offset + size_bytes);
    }
    uint32_t before_bytes = load_header(offset).before_bytes;
    if (before_bytes != 0 && is_free(offset - before_bytes)) {
        offset -= before_bytes;
        list_remove(offset);
        size_bytes += before_bytes;
    }
    set_size(offset, size_bytes, 0);
    list_add(offset);
}

void *altcp_tls_mem_resize(void *block, size_t bytes) {
    if (block == NULL) {
        return altcp_tls_mem_alloc(bytes);
    }
    uint32_t there_bytes = size_at(offset_of(block)) - HEADER_BYTES;
    if (bytes <= there_bytes) {
        UNPOISON(block, bytes);
        return block;
    }
    void *larger = altcp_tls_mem_alloc(bytes);
    if (larger != NULL) {
        UNPOISON(block, there_bytes);
        memcpy(larger, block, there_bytes);
        altcp_tls_mem_free(block);
    }
    return larger;
}

bool altcp_tls_mem_fits(size_t bytes, size_t rest_bytes) {
    if (!mem.ready) {
        prepare();
    }
    uint32_t size_bytes = block_bytes_for(bytes);
    return size_bytes != 0 && find(size_bytes, false) != NONE &&
           rest_bytes <= ARENA_BYTES - mem.stats.used_bytes - size_bytes;
}

uint32_t altcp_tls_mem_room_bytes(void) {
    if (!mem.ready) {
        prepare();
    }
    uint32_t most = HEADER_BYTES;
    uint32_t at = highest_head();
    while (at != NONE) {
        most = size_at(at) > most ? size_at(at) : most;
        at = IS_SMALL ? load_links(at).next : NONE;
    }
    return most - HEADER_BYTES;
}

void altcp_tls_mem_get_stats(struct altcp_tls_mem_stats *stats) {
    if (!mem.ready) {
        prepare();
    }
    *stats = mem.stats;
}
