/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * options.h: the command line of the host target, read into a struct. Touches nothing but its
 * arguments, prints nothing.
 */
#ifndef PINGSHOT_OPTIONS_H
#define PINGSHOT_OPTIONS_H

#include "events/delivery.h"
#include "problem.h"

#include <stdbool.h>
#include <stdint.h>

enum options_command {
    OPTIONS_RUN,
    OPTIONS_HELP,
    OPTIONS_VERSION,
    OPTIONS_BAD, /* the problem says why */
};

struct options {
    uint16_t port;
    uint16_t port_tls;
    uint16_t mtu;
    bool disable_tls;
    bool disable_http;
    bool disable_insecure;
    const char *cert;
    const char *key;
    const char *client_ca; /* or NULL */
    const char *ca;        /* or NULL */
    bool cert_given;       /* --cert or --key was said: none is made */
    const char *tap;       /* name of the TAP device */
    const char *passt;     /* path of passt's socket, or NULL: use the TAP */
    const char *state;     /* path of the file that keeps the state, or NULL: none does */
    bool dhcp;
    bool gateway_given;
    const char *sntp; /* as net_services_config.ntp */
    uint32_t address; /* this and the next two in host order */
    uint32_t netmask;
    uint32_t gateway;
    uint32_t scraper_timeout_ms;
    enum delivery_duplicates duplicates;
    bool explicit_timestamps;
    bool alert_events;
    bool trust_proxy;
};

/* Reads argv[1..argc-1], both `--name value` and `--name=value`; the last one of a name counts.
 * The strings in `o` point into argv. `use_explicit_timestamps` is the value of the environment
 * variable USE_EXPLICIT_TIMESTAMPS, or NULL. */
enum options_command options_parse(struct options *o, int argc, char *const *argv,
                                   const char *use_explicit_timestamps, struct problem *problem);

/* The text of --help. */
extern const char options_help[];

#endif
