/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * netif_lan9118.c: lwIP's netif of an SMSC LAN9118. Frames go straight between lwIP's buffers and
 * the chip's FIFOs, word by word; the interrupt handler only says that there is something to do.
 * Which registers there are is in lan9118.h.
 */
#include "board_api.h"
#include "lan9118.h"

#include "lwip/etharp.h"
#include "lwip/stats.h"
#include "lwip/sys.h"

#include <string.h>

#if !LWIP_IGMP || !LWIP_IPV6_MLD
#error \
    "LWIP_IGMP, LWIP_IPV6_MLD: set 1, the multicast filter learns from them which groups are joined"
#endif

/* Frames taken in one turn of the main loop. */
#define FRAMES_A_TURN 16u

#define MTU_BYTES (CFG_NET_MTU_MAX < 1500 ? CFG_NET_MTU_MAX : 1500)
#define CRC_BYTES 4u
#define FRAME_BYTES_MAX (SIZEOF_ETH_HDR + MTU_BYTES)

/* Frames that wait for room in the TX data FIFO: it holds three full ones, and a connection sends
 * more than that at once. */
#define TX_WAITING_MAX 16u

/* Between two looks at the link. */
#define LINK_MS 250u

#define INTERRUPTS (INT_RSFL | INT_RXE | INT_TXE)

_Static_assert(PBUF_POOL_BUFSIZE % 4 == 0, "CFG_NET_FRAME_BYTES: a multiple of 4");

enum source { RX_STATUS, TX_STATUS, INTERRUPT, DRIVER };

enum driver_counter { DROPPED_BY_CHIP = 1, NO_PBUF = 2, TX_FIFO_FULL = 4 };

/* What is counted: the bit of which word means it. */
static const struct {
    struct board_word name;
    enum source source;
    uint32_t bit;
} counters[] = {
    {BOARD_WORD("rx_drop"), DRIVER, DROPPED_BY_CHIP},
    {BOARD_WORD("rx_no_pbuf"), DRIVER, NO_PBUF},
    {BOARD_WORD("crc_error"), RX_STATUS, RX_STS_CRC_ERROR},
    {BOARD_WORD("length_error"), RX_STATUS, RX_STS_LENGTH_ERROR},
    {BOARD_WORD("runt_frame"), RX_STATUS, RX_STS_RUNT_FRAME},
    {BOARD_WORD("frame_too_long"), RX_STATUS, RX_STS_FRAME_TOO_LONG},
    {BOARD_WORD("collision_seen"), RX_STATUS, RX_STS_COLLISION_SEEN},
    {BOARD_WORD("receive_watchdog_timeout"), RX_STATUS, RX_STS_RECEIVE_WATCHDOG_TIMEOUT},
    {BOARD_WORD("mii_error"), RX_STATUS, RX_STS_MII_ERROR},
    {BOARD_WORD("receiver_error"), INTERRUPT, INT_RXE},
    {BOARD_WORD("tx_fifo_full"), DRIVER, TX_FIFO_FULL},
    {BOARD_WORD("loss_of_carrier"), TX_STATUS, TX_STS_LOSS_OF_CARRIER},
    {BOARD_WORD("no_carrier"), TX_STATUS, TX_STS_NO_CARRIER},
    {BOARD_WORD("late_collision"), TX_STATUS, TX_STS_LATE_COLLISION},
    {BOARD_WORD("excessive_collisions"), TX_STATUS, TX_STS_EXCESSIVE_COLLISIONS},
    {BOARD_WORD("excessive_deferral"), TX_STATUS, TX_STS_EXCESSIVE_DEFERRAL},
    {BOARD_WORD("transmitter_error"), INTERRUPT, INT_TXE},
};

#define COUNTERS (sizeof counters / sizeof counters[0])

enum link_question { LINK_NOT_ASKED, LINK_ASKED_STATUS, LINK_ASKED_PARTNER };

static struct {
    struct netif *netif;
    volatile bool noticed; /* set by the interrupt handler, which has silenced the chip */

    struct pbuf *waiting[TX_WAITING_MAX]; /* a ring, each with a reference of ours */
    uint32_t waiting_first;
    uint32_t waiting_count;

