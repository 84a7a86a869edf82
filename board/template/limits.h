/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * limits.h: the capacities of this board. These are for 256 KiB of RAM: put your own in their
 * place; app/config.h and port/lwip/lwipopts.h say what each one means and costs, and /metrics
 * which table was ever how full.
 */
#include "../mps2-an385/limits.h"
