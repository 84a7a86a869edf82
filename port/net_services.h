/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * net_services.h: what an interface does for itself once it is there: its time by SNTP, its name
 * and service by mDNS, and a line on the console when link, addresses or name change. lwIP's own
 * applications do the work, and follow link and addresses by themselves; this starts them. Serving
 * is net_server's job, addresses are net_stack's.
 */
#ifndef PINGSHOT_NET_SERVICES_H
#define PINGSHOT_NET_SERVICES_H

#include "lwip/netif.h"

#include <stdbool.h>
#include <stdint.h>

/* A name that is taken gets a number: "pingshot-2". Room is for that. */
#define NET_SERVICES_NAME_BYTES_MAX 56u

/* Strings must stay. */
struct net_services_config {
    /* Host name without ".local", at most NET_SERVICES_NAME_BYTES_MAX; NULL: no mDNS. */
    const char *name;

    /* What mDNS offers as _prometheus-http._tcp. */
    uint16_t port;
    bool https;

    /* NTP server: its address, or "dhcp" for those that DHCP names; NULL: none. See
     * net_services_is_ntp. */
    const char *ntp;

    /* Takes one line about something that has changed, without its end. */
    void (*say)(const char *line);

    /* Takes an address under which the interface has become reachable, as a URL has it:
     * "192.168.76.2", "[2001:db8::5]". Link-local ones are not URLs, and only said. */
    void (*reachable)(const char *host);
};

/* Starts the services on `netif`, which net_stack_add has added, and tells the addresses that it
 * has already. Once. False when lwIP has no memory for them, or config->ntp is no server's. */
bool net_services_start(struct netif *netif, const struct net_services_config *config);

/* True when `text` is what net_services_config.ntp may be: an IPv4 or IPv6 address of one host,
 * or "dhcp". */
bool net_services_is_ntp(const char *text);

#endif