    uint8_t group_users[64]; /* groups joined for each bit of HASHH and HASHL */
    uint32_t duplex;         /* of MAC_CR: FDPX or RCVOWN */

    enum link_question link_question; /* what the PHY is being read for */
    uint32_t link_looked_ms;

    uint32_t totals[COUNTERS];
} chip;

static void add(enum source source, uint32_t bits, uint32_t n) {
    for (size_t i = 0; i < COUNTERS; i++) {
        if (counters[i].source == source && (counters[i].bit & bits) != 0) {
            chip.totals[i] += n;
        }
    }
}

static void count(enum source source, uint32_t bits) {
    add(source, bits, 1);
}

bool board_counter(uint32_t index, struct board_word *name, uint32_t *total) {
    if (index >= COUNTERS) {
        return false;
    }
    *name = counters[index].name;
    *total = chip.totals[index];
    return true;
}

/* ---- receiving --------------------------------------------------------------------------------- */

static void read_words(uint32_t *to, uint32_t words) {
    for (; words >= 8; words -= 8, to += 8) {
        to[0] = LAN9118_READ(RX_DATA_FIFO);
        to[1] = LAN9118_READ(RX_DATA_FIFO);
        to[2] = LAN9118_READ(RX_DATA_FIFO);
        to[3] = LAN9118_READ(RX_DATA_FIFO);
        to[4] = LAN9118_READ(RX_DATA_FIFO);
        to[5] = LAN9118_READ(RX_DATA_FIFO);
        to[6] = LAN9118_READ(RX_DATA_FIFO);
        to[7] = LAN9118_READ(RX_DATA_FIFO);
    }
    for (; words > 0; words--) {
        *to++ = LAN9118_READ(RX_DATA_FIFO);
    }
}

/* RX_DP_CTRL could skip a frame, but not its last four words, and QEMU's loses count of its FIFO
 * then. This is for frames that are lost anyway. */
static void skip_words(uint32_t words) {
    for (; words > 0; words--) {
        (void)LAN9118_READ(RX_DATA_FIFO);
    }
}

/* Takes one frame out of the FIFOs, whose status says that it is there. */
static void receive_frame(void) {
    const uint32_t status = LAN9118_READ(RX_STATUS_FIFO);
    const uint32_t length = RX_STS_PACKET_LENGTH(status);
    const uint32_t words = (LAN9118_RX_OFFSET_BYTES + length + 3u) / 4u;
    if ((status & RX_STS_ES) != 0 || length < SIZEOF_ETH_HDR + CRC_BYTES) {
        count(RX_STATUS, status);
        LINK_STATS_INC(link.err);
        skip_words(words);
        return;
    }
    const u16_t wanted = (u16_t)(LAN9118_RX_OFFSET_BYTES + length - CRC_BYTES);
    struct pbuf *p = pbuf_alloc(PBUF_RAW, wanted, PBUF_POOL);
    if (p == NULL) {
        count(DRIVER, NO_PBUF);
        LINK_STATS_INC(link.memerr);
        skip_words(words);
        return;
    }
    /* A piece holds whole words; only the last may use less of its last one. */
    for (const struct pbuf *q = p; q != NULL; q = q->next) {
        read_words(q->payload, (q->len + 3u) / 4u);
    }
    skip_words(words - (wanted + 3u) / 4u); /* the CRC, or the rest of it */
    pbuf_remove_header(p, LAN9118_RX_OFFSET_BYTES);
    LINK_STATS_INC(link.recv);
    if (chip.netif->input(p, chip.netif) != ERR_OK) {
        pbuf_free(p);
    }
}

/* True when the FIFO is empty. */
static bool receive(void) {
    uint32_t frames = 0;
    for (;;) {
        uint32_t there = RX_FIFO_INF_RXSUSED(LAN9118_READ(RX_FIFO_INF));
        if (there == 0) {
            return true;
        }
        for (; there > 0; there--) {
            if (frames++ == FRAMES_A_TURN) {
                return false;
            }
            receive_frame();
        }
    }
}

/* ---- sending ----------------------------------------------------------------------------------- */

/* Bytes on their way into the FIFO that do not fill a word yet. */
struct tx_word {
    uint32_t bits;
    uint32_t bytes;
};

