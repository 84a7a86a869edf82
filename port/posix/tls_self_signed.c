/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * tls_self_signed.c: see tls_self_signed.h.
 */
#include "tls_self_signed.h"

#include <arpa/inet.h>
#include <string.h>
#include <wolfssl/wolfcrypt/settings.h>

#include <wolfssl/wolfcrypt/asn.h>
#include <wolfssl/wolfcrypt/asn_public.h>
#include <wolfssl/wolfcrypt/ecc.h>

#define DAYS_VALID 3650
#define DER_BYTES 1024

/* GeneralName's tags, RFC 5280 section 4.2.1.6. */
#define TAG_DNS_NAME 0x82
#define TAG_IP_ADDRESS 0x87
#define TAG_SEQUENCE 0x30

static int put_name(byte *to, byte tag, const void *bytes, size_t count) {
    to[0] = tag;
    to[1] = (byte)count; /* short enough for one byte, all of them */
    memcpy(to + 2, bytes, count);
    return (int)count + 2;
}

static int put_alt_names(byte *to, const char *address) {
    static const byte loopback[] = {127, 0, 0, 1};
    struct in_addr in;
    int n = 2;
    n += put_name(to + n, TAG_DNS_NAME, "localhost", 9);
    n += put_name(to + n, TAG_DNS_NAME, "pingshot.local", 14);
    n += put_name(to + n, TAG_IP_ADDRESS, loopback, sizeof loopback);
    if (inet_pton(AF_INET, address, &in) == 1) {
        n += put_name(to + n, TAG_IP_ADDRESS, &in, sizeof in);
    }
    to[0] = TAG_SEQUENCE;
    to[1] = (byte)(n - 2);
    return n;
}

static int sign(byte *der, ecc_key *key, WC_RNG *rng, const char *address) {
    Cert cert;
    if (wc_InitCert(&cert) != 0) {
        return -1;
    }
    strcpy(cert.subject.commonName, "pingshot");
    cert.selfSigned = 1;
    cert.sigType = CTC_SHA256wECDSA;
    cert.daysValid = DAYS_VALID;
    cert.keyUsage = KEYUSE_DIGITAL_SIG;
    wc_SetExtKeyUsage(&cert, "serverAuth");
    cert.altNamesSz = put_alt_names(cert.altNames, address);
    if (wc_MakeCert(&cert, der, DER_BYTES, NULL, key, rng) < 0) {
        return -1;
    }
    return wc_SignCert(cert.bodySz, cert.sigType, der, DER_BYTES, NULL, key, rng);
}

static bool to_pem(const byte *der, int der_len, unsigned char *pem, uint32_t *pem_len, int type) {
    int n =
        der_len <= 0 ? -1 : wc_DerToPem(der, (word32)der_len, pem, TLS_SELF_SIGNED_PEM_BYTES, type);
    *pem_len = n > 0 ? (uint32_t)n : 0;
    return n > 0;
}

bool tls_self_signed_make(struct tls_self_signed *made, const char *address) {
    WC_RNG rng;
    ecc_key key;
    byte der[DER_BYTES];
    if (wc_InitRng(&rng) != 0) {
        return false;
    }
    bool ok = wc_ecc_init(&key) == 0 && wc_ecc_make_key_ex(&rng, 32, &key, ECC_SECP256R1) == 0;
    if (ok) {
        ok = to_pem(der, wc_EccKeyToDer(&key, der, sizeof der), made->key, &made->key_len,
                    ECC_PRIVATEKEY_TYPE) &&
             to_pem(der, sign(der, &key, &rng, address), made->cert, &made->cert_len, CERT_TYPE);
    }
    explicit_bzero(der, sizeof der);
    wc_ecc_free(&key);
    wc_FreeRng(&rng);
    return ok;
}
