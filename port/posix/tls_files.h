/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * tls_files.h: the server's certificate and key on Linux: read from PEM files and checked, or made
 * when there are none. Every refusal is one line that names the file and the reason.
 */
#ifndef PINGSHOT_TLS_FILES_H
#define PINGSHOT_TLS_FILES_H

#include "problem.h"

#include <stdbool.h>

/* A line about what is not in order and yet no reason to stop, without the newline. */
typedef void (*tls_files_warn)(const char *line);

struct tls_files_config {
    const char *cert;      /* file of the certificate, and of the chain behind it */
    const char *key;       /* file of its private key */
    bool make_missing;     /* they are in the working directory: with neither there make both */
    bool strict;           /* refuse what a client would refuse: --disable-insecure */
    const char *ca;        /* file of what the certificate must chain to, or NULL */
    const char *client_ca; /* file of what clients' certificates must chain to, or NULL: no one
                            * asks for them */
    const char *address;   /* goes into a certificate that is made */
    tls_files_warn warn;
};

struct altcp_tls_config;

/* A SHA-256 fingerprint as people compare it: "AB:CD:...". */
#define TLS_FILES_FINGERPRINT_BYTES 96

struct tls_files {
    struct altcp_tls_config *config;
    bool made; /* the certificate is new */
    bool self_signed;
    char fingerprint[TLS_FILES_FINGERPRINT_BYTES];
};

/* Reads, checks, and makes if need be. The port's randomness and clock must run. */
bool tls_files_load(struct tls_files *t, const struct tls_files_config *config,
                    struct problem *problem);

#endif
