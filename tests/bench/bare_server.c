/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * bare_server.c: the floor of pingshot's own stack, for the benchmark: the same lwIP with the same
 * options, the same TAP and the same loop, and next to nothing on top. It looks for the end of a
 * request and sends a fixed reply from memory, without a copy: a page to GET /m..., some bytes to
 * everything else. No HTTP server on this stack can be faster.
 *
 *     bare_server --tap NAME --address A.B.C.D/24 --gateway A.B.C.D --mtu N --page FILE
 */
#include "net_stack.h"
#include "posix/entropy.h"
#include "posix/host_loop.h"
#include "posix/netif_tap.h"
#include "problem.h"
#include "random.h"

#include "lwip/tcp.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PORT 8090
#define PAGE_BYTES_MAX (4u * 1024u * 1024u)

/* A reply as it goes over the wire. */
struct reply {
    const char *bytes;
    uint32_t len;
};

/* Where the choice of the reply is made: the byte after "GET /". */
#define CHOICE_AT 5u

struct connection {
    struct connection *next_free;
    const struct reply *reply; /* NULL: none is under way */
    uint32_t sent;             /* of that reply */
    uint32_t due;              /* requests that were read and not yet answered */
    uint32_t at;               /* bytes read of the present request */
    uint32_t matched;          /* of its ending, CR LF CR LF */
    char choice;
};

static struct connection connections[CFG_CONNECTIONS_MAX];
static struct connection *free_connections;

static const char head_format[] = "HTTP/1.1 200 OK\r\nContent-Type: text/plain; version=0.0.4; "
                                  "charset=utf-8\r\nContent-Length: %u\r\n\r\n";
static char page_bytes[sizeof head_format + 16 + PAGE_BYTES_MAX];
static char small_bytes[sizeof head_format + 64];
static struct reply page;
static struct reply small;

static _Noreturn void die(const char *what, const char *why) {
    fprintf(stderr, "bare_server: %s: %s\n", what, why);
    exit(1);
}

/* ---- connections ---------------------------------------------------------------------------- */

static void release(struct connection *c) {
    c->next_free = free_connections;
    free_connections = c;
}

static err_t close_connection(struct connection *c, struct tcp_pcb *pcb) {
    tcp_arg(pcb, NULL);
    tcp_recv(pcb, NULL);
    tcp_sent(pcb, NULL);
    tcp_err(pcb, NULL);
    release(c);
    if (tcp_close(pcb) != ERR_OK) {
        tcp_abort(pcb);
        return ERR_ABRT;
    }
    return ERR_OK;
}

/* Queues as much as TCP takes. */
static void send_replies(struct connection *c, struct tcp_pcb *pcb) {
    while (c->reply != NULL) {
        uint32_t n = c->reply->len - c->sent;
        uint32_t room = tcp_sndbuf(pcb);
        n = n < room ? n : room;
        n = n < UINT16_MAX ? n : UINT16_MAX;
        if (n == 0 || tcp_write(pcb, c->reply->bytes + c->sent, (u16_t)n, 0) != ERR_OK) {
            break; /* go on when some of it is acknowledged */
        }
        c->sent += n;
        if (c->sent == c->reply->len) {
            c->sent = 0;
            c->due--;
            c->reply = c->due > 0 ? c->reply : NULL;
        }
    }
    tcp_output(pcb);
}

/* Counts the requests that end in these bytes. Pipelined ones get the reply of the first. */
static void read_requests(struct connection *c, const char *bytes, uint32_t n) {
    static const char ending[] = "\r\n\r\n";
    for (uint32_t i = 0; i < n; i++) {
        if (c->at++ == CHOICE_AT) {
            c->choice = bytes[i];
        }
        c->matched = bytes[i] == ending[c->matched] ? c->matched + 1 : bytes[i] == '\r';
        if (c->matched == 4) {
            c->matched = 0;
            c->at = 0;
            c->due++;
            if (c->reply == NULL) {
                c->reply = c->choice == 'm' ? &page : &small;
            }
        }
    }
}

static err_t received(void *context, struct tcp_pcb *pcb, struct pbuf *p, err_t error) {
    struct connection *c = context;
    (void)error;
    if (p == NULL) {
        return close_connection(c, pcb);
    }
    for (const struct pbuf *q = p; q != NULL; q = q->next) {
        read_requests(c, q->payload, q->len);
    }
    tcp_recved(pcb, p->tot_len);
    pbuf_free(p);
    send_replies(c, pcb);
    return ERR_OK;
}

