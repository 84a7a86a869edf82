/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * clock.h: the two clocks, provided by the port. Tests provide their own.
 */
#ifndef PINGSHOT_CLOCK_H
#define PINGSHOT_CLOCK_H

#include <stdbool.h>
#include <stdint.h>

/* Milliseconds since some moment, never set back; wraps after 49.7 days. Only differences mean
 * anything: see clock_reached. */
uint32_t clock_monotonic_ms(void);

/* Wall time in milliseconds since 1970-01-01T00:00:00Z. False when it is not known (a board
 * before SNTP answered); `*unix_ms` is then untouched. May jump. */
bool clock_wall_ms(int64_t *unix_ms);

/* True from `deadline_ms` on, up to 24.8 days after it, whatever wrapped between. */
static inline bool clock_reached(uint32_t now_ms, uint32_t deadline_ms) {
    return (int32_t)(now_ms - deadline_ms) >= 0;
}

#endif
