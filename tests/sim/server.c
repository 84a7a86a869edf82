/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * server.c: the real server as a machine of the simulation: all of app/, net_server, lwIP and TLS,
 * started as a port's main.c starts them.
 */
#include "app.h"
#include "clock.h"
#include "glue.h"
#include "net_server.h"
#include "net_stack.h"
#include "net_tls.h"
#if CFG_SIM_TLS
#include "posix/tls_self_signed.h"

#include "lwip/altcp_tls.h"
#endif

#include "lwip/mem.h"

#include <stdio.h>
#include <stdlib.h>

static struct app app;
static struct net_server server;

_Static_assert((int)SIM_DUPLICATES_QUEUE == (int)DELIVERY_QUEUE &&
                   (int)SIM_DUPLICATES_LAST == (int)DELIVERY_LAST &&
                   (int)SIM_DUPLICATES_SUM == (int)DELIVERY_SUM,
               "sim_duplicates is delivery_duplicates");

static void listen_on(altcp_allocator_t *allocator, uint16_t port) {
    if (net_server_listen(&server, allocator, port) != ERR_OK) {
        glue_fatal("cannot listen");
    }
}

#if CFG_SIM_TLS
static void listen_tls(const struct sim_certificate *certificate) {
    struct altcp_tls_config *config = altcp_tls_create_config_server_privkey_cert(
        certificate->key, certificate->key_len, NULL, 0, certificate->cert, certificate->cert_len);
    altcp_allocator_t allocator = {altcp_tls_alloc, config};
    if (config == NULL) {
        glue_fatal("the certificate does not work");
    }
    listen_on(&allocator, SIM_PORT_TLS);
}

static bool certify(const uint8_t seed[SIM_SEED_BYTES], struct sim_certificate *made) {
    static struct tls_self_signed pair;
    random_seed(&glue_random, seed);
    net_stack_init(&(struct net_stack_config){.rng = &glue_random});
    if (!tls_self_signed_make(&pair, "10.0.0.1")) {
        return false;
    }
    made->key_len = pair.key_len;
    made->cert_len = pair.cert_len;
    memcpy(made->key, pair.key, pair.key_len);
    memcpy(made->cert, pair.cert, pair.cert_len);
    return true;
}
#endif

static void start(const struct sim_server_config *config) {
    struct problem problem;
    struct app_config options = {
        .target = "sim",
        .scraper_timeout_ms = config->scraper_timeout_ms,
        .duplicates = (enum delivery_duplicates)config->duplicates,
        .explicit_timestamps = config->timestamps,
        .port_table = net_stack_table,
    };
    glue_start(&config->world, config->seed, config->address);
    random_fill(&glue_random, options.hash_key, sizeof options.hash_key);
    if (!app_init(&app, &options, config->state, &problem)) {
        glue_fatal("app_init fails");
    }
    net_server_init(&server, &app);
    listen_on(NULL, SIM_PORT);
#if CFG_SIM_TLS
    if (config->tls) {
        listen_tls(config->certificate);
    }
#endif
}

static void shrink_fails(const char *line) {
    fprintf(stderr, "sim: %s\n", line);
    abort();
}

/* The largest block that lwIP's heap has is shrunk. */
static void shrink_block(void) {
    const mem_size_t left_bytes = 16;
    mem_size_t bytes = CFG_NET_HEAP_BYTES;
    void *block;
    net_stack_init(&(struct net_stack_config){.rng = &glue_random, .fatal = shrink_fails});
    while ((block = mem_malloc(bytes)) == NULL) {
        bytes = (mem_size_t)(bytes - MEM_ALIGNMENT);
    }
    mem_trim(block, left_bytes);
}

static uint64_t ambiguous(const void *state) {
    return ((const struct state *)state)->delivery.tally.ambiguous;
}

static void turn(void) {
    net_stack_poll();
    (void)app_poll(&app, clock_monotonic_ms()); /* there is no console to wait for */
}

__attribute__((visibility("default"))) extern const struct sim_server sim_server;
const struct sim_server sim_server = {
    .machine = {.receive = glue_receive, .turn = turn, .sleep_ms = glue_sleep_ms},
    .state_bytes = sizeof(struct state),
    .events_max = CFG_EVENTS_MAX,
    .keys_max = CFG_IDEMPOTENCY_KEYS,
    .has_tls = CFG_SIM_TLS,
    .retains = true,
    .start = start,
    .ambiguous = ambiguous,
    .shrink_block = shrink_block,
#if CFG_SIM_TLS
    .certify = certify,
#endif
};