static err_t acknowledged(void *context, struct tcp_pcb *pcb, u16_t n) {
    struct connection *c = context;
    (void)n;
    if (c->reply != NULL) {
        send_replies(c, pcb);
    }
    return ERR_OK;
}

static void lost(void *context, err_t error) {
    (void)error;
    release(context);
}

static err_t accepted(void *context, struct tcp_pcb *pcb, err_t error) {
    struct connection *c = free_connections;
    (void)context;
    if (error != ERR_OK || pcb == NULL || c == NULL) {
        return ERR_MEM;
    }
    free_connections = c->next_free;
    *c = (struct connection){0};
    tcp_arg(pcb, c);
    tcp_recv(pcb, received);
    tcp_sent(pcb, acknowledged);
    tcp_err(pcb, lost);
    tcp_nagle_disable(pcb);
    return ERR_OK;
}

static void listen_on(u16_t port) {
    struct tcp_pcb *pcb = tcp_new();
    if (pcb == NULL || tcp_bind(pcb, IP_ANY_TYPE, port) != ERR_OK) {
        die("port", "cannot bind");
    }
    pcb = tcp_listen(pcb);
    if (pcb == NULL) {
        die("port", "cannot listen");
    }
    tcp_accept(pcb, accepted);
}

/* ---- start ---------------------------------------------------------------------------------- */

/* Makes the replies. The page's own length is not known before it is read. */
static void load_page(const char *path) {
    static char body[PAGE_BYTES_MAX];
    FILE *file = fopen(path, "rb");
    if (file == NULL) {
        die(path, "cannot open it");
    }
    size_t len = fread(body, 1, sizeof body, file);
    fclose(file);
    int head = snprintf(page_bytes, sizeof page_bytes, head_format, (unsigned)len);
    memcpy(page_bytes + head, body, len);
    page = (struct reply){page_bytes, (uint32_t)head + (uint32_t)len};

    static const char pong[] = "PONG - 2026-01-01T00:00:00.000Z\n";
    head = snprintf(small_bytes, sizeof small_bytes, head_format, (unsigned)strlen(pong));
    memcpy(small_bytes + head, pong, strlen(pong));
    small = (struct reply){small_bytes, (uint32_t)head + (uint32_t)strlen(pong)};
}

static const char *option(int argc, char **argv, const char *name) {
    for (int i = 1; i + 1 < argc; i += 2) {
        if (strcmp(argv[i], name) == 0) {
            return argv[i + 1];
        }
    }
    die(name, "missing");
}

static uint32_t address_of(const char *text) {
    char digits[INET_ADDRSTRLEN];
    struct in_addr address;
    snprintf(digits, sizeof digits, "%.*s", (int)strcspn(text, "/"), text);
    if (inet_pton(AF_INET, digits, &address) != 1) {
        die(text, "not an IPv4 address");
    }
    return ntohl(address.s_addr);
}

static bool idle(void *context, uint32_t now_ms) {
    (void)context;
    (void)now_ms;
    return false;
}

int main(int argc, char **argv) {
    static struct random rng;
    static struct netif_tap tap;
    struct net_stack_address address = {
        .address = address_of(option(argc, argv, "--address")),
        .netmask = 0xffffff00u,
        .gateway = address_of(option(argc, argv, "--gateway")),
    };
    struct netif_tap_config config = {
        .name = option(argc, argv, "--tap"),
        .mtu = (uint16_t)atoi(option(argc, argv, "--mtu")),
        .address_host = true,
        .host_address = address.gateway,
        .netmask = address.netmask,
    };
    struct host_loop loop;
    struct problem problem;
    uint8_t seed[RANDOM_SEED_BYTES];

    load_page(option(argc, argv, "--page"));
    for (uint32_t i = 0; i < CFG_CONNECTIONS_MAX; i++) {
        release(&connections[i]);
    }
    if (!entropy_fill(seed, sizeof seed) || !host_loop_init(&loop)) {
        die("start", "the kernel refuses");
    }
    random_seed(&rng, seed);
    net_stack_init(&(struct net_stack_config){.rng = &rng});
    if (!netif_tap_open(&tap, &config, &problem)) {
        die(config.name, "cannot open this TAP");
    }
    if (!net_stack_add(&tap.link.netif, &address, netif_tap_init, &tap, "bare")) {
        die(config.name, "lwIP refuses it");
    }
    listen_on(PORT);
    loop.link = &tap.link;
    loop.turn = idle;
    bool stopped = host_loop_run(&loop);
    tap.link.close(&tap.link);
    host_loop_close(&loop);
    return stopped ? 0 : 1;
}
