/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * retained.h: what lives through a warm reset, in memory that startup does not clear (.noinit):
 * why the last run ended, how many ended so, and a ratchet that keeps a stream of randomness from
 * being repeated. Guarded by a magic, a version of its layout and a checksum; what does not check
 * out counts as a power-on.
 */
#ifndef PINGSHOT_RETAINED_H
#define PINGSHOT_RETAINED_H

#include "board_api.h"
#include "random.h"
#include "label_value.h"

#include <stdbool.h>
#include <stdint.h>

/* Why a run ended. */
enum retained_cause {
    RETAINED_POWER_ON,  /* memory held nothing of ours */
    RETAINED_EXTERNAL,  /* a reset from outside: pin, debugger, emulator */
    RETAINED_SOFTWARE,  /* asked for */
    RETAINED_WATCHDOG,  /* the main loop stopped */
    RETAINED_FAULT,     /* HardFault and its kin */
    RETAINED_STACK,     /* the stack overflowed */
    RETAINED_ASSERTION, /* a failed assertion, or main returned */
    RETAINED_CAUSES
};

/* A short record of how a run ended, for the next one to report. */
struct retained_end {
    uint32_t cause; /* enum retained_cause */
    uint32_t pc;    /* 0: not known */
    uint32_t lr;
    uint32_t cfsr;     /* Configurable Fault Status Register */
    uint32_t address;  /* that a MemManage or BusFault names; 0: none */
    uint32_t uptime_s; /* of the run */
    char text[80];     /* NUL-terminated; "": none */
};

/* Looks at what the memory holds and counts the reset. `chip` is what the chip says. Once, at
 * start; returns how the run before ended. */
struct retained_end retained_start(enum board_reset_cause chip);

/* Notes how this run ends; a reset must follow. */
void retained_end(const struct retained_end *end);

/* Takes that back: the watchdog warned, but the run goes on. */
void retained_go_on(void);

/* How many resets were of this cause since power came on. */
uint32_t retained_resets(enum retained_cause cause);

/* A word for a label's value. */
struct label_value retained_cause_name(enum retained_cause cause);

/* Mixes what is left of earlier runs into `seed`, and leaves something for the next run that does
 * not tell this seed. `seeded`: the board's source filled it. True when it was, or an earlier run's
 * was and memory has kept what that left since: then `seed` is as good as one. False: it can be
 * guessed, but it is another one than any run had since power came on. After retained_start, once a
 * run. */
bool retained_ratchet(uint8_t seed[RANDOM_SEED_BYTES], bool seeded);

#endif
