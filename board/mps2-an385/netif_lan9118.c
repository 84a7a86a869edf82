/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * netif_lan9118.c: the LAN9118 of the MPS2 board, not driven yet.
 */
#include "board_api.h"
#include "lwip/err.h"
int8_t board_netif_init(struct netif *netif) {
    (void)netif;
    return ERR_OK;
}
void board_poll(void) {}
bool board_pending(void) {
    return false;
}
bool board_counter(uint32_t index, const char **name, uint32_t *total) {
    (void)index;
    (void)name;
    (void)total;
    return false;
}
void board_interrupt(uint32_t irq) {
    (void)irq;
}
