/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * connections.c: a client that opens a new connection for each of many requests, one after another:
 *
 *     connections SERVER PORT COUNT CLIENT... [-k]
 *
 * Every other connection is closed by the server first, in answer to `Connection: close`; these come
 * from the first CLIENT address, half of them from a thousand ports in turn, so that the server's
 * connections in TIME_WAIT become more than it has room for, and half from two, so that a port comes
 * back while the server still has it in TIME_WAIT. The others are closed by the client first, whose
 * kernel keeps the port for a minute: they come from the other CLIENT addresses in turn.
 *
 * The first failure ends it with one line and exit status 1. With -k failures are counted: a server
 * may refuse when it has too many clients. No part of pingshot.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#define CLOSED_BY_SERVER "GET /ping HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
#define CLOSED_BY_CLIENT "GET /ping HTTP/1.1\r\nHost: a\r\n\r\n"
#define TIMEOUT_S 20
#define SLOW_S 0.9 /* before a SYN is sent again */
#define FIRST_PORT 20000
#define PORTS 1000
#define PORTS_BACK_SOON 2
#define CLIENTS_MAX 16

struct job {
    struct sockaddr_in server;
    struct sockaddr_in clients[CLIENTS_MAX];
    int client_count;
};

/* What failed, and why. */
static const char *failed;

static bool fails(const char *what) {
    failed = what;
    return false;
}

static double now_s(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* Of the client, where the server closes first. */
static uint16_t port_of(long number) {
    const long turn = number / 4;
    return (uint16_t)(number % 4 == 0 ? FIRST_PORT + turn % PORTS
                                      : FIRST_PORT + PORTS + turn % PORTS_BACK_SOON);
}

static bool set_up(int sock, const struct job *job, long number, bool server_first) {
    const struct timeval timeout = {.tv_sec = TIMEOUT_S};
    const int on = 1;
    struct sockaddr_in from = job->clients[0];
    if (server_first) {
        from.sin_port = htons(port_of(number));
    } else if (job->client_count > 1) {
        from = job->clients[1 + number / 2 % (job->client_count - 1)];
    }
    if (setsockopt(sock, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof timeout) != 0 ||
        setsockopt(sock, SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof timeout) != 0 ||
        setsockopt(sock, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) != 0 ||
        /* The port is chosen at connect, when the server's address is known. */
        setsockopt(sock, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on) != 0) {
        return fails("setsockopt");
    }
    return bind(sock, (const struct sockaddr *)&from, sizeof from) == 0 || fails("bind");
}

/* Reads until the reply is whole, or the server's end. */
static bool read_reply(int sock, bool to_the_end) {
    char bytes[2048];
    size_t count = 0;
    for (;;) {
        ssize_t n = recv(sock, bytes + count, sizeof bytes - 1 - count, 0);
        if (n < 0) {
            return fails("recv");
        }
        if (n == 0 && !to_the_end) {
            errno = 0;
            return fails("closed before the reply was whole");
        }
        count += (size_t)n;
        bytes[count] = '\0';
        const char *body = strstr(bytes, "\r\n\r\nPONG");
        if (n == 0 || (!to_the_end && body != NULL && bytes[count - 1] == '\n')) {
            errno = 0;
            return (body != NULL && strncmp(bytes, "HTTP/1.1 200 ", 13) == 0) ||
                   fails("not the reply of /ping");
        }
    }
}

static bool ask(int sock, const struct job *job, long number) {
    const bool server_first = number % 2 == 0;
    const char *request = server_first ? CLOSED_BY_SERVER : CLOSED_BY_CLIENT;
    if (!set_up(sock, job, number, server_first)) {
        return false;
    }
    if (connect(sock, (const struct sockaddr *)&job->server, sizeof job->server) != 0) {
        return fails("connect");
    }
    if (send(sock, request, strlen(request), MSG_NOSIGNAL) < 0) {
        return fails("send");
    }
    return read_reply(sock, server_first);
}

static bool one(const struct job *job, long number) {
    int sock = socket(AF_INET, SOCK_STREAM, 0);
    if (sock < 0) {
        return fails("socket");
    }
    bool ok = ask(sock, job, number);
    int error = errno;
    close(sock);
    errno = error;
    return ok;
}

static bool read_address(struct sockaddr_in *address, const char *text) {
    address->sin_family = AF_INET;
    return inet_pton(AF_INET, text, &address->sin_addr) == 1;
}

static bool read_arguments(struct job *job, long *count, bool *keep_going, int argc, char **argv) {
    if (argc < 5 || !read_address(&job->server, argv[1])) {
        return false;
    }
    job->server.sin_port = htons((uint16_t)atoi(argv[2]));
    *count = atol(argv[3]);
    for (int i = 4; i < argc; i++) {
        if (strcmp(argv[i], "-k") == 0) {
            *keep_going = true;
        } else if (job->client_count == CLIENTS_MAX ||
                   !read_address(&job->clients[job->client_count++], argv[i])) {
            return false;
        }
    }
    return job->client_count > 0;
}

int main(int argc, char **argv) {
    struct job job = {.client_count = 0};
    long count = 0;
    long failures = 0;
    long slow = 0; /* of those that were served: something had to be sent again */
    bool keep_going = false;
    if (!read_arguments(&job, &count, &keep_going, argc, argv)) {
        fputs("connections SERVER PORT COUNT CLIENT... [-k]\n", stderr);
        return 2;
    }
    for (long i = 0; i < count; i++) {
        double started_s = now_s();
        if (one(&job, i)) {
            slow += now_s() - started_s > SLOW_S;
        } else {
            failures++;
            if (!keep_going) {
                printf("connection %ld, closed by the %s: %s: %s\n", i,
                       i % 2 == 0 ? "server" : "client", failed, strerror(errno));
                return 1;
            }
        }
    }
    printf("%ld connections, %ld failures, %ld took more than %g s\n", count, failures, slow,
           SLOW_S);
    return 0;
}
