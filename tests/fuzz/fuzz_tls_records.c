/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * fuzz_tls_records.c: libFuzzer against the TLS layer, with everything below the application: hostile
 * bytes to a listener, and changed records within a session. The input's first byte chooses:
 *
 *     bit 0      0: the bytes come instead of a client; 1: a real client shakes hands first
 *     bit 1      TLS 1.2 or 1.3
 *     bits 2, 3  pieces of 1, 7, 1460 or 65535 bytes
 *     bits 4, 5  in a session: the bytes are put before, after, over (xor) or instead of a record
 *     bit 6      the application refuses now and then
 *     bit 7      TCP is short of memory now and then
 *
 * A crash, a leak of the pool, or a broken rule of altcp (tls_pipe.h asserts them) is a finding.
 */
#include "tls_pipe.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct pipe *const p = &pipes[0];
static struct upper *const u = &uppers[0];

static void put(const uint8_t *bytes, size_t n) {
    memcpy(p->to_server + p->to_server_len, bytes, n);
    p->to_server_len += (uint32_t)n;
}

static void send_changed(const uint8_t *bytes, size_t n, unsigned how) {
    static const uint8_t plain[300] = "GET /ping HTTP/1.1\r\nHost: x\r\n\r\n";
    if (how == 0) {
        put(bytes, n);
    }
    uint32_t at = p->to_server_len;
    wolfSSL_write(p->client, plain, sizeof plain);
    if (how == 2) {
        for (size_t i = 0; i < n && at + i < p->to_server_len; i++) {
            p->to_server[at + i] ^= bytes[i];
        }
    } else if (how == 3) {
        p->to_server_len = at;
    }
    if (how == 1 || how == 3) {
        put(bytes, n);
    }
}

static void let_it_come(uint32_t piece_bytes, bool refuses, bool short_of_memory) {
    for (uint32_t turn = 0; undelivered(p) > 0 && turn < 5000; turn++) {
        u->habit = refuses && turn % 3 == 1 ? APP_REFUSES : APP_TAKES;
        p->writes_refused = short_of_memory && turn % 2 == 1 ? 3 : 0;
        deliver(p, LWIP_MIN(undelivered(p), piece_bytes));
        if (turn % 5 == 4) {
            poll_once(p);
        }
    }
    u->habit = APP_TAKES;
    p->writes_refused = 0;
    poll_once(p);
    acknowledge_all(p);
    if (p->inner != NULL) {
        deliver_fin(p);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static const uint32_t pieces[] = {1, 7, 1460, 65535};
    static bool ready;
    if (!ready) {
        start_world(NULL);
        ready = true;
    }
    if (size < 2 || size > 20000) {
        return -1;
    }
    /* The same bytes do the same, whatever came before. */
    static const uint8_t seed[RANDOM_SEED_BYTES] = {9};
    random_seed(&rng, seed);
    unsigned how = data[0];
    start_test(NULL);
    if (how & 1) {
        shake_hands(p, how & 2);
        send_changed(data + 1, size - 1, how >> 4 & 3);
    } else {
        connect_tcp(p);
        put(data + 1, size - 1);
    }
    let_it_come(pieces[how >> 2 & 3], how & 0x40, how & 0x80);
    end_test(NULL);
    return 0;
}
