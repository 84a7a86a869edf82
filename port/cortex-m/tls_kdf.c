/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * tls_kdf.c: HMAC and how TLS derives keys with it, all with SHA-256, which is a board's only hash:
 * wolfSSL's functions in place of its hmac.c and kdf.c. No key that TLS has here is longer than a
 * block. tls_kdf_calls.S stands between for the two that have many parameters.
 */
#include "forget.h"

#include <wolfssl/wolfcrypt/settings.h>

#include <wolfssl/wolfcrypt/error-crypt.h>
#include <wolfssl/wolfcrypt/hmac.h>
#include <wolfssl/wolfcrypt/kdf.h>

#define HASH_BYTES 32u
#define BLOCK_WORDS 16u
#define BLOCK_BYTES 64u

/* ---- HMAC: RFC 2104 ------------------------------------------------------------------------ */

struct mac {
    wc_Sha256 hash;
    word32 key[BLOCK_WORDS];
};

static void hash_key(wc_Sha256 *hash, const word32 key[BLOCK_WORDS], word32 pad) {
    word32 block[BLOCK_WORDS];
    for (word32 i = 0; i < BLOCK_WORDS; i++) {
        block[i] = key[i] ^ pad;
    }
    (void)wc_Sha256Update(hash, (const byte *)block, sizeof block);
    forget(block, sizeof block);
}

static void begin(wc_Sha256 *hash, const word32 key[BLOCK_WORDS]) {
    hash_key(hash, key, 0x36363636u);
}

/* The hash is then as at its own beginning. */
static void end(wc_Sha256 *hash, const word32 key[BLOCK_WORDS], byte mac[HASH_BYTES]) {
    (void)wc_Sha256Final(hash, mac);
    hash_key(hash, key, 0x5c5c5c5cu);
    (void)wc_Sha256Update(hash, mac, HASH_BYTES);
    (void)wc_Sha256Final(hash, mac);
}

static int set_key(wc_Sha256 *hash, word32 key[BLOCK_WORDS], const byte *bytes, word32 count) {
    if (count > BLOCK_BYTES) {
        return BAD_FUNC_ARG;
    }
    memset(key, 0, BLOCK_BYTES);
    if (count > 0) {
        memcpy(key, bytes, count);
    }
    const int err = wc_InitSha256(hash);
    begin(hash, key);
    return err;
}

int wc_HmacInit(Hmac *hmac, void *heap, int device) {
    (void)heap;
    (void)device;
    memset(hmac, 0, sizeof *hmac);
    return 0;
}

int wc_HmacSetKey(Hmac *hmac, int type, const byte *key, word32 count) {
    return type == WC_SHA256 ? set_key(&hmac->hash.sha256, hmac->opad, key, count) : BAD_FUNC_ARG;
}

int wc_HmacUpdate(Hmac *hmac, const byte *bytes, word32 count) {
    return wc_Sha256Update(&hmac->hash.sha256, bytes, count);
}

int wc_HmacFinal(Hmac *hmac, byte *mac) {
    end(&hmac->hash.sha256, hmac->opad, mac);
    return 0;
}

void wc_HmacFree(Hmac *hmac) {
    forget(hmac, sizeof *hmac);
}

/* ---- TLS 1.3: RFC 8446 section 7.1, RFC 5869 ------------------------------------------------- */

/* Of no secret, of zeros, which the caller has room for. */
int wc_Tls13_HKDF_Extract_ex(byte *key, const byte *salt, word32 salt_count, byte *secret,
                             word32 secret_count, int digest, void *heap, int device) {
    struct mac mac;
    (void)digest;
    (void)heap;
    (void)device;
    if (secret_count == 0) {
        secret_count = HASH_BYTES;
        memset(secret, 0, secret_count);
    }
    const int err = set_key(&mac.hash, mac.key, salt, salt_count);
    if (err == 0) {
        (void)wc_Sha256Update(&mac.hash, secret, secret_count);
        end(&mac.hash, mac.key, key);
    }
    forget(&mac, sizeof mac);
    return err;
}

/* What wolfSSL gives wc_Tls13_HKDF_Expand_Label_ex beside the result and the secret. */
struct tls_kdf_label {
    const byte *protocol; /* "tls13 " */
    word32 protocol_count;
    const byte *label;
    word32 label_count;
    const byte *context;
    word32 context_count;
};

/* HKDF-Expand-Label. Nothing that is derived is longer than a hash. */
int tls_kdf_expand_label(byte *result, word32 count, const byte *secret, word32 secret_count,
                         const struct tls_kdf_label *l);

int tls_kdf_expand_label(byte *result, word32 count, const byte *secret, word32 secret_count,
                         const struct tls_kdf_label *l) {
    struct mac mac;
    byte block[HASH_BYTES];
    const byte lengths[] = {0, (byte)count, (byte)(l->protocol_count + l->label_count)};
    const byte context_length = (byte)l->context_count;
    const byte first = 1;
    if (count > HASH_BYTES) {
        return BAD_FUNC_ARG;
    }
    const int err = set_key(&mac.hash, mac.key, secret, secret_count);
    if (err == 0) {
        (void)wc_Sha256Update(&mac.hash, lengths, sizeof lengths);
        (void)wc_Sha256Update(&mac.hash, l->protocol, l->protocol_count);
        (void)wc_Sha256Update(&mac.hash, l->label, l->label_count);
        (void)wc_Sha256Update(&mac.hash, &context_length, 1);
        (void)wc_Sha256Update(&mac.hash, l->context, l->context_count);
        (void)wc_Sha256Update(&mac.hash, &first, 1);
        end(&mac.hash, mac.key, block);
        memcpy(result, block, count);
    }
    forget(&mac, sizeof mac);
    forget(block, sizeof block);
    return err;
}

/* ---- TLS 1.2: RFC 5246 section 5 ----------------------------------------------------------- */

/* What wolfSSL gives wc_PRF_TLS beside the result and the secret. */
struct tls_kdf_seed {
    const byte *label;
    word32 label_count;
    const byte *seed;
    word32 seed_count;
};

static void hash_seed(wc_Sha256 *hash, const struct tls_kdf_seed *s) {
    (void)wc_Sha256Update(hash, s->label, s->label_count);
    (void)wc_Sha256Update(hash, s->seed, s->seed_count);
}

/* The pseudorandom function. */
int tls_kdf_prf(byte *result, word32 count, const byte *secret, word32 secret_count,
                const struct tls_kdf_seed *s);

int tls_kdf_prf(byte *result, word32 count, const byte *secret, word32 secret_count,
                const struct tls_kdf_seed *s) {
    struct mac mac;
    byte a[HASH_BYTES];
    byte block[HASH_BYTES];
    const int err = set_key(&mac.hash, mac.key, secret, secret_count);
    if (err != 0) {
        return err;
    }
    hash_seed(&mac.hash, s);
    end(&mac.hash, mac.key, a);
    while (count > 0) {
        const word32 n = count < HASH_BYTES ? count : HASH_BYTES;
        begin(&mac.hash, mac.key);
        (void)wc_Sha256Update(&mac.hash, a, sizeof a);
        hash_seed(&mac.hash, s);
        end(&mac.hash, mac.key, block);
        memcpy(result, block, n);
        result += n;
        count -= n;
        begin(&mac.hash, mac.key);
        (void)wc_Sha256Update(&mac.hash, a, sizeof a);
        end(&mac.hash, mac.key, a);
    }
    forget(&mac, sizeof mac);
    forget(a, sizeof a);
    forget(block, sizeof block);
    return 0;
}