static uint32_t word_at(const uint8_t *from) {
    uint32_t bits;
    memcpy(&bits, from, sizeof bits); /* one load, wherever it is */
    return bits;
}

static void write_words(const uint8_t *from, uint32_t words) {
    for (; words >= 8; words -= 8, from += 32) {
        LAN9118_WRITE(TX_DATA_FIFO, word_at(from));
        LAN9118_WRITE(TX_DATA_FIFO, word_at(from + 4));
        LAN9118_WRITE(TX_DATA_FIFO, word_at(from + 8));
        LAN9118_WRITE(TX_DATA_FIFO, word_at(from + 12));
        LAN9118_WRITE(TX_DATA_FIFO, word_at(from + 16));
        LAN9118_WRITE(TX_DATA_FIFO, word_at(from + 20));
        LAN9118_WRITE(TX_DATA_FIFO, word_at(from + 24));
        LAN9118_WRITE(TX_DATA_FIFO, word_at(from + 28));
    }
    for (; words > 0; words--, from += 4) {
        LAN9118_WRITE(TX_DATA_FIFO, word_at(from));
    }
}

static void write_bytes(struct tx_word *word, const uint8_t *from, uint32_t n) {
    for (; n > 0; n--) {
        word->bits |= (uint32_t)*from++ << 8u * word->bytes;
        if (++word->bytes == 4) {
            LAN9118_WRITE(TX_DATA_FIFO, word->bits);
            *word = (struct tx_word){0, 0};
        }
    }
}

/* Writes a piece of a frame. A piece need not begin where the one before it ended within a word:
 * its first bytes fill that word up, and its last wait for the next piece. */
static void write_piece(struct tx_word *word, const uint8_t *from, uint32_t n) {
    const uint32_t missing = (4u - word->bytes) % 4u;
    const uint32_t first = n < missing ? n : missing;
    write_bytes(word, from, first);
    from += first;
    n -= first;
    const uint32_t words = n / 4u;
    write_words(from, words);
    write_bytes(word, from + 4u * words, n % 4u);
}

/* Writes a frame into the TX data FIFO as one buffer (data sheet 3.12); false when it has no room
 * for it. The data start offset makes the words of the frame those of its first piece. */
static bool write_frame(const struct pbuf *p) {
    const uint32_t inf = LAN9118_READ(TX_FIFO_INF);
    for (uint32_t i = TX_FIFO_INF_TXSUSED(inf); i > 0; i--) {
        const uint32_t status = LAN9118_READ(TX_STATUS_FIFO);
        if ((status & TX_STS_ES) != 0) {
            count(TX_STATUS, status);
        }
    }
    if (TX_FIFO_INF_TDFREE(inf) < p->tot_len + 16u) { /* two commands, a word before, one behind */
        return false;
    }
    struct tx_word word = {0, (uintptr_t)p->payload % 4u};
    LAN9118_WRITE(TX_DATA_FIFO, TX_CMD_A_DATA_START_OFFSET(word.bytes) | TX_CMD_A_FIRST_SEGMENT |
                                    TX_CMD_A_LAST_SEGMENT | p->tot_len);
    LAN9118_WRITE(TX_DATA_FIFO, p->tot_len);
    for (const struct pbuf *q = p; q != NULL; q = q->next) {
        write_piece(&word, q->payload, q->len);
    }
    if (word.bytes > 0) {
        LAN9118_WRITE(TX_DATA_FIFO, word.bits);
    }
    LINK_STATS_INC(link.xmit);
    return true;
}

/* A frame whose data is its sender's own, and may change when this returns, cannot wait. */
static bool may_wait(const struct pbuf *p) {
    for (const struct pbuf *q = p; q != NULL; q = q->next) {
        if (PBUF_NEEDS_COPY(q)) {
            return false;
        }
    }
    return chip.waiting_count < TX_WAITING_MAX;
}

