/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * clock_sntp.h: what clock.c offers beyond app/clock.h. Its name is another, for beside the sources
 * here a clock.h would hide the app's.
 */
#ifndef PINGSHOT_CLOCK_SNTP_H
#define PINGSHOT_CLOCK_SNTP_H

/* From now on wall time is what SNTP says (net_clock), as on a board, and not the kernel's. */
void clock_use_sntp(void);

#endif
