/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * board_bare.c: the floor that a scrape on a board is compared with: the very objects of pingshot's
 * port, lwIP and board, and over them a server that answers every request on any connection with
 * one fixed page, which lwIP sends straight from flash. It understands of HTTP only where a request
 * ends. PAGE names the file with the response, head and all; the addresses are those of
 * board_config.h. Only the benchmark runs it.
 */
#include "board_api.h"
#include "board_config.h"
#include "clock.h"
#include "console.h"
#include "core.h"
#include "faults.h"
#include "net_stack.h"
#include "random.h"
#include "systick.h"

#include "lwip/tcp.h"

#include <string.h>

__asm(".section .rodata.page, \"a\"\n"
      ".balign 4\n"
      "page: .incbin \"" PAGE "\"\n"
      "page_end:\n"
      ".previous\n");

extern const char page[];
extern const char page_end[];

/* Of the one connection that the benchmark has open. */
static struct {
    uint32_t sent_bytes;
    bool sending;
    uint8_t matched; /* bytes of the blank line that ends a request */
} now;

size_t console_device_write(const char *bytes, size_t n) {
    return board_log_write(bytes, n);
}

static void send_page(struct tcp_pcb *pcb) {
    const uint32_t page_bytes = (uint32_t)(page_end - page);
    while (now.sending && tcp_sndbuf(pcb) > 0) {
        const uint32_t left = page_bytes - now.sent_bytes;
        const uint16_t n = (uint16_t)(left < tcp_sndbuf(pcb) ? left : tcp_sndbuf(pcb));
        if (tcp_write(pcb, page + now.sent_bytes, n, 0) != ERR_OK) {
            break; /* goes on when some of it is acknowledged */
        }
        now.sent_bytes += n;
        now.sending = now.sent_bytes < page_bytes;
    }
    tcp_output(pcb);
}

static err_t received(void *arg, struct tcp_pcb *pcb, struct pbuf *p, err_t err) {
    static const char blank[] = "\r\n\r\n";
    (void)arg;
    (void)err;
    if (p == NULL) {
        return tcp_close(pcb);
    }
    for (const struct pbuf *q = p; q != NULL; q = q->next) {
        const char *bytes = q->payload;
        for (uint32_t i = 0; i < q->len; i++) {
            now.matched = bytes[i] == blank[now.matched] ? now.matched + 1 : bytes[i] == '\r';
            if (now.matched == 4) {
                now.matched = 0;
                now.sent_bytes = 0;
                now.sending = true;
            }
        }
    }
    tcp_recved(pcb, p->tot_len);
    pbuf_free(p);
    send_page(pcb);
    return ERR_OK;
}

static err_t acknowledged(void *arg, struct tcp_pcb *pcb, u16_t n) {
    (void)arg;
    (void)n;
    send_page(pcb);
    return ERR_OK;
}

static err_t accepted(void *arg, struct tcp_pcb *pcb, err_t err) {
    (void)arg;
    if (err != ERR_OK || pcb == NULL) {
        return ERR_VAL;
    }
    memset(&now, 0, sizeof now);
    tcp_nagle_disable(pcb);
    tcp_recv(pcb, received);
    tcp_sent(pcb, acknowledged);
    return ERR_OK;
}

int main(void) {
    static struct random rng;
    static struct netif netif;
    static const uint8_t seed[RANDOM_SEED_BYTES] = {1}; /* nothing secret here */
    const struct net_stack_address address = {
        .address = CFG_BOARD_ADDRESS, .netmask = CFG_BOARD_NETMASK, .gateway = CFG_BOARD_GATEWAY};

    systick_start(board_init());
    random_seed(&rng, seed);
    net_stack_init(&(struct net_stack_config){.rng = &rng, .fatal = faults_trap});
    struct tcp_pcb *pcb = tcp_new();
    if (pcb == NULL || tcp_bind(pcb, IP_ANY_TYPE, CFG_BOARD_PORT) != ERR_OK ||
        (pcb = tcp_listen(pcb)) == NULL) {
        faults_trap("cannot listen");
    }
    tcp_accept(pcb, accepted);
    if (!net_stack_add(&netif, &address, board_netif_init, NULL, "bare")) {
        faults_trap("cannot start the network interface");
    }
    for (;;) {
        board_poll();
        net_stack_poll();
        board_watchdog_kick();
        core_mask_interrupts();
        if (!board_pending()) {
            core_wait_for_interrupt();
        }
        core_unmask_interrupts();
    }
}
