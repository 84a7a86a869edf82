/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * netif_stellaris.c: lwIP's interface to the Ethernet controller of the LM3S6965 (data sheet,
 * chapter Ethernet Controller). It has no DMA: a frame goes word by word between its FIFO and
 * lwIP's pbufs, once, from the main loop. Frames that others' multicast groups get end here.
 *
 * Each frame in a FIFO begins with a word whose lower half is its length and whose upper half has
 * the frame's first two bytes. lwIP's two bytes of padding in front of a frame (ETH_PAD_SIZE) hold
 * that length here, so all that follows is aligned.
 */
#include "board_api.h"
#include "lm3s6965.h"
#include "netif_stellaris.h"

#include "lwip/etharp.h"
#include "lwip/ethip6.h"
#include "lwip/igmp.h"
#include "lwip/mld6.h"
#include "lwip/netif.h"
#include "lwip/sys.h"
#include "netif/ethernet.h"

#include <string.h>

_Static_assert(ETH_PAD_SIZE == 2, "CFG_NET_ETH_PAD_BYTES: 2, the length word's half goes there");
_Static_assert(CFG_NET_FRAME_BYTES % 4 == 0, "CFG_NET_FRAME_BYTES: a multiple of 4, whole words");

#define LENGTH_BYTES 2u /* of the length itself, at the front */
#define FCS_BYTES 4u
#define HEADER_BYTES 14u
#define FRAME_BYTES_MAX 1518u /* a VLAN's tag included, FCS not */

/* Frames taken in before timers and the application have their turn again. */
#define FRAMES_A_TURN 8u

/* Frames that wait while another one is being sent. TCP's whole window of two connections. */
#define TX_WAITING_MAX 8u

#define LINK_POLL_MS 250u

#define INTERRUPTS (MAC_RXINT | MAC_TXER | MAC_FOV | MAC_RXER)

enum counter {
    COUNT_RXER,
    COUNT_FOV,
    COUNT_LENGTH,
    COUNT_NO_PBUF,
    COUNT_TXER,
    COUNT_TX_FULL,
};

static const struct board_word counter_names[] = {
    [COUNT_RXER] = BOARD_WORD("rxer"),           /* a receive error, as the MAC tells */
    [COUNT_FOV] = BOARD_WORD("fov"),             /* receive FIFO overrun: a frame did not fit */
    [COUNT_LENGTH] = BOARD_WORD("length_error"), /* a length that no frame has */
    [COUNT_NO_PBUF] = BOARD_WORD("rx_no_pbuf"),  /* no memory for a frame */
    [COUNT_TXER] = BOARD_WORD("txer"),           /* a transmit error, as the MAC tells */
    [COUNT_TX_FULL] = BOARD_WORD("tx_dropped"),  /* and too many frames waited for it */
};

#define COUNTERS (sizeof counter_names / sizeof counter_names[0])

static struct {
    struct netif *netif;
    struct pbuf *waiting[TX_WAITING_MAX]; /* to be sent, a ring */
    uint8_t waiting_first;
    uint8_t waiting_count;
    bool link_asked;         /* a read of a PHY register is under way */
    uint8_t link_register;   /* which one */
    uint32_t link_polled_ms; /* when the last one began */
    uint32_t counters[COUNTERS];
} mac;

static volatile bool interrupted; /* and all interrupts of the controller are masked */

/* ---- sending ------------------------------------------------------------------------------ */

/* Words for the transmit FIFO, made of pieces of any length and alignment. */
struct fifo_writer {
    uint32_t carry;      /* bytes that are no word yet, the first one lowest */
    uint32_t carry_bits; /* 0, 8, 16 or 24 */
};

static void fifo_write_byte(struct fifo_writer *w, uint8_t byte) {
    w->carry |= (uint32_t)byte << w->carry_bits;
    w->carry_bits += 8;
    if (w->carry_bits == 32) {
        LM3S_WRITE(MACDATA, w->carry);
        *w = (struct fifo_writer){0};
    }
}

/* Bytes until no word is begun; then whole words, which the processor reads at any address. */
static void fifo_write(struct fifo_writer *w, const uint8_t *bytes, uint32_t n) {
    for (; n > 0 && w->carry_bits != 0; n--) {
        fifo_write_byte(w, *bytes++);
    }
    for (; n >= 4; n -= 4, bytes += 4) {
        uint32_t word;
        memcpy(&word, bytes, 4);
        LM3S_WRITE(MACDATA, word);
    }
    for (; n > 0; n--) {
        fifo_write_byte(w, *bytes++);
    }
}

