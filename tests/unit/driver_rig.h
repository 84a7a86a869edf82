/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * driver_rig.h: what the tests of Ethernet drivers share: lwIP's side of one, a clock, turns of the
 * main loop, frames and chains of pbufs of every shape. Everything is static here: include it once,
 * in the test's own file, behind the model and the driver.
 */
#ifndef PINGSHOT_TESTS_DRIVER_RIG_H
#define PINGSHOT_TESTS_DRIVER_RIG_H

#include "board_api.h"
#include "clock.h"
#include "driver_model.h"
#include "net_stack.h"
#include "random.h"

#include "lwip/memp.h"
#include "lwip/netif.h"
#include "lwip/pbuf.h"
#include "lwip/stats.h"

#define RIG_OWN_ADDRESS \
    { 0x02, 0x11, 0x22, 0x33, 0x44, 0x55 }
#define RIG_PIECES_MAX 6u

static uint32_t now_ms;
static struct netif netif;

static struct {
    uint32_t count;
    uint32_t length; /* of the last frame, lwIP's padding in front of it left out */
    uint8_t bytes[MODEL_FRAME_BYTES];
    struct pbuf *kept; /* with keep: the frames, one behind the other */
    bool keep;
} got;

/* Each test's own: the chip and the driver as they are when power comes on, and the driver's handler
 * of interrupts. */
static void power_on(void);
static void interrupt(void);

uint32_t clock_monotonic_ms(void) {
    return now_ms;
}

/* netif->input */
static inline err_t take(struct pbuf *p, struct netif *from) {
    assert_ptr_equal(from, &netif);
    /* What is behind the Ethernet header can be read by words. */
    assert_int_equal(((uintptr_t)p->payload + ETH_PAD_SIZE + MODEL_HEADER_BYTES) % 4u, 0);
    got.count++;
    got.length = p->tot_len - ETH_PAD_SIZE;
    (void)pbuf_copy_partial(p, got.bytes, sizeof got.bytes, ETH_PAD_SIZE);
    if (!got.keep) {
        pbuf_free(p);
    } else if (got.kept == NULL) {
        got.kept = p;
    } else {
        pbuf_cat(got.kept, p);
    }
    return ERR_OK;
}

/* Starts the driver, on a chip whose power has just come on. */
static inline void start(void) {
    const uint8_t own[6] = RIG_OWN_ADDRESS;
    memset(&got, 0, sizeof got);
    memset(&netif, 0, sizeof netif);
    memcpy(netif.hwaddr, own, sizeof own);
    netif.input = take;
    assert_int_equal(board_netif_init(&netif), ERR_OK);
}

static inline int set_up(void **state) {
    (void)state;
    power_on();
    start();
    return 0;
}

/* Nothing that a test took from lwIP's pools may be missing. */
static inline int tear_down(void **state) {
    (void)state;
    if (got.kept != NULL) {
        pbuf_free(got.kept);
    }
    assert_int_equal(lwip_stats.memp[MEMP_PBUF_POOL]->used, 0);
    return 0;
}

/* A turn of the main loop, interrupts first. */
static inline void turn(void) {
    if (model_interrupts()) {
        interrupt();
        assert_false(model_interrupts());
        assert_true(board_pending());
    }
    board_poll();
}

/* So much later the driver has looked at the link, in several steps. */
static inline void look_again(void) {
    now_ms += 300;
    for (uint32_t i = 0; i < 4; i++) {
        turn();
    }
}

static inline uint32_t counter(const char *wanted) {
    struct board_word name;
    uint32_t total;
    for (uint32_t i = 0; board_counter(i, &name, &total); i++) {
        if (strcmp(name.bytes, wanted) == 0) {
            return total;
        }
    }
    fail_msg("no counter %s", wanted);
    return 0;
}

static inline void fill(uint8_t *bytes, uint32_t n, uint32_t seed) {
    for (uint32_t i = 0; i < n; i++) {
        seed = seed * 1664525u + 1013904223u;
        bytes[i] = (uint8_t)(seed >> 24);
    }
}

