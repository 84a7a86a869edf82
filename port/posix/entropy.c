/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * entropy.c: see entropy.h.
 */
#include "entropy.h"

#include <errno.h>
#include <sys/random.h>
#include <sys/types.h>

bool entropy_fill(void *bytes, size_t n) {
    ssize_t got;
    do {
        got = getrandom(bytes, n, 0); /* whole up to 256 bytes, once the kernel is seeded */
    } while (got < 0 && errno == EINTR);
    return got == (ssize_t)n;
}
