/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * limits.h: as on the AN385 image.
 */
#include "../mps2-an385/limits.h"
