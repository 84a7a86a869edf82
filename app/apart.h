/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * apart.h: saves stack where it is small.
 */
#ifndef PINGSHOT_APART_H
#define PINGSHOT_APART_H

/* For a function with a large buffer that is done with before much else is called. Inlined, the
 * buffer would be part of its caller's frame, and lie under all that the caller calls later. */
#define APART __attribute__((noinline))

#endif
