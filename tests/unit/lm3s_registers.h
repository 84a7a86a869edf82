/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * lm3s_registers.h: the LM3S6965's registers, read from and written to a test's own model of them.
 * Include it before the code that is tested.
 */
#ifndef PINGSHOT_TESTS_LM3S_REGISTERS_H
#define PINGSHOT_TESTS_LM3S_REGISTERS_H

#include <stdint.h>

static uint32_t model_read(uint32_t address);
static void model_write(uint32_t address, uint32_t value);

#define LM3S_READ(address) model_read(address)
#define LM3S_WRITE(address, value) model_write(address, value)

#include "../../board/lm3s6965evb/lm3s6965.h"

#endif
