/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * main.c: pingshot as a Linux process: reads the options, opens a link, starts lwIP, the app and
 * its server, and runs the loop. Exit status 2 for usage, 1 for whatever else cannot work.
 */
#include "app.h"
#include "clock.h"
#include "clock_sntp.h"
#include "console.h"
#include "console_stdout.h"
#include "entropy.h"
#include "host_loop.h"
#include "net_server.h"
#include "net_services.h"
#include "net_stack.h"
#include "net_tls.h"
#include "netif_passt.h"
#include "netif_tap.h"
#include "options.h"
#include "random.h"
#include "state_file.h"
#include "tls_files.h"

#include "lwip/altcp_tls.h"
#include "lwip/ip4_addr.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* One of each, and too large for a stack. */
static struct app app;
static struct state state; /* without --state */
static struct state_file state_file;
static struct net_server server;
static struct random rng;
static struct netif_tap tap;
static struct netif_passt passt;
static struct options options;
static struct tls_files tls;

static void complain(const char *line, size_t n) {
    fprintf(stderr, "pingshot: %.*s\n", (int)n, line);
}

static int give_up(int status, const struct problem *problem) {
    complain(problem->line, problem->line_len);
    return status;
}

static int give_up_line(const char *line) {
    complain(line, strlen(line));
    return 1;
}

static _Noreturn void die(const char *line) {
    console_stdout_finish();
    complain(line, strlen(line));
    abort();
}

/* ---- what it says ------------------------------------------------------------------------ */

static void say(const char *line) {
    console_say(CONSOLE_INFO, line);
}

static void warn(const char *line) {
    console_say(CONSOLE_WARNING, line);
}

/* What to type next. */
static void say_try(const char *host) {
    struct console_line line;
    console_begin(&line, CONSOLE_INFO);
    text_puts(&line.text, options.disable_http ? "try: curl -k -X POST 'https://"
                                               : "try: curl -X POST 'http://");
    text_puts(&line.text, host);
    text_put_char(&line.text, ':');
    text_put_u64(&line.text, options.disable_http ? options.port_tls : options.port);
    text_puts(&line.text, "/event?type=hello&message=first'");
    console_end(&line);
}

static void say_reachable(const char *address) {
    static bool tried; /* one address is enough for that */
    /* Only passt reaches an address behind it; people reach what passt forwards. */
    const char *host = options.passt == NULL ? address : "127.0.0.1";
    console_say_ready(host, options.disable_http ? 0 : options.port,
                      options.disable_tls ? 0 : options.port_tls);
    if (options.passt != NULL) {
        struct console_line line;
        console_begin(&line, CONSOLE_INFO);
        text_puts(&line.text, "by passt's -t 127.0.0.1/PORT:PORT to ");
        text_puts(&line.text, address);
        console_end(&line);
    }
    if (!tried) {
        tried = true;
        say_try(host);
    }
}

/* ---- start ------------------------------------------------------------------------------- */

static bool start_stack(void) {
    uint8_t seed[RANDOM_SEED_BYTES];
    if (!entropy_fill(seed, sizeof seed)) {
        return false;
    }
    random_seed(&rng, seed);
    explicit_bzero(seed, sizeof seed);
    net_stack_init(&(struct net_stack_config){.rng = &rng, .fatal = die});
    return true;
}

static struct frame_link *open_link(struct problem *problem) {
    if (options.passt != NULL) {
        return netif_passt_open(&passt, options.passt, options.mtu, problem) ? &passt.link : NULL;
    }
    const struct netif_tap_config config = {
        .name = options.tap,
        .mtu = options.mtu,
        .address_host = !options.dhcp || options.gateway_given,
        .host_address = options.gateway,
        .netmask = options.netmask,
    };
    return netif_tap_open(&tap, &config, problem) ? &tap.link : NULL;
}

static bool start_netif(struct frame_link *link) {
    const struct net_stack_address address = {
        .dhcp = options.dhcp,
        .address = options.address,
        .netmask = options.netmask,
        .gateway = options.gateway,
    };
    bool over_tap = link == &tap.link;
    return net_stack_add(&link->netif, &address, over_tap ? netif_tap_init : netif_passt_init,
                         over_tap ? (void *)&tap : (void *)&passt, "pingshot");
}

/* Behind passt nobody would hear mDNS, and what it hands on to the host's own network must not
 * be heard there. */
static bool start_services(struct netif *netif) {
    const struct net_services_config config = {
        .name = options.passt == NULL ? "pingshot" : NULL,
        .port = options.disable_http ? options.port_tls : options.port,
        .https = options.disable_http,
        .ntp = options.sntp,
        .say = say,
        .reachable = say_reachable,
    };
    if (options.sntp != NULL) {
        clock_use_sntp();
    }
    return net_services_start(netif, &config);
}

