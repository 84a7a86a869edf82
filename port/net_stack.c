/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * net_stack.c: see net_stack.h.
 */
#include "net_stack.h"

#include "clock.h"
#include "net_heap.h"
#include "net_isn.h"
#include "text.h"

#include "lwip/dhcp.h"
#include "lwip/ethip6.h"
#include "lwip/igmp.h"
#include "lwip/init.h"
#include "lwip/mem.h"
#include "lwip/memp.h"
#include "lwip/stats.h"
#include "lwip/sys.h"
#include "lwip/timeouts.h"

#include <string.h>

#define IP6_GROUPS 8u

static struct net_stack_config config;

/* lwIP's own name for the clock that its caller owns. */
u32_t sys_now(void) {
    return clock_monotonic_ms();
}

uint32_t net_stack_random_u32(void) {
    return random_u32(config.rng);
}

#ifndef CC_ASSERTION_FAILED
void net_stack_assert_failed(const char *message, const char *file, int line) {
    char bytes[160];
    struct text t = text_over(bytes, sizeof bytes - 1);
    text_puts(&t, "lwIP assertion failed: ");
    text_puts(&t, message);
    text_puts(&t, " (");
    text_puts(&t, file);
    text_put_char(&t, ':');
    text_put_u64(&t, (uint64_t)line);
    text_put_char(&t, ')');
    bytes[t.len] = '\0';
    if (config.fatal != NULL) {
        config.fatal(bytes);
    }
    __builtin_trap();
}
#endif

#if CFG_NET_HEAP_SLABS == 0
/* What mem.c puts before each block, and its smallest one. */
#define HEAP_HEADER_BYTES LWIP_MEM_ALIGN_SIZE(2u * sizeof(mem_size_t) + 1u)
#define HEAP_BLOCK_BYTES_MIN LWIP_MEM_ALIGN_SIZE(12u)

/* lwIP's heap stops with "invalid next ptr" when the block that it shrinks (a segment cut in two for
 * a small window) happens to be the last one. So the last one is never given back, and never used. */
static void keep_end_of_heap(void) {
    void *others =
        mem_malloc(LWIP_MEM_ALIGN_SIZE(MEM_SIZE) - 2u * HEAP_HEADER_BYTES - HEAP_BLOCK_BYTES_MIN);
    void *last = mem_malloc(HEAP_BLOCK_BYTES_MIN);
    LWIP_ASSERT("two blocks are the whole heap", others != NULL && last > others);
    mem_free(others);
    lwip_stats.mem.max = lwip_stats.mem.used;
}
#endif

void net_stack_init(const struct net_stack_config *with) {
    config = *with;
    lwip_init(); /* picks its first local ports at random, so after the line above */
#if CFG_NET_HEAP_SLABS == 0
    keep_end_of_heap();
#endif

    uint8_t key[HASH_KEY_BYTES];
    random_fill(config.rng, key, sizeof key);
    net_isn_init(key, random_u32(config.rng));
    memset(key, 0, sizeof key);
}

/* Ethernet carries IPv6 as well, and multicast, which that and mDNS live on. */
static bool start_ethernet(struct netif *netif) {
    netif->flags |= NETIF_FLAG_IGMP | NETIF_FLAG_MLD6;
    netif->output_ip6 = ethip6_output;
    netif_create_ip6_linklocal_address(netif, 1);
    return igmp_start(netif) == ERR_OK;
}

/* Connections keep in frames what cannot be taken before something of theirs was acknowledged. So
 * the last frames are for what brings no data: an acknowledgement has at most 114 bytes (headers of
 * Ethernet, IPv6 and TCP, and TCP's options). Longer ones are dropped, and come again. */
#define FRAMES_FOR_SHORT_ONES 2
#define SHORT_FRAME_BYTES 114

static err_t on_frame(struct pbuf *p, struct netif *netif) {
    struct stats_mem *frames = memp_pools[MEMP_PBUF_POOL]->stats;
    if (p->tot_len > SHORT_FRAME_BYTES && frames->used + FRAMES_FOR_SHORT_ONES > PBUF_POOL_SIZE) {
        frames->err++;
        LINK_STATS_INC(link.memerr);
        return ERR_MEM;
    }
    return netif_input(p, netif);
}

bool net_stack_add(struct netif *netif, const struct net_stack_address *address, netif_init_fn init,
                   void *state, const char *hostname) {
    ip4_addr_t ip = {0};
    ip4_addr_t netmask = {0};
    ip4_addr_t gateway = {0};
    if (!address->dhcp) {
        ip.addr = lwip_htonl(address->address);
        netmask.addr = lwip_htonl(address->netmask);
        gateway.addr = lwip_htonl(address->gateway);
    }
    if (netif_add(netif, &ip, &netmask, &gateway, state, init, on_frame) == NULL) {
        return false;
    }
    netif_set_hostname(netif, hostname);
    netif_set_default(netif);
    if ((netif->flags & NETIF_FLAG_ETHERNET) != 0 && !start_ethernet(netif)) {
        return false;
    }
    netif_set_up(netif); /* with the link up it announces the address (gratuitous ARP) */
    return !address->dhcp || dhcp_start(netif) == ERR_OK;
}