/* The transmit FIFO holds one frame. Its length there leaves out the header. */
static void send(const struct pbuf *p) {
    struct fifo_writer w = {.carry = p->tot_len - (ETH_PAD_SIZE + HEADER_BYTES),
                            .carry_bits = 8 * LENGTH_BYTES};
    fifo_write(&w, (const uint8_t *)p->payload + ETH_PAD_SIZE, p->len - ETH_PAD_SIZE);
    for (p = p->next; p != NULL; p = p->next) {
        fifo_write(&w, p->payload, p->len);
    }
    if (w.carry_bits > 0) {
        LM3S_WRITE(MACDATA, w.carry);
    }
    LM3S_WRITE(MACTR, MACTR_NEWTX);
}

/* A transmit error has to be acknowledged first, since that empties the FIFO. */
static bool can_send(void) {
    return (LM3S_READ(MACTR) & MACTR_NEWTX) == 0 && (LM3S_READ(MACRIS) & MAC_TXER) == 0;
}

static void send_waiting(void) {
    while (mac.waiting_count > 0 && can_send()) {
        struct pbuf *p = mac.waiting[mac.waiting_first];
        mac.waiting_first = (uint8_t)((mac.waiting_first + 1u) % TX_WAITING_MAX);
        mac.waiting_count--;
        send(p);
        pbuf_free(p);
    }
}

/* TCP does not touch a segment as long as somebody else has a reference to it. */
static err_t linkoutput(struct netif *netif, struct pbuf *p) {
    (void)netif;
    if (mac.waiting_count == 0 && can_send()) {
        send(p);
        return ERR_OK;
    }
    if (mac.waiting_count == TX_WAITING_MAX) {
        mac.counters[COUNT_TX_FULL]++;
        return ERR_MEM;
    }
    pbuf_ref(p);
    mac.waiting[(mac.waiting_first + mac.waiting_count) % TX_WAITING_MAX] = p;
    mac.waiting_count++;
    if (!interrupted) { /* if one comes right here it masks all once more */
        LM3S_WRITE(MACIM, INTERRUPTS | MAC_TXEMP);
    }
    return ERR_OK;
}

/* ---- receiving ---------------------------------------------------------------------------- */

/* IPv4 multicast (RFC 1112 section 6.4): 01:00:5e and 23 bits of the group. The memberships are
 * lwIP's own lists, so the filter is always what they are. */
static bool joined_ip4(const uint8_t address[6]) {
    for (const struct igmp_group *g = netif_igmp_data(mac.netif); g != NULL; g = g->next) {
        if (ip4_addr2(&g->group_address) % 128u == address[3] &&
            ip4_addr3(&g->group_address) == address[4] &&
            ip4_addr4(&g->group_address) == address[5]) {
            return true;
        }
    }
    return false;
}

/* IPv6 multicast (RFC 2464 section 7): 33:33 and the last four bytes of the group. All nodes is
 * nobody's to join. */
static bool joined_ip6(const uint8_t address[6]) {
    static const uint8_t all_nodes[4] = {0, 0, 0, 1};
    if (memcmp(&address[2], all_nodes, 4) == 0) {
        return true;
    }
    for (const struct mld_group *g = netif_mld6_data(mac.netif); g != NULL; g = g->next) {
        if (memcmp(&address[2], &g->group_address.addr[3], 4) == 0) {
            return true;
        }
    }
    return false;
}

/* What the MAC's filter lets through is our own address, broadcasts and all multicasts; an
 * emulated one lets all through. */
static bool is_for_us(const uint8_t address[6]) {
    if ((address[0] & 1u) == 0) {
        return memcmp(address, mac.netif->hwaddr, 6) == 0;
    }
    if (address[0] == LL_IP4_MULTICAST_ADDR_0 && address[1] == LL_IP4_MULTICAST_ADDR_1 &&
        address[2] == LL_IP4_MULTICAST_ADDR_2) {
        return joined_ip4(address);
    }
    if (address[0] == LL_IP6_MULTICAST_ADDR_0 && address[1] == LL_IP6_MULTICAST_ADDR_1) {
        return joined_ip6(address);
    }
    return memcmp(address, &ethbroadcast, 6) == 0;
}

static void fifo_skip(uint32_t words) {
    while (words-- > 0) {
        (void)LM3S_READ(MACDATA);
    }
}

/* Fills a chain with the frame whose first `have` words are in `head` already. All its pbufs but
 * the last are whole words long. Returns the words taken out of the FIFO. */
