/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * main.c: pingshot on a microcontroller: starts the board, lwIP, the app and its server, and runs
 * the one loop. What its build decides (address, certificate) is in board_config.h.
 */
#include "apart.h"
#include "app.h"
#include "board_api.h"
#include "board_config.h"
#include "clock.h"
#include "console.h"
#include "core.h"
#include "faults.h"
#include "net_server.h"
#include "net_services.h"
#include "net_stack.h"
#include "net_tls.h"
#include "random.h"
#include "retained.h"
#include "seed.h"
#include "stack.h"
#include "systick.h"
#include "tls_certificate.h"

#include <string.h>

/* Looks at a device that takes nothing: some ten milliseconds of a UART. */
#define BOOT_FLUSH_TRIES 100000u

static struct app app;
__attribute__((section(".noinit"))) static struct state state;
static struct net_server server;
static struct random rng;
static struct netif netif;
static uint16_t port_tls; /* 0: no HTTPS */

size_t console_device_write(const char *bytes, size_t n) {
    return board_log_write(bytes, n);
}

/* ---- what /metrics asks for ---------------------------------------------------------------- */

static bool port_table(uint32_t index, struct table_stats *stats) {
    if (index > NET_TLS_TABLES + 1) {
        return net_stack_table(index - NET_TLS_TABLES - 2, stats);
    }
    if (index < NET_TLS_TABLES) {
        return net_tls_table(index, stats);
    }
    *stats = index == NET_TLS_TABLES ? stack_stats() : console_stats();
    return true;
}

static bool resets(uint32_t index, struct label_value *cause, uint32_t *total) {
    if (index >= RETAINED_CAUSES) {
        return false;
    }
    *cause = retained_cause_name((enum retained_cause)index);
    *total = retained_resets((enum retained_cause)index);
    return true;
}

_Static_assert(BOARD_WORD_BYTES == LABEL_VALUE_BYTES, "a board's words are the app's");

static bool network_errors(uint32_t index, struct label_value *name, uint32_t *total) {
    struct board_word word;
    if (!board_counter(index, &word, total)) {
        return false;
    }
    *name = (struct label_value){word.bytes, word.len};
    return true;
}

/* ---- start ------------------------------------------------------------------------------- */

static void put_hex(struct text *t, const char *name, uint32_t value) {
    text_format(t, " %s=0x", name);
    text_put_hex(t, value, 8);
}

/* Why the run before ended. */
static void say_reset(const struct retained_end *end) {
    struct console_line line;
    const bool bad = end->cause >= RETAINED_WATCHDOG;
    const struct label_value cause = retained_cause_name((enum retained_cause)end->cause);
    console_begin(&line, bad ? CONSOLE_ERROR : CONSOLE_INFO);
    text_format(&line.text, "pingshot %s on %s, reset: %.*s", APP_VERSION, CFG_BOARD,
                TEXT_SLICE(cause));
    if (bad) {
        text_put_char(&line.text, ',');
        put_hex(&line.text, "pc", end->pc);
        put_hex(&line.text, "lr", end->lr);
        put_hex(&line.text, "cfsr", end->cfsr);
        put_hex(&line.text, "address", end->address);
        text_format(&line.text, " after %u s %s", (unsigned)end->uptime_s, end->text);
    }
    console_end(&line);
}

/* Without a seed there is no HTTPS, and lwIP's choices (ports, sequence numbers) can be guessed:
 * the ratchet still makes each run differ from those since power came on. */
static bool start_random(void) {
    uint8_t seed[RANDOM_SEED_BYTES] = {0};
    const bool here = board_entropy(seed, sizeof seed) || seed_take(seed);
    const bool seeded = retained_ratchet(seed, here);
    random_seed(&rng, seed);
    random_wipe(seed, sizeof seed);
    return seeded;
}

static void say(const char *line) {
    console_say(CONSOLE_INFO, line);
}

static void say_reachable(const char *host) {
    console_say_ready(host, CFG_BOARD_DISABLE_HTTP ? 0 : CFG_BOARD_PORT, port_tls);
}

static void say_state(const struct state_found *found) {
    struct console_line line;
    console_begin(&line, CONSOLE_INFO);
    state_put_found(found, &line.text);
    console_end(&line);
}

