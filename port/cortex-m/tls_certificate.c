/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * tls_certificate.c: see tls_certificate.h.
 */
#include "tls_certificate.h"

#include <stdint.h>

/* From certificate.S, DER: the chain, leaf first, and the leaf's key. */
extern const uint8_t tls_certificate_chain[];
extern const uint32_t tls_certificate_chain_bytes;
extern const uint8_t tls_certificate_key[];
extern const uint32_t tls_certificate_key_bytes;

struct altcp_tls_config *tls_certificate_load(const char **wrong) {
    static const char *alpn[] = {"http/1.1", NULL};
    struct altcp_tls_config *config = altcp_tls_create_config_server(1);
    if (config == NULL) {
        *wrong = "too little memory: raise CFG_TLS_MEM_BYTES";
        return NULL;
    }
    const err_t err = altcp_tls_config_server_add_privkey_cert(
        config, tls_certificate_key, tls_certificate_key_bytes, NULL, 0, tls_certificate_chain,
        tls_certificate_chain_bytes);
    if (err != ERR_OK) {
        *wrong = err == ERR_VAL ? "the certificate of this image cannot be used"
                                : "the key of this image cannot be used";
        altcp_tls_free_config(config);
        return NULL;
    }
    altcp_tls_configure_alpn_protocols(config, alpn);
    return config;
}