/* netif->linkoutput */
static err_t send_frame(struct netif *netif, struct pbuf *p) {
    (void)netif;
    if (p->tot_len > FRAME_BYTES_MAX) {
        LINK_STATS_INC(link.lenerr);
        return ERR_BUF;
    }
    if (chip.waiting_count == 0 && write_frame(p)) {
        return ERR_OK;
    }
    if (!may_wait(p)) {
        count(DRIVER, TX_FIFO_FULL);
        LINK_STATS_INC(link.drop);
        return ERR_MEM;
    }
    pbuf_ref(p);
    const uint32_t last = chip.waiting_first + chip.waiting_count++;
    chip.waiting[last % TX_WAITING_MAX] = p;
    return ERR_OK;
}

static void send_waiting(void) {
    while (chip.waiting_count > 0) {
        struct pbuf *p = chip.waiting[chip.waiting_first];
        if (!write_frame(p)) {
            return;
        }
        chip.waiting_first = (chip.waiting_first + 1u) % TX_WAITING_MAX;
        chip.waiting_count--;
        pbuf_free(p);
    }
}

/* ---- multicasts -------------------------------------------------------------------------------- */

static uint32_t hash_word(uint32_t first) {
    uint32_t bits = 0;
    for (uint32_t i = 0; i < 32; i++) {
        bits |= (chip.group_users[first + i] > 0 ? 1u : 0) << i;
    }
    return bits;
}

static void write_hash(void) {
    lan9118_mac_write(HASHH, hash_word(32));
    lan9118_mac_write(HASHL, hash_word(0));
}

static void change_group(const uint8_t mac[ETH_HWADDR_LEN], enum netif_mac_filter_action action) {
    uint8_t *users = &chip.group_users[lan9118_hash(mac)];
    if (action == NETIF_ADD_MAC_FILTER) {
        (*users)++; /* lwIP has fewer groups than would overflow it */
    } else if (*users > 0) {
        (*users)--;
    }
    write_hash();
}

/* RFC 1112 section 6.4 */
static err_t filter_ip4(struct netif *netif, const ip4_addr_t *group,
                        enum netif_mac_filter_action action) {
    (void)netif;
    const uint8_t mac[ETH_HWADDR_LEN] = {LL_IP4_MULTICAST_ADDR_0, LL_IP4_MULTICAST_ADDR_1,
                                         LL_IP4_MULTICAST_ADDR_2, (uint8_t)(ip4_addr2(group) & 127),
                                         ip4_addr3(group),        ip4_addr4(group)};
    change_group(mac, action);
    return ERR_OK;
}

/* RFC 2464 section 7 */
static err_t filter_ip6(struct netif *netif, const ip6_addr_t *group,
                        enum netif_mac_filter_action action) {
    (void)netif;
    uint8_t mac[ETH_HWADDR_LEN] = {LL_IP6_MULTICAST_ADDR_0, LL_IP6_MULTICAST_ADDR_1};
    memcpy(mac + 2, &group->addr[3], 4);
    change_group(mac, action);
    return ERR_OK;
}

/* ---- link -------------------------------------------------------------------------------------- */

static void write_mac_cr(void) {
    lan9118_mac_write(MAC_CR, chip.duplex | MAC_CR_HPFILT | MAC_CR_TXEN | MAC_CR_RXEN);
}

static void link_up(uint32_t partner) {
    chip.duplex = lan9118_phy_full_duplex(partner) ? MAC_CR_FDPX : MAC_CR_RCVOWN;
    write_mac_cr();
    netif_set_link_up(chip.netif);
}

/* The PHY has told its BSR. Returns what to ask next. */
static enum link_question link_status(uint32_t bsr) {
    if ((bsr & BSR_LINK_STATUS) == 0) {
        netif_set_link_down(chip.netif);
    } else if (!netif_is_link_up(chip.netif)) {
        lan9118_phy_ask(ANLPAR);
        return LINK_ASKED_PARTNER;
    }
    return LINK_NOT_ASKED;
}

static void look_at_link(void) {
    if (chip.link_question == LINK_NOT_ASKED) {
        if (sys_now() - chip.link_looked_ms >= LINK_MS) {
            chip.link_looked_ms = sys_now();
            add(DRIVER, DROPPED_BY_CHIP, LAN9118_READ(RX_DROP));
            chip.link_question = LINK_ASKED_STATUS;
            lan9118_phy_ask(BSR);
        }
    } else if (!lan9118_phy_busy()) {
        const uint32_t answer = lan9118_phy_answer();
        if (chip.link_question == LINK_ASKED_STATUS) {
            chip.link_question = link_status(answer);
        } else {
            chip.link_question = LINK_NOT_ASKED;
            link_up(answer);
        }
    }
}

