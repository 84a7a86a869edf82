/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * seed.h: randomness for a board that has no source of it: whoever starts the board (an emulator's
 * loader, a debugger) leaves a seed in RAM, at the address BOARD_SEED of its board.mk.
 */
#ifndef PINGSHOT_SEED_H
#define PINGSHOT_SEED_H

#include "random.h"

#include <stdbool.h>

/* Takes the seed that lies there, and wipes it: nobody gets it twice. False when there is none, or
 * the board has no such place: `seed` is then as it was. A seed stands behind a word, as seed.sh
 * makes it: RAM holds something after each power-on, on one chip often the same. */
bool seed_take(uint8_t seed[RANDOM_SEED_BYTES]);

#endif
