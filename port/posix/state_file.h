/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * state_file.h: struct state as a file that is mapped shared. So it outlives the process, however
 * that ends: what the process has stored is the file's content at once. The kernel crashing, or the
 * power going, is another matter: nothing is synced.
 */
#ifndef PINGSHOT_STATE_FILE_H
#define PINGSHOT_STATE_FILE_H

#include "problem.h"
#include "state.h"

#include <limits.h>
#include <stdbool.h>

struct state_file {
    struct state *state; /* the mapping */
    const char *name;
    char new_name[PATH_MAX]; /* that a new one has until it is kept; "": it is not new */
};

/* Opens the file `name`, which must stay valid, and locks it for this process's life. Without such
 * a file makes one of zeros, for its owner only, under another name beside it. False, and what is
 * there is left as it is, when that is anything but a state of this version and these capacities,
 * is cut short, in use by another process, or cannot be opened. */
bool state_file_open(struct state_file *f, const char *name, struct problem *problem);

/* After state_open: gives a new file its name, unless another has it by now. So under that name
 * there is never half a state. */
bool state_file_keep(struct state_file *f, struct problem *problem);

/* Removes a new file that was not kept. The mapping stays. */
void state_file_discard(struct state_file *f);

#endif
