/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * glue.c: see glue.h.
 */
#include "glue.h"

#include "clock.h"
#include "net_stack.h"

#include "lwip/pbuf.h"

struct random glue_random;

/* Before there is a world, time stands still. */
static uint32_t no_time(void *host) {
    (void)host;
    return 0;
}

static bool no_date(void *host, int64_t *unix_ms) {
    (void)host;
    (void)unix_ms;
    return false;
}

static struct sim_world world = {.now_ms = no_time, .wall_ms = no_date};
static struct netif netif;

uint32_t clock_monotonic_ms(void) {
    return world.now_ms(world.host);
}

bool clock_wall_ms(int64_t *unix_ms) {
    return world.wall_ms(world.host, unix_ms);
}

void glue_fatal(const char *line) {
    world.fatal(world.host, line);
    __builtin_trap();
}

static void fatal(const char *line) {
    glue_fatal(line);
}

static err_t output(struct netif *from, struct pbuf *p, const ip4_addr_t *to) {
    uint8_t packet[SIM_PACKET_BYTES_MAX];
    (void)from;
    (void)to;
    world.send(world.host, packet, pbuf_copy_partial(p, packet, sizeof packet, 0));
    return ERR_OK;
}

static err_t init_netif(struct netif *n) {
    n->name[0] = 's';
    n->name[1] = 'm';
    n->mtu = SIM_PACKET_BYTES_MAX;
    n->flags = NETIF_FLAG_LINK_UP;
    n->output = output;
    return ERR_OK;
}

void glue_start(const struct sim_world *with, const uint8_t seed[SIM_SEED_BYTES],
                uint32_t address) {
    const struct net_stack_address at = {.address = address, .netmask = 0xff000000u};
    world = *with;
    random_seed(&glue_random, seed);
    net_stack_init(&(struct net_stack_config){.rng = &glue_random, .fatal = fatal});
    if (!net_stack_add(&netif, &at, init_netif, NULL, "sim")) {
        glue_fatal("lwIP refuses the interface");
    }
}

bool glue_receive(const void *packet, uint32_t bytes) {
    struct pbuf *p = pbuf_alloc(PBUF_RAW, (u16_t)bytes, PBUF_POOL);
    if (p == NULL) {
        return false; /* as a driver drops it */
    }
    if (pbuf_take(p, packet, (u16_t)bytes) != ERR_OK || netif.input(p, &netif) != ERR_OK) {
        pbuf_free(p);
    }
    return true;
}

uint32_t glue_sleep_ms(uint32_t max_ms) {
    return net_stack_sleep_ms(max_ms);
}
