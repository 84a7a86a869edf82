/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * net_heap.c: see net_heap.h. The array is cut into slabs; a slab serves blocks of one size while
 * any of them is in use, and any size once none is. So sizes cannot starve one another for long,
 * and an address alone tells a block's slab and size.
 */
#include "net_heap.h"

#include "lwip/opt.h"

#if CFG_NET_HEAP_SLABS > 0

#include <stdalign.h>
#include <stdint.h>
#include <string.h>

#define SLAB_BYTES 65536u
#define NO_SLAB UINT16_MAX
#define NO_BLOCK UINT16_MAX

_Static_assert(CFG_NET_HEAP_SLABS < NO_SLAB, "CFG_NET_HEAP_SLABS: at most 65534");

/* Made for what TCP asks for: replies and headers of a few hundred bytes, and full segments at
 * the usual MTUs: 576, 1500, 9000. Multiples of 16, ascending. */
static const uint16_t size_bytes[] = {128, 256, 640, 1552, 3072, NET_HEAP_BLOCK_BYTES_MAX};

#define SIZES (sizeof size_bytes / sizeof size_bytes[0])

struct slab {
    uint16_t previous; /* in the list of its size's slabs that have room */
    uint16_t next;     /* in that list, or in the list of free slabs */
    uint16_t free;     /* first block given back; the block's first bytes name the next */
    uint16_t cut;      /* blocks that were ever handed out; those beyond are untouched */
    uint16_t used;     /* blocks in use */
    uint16_t size;
};

static alignas(64) uint8_t arena[CFG_NET_HEAP_SLABS * SLAB_BYTES];

static struct {
    struct slab slabs[CFG_NET_HEAP_SLABS];
    uint16_t with_room[SIZES]; /* first slab of each size that has room, plus 1; 0 is none */
    uint16_t free;             /* first slab that was used and is free, plus 1; 0 is none */
    uint16_t cut;              /* slabs that were ever used */
    struct table_stats stats;
} heap;

static uint32_t blocks_of(uint32_t size) {
    return SLAB_BYTES / size_bytes[size];
}

static uint8_t *block_at(uint32_t slab, uint32_t block) {
    return &arena[slab * SLAB_BYTES + block * size_bytes[heap.slabs[slab].size]];
}

static void list_add(uint32_t slab) {
    struct slab *s = &heap.slabs[slab];
    uint16_t *head = &heap.with_room[s->size];
    s->previous = NO_SLAB;
    s->next = *head == 0 ? NO_SLAB : (uint16_t)(*head - 1);
    if (s->next != NO_SLAB) {
        heap.slabs[s->next].previous = (uint16_t)slab;
    }
    *head = (uint16_t)(slab + 1);
}

static void list_remove(uint32_t slab) {
    struct slab *s = &heap.slabs[slab];
    if (s->previous != NO_SLAB) {
        heap.slabs[s->previous].next = s->next;
    } else {
        heap.with_room[s->size] = s->next == NO_SLAB ? 0 : (uint16_t)(s->next + 1);
    }
    if (s->next != NO_SLAB) {
        heap.slabs[s->next].previous = s->previous;
    }
}

/* A slab that no size has, the one used last before one never used. NO_SLAB when all are taken. */
static uint32_t slab_take(uint32_t size) {
    uint32_t slab;
    if (heap.free != 0) {
        slab = heap.free - 1u;
        heap.free = heap.slabs[slab].next == NO_SLAB ? 0 : (uint16_t)(heap.slabs[slab].next + 1);
    } else if (heap.cut < CFG_NET_HEAP_SLABS) {
        slab = heap.cut++;
    } else {
        return NO_SLAB;
    }
    heap.slabs[slab] = (struct slab){.free = NO_BLOCK, .size = (uint16_t)size};
    list_add(slab);
    return slab;
}

static void slab_give(uint32_t slab) {
    list_remove(slab);
    heap.slabs[slab].next = heap.free == 0 ? NO_SLAB : (uint16_t)(heap.free - 1);
    heap.free = (uint16_t)(slab + 1);
}

static uint8_t *block_take(uint32_t slab) {
    struct slab *s = &heap.slabs[slab];
    uint8_t *block;
    if (s->free != NO_BLOCK) {
        block = block_at(slab, s->free);
        memcpy(&s->free, block, sizeof s->free);
    } else {
        block = block_at(slab, s->cut++);
    }
    if (++s->used == blocks_of(s->size)) {
        list_remove(slab);
    }
    return block;
}

static void *refuse(void) {
    heap.stats.refused_total++;
    return NULL;
}

void *net_heap_alloc(size_t bytes) {
    uint32_t size = 0;
    while (size < SIZES && size_bytes[size] < bytes) {
        size++;
    }
    if (size == SIZES) {
        return refuse();
    }
    uint32_t slab = heap.with_room[size] != 0 ? heap.with_room[size] - 1u : slab_take(size);
    if (slab == NO_SLAB) {
        return refuse();
    }
    table_stats_set_used(&heap.stats, heap.stats.used + size_bytes[size]);
    return block_take(slab);
}

void *net_heap_calloc(size_t count, size_t bytes) {
    if (count != 0 && bytes > NET_HEAP_BLOCK_BYTES_MAX / count) {
        return refuse();
    }
    void *block = net_heap_alloc(count * bytes);
    if (block != NULL) {
        memset(block, 0, count * bytes);
    }
    return block;
}

void net_heap_free(void *block) {
    uint32_t offset = (uint32_t)((uint8_t *)block - arena);
    uint32_t slab = offset / SLAB_BYTES;
    struct slab *s = &heap.slabs[slab];
    table_stats_set_used(&heap.stats, heap.stats.used - size_bytes[s->size]);
    memcpy(block, &s->free, sizeof s->free);
    s->free = (uint16_t)(offset % SLAB_BYTES / size_bytes[s->size]);
    if (s->used-- == blocks_of(s->size)) {
        list_add(slab);
    }
    if (s->used == 0) {
        slab_give(slab);
    }
}

struct table_stats net_heap_stats(void) {
    struct table_stats stats = heap.stats;
    stats.name = LABEL_VALUE("network_heap_bytes");
    stats.limit = sizeof arena;
    return stats;
}

#endif
