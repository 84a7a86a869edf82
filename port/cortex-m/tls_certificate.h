/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * tls_certificate.h: the certificate and key that certificate.sh checked and the linker put into the
 * image, as a configuration for TLS listeners.
 */
#ifndef PINGSHOT_TLS_CERTIFICATE_H
#define PINGSHOT_TLS_CERTIFICATE_H

#include "lwip/altcp_tls.h"

/* The SHA-256 fingerprint as people compare it: "AB:CD:...". */
extern const char tls_certificate_fingerprint[];

/* Makes the configuration; http/1.1 is the only protocol it negotiates. Once, when randomness runs.
 * NULL when there is no memory for it. */
struct altcp_tls_config *tls_certificate_load(void);

#endif