static bool start_tls(struct problem *problem) {
    char address[IP4ADDR_STRLEN_MAX];
    ip4_addr_t ip = {lwip_htonl(options.address)};
    ip4addr_ntoa_r(&ip, address, sizeof address);
    const struct tls_files_config config = {
        .cert = options.cert,
        .key = options.key,
        .make_missing = !options.cert_given,
        .strict = options.disable_insecure,
        .ca = options.ca,
        .client_ca = options.client_ca,
        .address = address,
        .warn = warn,
    };
    if (!tls_files_load(&tls, &config, problem)) {
        return false;
    }
    if (tls.self_signed) {
        struct console_line line;
        console_begin(&line, CONSOLE_INFO);
        text_puts(&line.text, tls.made ? "made the certificate " : "the certificate ");
        text_puts(&line.text, options.cert);
        text_puts(&line.text, ": self-signed, for development; SHA-256 fingerprint ");
        text_puts(&line.text, tls.fingerprint);
        console_end(&line);
    }
    return true;
}

static bool port_table(uint32_t index, struct table_stats *stats) {
    if (index < NET_TLS_TABLES) {
        return net_tls_table(index, stats);
    }
    if (index == NET_TLS_TABLES) {
        *stats = console_stats();
        return true;
    }
    return net_stack_table(index - NET_TLS_TABLES - 1, stats);
}

static bool listen_on_ports(struct problem *problem) {
    altcp_allocator_t allocator = {altcp_tls_alloc, tls.config};
    err_t err = ERR_OK;
    if (!options.disable_http) {
        err = net_server_listen(&server, NULL, options.port);
    }
    if (err == ERR_OK && !options.disable_tls) {
        err = net_server_listen(&server, &allocator, options.port_tls);
    }
    return err == ERR_OK ||
           problem_set(problem, PROBLEM_FULL, "cannot listen: lwIP has no memory for it");
}

static void say_state(const struct state_found *found) {
    struct console_line line;
    console_begin(&line, CONSOLE_INFO);
    state_put_found(found, &line.text);
    console_end(&line);
}

/* With --state: a file that is new gets its name when there is a whole state in it. */
static bool start_app_on_file(const struct app_config *config, struct problem *problem) {
    if (!state_file_open(&state_file, options.state, problem)) {
        return false;
    }
    if (!app_init(&app, config, state_file.state, problem)) {
        state_file_discard(&state_file);
        return false;
    }
    return state_file_keep(&state_file, problem);
}

static bool start_app(struct problem *problem) {
    struct app_config config = {
        .target = "host",
        .scraper_timeout_ms = options.scraper_timeout_ms,
        .duplicates = options.duplicates,
        .explicit_timestamps = options.explicit_timestamps,
        .alert_events = options.alert_events,
        .trust_proxy = options.trust_proxy,
        .console = console_offer,
        .warn = console_warn,
        .found = options.state != NULL ? say_state : NULL,
        .port_table = port_table,
        .tls_stats = options.disable_tls ? NULL : net_tls_stats,
    };
    random_fill(&rng, config.hash_key, sizeof config.hash_key);
    if (options.state != NULL ? !start_app_on_file(&config, problem)
                              : !app_init(&app, &config, &state, problem)) {
        return false;
    }
    net_server_init(&server, &app);
    return listen_on_ports(problem);
}

static bool turn(void *context, uint32_t now_ms) {
    bool more = app_poll(context, now_ms);
    console_poll();
    return more;
}

static int run(struct host_loop *loop) {
    struct problem problem = {0};
    if (!start_stack()) {
        return give_up_line("the kernel gives no random bytes; nothing may start without them");
    }
    struct frame_link *link = open_link(&problem);
    if (link == NULL) {
        return give_up(1, &problem);
    }
    int status = 0;
    if ((!options.disable_tls && !start_tls(&problem)) || !start_app(&problem)) {
        status = give_up(1, &problem);
    } else if (!start_netif(link) || !start_services(&link->netif)) {
        status = give_up_line("cannot start the network interface: lwIP has no memory for it");
    } else {
        loop->link = link;
        loop->turn = turn;
        loop->context = &app;
        if (!host_loop_run(loop)) {
            status = give_up_line(link->lost);
        }
    }
    link->close(link);
    return status;
}

int main(int argc, char **argv) {
    struct problem problem = {0};
    struct host_loop loop;
    switch (options_parse(&options, argc, argv, getenv("USE_EXPLICIT_TIMESTAMPS"), &problem)) {
    case OPTIONS_HELP:
        fputs(options_help, stdout);
        return 0;
    case OPTIONS_VERSION:
        puts("pingshot " APP_VERSION);
        return 0;
    case OPTIONS_BAD:
        return give_up(2, &problem);
    case OPTIONS_RUN:
        break;
    }
    if (!host_loop_init(&loop)) {
        return give_up_line("cannot prepare for signals: too many open files");
    }
    console_say(CONSOLE_INFO, "pingshot " APP_VERSION);
    int status = run(&loop);
    console_stdout_finish();
    host_loop_close(&loop);
    return status;
}
