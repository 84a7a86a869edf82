/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * console_stdout.c: see console_stdout.h. The descriptor stays as it was inherited: O_NONBLOCK
 * would be felt by everybody who shares the terminal. poll(2) says whether a write of some size would wait.
 */
#include "console_stdout.h"

#include "console.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

/* What a terminal that polls as writable takes: its driver says so with less than 256 bytes
 * waiting, and buffers 4096. */
#define TERMINAL_BYTES 1024u

#define FINISH_STEP_MS 50
#define FINISH_STEPS 20u

static int patience_ms; /* how long one look may wait */

/* A pipe that polls as writable takes PIPE_BUF bytes (POSIX.1-2017, write()), a file any number. */
static size_t writable_bytes(size_t n) {
    struct stat status;
    if (fstat(STDOUT_FILENO, &status) == 0 && S_ISREG(status.st_mode)) {
        return n;
    }
    const size_t most = isatty(STDOUT_FILENO) ? TERMINAL_BYTES : PIPE_BUF;
    return n < most ? n : most;
}

size_t console_device_write(const char *bytes, size_t n) {
    struct pollfd out = {.fd = STDOUT_FILENO, .events = POLLOUT};
    if (poll(&out, 1, patience_ms) <= 0) {
        return 0;
    }
    const ssize_t took = write(STDOUT_FILENO, bytes, writable_bytes(n));
    if (took < 0) {
        return errno == EAGAIN || errno == EINTR ? 0 : n; /* n: nobody will ever read it */
    }
    return (size_t)took;
}

void console_stdout_finish(void) {
    patience_ms = FINISH_STEP_MS;
    console_flush(FINISH_STEPS);
}
