/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * state_redo.c: see state_redo.h.
 */
#include "state_redo.h"

#include "state_order.h"

#include <stdbool.h>
#include <stddef.h>

#define SEAL 0x7265646fu
#define HEAD_BYTES \
    ((uint32_t)(offsetof(struct state_redo, words) - offsetof(struct state_redo, distance)))

static uint32_t check_of(const struct state_redo *redo) {
    return state_check(SEAL, &redo->distance, HEAD_BYTES + redo->bytes);
}

static void finish(struct state_redo *redo, void *target) {
    memcpy(target, redo->words, redo->bytes);
    state_barrier();
    redo->check = 0;
    state_barrier();
}

void state_redo_write(struct state_redo *redo, void *target, const void *content, uint32_t bytes) {
    redo->distance = (int32_t)((intptr_t)target - (intptr_t)redo);
    redo->bytes = bytes;
    memcpy(redo->words, content, bytes);
    state_barrier();
    redo->check = check_of(redo);
    state_barrier();
    finish(redo, target);
}

/* Whether the target lies in the region. */
static bool is_inside(const struct state_redo *redo, const void *region, uint32_t region_bytes) {
    const intptr_t offset = (intptr_t)redo + redo->distance - (intptr_t)region;
    return offset >= 0 && (uintptr_t)offset <= region_bytes &&
           redo->bytes <= region_bytes - (uint32_t)offset;
}

void state_redo_recover(struct state_redo *redo, void *region, uint32_t region_bytes) {
    if (redo->check != 0 && redo->bytes <= STATE_REDO_BYTES_MAX && redo->check == check_of(redo) &&
        is_inside(redo, region, region_bytes)) {
        finish(redo, (unsigned char *)redo + redo->distance);
    }
    redo->check = 0;
    state_barrier();
}
