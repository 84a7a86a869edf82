/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * tls_connect.c: load for the benchmark: new TLS 1.3 connections, several at once in one thread,
 * each with a full handshake, one GET and `Connection: close`:
 *
 *     tls_connect ADDRESS PORT PATH GROUP CONNECTIONS SECONDS    (GROUP: x25519 or p256)
 *
 * The last line of its output is as report.lua's. Client and server share the machine, so it
 * leaves out what no server can notice: it checks neither the certificate nor the signature in
 * CertificateVerify. wolfSSL's code, because it is the fastest at hand; its port's
 * functions are here, for no lwIP runs in this program.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <wolfssl/wolfcrypt/settings.h>

#include <wolfssl/ssl.h>

enum { CONNECTIONS_MAX = 256, DRAIN_S = 5 };

enum stage { STAGE_HANDSHAKE, STAGE_ANSWER, STAGE_END_OF_STREAM };

struct connection {
    int fd;
    enum stage stage;
    WOLFSSL *ssl;
    size_t buffered, taken; /* of received[] */
    unsigned char received[16384];
};

struct run {
    struct sockaddr_in server;
    WOLFSSL_CTX *ctx;
    int epoll_fd;
    char request[256];
    int request_bytes;
    unsigned open;
    unsigned long requests, bytes, refused, broken;
    struct connection connections[CONNECTIONS_MAX];
};

static struct run the_run;