static void put_ip4(struct text *t, const ip4_addr_t *address) {
    text_format(t, "%u.%u.%u.%u", ip4_addr1(address), ip4_addr2(address), ip4_addr3(address),
                ip4_addr4(address));
}

static uint32_t group(const ip6_addr_t *address, uint32_t index) {
    return lwip_ntohl(address->addr[index / 2]) >> (index % 2 == 0 ? 16 : 0) & 0xffffu;
}

/* How many groups of zero there are in one run from this one on. */
static uint32_t zeros(const ip6_addr_t *address, uint32_t index) {
    uint32_t run = 0;
    while (index + run < IP6_GROUPS && group(address, index + run) == 0) {
        run++;
    }
    return run;
}

static void put_group(struct text *t, uint32_t value) {
    unsigned digits = 1;
    while (value >> 4 * digits != 0) {
        digits++;
    }
    text_put_hex(t, value, digits);
}

/* The first of the longest runs of zeros is left out, if it is longer than one group. */
static void put_ip6(struct text *t, const ip6_addr_t *address) {
    uint32_t out = IP6_GROUPS;
    uint32_t out_count = 1;
    for (uint32_t i = 0; i < IP6_GROUPS; i++) {
        if (zeros(address, i) > out_count) {
            out = i;
            out_count = zeros(address, i);
        }
    }
    for (uint32_t i = 0; i < IP6_GROUPS; i++) {
        if (i < out || i >= out + out_count) {
            text_puts(t, i == 0 || i == out + out_count ? "" : ":");
            put_group(t, group(address, i));
        } else if (i == out) {
            text_puts(t, "::");
        }
    }
}

void net_stack_address_text(const ip_addr_t *address, char text[IPADDR_STRLEN_MAX]) {
    struct text t = text_over(text, IPADDR_STRLEN_MAX - 1);
    if (IP_IS_V6(address)) {
        put_ip6(&t, ip_2_ip6(address));
    } else {
        put_ip4(&t, ip_2_ip4(address));
    }
    text[t.len] = '\0';
}

void net_stack_random_mac(uint8_t mac[6]) {
    random_fill(config.rng, mac, 6);
    mac[0] = (uint8_t)((mac[0] & 0xfcu) | 0x02u);
}

void net_stack_random_fill(void *bytes, size_t count) {
    random_fill(config.rng, bytes, count);
}

void net_stack_poll(void) {
    sys_check_timeouts();
}

uint32_t net_stack_sleep_ms(uint32_t max_ms) {
    uint32_t sleep_ms = sys_timeouts_sleeptime(); /* all ones when no timer runs */
    return sleep_ms < max_ms ? sleep_ms : max_ms;
}

/* mDNS has one of its own. */
LWIP_MEMPOOL_PROTOTYPE(MDNS_PKTS);
static const struct memp_desc *const mdns_questions = &memp_MDNS_PKTS;

/* Those that a client can fill. */
static const struct {
    struct label_value name;
    const struct memp_desc *const *pool;
} pools[] = {
    {LABEL_VALUE("network_connections"), &memp_pools[MEMP_TCP_PCB]},
    {LABEL_VALUE("network_segments"), &memp_pools[MEMP_TCP_SEG]},
    {LABEL_VALUE("network_frames"), &memp_pools[MEMP_PBUF_POOL]},
#if CFG_NET_FRAGMENTS
    {LABEL_VALUE("network_reassembly_ipv4"), &memp_pools[MEMP_REASSDATA]},
    {LABEL_VALUE("network_reassembly_ipv6"), &memp_pools[MEMP_IP6_REASSDATA]},
#endif
    {LABEL_VALUE("mdns_questions"), &mdns_questions},
};

#define POOLS (sizeof pools / sizeof pools[0])

#if CFG_NET_HEAP_SLABS > 0
static struct table_stats heap_stats(void) {
    return net_heap_stats();
}

uint32_t net_stack_heap_left_bytes(void) {
    return UINT32_MAX; /* it has room for all that its connections may queue */
}
#else
static struct table_stats heap_stats(void) {
    return (struct table_stats){
        .name = LABEL_VALUE("network_heap_bytes"),
        .used = (uint32_t)lwip_stats.mem.used,
        .high_water = (uint32_t)lwip_stats.mem.max,
        .limit = (uint32_t)lwip_stats.mem.avail,
        .refused_total = (uint32_t)lwip_stats.mem.err,
    };
}

uint32_t net_stack_heap_left_bytes(void) {
    return (uint32_t)(lwip_stats.mem.avail - lwip_stats.mem.used);
}
#endif

bool net_stack_table(uint32_t index, struct table_stats *stats) {
    if (index < POOLS) {
        const struct memp_desc *pool = *pools[index].pool;
        *stats = (struct table_stats){
            .name = pools[index].name,
            .used = (uint32_t)pool->stats->used,
            .high_water = (uint32_t)pool->stats->max,
            .limit = pool->num,
            .refused_total = (uint32_t)pool->stats->err,
        };
        return true;
    }
    if (index == POOLS) {
        *stats = heap_stats();
        return true;
    }
    return false;
}

#if LINK_STATS
uint32_t net_stack_frames_dropped_total(void) {
    return (uint32_t)lwip_stats.link.drop + (uint32_t)lwip_stats.link.memerr;
}
#endif
