/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * console_out.h: standard output as the app's console (webhook/console.h): never waited for.
 */
#ifndef PINGSHOT_CONSOLE_OUT_H
#define PINGSHOT_CONSOLE_OUT_H

#include <stdint.h>

/* Writes what standard output takes without blocking, and returns how many bytes that was: 0 for a
 * terminal that was stopped, or a pipe whose reader is slow. What can take no more ever, such as a
 * pipe without a reader, has everything thrown away: there is nobody to print for. */
uint32_t console_out_write(const char *bytes, uint32_t n);

#endif
