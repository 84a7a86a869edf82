/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * every_store.h: cuts an operation on retained memory at every store. The operation runs on a
 * write-protected copy of a region; each instruction that stores there faults, is let through alone
 * (single step) and the region is protected again. So after each store, whoever made it (compiled
 * code, memcpy, one round of rep movs), what the region holds then is handed on in a copy, as if
 * power for everything but the RAM had gone at that moment.
 *
 * A store that changes more than one 32-bit word is also handed on torn, word by word from either
 * end, as a 32-bit processor could have left it.
 */
#ifndef PINGSHOT_EVERY_STORE_H
#define PINGSHOT_EVERY_STORE_H

#include <stddef.h>
#include <stdint.h>

struct every_store {
    /* Does what is to be cut, to the region at `region`; elsewhere it may write what it likes. It
     * runs once, to its end. System calls that write to the region fail in it (EFAULT). */
    void (*operation)(void *region, void *context);
    /* Looks at a copy (of its own, on the heap, so that AddressSanitizer guards its ends): recovers
     * it and asserts what must hold. `number` counts the cuts from 0, the region before any store;
     * the last one is the region as the operation left it. May fail the test. */
    void (*cut)(void *copy, uint32_t number, void *context);
    void *context;
};

/* Runs it on a copy of the `bytes` at `region` and leaves there what the operation made of them.
 * Returns how many cuts there were; 1: nothing was stored. Needs x86-64 Linux: other hosts are shown
 * the region before and after only. One at a time in a process. */
uint32_t every_store_run(const struct every_store *run, void *region, size_t bytes);

#endif
