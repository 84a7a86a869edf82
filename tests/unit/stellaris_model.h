/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * stellaris_model.h: the Ethernet controller of the LM3S6965 as its data sheet describes it, for
 * the test of its driver: FIFOs that fill up, whose words are checked as they come, a filter that
 * lets all multicasts through, a PHY that takes its time. Everything is static here: include it
 * once, in the test's own file, before the driver.
 */
#ifndef PINGSHOT_TESTS_STELLARIS_MODEL_H
#define PINGSHOT_TESTS_STELLARIS_MODEL_H

#include "driver_model.h"
#include "lm3s_registers.h"

#define MODEL_FIFO_WORDS 512u /* 2 KiB each way */
#define MODEL_RX_FRAMES 63u

static struct {
    bool promiscuous;  /* as in an emulator: no filter */
    bool wire_is_slow; /* a frame stays in the FIFO until model_wire_takes */
    bool phy_is_slow;  /* a register of it is not read yet */
    uint16_t phy[32];

    uint32_t ris;
    uint32_t im;
    uint32_t rctl;
    uint32_t tctl;
    uint32_t ia[2];
    uint32_t mdv;
    uint32_t mctl;
    uint32_t user[2];
    uint32_t irq_enabled; /* number + 1 */
    uint32_t resets;      /* of the receive FIFO */
    uint32_t asked;       /* registers of the PHY */

    uint32_t rx_words[MODEL_FIFO_WORDS]; /* a ring */
    uint32_t rx_first;
    uint32_t rx_count;
    uint32_t rx_lengths[MODEL_RX_FRAMES]; /* of the frames in it, in words; another */
    uint32_t rx_frame_first;
    uint32_t rx_frames;
    uint32_t rx_reads; /* words, in all */
    uint32_t rx_taken; /* words of the first one that have been read */

    uint32_t tx_words[MODEL_FIFO_WORDS];
    uint32_t tx_count;
    bool sending;
    struct model_frame sent[MODEL_SENT_MAX];
    uint32_t sent_count;
} model;

/* Power comes on, with the cable in and 100 Mbit/s full duplex agreed on. */
static inline void model_power_on(void) {
    memset(&model, 0, sizeof model);
    model.rctl = MACRCTL_BADCRC;
    model.mdv = 0x80;
    model.user[0] = 0xffffffffu;
    model.user[1] = 0xffffffffu;
    model.phy[PHY_MR1] = 0x7809 | PHY_MR1_LINK;
    model.phy[PHY_MR18] = 0x0400 | PHY_MR18_DPLX;
}

/* True when the interrupt line is high. */
static inline bool model_interrupts(void) {
    return (model.ris & model.im) != 0;
}

static inline uint32_t model_enabled_events(void) {
    return model.im;
}

/* ---- frames from the wire -------------------------------------------------------------------- */

static bool model_passes(const uint8_t *to) {
    static const uint8_t broadcast[6] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
    const uint8_t own[6] = {
        (uint8_t)model.ia[0],         (uint8_t)(model.ia[0] >> 8), (uint8_t)(model.ia[0] >> 16),
        (uint8_t)(model.ia[0] >> 24), (uint8_t)model.ia[1],        (uint8_t)(model.ia[1] >> 8),
    };
    return model.promiscuous || memcmp(to, own, 6) == 0 || memcmp(to, broadcast, 6) == 0 ||
           ((to[0] & 1u) != 0 && (model.rctl & MACRCTL_AMUL) != 0);
}

/* A frame of `n` bytes comes, whose length word says `length`. False when it is filtered out, or
 * does not fit. */
static inline bool model_receive_as(const uint8_t *bytes, uint32_t n, uint32_t length) {
    const uint32_t words = (2 + n + 4 + 3) / 4;
    if ((model.rctl & MACRCTL_RXEN) == 0 || !model_passes(bytes)) {
        return false;
    }
    if (model.rx_count + words > MODEL_FIFO_WORDS || model.rx_frames == MODEL_RX_FRAMES) {
        model.ris |= MAC_FOV;
        return false;
    }
    uint32_t word = length;
    for (uint32_t i = 2; i < words * 4; i++) {
        const uint32_t byte = i - 2 < n ? bytes[i - 2] : 0xcc;
        word |= byte << 8 * (i % 4);
        if (i % 4 == 3) {
            model.rx_words[(model.rx_first + model.rx_count++) % MODEL_FIFO_WORDS] = word;
            word = 0;
        }
    }
    model.rx_lengths[(model.rx_frame_first + model.rx_frames++) % MODEL_RX_FRAMES] = words;
    model.ris |= MAC_RXINT;
    return true;
}

static inline bool model_receive(const uint8_t *bytes, uint32_t n) {
    return model_receive_as(bytes, n, 2 + n + 4);
}

