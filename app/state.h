/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * state.h: what outlives a reset, as one region of memory that the port owns: a file mapped by a
 * host process, memory that a board does not clear at start.
 */
#ifndef PINGSHOT_STATE_H
#define PINGSHOT_STATE_H

#include "events/delivery.h"
#include "metrics/registry.h"

/* Holds no pointers into itself or the image that stay in use over a reset. */
struct state {
    struct registry registry;
    struct delivery delivery;
};

#endif