/* ---- start ------------------------------------------------------------------------------------- */

static void start_mac(void) {
    const uint8_t *mac = chip.netif->hwaddr;
    lan9118_mac_write(ADDRL, mac[0] | (uint32_t)mac[1] << 8 | (uint32_t)mac[2] << 16 |
                                 (uint32_t)mac[3] << 24);
    lan9118_mac_write(ADDRH, mac[4] | (uint32_t)mac[5] << 8);
    write_hash();
    write_mac_cr();
    LAN9118_WRITE(INT_EN, INTERRUPTS);
}

/* The chip has an address of its own when its EEPROM (or QEMU) gave it one; without, its registers
 * hold ones. */
static void find_address(struct netif *netif) {
    const uint32_t low = lan9118_mac_read(ADDRL);
    const uint32_t high = lan9118_mac_read(ADDRH);
    if ((low & 1u) != 0 || (low == 0 && (high & 0xffffu) == 0)) {
        return;
    }
    for (uint32_t i = 0; i < 4; i++) {
        netif->hwaddr[i] = (uint8_t)(low >> 8 * i);
    }
    netif->hwaddr[4] = (uint8_t)high;
    netif->hwaddr[5] = (uint8_t)(high >> 8);
}

/* A frame was not written as announced, or read further than it was there (data sheet 3.12.8,
 * 3.13.5): only a reset of the chip brings order into its FIFOs again. The frames in them are
 * lost. */
static void restart(uint32_t interrupts) {
    count(INTERRUPT, interrupts);
    if (lan9118_start()) {
        start_mac();
        chip.link_question = LINK_NOT_ASKED;
    }
}

int8_t board_netif_init(struct netif *netif) {
    chip.netif = netif;
    chip.duplex = MAC_CR_FDPX;
    if (!lan9118_start()) {
        return ERR_IF;
    }
    netif->name[0] = 'e';
    netif->name[1] = 'n';
    netif->mtu = MTU_BYTES;
    netif->hwaddr_len = ETH_HWADDR_LEN;
    netif->flags = NETIF_FLAG_BROADCAST | NETIF_FLAG_ETHARP | NETIF_FLAG_ETHERNET;
    netif->output = etharp_output;
    netif->linkoutput = send_frame;
    find_address(netif);
    netif_set_igmp_mac_filter(netif, filter_ip4);
    netif_set_mld_mac_filter(netif, filter_ip6);
    /* Every node is in this group without joining it (RFC 4291 section 2.8). */
    ip6_addr_t all_nodes;
    ip6_addr_set_allnodes_linklocal(&all_nodes);
    filter_ip6(netif, &all_nodes, NETIF_ADD_MAC_FILTER);
    start_mac();
    lan9118_phy_start();
    chip.link_looked_ms = sys_now() - LINK_MS;
    LAN9118_ENABLE_IRQ(CFG_LAN9118_IRQ);
    return ERR_OK;
}

/* ---- turns of the main loop, and the interrupt --------------------------------------------------- */

bool board_interrupt(uint32_t irq) {
    if (irq == CFG_LAN9118_IRQ) {
        LAN9118_WRITE(INT_EN, 0);
        chip.noticed = true;
    }
    return false;
}

bool board_pending(void) {
    return chip.noticed || chip.waiting_count > 0;
}

void board_poll(void) {
    send_waiting();
    look_at_link();
    if (!chip.noticed) {
        return;
    }
    /* What comes behind this sets it again. */
    const uint32_t interrupts = LAN9118_READ(INT_STS) & INTERRUPTS;
    LAN9118_WRITE(INT_STS, interrupts);
    if ((interrupts & (INT_RXE | INT_TXE)) != 0) {
        restart(interrupts);
    } else if (!receive()) {
        return; /* the rest in the next turn, without an interrupt */
    }
    chip.noticed = false;
    LAN9118_WRITE(INT_EN, INTERRUPTS);
}
