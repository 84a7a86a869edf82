/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * net_stack.h: lwIP started on our clock and our randomness, interfaces brought up, its timers
 * run, its pools reported. lwIP is one global thing, and so is this. What is served over it is
 * net_server's job; frames are a netif's.
 */
#ifndef PINGSHOT_NET_STACK_H
#define PINGSHOT_NET_STACK_H

#include "random.h"
#include "table_stats.h"

#include "lwip/netif.h"

#include <stdbool.h>
#include <stdint.h>

struct net_stack_config {
    struct random *rng; /* outlives the stack */
    /* Called with one line when lwIP finds itself broken; must not return. NULL: trap. */
    void (*fatal)(const char *line);
};

/* How an interface gets its address. In host order: 192.168.76.2 is 0xc0a84c02. */
struct net_stack_address {
    bool dhcp; /* then the rest is not used */
    uint32_t address;
    uint32_t netmask;
    uint32_t gateway; /* 0: none */
};

/* Starts lwIP. Once, before everything else here. */
void net_stack_init(const struct net_stack_config *config);

/* Adds the one interface and brings it up; Ethernet also gets an IPv6 link-local address. `init`
 * is lwIP's netif init function of the driver. It finds `state` in netif->state, and sets MAC
 * address, MTU, output (etharp_output), linkoutput, multicast filters if the MAC has any, and the
 * flags: BROADCAST, ETHARP, ETHERNET, and LINK_UP unless it calls netif_set_link_up later.
 * `hostname` (for DHCP) must stay. False when the driver refuses or memory is short. */
bool net_stack_add(struct netif *netif, const struct net_stack_address *address, netif_init_fn init,
                   void *state, const char *hostname);

/* Writes an address as RFC 5952 wants it, with lower-case digits, and its NUL. */
void net_stack_address_text(const ip_addr_t *address, char text[IPADDR_STRLEN_MAX]);

/* A random unicast, locally administered MAC address. */
void net_stack_random_mac(uint8_t mac[6]);

/* Fills `count` bytes from the one source of randomness. */
void net_stack_random_fill(void *bytes, size_t count);

/* Runs the timers that are due. */
void net_stack_poll(void);

/* How long until the next timer is due, at most `max_ms`. */
uint32_t net_stack_sleep_ms(uint32_t max_ms);

/* Fills in number `index` of lwIP's fixed pools and returns true; false beyond the last. */
bool net_stack_table(uint32_t index, struct table_stats *stats);

/* Bytes left in the heap that holds what connections send and have not got acknowledged. */
uint32_t net_stack_heap_left_bytes(void);

/* Frames that could not be sent, or not be taken in for want of memory; where LINK_STATS is on. */
uint32_t net_stack_frames_dropped_total(void);

/* For lwIP's arch/cc.h, with the prototypes given there: net_stack_random_u32,
 * net_stack_assert_failed. */

#endif
