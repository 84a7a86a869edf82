/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * limits.h: as on the AN385 image, but for where the Ethernet controller is (Application Note
 * AN500, table 3-1).
 */
#include "../mps2-an385/limits.h"

#define CFG_LAN9118_BASE 0xa0000000u
