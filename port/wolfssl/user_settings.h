/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * user_settings.h: wolfSSL's options: a TLS 1.3 and 1.2 server with ECDHE and AEAD only, all of its
 * memory, randomness and time from the port. wolfSSL's own defaults are wide, so what is switched
 * off matters as much as what is on; each group says why. Read by assembly files too, hence the
 * guard around what is C.
 */
#ifndef PINGSHOT_USER_SETTINGS_H
#define PINGSHOT_USER_SETTINGS_H

/* ---- what a target may choose --------------------------------------------------------------- */

/* 1: makes and writes certificates and keys, for a target that keeps them in files. */
#ifndef CFG_TLS_CERTIFICATE_TOOLS
#define CFG_TLS_CERTIFICATE_TOOLS 0
#endif

/* 1: what fits a microcontroller: ECDSA keys on P-256, AES-128-GCM with SHA-256, no client
 * certificates; every client of TLS 1.3 and 1.2 has that. 0: also RSA and P-384, AES-256,
 * ChaCha20, mutual TLS and PEM, for 75 KB more. */
#ifndef CFG_TLS_SMALL
#ifdef __thumb__
#define CFG_TLS_SMALL 1
#else
#define CFG_TLS_SMALL 0
#endif
#endif

/* Longest chain of certificates of a board, in bytes of DER. It lies in wolfSSL's memory, and once
 * more while a handshake sends it. */
#ifndef CFG_TLS_CHAIN_BYTES_MAX
#define CFG_TLS_CHAIN_BYTES_MAX 3072
#endif

/* ---- system: one loop, no threads, no files, no sockets -------------------------------------- */

#define SINGLE_THREADED
#define NO_FILESYSTEM
#define NO_WRITEV
#define WOLFSSL_USER_IO /* bytes come and go through callbacks of altcp_tls_wolfssl */
#define WOLFSSL_NO_SOCK
#define NO_MAIN_DRIVER
#define NO_ERROR_STRINGS /* the port counts errors by kind, and words them itself */
#define WOLFSSL_IGNORE_FILE_WARN

/* ---- memory: every byte from the fixed pool of altcp_tls_mem ---------------------------------- */

#define NO_WOLFSSL_MEMORY
#define XMALLOC_OVERRIDE
#ifndef __ASSEMBLER__
#include "altcp_tls_mem.h"
#endif
#define XMALLOC(bytes, heap, type)                                                        \
    ((void)(heap), (type) == DYNAMIC_TYPE_SSL || (type) == DYNAMIC_TYPE_SESSION ||        \
                           (type) == DYNAMIC_TYPE_RNG || (type) == DYNAMIC_TYPE_CIPHER || \
                           (type) == DYNAMIC_TYPE_TLSX                                    \
                       ? altcp_tls_mem_alloc_lasting(bytes)                               \
                       : altcp_tls_mem_alloc(bytes))
#define XREALLOC(block, bytes, heap, type) \
    ((void)(heap), (void)(type), altcp_tls_mem_resize((block), (bytes)))
#define XFREE(block, heap, type) ((void)(heap), (void)(type), altcp_tls_mem_free(block))

/* Stack is short on a board, and its need would be the same for every connection but only one
 * handshakes at a time. A host has enough, and is faster so. */
#ifndef __x86_64__
#define WOLFSSL_SMALL_STACK
#endif

/* ---- randomness: one source, seeded once ------------------------------------------------------ */

/* No DRBG of wolfSSL's own, which would take memory in each connection and test itself each time. */
#define CUSTOM_RAND_GENERATE_BLOCK altcp_tls_port_random
#ifndef __ASSEMBLER__
int altcp_tls_port_random(unsigned char *bytes, unsigned count); /* 0: filled */
#endif

/* ---- time: the port's clocks ------------------------------------------------------------------ */

#define USER_TICKS /* age of tickets and of their keys: sys_now() */
/* Validity of certificates. Nothing asks it to store the time, too. */
#define XTIME(to) ((void)(to), (time_t)altcp_tls_port_unix_s())
#ifndef __ASSEMBLER__
int64_t altcp_tls_port_unix_s(void);
#endif

/* ---- protocol --------------------------------------------------------------------------------- */

#define WOLFSSL_TLS13
#define NO_OLD_TLS        /* 1.1 and below */
#define WOLFSSL_AEAD_ONLY /* RFC 9325: no CBC */
#define NO_RSA_KEY_EXCHANGE_SUITES
#define WOLFSSL_STATIC_RSA_DISABLED
#define NO_PSK
#define NO_DH /* ECDHE only */
#define HAVE_TLS_EXTENSIONS
#define HAVE_SUPPORTED_CURVES
#define HAVE_EXTENDED_MASTER           /* RFC 7627 */
#define HAVE_SERVER_RENEGOTIATION_INFO /* RFC 5746: OpenSSL 3 refuses a 1.2 server without it */
#define HAVE_ALPN
#define HAVE_SESSION_TICKET /* resumption needs no memory here: the client keeps the session */
#define WOLFSSL_TICKET_KEY_LIFETIME 7200 /* was 3600; a ticket lives half as long, see below */
#define SESSION_TICKET_HINT_DEFAULT 3600 /* was 300: many scrape intervals are longer */
#if CFG_TLS_SMALL
/* Longest ticket taken, was 1536; ours have 174 bytes. Each handshake has two buffers for it. A
 * client that comes with a longer one, of another server, is refused. */
