/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * apart.h: saves stack and flash where they are small.
 */
#ifndef PINGSHOT_APART_H
#define PINGSHOT_APART_H

/* For a function with a large buffer that is done with before much else is called. Inlined, the
 * buffer would be part of its caller's frame, and lie under all that the caller calls later. */
#define APART __attribute__((noinline))

/* For a function of some instructions that is called in many places: where size counts, there is
 * one of it, against the compiler's guess. */
#ifdef __OPTIMIZE_SIZE__
#define SHARED __attribute__((noinline))
#else
#define SHARED
#endif

/* For a function that is worth having once for each call, with what is constant there, against the
 * compiler's guess; where size counts there is one of it. */
#ifdef __OPTIMIZE_SIZE__
#define SPECIALISED
#else
#define SPECIALISED inline __attribute__((always_inline))
#endif

#endif
