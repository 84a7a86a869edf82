/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * netif_tap.c: see netif_tap.h. A frame is read straight into lwIP's buffers and written straight
 * from them.
 */
#include "netif_tap.h"

#include "lwip/stats.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <netinet/in.h>
#include <poll.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

/* Pieces of a frame that one call takes. A frame in more of them is rare and is copied first. */
#define PIECES_MAX 32

#define FRAME_BYTES_MAX (CFG_NET_MTU_MAX + FRAME_LINK_HEADER_BYTES)

static bool refuse(struct problem *problem, const char *name, const char *what,
                   const char *remedy) {
    struct text t = problem_begin(problem, PROBLEM_MALFORMED);
    text_puts(&t, "TAP ");
    text_puts(&t, name);
    text_puts(&t, ": ");
    text_puts(&t, what);
    text_puts(&t, remedy);
    return problem_end(problem, &t);
}

/* ---- frames ------------------------------------------------------------------------------ */

/* Reads one frame into `p`. False when there is none. */
static bool read_frame(struct netif_tap *tap, struct pbuf *p) {
    struct iovec pieces[PIECES_MAX];
    int count = 0;
    for (struct pbuf *q = p; q != NULL && count < PIECES_MAX; q = q->next) {
        pieces[count++] = (struct iovec){q->payload, q->len};
    }
    ssize_t n =
        count == 1 ? read(tap->link.fd, p->payload, p->len) : readv(tap->link.fd, pieces, count);
    if (n > 0) {
        pbuf_realloc(p, (u16_t)n);
        return true;
    }
    if (n < 0 && errno == EBADFD) {
        tap->link.lost = "the TAP device was removed while in use; start again";
    }
    return false; /* EAGAIN; or the device is down, which may pass */
}

static uint32_t receive(struct frame_link *link, uint32_t frames_max) {
    struct netif_tap *tap = (struct netif_tap *)link;
    uint32_t frames = 0;
    for (; frames < frames_max; frames++) {
        struct pbuf *p =
            pbuf_alloc(PBUF_RAW, (u16_t)(tap->mtu + FRAME_LINK_HEADER_BYTES), PBUF_POOL);
        if (p == NULL) {
            /* The frame stays in the device's queue; its sender's TCP would repeat it anyway. */
            LINK_STATS_INC(link.memerr);
            break;
        }
        if (!read_frame(tap, p)) {
            pbuf_free(p);
            break;
        }
        LINK_STATS_INC(link.recv);
        if (link->netif.input(p, &link->netif) != ERR_OK) {
            pbuf_free(p);
        }
    }
    return frames;
}

static ssize_t write_pieces(int fd, const struct pbuf *p) {
    static uint8_t frame[FRAME_BYTES_MAX];
    struct iovec pieces[PIECES_MAX];
    int count = 0;
    if (p->next == NULL) {
        return write(fd, p->payload, p->len);
    }
    for (const struct pbuf *q = p; q != NULL; q = q->next) {
        if (count == PIECES_MAX) {
            return write(fd, frame, pbuf_copy_partial(p, frame, sizeof frame, 0));
        }
        pieces[count++] = (struct iovec){q->payload, q->len};
    }
    return writev(fd, pieces, count);
}

static err_t send_frame(struct netif *netif, struct pbuf *p) {
    struct netif_tap *tap = netif->state;
    if (write_pieces(tap->link.fd, p) == (ssize_t)p->tot_len) {
        LINK_STATS_INC(link.xmit);
    } else {
        /* Down, or out of memory: lost as on a wire. Who needs it sends it again. */
        LINK_STATS_INC(link.drop);
    }
    return ERR_OK;
}

/* The kernel takes frames only while the device is up. */
static bool is_up(const struct frame_link *link) {
    struct pollfd device = {.fd = link->fd, .events = POLLOUT};
    return poll(&device, 1, 0) == 1 && (device.revents & POLLOUT) != 0;
}

/* Each frame is a system call anyway, and is gone when it returns. */
static void flush_nothing(struct frame_link *link) {
    (void)link;
}

static void close_device(struct frame_link *link) {
    close(link->fd);
    link->fd = -1;
}

err_t netif_tap_init(struct netif *netif) {
    const struct netif_tap *tap = netif->state;
    frame_link_init_netif(netif, "tp", tap->mtu, send_frame);
    return ERR_OK;
}

/* ---- the device -------------------------------------------------------------------------- */

static struct ifreq request_for(const char *name) {
    struct ifreq request = {0};
    memcpy(request.ifr_name, name, strnlen(name, IFNAMSIZ - 1));
    return request;
}

static bool set_address(int fd, unsigned long what, const char *name, uint32_t address) {
    struct ifreq request = request_for(name);
    struct sockaddr_in in = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(address)};
    memcpy(&request.ifr_addr, &in, sizeof in);
    return ioctl(fd, what, &request) == 0;
}

