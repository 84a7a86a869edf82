/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * aes_gcm.S: wolfSSL's names for the functions of aes.c that have ten parameters. Those behind the
 * fourth lie on the stack, a word each, one after the other (Procedure Call Standard for the Arm
 * Architecture, section 6.4): aes.c is told where, and sees a struct aes_gcm_record there.
 */
    .syntax unified
    .thumb

    .macro call_as name, function
    .section .text.\name, "ax", %progbits
    .balign 4
    .global \name
    .type \name, %function
\name:
    mov     ip, sp
    push    {ip, lr} /* ip: the fifth argument */
    bl      \function
    pop     {ip, pc}
    .size \name, . - \name
    .endm

    call_as wc_AesGcmEncrypt, aes_gcm_encrypt
    call_as wc_AesGcmDecrypt, aes_gcm_decrypt
