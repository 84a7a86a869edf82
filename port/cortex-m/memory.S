/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * memory.S: memcpy, memmove, memset, memchr, memcmp and strlen in words. picolibc's go by bytes, to be
 * small: of all that a scrape executed, half was its memcpy. An Armv7-M core reads and writes
 * words at any address (Architecture Reference Manual A3.2.1). What is left of a length after the
 * loop is decided by its bits, two at a time: a shift leaves one in C and one in N; memcpy, of which a
 * page is made, jumps to where as many words are left.
 *
 * And net_checksum_copy of net_checksum.h: what lwIP copies into segments is in a register then.
 */
#include "function.inc"

/* void *memcpy(void *r0, const void *r1, size_t r2). Ascending, and each word is read before it is
 * written: memmove relies on that. */
    function memcpy
    .global __aeabi_memcpy
    .global __aeabi_memcpy4
    .global __aeabi_memcpy8
    .set __aeabi_memcpy, memcpy
    .set __aeabi_memcpy4, memcpy
    .set __aeabi_memcpy8, memcpy
    mov     ip, r0
    subs    r2, #32
    blo     2f
    lsls    r3, r1, #30
    beq     7f
1:  .rept 8
    ldr     r3, [r1], #4
    str     r3, [ip], #4
    .endr
    subs    r2, #32
    bhs     1b
2:  ubfx    r3, r2, #2, #3 /* words more: 0 to 7 */
    tbb     [pc, r3]
3:  .irp    missing, 7, 6, 5, 4, 3, 2, 1, 0
    .byte   (4f - 3b) / 2 + 4 * \missing /* a word's two instructions take four halfwords */
    .endr
4:  .rept 7
    ldr.w   r3, [r1], #4
    str.w   r3, [ip], #4
    .endr
    lsls    r3, r2, #31 /* C: 2 bytes more; N: 1 */
    bcc     5f
    ldrh    r3, [r1], #2
    strh    r3, [ip], #2
5:  bpl     6f
    ldrb    r3, [r1]
    strb    r3, [ip]
6:  bx      lr
7:  push    {r4-r6} /* words of the source: read four at once */
8:  .rept   2
    ldmia   r1!, {r3-r6}
    .irp    word, r3, r4, r5, r6
    str     \word, [ip], #4
    .endr
    .endr
    subs    r2, #32
    bhs     8b
    pop     {r4-r6}
    b       2b
    end memcpy

/* void *memmove(void *r0, const void *r1, size_t r2). From the end when the front of what is
 * written would overlap what is still to be read. */
    function memmove
    .global __aeabi_memmove
    .global __aeabi_memmove4
    .global __aeabi_memmove8
    .set __aeabi_memmove, memmove
    .set __aeabi_memmove4, memmove
    .set __aeabi_memmove8, memmove
    subs    r3, r0, r1
    cmp     r3, r2
    bhs     memcpy
    add     ip, r0, r2
    add     r1, r2
    subs    r2, #16
    blo     2f
