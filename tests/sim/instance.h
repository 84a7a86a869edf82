/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * instance.h: a shared object loaded as often as machines are wanted, each with globals of its own,
 * and put back to what it was just after loading: that is a machine's reset, and a world's start.
 */
#ifndef PINGSHOT_SIM_INSTANCE_H
#define PINGSHOT_SIM_INSTANCE_H

#include <stdbool.h>
#include <stddef.h>

#define INSTANCE_SEGMENTS_MAX 4

struct instance {
    const void *symbol; /* what it exports */
    int segments_count;
    struct {
        void *memory; /* writable, after relocation */
        void *pristine;
        size_t bytes;
    } segments[INSTANCE_SEGMENTS_MAX];
};

/* Loads the file once more. On failure says why on stderr and returns false. */
bool instance_load(struct instance *i, const char *path, const char *symbol);

/* All of its globals are as they were after loading. */
void instance_reset(const struct instance *i);

#endif
