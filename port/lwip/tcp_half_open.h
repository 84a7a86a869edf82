/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * tcp_half_open.h: connections that wait for the third step of their handshake have few places
 * (TCP_DEFAULT_LISTEN_BACKLOG). A client that is gone would keep one for a minute, and a few of
 * them would lock out all others; so one that did not answer in time gives way to a newcomer.
 */
#ifndef PINGSHOT_TCP_HALF_OPEN_H
#define PINGSHOT_TCP_HALF_OPEN_H

#include "lwip/err.h"

struct tcp_pcb;

/* lwIP's hook, called for a segment to `listener`, a listening pcb. Always ERR_OK: lwIP goes on. */
err_t tcp_half_open_make_room(struct tcp_pcb *listener);

#endif
