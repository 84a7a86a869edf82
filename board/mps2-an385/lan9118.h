/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * lan9118.h: the LAN9118 as its data sheet has it (SMSC LAN9118, revision 1.5; the LAN9220 of an
 * MPS2 board has the same registers): its registers by name, and how to get at those of its MAC
 * and its PHY. Frames and lwIP are netif_lan9118.c's.
 */
#ifndef PINGSHOT_LAN9118_H
#define PINGSHOT_LAN9118_H

#include <stdbool.h>
#include <stdint.h>

/* Where the board has it; a board's limits.h may say otherwise. */
#ifndef CFG_LAN9118_BASE
#define CFG_LAN9118_BASE 0x40200000u
#endif
#ifndef CFG_LAN9118_IRQ
#define CFG_LAN9118_IRQ 13u
#endif

/* A unit test puts a model of the chip behind these three. */
#ifndef LAN9118_READ
#define LAN9118_REGISTER(address) (*(volatile uint32_t *)(address))
#define LAN9118_READ(offset) LAN9118_REGISTER(CFG_LAN9118_BASE + (offset))
#define LAN9118_WRITE(offset, value) (LAN9118_READ(offset) = (value))
/* Armv7-M Architecture Reference Manual B3.4.4, NVIC_ISERn */
#define LAN9118_ENABLE_IRQ(irq) \
    (LAN9118_REGISTER(0xe000e100u + (irq) / 32u * 4u) = 1u << (irq) % 32u)
#endif

/* The RX data FIFO gives each frame with two bytes before it, so that what is behind its Ethernet
 * header lies on a word boundary. */
#define LAN9118_RX_OFFSET_BYTES 2u

/* ---- functions ----------------------------------------------------------------------------------- */

/* Resets and sets up the chip, its interrupts off and its MAC not started. Waits for it, a few
 * milliseconds when it has an EEPROM. False when it does not answer. */
bool lan9118_start(void);

/* Reads and writes a register of the MAC. */
uint32_t lan9118_mac_read(uint32_t number);
void lan9118_mac_write(uint32_t number, uint32_t value);

/* Reading a register of the PHY takes 26 us on its serial bus: ask for it, and fetch the answer
 * when it is no longer busy. */
void lan9118_phy_ask(uint32_t number);
bool lan9118_phy_busy(void);
uint32_t lan9118_phy_answer(void);

/* Has the PHY negotiate with its partner, unless it does. Waits for its registers, some 100 us. */
void lan9118_phy_start(void);

/* True when what both ends can do best, by the partner's ANLPAR, is full duplex. */
bool lan9118_phy_full_duplex(uint32_t anlpar);

/* Which bit of HASHH (32..63) and HASHL (0..31) stands for a multicast address. */
uint32_t lan9118_hash(const uint8_t mac[6]);

/* ---- data and status FIFOs ------------------------------------------------------------------- */

#define RX_DATA_FIFO 0x00u
#define TX_DATA_FIFO 0x20u
#define RX_STATUS_FIFO 0x40u
#define TX_STATUS_FIFO 0x48u

/* First words of a frame in the TX data FIFO. */
#define TX_CMD_A_DATA_START_OFFSET(bytes) ((uint32_t)(bytes) << 16)
#define TX_CMD_A_FIRST_SEGMENT (1u << 13)
#define TX_CMD_A_LAST_SEGMENT (1u << 12)

/* A word of the RX status FIFO: a frame that came. */
#define RX_STS_PACKET_LENGTH(status) ((status) >> 16 & 0x3fffu) /* with its CRC */
#define RX_STS_ES (1u << 15)                                    /* one of the errors below */
#define RX_STS_LENGTH_ERROR (1u << 12)
#define RX_STS_RUNT_FRAME (1u << 11)
#define RX_STS_FRAME_TOO_LONG (1u << 7)
#define RX_STS_COLLISION_SEEN (1u << 6)
#define RX_STS_RECEIVE_WATCHDOG_TIMEOUT (1u << 4)
#define RX_STS_MII_ERROR (1u << 3)
#define RX_STS_CRC_ERROR (1u << 1)

