/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * state_redo.h: changes several words of retained memory as one: after a reset at any moment they
 * are all as they were, or all as they are to be. What is to be is written down and sealed first,
 * then done; a reset in between has it done again.
 */
#ifndef PINGSHOT_STATE_REDO_H
#define PINGSHOT_STATE_REDO_H

#include <stdint.h>

/* The most that is changed at once, in bytes. */
#define STATE_REDO_BYTES_MAX 48u

/* Lies in the same retained region as what it is for. Zeroed: nothing to be done. */
struct state_redo {
    uint32_t check;   /* over what follows; 0: nothing to be done */
    int32_t distance; /* from here to the target, in bytes */
    uint32_t bytes;
    uint32_t words[STATE_REDO_BYTES_MAX / sizeof(uint32_t)];
};

/* `*target` becomes a copy of the `bytes` at `content`, as one. */
void state_redo_write(struct state_redo *redo, void *target, const void *content, uint32_t bytes);

/* After a reset, before anything else is read: does what was under way. Targets outside of the
 * `region_bytes` at `region` are not believed. May be cut itself. */
void state_redo_recover(struct state_redo *redo, void *region, uint32_t region_bytes);

#endif
