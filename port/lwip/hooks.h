/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * hooks.h: where lwIP lets a port step in. Included by lwIP itself (LWIP_HOOK_FILENAME).
 */
#ifndef PINGSHOT_LWIP_HOOKS_H
#define PINGSHOT_LWIP_HOOKS_H

#include "net_isn.h"
#include "tcp_half_open.h"
#include "tcp_reopen.h"

/* A new connection may take the place of one in TIME_WAIT (tcp_reopen.h), or of one that does not
 * get past its handshake (tcp_half_open.h). Asked for every segment, so the state is looked at
 * before anything is called. */
#define LWIP_HOOK_TCP_INPACKET_PCB(pcb, hdr, optlen, opt1len, opt2, p)                    \
    ((pcb)->state == TIME_WAIT ? tcp_reopen_input((pcb), (hdr), (optlen), (opt1len), (p)) \
     : (pcb)->state == LISTEN  ? tcp_half_open_make_room((pcb))                           \
                               : ERR_OK)

#endif
