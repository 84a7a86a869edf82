/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * every_store.c: see every_store.h.
 */
#include "every_store.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <ucontext.h>

#include <cmocka.h>

/* The run under way. Handlers of signals have no other way to it. */
static struct {
    const struct every_store *run; /* NULL: none */
    unsigned char *region;         /* what the operation works on */
    unsigned char *seen;           /* as it was at the last cut */
    unsigned char *copy;           /* what is handed on */
    size_t bytes;
    size_t mapped_bytes;
    uint32_t cuts_count;
} now;

static void protect(bool on) {
    if (mprotect(now.region, now.mapped_bytes, on ? PROT_READ : PROT_READ | PROT_WRITE) != 0) {
        abort();
    }
}

/* ---- cuts --------------------------------------------------------------------------------- */

static void hand_on(const unsigned char *bytes) {
    memcpy(now.copy, bytes, now.bytes);
    now.run->cut(now.copy, now.cuts_count++, now.run->context);
}

static size_t word_bytes_at(size_t at) {
    return now.bytes - at < sizeof(uint32_t) ? now.bytes - at : sizeof(uint32_t);
}

static bool word_changed(size_t at) {
    return memcmp(now.seen + at, now.region + at, word_bytes_at(at)) != 0;
}

/* The changed words of [from, to), but the last of them, one after the other in the given
 * direction. */
static void hand_on_torn(size_t from, size_t to, bool upwards) {
    unsigned char *torn = malloc(now.bytes);
    memcpy(torn, now.seen, now.bytes);
    for (size_t done = 0; done < to - from - sizeof(uint32_t); done += sizeof(uint32_t)) {
        size_t at = upwards ? from + done : to - sizeof(uint32_t) - done;
        if (word_changed(at)) {
            memcpy(torn + at, now.region + at, word_bytes_at(at));
            hand_on(torn);
        }
    }
    free(torn);
}

/* One store was made. */
static void cut(void) {
    size_t from = 0;
    size_t to = (now.bytes + sizeof(uint32_t) - 1) / sizeof(uint32_t) * sizeof(uint32_t);
    while (from < to && !word_changed(from)) {
        from += sizeof(uint32_t);
    }
    if (from == to) {
        return; /* what was there already */
    }
    while (!word_changed(to - sizeof(uint32_t))) {
        to -= sizeof(uint32_t);
    }
    if (to - from > sizeof(uint32_t)) {
        hand_on_torn(from, to, true);
        hand_on_torn(from, to, false);
    }
    memcpy(now.seen, now.region, now.bytes);
    hand_on(now.seen);
}

/* ---- one instruction at a time ------------------------------------------------------------ */

#if defined(__x86_64__) && defined(__linux__)

#define TRAP_FLAG 0x100 /* of EFLAGS: an exception after one instruction */

static void set_handler(int number, void (*handler)(int, siginfo_t *, void *),
                        struct sigaction *before) {
    struct sigaction action = {.sa_flags = SA_SIGINFO | SA_NODEFER};
    action.sa_sigaction = handler;
    (void)sigemptyset(&action.sa_mask);
    if (sigaction(number, &action, before) != 0) {
        abort();
    }
}

/* A store to the region: let it through, and stop behind it. */
static void on_fault(int number, siginfo_t *info, void *context) {
    ucontext_t *cpu = context;
    const uintptr_t offset = (uintptr_t)info->si_addr - (uintptr_t)now.region;
    if (now.run == NULL || offset >= now.mapped_bytes) {
        (void)signal(number, SIG_DFL); /* a fault of the test's own: die of it */
        return;
    }
    protect(false);
    cpu->uc_mcontext.gregs[REG_EFL] |= TRAP_FLAG;
}

/* Behind it. A test that fails jumps out of here: nothing is to be put back then but what
 * every_store_run does at its beginning. */
static void on_trap(int number, siginfo_t *info, void *context) {
    ucontext_t *cpu = context;
    (void)number;
    (void)info;
    cpu->uc_mcontext.gregs[REG_EFL] &= ~(greg_t)TRAP_FLAG;
    cut();
    protect(true);
}

static void run_operation(void) {
    struct sigaction fault;
    struct sigaction trap;
    set_handler(SIGSEGV, on_fault, &fault);
    set_handler(SIGTRAP, on_trap, &trap);
    protect(true);
    now.run->operation(now.region, now.run->context);
    protect(false);
    (void)sigaction(SIGSEGV, &fault, NULL);
    (void)sigaction(SIGTRAP, &trap, NULL);
}

#else

static void run_operation(void) {
    now.run->operation(now.region, now.run->context);
    cut();
}

#endif

/* What a run that failed has left. */
static void give_back(void) {
    if (now.run != NULL) {
        (void)munmap(now.region, now.mapped_bytes);
        free(now.seen);
        free(now.copy);
        now.run = NULL;
    }
}

uint32_t every_store_run(const struct every_store *run, void *region, size_t bytes) {
    give_back();
    assert_true(bytes > 0);
    now.bytes = bytes;
    now.mapped_bytes = (bytes + 4095) / 4096 * 4096;
    now.region =
        mmap(NULL, now.mapped_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    assert_ptr_not_equal(now.region, MAP_FAILED);
    now.seen = malloc(bytes);
    now.copy = malloc(bytes);
    now.cuts_count = 0;
    now.run = run;
    memcpy(now.region, region, bytes);
    memcpy(now.seen, region, bytes);
    hand_on(now.seen);
    run_operation();
    memcpy(region, now.region, bytes);
    give_back();
    return now.cuts_count;
}
