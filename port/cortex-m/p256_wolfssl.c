/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * p256_wolfssl.c: wolfSSL's functions for elliptic curves, as its TLS calls them, on p256.c: for the
 * one curve there is, in place of its ecc.c and all below that. A key's numbers lie in its
 * mp_ints, but only as words, lowest first.
 */
#include "forget.h"
#include "p256.h"

#include <string.h>
#include <wolfssl/wolfcrypt/settings.h>

#include <wolfssl/wolfcrypt/asn.h>
#include <wolfssl/wolfcrypt/ecc.h>
#include <wolfssl/wolfcrypt/error-crypt.h>
#include <wolfssl/wolfcrypt/random.h>

#define NUMBER_BYTES (4u * P256_WORDS)
#define POINT_BYTES (1u + 2u * NUMBER_BYTES)
#define SIGNATURE_BYTES_MAX (2u + 2u * (2u + 1u + NUMBER_BYTES))

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "words of a number are turned around");

static const ecc_set_type curve = {
    .size = NUMBER_BYTES, .id = ECC_SECP256R1, .oidSum = ECC_SECP256R1_OID};

static uint32_t *words_of(mp_int *number) {
    return (uint32_t *)(void *)number->dp;
}

/* ---- encodings ----------------------------------------------------------------------------- */

static void get_number(uint32_t number[P256_WORDS], const byte *bytes) {
    memcpy(number, bytes, NUMBER_BYTES);
    for (uint32_t low = 0, high = P256_WORDS - 1; low < high; low++, high--) {
        const uint32_t word = __builtin_bswap32(number[low]);
        number[low] = __builtin_bswap32(number[high]);
        number[high] = word;
    }
}

static void put_number(byte *bytes, const uint32_t number[P256_WORDS]) {
    for (uint32_t i = 0; i < P256_WORDS; i++) {
        const uint32_t word = __builtin_bswap32(number[P256_WORDS - 1 - i]);
        memcpy(&bytes[4 * i], &word, sizeof word);
    }
}

/* INTEGER of DER: no byte more than needed, and the highest bit is the sign. */
static byte *put_integer(byte *to, const uint32_t number[P256_WORDS]) {
    byte bytes[1 + NUMBER_BYTES] = {0};
    uint32_t first = 0;
    put_number(&bytes[1], number);
    while (first < NUMBER_BYTES && bytes[first] == 0 && bytes[first + 1] < 0x80) {
        first++;
    }
    const uint32_t count = (uint32_t)sizeof bytes - first;
    *to++ = ASN_INTEGER;
    *to++ = (byte)count;
    memcpy(to, &bytes[first], count);
    return to + count;
}

/* Ecdsa-Sig-Value of RFC 3279 section 2.2.3. Returns its length. */
static word32 put_signature(byte *to, const uint32_t r[P256_WORDS], const uint32_t s[P256_WORDS]) {
    const byte *end = put_integer(put_integer(to + 2, r), s);
    to[0] = ASN_SEQUENCE | ASN_CONSTRUCTED;
    to[1] = (byte)(end - (to + 2));
    return (word32)(end - to);
}

/* ---- keys ---------------------------------------------------------------------------------- */

int wc_ecc_init_ex(ecc_key *key, void *heap, int device) {
    (void)heap;
    (void)device;
    memset(key, 0, sizeof *key);
    return 0;
}

int wc_ecc_free(ecc_key *key) {
    if (key != NULL) {
        forget(words_of(key->k), NUMBER_BYTES);
    }
    return 0;
}

int wc_ecc_set_curve(ecc_key *key, int bytes, int curve_id) {
    (void)bytes;
    if (curve_id != ECC_SECP256R1 && curve_id != ECC_CURVE_DEF) {
        return ECC_CURVE_OID_E;
    }
    key->dp = &curve;
    return 0;
}

int wc_ecc_get_oid(word32 sum, const byte **oid, word32 *bytes) {
    (void)oid;
    (void)bytes;
    return sum == ECC_SECP256R1_OID ? ECC_SECP256R1 : ECC_CURVE_INVALID;
}

int wc_ecc_size(ecc_key *key) {
    return key->dp == NULL ? 0 : (int)NUMBER_BYTES;
}

int wc_ecc_sig_size(const ecc_key *key) {
    (void)key;
    return (int)SIGNATURE_BYTES_MAX;
}

