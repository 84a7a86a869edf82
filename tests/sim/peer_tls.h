/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * peer_tls.h: TLS of a client's connections: wolfSSL's client between a connection's bytes and the
 * simulator's. Like a test's Prometheus it does not verify whose certificate it is.
 */
#ifndef PINGSHOT_SIM_PEER_TLS_H
#define PINGSHOT_SIM_PEER_TLS_H

#include "lwip/tcp.h"

#include <stdbool.h>
#include <stdint.h>

/* What TCP has handed over and wolfSSL has not taken: no more than a window. */
#define PEER_TLS_INPUT_BYTES (TCP_WND + 1u)

struct peer_tls {
    void *session; /* WOLFSSL *; NULL: this connection is plain */
    struct tcp_pcb *pcb;
    bool connected; /* the handshake is done */
    bool ended;     /* close_notify has come */
    uint32_t input_bytes;
    uint8_t input[PEER_TLS_INPUT_BYTES];
};

/* Once in each life of the machine. */
void peer_tls_init(bool tls13);

/* The TCP connection is there: says hello. False: no memory. */
bool peer_tls_begin(struct peer_tls *tls, struct tcp_pcb *pcb);

/* Bytes came. False when they are no TLS. */
bool peer_tls_input(struct peer_tls *tls, const uint8_t *bytes, uint32_t n);

/* Plaintext that came, up to `size` bytes: how much. Goes on with the handshake first. -1: TLS
 * failed. */
int peer_tls_read(struct peer_tls *tls, void *to, uint32_t size);

bool peer_tls_write(struct peer_tls *tls, const void *bytes, uint32_t n);

/* Says close_notify if it is still wanted. */
void peer_tls_end(struct peer_tls *tls);

void peer_tls_free(struct peer_tls *tls);

#endif