static uint32_t fifo_read(struct pbuf *p, const uint32_t *head, uint32_t have) {
    uint32_t words = 0;
    for (; p != NULL; p = p->next) {
        uint8_t *to = p->payload;
        uint32_t n = p->len;
        for (; n >= 4; n -= 4, to += 4) {
            const uint32_t word = words < have ? head[words] : LM3S_READ(MACDATA);
            words++;
            memcpy(to, &word, 4);
        }
        if (n > 0) {
            const uint32_t word = LM3S_READ(MACDATA);
            words++;
            memcpy(to, &word, n);
        }
    }
    return words;
}

static struct pbuf *new_chain(uint32_t bytes) {
    struct pbuf *p = pbuf_alloc(PBUF_RAW, (u16_t)bytes, PBUF_POOL);
    if (p == NULL) {
        mac.counters[COUNT_NO_PBUF]++;
    }
    return p;
}

/* What the FIFO says makes no sense: starts again with an empty one. The receiver has to be off
 * for that. */
static void reset_fifo(void) {
    const uint32_t control = LM3S_READ(MACRCTL);
    LM3S_WRITE(MACRCTL, control & ~MACRCTL_RXEN);
    LM3S_WRITE(MACRCTL, (control & ~MACRCTL_RXEN) | MACRCTL_RSTFIFO);
    LM3S_WRITE(MACRCTL, control);
}

/* Takes one frame out of the receive FIFO. Its length there counts itself and the FCS. */
static void receive(void) {
    uint32_t head[2] = {0};
    head[0] = LM3S_READ(MACDATA);
    head[1] = LM3S_READ(MACDATA);
    const uint32_t length = head[0] & 0xffffu;
    const uint32_t words = (length + 3) / 4;
    if (length < LENGTH_BYTES + HEADER_BYTES + FCS_BYTES) {
        mac.counters[COUNT_LENGTH]++;
        reset_fifo();
        return;
    }
    const uint32_t bytes = length - FCS_BYTES; /* of them two are lwIP's padding */
    if (bytes > LENGTH_BYTES + FRAME_BYTES_MAX) {
        mac.counters[COUNT_LENGTH]++;
        fifo_skip(words - 2);
        return;
    }
    struct pbuf *p = NULL;
    if (is_for_us((const uint8_t *)head + LENGTH_BYTES)) {
        p = new_chain(bytes);
    }
    fifo_skip(words - (p == NULL ? 2 : fifo_read(p, head, 2)));
    if (p == NULL) {
        return;
    }
    if (mac.netif->input(p, mac.netif) != ERR_OK) {
        pbuf_free(p);
    }
}

/* ---- link state --------------------------------------------------------------------------- */

static void ask_phy(uint8_t management_register) {
    mac.link_asked = true;
    mac.link_register = management_register;
    mac.link_polled_ms = sys_now();
    LM3S_WRITE(MACMCTL, MACMCTL_REGADR((uint32_t)management_register) | MACMCTL_START);
}

/* The MAC has to be told what duplex the PHY has agreed on. */
static void link_is_up(uint32_t diagnostic) {
    if ((diagnostic & PHY_MR18_DPLX) != 0) {
        LM3S_SET(MACTCTL, MACTCTL_DUPLEX);
    } else {
        LM3S_WRITE(MACTCTL, LM3S_READ(MACTCTL) & ~MACTCTL_DUPLEX);
    }
    netif_set_link_up(mac.netif);
}

/* A PHY says what it is capable of in MR1: it is never 0, unless there is none, as in an emulator.
 * Then there is no knowing, and the link passes for up. */
static void link_answer(uint32_t value) {
    if (mac.link_register == PHY_MR18) {
        link_is_up(value);
    } else if (value != 0 && (value & PHY_MR1_LINK) == 0) {
        netif_set_link_down(mac.netif);
    } else if (!netif_is_link_up(mac.netif)) {
        ask_phy(PHY_MR18);
    }
}

/* A read takes 64 bits at 2.5 MHz: nobody waits for it. */
static void poll_link(void) {
    if (mac.link_asked) {
        if ((LM3S_READ(MACMCTL) & MACMCTL_START) == 0) {
            mac.link_asked = false;
            link_answer(LM3S_READ(MACMRXD));
        }
    } else if (sys_now() - mac.link_polled_ms >= LINK_POLL_MS) {
        ask_phy(PHY_MR1);
    }
}

/* ---- board_api.h -------------------------------------------------------------------------- */

static uint32_t waiting_frames(void) {
    return LM3S_READ(MACNP) & MACNP_NPR;
}

