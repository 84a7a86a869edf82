/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * altcp_tls_mem.h: all of wolfSSL's memory: one static array, shared by every session. Taking and
 * giving back a block is a constant number of steps whatever the array holds (two-level segregated
 * fit); one of at most 64 KiB looks at all that is free, for the place that leaves the fewest gaps.
 * Neighbours that are free are joined at once, and there is a high-water mark. Not for interrupts,
 * not for threads. wolfSSL reaches it through XMALLOC and its kin in user_settings.h.
 */
#ifndef PORT_ALTCP_TLS_MEM_H
#define PORT_ALTCP_TLS_MEM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct altcp_tls_mem_stats {
    uint32_t used_bytes;       /* block headers included */
    uint32_t high_water_bytes; /* the most that were ever in use */
    uint32_t limit_bytes;      /* size of the array */
    uint32_t refused_total;    /* requests that found no room */
};

/* At least `bytes` (1 or more), aligned for any type, not cleared; NULL when there is no room. */
void *altcp_tls_mem_alloc(size_t bytes);

/* The same, for what lasts as long as a connection. It lies at the other end of what is free, so that
 * a handshake leaves few gaps behind. */
void *altcp_tls_mem_alloc_lasting(size_t bytes);

/* A block of `bytes` with the old one's contents, which is given back; NULL when there is no room,
 * and the old one stays. `block` may be NULL. */
void *altcp_tls_mem_resize(void *block, size_t bytes);

/* Gives a block back. NULL is no block. */
void altcp_tls_mem_free(void *block);

/* True when altcp_tls_mem_alloc has `bytes` in one piece, and would leave `rest_bytes` beside it. */
bool altcp_tls_mem_fits(size_t bytes, size_t rest_bytes);

/* Bytes that altcp_tls_mem_alloc has now in one piece; a large array may have up to an eighth more. */
uint32_t altcp_tls_mem_room_bytes(void);

void altcp_tls_mem_get_stats(struct altcp_tls_mem_stats *stats);

#endif
