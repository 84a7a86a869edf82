/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * tls_choice.c: what a board's server agrees on with a client. wolfSSL's functions of these names
 * choose among all suites, curves and kinds of certificates that it can be built with. Here there is
 * one suite for each version, and one key; see CFG_TLS_SMALL and wolfssl/replaced.h.
 */
#include <stdbool.h>
#include <wolfssl/wolfcrypt/settings.h>

#include <wolfssl/error-ssl.h>
#include <wolfssl/internal.h>

/* RFC 8446 section 4.2.8: the share that the client has sent for the best of the groups that both
 * know. None of them: it is asked to send one. */
static int choose_share(const WOLFSSL *ssl, CipherSuite *choice, TLSX *extensions) {
    byte has_shares = 0;
    const int err = TLSX_KeyShare_Choose(ssl, extensions, choice->cipherSuite0, choice->cipherSuite,
                                         &choice->clientKSE, &has_shares);
    choice->doHelloRetry = err != MEMORY_E && choice->clientKSE == NULL && has_shares;
    return err == 0 || choice->doHelloRetry ? 0 : MATCH_SUITE_ERROR;
}

/* RFC 8422 section 5.1: the first of the client's curves that we have, too. One that names none
 * leaves it to us, and that is P-256. */
static int choose_curve(CipherSuite *choice, TLSX *extensions) {
    const TLSX *groups = TLSX_Find(extensions, TLSX_SUPPORTED_GROUPS);
    if (groups == NULL) {
        return 0;
    }
    for (const SupportedCurve *curve = groups->data; curve != NULL; curve = curve->next) {
        if (curve->name == WOLFSSL_ECC_SECP256R1 || curve->name == WOLFSSL_ECC_X25519) {
            choice->ecdhCurveOID =
                curve->name == WOLFSSL_ECC_X25519 ? ECC_X25519_OID : ECC_SECP256R1_OID;
            return 0;
        }
    }
    return MATCH_SUITE_ERROR;
}

int MatchSuite_ex(const WOLFSSL *ssl, Suites *theirs, CipherSuite *choice, TLSX *extensions) {
    const bool is_1_3 = ssl->version.minor >= TLSv1_3_MINOR;
    if (theirs->suiteSz == 0 || theirs->suiteSz % SUITE_LEN != 0) {
        return BUFFER_ERROR;
    }
    choice->cipherSuite0 = is_1_3 ? TLS13_BYTE : ECC_BYTE;
    choice->cipherSuite = is_1_3 ? TLS_AES_128_GCM_SHA256 : TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256;
    if (FindSuite(theirs, choice->cipherSuite0, choice->cipherSuite) < 0) {
        return MATCH_SUITE_ERROR;
    }
    return is_1_3 ? choose_share(ssl, choice, extensions) : choose_curve(choice, extensions);
}

/* No client is asked for a certificate. */
int SendCertificateRequest(WOLFSSL *ssl) {
    (void)ssl;
    return NOT_COMPILED_IN;
}

/* Nor does anyone set options: 0 would be the failure to. */
long wolfSSL_set_options(WOLFSSL *ssl, long options) {
    (void)ssl;
    (void)options;
    return 0;
}
