/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * p256_modular.S: see p256_modular.h. Numbers of eight words, lowest first, modulo p or n of P-256.
 * Neither what is executed nor which addresses are read depends on the values. But on a Cortex-M3
 * the multiplications' own time does (Technical Reference Manual, UMULL and UMLAL), not on M4 and M7.
 *
 * In registers: c, eight words, in r4 to r11. In the stack's frame (FRAME_BYTES below what is pushed),
 * for n: sixteen words t, a word for a carry; for p: b, and the three words that are named; above them
 * the first and the last argument.
 */
    .syntax unified
    .thumb

    .set T_BYTES, 64
    .set CARRY, T_BYTES
    .set FRAME_BYTES, T_BYTES + 4
    .set RESULT, FRAME_BYTES
    .set MODULUS, FRAME_BYTES + 4
    .set FACTOR, 32 /* in struct p256_modulus */

    .set P_M, 32
    .set P_CARRY, P_M + 4
    .set P_END, P_M + 8 /* of a */

    .macro function name
    .section .text.p256_modular, "ax", %progbits
    .balign 4
    .global \name
    .type \name, %function
\name:
    push    {r0, r3, r4-r11, lr}
    sub     sp, #FRAME_BYTES
    .endm

    .macro end name
    .size \name, . - \name
    .endm

