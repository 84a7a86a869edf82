/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * tls_self_signed.h: makes a key and a certificate that signs itself, for development.
 */
#ifndef PINGSHOT_TLS_SELF_SIGNED_H
#define PINGSHOT_TLS_SELF_SIGNED_H

#include <stdbool.h>
#include <stdint.h>

#define TLS_SELF_SIGNED_PEM_BYTES 2048

struct tls_self_signed {
    uint32_t key_len;
    uint32_t cert_len;
    unsigned char key[TLS_SELF_SIGNED_PEM_BYTES];  /* PEM */
    unsigned char cert[TLS_SELF_SIGNED_PEM_BYTES]; /* PEM */
};

/* ECDSA P-256, ten years, for localhost, pingshot.local, 127.0.0.1 and `address` (dotted IPv4).
 * False when wolfSSL cannot, which it always can. */
bool tls_self_signed_make(struct tls_self_signed *made, const char *address);

#endif