/* What is computed takes the same time without it. */
int wc_ecc_set_rng(ecc_key *key, WC_RNG *rng) {
    (void)key;
    (void)rng;
    return 0;
}

/* FIPS 186-5 appendices A.2.2 and A.3.2. */
static int random_scalar(uint32_t k[P256_WORDS], WC_RNG *rng) {
    int err;
    do {
        err = wc_RNG_GenerateBlock(rng, (byte *)k, NUMBER_BYTES);
    } while (err == 0 && !p256_is_scalar(k));
    return err;
}

static int set_public_key(ecc_key *key, const struct p256_point *point) {
    memcpy(words_of(key->pubkey.x), point->x, sizeof point->x);
    memcpy(words_of(key->pubkey.y), point->y, sizeof point->y);
    return wc_ecc_set_curve(key, NUMBER_BYTES, ECC_SECP256R1);
}

static struct p256_point public_key(const ecc_key *key) {
    struct p256_point point;
    memcpy(point.x, key->pubkey.x[0].dp, sizeof point.x);
    memcpy(point.y, key->pubkey.y[0].dp, sizeof point.y);
    return point;
}

int wc_ecc_make_key_ex(WC_RNG *rng, int bytes, ecc_key *key, int curve_id) {
    struct p256_point point;
    int err = wc_ecc_set_curve(key, bytes, curve_id);
    if (err != 0) {
        return err;
    }
    err = random_scalar(words_of(key->k), rng);
    if (err != 0) {
        return err;
    }
    p256_public_key(&point, words_of(key->k));
    return set_public_key(key, &point);
}

/* A private key is its number: see tls_certificate.c. */
int wc_EccPrivateKeyDecode(const byte *bytes, word32 *read, ecc_key *to, word32 count) {
    if (count != NUMBER_BYTES) {
        return ASN_PARSE_E;
    }
    get_number(words_of(to->k), bytes);
    *read += count;
    return wc_ecc_set_curve(to, NUMBER_BYTES, ECC_SECP256R1);
}

/* A public key: SEC 1 section 2.3.3, not compressed. */
int wc_ecc_export_x963(ecc_key *key, byte *out, word32 *count) {
    const struct p256_point point = public_key(key);
    if (*count < POINT_BYTES) {
        return BUFFER_E;
    }
    *count = POINT_BYTES;
    out[0] = ECC_POINT_UNCOMP;
    put_number(&out[1], point.x);
    put_number(&out[1 + NUMBER_BYTES], point.y);
    return 0;
}

/* Section 2.3.4. */
int wc_ecc_import_x963_ex(const byte *in, word32 count, ecc_key *key, int curve_id) {
    struct p256_point point;
    if (curve_id != ECC_SECP256R1 || count != POINT_BYTES || in[0] != ECC_POINT_UNCOMP) {
        return ASN_PARSE_E;
    }
    get_number(point.x, &in[1]);
    get_number(point.y, &in[1 + NUMBER_BYTES]);
    return p256_is_on_curve(&point) ? set_public_key(key, &point) : IS_POINT_E;
}

/* ---- ECDH and ECDSA ------------------------------------------------------------------------ */

int wc_ecc_shared_secret(ecc_key *private_key, ecc_key *peer, byte *out, word32 *count) {
    const struct p256_point point = public_key(peer);
    uint32_t secret[P256_WORDS];
    if (*count < NUMBER_BYTES) {
        return BUFFER_E;
    }
    p256_shared_secret(secret, words_of(private_key->k), &point);
    put_number(out, secret);
    forget(secret, sizeof secret);
    *count = NUMBER_BYTES;
    return 0;
}

/* Of a hash of 32 bytes, SHA-256. */
int wc_ecc_sign_hash(const byte *in, word32 in_count, byte *out, word32 *out_count, WC_RNG *rng,
                     ecc_key *key) {
    uint32_t hash[P256_WORDS];
    uint32_t k[P256_WORDS];
    uint32_t r[P256_WORDS];
    uint32_t s[P256_WORDS];
    if (in_count != NUMBER_BYTES || *out_count < SIGNATURE_BYTES_MAX) {
        return BAD_FUNC_ARG;
    }
    get_number(hash, in);
    int err;
    do {
        err = random_scalar(k, rng);
    } while (err == 0 && !p256_sign(r, s, hash, words_of(key->k), k));
    forget(k, sizeof k);
    if (err == 0) {
        *out_count = put_signature(out, r, s);
    }
    return err;
}