1:  .rept 4
    ldr     r3, [r1, #-4]!
    str     r3, [ip, #-4]!
    .endr
    subs    r2, #16
    bhs     1b
2:  lsls    r3, r2, #29 /* C: 8; N: 4 */
    bcc     3f
    .rept 2
    ldr     r3, [r1, #-4]!
    str     r3, [ip, #-4]!
    .endr
3:  bpl     4f
    ldr     r3, [r1, #-4]!
    str     r3, [ip, #-4]!
4:  lsls    r3, r2, #31 /* C: 2; N: 1 */
    bcc     5f
    ldrh    r3, [r1, #-2]!
    strh    r3, [ip, #-2]!
5:  bpl     6f
    ldrb    r3, [r1, #-1]
    strb    r3, [ip, #-1]
6:  bx      lr
    end memmove

/* void *memset(void *r0, int r1, size_t r2) */
    function memset
    uxtb    r1, r1
    orr     r1, r1, r1, lsl #8
    orr     r1, r1, r1, lsl #16
    mov     ip, r0
    subs    r2, #32
    blo     2f
1:  .rept 8
    str     r1, [ip], #4
    .endr
    subs    r2, #32
    bhs     1b
2:  lsls    r3, r2, #28 /* C: 16; N: 8 */
    bcc     3f
    .rept 4
    str     r1, [ip], #4
    .endr
3:  bpl     4f
    .rept 2
    str     r1, [ip], #4
    .endr
4:  lsls    r3, r2, #30 /* C: 4; N: 2 */
    bcc     5f
    str     r1, [ip], #4
5:  bpl     6f
    strh    r1, [ip], #2
6:  lsls    r3, r2, #31 /* N: 1 */
    bpl     7f
    strb    r1, [ip]
7:  bx      lr
    end memset

/* void *memchr(const void *r0, int r1, size_t r2). A word less 0x01010101 borrows into the top bit
 * of a byte that was 0, and into no byte below the first such. */
    function memchr
    uxtb    r1, r1
    orr     r1, r1, r1, lsl #8
    orr     r1, r1, r1, lsl #16
    subs    r2, #4
    blo     2f
1:  ldr     r3, [r0], #4
    eors    r3, r1
    sub     ip, r3, #0x01010101
    bic     ip, ip, r3
    ands    ip, ip, #0x80808080
    bne     4f
    subs    r2, #4
    bhs     1b
2:  adds    r2, #4
    beq     5f
    uxtb    r1, r1
3:  ldrb    r3, [r0], #1
    cmp     r3, r1
    beq     6f
    subs    r2, #1
    bne     3b
    b       5f
4:  rbit    ip, ip
    clz     ip, ip /* 0, 8, 16 or 24 */
    subs    r0, #4
    add     r0, r0, ip, lsr #3
    bx      lr
5:  movs    r0, #0
    bx      lr
6:  subs    r0, #1
    bx      lr
    end memchr

/* int memcmp(const void *r0, const void *r1, size_t r2) */
    function memcmp
    subs    r2, #4
    blo     2f
1:  ldr     r3, [r0], #4
    ldr     ip, [r1], #4
    cmp     r3, ip
    bne     4f
    subs    r2, #4
    bhs     1b
2:  adds    r2, #4
    beq     5f
3:  ldrb    r3, [r0], #1
    ldrb    ip, [r1], #1
    subs    r3, r3, ip
    bne     6f
    subs    r2, #1
    bne     3b
5:  movs    r0, #0
    bx      lr
4:  rev     r3, r3 /* the first byte weighs most */
    rev     ip, ip
    cmp     r3, ip
    ite     hi
    movhi   r0, #1
    movls   r0, #-1
    bx      lr
6:  mov     r0, r3
    bx      lr
    end memcmp

/* size_t strlen(const char *r0). By words from the first aligned one on: none of them reaches out of
 * the memory that the string's last byte is in. The byte is found as in memchr. */
    function strlen
    mov     r1, r0
1:  lsls    r2, r1, #30
    beq     2f
    ldrb    r2, [r1], #1
    cmp     r2, #0
    bne     1b
    subs    r1, #1
    b       3f
2:  ldr     r2, [r1], #4
    sub     r3, r2, #0x01010101
    bic     r3, r3, r2
    ands    r3, r3, #0x80808080
    beq     2b
    rbit    r3, r3
    clz     r3, r3
    subs    r1, #4
    add     r1, r1, r3, lsr #3
3:  subs    r0, r1, r0
    bx      lr
    end strlen

/* uint16_t net_checksum_copy(void *r0, const void *r1, int r2). The carry of each addition goes
 * into the next one; what ends a turn of a loop leaves C alone. Much is written to aligned words,
 * eight at once: a stride, of which a turn has four if they are read from aligned words, too. If
 * that takes an odd byte in front, all behind it stand in the other halves of the words that are
 * added: so the sum begins with that byte turned by 24 bits and is turned on by 8. */
    .macro sum_stride
    stmia   r0!, {r4-r11}
    .irp    word, r4, r5, r6, r7, r8, r9, r10, r11
    adcs    r3, \word
    .endr
    .endm

    .macro sum_turn
    sub     lr, #1
    teq     lr, #0
    .endm

    .macro sum_last_carry /* it makes no other: 0xffffffff never comes with one */
    adc     r3, #0
    .endm

    .macro sum_halfword
    ldrh    r5, [r1], #2
    strh    r5, [r0], #2
    adds    r3, r5
    adc     r3, #0
    .endm

    function net_checksum_copy
    push    {r4-r11, lr}
    movs    r3, #0
    mov     ip, #0 /* 1: an odd byte in front */
    cmp     r2, #32
    blo     2f
    ands    ip, r0, #1
    beq     1f
    ldrb    r3, [r1], #1
    strb    r3, [r0], #1
    lsls    r3, #24
    subs    r2, #1
1:  lsls    r4, r0, #30
    beq     1f
    sum_halfword
    subs    r2, #2
1:  lsrs    lr, r2, #5
    beq     2f
    lsls    r4, r1, #30
    beq     9f
    adds    r3, #0 /* no carry yet */
8:  .irp    word, r4, r5, r6, r7, r8, r9, r10, r11
    ldr     \word, [r1], #4
    .endr
    sum_stride
    sum_turn
    bne     8b
    b       7f
9:  rsb     r4, lr, #0
    and     r4, #3 /* strides that the first turn leaves out */
    add     lr, #3
    lsr     lr, #2
    adds    r3, #0
    tbb     [pc, r4]
3:  .irp    left_out, 0, 1, 2, 3
    .byte   (6f - 3b) / 2 + 16 * \left_out
    .endr
6:  .rept   4
    ldmia   r1!, {r4-r11}
    sum_stride
    .endr
    sum_turn
    bne     6b
7:  sum_last_carry
2:  ubfx    r4, r2, #2, #3 /* words more: 0 to 7 */
    adds    r3, #0
    tbb     [pc, r4]
3:  .irp    missing, 7, 6, 5, 4, 3, 2, 1, 0
    .byte   (4f - 3b) / 2 + 5 * \missing
    .endr
4:  .rept   7
    ldr.w   r5, [r1], #4
    str.w   r5, [r0], #4
    adcs    r3, r5
    .endr
    sum_last_carry
    lsls    r4, r2, #31 /* C: 2 bytes more; N: 1 */
    bcc     5f
    sum_halfword
5:  lsls    r4, r2, #31
    bpl     6f
    ldrb    r5, [r1]
    strb    r5, [r0]
    adds    r3, r5
    adc     r3, #0
6:  cmp     ip, #0
    it      ne
    rorne   r3, r3, #24
    uxth    r0, r3
    add     r0, r0, r3, lsr #16
    lsrs    r3, r0, #16
    uxth    r0, r0
    add     r0, r3
    pop     {r4-r11, pc}
    end net_checksum_copy
