/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * tls_kdf_calls.S: wolfSSL's names for the functions of tls_kdf.c that have many parameters.
 */
#include "call_as.inc"

    call_as wc_Tls13_HKDF_Expand_Label_ex, tls_kdf_expand_label
    call_as wc_PRF_TLS, tls_kdf_prf