/* c[index] gets its product with r0 and [r12] added, and what that is above a word is in `high`.
 * Then all is a word lower: c[index - 1] = c[index] + the `high` before. Loads and multiplications
 * leave the carry alone. */
    .macro multiply_word index, low, c, add, high, high_before
    ldr     r1, [r12, #4 * \index]
    movs    \high, #0
    umlal   \c, \high, r0, r1
    \add    \low, \c, \high_before
    .endm

    .macro multiply_row
    multiply_word 1, r4, r5, adds, r3, r2
    multiply_word 2, r5, r6, adcs, r2, r3
    multiply_word 3, r6, r7, adcs, r3, r2
    multiply_word 4, r7, r8, adcs, r2, r3
    multiply_word 5, r8, r9, adcs, r3, r2
    multiply_word 6, r9, r10, adcs, r2, r3
    multiply_word 7, r10, r11, adcs, r3, r2
    adc     r11, r3, #0
    .endm

/* c and the words at `from`. */
    .macro each_word first, next, from
    .set index, 0
    .irp c, r4, r5, r6, r7, r8, r9, r10, r11
    ldr     r1, [\from, #4 * index]
    .if index == 0
    \first  \c, \c, r1
    .else
    \next   \c, \c, r1
    .endif
    .set index, index + 1
    .endr
    .endm

/* Two more products, for words whose index is even and odd; r12: the odd one's word of b. */
    .macro multiply_pair offset, even, odd, low
    ldrd    r1, r12, [sp, #\offset]
    movs    r2, #0
    umlal   \even, r2, r0, r1
    adcs    \low, \even, r3
    movs    r3, #0
    umlal   \odd, r3, r0, r12
    adcs    \even, \odd, r2
    .endm

/* The next word of a, at lr: its product with b is added to c, then m times p, m being the lowest word,
 * which that makes 0; then all is a word lower. p = 2^256 - 2^224 + 2^192 + 2^96 - 1. */
    .macro multiply_word_p
    ldr     r0, [lr], #4
    ldrd    r1, r12, [sp]
    movs    r2, #0
    umlal   r4, r2, r0, r1
    str     r4, [sp, #P_M]
    movs    r3, #0
    umlal   r5, r3, r0, r12
    adds    r4, r5, r2
    multiply_pair 8, r6, r7, r5
    multiply_pair 16, r8, r9, r7
    multiply_pair 24, r10, r11, r9
    ldrd    r12, r1, [sp, #P_M]
    adcs    r11, r3, r1
    mov     r3, #0
    adc     r3, r3, r3
    rsbs    r0, r12, #0 /* r1:r0 = m * (2^32 - 1), for bits 224 and on */
    sbc     r1, r12, #0
    adds    r6, r6, r12
    adcs    r7, r7, #0
    adcs    r8, r8, #0
    adcs    r9, r9, r12
    adcs    r10, r10, r0
    adcs    r11, r11, r1
    adc     r2, r3, #0
    str     r2, [sp, #P_CARRY]
    .endm

/* Montgomery's product: a * b / 2^256. */
    function p256_modular_multiply
    ldr     r12, [r3, #FACTOR]
    cmp     r12, #1
    bne     p256_modular_multiply_n
    mov     lr, r1
    ldmia   r2, {r4-r11}
    stmia   sp, {r4-r11}
    add     r0, r1, #32
    movs    r1, #0
    strd    r1, r0, [sp, #P_CARRY]
    .irp c, r4, r5, r6, r7, r8, r9, r10, r11
    mov     \c, #0
    .endr
1:  multiply_word_p
    multiply_word_p
    ldr     r0, [sp, #P_END]
    cmp     lr, r0
    bne     1b

/* c less p unless that would be negative. r2: 1 if there is a carry above c. */
p256_modular_finish_p:
    subs    r4, r4, #0xffffffff
    sbcs    r5, r5, #0xffffffff
    sbcs    r6, r6, #0xffffffff
    sbcs    r7, r7, #0
    sbcs    r8, r8, #0
    sbcs    r9, r9, #0
    sbcs    r10, r10, #1
    sbcs    r11, r11, #0xffffffff
    sbcs    r2, r2, #0
    sbc     r2, r2, r2
/* And p if r2 is -1, not if it is 0. */
p256_modular_add_back_p:
    adds    r4, r4, r2
    adcs    r5, r5, r2
    adcs    r6, r6, r2
    adcs    r7, r7, #0
    adcs    r8, r8, #0
    adcs    r9, r9, #0
    adcs    r10, r10, r2, lsr #31
    adcs    r11, r11, r2
p256_modular_return:
    ldr     r0, [sp, #RESULT]
    stmia   r0, {r4-r11}
    add     sp, #FRAME_BYTES + 8
    pop     {r4-r11, pc}

p256_modular_multiply_n:
    mov     r12, r2
    mov     lr, sp
    ldmia   r1, {r4-r11} /* a goes to t, where the product takes its place word by word */
    stmia   lr, {r4-r11}
    .irp c, r4, r5, r6, r7, r8, r9, r10, r11
    mov     \c, #0
    .endr
1:  ldr     r0, [lr]
    ldr     r1, [r12]
    movs    r2, #0
    umlal   r4, r2, r0, r1
    str     r4, [lr], #4
    multiply_row
    add     r0, sp, #T_BYTES / 2
    cmp     lr, r0
    bne     1b
    stmia   lr, {r4-r11}
    ldmdb   lr, {r4-r11}
    ldr     r12, [sp, #MODULUS]
    movs    r2, #0

/* To c a multiple m of the modulus is added that makes its lowest word 0; then it is a word lower,
 * and gets one more of t. */
    str     r2, [sp, #CARRY]
2:  ldr     r0, [r12, #FACTOR]
    ldr     r1, [r12]
    mul     r0, r4, r0
    movs    r2, #0
    umlal   r4, r2, r0, r1
    multiply_row
    ldr     r2, [sp, #CARRY]
    ldr     r1, [lr], #4
    lsrs    r2, r2, #1
    adcs    r11, r11, r1
    adc     r2, r2, #0
    str     r2, [sp, #CARRY]
    add     r0, sp, #T_BYTES
    cmp     lr, r0
    bne     2b

/* As above, for any modulus, at r12. */
p256_modular_finish:
    ldr     r0, [r12, #FACTOR]
    cmp     r0, #1
    beq     p256_modular_finish_p
    each_word subs, sbcs, r12
    sbcs    r2, r2, #0
    sbc     r2, r2, r2
p256_modular_add_back:
    ldr     r0, [r12, #FACTOR]
    cmp     r0, #1
    beq     p256_modular_add_back_p
    .set index, 0
    .irp c, r4, r5, r6, r7, r8, r9, r10, r11
    ldr     r1, [r12, #4 * index]
    and     r1, r1, r2
    .if index == 0
    adds    \c, \c, r1
    .else
    adcs    \c, \c, r1
    .endif
    .set index, index + 1
    .endr
    b       p256_modular_return
    end p256_modular_multiply

    function p256_modular_add
    mov     r12, r3
    ldmia   r1, {r4-r11}
    each_word adds, adcs, r2
    mov     r2, #0
    adc     r2, r2, #0
    b       p256_modular_finish
    end p256_modular_add

    function p256_modular_subtract
    mov     r12, r3
    ldmia   r1, {r4-r11}
    each_word subs, sbcs, r2
    sbc     r2, r2, r2
    b       p256_modular_add_back
    end p256_modular_subtract
