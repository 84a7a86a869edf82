/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * no_clock.h: clocks that stand still, for tests of code that asks for none, while other code that
 * they are linked with does.
 */
#ifndef PINGSHOT_TEST_NO_CLOCK_H
#define PINGSHOT_TEST_NO_CLOCK_H

#include "clock.h"

uint32_t clock_monotonic_ms(void) {
    return 0;
}

bool clock_wall_ms(int64_t *unix_ms) {
    (void)unix_ms;
    return false;
}

#endif
