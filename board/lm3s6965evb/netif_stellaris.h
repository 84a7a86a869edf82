/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * netif_stellaris.h: what the driver of the Ethernet controller has beside board_api.h.
 */
#ifndef PINGSHOT_NETIF_STELLARIS_H
#define PINGSHOT_NETIF_STELLARIS_H

/* The controller's interrupt: masks all of them until board_poll has looked. */
void netif_stellaris_interrupt(void);

#endif
