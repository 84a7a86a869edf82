/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * netif_passt.c: see netif_passt.h.
 */
#include "netif_passt.h"

#include "lwip/stats.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define LENGTH_BYTES 4u

/* No Ethernet is longer; what claims to be is not this protocol. */
#define FRAME_BYTES_MAX (65535u + FRAME_LINK_HEADER_BYTES)

_Static_assert(NETIF_PASST_INPUT_BYTES >= LENGTH_BYTES + FRAME_BYTES_MAX,
               "NETIF_PASST_INPUT_BYTES: must hold the longest frame");

/* ---- receiving --------------------------------------------------------------------------- */

static void lose(struct netif_passt *passt, const char *why) {
    if (passt->link.lost == NULL) {
        passt->link.lost = why;
    }
}

static void put_be32(uint8_t *at, uint32_t x) {
    at[0] = (uint8_t)(x >> 24);
    at[1] = (uint8_t)(x >> 16);
    at[2] = (uint8_t)(x >> 8);
    at[3] = (uint8_t)x;
}

static uint32_t load_be32(const uint8_t *at) {
    return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | (uint32_t)at[3];
}

/* Appends what the socket has to the input. False when it has nothing now. */
static bool fill_input(struct netif_passt *passt) {
    uint32_t kept = passt->input_end - passt->input_start;
    memmove(passt->input, passt->input + passt->input_start, kept); /* less than one frame */
    passt->input_start = 0;
    passt->input_end = kept;
    ssize_t n = recv(passt->link.fd, passt->input + kept, sizeof passt->input - kept, 0);
    if (n > 0) {
        passt->input_end += (uint32_t)n;
        return true;
    }
    if (n == 0) {
        lose(passt, "passt has closed its socket; start it and pingshot again");
    } else if (errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR) {
        lose(passt, "the connection to passt broke; start it and pingshot again");
    }
    return false;
}

/* Gives one frame to lwIP, or drops it when it is not one for us or memory is short. */
static void input_frame(struct netif_passt *passt, const uint8_t *bytes, uint32_t n) {
    struct netif *netif = &passt->link.netif;
    if (n > passt->mtu + FRAME_LINK_HEADER_BYTES) {
        LINK_STATS_INC(link.lenerr);
        LINK_STATS_INC(link.drop);
        return;
    }
    struct pbuf *p = pbuf_alloc(PBUF_RAW, (u16_t)n, PBUF_POOL);
    if (p == NULL) {
        LINK_STATS_INC(link.memerr);
        return;
    }
    pbuf_take(p, bytes, (u16_t)n);
    LINK_STATS_INC(link.recv);
    if (netif->input(p, netif) != ERR_OK) {
        pbuf_free(p);
    }
}

/* Takes one whole frame off the input. False when there is none. */
static bool take_frame(struct netif_passt *passt) {
    uint32_t there = passt->input_end - passt->input_start;
    const uint8_t *at = passt->input + passt->input_start;
    if (there < LENGTH_BYTES) {
        return false;
    }
    uint32_t n = load_be32(at);
    if (n == 0 || n > FRAME_BYTES_MAX) {
        lose(passt, "the socket does not speak passt's protocol: a frame's length is wrong");
        return false;
    }
    if (there - LENGTH_BYTES < n) {
        return false;
    }
    passt->input_start += LENGTH_BYTES + n;
    input_frame(passt, at + LENGTH_BYTES, n);
    return true;
}

static uint32_t receive(struct frame_link *link, uint32_t frames_max) {
    struct netif_passt *passt = (struct netif_passt *)link;
    uint32_t frames = 0;
    while (frames < frames_max && link->lost == NULL) {
        if (take_frame(passt)) {
            frames++;
        } else if (link->lost != NULL || !fill_input(passt)) {
            break;
        }
    }
    return frames;
}

/* ---- sending ----------------------------------------------------------------------------- */

/* Frames of one turn go out together: each write wakes passt. */
static void flush(struct frame_link *link) {
    struct netif_passt *passt = (struct netif_passt *)link;
    while (passt->output_start < passt->output_end) {
        ssize_t n = send(link->fd, passt->output + passt->output_start,
                         passt->output_end - passt->output_start, MSG_NOSIGNAL);
        if (n < 0) {
            if (errno == EINTR) {
                continue;
            }
            if (errno != EAGAIN && errno != EWOULDBLOCK) {
                lose(passt, "the connection to passt broke; start it and pingshot again");
            }
            link->wants_output = link->lost == NULL;
            return;
        }
        passt->output_start += (uint32_t)n;
    }
    passt->output_start = 0;
    passt->output_end = 0;
    link->wants_output = false;
}

/* Room for `n` bytes at the end of the output, or NULL. */
static uint8_t *output_room(struct netif_passt *passt, uint32_t n) {
    if (sizeof passt->output - passt->output_end < n) {
        flush(&passt->link);
        uint32_t kept = passt->output_end - passt->output_start;
        memmove(passt->output, passt->output + passt->output_start, kept);
        passt->output_start = 0;
        passt->output_end = kept;
    }
    return sizeof passt->output - passt->output_end < n ? NULL : passt->output + passt->output_end;
}

static err_t send_frame(struct netif *netif, struct pbuf *p) {
    struct netif_passt *passt = netif->state;
    uint32_t n = p->tot_len;
    uint8_t *to = output_room(passt, LENGTH_BYTES + n);
    if (to == NULL) {
        LINK_STATS_INC(link.drop);
        return ERR_OK; /* who needs it sends it again */
    }
    put_be32(to, n);
    pbuf_copy_partial(p, to + LENGTH_BYTES, p->tot_len, 0);
    passt->output_end += LENGTH_BYTES + n;
    LINK_STATS_INC(link.xmit);
    return ERR_OK;
}

/* ---- opening ----------------------------------------------------------------------------- */

static void close_socket(struct frame_link *link) {
    flush(link);
    close(link->fd);
    link->fd = -1;
}

err_t netif_passt_init(struct netif *netif) {
    const struct netif_passt *passt = netif->state;
    frame_link_init_netif(netif, "ps", passt->mtu, send_frame);
    return ERR_OK;
}

void netif_passt_attach(struct netif_passt *passt, int fd, uint16_t mtu) {
    passt->link =
        (struct frame_link){.fd = fd, .receive = receive, .flush = flush, .close = close_socket};
    passt->mtu = mtu;
    passt->input_start = 0;
    passt->input_end = 0;
    passt->output_start = 0;
    passt->output_end = 0;
}

static bool refuse(struct problem *problem, const char *path, const char *why) {
    struct text t = problem_begin(problem, PROBLEM_MALFORMED);
    text_puts(&t, "--passt ");
    text_put_printable(&t, (struct slice){path, (uint32_t)strlen(path)}, 100);
    text_puts(&t, ": ");
    text_puts(&t, why);
    return problem_end(problem, &t);
}

bool netif_passt_open(struct netif_passt *passt, const char *path, uint16_t mtu,
                      struct problem *problem) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    size_t n = strlen(path);
    if (n >= sizeof address.sun_path) {
        return refuse(problem, path, "a socket's path has at most 107 bytes");
    }
    memcpy(address.sun_path, path, n);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) {
        return refuse(problem, path, strerror(errno));
    }
    if (connect(fd, (const struct sockaddr *)&address, sizeof address) != 0) {
        bool absent = errno == ENOENT || errno == ECONNREFUSED;
        refuse(problem, path,
               absent ? "nobody listens there; start passt -s SOCKET first" : strerror(errno));
        close(fd);
        return false;
    }
    netif_passt_attach(passt, fd, mtu);
    return true;
}
