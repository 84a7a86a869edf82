/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * tcp_half_open.c: see tcp_half_open.h.
 */
#include "tcp_half_open.h"

#include "lwip/priv/tcp_priv.h"

#include <stddef.h>

/* The one of this listener that was quiet for longest, of those whose SYN and ACK was sent again
 * already: younger ones are about to answer. */
static struct tcp_pcb *quietest(const struct tcp_pcb_listen *listener) {
    struct tcp_pcb *found = NULL;
    for (struct tcp_pcb *pcb = tcp_active_pcbs; pcb != NULL; pcb = pcb->next) {
        if (pcb->state == SYN_RCVD && pcb->listener == listener && pcb->nrtx > 0 &&
            (found == NULL || tcp_ticks - pcb->tmr > tcp_ticks - found->tmr)) {
            found = pcb;
        }
    }
    return found;
}

err_t tcp_half_open_make_room(struct tcp_pcb *pcb) {
    const struct tcp_pcb_listen *listener = (const struct tcp_pcb_listen *)pcb;
    if (listener->accepts_pending >= listener->backlog) {
        struct tcp_pcb *victim = quietest(listener);
        if (victim != NULL) {
            tcp_abandon(victim, 0);
        }
    }
    return ERR_OK;
}
