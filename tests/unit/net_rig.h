/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * net_rig.h: the app of app_rig.h behind the real lwIP, with clients on the same lwIP's raw API,
 * over a wire that the test holds in its hand: it steps packet by packet, loses them, or is cut.
 * Everything is static here: include it once, in the test's own file.
 */
#ifndef PINGSHOT_TESTS_NET_RIG_H
#define PINGSHOT_TESTS_NET_RIG_H

#include "app_rig.h"

#include "net_heap.h"
#include "net_server.h"
#include "net_stack.h"

#include "lwip/ip4.h"
#include "lwip/memp.h"
#include "lwip/pbuf.h"
#include "lwip/priv/tcp_priv.h"
#include "lwip/stats.h"
#include "lwip/tcp.h"

#define ADDRESS 0xc0a84c02u
#define PORT 80
#define PACKET_BYTES_MAX 9000u
#define PACKETS_MAX 512u
#define NEVER UINT32_MAX

/* ---- the wire --------------------------------------------------------------------------- */

static struct {
    struct netif netif;
    uint32_t first; /* of the packets on their way, modulo PACKETS_MAX */
    uint32_t count;
    uint32_t delivered; /* packets that have arrived, or were lost, since the test's last look */
    uint32_t lost;      /* number of the packet that gets lost */
    uint32_t cut;       /* from this one on all are */
    struct {
        uint32_t n;
        uint8_t bytes[PACKET_BYTES_MAX];
    } packets[PACKETS_MAX];
} wire;

static inline err_t put_on_wire(struct netif *netif, struct pbuf *p, const ip4_addr_t *to) {
    (void)netif;
    (void)to;
    assert_in_range(p->tot_len, 1, PACKET_BYTES_MAX);
    if (wire.count < PACKETS_MAX) {
        uint32_t i = (wire.first + wire.count++) % PACKETS_MAX;
        wire.packets[i].n = p->tot_len;
        (void)pbuf_copy_partial(p, wire.packets[i].bytes, p->tot_len, 0);
    }
    return ERR_OK;
}

static inline err_t init_wire(struct netif *netif) {
    netif->name[0] = 't';
    netif->name[1] = 'w';
    netif->mtu = 1500;
    netif->flags = NETIF_FLAG_LINK_UP;
    netif->output = put_on_wire;
    return ERR_OK;
}

/* Delivers the oldest packet on its way. False when there is none. */
static inline bool step(void) {
    if (wire.count == 0) {
        return false;
    }
    const uint32_t i = wire.first;
    wire.first = (wire.first + 1) % PACKETS_MAX;
    wire.count--;
    const uint32_t number = wire.delivered++;
    if (number == wire.lost || number >= wire.cut) {
        return true;
    }
    struct pbuf *p = pbuf_alloc(PBUF_RAW, (u16_t)wire.packets[i].n, PBUF_POOL);
    if (p != NULL) { /* else it is lost, as a netif would lose it */
        assert_int_equal(pbuf_take(p, wire.packets[i].bytes, (u16_t)wire.packets[i].n), ERR_OK);
        if (wire.netif.input(p, &wire.netif) != ERR_OK) {
            pbuf_free(p);
        }
    }
    return true;
}

static inline void step_all(void) {
    while (step()) {
    }
}

/* Time passes, in turns of a main loop as the port's are. */
static inline void pass(uint32_t ms) {
    for (uint32_t passed = 0; passed < ms; passed += 50) {
        step_all();
        rig_now_ms += 50;
        rig_unix_ms += 50;
        net_stack_poll();
        app_poll(&rig_app, rig_now_ms);
        step_all();
    }
}

/* ---- clients ---------------------------------------------------------------------------- */

#define PEERS (CFG_CONNECTIONS_MAX + 3)

struct peer {
    struct tcp_pcb *pcb; /* NULL: closed, reset or never opened */
    bool connected;
    bool finished;         /* the server's FIN has come */
    bool reset;            /* its RST */
    bool stalled;          /* does not read */
    uint32_t segments;     /* that have come, with bytes in them */
    struct client answers; /* what has come, for rig_read */
};

