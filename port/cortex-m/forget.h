/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * forget.h: erases secrets.
 */
#ifndef PINGSHOT_FORGET_H
#define PINGSHOT_FORGET_H

#include <stddef.h>
#include <string.h>

/* Makes it zeros, also when the compiler sees no one who reads it after. */
static inline void forget(void *memory, size_t bytes) {
    memset(memory, 0, bytes);
    __asm volatile("" ::"r"(memory) : "memory");
}

#endif
