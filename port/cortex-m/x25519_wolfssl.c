/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * x25519_wolfssl.c: wolfSSL's functions for X25519 (RFC 7748), as its TLS calls them, on its own
 * assembly, in place of its curve25519.c. That knows both orders of bytes; TLS has the one that is
 * computed with (RFC 8446 section 4.2.8.2), which all who call here say.
 */
#include "forget.h"

#include <wolfssl/wolfcrypt/settings.h>

#include <wolfssl/error-ssl.h>
#include <wolfssl/wolfcrypt/curve25519.h>
#include <wolfssl/wolfcrypt/error-crypt.h>
#include <wolfssl/wolfcrypt/fe_operations.h>
#include <wolfssl/wolfcrypt/random.h>

#define KEY_BYTES 32u

/* What the assembly reads and writes in words. */
struct number {
    _Alignas(word32) byte bytes[KEY_BYTES];
};

int wc_curve25519_init_ex(curve25519_key *key, void *heap, int device) {
    (void)heap;
    (void)device;
    memset(key, 0, sizeof *key);
    return 0;
}

int wc_curve25519_init(curve25519_key *key) {
    return wc_curve25519_init_ex(key, NULL, INVALID_DEVID);
}

void wc_curve25519_free(curve25519_key *key) {
    if (key != NULL) {
        forget(key->k, sizeof key->k);
    }
}

/* Sections 5 and 6.1. */
int wc_curve25519_make_key(WC_RNG *rng, int bytes, curve25519_key *key) {
    static const struct number base = {{9}};
    (void)bytes;
    const int err = wc_RNG_GenerateBlock(rng, key->k, KEY_BYTES);
    if (err != 0) {
        return err;
    }
    key->k[0] &= 248;
    key->k[KEY_BYTES - 1] &= 127;
    key->k[KEY_BYTES - 1] |= 64;
    return curve25519(key->p.point, key->k, base.bytes);
}

int wc_curve25519_export_public_ex(curve25519_key *key, byte *out, word32 *count, int order) {
    (void)order;
    if (*count < KEY_BYTES) {
        return BUFFER_E;
    }
    *count = KEY_BYTES;
    memcpy(out, key->p.point, KEY_BYTES);
    return 0;
}

/* All else shows in the secret. */
int wc_curve25519_check_public(const byte *in, word32 count, int order) {
    (void)in;
    (void)order;
    return count == KEY_BYTES ? 0 : BUFFER_E;
}

/* Section 5: the highest bit does not count. */
int wc_curve25519_import_public_ex(const byte *in, word32 count, curve25519_key *key, int order) {
    if (wc_curve25519_check_public(in, count, order) != 0) {
        return BUFFER_E;
    }
    memcpy(key->p.point, in, KEY_BYTES);
    key->p.point[KEY_BYTES - 1] &= 127;
    return 0;
}

/* RFC 8446 section 7.4.2, RFC 8422 section 5.11: not from a point whose secret anyone knows, 0. */
int wc_curve25519_shared_secret_ex(curve25519_key *key, curve25519_key *peer, byte *out,
                                   word32 *count, int order) {
    (void)order;
    struct number secret;
    byte any = 0;
    if (*count < KEY_BYTES) {
        return BUFFER_E;
    }
    const int err = curve25519(secret.bytes, key->k, peer->p.point);
    for (word32 i = 0; i < KEY_BYTES; i++) {
        any |= secret.bytes[i];
    }
    memcpy(out, secret.bytes, KEY_BYTES);
    forget(&secret, sizeof secret);
    *count = KEY_BYTES;
    return any == 0 ? ECC_PEERKEY_ERROR : err;
}