static struct net_server server;
static uint16_t server_port = PORT; /* that clients connect to */
static struct peer peers[PEERS];

static inline err_t on_peer_connected(void *arg, struct tcp_pcb *pcb, err_t err) {
    struct peer *peer = arg;
    (void)pcb;
    assert_int_equal(err, ERR_OK);
    peer->connected = true;
    return ERR_OK;
}

static inline err_t on_peer_received(void *arg, struct tcp_pcb *pcb, struct pbuf *p, err_t err) {
    struct peer *peer = arg;
    struct fake_transport *in = &peer->answers.wire;
    assert_int_equal(err, ERR_OK);
    if (p == NULL) {
        peer->finished = true;
        return ERR_OK;
    }
    assert_in_range(p->tot_len, 1, FAKE_TRANSPORT_BYTES - in->written_bytes);
    peer->segments++;
    in->written_bytes += pbuf_copy_partial(p, in->written + in->written_bytes, p->tot_len, 0);
    if (!peer->stalled) {
        tcp_recved(pcb, p->tot_len);
    }
    pbuf_free(p);
    return ERR_OK;
}

static inline void on_peer_error(void *arg, err_t err) {
    struct peer *peer = arg;
    peer->reset = err == ERR_RST;
    peer->pcb = NULL;
}

static inline void reset_peer(struct peer *peer) {
    if (peer->pcb != NULL) {
        tcp_arg(peer->pcb, NULL);
        tcp_err(peer->pcb, NULL);
        tcp_abort(peer->pcb);
        peer->pcb = NULL;
    }
}

/* From a port of the client's own; 0: any. */
static inline struct peer *begin_connect(uint32_t i, uint16_t port) {
    struct peer *peer = &peers[i];
    ip_addr_t address;
    reset_peer(peer); /* whoever it was before */
    step_all();
    ip_addr_set_ip4_u32_val(address, lwip_htonl(ADDRESS));
    memset(peer, 0, offsetof(struct peer, answers));
    fake_transport_init(&peer->answers.wire, 0);
    peer->answers.read_bytes = 0;
    peer->pcb = tcp_new();
    assert_non_null(peer->pcb);
    ip_set_option(peer->pcb, SOF_REUSEADDR);
    assert_int_equal(tcp_bind(peer->pcb, IP_ANY_TYPE, port), ERR_OK);
    tcp_arg(peer->pcb, peer);
    tcp_recv(peer->pcb, on_peer_received);
    tcp_err(peer->pcb, on_peer_error);
    tcp_nagle_disable(peer->pcb);
    assert_int_equal(tcp_connect(peer->pcb, &address, server_port, on_peer_connected), ERR_OK);
    return peer;
}

static inline struct peer *connect_peer(uint32_t i) {
    struct peer *peer = begin_connect(i, 0);
    step_all();
    assert_true(peer->connected);
    return peer;
}

static inline void send_to(struct peer *peer, const char *bytes, size_t n) {
    if (peer->pcb != NULL) {
        assert_int_equal(tcp_write(peer->pcb, bytes, (u16_t)n, TCP_WRITE_FLAG_COPY), ERR_OK);
        assert_int_equal(tcp_output(peer->pcb), ERR_OK);
    }
}

static inline void puts_to(struct peer *peer, const char *string) {
    send_to(peer, string, strlen(string));
}

static inline void close_peer(struct peer *peer) {
    if (peer->pcb != NULL) {
        tcp_arg(peer->pcb, NULL);
        tcp_recv(peer->pcb, NULL);
        tcp_err(peer->pcb, NULL);
        assert_int_equal(tcp_close(peer->pcb), ERR_OK);
        peer->pcb = NULL;
    }
}

/* So many pages are more than TCP_SND_BUF and the window of a client that does not read. */
#define MANY_PAGES 100

static inline void expect_answer(struct peer *peer, int status) {
    rig_expect(&peer->answers, status);
}

static inline void ask(struct peer *peer, const char *request, int status) {
    puts_to(peer, request);
    step_all();
    expect_answer(peer, status);
}

