/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * net_heap.h: lwIP's heap, over one static array. Taking and giving a block is a constant number
 * of steps, a block has no header, and memory that was never needed is never touched.
 */
#ifndef PINGSHOT_NET_HEAP_H
#define PINGSHOT_NET_HEAP_H

#include "table_stats.h"

#include <stddef.h>

/* The largest block: a frame of 9,000 bytes, its headers and lwIP's descriptor. */
#define NET_HEAP_BLOCK_BYTES_MAX 9360u

/* A block of at least `bytes`, aligned for anything, not cleared. NULL when there is no room or
 * when `bytes` is above NET_HEAP_BLOCK_BYTES_MAX; counted as refused. */
void *net_heap_alloc(size_t bytes);

/* The same for count * bytes, cleared. */
void *net_heap_calloc(size_t count, size_t bytes);

/* Gives back what net_heap_alloc or net_heap_calloc returned. */
void net_heap_free(void *block);

/* In bytes, each block as large as its size class. */
struct table_stats net_heap_stats(void);

#endif
