/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * entropy.h: what seeds the one source of randomness (port/random.h) on Linux.
 */
#ifndef PINGSHOT_ENTROPY_H
#define PINGSHOT_ENTROPY_H

#include <stdbool.h>
#include <stddef.h>

/* Fills `n` (1..256) bytes from the kernel. False when it has none to give; then nobody may
 * start. */
bool entropy_fill(void *bytes, size_t n);

#endif
