/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * hooks.h: where lwIP lets a port step in. Included by lwIP itself (LWIP_HOOK_FILENAME).
 */
#ifndef PINGSHOT_LWIP_HOOKS_H
#define PINGSHOT_LWIP_HOOKS_H

#include "net_isn.h"
#include "tcp_reopen.h"

/* A new connection may take the place of one in TIME_WAIT: see tcp_reopen.h. Asked for every
 * segment, so the state is looked at before anything is called. */
#define LWIP_HOOK_TCP_INPACKET_PCB(pcb, hdr, optlen, opt1len, opt2, p) \
    ((pcb)->state == TIME_WAIT ? tcp_reopen_input((pcb), (hdr), (optlen), (opt1len), (p)) : ERR_OK)

#endif
