/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * host_loop.h: the one loop of the host target: frames in, lwIP's timers, the application's turn,
 * sleep. Ends on SIGINT or SIGTERM, or when the link is lost for good.
 */
#ifndef PINGSHOT_HOST_LOOP_H
#define PINGSHOT_HOST_LOOP_H

#include "frame_link.h"

#include <stdbool.h>
#include <stdint.h>

struct host_loop {
    struct frame_link *link;
    int signals_fd;
    uint32_t looked_ms;    /* when poll(2) was last asked */
    uint32_t link_seen_ms; /* when the link was last looked at */
    /* The application's, once a turn. True: it has more to do, and the loop does not sleep. */
    bool (*turn)(void *context, uint32_t now_ms);
    void *context;
};

/* Prepares the loop, and blocks SIGINT and SIGTERM: from here on they end host_loop_run, however
 * early they come. SIGPIPE is ignored. False when the kernel has no file descriptor left. */
bool host_loop_init(struct host_loop *loop);

/* Runs until a signal (returns true) or until the link is lost (returns false, link->lost says
 * why). Set link, turn and context before. */
bool host_loop_run(struct host_loop *loop);

void host_loop_close(struct host_loop *loop);

#endif
