/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * gcm_table.h: halves the table that each key of AES-GCM has, read before every file of wolfSSL on
 * a board. wolfSSL 5.7.2 gives it 32 entries, half of which its Thumb-2 assembly never touches: 512
 * bytes of RAM for each session. It makes a table of 16 for a processor of 16 bits, so for this one
 * header that is what it is told; what the word size means elsewhere is settled before.
 */
#ifndef PINGSHOT_GCM_TABLE_H
#define PINGSHOT_GCM_TABLE_H

#include <wolfssl/wolfcrypt/settings.h>

#include <wolfssl/wolfcrypt/types.h>

#define WC_16BIT_CPU
#include <wolfssl/wolfcrypt/aes.h>
#undef WC_16BIT_CPU

#endif