/* An event that came several times since the last look counts once. */
static void take_events(void) {
    const uint32_t events = LM3S_READ(MACRIS) & (INTERRUPTS | MAC_TXEMP);
    LM3S_WRITE(MACIACK, events); /* with TXER, also empties the transmit FIFO */
    mac.counters[COUNT_RXER] += (events & MAC_RXER) != 0;
    mac.counters[COUNT_FOV] += (events & MAC_FOV) != 0;
    mac.counters[COUNT_TXER] += (events & MAC_TXER) != 0;
}

static void receive_some(void) {
    for (uint32_t i = 0; i < FRAMES_A_TURN && waiting_frames() > 0; i++) {
        receive();
    }
    if (waiting_frames() == 0) {
        interrupted = false;
        LM3S_WRITE(MACIM, INTERRUPTS | (mac.waiting_count > 0 ? MAC_TXEMP : 0));
    }
}

/* Frames that wait are looked after without an interrupt, too: TXEMP may have been acknowledged
 * while NEWTX was still set. */
void board_poll(void) {
    poll_link();
    if (interrupted) {
        take_events(); /* before the frames are: one that comes behind them interrupts again */
    }
    send_waiting();
    if (interrupted) {
        receive_some();
    }
}

bool board_pending(void) {
    return interrupted;
}

bool board_counter(uint32_t index, struct board_word *name, uint32_t *total) {
    if (index >= COUNTERS) {
        return false;
    }
    *name = counter_names[index];
    *total = mac.counters[index];
    return true;
}

void netif_stellaris_interrupt(void) {
    LM3S_WRITE(MACIM, 0);
    interrupted = true;
}

/* ---- start -------------------------------------------------------------------------------- */

/* Six bytes that the manufacturer of the board programmed, if they are there. */
static bool address_of_chip(uint8_t address[6]) {
    const uint32_t first = LM3S_READ(SYSCTL_USER_REG0);
    const uint32_t second = LM3S_READ(SYSCTL_USER_REG1);
    if ((first & 0xffffffu) == 0xffffffu || (first & 1u) != 0 || (first | second) == 0) {
        return false;
    }
    for (uint32_t i = 0; i < 3; i++) {
        address[i] = (uint8_t)(first >> 8 * i);
        address[3 + i] = (uint8_t)(second >> 8 * i);
    }
    return true;
}

/* After a warm reset an emulated FIFO still holds frames, and the emulator only offers more to one
 * that was read empty. */
static void empty_fifo(void) {
    while (waiting_frames() > 0) {
        (void)LM3S_READ(MACDATA);
    }
}

static void start_mac(const uint8_t address[6]) {
    LM3S_WRITE(MACIM, 0);
    LM3S_WRITE(MACRCTL, MACRCTL_RSTFIFO);
    LM3S_WRITE(MACMDV, LM3S_CPU_HZ / 2u / 2500000u - 1u);
    LM3S_WRITE(MACIA0, address[0] | (uint32_t)address[1] << 8 | (uint32_t)address[2] << 16 |
                           (uint32_t)address[3] << 24);
    LM3S_WRITE(MACIA1, address[4] | (uint32_t)address[5] << 8);
    LM3S_WRITE(MACTCTL, MACTCTL_DUPLEX | MACTCTL_CRC | MACTCTL_PADEN | MACTCTL_TXEN);
    LM3S_WRITE(MACRCTL, MACRCTL_BADCRC | MACRCTL_AMUL | MACRCTL_RXEN);
    LM3S_WRITE(MACIACK, LM3S_READ(MACRIS));
    LM3S_WRITE(MACIM, INTERRUPTS);
    LM3S_WRITE(NVIC_ISER(IRQ_ETHERNET / 32u), 1u << IRQ_ETHERNET % 32u);
}

int8_t board_netif_init(struct netif *netif) {
    mac.netif = netif;
    netif->name[0] = 'e';
    netif->name[1] = 'n';
    netif->mtu = 1500;
    netif->flags |= NETIF_FLAG_BROADCAST | NETIF_FLAG_ETHARP | NETIF_FLAG_ETHERNET |
                    NETIF_FLAG_IGMP | NETIF_FLAG_MLD6;
    netif->output = etharp_output;
    netif->output_ip6 = ethip6_output;
    netif->linkoutput = linkoutput;
    netif->hwaddr_len = ETH_HWADDR_LEN;
    address_of_chip(netif->hwaddr);
    empty_fifo();
    start_mac(netif->hwaddr);
    ask_phy(PHY_MR1);
    return ERR_OK;
}
