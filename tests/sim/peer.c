/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * peer.c: a machine of a client: lwIP, and TCP and TLS connections to the server that the simulator
 * opens, reads and writes. What HTTP is it does not know.
 */
#include "glue.h"
#include "net_stack.h"
#include "peer_tls.h"

#include "lwip/tcp.h"

#include <string.h>

#define CONNS_MAX 8
#define READ_BYTES 2048u

struct conn {
    struct tcp_pcb *pcb; /* NULL: free */
    void *user;
    bool closed;      /* the server's FIN has come */
    bool closed_told; /* and the simulator knows */
    bool paused;      /* what comes waits in tls.input */
    bool over_tls;
    struct peer_tls tls;
};

static struct sim_peer_calls calls;
static struct conn conns[CONNS_MAX];

/* lwIP must be told when its callback has aborted its own connection. */
static const struct tcp_pcb *aborted;

static void detach(struct conn *conn) {
    struct tcp_pcb *pcb = conn->pcb;
    tcp_arg(pcb, NULL);
    tcp_recv(pcb, NULL);
    tcp_err(pcb, NULL);
    if (conn->tls.session != NULL) {
        peer_tls_free(&conn->tls);
    }
    conn->pcb = NULL;
}

static void tell_closed(struct conn *conn) {
    if (conn->pcb != NULL && !conn->closed_told) {
        conn->closed_told = true;
        calls.closed(conn->user);
    }
}

static void abort_conn(struct conn *conn) {
    struct tcp_pcb *pcb = conn->pcb;
    detach(conn);
    aborted = pcb;
    tcp_abort(pcb);
}

static void lose(struct conn *conn) {
    void *user = conn->user;
    abort_conn(conn);
    calls.lost(user);
}

/* ---- what comes -------------------------------------------------------------------------- */

/* Hands on all that can be decrypted. The simulator may end or pause the connection at any call. */
static void pump_tls(struct conn *conn) {
    uint8_t bytes[READ_BYTES];
    bool connected = conn->tls.connected;
    int n = 0;
    while (!conn->paused && (n = peer_tls_read(&conn->tls, bytes, sizeof bytes)) > 0) {
        calls.received(conn->user, bytes, (uint32_t)n);
        if (conn->pcb == NULL) {
            return;
        }
    }
    if (n < 0) {
        lose(conn);
    } else if (!connected && conn->tls.connected) {
        calls.connected(conn->user);
    } else if (conn->tls.ended) {
        tell_closed(conn);
    }
}

static void pump_plain(struct conn *conn) {
    uint8_t bytes[PEER_TLS_INPUT_BYTES];
    uint32_t n = conn->tls.input_bytes;
    if (n > 0) {
        memcpy(bytes, conn->tls.input, n);
        conn->tls.input_bytes = 0;
        tcp_recved(conn->pcb, (u16_t)n);
        calls.received(conn->user, bytes, n);
    }
}

static void pump(struct conn *conn) {
    if (conn->pcb != NULL && !conn->paused) {
        if (conn->over_tls) {
            pump_tls(conn);
        } else {
            pump_plain(conn);
        }
    }
    if (conn->pcb != NULL && !conn->paused && conn->closed) {
        tell_closed(conn);
    }
}

static err_t on_recv(void *arg, struct tcp_pcb *pcb, struct pbuf *p, err_t err) {
    struct conn *conn = arg;
    (void)err;
    if (p == NULL) {
        conn->closed = true;
    } else {
        for (const struct pbuf *q = p; q != NULL; q = q->next) {
            if (!peer_tls_input(&conn->tls, q->payload, q->len)) {
                glue_fatal("the server sends more than the window");
            }
        }
        pbuf_free(p);
    }
    aborted = NULL;
    pump(conn);
    return aborted == pcb ? ERR_ABRT : ERR_OK;
}

static void on_err(void *arg, err_t err) {
    struct conn *conn = arg;
    (void)err;
    conn->pcb = NULL;
    if (conn->tls.session != NULL) {
        peer_tls_free(&conn->tls);
    }
    calls.lost(conn->user);
}

static err_t on_connected(void *arg, struct tcp_pcb *pcb, err_t err) {
    struct conn *conn = arg;
    (void)err;
    aborted = NULL;
    if (!conn->over_tls) {
        calls.connected(conn->user);
    } else if (!peer_tls_begin(&conn->tls, pcb)) {
        lose(conn);
    }
    return aborted == pcb ? ERR_ABRT : ERR_OK;
}

/* ---- what the simulator asks for ---------------------------------------------------------- */

static int open_conn(void *user, uint32_t address, bool tls) {
    ip_addr_t to;
    int i = 0;
    while (i < CONNS_MAX && conns[i].pcb != NULL) {
        i++;
    }
    if (i == CONNS_MAX) {
        return -1;
    }
    struct conn *conn = &conns[i];
    conn->user = user;
    conn->closed = false;
    conn->closed_told = false;
    conn->paused = false;
    conn->over_tls = tls;
    conn->tls.session = NULL;
    conn->tls.connected = false;
    conn->tls.input_bytes = 0;
    conn->pcb = tcp_new();
    if (conn->pcb == NULL) {
        return -1;
    }
    tcp_arg(conn->pcb, conn);
    tcp_recv(conn->pcb, on_recv);
    tcp_err(conn->pcb, on_err);
    tcp_nagle_disable(conn->pcb);
    ip_addr_set_ip4_u32_val(to, lwip_htonl(address));
    if (tcp_connect(conn->pcb, &to, tls ? SIM_PORT_TLS : SIM_PORT, on_connected) != ERR_OK) {
        abort_conn(conn);
        return -1;
    }
    return i;
}

static bool write_conn(int i, const void *bytes, uint32_t n) {
    struct conn *conn = &conns[i];
    if (conn->over_tls) {
        if (!peer_tls_write(&conn->tls, bytes, n)) {
            return false;
        }
    } else if (tcp_sndbuf(conn->pcb) < n ||
               tcp_write(conn->pcb, bytes, (u16_t)n, TCP_WRITE_FLAG_COPY) != ERR_OK) {
        return false;
    }
    tcp_output(conn->pcb);
    return true;
}

static void pause_conn(int i, bool paused) {
    conns[i].paused = paused;
    pump(&conns[i]);
    if (conns[i].pcb != NULL) {
        tcp_output(conns[i].pcb); /* the window is open again */
    }
}

static void abort_open(int i) {
    abort_conn(&conns[i]);
}

/* Of what still comes lwIP acknowledges all and reads nothing. */
static void end_conn(int i) {
    struct tcp_pcb *pcb = conns[i].pcb;
    if (conns[i].over_tls) {
        peer_tls_end(&conns[i].tls);
    }
    detach(&conns[i]);
    if (tcp_close(pcb) != ERR_OK) {
        aborted = pcb;
        tcp_abort(pcb);
    }
}

static void where(int i, struct sim_position *position) {
    position->port = conns[i].pcb->local_port;
    position->sequence = conns[i].pcb->rcv_nxt;
}

/* ---- the machine -------------------------------------------------------------------------- */

static void start(const struct sim_peer_config *config) {
    calls = config->calls;
    glue_start(&config->world, config->seed, config->address);
    peer_tls_init(config->tls13);
}

__attribute__((visibility("default"))) extern const struct sim_peer sim_peer;
const struct sim_peer sim_peer = {
    .machine = {.receive = glue_receive, .turn = net_stack_poll, .sleep_ms = glue_sleep_ms},
    .start = start,
    .open = open_conn,
    .write = write_conn,
    .pause = pause_conn,
    .end = end_conn,
    .abort = abort_open,
    .where = where,
};
