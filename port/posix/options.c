/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * options.c: see options.h. To add an option: a row in `rows`, a reader if none fits, a line in
 * options_help, a case in the unit test.
 */
#include "options.h"

#include "config.h"
#include "net_services.h"

#include <stddef.h>

#define MTU_MIN 576u /* RFC 1122 section 3.3.3: what every host takes */
#define MTU_MAX 9000u

/* IFNAMSIZ less its NUL. */
#define INTERFACE_NAME_BYTES 15u

const char options_help[] =
    "Usage: pingshot [OPTION]...\n"
    "Serves made-up metrics and one-shot events to Prometheus, on a network stack of its own.\n"
    "\n"
    "  --port PORT              HTTP port (8090)\n"
    "  --port-tls PORT          HTTPS port (8443)\n"
    "  --cert FILE              certificate, and the chain behind it, in PEM (server.crt)\n"
    "  --key FILE               its private key in PEM (server.key); without --cert and --key, and\n"
    "                           with neither file there, both are made, for development\n"
    "  --client-ca FILE         clients need a certificate that chains to one of these\n"
    "  --ca FILE                the own certificate must chain to one of these\n"
    "  --disable-insecure       refuse to start with a certificate that is self-signed, expired,\n"
    "                           not yet valid, or does not chain to --ca\n"
    "  --disable-tls            no HTTPS\n"
    "  --disable-http           no plain HTTP\n"
    "  --tap NAME               TAP device to use, or to make (pingshot0)\n"
    "  --passt SOCKET           use the socket of passt instead, which needs no privilege\n"
    "  --address ADDRESS/BITS   own address (192.168.76.2/24)\n"
    "  --gateway ADDRESS        gateway, and the host's address on a TAP that is made\n"
    "                           (the first address of the network)\n"
    "  --mtu BYTES              576 to 9000 (1500)\n"
    "  --dhcp                   get address and gateway by DHCP\n"
    "  --sntp SERVER            get the time from this NTP server, not from the kernel's clock: its\n"
    "                           address, or dhcp: one that DHCP names\n"
    "  --explicit-timestamps    expose events with the time they happened at; the same as\n"
    "                           USE_EXPLICIT_TIMESTAMPS=true in the environment\n"
    "  --scraper-timeout TIME   forget a scraper not seen for TIME: seconds, or a number with\n"
    "                           ms, s, m or h (10m)\n"
    "  --duplicate-events HOW   events with the same labels: queue one for each scrape, keep the\n"
    "                           last, or expose their sum (queue)\n"
    "  --alert-events           an alert that changes state, as POST /webhook is told, is an event\n"
    "  --state FILE             keep series, events and scrapers in this file over restarts; it is\n"
    "                           made if need be\n"
    "  --trust-proxy            X-Forwarded-For and X-Real-Ip name the client\n"
    "  --help, --version\n";

/* ---- problems ---------------------------------------------------------------------------- */

#define SHOWN_BYTES_MAX 60u

static struct slice slice_of(const char *string) {
    return (struct slice){string, (uint32_t)strlen(string)};
}

/* "NAME: 'VALUE' WRONG". */
static bool refuse(struct problem *problem, const char *name, struct slice value,
                   const char *wrong) {
    struct text t = problem_begin(problem, PROBLEM_MALFORMED);
    text_puts(&t, name);
    text_puts(&t, ": '");
    text_put_printable(&t, value, SHOWN_BYTES_MAX);
    text_puts(&t, "' ");
    text_puts(&t, wrong);
    return problem_end(problem, &t);
}

/* "NAME WRONG". */
static bool refuse_name(struct problem *problem, struct slice name, const char *wrong) {
    struct text t = problem_begin(problem, PROBLEM_MALFORMED);
    text_put_printable(&t, name, SHOWN_BYTES_MAX);
    text_puts(&t, wrong);
    return problem_end(problem, &t);
}

/* ---- readers: each takes one option's value ---------------------------------------------- */

/* Four decimal numbers with dots between them. */
static bool to_address(struct slice s, uint32_t *address) {
    uint32_t sum = 0;
    for (int i = 0; i < 4; i++) {
        uint32_t octet;
        uint32_t before = s.len;
        struct slice part = slice_cut(&s, '.');
        bool dot = part.len < before;
        if (part.len > 3 || !slice_to_u32(part, 255, &octet) || dot != (i < 3)) {
            return false;
        }
        sum = sum << 8 | octet;
    }
    *address = sum;
    return true;
}