static bool set_mtu(int fd, const char *name, int mtu) {
    struct ifreq request = request_for(name);
    request.ifr_mtu = mtu;
    return ioctl(fd, SIOCSIFMTU, &request) == 0;
}

static bool set_up(int fd, const char *name) {
    struct ifreq request = request_for(name);
    if (ioctl(fd, SIOCGIFFLAGS, &request) != 0) {
        return false;
    }
    request.ifr_flags = (short)(request.ifr_flags | IFF_UP | IFF_RUNNING);
    return ioctl(fd, SIOCSIFFLAGS, &request) == 0;
}

/* Gives a device that was just made its MTU and its address and brings it up. */
static bool set_up_device(int fd, const struct netif_tap_config *config, struct problem *problem) {
    if (!set_mtu(fd, config->name, config->mtu)) {
        return refuse(problem, config->name, "cannot set its MTU: ", strerror(errno));
    }
    if (config->address_host &&
        (!set_address(fd, SIOCSIFADDR, config->name, config->host_address) ||
         !set_address(fd, SIOCSIFNETMASK, config->name, config->netmask))) {
        return refuse(problem, config->name, "cannot set the host's address: ", strerror(errno));
    }
    if (!set_up(fd, config->name)) {
        return refuse(problem, config->name, "cannot bring it up: ", strerror(errno));
    }
    return true;
}

/* A device that somebody else has set up must suit. */
static bool check_device(int fd, const struct netif_tap_config *config, struct problem *problem) {
    struct ifreq request = request_for(config->name);
    if (ioctl(fd, SIOCGIFMTU, &request) != 0) {
        return refuse(problem, config->name, "cannot read its MTU: ", strerror(errno));
    }
    if (request.ifr_mtu < config->mtu) {
        return refuse(problem, config->name, "its MTU is smaller than --mtu; ",
                      "set it with ip link set DEVICE mtu, or give a smaller --mtu");
    }
    if (ioctl(fd, SIOCGIFFLAGS, &request) != 0 || (request.ifr_flags & IFF_UP) == 0) {
        return refuse(problem, config->name, "it is down; ",
                      "bring it up with ip link set DEVICE up, or give another --tap");
    }
    return true;
}

static bool refuse_open(struct problem *problem, const char *name) {
    switch (errno) {
    case ENOENT:
    case ENODEV:
    case ENXIO:
        return refuse(problem, name, "this machine has no /dev/net/tun; ",
                      "load the tun module, or use --passt SOCKET");
    case EACCES:
    case EPERM:
        return refuse(problem, name, "no privilege to open /dev/net/tun; ",
                      "run as root or with CAP_NET_ADMIN, or use --passt SOCKET");
    default:
        return refuse(problem, name, "cannot open /dev/net/tun: ", strerror(errno));
    }
}

static bool refuse_attach(struct problem *problem, const char *name, bool existed) {
    switch (errno) {
    case EBUSY:
        return refuse(problem, name, "busy, another process uses it; ",
                      "stop that one, or give another name with --tap");
    case EINVAL:
        return refuse(problem, name, "an interface of that name is not a TAP device; ",
                      "give another name with --tap");
    case EPERM:
        if (existed) {
            return refuse(problem, name, "it belongs to another user; ",
                          "give one of your own with --tap, or run as root");
        }
        return refuse(problem, name, "no privilege to create it; ",
                      "run as root or with CAP_NET_ADMIN, have it made with ip tuntap add, "
                      "or use --passt SOCKET");
    default:
        return refuse(problem, name, "cannot attach: ", strerror(errno));
    }
}

/* Attaches `fd` to the device, and makes it when there is none. */
static bool attach(int fd, const struct netif_tap_config *config, struct problem *problem) {
    bool existed = if_nametoindex(config->name) != 0;
    struct ifreq request = request_for(config->name);
    request.ifr_flags = IFF_TAP | IFF_NO_PI;
    if (ioctl(fd, TUNSETIFF, &request) != 0) {
        return refuse_attach(problem, config->name, existed);
    }
    int control = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (control < 0) {
        return refuse(problem, config->name, "cannot open a socket: ", strerror(errno));
    }
    bool ok =
        existed ? check_device(control, config, problem) : set_up_device(control, config, problem);
    close(control);
    return ok;
}

bool netif_tap_open(struct netif_tap *tap, const struct netif_tap_config *config,
                    struct problem *problem) {
    int fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0) {
        return refuse_open(problem, config->name);
    }
    if (!attach(fd, config, problem)) {
        close(fd); /* a device that was made goes with it */
        return false;
    }
    *tap = (struct netif_tap){
        .link = {.fd = fd,
                 .receive = receive,
                 .is_up = is_up,
                 .flush = flush_nothing,
                 .close = close_device},
        .mtu = config->mtu,
    };
    return true;
}
