/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * glue.h: what a simulated machine has in place of hardware: clocks, and a network interface that
 * takes and gives IP packets. In each shared object once.
 */
#ifndef PINGSHOT_SIM_GLUE_H
#define PINGSHOT_SIM_GLUE_H

#include "random.h"
#include "sim_api.h"

extern struct random glue_random;

/* Starts lwIP with one interface. */
void glue_start(const struct sim_world *world, const uint8_t seed[SIM_SEED_BYTES],
                uint32_t address);

/* As sim_machine wants them. */
bool glue_receive(const void *packet, uint32_t bytes);
uint32_t glue_sleep_ms(uint32_t max_ms);

/* Ends the simulation. */
_Noreturn void glue_fatal(const char *line);

#endif
