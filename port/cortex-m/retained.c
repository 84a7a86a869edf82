/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * retained.c: see retained.h.
 */
#include "retained.h"

#include <stddef.h>
#include <string.h>

#define MAGIC 0x70696e67u
#define LAYOUT 2u

/* A change of its layout needs a new LAYOUT. */
struct retained {
    uint32_t magic;
    uint32_t layout;
    uint32_t resets[RETAINED_CAUSES];
    uint32_t ended; /* 1: `end` is of the run before */
    struct retained_end end;
    uint32_t seeded;     /* 1: nobody can know the ratchet */
    uint32_t ratchet[8]; /* unlike what any earlier run started from */
    uint32_t checksum;   /* of all before it */
};

__attribute__((section(".noinit"))) static struct retained kept;

/* FNV-1a: against memory that lost its content, not against an attacker. */
static uint32_t checksum(void) {
    const uint8_t *bytes = (const uint8_t *)&kept;
    uint32_t sum = 2166136261u;
    for (size_t i = 0; i < offsetof(struct retained, checksum); i++) {
        sum = (sum ^ bytes[i]) * 16777619u;
    }
    return sum;
}

static enum retained_cause cause_of(enum board_reset_cause chip) {
    switch (chip) {
    case BOARD_RESET_POWER_ON:
        return RETAINED_POWER_ON;
    case BOARD_RESET_WATCHDOG:
        return RETAINED_WATCHDOG;
    case BOARD_RESET_SOFTWARE:
        return RETAINED_SOFTWARE;
    case BOARD_RESET_PIN:
    case BOARD_RESET_UNKNOWN:
        break;
    }
    return RETAINED_EXTERNAL;
}

struct retained_end retained_start(enum board_reset_cause chip) {
    struct retained_end end = {.cause = RETAINED_POWER_ON};
    if (kept.magic != MAGIC || kept.layout != LAYOUT || kept.checksum != checksum() ||
        kept.end.cause >= RETAINED_CAUSES) {
        /* All but the ratchet: were it known after a reset in the middle of a write, the seed that
         * an emulator gives again would give the same stream again. What it holds need not be
         * valid, only be different. */
        memset(&kept, 0, offsetof(struct retained, ratchet));
        kept.magic = MAGIC;
        kept.layout = LAYOUT;
    } else if (kept.ended != 0) {
        end = kept.end; /* knows more than the chip */
    } else {
        end.cause = cause_of(chip);
    }
    if (chip == BOARD_RESET_POWER_ON) {
        kept.seeded = 0; /* the memory may have lost bits that the checksum does not miss */
    }
    kept.ended = 0;
    kept.resets[end.cause]++;
    kept.checksum = checksum();
    return end;
}

void retained_end(const struct retained_end *end) {
    kept.end = *end;
    kept.ended = 1;
    kept.checksum = checksum();
}

void retained_go_on(void) {
    kept.ended = 0;
    kept.checksum = checksum();
}

uint32_t retained_resets(enum retained_cause cause) {
    return kept.resets[cause];
}

struct label_value retained_cause_name(enum retained_cause cause) {
    static const struct label_value names[RETAINED_CAUSES] = {
        LABEL_VALUE("power_on"), LABEL_VALUE("external"), LABEL_VALUE("software"),
        LABEL_VALUE("watchdog"), LABEL_VALUE("fault"),    LABEL_VALUE("stack_overflow"),
        LABEL_VALUE("assertion")};
    return names[cause];
}

/* Seed and ratchet together are the key of a ChaCha20 block: half of it is the new seed, the rest
 * the new ratchet. One of both unknown is enough, and who knows neither, nor the block, can go
 * neither way. The old ratchet is gone before the new seed is used. */
bool retained_ratchet(uint8_t seed[RANDOM_SEED_BYTES], bool seeded) {
    static const uint32_t no_nonce[3] = {0, 0, 0}; /* no key comes twice */
    uint32_t key[8];
    uint8_t block[RANDOM_BLOCK_BYTES];
    memcpy(key, seed, sizeof key);
    for (size_t i = 0; i < 8; i++) {
        key[i] ^= kept.ratchet[i];
    }
    random_chacha20_block(key, 0, no_nonce, block);
    memcpy(kept.ratchet, block + RANDOM_SEED_BYTES, sizeof kept.ratchet);
    kept.seeded |= seeded;
    kept.checksum = checksum();
    memcpy(seed, block, RANDOM_SEED_BYTES);
    random_wipe(key, sizeof key);
    random_wipe(block, sizeof block);
    return kept.seeded != 0;
}
