/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * lan9118.c: see lan9118.h.
 */
#include "lan9118.h"

/* Of the chip's 16 KiB of FIFO: leaves 4,608 bytes to send and 10,560 to receive. */
#define TX_FIFO_KILOBYTES 5u

/* How often a register that must change is read: more than the 100 ms that the slowest EEPROM
 * takes, even if a read took only ten cycles of 25 MHz. */
#define READY_TRIES 250000u

/* The same for what the chip answers within a few of its clocks (MAC) or in 26 us (PHY). It never
 * takes so many unless it is broken. */
#define ANSWER_TRIES 1000u

#define ADVERTISED \
    (AN_100BASE_TX_FULL | AN_100BASE_TX | AN_10BASE_T_FULL | AN_10BASE_T | AN_SELECTOR)

/* True as soon as `mask` of a register is `value`. */
static bool wait_until(uint32_t offset, uint32_t mask, uint32_t value, uint32_t tries) {
    for (; tries > 0; tries--) {
        if ((LAN9118_READ(offset) & mask) == value) {
            return true;
        }
    }
    return false;
}

bool lan9118_start(void) {
    if (!wait_until(PMT_CTRL, PMT_CTRL_READY, PMT_CTRL_READY, READY_TRIES) ||
        !wait_until(BYTE_TEST, 0xffffffffu, BYTE_TEST_VALUE, 1)) {
        return false;
    }
    LAN9118_WRITE(HW_CFG, HW_CFG_SRST); /* all but the PHY, which keeps its link */
    if (!wait_until(HW_CFG, HW_CFG_SRST, 0, READY_TRIES) ||
        !wait_until(E2P_CMD, E2P_CMD_EPC_BUSY, 0, READY_TRIES)) {
        return false;
    }
    LAN9118_WRITE(HW_CFG, HW_CFG_SF | HW_CFG_TX_FIF_SZ(TX_FIFO_KILOBYTES));
    LAN9118_WRITE(GPIO_CFG, GPIO_CFG_LED_EN);
    LAN9118_WRITE(FIFO_INT, 0); /* already one frame is an interrupt */
    LAN9118_WRITE(RX_CFG, RX_CFG_RXDOFF(LAN9118_RX_OFFSET_BYTES));
    LAN9118_WRITE(TX_CFG, TX_CFG_TX_ON);
    LAN9118_WRITE(IRQ_CFG, IRQ_CFG_IRQ_EN | IRQ_CFG_IRQ_POL | IRQ_CFG_IRQ_TYPE);
    LAN9118_WRITE(INT_STS, 0xffffffffu);
    return true;
}

uint32_t lan9118_mac_read(uint32_t number) {
    wait_until(MAC_CSR_CMD, MAC_CSR_CMD_BUSY, 0, ANSWER_TRIES);
    LAN9118_WRITE(MAC_CSR_CMD, MAC_CSR_CMD_BUSY | MAC_CSR_CMD_READ | number);
    wait_until(MAC_CSR_CMD, MAC_CSR_CMD_BUSY, 0, ANSWER_TRIES);
    return LAN9118_READ(MAC_CSR_DATA);
}

void lan9118_mac_write(uint32_t number, uint32_t value) {
    wait_until(MAC_CSR_CMD, MAC_CSR_CMD_BUSY, 0, ANSWER_TRIES);
    LAN9118_WRITE(MAC_CSR_DATA, value);
    LAN9118_WRITE(MAC_CSR_CMD, MAC_CSR_CMD_BUSY | number);
}

/* IEEE 802.3 3.2.9: the upper 6 bits of the CRC-32, least significant bit of each byte first. */
uint32_t lan9118_hash(const uint8_t mac[6]) {
    uint32_t crc = 0xffffffffu;
    for (uint32_t i = 0; i < 48; i++) {
        const uint32_t bit = (uint32_t)mac[i / 8u] >> i % 8u & 1u;
        crc = crc << 1 ^ ((crc >> 31 ^ bit) != 0 ? 0x04c11db7u : 0);
    }
    return crc >> 26;
}

/* ---- PHY ------------------------------------------------------------------------------------- */

void lan9118_phy_ask(uint32_t number) {
    lan9118_mac_write(MII_ACC, MII_ACC_PHY_ADDR | MII_ACC_MIIRINDA(number) | MII_ACC_MIIBZY);
}

bool lan9118_phy_busy(void) {
    return (lan9118_mac_read(MII_ACC) & MII_ACC_MIIBZY) != 0;
}

uint32_t lan9118_phy_answer(void) {
    return lan9118_mac_read(MII_DATA) & 0xffffu;
}

static void phy_wait(void) {
    for (uint32_t i = 0; i < ANSWER_TRIES && lan9118_phy_busy(); i++) {
    }
}

static uint32_t phy_read(uint32_t number) {
    phy_wait();
    lan9118_phy_ask(number);
    phy_wait();
    return lan9118_phy_answer();
}

static void phy_write(uint32_t number, uint32_t value) {
    phy_wait();
    lan9118_mac_write(MII_DATA, value);
    lan9118_mac_write(MII_ACC, MII_ACC_PHY_ADDR | MII_ACC_MIIRINDA(number) | MII_ACC_MIIWNR |
                                   MII_ACC_MIIBZY);
}

/* One that does is left alone: its link has lived through the reset. */
void lan9118_phy_start(void) {
    if ((phy_read(BCR) & BCR_AUTO_NEG_ENABLE) != 0 && phy_read(ANAR) == ADVERTISED) {
        return;
    }
    phy_write(ANAR, ADVERTISED);
    phy_write(BCR, BCR_AUTO_NEG_ENABLE | BCR_RESTART_AUTO_NEGOTIATE);
}

/* IEEE 802.3 annex 28B.3 */
bool lan9118_phy_full_duplex(uint32_t anlpar) {
    const uint32_t common = ADVERTISED & anlpar;
    if ((common & (AN_100BASE_TX_FULL | AN_100BASE_TX)) != 0) {
        return (common & AN_100BASE_TX_FULL) != 0;
    }
    return (common & AN_10BASE_T_FULL) != 0;
}