static uint32_t pop_rx(void) {
    assert_true(model.rx_count > 0);
    const uint32_t word = model.rx_words[model.rx_first];
    model.rx_first = (model.rx_first + 1) % MODEL_FIFO_WORDS;
    model.rx_count--;
    model.rx_reads++;
    if (++model.rx_taken == model.rx_lengths[model.rx_frame_first]) {
        model.rx_taken = 0;
        model.rx_frame_first = (model.rx_frame_first + 1) % MODEL_RX_FRAMES;
        model.rx_frames--;
    }
    return word;
}

static void write_rctl(uint32_t value) {
    if ((value & MACRCTL_RSTFIFO) != 0) {
        assert_false((model.rctl & MACRCTL_RXEN) != 0); /* has to be off for that */
        model.rx_count = 0;
        model.rx_frames = 0;
        model.rx_taken = 0;
        model.resets++;
    }
    model.rctl = value & ~MACRCTL_RSTFIFO;
}

/* ---- frames to the wire ------------------------------------------------------------------------ */

static void push_tx(uint32_t word) {
    assert_false(model.sending); /* the FIFO holds one frame */
    assert_true(model.tx_count < MODEL_FIFO_WORDS);
    model.tx_words[model.tx_count++] = word;
}

/* What is in the FIFO: a length that leaves out the header, and the frame. */
static void new_tx(void) {
    assert_true(model.sent_count < MODEL_SENT_MAX && (model.tctl & MACTCTL_TXEN) != 0);
    struct model_frame *frame = &model.sent[model.sent_count++];
    frame->length = (model.tx_words[0] & 0xffffu) + 14;
    assert_true(frame->length <= MODEL_FRAME_BYTES);
    assert_int_equal(model.tx_count, (2 + frame->length + 3) / 4);
    for (uint32_t i = 0; i < frame->length; i++) {
        frame->bytes[i] = (uint8_t)(model.tx_words[(i + 2) / 4] >> 8 * ((i + 2) % 4));
    }
    model.sending = true;
}

/* The wire has taken the frame. */
static inline void model_wire_takes(void) {
    assert_true(model.sending);
    model.sending = false;
    model.tx_count = 0;
    model.ris |= MAC_TXEMP;
}

/* It could not be sent. */
static inline void model_wire_fails(void) {
    assert_true(model.sending);
    model.sending = false;
    model.ris |= MAC_TXER;
}

static void acknowledge(uint32_t events) {
    if ((events & MAC_TXER) != 0) { /* empties the FIFO */
        assert_false(model.sending);
        model.tx_count = 0;
    }
    model.ris &= ~events;
}

/* ---- registers ----------------------------------------------------------------------------------- */

static uint32_t management_register(void) {
    assert_int_equal(model.mctl & MACMCTL_START, 0);
    return model.phy[model.mctl >> 3 & 0x1fu];
}

static uint32_t model_read(uint32_t address) {
    switch (address) {
    case MACRIS:
        return model.ris;
    case MACRCTL:
        return model.rctl;
    case MACTCTL:
        return model.tctl;
    case MACDATA:
        return pop_rx();
    case MACMCTL:
        model.mctl &= model.phy_is_slow ? ~0u : ~MACMCTL_START;
        return model.mctl;
    case MACMRXD:
        return management_register();
    case MACNP:
        return model.rx_frames;
    case MACTR:
        return model.sending ? MACTR_NEWTX : 0;
    case SYSCTL_USER_REG0:
        return model.user[0];
    case SYSCTL_USER_REG1:
        return model.user[1];
    default:
        fail_msg("reads register 0x%08x", address);
        return 0;
    }
}

static void write_tr(uint32_t value) {
    assert_int_equal(value, MACTR_NEWTX);
    new_tx();
    if (!model.wire_is_slow) {
        model_wire_takes();
    }
}

static void ask_model(uint32_t value) {
    assert_int_equal(value & ~(0x1fu << 3), MACMCTL_START); /* no write */
    model.mctl = value;
    model.asked++;
}

static void model_write(uint32_t address, uint32_t value) {
    switch (address) {
    case MACIACK:
        acknowledge(value);
        break;
    case MACIM:
        model.im = value;
        break;
    case MACRCTL:
        write_rctl(value);
        break;
    case MACTCTL:
        model.tctl = value;
        break;
    case MACDATA:
        push_tx(value);
        break;
    case MACIA0:
        model.ia[0] = value;
        break;
    case MACIA1:
        model.ia[1] = value;
        break;
    case MACMCTL:
        ask_model(value);
        break;
    case MACMDV:
        model.mdv = value;
        break;
    case MACTR:
        write_tr(value);
        break;
    case NVIC_ISER(IRQ_ETHERNET / 32u):
        model.irq_enabled = IRQ_ETHERNET / 32u * 32u + (uint32_t)__builtin_ctz(value) + 1;
        break;
    default:
        fail_msg("writes register 0x%08x", address);
    }
}

#endif
