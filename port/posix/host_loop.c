/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * host_loop.c: see host_loop.h. Under load a turn is one batch of frames, and the only system
 * calls are the reads and writes of frames; poll(2) is asked when nothing came, and now and then
 * for the sake of signals.
 */
#include "host_loop.h"

#include "clock.h"
#include "console.h"
#include "net_stack.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <unistd.h>

/* Frames handled before timers and application get their turn. */
#define FRAMES_A_TURN 64u

/* The application's own deadlines are not known here: it gets a turn at least this often. */
#define SLEEP_MS_MAX 100u

/* Under load, how long a signal may wait. */
#define LOOK_MS 50u

bool host_loop_init(struct host_loop *loop) {
    sigset_t stop;
    sigemptyset(&stop);
    sigaddset(&stop, SIGINT);
    sigaddset(&stop, SIGTERM);
    if (sigprocmask(SIG_BLOCK, &stop, NULL) != 0 || signal(SIGPIPE, SIG_IGN) == SIG_ERR) {
        return false;
    }
    *loop = (struct host_loop){.signals_fd = signalfd(-1, &stop, SFD_NONBLOCK | SFD_CLOEXEC)};
    return loop->signals_fd >= 0;
}

/* How long a change of the link may go unseen. */
#define LINK_MS 200u

/* Tells lwIP what has become of the link. */
static void follow_link(struct host_loop *loop, uint32_t now_ms) {
    struct frame_link *link = loop->link;
    if (link->is_up == NULL || now_ms - loop->link_seen_ms < LINK_MS) {
        return;
    }
    loop->link_seen_ms = now_ms;
    if (!link->is_up(link)) {
        netif_set_link_down(&link->netif);
    } else {
        netif_set_link_up(&link->netif);
    }
}

/* Sleeps until a frame or a signal comes, or the console has room for what waits, at most `sleep_ms`. True when a signal came. */
static bool look(struct host_loop *loop, uint32_t sleep_ms) {
    struct pollfd fds[3] = {
        {.fd = loop->link->fd, .events = POLLIN},
        {.fd = loop->signals_fd, .events = POLLIN},
        {.fd = console_waits() ? STDOUT_FILENO : -1, .events = POLLOUT},
    };
    if (loop->link->wants_output) {
        fds[0].events |= POLLOUT;
    }
    if (poll(fds, 3, (int)sleep_ms) <= 0) {
        return false;
    }
    if ((fds[0].revents & POLLOUT) != 0) {
        loop->link->flush(loop->link);
    }
    /* A device that is gone for good says so here; reading it then tells why, or nothing. */
    if ((fds[0].revents & (POLLERR | POLLNVAL)) != 0 && loop->link->lost == NULL) {
        loop->link->lost = "the network device is gone; start again";
    }
    return (fds[1].revents & POLLIN) != 0;
}

/* What has come by now still counts: the acknowledgement of a scrape delivers its events, which after
 * a restart on the same state would else go out again. */
static void finish(struct frame_link *link) {
    link->receive(link, FRAMES_A_TURN);
    link->flush(link);
}

bool host_loop_run(struct host_loop *loop) {
    struct frame_link *link = loop->link;
    loop->looked_ms = clock_monotonic_ms();
    while (link->lost == NULL) {
        uint32_t frames = link->receive(link, FRAMES_A_TURN);
        net_stack_poll();
        uint32_t now_ms = clock_monotonic_ms();
        bool more = loop->turn(loop->context, now_ms);
        if (!link->wants_output) {
            link->flush(link);
        }
        if (frames == 0 || now_ms - loop->looked_ms >= LOOK_MS) {
            loop->looked_ms = now_ms;
            follow_link(loop, now_ms);
            if (look(loop, frames == 0 && !more ? net_stack_sleep_ms(SLEEP_MS_MAX) : 0)) {
                finish(link);
                return true;
            }
        }
    }
    return false;
}

void host_loop_close(struct host_loop *loop) {
    close(loop->signals_fd);
    loop->signals_fd = -1;
}