static void start_app(void) {
    struct problem problem = {0};
    struct app_config config = {
        .target = CFG_BOARD,
        .scraper_timeout_ms = CFG_BOARD_SCRAPER_TIMEOUT_MS,
        .duplicates = CFG_BOARD_DUPLICATES,
        .explicit_timestamps = CFG_BOARD_EXPLICIT_TIMESTAMPS,
        .trust_proxy = CFG_BOARD_TRUST_PROXY,
        .alert_events = CFG_BOARD_ALERT_EVENTS,
        .console = console_offer,
        .warn = console_warn,
        .found = say_state,
        .port_table = port_table,
        .tls_stats = CFG_BOARD_DISABLE_TLS ? NULL : net_tls_stats,
        .resets = resets,
        .network_errors = network_errors,
    };
    random_fill(&rng, config.hash_key, sizeof config.hash_key);
    if (!app_init(&app, &config, &state, &problem)) {
        problem.line[problem.line_len < sizeof problem.line ? problem.line_len : 0] = '\0';
        faults_trap(problem.line);
    }
}

/* HTTPS needs a seed and a certificate. Without them HTTP is served all the same. */
static void start_https(bool seeded) {
    altcp_allocator_t tls = {altcp_tls_alloc, seeded ? tls_certificate_load() : NULL};
    if (!seeded) {
        console_say(CONSOLE_WARNING, "HTTPS is off: no entropy; see the README, Entropy");
    } else if (tls.arg == NULL) {
        console_say(CONSOLE_WARNING, "HTTPS is off: too little memory: raise CFG_TLS_MEM_BYTES");
    } else if (net_server_listen(&server, &tls, CFG_BOARD_PORT_TLS) == ERR_OK) {
        struct console_line line;
        port_tls = CFG_BOARD_PORT_TLS;
        console_begin(&line, CONSOLE_INFO);
        text_format(&line.text, "HTTPS certificate, SHA-256: %s", tls_certificate_fingerprint);
        console_end(&line);
    } else {
        faults_trap("cannot listen for HTTPS: lwIP has no memory for it");
    }
}

static void start_servers(bool seeded) {
    net_server_init(&server, &app);
    if (!CFG_BOARD_DISABLE_HTTP && net_server_listen(&server, NULL, CFG_BOARD_PORT) != ERR_OK) {
        faults_trap("cannot listen: lwIP has no memory for it");
    }
    if (!CFG_BOARD_DISABLE_TLS) {
        start_https(seeded);
    }
}

static void start_netif(void) {
    const struct net_stack_address address = {
        .dhcp = CFG_BOARD_DHCP,
        .address = CFG_BOARD_ADDRESS,
        .netmask = CFG_BOARD_NETMASK,
        .gateway = CFG_BOARD_GATEWAY,
    };
    const struct net_services_config services = {
        .name = "pingshot",
        .port = CFG_BOARD_DISABLE_HTTP ? port_tls : CFG_BOARD_PORT,
        .https = CFG_BOARD_DISABLE_HTTP,
        .ntp = CFG_BOARD_NTP,
        .say = say,
        .reachable = say_reachable,
    };
    if (!net_stack_add(&netif, &address, board_netif_init, NULL, "pingshot") ||
        !net_services_start(&netif, &services)) {
        faults_trap("cannot start the network interface");
    }
}

/* Sleeps until an interrupt, unless there is work; the UART may have no queue of its own. SysTick
 * ends it within a millisecond, which is as exact as any deadline here is. */
static void idle(void) {
    core_mask_interrupts();
    if (!board_pending() && !console_waits()) {
        core_wait_for_interrupt();
    }
    core_unmask_interrupts();
}

/* Once it runs, kicked only from here, where frames, timers, application and stack have all had their turn. */
static void keep_alive(void) {
    if (stack_overrun()) {
        faults_stack_overflow();
    }
    board_watchdog_kick();
    if (faults_warned()) {
        retained_go_on();
    }
}

APART static void start(void) {
    systick_start(board_init());
    board_watchdog_kick(); /* from here on: a start that hangs is one that comes again */
    const struct retained_end end = retained_start(board_reset_cause());
    say_reset(&end);
    console_flush(BOOT_FLUSH_TRIES); /* should what follows break it must have been said */
    const bool seeded = start_random();
    net_stack_init(&(struct net_stack_config){.rng = &rng, .fatal = faults_trap});
    start_app();
    start_servers(seeded);
    start_netif();
}

int main(void) {
    start();
    for (;;) {
        board_poll();
        net_stack_poll();
        app_poll(&app, clock_monotonic_ms());
        console_poll();
        keep_alive();
        stack_look();
        idle();
    }
}
