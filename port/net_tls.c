/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * net_tls.c: see net_tls.h.
 */
#include "net_tls.h"

#include "altcp_tls_wolfssl.h"
#include "clock.h"
#include "config.h"
#include "net_stack.h"

#include <wolfssl/wolfcrypt/settings.h>

_Static_assert(CFG_HTTP_TX_ROOM_BYTES <= CFG_TLS_SEND_RECORD_BYTES,
               "CFG_HTTP_TX_ROOM_BYTES: at most CFG_TLS_SEND_RECORD_BYTES");

/* wolfSSL's names for what a port provides: see wolfssl/user_settings.h. */
int altcp_tls_port_random(unsigned char *bytes, unsigned count) {
    net_stack_random_fill(bytes, count);
    return 0;
}

/* While the time is not known it is 1970, when no certificate was valid yet. */
int64_t altcp_tls_port_unix_s(void) {
    int64_t unix_ms = 0;
    return clock_wall_ms(&unix_ms) ? unix_ms / 1000 : 0;
}

static void sessions_table(struct table_stats *stats) {
    const struct altcp_tls_stats *tls = altcp_tls_wolfssl_stats();
    *stats = (struct table_stats){
        .name = LABEL_VALUE("tls_sessions"),
        .used = tls->sessions_used,
        .high_water = tls->sessions_high_water,
        .limit = tls->sessions_limit,
        .refused_total = tls->sessions_refused_total,
    };
}

static void waiting_table(struct table_stats *stats) {
    const struct altcp_tls_stats *tls = altcp_tls_wolfssl_stats();
    *stats = (struct table_stats){
        .name = LABEL_VALUE("tls_waiting"),
        .used = tls->waiting_used,
        .high_water = tls->waiting_high_water,
        .limit = tls->waiting_limit,
        .refused_total = tls->waiting_refused_total,
    };
}

static void memory_table(struct table_stats *stats) {
    struct altcp_tls_mem_stats mem;
    altcp_tls_mem_get_stats(&mem);
    *stats = (struct table_stats){
        .name = LABEL_VALUE("tls_memory_bytes"),
        .used = mem.used_bytes,
        .high_water = mem.high_water_bytes,
        .limit = mem.limit_bytes,
        .refused_total = mem.refused_total,
    };
}

bool net_tls_table(uint32_t index, struct table_stats *stats) {
    static void (*const tables[NET_TLS_TABLES])(struct table_stats *) = {
        sessions_table, waiting_table, memory_table};
    if (index >= NET_TLS_TABLES) {
        return false;
    }
    tables[index](stats);
    return true;
}

static const struct label_value failure_names[ALTCP_TLS_FAILURES] = {
    [ALTCP_TLS_TIMEOUT] = LABEL_VALUE("timeout"),
    [ALTCP_TLS_LEFT] = LABEL_VALUE("left"),
    [ALTCP_TLS_ALERT] = LABEL_VALUE("alert"),
    [ALTCP_TLS_VERSION] = LABEL_VALUE("version"),
    [ALTCP_TLS_CIPHER] = LABEL_VALUE("cipher"),
    [ALTCP_TLS_CERTIFICATE] = LABEL_VALUE("certificate"),
    [ALTCP_TLS_RECORD] = LABEL_VALUE("record"),
    [ALTCP_TLS_PROTOCOL] = LABEL_VALUE("protocol"),
    [ALTCP_TLS_MEMORY] = LABEL_VALUE("memory"),
    [ALTCP_TLS_INTERNAL] = LABEL_VALUE("internal"),
};

void net_tls_stats(struct tls_stats *stats) {
    const struct altcp_tls_stats *tls = altcp_tls_wolfssl_stats();
    stats->full_total = tls->handshakes_total - tls->resumed_total;
    stats->resumed_total = tls->resumed_total;
    stats->truncated_total = tls->truncated_total;
    stats->failures_count = ALTCP_TLS_FAILURES;
    stats->failure_names = failure_names;
    stats->failures_total = tls->failures_total;
}
