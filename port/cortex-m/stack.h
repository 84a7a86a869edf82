/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * stack.h: the one stack, painted at start so that its deepest use can be read later, with a guard
 * below it where the core has an MPU.
 */
#ifndef PINGSHOT_STACK_H
#define PINGSHOT_STACK_H

#include "table_stats.h"

#include <stdbool.h>
#include <stdint.h>

/* At the bottom of the stack: the smallest region of an MPU, to which the linker script aligns. */
#define STACK_GUARD_BYTES 32u

/* Fills what is below the caller's frame with a pattern. */
void stack_paint(void);

/* Makes the lowest STACK_GUARD_BYTES inaccessible, so that an overflow is a fault at once. False when the
 * core has no MPU: then only stack_overrun notices, after the fact. */
bool stack_guard(void);

/* True when the lowest word above the guard has been written to. */
bool stack_overrun(void);

/* Once a turn of the main loop: looks once a second how deep the stack has been, which takes as long
 * as a short response. */
void stack_look(void);

/* Use, high-water mark as last seen by stack_look, and size in bytes, as the table `stack_bytes`. */
struct table_stats stack_stats(void);

#endif
