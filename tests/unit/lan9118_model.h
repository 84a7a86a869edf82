/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * lan9118_model.h: a LAN9118 as its data sheet describes it, for the test of its driver: FIFOs
 * that fill up, frames that are checked word by word as they come in, a filter, a PHY behind the
 * MAC. Everything is static here: include it once, in the test's own file, before the driver.
 */
#ifndef PINGSHOT_TESTS_LAN9118_MODEL_H
#define PINGSHOT_TESTS_LAN9118_MODEL_H

#include "driver_model.h"

static uint32_t model_read(uint32_t offset);
static void model_write(uint32_t offset, uint32_t value);
static void model_enable_irq(uint32_t irq);

#define LAN9118_READ(offset) model_read(offset)
#define LAN9118_WRITE(offset, value) model_write(offset, value)
#define LAN9118_ENABLE_IRQ(irq) model_enable_irq(irq)

#include "../../board/mps2-an385/lan9118.h"

#define MODEL_RX_WORDS 2640u /* 10,560 bytes */
#define MODEL_RX_FRAMES 176u /* 704 bytes of status */
#define MODEL_TX_BYTES 4608u

static struct {
    bool absent;        /* not a LAN9118 */
    bool busy;          /* never ready */
    bool wire_is_slow;  /* what is sent stays in the FIFO */
    uint32_t tx_errors; /* bits for the status of each frame sent */
    uint8_t eeprom[6];  /* the address in it; ones: no EEPROM */

    uint32_t registers[64];
    uint32_t mac[16];
    uint32_t phy[32];
    uint32_t resets;
    uint32_t irq_enabled; /* number + 1 */

    uint32_t rx_words[MODEL_RX_WORDS]; /* a ring */
    uint32_t rx_first;
    uint32_t rx_count;
    uint32_t rx_statuses[MODEL_RX_FRAMES]; /* another */
    uint32_t rx_status_first;
    uint32_t rx_status_count;
    uint32_t rx_drop;

    uint32_t tx_commands; /* 0 to 2 of the buffer's have come */
    uint32_t tx_command_a;
    uint32_t tx_words; /* of the buffer that are to come */
    uint32_t tx_offset;
    uint32_t tx_left;     /* bytes of the buffer that are to come */
    uint32_t tx_held;     /* bytes of the FIFO in use */
    uint32_t tx_statuses; /* in its FIFO */
    struct model_frame sent[MODEL_SENT_MAX];
    uint32_t sent_count;
} model;

static void model_reset(void) {
    model.resets++;
    memset(model.registers, 0, sizeof model.registers);
    memset(model.mac, 0, sizeof model.mac);
    model.mac[MAC_CR] = 1u << 18; /* promiscuous */
    model.mac[ADDRL] = (uint32_t)model.eeprom[0] | (uint32_t)model.eeprom[1] << 8 |
                       (uint32_t)model.eeprom[2] << 16 | (uint32_t)model.eeprom[3] << 24;
    model.mac[ADDRH] = (uint32_t)model.eeprom[4] | (uint32_t)model.eeprom[5] << 8;
    model.rx_count = 0;
    model.rx_status_count = 0;
    model.rx_drop = 0;
    model.tx_commands = 0;
    model.tx_held = 0;
    model.tx_statuses = 0;
}

/* Power comes on, with the cable in. */
static inline void model_power_on(void) {
    memset(&model, 0, sizeof model);
    memset(model.eeprom, 0xff, sizeof model.eeprom);
    model_reset();
    model.resets = 0;
    model.phy[BCR] = BCR_AUTO_NEG_ENABLE;
    model.phy[BSR] = BSR_LINK_STATUS;
    model.phy[ANAR] = 0x01e1;
    model.phy[ANLPAR] = 0x41e1;
}

/* True when the interrupt line is high. */
static inline bool model_interrupts(void) {
    return (model.registers[INT_STS / 4] & model.registers[INT_EN / 4]) != 0 &&
           (model.registers[IRQ_CFG / 4] & IRQ_CFG_IRQ_EN) != 0;
}

static inline uint32_t model_enabled_events(void) {
    return model.registers[INT_EN / 4];
}

static void model_enable_irq(uint32_t irq) {
    model.irq_enabled = irq + 1;
}

/* ---- frames from the wire -------------------------------------------------------------------- */

