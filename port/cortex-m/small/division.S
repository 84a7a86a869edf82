/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * division.S: division of 64-bit integers, of whose size the compiler's own library makes nothing:
 * it takes 0.9 KB. Run-time ABI for the Arm Architecture, section 4.3.1: the dividend is in r0 and
 * r1, the divisor in r2 and r3; the quotient comes back in the first pair, the remainder in the
 * second. The divisor is not zero.
 */
#include "function.inc"

/* Bit by bit from the dividend's first one on: it goes out at the top, into what remains so far (r4
 * and r5), and the quotient comes in at the bottom. */
    function __aeabi_uldivmod
    orrs    ip, r1, r3
    bne     1f
    udiv    ip, r0, r2 /* both are short */
    mls     r2, ip, r2, r0
    mov     r0, ip
    bx      lr
1:  push    {r4-r7, lr}
    movs    r4, #0
    movs    r5, #0
    movs    r6, #64 /* bits left */
2:  adds    r0, r0
    adcs    r1, r1
    bcs     4f
    subs    r6, #1
    bne     2b
    b       6f
3:  adds    r0, r0
    adcs    r1, r1
4:  adcs    r4, r4
    adcs    r5, r5
    cmp     r4, r2
    sbcs    r7, r5, r3
    bcc     5f
    subs    r4, r2
    sbcs    r5, r3
    adds    r0, #1
5:  subs    r6, #1
    bne     3b
6:  mov     r2, r4
    mov     r3, r5
    pop     {r4-r7, pc}
    end __aeabi_uldivmod

    .macro negate low, high
    negs    \low, \low
    sbc     \high, \high, \high, lsl #1
    .endm

/* Towards zero: the remainder has the dividend's sign. */
    function __aeabi_ldivmod
    push    {r4-r6, lr}
    mov     r4, r1
    eor     r5, r1, r3
    cmp     r1, #0
    bpl     1f
    negate  r0, r1
1:  cmp     r3, #0
    bpl     2f
    negate  r2, r3
2:  bl      __aeabi_uldivmod
    cmp     r5, #0
    bpl     3f
    negate  r0, r1
3:  cmp     r4, #0
    bpl     4f
    negate  r2, r3
4:  pop     {r4-r6, pc}
    end __aeabi_ldivmod