static bool to_port(const char *name, uint16_t *port, struct slice value, struct problem *problem) {
    uint32_t number;
    if (!slice_to_u32(value, 65535, &number) || number == 0) {
        return refuse(problem, name, value, "is not a port; say a number from 1 to 65535");
    }
    *port = (uint16_t)number;
    return true;
}

static bool read_port(struct options *o, struct slice value, struct problem *problem) {
    return to_port("--port", &o->port, value, problem);
}

static bool read_port_tls(struct options *o, struct slice value, struct problem *problem) {
    return to_port("--port-tls", &o->port_tls, value, problem);
}

static bool to_file(const char *name, const char **file, struct slice value,
                    struct problem *problem) {
    if (value.len == 0) {
        return refuse(problem, name, value, "is no file's name; say that of a PEM file");
    }
    *file = value.bytes; /* a value ends where its argument ends */
    return true;
}

static bool read_cert(struct options *o, struct slice value, struct problem *problem) {
    o->cert_given = true;
    return to_file("--cert", &o->cert, value, problem);
}

static bool read_key(struct options *o, struct slice value, struct problem *problem) {
    o->cert_given = true;
    return to_file("--key", &o->key, value, problem);
}

static bool read_client_ca(struct options *o, struct slice value, struct problem *problem) {
    return to_file("--client-ca", &o->client_ca, value, problem);
}

static bool read_ca(struct options *o, struct slice value, struct problem *problem) {
    return to_file("--ca", &o->ca, value, problem);
}

static bool read_state(struct options *o, struct slice value, struct problem *problem) {
    if (value.len == 0) {
        return refuse(problem, "--state", value, "is no file's name; say where to keep the state");
    }
    o->state = value.bytes; /* a value ends where its argument ends */
    return true;
}

static bool read_mtu(struct options *o, struct slice value, struct problem *problem) {
    uint32_t mtu;
    if (!slice_to_u32(value, MTU_MAX, &mtu) || mtu < MTU_MIN) {
        return refuse(problem, "--mtu", value, "is not an MTU; say a number from 576 to 9000");
    }
    o->mtu = (uint16_t)mtu;
    return true;
}

static bool read_tap(struct options *o, struct slice value, struct problem *problem) {
    bool ok = value.len >= 1 && value.len <= INTERFACE_NAME_BYTES;
    for (uint32_t i = 0; i < value.len; i++) {
        char c = value.bytes[i];
        ok = ok && c > ' ' && c < 0x7f && c != '/' && c != ':' && c != '%';
    }
    if (!ok || value.bytes[0] == '.') {
        return refuse(problem, "--tap", value,
                      "cannot be a device's name; say 1 to 15 letters, digits, '-' or '_'");
    }
    o->tap = value.bytes; /* a value ends where its argument ends */
    return true;
}

static bool read_passt(struct options *o, struct slice value, struct problem *problem) {
    if (value.len == 0) {
        return refuse(problem, "--passt", value, "is no path; say the socket that passt -s has");
    }
    o->passt = value.bytes;
    return true;
}

static bool read_address(struct options *o, struct slice value, struct problem *problem) {
    struct slice bits_text = value;
    struct slice address_text = slice_cut(&bits_text, '/');
    uint32_t address;
    uint32_t bits;
    if (!to_address(address_text, &address) || !slice_to_u32(bits_text, 30, &bits) || bits == 0) {
        return refuse(problem, "--address", value,
                      "is not an address and its network's bits; say for example 192.168.76.2/24");
    }
    uint32_t netmask = UINT32_MAX << (32 - bits);
    if ((address & ~netmask) == 0 || (address & ~netmask) == ~netmask) {
        return refuse(problem, "--address", value,
                      "is the network's own or its broadcast address; say one between them");
    }
    if (address >> 24 == 0 || address >> 24 == 127 || address >> 28 >= 0xe) {
        return refuse(problem, "--address", value,
                      "is not an address that a host can have; say for example 192.168.76.2/24");
    }
    o->address = address;
    o->netmask = netmask;
    return true;
}

static bool read_gateway(struct options *o, struct slice value, struct problem *problem) {
    if (!to_address(value, &o->gateway)) {
        return refuse(problem, "--gateway", value,
                      "is not an IPv4 address; say for example 192.168.76.1");
    }
    o->gateway_given = true;
    return true;
}

static bool read_sntp(struct options *o, struct slice value, struct problem *problem) {
    if (!net_services_is_ntp(value.bytes)) {
        return refuse(problem, "--sntp", value,
                      "is not an NTP server's IPv4 or IPv6 address; say one, or dhcp");
    }
    o->sntp = value.bytes; /* a value ends where its argument ends */
    return true;
}

