/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * tcp_reopen.h: a SYN for a connection in TIME_WAIT opens a new one, when its sequence number
 * shows that it is new (RFC 9293 section 3.6.1). lwIP alone answers it with an ACK and the client
 * has to wait; a client that opens thousands of connections gets there as soon as its ports have
 * gone round.
 */
#ifndef PINGSHOT_TCP_REOPEN_H
#define PINGSHOT_TCP_REOPEN_H

#include "lwip/err.h"

#include <stdint.h>

struct pbuf;
struct tcp_hdr;
struct tcp_pcb;

/* lwIP's hook, called for a segment of a connection in TIME_WAIT. `header` is in host order, and
 * `p` holds what follows it. ERR_OK: lwIP goes on as usual. Anything else: lwIP drops its
 * reference to `p` and forgets the segment; it has reached the listener already. */
err_t tcp_reopen_input(struct tcp_pcb *pcb, struct tcp_hdr *header, uint16_t options_bytes,
                       uint16_t first_options_bytes, struct pbuf *p);

#endif
