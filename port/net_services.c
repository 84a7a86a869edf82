/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * net_services.c: see net_services.h.
 */
#include "net_services.h"

#include "date.h"
#include "net_clock.h"
#include "net_stack.h"
#include "text.h"

#include "lwip/apps/mdns.h"
#include "lwip/apps/sntp.h"
#include "lwip/ip_addr.h"
#include "lwip/timeouts.h"

#include <string.h>

#define LINE_BYTES 120u
#define DATE_BYTES 32u

/* How long an answer's way may be, there and back. */
#define TRIP_MS_MAX 100u

static struct {
    struct net_services_config config;
    uint32_t name_number;               /* 1: the name as given; from 2 on it is appended */
    bool name_said;                     /* the name that it has now */
    char name[MDNS_LABEL_MAXLEN + 1];   /* of the host and of its service's instance */
    s8_t service;                       /* mDNS's slot of the service */
    ip4_addr_t ip4_said;                /* or any: none */
    bool asked_again;                   /* for the time, since the last answer was slow */
    struct netif_ext_callback observer; /* lwIP's list of those who want to know */
} state;

/* ---- lines ------------------------------------------------------------------------------- */

__attribute__((format(printf, 1, 2))) static void say(const char *format, ...) {
    char bytes[LINE_BYTES];
    struct text t = text_over(bytes, sizeof bytes - 1);
    va_list arguments;
    va_start(arguments, format);
    text_puts(&t, "network: ");
    text_vformat(&t, format, arguments);
    va_end(arguments);
    bytes[t.len] = '\0';
    state.config.say(bytes);
}

static void tell_reachable(const ip_addr_t *address) {
    char host[IPADDR_STRLEN_MAX + 2];
    char address_text[IPADDR_STRLEN_MAX];
    struct text t = text_over(host, sizeof host - 1);
    net_stack_address_text(address, address_text);
    text_format(&t, IP_IS_V6(address) ? "[%s]" : "%s", address_text);
    host[t.len] = '\0';
    state.config.reachable(host);
}

/* ---- time -------------------------------------------------------------------------------- */

/* Three digits, a dot between each two of four such numbers, as they are printed: lwIP's own
 * reader also takes hexadecimal, octal, and fewer numbers. */
static bool parse_ip4(const char *text, ip_addr_t *address) {
    char again[IPADDR_STRLEN_MAX];
    if (!ip4addr_aton(text, ip_2_ip4(address))) {
        return false;
    }
    IP_SET_TYPE(address, IPADDR_TYPE_V4);
    net_stack_address_text(address, again);
    return strcmp(text, again) == 0 && ip4_addr1(ip_2_ip4(address)) != 0 &&
           ip4_addr1(ip_2_ip4(address)) < 224;
}

static bool parse_ip6(const char *text, ip_addr_t *address) {
    if (!ip6addr_aton(text, ip_2_ip6(address))) {
        return false;
    }
    IP_SET_TYPE(address, IPADDR_TYPE_V6);
    return !ip6_addr_isany(ip_2_ip6(address)) && !ip6_addr_ismulticast(ip_2_ip6(address));
}

static bool is_dhcp(const char *text) {
    return strcmp(text, "dhcp") == 0;
}

static bool parse_server(const char *text, ip_addr_t *address) {
    return strchr(text, ':') == NULL ? parse_ip4(text, address) : parse_ip6(text, address);
}

bool net_services_is_ntp(const char *text) {
    ip_addr_t address;
    return is_dhcp(text) || parse_server(text, &address);
}

static void say_time(int64_t unix_ms) {
    char date[DATE_BYTES];
    struct text t = text_over(date, sizeof date - 1);
    date_put_rfc3339(&t, unix_ms);
    date[t.len] = '\0';
    say("time %s by SNTP", date);
}

static void ask_again(void *unused) {
    (void)unused;
    sntp_stop();
    sntp_init();
}

/* An answer long under way, because the server's MAC address had to be asked for, say, is off by up
 * to half of that. Better than none, but it is asked for once more. */
static void on_time(const struct net_clock_news *news) {
    if (news->first) {
        say_time(news->unix_ms);
    }
    state.asked_again = news->trip_ms > TRIP_MS_MAX && !state.asked_again;
    if (state.asked_again) {
        sys_timeout(0, ask_again, NULL); /* not now: this comes out of lwIP's client */
    }
}

/* An image that names no server, or DHCP, has no reader of addresses: its compiler sees `ntp`. */
static bool choose_server(const char *ntp) {
    ip_addr_t address;
    net_clock_on_set(on_time);
    sntp_setoperatingmode(SNTP_OPMODE_POLL);
    if (is_dhcp(ntp)) {
        sntp_servermode_dhcp(1);
        return true;
    }
    if (!parse_server(ntp, &address)) {
        return false;
    }
    sntp_setserver(0, &address);
    return true;
}

