/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * tls_certificate.c: see tls_certificate.h. The certificates and the key stay in flash, and wolfSSL
 * is told what it would find in them: certificate.sh has read and checked them, and takes nothing
 * but keys on P-256. So wolfSSL's reader of certificates (asn.c, ssl_load.c) is not in the image;
 * what its TLS calls of that file is here.
 */
#include "tls_certificate.h"

#include "altcp_tls_wolfssl.h"

#include <wolfssl/internal.h>
#include <wolfssl/wolfcrypt/asn.h>

#define KEY_BYTES 32u
#define LENGTH_BYTES 3u

/* From certificate.S. */
extern const byte tls_certificate_chain[]; /* leaf first, each behind its length */
extern const uint32_t tls_certificate_chain_bytes;
extern const byte tls_certificate_key[KEY_BYTES];

static DerBuffer leaf, issuers, key;

/* wolfSSL's type is for memory of its own, but it only reads. */
static DerBuffer *in_flash(DerBuffer *der, const byte *bytes, uint32_t count) {
    der->buffer = (byte *)(uintptr_t)bytes;
    der->length = count;
    return der;
}

/* ---- what wolfSSL wants of asn.c ----------------------------------------------------------- */

/* Certificates' extensions (OCSP) would want it, and there are none. */
int AllocDer(DerBuffer **der, word32 count, int type, void *heap) {
    (void)der;
    (void)count;
    (void)type;
    (void)heap;
    return NOT_COMPILED_IN;
}

/* There is none but those in flash. */
void FreeDer(DerBuffer **der) {
    *der = NULL;
}

/* No peer's certificate is asked for, and no authority known. */
void FreeDecodedCert(struct DecodedCert *cert) {
    (void)cert;
}

void FreeSignerTable(Signer **table, int rows, void *heap) {
    (void)table;
    (void)rows;
    (void)heap;
}

/* ---- the configuration -------------------------------------------------------------------- */

/* As ssl_load.c does for a certificate and key of this kind. The list of suites would else be made in
 * the first handshake, and stay for ever amid memory that handshakes come and go in. False: no room
 * for it. */
static bool use(WOLFSSL_CTX *ctx) {
    const byte *chain = tls_certificate_chain;
    const uint32_t leaf_bytes = (uint32_t)chain[0] << 16 | (uint32_t)chain[1] << 8 | chain[2];
    const uint32_t first_bytes = LENGTH_BYTES + leaf_bytes;
    ctx->certificate = in_flash(&leaf, chain + LENGTH_BYTES, leaf_bytes);
    if (first_bytes < tls_certificate_chain_bytes) {
        ctx->certChain =
            in_flash(&issuers, chain + first_bytes, tls_certificate_chain_bytes - first_bytes);
    }
    ctx->privateKey = in_flash(&key, tls_certificate_key, KEY_BYTES);
    ctx->privateKeyType = ecc_dsa_sa_algo;
    ctx->privateKeySz = KEY_BYTES;
    ctx->pkCurveOID = ECC_SECP256R1_OID;
    ctx->haveECDSAsig = 1;
    ctx->haveECC = 1;
    if (AllocateCtxSuites(ctx) != 0) {
        return false;
    }
    InitSSL_CTX_Suites(ctx);
    return true;
}

struct altcp_tls_config *tls_certificate_load(void) {
    static const char *alpn[] = {"http/1.1", NULL};
    struct altcp_tls_config *config = altcp_tls_create_config_server(1);
    if (config == NULL || !use(altcp_tls_wolfssl_context(config))) {
        altcp_tls_free_config(config);
        return NULL;
    }
    altcp_tls_configure_alpn_protocols(config, alpn);
    return config;
}