static int64_t now_us(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static void fail(const char *what) {
    fprintf(stderr, "tls_connect: %s: %s\n", what, errno ? strerror(errno) : "failed");
    exit(1);
}

/* ---- what wolfSSL asks of its port: see port/wolfssl/user_settings.h ------------------------ */

void *altcp_tls_mem_alloc(size_t bytes) {
    return malloc(bytes);
}

void *altcp_tls_mem_alloc_lasting(size_t bytes) {
    return malloc(bytes);
}

void *altcp_tls_mem_resize(void *block, size_t bytes) {
    return realloc(block, bytes);
}

void altcp_tls_mem_free(void *block) {
    free(block);
}

int altcp_tls_port_random(unsigned char *bytes, unsigned count) {
    return getrandom(bytes, count, 0) == (ssize_t)count ? 0 : -1;
}

int64_t altcp_tls_port_unix_s(void) {
    return time(NULL);
}

sword64 TimeNowInMilliseconds(void);
sword64 TimeNowInMilliseconds(void) {
    return now_us() / 1000;
}

word32 LowResTimer(void);
word32 LowResTimer(void) {
    return (word32)(now_us() / 1000000);
}

/* ---- TLS over a socket ---------------------------------------------------------------------- */

/* wolfSSL reads a record's header and its rest apart: one recv() for all that is there. */
static int take(WOLFSSL *ssl, char *to, int bytes_max, void *context) {
    (void)ssl;
    struct connection *c = context;
    if (c->taken == c->buffered) {
        ssize_t got = recv(c->fd, c->received, sizeof c->received, 0);
        if (got < 0) {
            return errno == EAGAIN ? WOLFSSL_CBIO_ERR_WANT_READ : WOLFSSL_CBIO_ERR_GENERAL;
        }
        if (got == 0) {
            return WOLFSSL_CBIO_ERR_CONN_CLOSE;
        }
        c->taken = 0;
        c->buffered = (size_t)got;
    }
    size_t bytes = c->buffered - c->taken;
    if (bytes > (size_t)bytes_max) {
        bytes = (size_t)bytes_max;
    }
    memcpy(to, c->received + c->taken, bytes);
    c->taken += bytes;
    return (int)bytes;
}

/* What a handshake and a request send always fits a socket's buffer. */
static int give(WOLFSSL *ssl, char *from, int bytes, void *context) {
    (void)ssl;
    struct connection *c = context;
    ssize_t sent = send(c->fd, from, (size_t)bytes, MSG_NOSIGNAL);
    if (sent < 0) {
        return errno == EAGAIN ? WOLFSSL_CBIO_ERR_WANT_WRITE : WOLFSSL_CBIO_ERR_GENERAL;
    }
    return (int)sent;
}

static int believe_signature(WOLFSSL *ssl, const unsigned char *signature, unsigned signature_bytes,
                             const unsigned char *hash, unsigned hash_bytes,
                             const unsigned char *key, unsigned key_bytes, int *valid,
                             void *context) {
    (void)ssl, (void)signature, (void)signature_bytes, (void)hash, (void)hash_bytes;
    (void)key, (void)key_bytes, (void)context;
    *valid = 1;
    return 0;
}

static void prepare_tls(struct run *run, const char *group) {
    int groups[] = {strcmp(group, "p256") == 0 ? WOLFSSL_ECC_SECP256R1 : WOLFSSL_ECC_X25519};
    wolfSSL_Init();
    run->ctx = wolfSSL_CTX_new(wolfTLSv1_3_client_method());
    /* One suite, so that both servers do the same. */
    if (run->ctx == NULL || wolfSSL_CTX_set_groups(run->ctx, groups, 1) != WOLFSSL_SUCCESS ||
        wolfSSL_CTX_set_cipher_list(run->ctx, "TLS13-AES128-GCM-SHA256") != WOLFSSL_SUCCESS) {
        errno = 0;
        fail("wolfSSL's settings");
    }
    wolfSSL_CTX_set_verify(run->ctx, WOLFSSL_VERIFY_NONE, NULL);
    wolfSSL_CTX_set_session_cache_mode(run->ctx, WOLFSSL_SESS_CACHE_OFF);
    wolfSSL_CTX_SetEccVerifyCb(run->ctx, believe_signature);
    wolfSSL_CTX_SetIORecv(run->ctx, take);
    wolfSSL_CTX_SetIOSend(run->ctx, give);
}

/* ---- one connection ------------------------------------------------------------------------- */

static void start(struct run *run, struct connection *c) {
    int on = 1;
    c->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (c->fd < 0) {
        fail("socket");
    }
    setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    if (connect(c->fd, (struct sockaddr *)&run->server, sizeof run->server) != 0 &&
        errno != EINPROGRESS) {
        fail("connect");
    }
    c->stage = STAGE_HANDSHAKE;
    c->buffered = c->taken = 0;
    c->ssl = wolfSSL_new(run->ctx);
    if (c->ssl == NULL) {
        fail("wolfSSL_new");
    }
    wolfSSL_SetIOReadCtx(c->ssl, c);
    wolfSSL_SetIOWriteCtx(c->ssl, c);
    struct epoll_event event = {.events = EPOLLIN | EPOLLOUT | EPOLLET, .data = {.ptr = c}};
    if (epoll_ctl(run->epoll_fd, EPOLL_CTL_ADD, c->fd, &event) != 0) {
        fail("epoll_ctl");
    }
    run->open++;
}

static void finish(struct run *run, struct connection *c) {
    wolfSSL_free(c->ssl);
    close(c->fd);
    c->fd = -1;
    run->open--;
}

static bool wants_more(struct connection *c, int result) {
    return wolfSSL_get_error(c->ssl, result) == WOLFSSL_ERROR_WANT_READ;
}

/* These return true when the connection came to its end, good or bad, and false when it waits for
 * the socket or goes on to the next stage. */
static bool broke(struct run *run, const char *where, int result, struct connection *c) {
    if (run->broken++ == 0) {
        fprintf(stderr, "tls_connect: %s: wolfSSL's error %d\n", where,
                wolfSSL_get_error(c->ssl, result));
    }
    return true;
}

static bool shake_hands(struct run *run, struct connection *c) {
    int result = wolfSSL_connect(c->ssl);
    if (result != WOLFSSL_SUCCESS) {
        return wants_more(c, result) ? false : broke(run, "handshake", result, c);
    }
    result = wolfSSL_write(c->ssl, run->request, run->request_bytes);
    if (result != run->request_bytes) {
        return broke(run, "request", result, c);
    }
    c->stage = STAGE_ANSWER;
    return false;
}

static bool read_answer(struct run *run, struct connection *c) {
    static const char good[] = "HTTP/1.1 200 ";
    char answer[4096];
    int got = wolfSSL_read(c->ssl, answer, (int)sizeof answer);
    if (got <= 0) {
        return wants_more(c, got) ? false : broke(run, "answer", got, c);
    }
    run->requests++;
    run->bytes += (unsigned long)got;
    run->refused += (size_t)got < sizeof good || memcmp(answer, good, sizeof good - 1) != 0;
    c->stage = STAGE_END_OF_STREAM;
    return false;
}

/* The server closes first, so that no port of this side waits in TIME_WAIT. */
static bool await_end(struct connection *c) {
    for (;;) {
        ssize_t got = recv(c->fd, c->received, sizeof c->received, 0);
        if (got <= 0) {
            return got == 0 || errno != EAGAIN;
        }
    }
}

static bool go_on(struct run *run, struct connection *c) {
    if (c->stage == STAGE_HANDSHAKE && shake_hands(run, c)) {
        return true;
    }
    if (c->stage == STAGE_ANSWER && read_answer(run, c)) {
        return true;
    }
    return c->stage == STAGE_END_OF_STREAM && await_end(c);
}

/* ---- the load ------------------------------------------------------------------------------- */

static void apply(struct run *run, unsigned connections, int64_t end_us) {
    for (unsigned i = 0; i < connections; i++) {
        start(run, &run->connections[i]);
    }
    while (run->open > 0) {
        struct epoll_event events[CONNECTIONS_MAX];
        int count = epoll_wait(run->epoll_fd, events, CONNECTIONS_MAX, 100);
        int64_t now = now_us();
        for (int i = 0; i < count; i++) {
            struct connection *c = events[i].data.ptr;
            if (go_on(run, c)) {
                finish(run, c);
                if (now < end_us) {
                    start(run, c);
                }
            }
        }
        if (now > end_us + DRAIN_S * 1000000) {
            run->broken += run->open;
            break;
        }
    }
}

int main(int argc, char **argv) {
    struct run *run = &the_run;
    if (argc != 7) {
        fprintf(stderr, "tls_connect ADDRESS PORT PATH GROUP CONNECTIONS SECONDS\n");
        return 2;
    }
    run->server.sin_family = AF_INET;
    run->server.sin_port = htons((uint16_t)atoi(argv[2]));
    unsigned connections = (unsigned)atoi(argv[5]);
    if (inet_pton(AF_INET, argv[1], &run->server.sin_addr) != 1 || connections < 1 ||
        connections > CONNECTIONS_MAX) {
        fprintf(stderr, "tls_connect: an IPv4 address, and 1 to %d connections\n", CONNECTIONS_MAX);
        return 2;
    }
    run->request_bytes =
        snprintf(run->request, sizeof run->request,
                 "GET %s HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n\r\n", argv[3], argv[1]);
    run->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    if (run->epoll_fd < 0) {
        fail("epoll_create1");
    }
    prepare_tls(run, argv[4]);
    int64_t began_us = now_us();
    apply(run, connections, began_us + atoi(argv[6]) * (int64_t)1000000);
    printf("{\"requests\": %lu, \"us\": %lld, \"bytes\": %lu, \"refused\": %lu, \"broken\": %lu}\n",
           run->requests, (long long)(now_us() - began_us), run->bytes, run->refused, run->broken);
    return 0;
}