/* A frame to our address. */
static inline void make_frame(uint8_t *bytes, uint32_t n, uint32_t seed) {
    const uint8_t own[6] = RIG_OWN_ADDRESS;
    fill(bytes, n, seed);
    memcpy(bytes, own, sizeof own);
}

/* A chain of pbufs with these bytes, cut and placed by `seed`, lwIP's padding in front. */
static inline struct pbuf *make_chain(const uint8_t *bytes, uint32_t n, uint32_t seed) {
    static uint8_t places[RIG_PIECES_MAX][MODEL_FRAME_BYTES + 16] __attribute__((aligned(8)));
    struct pbuf *chain = NULL;
    const uint32_t pieces = 1 + seed % RIG_PIECES_MAX;
    uint32_t at = 0;
    for (uint32_t i = 0; i < pieces; i++) {
        seed = seed * 1664525u + 1013904223u;
        const uint32_t most = n - at;
        const uint32_t length = i + 1 == pieces ? most : (seed >> 16) % (most + 1);
        const uint32_t pad = i == 0 ? ETH_PAD_SIZE : 0;
        uint8_t *place = places[i] + (seed >> 8) % 8;
        memset(place, 0xee, pad);
        memcpy(place + pad, bytes + at, length);
        struct pbuf *p = pbuf_alloc(PBUF_RAW, (u16_t)(pad + length), PBUF_ROM);
        assert_non_null(p);
        p->payload = place;
        if (chain == NULL) {
            chain = p;
        } else {
            pbuf_cat(chain, p);
        }
        at += length;
    }
    return chain;
}

/* A frame to our address comes in. */
static inline void frame_comes(uint8_t *bytes, uint32_t n, uint32_t seed) {
    make_frame(bytes, n, seed);
    assert_true(model_receive(bytes, n));
}

/* What came through last. */
static inline void assert_got(const uint8_t *bytes, uint32_t n) {
    assert_int_equal(got.length, n);
    assert_memory_equal(got.bytes, bytes, n);
}

/* Has a frame come in to this address; true when it came through. */
static inline bool comes(const uint8_t to[6]) {
    uint8_t bytes[60];
    const uint32_t before = got.count;
    fill(bytes, sizeof bytes, 1);
    memcpy(bytes, to, 6);
    (void)model_receive(bytes, sizeof bytes);
    turn();
    assert_int_equal(model.rx_count, 0);
    return got.count > before;
}

static inline err_t send_bytes(const uint8_t *bytes, uint32_t n, uint32_t seed) {
    struct pbuf *p = make_chain(bytes, n, seed);
    const err_t err = netif.linkoutput(&netif, p);
    pbuf_free(p);
    return err;
}

/* Has as many frames of MODEL_FRAME_BYTES - 4 bytes sent as the driver takes, at most `max`; the
 * driver has the only reference to each. Returns how many. */
static inline uint32_t send_until_refused(uint8_t bytes[][MODEL_FRAME_BYTES], uint32_t max) {
    for (uint32_t i = 0; i < max; i++) {
        const uint32_t n = MODEL_FRAME_BYTES - 4;
        struct pbuf *p = pbuf_alloc(PBUF_RAW, (u16_t)(ETH_PAD_SIZE + n), PBUF_RAM);
        assert_non_null(p);
        fill(bytes[i], n, i);
        assert_int_equal(pbuf_take_at(p, bytes[i], (u16_t)n, ETH_PAD_SIZE), ERR_OK);
        const err_t err = netif.linkoutput(&netif, p);
        pbuf_free(p);
        if (err != ERR_OK) {
            return i;
        }
    }
    return max;
}

static inline void assert_sent(uint32_t index, const uint8_t *bytes, uint32_t n) {
    assert_true(index < model.sent_count);
    assert_int_equal(model.sent[index].length, n);
    assert_memory_equal(model.sent[index].bytes, bytes, n);
}

/* A cmocka test with these. */
#define DRIVER_TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

/* lwIP itself, once. */
static inline void start_lwip(void) {
    static struct random rng;
    const uint8_t seed[RANDOM_SEED_BYTES] = {1};
    random_seed(&rng, seed);
    net_stack_init(&(struct net_stack_config){.rng = &rng});
}

#endif