/* Reads `count` answers that have `part`, with a window of `window_bytes`; the buffer of what came
 * never holds many. */
static inline void read_answers(struct peer *peer, uint32_t count, const char *part,
                                uint32_t window_bytes) {
    struct client *in = &peer->answers;
    for (; count > 0; count--) {
        for (int i = 0; i < 400 && !rig_read(in, false); i++) {
            in->wire.written_bytes -= in->read_bytes;
            memmove(in->wire.written, in->wire.written + in->read_bytes, in->wire.written_bytes);
            in->read_bytes = 0;
            assert_non_null(peer->pcb);
            if (peer->pcb->rcv_wnd < window_bytes) {
                tcp_recved(peer->pcb, (u16_t)(window_bytes - peer->pcb->rcv_wnd));
            }
            pass(50);
        }
        assert_int_equal(rig_answer.status, 200);
        assert_true(rig_body_has(part));
    }
}

/* The server's side of a client's connection, or NULL. */
static inline struct tcp_pcb *server_side(const struct peer *peer) {
    for (struct tcp_pcb *pcb = tcp_active_pcbs; pcb != NULL; pcb = pcb->next) {
        if (pcb->local_port == server_port && peer->pcb != NULL &&
            pcb->remote_port == peer->pcb->local_port) {
            return pcb;
        }
    }
    return NULL;
}

/* ---- before and after ------------------------------------------------------------------- */

static uint32_t base_used[MEMP_MAX];
static uint32_t base_heap_bytes;

static inline uint32_t used_of(uint32_t pool) {
    return (uint32_t)lwip_stats.memp[pool]->used;
}

static inline void fatal(const char *line) {
    print_error("%s\n", line);
    abort();
}

static inline int set_up_stack(void **state) {
    static struct random rng;
    static const uint8_t seed[RANDOM_SEED_BYTES] = {1, 2, 3};
    static const struct net_stack_config config = {.rng = &rng, .fatal = fatal};
    static const struct net_stack_address address = {
        .address = ADDRESS, .netmask = 0xffffff00u, .gateway = 0};
    (void)rig_setup(state);
    random_seed(&rng, seed);
    net_stack_init(&config);
    assert_true(net_stack_add(&wire.netif, &address, init_wire, NULL, "test"));
    net_server_init(&server, &rig_app);
    assert_int_equal(net_server_listen(&server, NULL, PORT), ERR_OK);
    for (uint32_t i = 0; i < MEMP_MAX; i++) {
        base_used[i] = used_of(i);
    }
    base_heap_bytes = net_heap_stats().used;
    return 0;
}

/* A new app on the stack that goes on, its clock about to wrap the first time. */
static inline int set_up(void **state) {
    (void)state;
    rig_restart();
    wire.netif.mtu = 1500;
    wire.delivered = 0;
    wire.lost = NEVER;
    wire.cut = NEVER;
    return 0;
}

static inline void check_pools(void) {
    for (uint32_t i = 0; i < MEMP_MAX; i++) {
        if (used_of(i) != base_used[i]) {
            print_error("lwIP's pool %u: %u in use, %u before\n", i, used_of(i), base_used[i]);
        }
        assert_int_equal(used_of(i), base_used[i]);
    }
    assert_int_equal(net_heap_stats().used, base_heap_bytes);
}

/* When all clients are gone and TIME_WAIT is over, nothing is held any more. */
static inline int tear_down(void **state) {
    (void)state;
    wire.lost = NEVER;
    wire.cut = NEVER;
    for (uint32_t i = 0; i < PEERS; i++) {
        reset_peer(&peers[i]);
    }
    step_all();
    pass(2 * TCP_MSL + 1000);
    rig_check_free();
    for (uint32_t i = 0; i <= CFG_CONNECTIONS_MAX; i++) {
        assert_null(server.conns[i].pcb);
        assert_null(server.conns[i].held_first);
    }
    check_pools();
    return 0;
}

/* A cmocka test with these. The group's setup is set_up_stack. */
#define NET_TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

#endif
