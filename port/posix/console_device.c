/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * console_device.c: standard output as the console's device (console.h). It may be shared with other
 * processes, so it is not made non-blocking; poll(2) says whether a write of some size would wait.
 */
#include "console.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

/* What a terminal that polls as writable takes: its driver says so with less than 256 bytes waiting,
 * and buffers 4096. */
#define TERMINAL_BYTES 1024u

/* A pipe that polls as writable takes PIPE_BUF bytes, a file any number. */
static size_t writable_bytes(size_t n) {
    struct stat status;
    if (fstat(STDOUT_FILENO, &status) == 0 && S_ISREG(status.st_mode)) {
        return n;
    }
    const size_t most = isatty(STDOUT_FILENO) ? TERMINAL_BYTES : PIPE_BUF;
    return n < most ? n : most;
}

/* What can take no more ever, such as a pipe without a reader, has everything thrown away: there is
 * nobody to print for. */
size_t console_device_write(const char *bytes, size_t n) {
    struct pollfd fd = {.fd = STDOUT_FILENO, .events = POLLOUT};
    fflush(stdout); /* what was printed there stays in order */
    if (poll(&fd, 1, 0) <= 0) {
        return 0;
    }
    const ssize_t written = write(STDOUT_FILENO, bytes, writable_bytes(n));
    if (written < 0) {
        return errno == EINTR || errno == EAGAIN ? 0 : n;
    }
    return (size_t)written;
}
