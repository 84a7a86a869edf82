/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * stack_check.c: runs port/cortex-m/stack.c on its processor, in QEMU: what of the stack is painted,
 * how deep it is said to have been, and what becomes of a store below it. test_stack_paint.py builds
 * and runs it. It ends with status 0, or with the number of the case that failed.
 */
#include "qemu_check.h"

#include "stack.c"

/* A stack below the one that qemu_check.h names. */
enum { STACK_BYTES = 0x1000 };
__asm(".global link_stack_bottom\n"
      ".set link_stack_bottom, 0x2000f000\n"
      ".global link_stack_bytes\n"
      ".set link_stack_bytes, 0x1000\n");

static uint32_t now_ms = 0xfffffe00u;

uint32_t clock_monotonic_ms(void) {
    return now_ms;
}

static void must(bool right, uint32_t failure) {
    if (!right) {
        finish(failure);
    }
}

static volatile uint32_t *word_at(uint32_t depth_bytes) {
    return (volatile uint32_t *)link_stack_bottom + (STACK_BYTES - depth_bytes) / 4u;
}

static void must_be_deepest(uint32_t bytes, uint32_t failure) {
    must(stack_stats().high_water == bytes, failure);
}

/* All below this frame is paint, the guard's own words, too. What is above it is still there. */
static void check_paint(void) {
    const size_t end = top_of_stack();
    *word_at(STACK_BYTES) = 0;
    *word_at(STACK_BYTES - STACK_GUARD_BYTES) = 0;
    *word_at(1000) = 0;
    stack_paint();
    must(*word_at(STACK_BYTES) == PAINT, 1);
    size_t painted = 0;
    while (link_stack_bottom[painted] == PAINT) {
        painted++;
    }
    must(painted <= end, 2);
    must(end - painted < 16, 3); /* where stack_paint's own frame was */
}

/* A word is written at every depth, one deeper than the other: each is told to the byte, but not
 * before a second has passed since the last look, also where the clock wraps. */
static void check_depths(void) {
    const struct table_stats first = stack_stats();
    must(first.limit == STACK_BYTES - STACK_GUARD_BYTES, 4);
    must(first.used > 0 && first.used < 256 && first.high_water == first.used, 5);
    uint32_t told_bytes = 256;
    *word_at(told_bytes) = ~PAINT;
    stack_look();
    must_be_deepest(told_bytes, 6);
    for (uint32_t depth_bytes = told_bytes + 4; depth_bytes <= first.limit; depth_bytes += 4) {
        must(!stack_overrun(), 7);
        *word_at(depth_bytes) = ~PAINT;
        now_ms += LOOK_MS - 1;
        stack_look();
        must_be_deepest(told_bytes, 8);
        now_ms += 1;
        stack_look();
        told_bytes = depth_bytes;
        must_be_deepest(told_bytes, 9);
    }
    must(stack_overrun(), 10);
}

/* Only the guard's words are out of bounds: a store into the lowest of them, and into the highest,
 * does not return. */
static volatile uint32_t faults_count;

/* Goes on behind the store, two bytes in Thumb. */
__attribute__((naked)) static void on_fault(void) {
    __asm volatile("ldr  r0, [sp, #24]\n\t"
                   "adds r0, #2\n\t"
                   "str  r0, [sp, #24]\n\t"
                   "ldr  r0, =faults_count\n\t"
                   "ldr  r1, [r0]\n\t"
                   "adds r1, #1\n\t"
                   "str  r1, [r0]\n\t"
                   "bx   lr\n\t");
}

enum { MEM_MANAGE = 4 };
__attribute__((aligned(128))) static void (*handlers[16])(void);

static void store(volatile uint32_t *to) {
    register volatile uint32_t *address __asm("r2") = to;
    __asm volatile("str.n %0, [%0]" ::"r"(address) : "r0", "r1", "memory");
}

static void check_guard(void) {
    handlers[MEM_MANAGE] = on_fault;
    VTOR = (uint32_t)(uintptr_t)handlers;
    must(stack_guard(), 11);
    store(word_at(STACK_BYTES - STACK_GUARD_BYTES));
    store(word_at(STACK_BYTES + 4)); /* below the stack: not its guard's */
    must(faults_count == 0, 12);
    store(word_at(STACK_BYTES));
    must(faults_count == 1, 13);
    store(word_at(STACK_BYTES - STACK_GUARD_BYTES + 4));
    must(faults_count == 2, 14);
}

void start(void) {
    check_paint();
    check_depths();
    check_guard();
    finish(0);
}