static bool read_scraper_timeout(struct options *o, struct slice value, struct problem *problem) {
    static const struct {
        struct slice unit;
        uint32_t ms;
    } units[] = {{SLICE(""), 1000},
                 {SLICE("ms"), 1},
                 {SLICE("s"), 1000},
                 {SLICE("m"), 60000},
                 {SLICE("h"), 3600000}};
    const uint32_t max_ms = 7u * 24u * 3600u * 1000u;
    uint32_t digits = 0;
    uint32_t count;
    while (digits < value.len && value.bytes[digits] >= '0' && value.bytes[digits] <= '9') {
        digits++;
    }
    struct slice number = {value.bytes, digits};
    struct slice unit = {value.bytes + digits, value.len - digits};
    for (size_t i = 0; i < sizeof units / sizeof units[0]; i++) {
        if (slice_equals(unit, units[i].unit) &&
            slice_to_u32(number, max_ms / units[i].ms, &count) && count > 0) {
            o->scraper_timeout_ms = count * units[i].ms;
            return true;
        }
    }
    return refuse(problem, "--scraper-timeout", value,
                  "is not a time; say for example 600, 90s or 10m, at most 168h");
}

static bool read_duplicates(struct options *o, struct slice value, struct problem *problem) {
    if (slice_equals(value, SLICE("queue"))) {
        o->duplicates = DELIVERY_QUEUE;
    } else if (slice_equals(value, SLICE("last"))) {
        o->duplicates = DELIVERY_LAST;
    } else if (slice_equals(value, SLICE("sum"))) {
        o->duplicates = DELIVERY_SUM;
    } else {
        return refuse(problem, "--duplicate-events", value,
                      "is not a way to treat them; say queue, last or sum");
    }
    return true;
}

/* ---- the table --------------------------------------------------------------------------- */

struct row {
    const char *name;
    /* Takes the value; or NULL, and the option is a switch: */
    bool (*read)(struct options *o, struct slice value, struct problem *problem);
    size_t flag;                  /* offset of its bool in struct options, or NO_FLAG */
    enum options_command command; /* what it asks for; OPTIONS_RUN: go on reading */
};

#define NO_FLAG SIZE_MAX

static const struct row rows[] = {
    {"--port", read_port, NO_FLAG, OPTIONS_RUN},
    {"--port-tls", read_port_tls, NO_FLAG, OPTIONS_RUN},
    {"--cert", read_cert, NO_FLAG, OPTIONS_RUN},
    {"--key", read_key, NO_FLAG, OPTIONS_RUN},
    {"--client-ca", read_client_ca, NO_FLAG, OPTIONS_RUN},
    {"--ca", read_ca, NO_FLAG, OPTIONS_RUN},
    {"--disable-insecure", NULL, offsetof(struct options, disable_insecure), OPTIONS_RUN},
    {"--disable-tls", NULL, offsetof(struct options, disable_tls), OPTIONS_RUN},
    {"--disable-http", NULL, offsetof(struct options, disable_http), OPTIONS_RUN},
    {"--tap", read_tap, NO_FLAG, OPTIONS_RUN},
    {"--passt", read_passt, NO_FLAG, OPTIONS_RUN},
    {"--address", read_address, NO_FLAG, OPTIONS_RUN},
    {"--gateway", read_gateway, NO_FLAG, OPTIONS_RUN},
    {"--mtu", read_mtu, NO_FLAG, OPTIONS_RUN},
    {"--sntp", read_sntp, NO_FLAG, OPTIONS_RUN},
    {"--scraper-timeout", read_scraper_timeout, NO_FLAG, OPTIONS_RUN},
    {"--duplicate-events", read_duplicates, NO_FLAG, OPTIONS_RUN},
    {"--state", read_state, NO_FLAG, OPTIONS_RUN},
    {"--dhcp", NULL, offsetof(struct options, dhcp), OPTIONS_RUN},
    {"--explicit-timestamps", NULL, offsetof(struct options, explicit_timestamps), OPTIONS_RUN},
    {"--alert-events", NULL, offsetof(struct options, alert_events), OPTIONS_RUN},
    {"--trust-proxy", NULL, offsetof(struct options, trust_proxy), OPTIONS_RUN},
    {"--help", NULL, NO_FLAG, OPTIONS_HELP},
    {"--version", NULL, NO_FLAG, OPTIONS_VERSION},
};