#define MAX_PSK_ID_LEN 256
#endif
#ifndef CFG_TLS_CLIENT
#define CFG_TLS_CLIENT 0 /* 1: the client's side too, for tests */
#endif
#if CFG_TLS_CLIENT
#define SMALL_SESSION_CACHE /* wolfSSL's client cannot resume without one */
#else
#define NO_WOLFSSL_CLIENT
#define NO_SESSION_CACHE
#endif

/* ---- ciphers and hashes ----------------------------------------------------------------------- */

#define HAVE_AESGCM
#ifndef GCM_SMALL /* no table in each session: port/cortex-m/small/aes.c makes one for each record */
#define GCM_TABLE_4BIT /* 8 KB faster than GCM_SMALL by 15 times */
#endif
#define HAVE_HKDF

#define NO_AES_CBC
#define NO_DES3
#define NO_DSA
#define NO_MD4
#define NO_MD5
#define NO_RC4
#define NO_SHA /* was on: SHA-1 signs nothing we accept */
#define NO_PWDBASED
#define NO_PKCS12
#define NO_PKCS8_ENCRYPTED

#if CFG_TLS_SMALL
#define NO_AES_192
#define NO_AES_256
#define NO_AES_DECRYPT /* GCM, CTR inside, only encrypts; of wolfSSL's generic AES it would go, too */
#define WOLFSSL_TICKET_ENC_AES128_GCM
#else
#define HAVE_CHACHA
#define HAVE_POLY1305
#define WOLFSSL_SHA384 /* for AES-256 suites and P-384 chains */
#define WOLFSSL_SHA512
#define WC_RSA_PSS /* TLS 1.3 signs with RSA this way only */
#define WC_RSA_BLINDING
#define WOLFSSL_TICKET_ENC_AES256_GCM
#endif

/* ---- public keys ------------------------------------------------------------------------------ */

#define HAVE_ECC
#define ECC_USER_CURVES
#define HAVE_ECC256
#define HAVE_CURVE25519
#define ECC_TIMING_RESISTANT
#define WOLFSSL_HAVE_SP_ECC
#if CFG_TLS_SMALL
#define NO_RSA
#define WOLFSSL_SP_MATH /* nothing but P-256 */
#define SP_INT_BITS 256
#else
#define HAVE_ECC384 /* common for a CA */
#define TFM_TIMING_RESISTANT
#define WOLFSSL_HAVE_SP_RSA
#define WOLFSSL_SP_384
#define WOLFSSL_SP_4096
#define WOLFSSL_SP_MATH_ALL /* generic numbers for what SP has no special code for */
#define SP_INT_BITS 4096
#endif

/* ---- certificates ----------------------------------------------------------------------------- */

#if CFG_TLS_SMALL
#define WOLFSSL_ASN_ORIGINAL /* 5 KB less than the template's, for the one certificate of our own */
#define NO_ECC_VERIFY
#define NO_ERROR_QUEUE
#define NO_HANDSHAKE_DONE_CB
#define WOLFSSL_NO_SERVER_GROUPS_EXT /* clients need not know which groups it would like better */
#define WOLFSSL_NO_CA_NAMES
#define WOLFSSL_NO_CLIENT_AUTH
#define WOLFSSL_NO_PEM
#define NO_ASN_TIME_CHECK
#define NO_CHECK_PRIVATE_KEY /* the build has */
#else
#define WOLFSSL_ASN_TEMPLATE
#define HAVE_OID_ENCODING
#define WOLFSSL_PEM_TO_DER
#endif
#if CFG_TLS_CERTIFICATE_TOOLS
#define WOLFSSL_CERT_GEN
#define WOLFSSL_CERT_EXT
#define WOLFSSL_ALT_NAMES
#define WOLFSSL_DER_TO_PEM
#define HAVE_ECC_KEY_EXPORT
#define WOLFSSL_KEY_GEN
#endif

/* ---- processors ------------------------------------------------------------------------------- */

#if defined(__x86_64__)
/* Assembly with and without AVX, AVX2, BMI2 and AES-NI; wolfSSL asks the CPU which to take. */
#define WOLFSSL_X86_64_BUILD
#define USE_INTEL_SPEEDUP
#define WOLFSSL_AESNI
#define WOLFSSL_SP_ASM
#define WOLFSSL_SP_X86_64_ASM
#define HAVE_CPUID
#define HAVE___UINT128_T 1 /* a type of the compiler's that configure would have looked for */
#elif defined(__thumb__)
/* Thumb-2 assembly. Boards' P-256 is their own: port/cortex-m/p256.c. */
#define WOLFSSL_ARMASM
#define WOLFSSL_ARMASM_NO_HW_CRYPTO
#define WOLFSSL_ARMASM_NO_NEON
#define WOLFSSL_ARMASM_THUMB2
#ifndef __ARM_FEATURE_DSP
#define WOLFSSL_SP_NO_UMAAL   /* an instruction of Armv7E-M: Cortex-M4 and M7 */
#define WC_NO_CACHE_RESISTANT /* Cortex-M3 has no cache that could tell what was read */
#endif
#else
#define WOLFSSL_SP_SMALL
#endif

#endif