static void push_rx(uint32_t word) {
    model.rx_words[(model.rx_first + model.rx_count++) % MODEL_RX_WORDS] = word;
}

/* The CRC as software usually has it, right to left; the MAC's hash is that, left to right. */
static inline uint32_t model_hash(const uint8_t mac[6]) {
    uint32_t crc = 0xffffffffu;
    for (uint32_t i = 0; i < 6; i++) {
        crc ^= mac[i];
        for (uint32_t bit = 0; bit < 8; bit++) {
            crc = (crc & 1u) != 0 ? crc >> 1 ^ 0xedb88320u : crc >> 1;
        }
    }
    uint32_t hash = 0;
    for (uint32_t i = 0; i < 6; i++) {
        hash = hash << 1 | (crc >> i & 1u);
    }
    return hash;
}

static bool model_passes(const uint8_t *to) {
    static const uint8_t broadcast[6] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
    const uint8_t own[6] = {
        (uint8_t)model.mac[ADDRL],         (uint8_t)(model.mac[ADDRL] >> 8),
        (uint8_t)(model.mac[ADDRL] >> 16), (uint8_t)(model.mac[ADDRL] >> 24),
        (uint8_t)model.mac[ADDRH],         (uint8_t)(model.mac[ADDRH] >> 8),
    };
    if (memcmp(to, broadcast, 6) == 0 || memcmp(to, own, 6) == 0) {
        return true;
    }
    const uint32_t hash = model_hash(to);
    return (to[0] & 1u) != 0 && (model.mac[MAC_CR] & MAC_CR_HPFILT) != 0 &&
           (model.mac[hash >= 32 ? HASHH : HASHL] >> hash % 32 & 1u) != 0;
}

/* A frame of `n` bytes comes, with `errors` in its status. False when it is filtered out or
 * dropped. */
static inline bool model_receive_as(const uint8_t *bytes, uint32_t n, uint32_t errors) {
    const uint32_t offset = model.registers[RX_CFG / 4] >> 8 & 0x1fu;
    const uint32_t total = offset + n + 4;
    if ((model.mac[MAC_CR] & MAC_CR_RXEN) == 0 || !model_passes(bytes)) {
        return false;
    }
    if (model.rx_count + (total + 3) / 4 > MODEL_RX_WORDS ||
        model.rx_status_count == MODEL_RX_FRAMES) {
        model.rx_drop++;
        return false;
    }
    uint32_t word = 0;
    for (uint32_t i = 0; i < (total + 3) / 4 * 4; i++) {
        const uint32_t at = i - offset; /* wraps before the frame */
        const uint32_t byte = at < n ? bytes[at] : 0xcc;
        word |= byte << 8 * (i % 4);
        if (i % 4 == 3) {
            push_rx(word);
            word = 0;
        }
    }
    model.rx_statuses[(model.rx_status_first + model.rx_status_count++) % MODEL_RX_FRAMES] =
        (n + 4) << 16 | errors;
    if (model.rx_status_count > (model.registers[FIFO_INT / 4] & 0xffu)) {
        model.registers[INT_STS / 4] |= INT_RSFL;
    }
    return true;
}

static inline bool model_receive(const uint8_t *bytes, uint32_t n) {
    return model_receive_as(bytes, n, 0);
}

static uint32_t pop_rx(void) {
    if (model.rx_count == 0) {
        model.registers[INT_STS / 4] |= INT_RXE;
        return 0;
    }
    const uint32_t word = model.rx_words[model.rx_first];
    model.rx_first = (model.rx_first + 1) % MODEL_RX_WORDS;
    model.rx_count--;
    return word;
}

static uint32_t pop_rx_status(void) {
    assert_true(model.rx_status_count > 0);
    const uint32_t status = model.rx_statuses[model.rx_status_first];
    model.rx_status_first = (model.rx_status_first + 1) % MODEL_RX_FRAMES;
    model.rx_status_count--;
    return status;
}

/* ---- frames to the wire ------------------------------------------------------------------------ */

/* The wire has taken what waited. */
static inline void model_wire_takes(void) {
    model.tx_held = 0;
}

static struct model_frame *tx_frame(void) {
    assert_true(model.sent_count < MODEL_SENT_MAX);
    return &model.sent[model.sent_count];
}

