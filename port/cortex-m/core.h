/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * core.h: the registers of an Armv7-M core that this port uses, by the names of the Armv7-M
 * Architecture Reference Manual (B3.2 to B3.5), and its few instructions that C cannot say.
 */
#ifndef PINGSHOT_CORE_H
#define PINGSHOT_CORE_H

#include <stdint.h>

#define CORE_REGISTER(address) (*(volatile uint32_t *)(address))

/* SysTick */
#define SYST_CSR CORE_REGISTER(0xe000e010u)
#define SYST_RVR CORE_REGISTER(0xe000e014u)
#define SYST_CVR CORE_REGISTER(0xe000e018u)
#define SYST_CSR_ENABLE (1u << 0)
#define SYST_CSR_TICKINT (1u << 1)
#define SYST_CSR_CLKSOURCE (1u << 2) /* the processor clock */

/* NVIC */
#define NVIC_ISER(n) CORE_REGISTER(0xe000e100u + 4u * (n))

/* System control block */
#define ICSR CORE_REGISTER(0xe000ed04u)
#define VTOR CORE_REGISTER(0xe000ed08u)
#define AIRCR CORE_REGISTER(0xe000ed0cu)
#define CCR CORE_REGISTER(0xe000ed14u)
#define SHCSR CORE_REGISTER(0xe000ed24u)
#define CFSR CORE_REGISTER(0xe000ed28u)
#define HFSR CORE_REGISTER(0xe000ed2cu)
#define MMFAR CORE_REGISTER(0xe000ed34u)
#define BFAR CORE_REGISTER(0xe000ed38u)
#define ICSR_VECTACTIVE 0x1ffu
#define AIRCR_VECTKEY (0x05fau << 16)
#define AIRCR_SYSRESETREQ (1u << 2)
#define CCR_DIV_0_TRP (1u << 4)
#define SHCSR_MEMFAULTENA (1u << 16)

/* MPU */
#define MPU_TYPE CORE_REGISTER(0xe000ed90u)
#define MPU_CTRL CORE_REGISTER(0xe000ed94u)
#define MPU_RBAR CORE_REGISTER(0xe000ed9cu)
#define MPU_RASR CORE_REGISTER(0xe000eda0u)
#define MPU_TYPE_DREGION (0xffu << 8)
#define MPU_CTRL_ENABLE (1u << 0)
#define MPU_CTRL_PRIVDEFENA (1u << 2)
#define MPU_RBAR_VALID (1u << 4)
#define MPU_RASR_ENABLE (1u << 0)
#define MPU_RASR_XN (1u << 28)

/* Waits for the stores before it to be done: before a reset, behind a change of the MPU. */
static inline void core_barrier(void) {
    __asm volatile("dsb\n\tisb" ::: "memory");
}

static inline void core_mask_interrupts(void) {
    __asm volatile("cpsid i" ::: "memory");
}

static inline void core_unmask_interrupts(void) {
    __asm volatile("cpsie i" ::: "memory");
}

/* Sleeps until an interrupt is pending, also one that is masked. */
static inline void core_wait_for_interrupt(void) {
    __asm volatile("dsb\n\twfi" ::: "memory");
}

#endif
