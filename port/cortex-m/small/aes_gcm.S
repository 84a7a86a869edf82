/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * aes_gcm.S: wolfSSL's names for the functions of aes.c that have many parameters.
 */
#include "call_as.inc"

    call_as wc_AesGcmEncrypt, aes_gcm_encrypt
    call_as wc_AesGcmDecrypt, aes_gcm_decrypt
