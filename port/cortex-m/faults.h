/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * faults.h: when this firmware cannot go on: it leaves a record in retained memory and resets, and
 * the next run says what happened.
 */
#ifndef PINGSHOT_FAULTS_H
#define PINGSHOT_FAULTS_H

#include <stdbool.h>
#include <stdint.h>

/* Makes divisions by zero fault, and guards the stack where there is an MPU. */
void faults_enable(void);

/* A failed assertion: records where and what, and resets. */
_Noreturn void faults_trap(const char *text);

/* An overflow of the stack that was found after the fact, where no guard has met it: records that,
 * and resets. */
_Noreturn void faults_stack_overflow(void);

/* A reset that was asked for, in a debugger (`call faults_reset()`): the image has it for that. */
_Noreturn void faults_reset(void);

/* The watchdog's warning, its first expiry: notes where the program hangs. The second one resets.
 * `frame` is what the exception stacked: r0-r3, r12, lr, pc, xPSR. */
void faults_watchdog(const uint32_t *frame);

/* True once after the watchdog has warned (its first expiry is an NMI on some chips) and the main
 * loop goes on all the same. */
bool faults_warned(void);

/* Vectors: HardFault and its kin, and NMI. */
void faults_entry(void);
void faults_nmi(void);

#endif