/* A word of the TX status FIFO: a frame that was sent, or not. */
#define TX_STS_ES (1u << 15)
#define TX_STS_LOSS_OF_CARRIER (1u << 11)
#define TX_STS_NO_CARRIER (1u << 10)
#define TX_STS_LATE_COLLISION (1u << 9)
#define TX_STS_EXCESSIVE_COLLISIONS (1u << 8)
#define TX_STS_EXCESSIVE_DEFERRAL (1u << 2)

/* ---- system registers -------------------------------------------------------------------------- */

#define IRQ_CFG 0x54u
#define IRQ_CFG_IRQ_EN (1u << 8)
#define IRQ_CFG_IRQ_POL (1u << 4)  /* active high */
#define IRQ_CFG_IRQ_TYPE (1u << 0) /* push-pull */

#define INT_STS 0x58u
#define INT_EN 0x5cu
#define INT_RXE (1u << 14)
#define INT_TXE (1u << 13)
#define INT_RSFL (1u << 3) /* more in the RX status FIFO than FIFO_INT says */

#define BYTE_TEST 0x64u
#define BYTE_TEST_VALUE 0x87654321u

#define FIFO_INT 0x68u /* its lowest byte is RX_STS_LEVEL */

#define RX_CFG 0x6cu
#define RX_CFG_RXDOFF(bytes) ((uint32_t)(bytes) << 8)

#define TX_CFG 0x70u
#define TX_CFG_TX_ON (1u << 1)

#define HW_CFG 0x74u
#define HW_CFG_SF (1u << 20) /* store and forward */
#define HW_CFG_TX_FIF_SZ(kilobytes) ((uint32_t)(kilobytes) << 16)
#define HW_CFG_SRST (1u << 0)

#define RX_FIFO_INF 0x7cu
#define RX_FIFO_INF_RXSUSED(inf) ((inf) >> 16 & 0xffu)

#define TX_FIFO_INF 0x80u
#define TX_FIFO_INF_TXSUSED(inf) ((inf) >> 16 & 0xffu)
#define TX_FIFO_INF_TDFREE(inf) ((inf)&0xffffu) /* bytes */

#define PMT_CTRL 0x84u
#define PMT_CTRL_READY (1u << 0)

#define GPIO_CFG 0x88u
#define GPIO_CFG_LED_EN (7u << 28)

#define RX_DROP 0xa0u /* frames for which the FIFO had no room; reading clears it */

#define MAC_CSR_CMD 0xa4u
#define MAC_CSR_CMD_BUSY (1u << 31)
#define MAC_CSR_CMD_READ (1u << 30)
#define MAC_CSR_DATA 0xa8u

#define E2P_CMD 0xb0u
#define E2P_CMD_EPC_BUSY (1u << 31)

/* ---- MAC registers, behind MAC_CSR_CMD ----------------------------------------------------------- */

#define MAC_CR 1u
#define MAC_CR_RCVOWN (1u << 23) /* hears not what it sends itself: half duplex */
#define MAC_CR_FDPX (1u << 20)
#define MAC_CR_HPFILT (1u << 13) /* multicasts by hash, unicasts by address */
#define MAC_CR_TXEN (1u << 3)
#define MAC_CR_RXEN (1u << 2)

#define ADDRH 2u
#define ADDRL 3u
#define HASHH 4u
#define HASHL 5u

#define MII_ACC 6u
#define MII_ACC_PHY_ADDR (1u << 11) /* the internal PHY's is 1 */
#define MII_ACC_MIIRINDA(number) ((uint32_t)(number) << 6)
#define MII_ACC_MIIWNR (1u << 1)
#define MII_ACC_MIIBZY (1u << 0)
#define MII_DATA 7u

/* ---- PHY registers, behind MII_ACC (also IEEE 802.3 clause 22) ------------------------------------ */

#define BCR 0u
#define BCR_AUTO_NEG_ENABLE (1u << 12)
#define BCR_RESTART_AUTO_NEGOTIATE (1u << 9)

#define BSR 1u
#define BSR_LINK_STATUS (1u << 2)

#define ANAR 4u
#define ANLPAR 5u
#define AN_100BASE_TX_FULL (1u << 8)
#define AN_100BASE_TX (1u << 7)
#define AN_10BASE_T_FULL (1u << 6)
#define AN_10BASE_T (1u << 5)
#define AN_SELECTOR 1u /* IEEE 802.3 */

#endif
