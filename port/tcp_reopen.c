/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * tcp_reopen.c: see tcp_reopen.h.
 */
#include "tcp_reopen.h"

#include "lwip/def.h"
#include "lwip/ip.h"
#include "lwip/pbuf.h"
#include "lwip/priv/tcp_priv.h"

#include <stdbool.h>

/* A plain SYN beyond everything the old connection has received. */
static bool is_new(const struct tcp_pcb *pcb, const struct tcp_hdr *header) {
    uint8_t flags = TCPH_FLAGS(header);
    return (flags & (TCP_SYN | TCP_ACK | TCP_RST | TCP_FIN)) == TCP_SYN &&
           TCP_SEQ_GT(header->seqno, pcb->rcv_nxt);
}

/* tcp_input has turned these to host order, in the packet itself. */
static void to_network_order(struct tcp_hdr *header) {
    header->src = lwip_htons(header->src);
    header->dest = lwip_htons(header->dest);
    header->seqno = lwip_htonl(header->seqno);
    header->ackno = lwip_htonl(header->ackno);
    header->wnd = lwip_htons(header->wnd);
}

err_t tcp_reopen_input(struct tcp_pcb *pcb, struct tcp_hdr *header, uint16_t options_bytes,
                       uint16_t first_options_bytes, struct pbuf *p) {
    if (!is_new(pcb, header) || first_options_bytes != options_bytes ||
        pbuf_add_header(p, (size_t)TCP_HLEN + options_bytes) != 0) {
        return ERR_OK;
    }
    tcp_abort(pcb); /* in TIME_WAIT this frees it and sends nothing */
    to_network_order(header);
    pbuf_ref(p); /* tcp_input frees one reference, the tcp_input that called us another */
    tcp_input(p, ip_current_input_netif());
    return ERR_ABRT;
}
