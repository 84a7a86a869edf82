/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * systick.h: milliseconds from the core's own timer. The monotonic clock of app/clock.h counts
 * them; wall time is net_services' affair.
 */
#ifndef PINGSHOT_SYSTICK_H
#define PINGSHOT_SYSTICK_H

#include <stdint.h>

/* Starts a tick each millisecond on a processor clock of `cpu_hz`: 1000 to 16.7 GHz. */
void systick_start(uint32_t cpu_hz);

/* The exception's handler. */
void systick_interrupt(void);

#endif