static void tx_data(uint32_t word) {
    struct model_frame *frame = tx_frame();
    for (uint32_t i = 0; i < 4; i++) {
        if (model.tx_offset > 0) {
            model.tx_offset--;
        } else if (model.tx_left > 0) {
            model.tx_left--;
            assert_true(frame->length < MODEL_FRAME_BYTES);
            frame->bytes[frame->length++] = (uint8_t)(word >> 8 * i);
        }
    }
    model.tx_words--;
}

static void tx_end_of_buffer(void) {
    model.tx_commands = 0;
    if ((model.tx_command_a & TX_CMD_A_LAST_SEGMENT) != 0) {
        model.sent_count++;
        model.tx_statuses++;
        model.tx_held = model.wire_is_slow ? model.tx_held : 0;
    }
}

static void push_tx(uint32_t word) {
    model.tx_held += 4;
    assert_true(model.tx_held <= MODEL_TX_BYTES);
    if (model.tx_commands == 0) {
        model.tx_commands = 1;
        model.tx_command_a = word;
        model.tx_offset = word >> 16 & 0x1fu;
        model.tx_left = word & 0x7ffu;
        model.tx_words = (model.tx_offset + model.tx_left + 3) / 4;
        if ((word & TX_CMD_A_FIRST_SEGMENT) != 0) {
            tx_frame()->length = 0;
        }
    } else if (model.tx_commands == 1) {
        model.tx_commands = 2;
        assert_int_equal(word & 0x7ffu, model.tx_left); /* frames of one buffer */
    } else {
        tx_data(word);
    }
    if (model.tx_commands == 2 && model.tx_words == 0) {
        tx_end_of_buffer();
    }
}

static uint32_t pop_tx_status(void) {
    assert_true(model.tx_statuses > 0);
    model.tx_statuses--;
    return model.tx_errors;
}

/* ---- registers ----------------------------------------------------------------------------------- */

static void mac_command(uint32_t command) {
    const uint32_t number = command & 0xffu;
    assert_true(number < 16);
    if ((command & MAC_CSR_CMD_READ) != 0) {
        model.registers[MAC_CSR_DATA / 4] = model.mac[number];
        return;
    }
    model.mac[number] = model.registers[MAC_CSR_DATA / 4];
    if (number == MII_ACC) {
        const uint32_t access = model.mac[MII_ACC];
        assert_int_equal(access >> 11, 1); /* the internal PHY */
        uint32_t *const reg = &model.phy[access >> 6 & 0x1fu];
        if ((access & MII_ACC_MIIWNR) != 0) {
            *reg = model.mac[MII_DATA] & 0xffffu;
        } else {
            model.mac[MII_DATA] = *reg;
        }
        model.mac[MII_ACC] &= ~MII_ACC_MIIBZY;
    }
}

static uint32_t model_read(uint32_t offset) {
    switch (offset) {
    case RX_DATA_FIFO:
        return pop_rx();
    case RX_STATUS_FIFO:
        return pop_rx_status();
    case TX_STATUS_FIFO:
        return pop_tx_status();
    case RX_FIFO_INF:
        return model.rx_status_count << 16 | model.rx_count * 4;
    case TX_FIFO_INF:
        return model.tx_statuses << 16 | (MODEL_TX_BYTES - model.tx_held);
    case RX_DROP: {
        const uint32_t drop = model.rx_drop;
        model.rx_drop = 0;
        return drop;
    }
    case BYTE_TEST:
        return model.absent ? 0xffffffffu : BYTE_TEST_VALUE;
    case PMT_CTRL:
        return model.busy ? 0 : PMT_CTRL_READY;
    default:
        return model.registers[offset / 4];
    }
}

static void model_write(uint32_t offset, uint32_t value) {
    switch (offset) {
    case TX_DATA_FIFO:
        push_tx(value);
        break;
    case INT_STS:
        model.registers[INT_STS / 4] &= ~value;
        break;
    case HW_CFG:
        if ((value & HW_CFG_SRST) != 0) {
            model_reset();
        } else {
            model.registers[HW_CFG / 4] = value;
        }
        break;
    case MAC_CSR_CMD:
        mac_command(value);
        break;
    default:
        model.registers[offset / 4] = value;
        break;
    }
}

#endif