static const struct row *find(struct slice name) {
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (slice_equals(name, slice_of(rows[i].name))) {
            return &rows[i];
        }
    }
    return NULL;
}

/* Reads the option at argv[*at], and moves `*at` on to a value that is an argument of its own. */
static enum options_command read_one(struct options *o, int argc, char *const *argv, int *at,
                                     struct problem *problem) {
    struct slice value = slice_of(argv[*at]);
    struct slice name = slice_cut(&value, '=');
    bool joined = name.bytes[name.len] == '=';
    const struct row *row = find(name);
    if (row == NULL) {
        refuse_name(problem, name, " is not an option; --help lists them");
        return OPTIONS_BAD;
    }
    if (row->read == NULL) {
        if (joined) {
            refuse_name(problem, name, " is a switch; say it without a value");
            return OPTIONS_BAD;
        }
        if (row->flag != NO_FLAG) {
            *(bool *)((char *)o + row->flag) = true;
        }
        return row->command;
    }
    if (!joined) {
        if (*at + 1 >= argc) {
            refuse_name(problem, name, " needs a value; --help says which");
            return OPTIONS_BAD;
        }
        value = slice_of(argv[++*at]);
    }
    return row->read(o, value, problem) ? OPTIONS_RUN : OPTIONS_BAD;
}

/* ---- options that depend on one another -------------------------------------------------- */

static bool check_link(const struct options *defaults, const struct options *o,
                       struct problem *problem) {
    if (o->passt != NULL && o->tap != defaults->tap) {
        return problem_set(problem, PROBLEM_MALFORMED,
                           "--tap and --passt exclude each other; say one of them");
    }
    if (o->dhcp && o->address != defaults->address) {
        return problem_set(problem, PROBLEM_MALFORMED,
                           "--dhcp and --address exclude each other; say one of them");
    }
    if (o->sntp != NULL && strcmp(o->sntp, "dhcp") == 0 && !o->dhcp) {
        return problem_set(problem, PROBLEM_MALFORMED,
                           "--sntp dhcp needs --dhcp; say it, or an NTP server's address");
    }
    return true;
}

static bool check_tls(const struct options *o, struct problem *problem) {
    if (o->disable_tls && o->disable_http) {
        return problem_set(problem, PROBLEM_MALFORMED,
                           "--disable-tls and --disable-http leave nothing; say one of them");
    }
    if (o->disable_tls && (o->client_ca != NULL || o->ca != NULL || o->disable_insecure)) {
        return problem_set(problem, PROBLEM_MALFORMED,
                           "--disable-tls excludes --client-ca, --ca and --disable-insecure");
    }
    if (!o->disable_tls && !o->disable_http && o->port == o->port_tls) {
        return problem_set(problem, PROBLEM_MALFORMED,
                           "--port and --port-tls are the same; say two different ports");
    }
    return true;
}

static bool settle_gateway(struct options *o, struct problem *problem) {
    uint32_t network = o->address & o->netmask;
    if (!o->gateway_given) {
        o->gateway = network + 1 == o->address ? network + 2 : network + 1;
        return true;
    }
    if (o->dhcp) {
        return true; /* then it is only the host's address */
    }
    if ((o->gateway & o->netmask) != network || o->gateway == o->address || o->gateway == network ||
        o->gateway == (network | ~o->netmask)) {
        return problem_set(problem, PROBLEM_MALFORMED,
                           "--gateway: say another host's address in the network of --address");
    }
    return true;
}

enum options_command options_parse(struct options *o, int argc, char *const *argv,
                                   const char *use_explicit_timestamps, struct problem *problem) {
    const struct options defaults = {
        .port = 8090,
        .port_tls = 8443,
        .cert = "server.crt",
        .key = "server.key",
        .mtu = 1500,
        .tap = "pingshot0",
        .address = 0xc0a84c02, /* 192.168.76.2 */
        .netmask = 0xffffff00,
        .scraper_timeout_ms = CFG_SCRAPER_TIMEOUT_MS,
        .duplicates = DELIVERY_QUEUE,
        .explicit_timestamps =
            use_explicit_timestamps != NULL && strcmp(use_explicit_timestamps, "true") == 0,
    };
    *o = defaults;
    for (int at = 1; at < argc; at++) {
        enum options_command command = read_one(o, argc, argv, &at, problem);
        if (command != OPTIONS_RUN) {
            return command;
        }
    }
    return check_link(&defaults, o, problem) && check_tls(o, problem) && settle_gateway(o, problem)
               ? OPTIONS_RUN
               : OPTIONS_BAD;
}