/* The first request goes out some seconds (at random) after the first address that may lead to the
 * server: without one it would be lost, and the next is not soon. */
static void ask_time(const ip_addr_t *own) {
    bool reachable = IP_IS_V6(own) == IP_IS_V6(sntp_getserver(0)); /* DHCP's are IPv4 */
    if (state.config.ntp != NULL && reachable && !sntp_enabled()) {
        sntp_init();
    }
}

/* ---- name -------------------------------------------------------------------------------- */

/* What Prometheus needs beside host and port (RFC 6763 section 6). */
static void put_txt(struct mdns_service *service, void *unused) {
    static const char path[] = "path=/metrics";
    static const char scheme[] = "scheme=https";
    (void)unused;
    mdns_resp_add_service_txtitem(service, path, sizeof path - 1);
    if (state.config.https) {
        mdns_resp_add_service_txtitem(service, scheme, sizeof scheme - 1);
    }
}

static void make_name(void) {
    struct text t = text_over(state.name, sizeof state.name - 1);
    text_puts(&t, state.config.name);
    if (state.name_number > 1) {
        text_format(&t, "-%u", (unsigned)state.name_number);
    }
    state.name[t.len] = '\0';
    state.name_said = false;
}

/* Another host has the name of the host or of the service: both take the next number (RFC 6762
 * section 9). lwIP then probes again, and slowly when that happens too often. */
static void on_name(struct netif *netif, u8_t result, s8_t slot) {
    (void)slot;
    if (result == MDNS_PROBING_CONFLICT) {
        say("the name %s.local is taken by another host", state.name);
        state.name_number++;
        make_name();
        mdns_resp_rename_netif(netif, state.name);
        mdns_resp_rename_service(netif, (u8_t)state.service, state.name);
    } else if (!state.name_said) {
        state.name_said = true;
        say("the name is %s.local", state.name);
    }
}

static bool start_mdns(struct netif *netif) {
    state.name_number = 1;
    make_name();
    mdns_resp_register_name_result_cb(on_name);
    mdns_resp_init();
    if (mdns_resp_add_netif(netif, state.name) != ERR_OK) {
        return false;
    }
    state.service = mdns_resp_add_service(netif, state.name, "_prometheus-http", DNSSD_PROTO_TCP,
                                          state.config.port, put_txt, NULL);
    return state.service >= 0;
}

/* ---- link and addresses ------------------------------------------------------------------ */

static void follow_ip4(struct netif *netif) {
    if (ip4_addr_eq(&state.ip4_said, netif_ip4_addr(netif))) {
        return;
    }
    state.ip4_said = *netif_ip4_addr(netif);
    if (ip4_addr_isany_val(state.ip4_said)) {
        say("no IPv4 address any more");
        return;
    }
    tell_reachable(netif_ip_addr4(netif));
    ask_time(netif_ip_addr4(netif));
}

/* Preferred or deprecated: RFC 4862 section 2; a tentative one may yet be another host's. */
static void follow_ip6(const ip_addr_t *address, u8_t before, u8_t now) {
    char text[IPADDR_STRLEN_MAX];
    net_stack_address_text(address, text);
    if (ip6_addr_isduplicated(now)) {
        say("address %s is taken by another host", text);
    } else if (ip6_addr_isvalid(before) && !ip6_addr_isvalid(now)) {
        say("address %s has expired", text);
    } else if (!ip6_addr_isvalid(before) && ip6_addr_isvalid(now)) {
        if (ip6_addr_islinklocal(ip_2_ip6(address))) {
            say("address %s on this link", text);
        } else {
            tell_reachable(address);
        }
        ask_time(address);
    }
}

static void on_change(struct netif *netif, netif_nsc_reason_t reason,
                      const netif_ext_callback_args_t *args) {
    if ((reason & LWIP_NSC_LINK_CHANGED) != 0) {
        say(args->link_changed.state != 0 ? "link up" : "link down");
    }
    if ((reason & LWIP_NSC_IPV4_ADDRESS_CHANGED) != 0) {
        follow_ip4(netif);
    }
    if ((reason & LWIP_NSC_IPV6_ADDR_STATE_CHANGED) != 0) {
        follow_ip6(args->ipv6_addr_state_changed.address, args->ipv6_addr_state_changed.old_state,
                   netif_ip6_addr_state(netif, args->ipv6_addr_state_changed.addr_index));
    }
}

bool net_services_start(struct netif *netif, const struct net_services_config *config) {
    state.config = *config;
    if (config->ntp != NULL && !choose_server(config->ntp)) {
        return false;
    }
    netif_add_ext_callback(&state.observer, on_change);
    follow_ip4(netif);
    return config->name == NULL || start_mdns(netif);
}
