/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * tls_files.c: see tls_files.h.
 */
#include "tls_files.h"

#include "altcp_tls_wolfssl.h"
#include "tls_self_signed.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>
#include <wolfssl/wolfcrypt/settings.h>

#include <wolfssl/ssl.h>
#include <wolfssl/wolfcrypt/asn.h>
#include <wolfssl/wolfcrypt/asn_public.h>
#include <wolfssl/wolfcrypt/sha256.h>

/* The longest file: a distribution's bundle of CAs is 220 KB. */
#define FILE_BYTES_MAX (512 * 1024)
#define CHAIN_CERTS_MAX 8u
#define CERT_DER_BYTES_MAX 8192

/* A file's bytes; too large for a stack. */
struct file {
    const char *name;
    uint32_t len;
    unsigned char bytes[FILE_BYTES_MAX];
};

static struct file cert_file;
static struct file key_file;
static struct file ca_file;

/* ---- lines ------------------------------------------------------------------------------- */

static bool refuse(struct problem *problem, const char *file, const char *wrong) {
    struct text t = problem_begin(problem, PROBLEM_MALFORMED);
    text_puts(&t, file);
    text_puts(&t, wrong);
    return problem_end(problem, &t);
}

static bool refuse_errno(struct problem *problem, const char *file, const char *what) {
    struct text t = problem_begin(problem, PROBLEM_MALFORMED);
    text_puts(&t, file);
    text_puts(&t, what);
    text_puts(&t, strerror(errno));
    return problem_end(problem, &t);
}

static void warn(const struct tls_files_config *config, const struct problem *problem) {
    char line[sizeof problem->line + 1];
    memcpy(line, problem->line, problem->line_len);
    line[problem->line_len] = '\0';
    config->warn(line);
}

/* What only --disable-insecure forbids. */
static bool object(const struct tls_files_config *config, struct problem *problem,
                   const char *wrong) {
    refuse(problem, config->cert, wrong);
    if (!config->strict) {
        warn(config, problem);
    }
    return !config->strict;
}

/* ---- files ------------------------------------------------------------------------------- */

static bool read_file(struct file *f, const char *name, struct problem *problem) {
    f->name = name;
    f->len = 0;
    int fd = open(name, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        return refuse_errno(problem, name, ": cannot be read: ");
    }
    ssize_t n = 0;
    while (f->len < sizeof f->bytes &&
           (n = read(fd, f->bytes + f->len, sizeof f->bytes - f->len)) > 0) {
        f->len += (uint32_t)n;
    }
    int error = errno;
    close(fd);
    errno = error;
    if (n < 0) {
        return refuse_errno(problem, name, ": cannot be read: ");
    }
    return f->len < sizeof f->bytes ||
           refuse(problem, name, ": is larger than 512 KiB; that is no certificate or key");
}

static bool write_file(const char *name, mode_t mode, const unsigned char *bytes, size_t count) {
    int fd = open(name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
    if (fd < 0) {
        return false;
    }
    bool ok = write(fd, bytes, count) == (ssize_t)count;
    ok = close(fd) == 0 && ok;
    if (!ok) {
        unlink(name);
    }
    return ok;
}

static bool is_there(const char *name) {
    struct stat st;
    return stat(name, &st) == 0 || errno != ENOENT;
}

/* ---- a certificate that is made ---------------------------------------------------------- */

static void take(struct file *f, const char *name, const unsigned char *bytes, uint32_t len) {
    f->name = name;
    f->len = len;
    memcpy(f->bytes, bytes, len);
}

/* Both stay in memory when they cannot be kept. */
static bool make_pair(const struct tls_files_config *config, struct problem *problem) {
    static struct tls_self_signed made;
    if (!tls_self_signed_make(&made, config->address)) {
        return refuse(problem, config->cert, ": cannot be made: wolfSSL fails at it");
    }
    const char *failed = NULL;
    if (!write_file(config->key, 0600, made.key, made.key_len)) {
        failed = config->key;
    } else if (!write_file(config->cert, 0644, made.cert, made.cert_len)) {
        failed = config->cert;
        unlink(config->key);
    }
    if (failed != NULL) {
        struct problem p;
        refuse_errno(&p, failed, ": cannot be kept, so the next start makes another: ");
        warn(config, &p);
    }
    take(&key_file, config->key, made.key, made.key_len);
    take(&cert_file, config->cert, made.cert, made.cert_len);
    explicit_bzero(made.key, sizeof made.key);
    return true;
}

/* ---- PEM --------------------------------------------------------------------------------- */

static struct slice find_text(struct slice in, const char *what) {
    const char *at = memmem(in.bytes, in.len, what, strlen(what));
    return at == NULL ? (struct slice){in.bytes + in.len, 0}
                      : (struct slice){at, (uint32_t)(in.bytes + in.len - at)};
}

/* Cuts the next certificate off `rest`; an empty slice after the last. */
static struct slice next_cert(struct slice *rest) {
    static const char end[] = "-----END CERTIFICATE-----";
    struct slice from = find_text(*rest, "-----BEGIN CERTIFICATE-----");
    struct slice last = find_text(from, end);
    if (last.len == 0) {
        *rest = last;
        return last;
    }
    *rest = (struct slice){last.bytes + sizeof end - 1, last.len - (uint32_t)sizeof end + 1};
    return (struct slice){from.bytes, (uint32_t)(rest->bytes - from.bytes)};
}

static int to_der(struct slice pem, byte *der, int type) {
    return wc_CertPemToDer((const byte *)pem.bytes, (int)pem.len, der, CERT_DER_BYTES_MAX, type);
}

/* ---- what a client would look at --------------------------------------------------------- */

static void put_fingerprint(char *to, const byte *der, int der_len) {
    static const char digits[] = "0123456789ABCDEF";
    byte hash[WC_SHA256_DIGEST_SIZE];
    wc_Sha256Hash(der, (word32)der_len, hash);
    for (size_t i = 0; i < sizeof hash; i++) {
        *to++ = digits[hash[i] >> 4];
        *to++ = digits[hash[i] & 15];
        *to++ = i + 1 < sizeof hash ? ':' : '\0';
    }
}

/* A date as it is in a certificate: tag, length, digits. */
static bool date_holds(const byte *date, int date_len, int which) {
    return date != NULL && date_len > 2 && wc_ValidateDate(date + 2, date[0], which) == 1;
}

static bool check_dates(const DecodedCert *cert, const struct tls_files_config *config,
                        struct problem *problem) {
    if (!date_holds(cert->beforeDate, cert->beforeDateLen, BEFORE)) {
        return object(config, problem, ": the certificate is not yet valid");
    }
    if (!date_holds(cert->afterDate, cert->afterDateLen, AFTER)) {
        return object(config, problem, ": the certificate has expired");
    }
    return true;
}

static bool check_leaf(struct tls_files *t, const struct tls_files_config *config,
                       struct problem *problem) {
    static byte der[CERT_DER_BYTES_MAX];
    DecodedCert cert;
    struct slice rest = {(const char *)cert_file.bytes, cert_file.len};
    struct slice pem = next_cert(&rest);
    int der_len = pem.len == 0 ? 0 : to_der(pem, der, CERT_TYPE);
    if (der_len <= 0) {
        return refuse(problem, config->cert,
                      ": is not PEM; it should hold -----BEGIN CERTIFICATE-----");
    }
    put_fingerprint(t->fingerprint, der, der_len);
    wc_InitDecodedCert(&cert, der, (word32)der_len, NULL);
    bool ok = wc_ParseCert(&cert, CERT_TYPE, NO_VERIFY, NULL) == 0;
    t->self_signed = ok && cert.selfSigned;
    ok = ok ? check_dates(&cert, config, problem)
            : refuse(problem, config->cert, ": holds no certificate that can be read");
    wc_FreeDecodedCert(&cert);
    if (ok && t->self_signed && config->strict) {
        ok = refuse(problem, config->cert,
                    ": the certificate is self-signed; --disable-insecure wants one of a CA");
    }
    return ok;
}

/* ---- the chain to --ca ------------------------------------------------------------------- */

/* From the last certificate of the file to the first: each must be signed by one before it or by
 * the CA's. */
static bool chain_holds(WOLFSSL_CERT_MANAGER *cm) {
    struct slice certs[CHAIN_CERTS_MAX];
    struct slice rest = {(const char *)cert_file.bytes, cert_file.len};
    uint32_t count = 0;
    while (count < CHAIN_CERTS_MAX && (certs[count] = next_cert(&rest)).len > 0) {
        count++;
    }
    while (count-- > 1) {
        const byte *pem = (const byte *)certs[count].bytes;
        long len = (long)certs[count].len;
        if (wolfSSL_CertManagerVerifyBuffer(cm, pem, len, WOLFSSL_FILETYPE_PEM) ==
            WOLFSSL_SUCCESS) {
            wolfSSL_CertManagerLoadCABuffer(cm, pem, len, WOLFSSL_FILETYPE_PEM);
        }
    }
    int verified = wolfSSL_CertManagerVerifyBuffer(cm, (const byte *)certs[0].bytes,
                                                   (long)certs[0].len, WOLFSSL_FILETYPE_PEM);
    /* Its own dates were looked at before. */
    return verified == WOLFSSL_SUCCESS || verified == ASN_AFTER_DATE_E ||
           verified == ASN_BEFORE_DATE_E;
}

static bool check_chain(const struct tls_files_config *config, struct problem *problem) {
    if (config->ca == NULL) {
        return true;
    }
    if (!read_file(&ca_file, config->ca, problem)) {
        return false;
    }
    WOLFSSL_CERT_MANAGER *cm = wolfSSL_CertManagerNew();
    bool loaded =
        cm != NULL && wolfSSL_CertManagerLoadCABuffer(cm, ca_file.bytes, (long)ca_file.len,
                                                      WOLFSSL_FILETYPE_PEM) == WOLFSSL_SUCCESS;
    bool holds = loaded && chain_holds(cm);
    wolfSSL_CertManagerFree(cm);
    if (!loaded) {
        return refuse(problem, config->ca,
                      ": is not PEM, or holds no CA certificate that is valid");
    }
    return holds || object(config, problem, ": the certificate does not chain to what --ca holds");
}

/* ---- the configuration ------------------------------------------------------------------- */

static bool key_is_pem(void) {
    struct slice all = {(const char *)key_file.bytes, key_file.len};
    return find_text(find_text(all, "-----BEGIN "), "PRIVATE KEY-----").len > 0;
}

static bool make_config(struct tls_files *t, const struct tls_files_config *config,
                        struct problem *problem) {
    static const char *alpn[] = {"http/1.1", NULL};
    if (!key_is_pem()) {
        return refuse(problem, config->key,
                      ": is not PEM; it should hold -----BEGIN PRIVATE KEY-----");
    }
    t->config = altcp_tls_create_config_server(1);
    if (t->config == NULL) {
        return refuse(problem, config->cert, ": no memory in the pool of TLS for it");
    }
    switch (altcp_tls_config_server_add_privkey_cert(t->config, key_file.bytes, key_file.len, NULL,
                                                     0, cert_file.bytes, cert_file.len)) {
    case ERR_OK:
        return altcp_tls_configure_alpn_protocols(t->config, alpn) == 0;
    case ERR_USE:
        return refuse(problem, config->key, ": does not match the certificate");
    case ERR_ARG:
        return refuse(problem, config->key,
                      ": holds no private key that can be read; it must not be encrypted");
    default:
        return refuse(problem, config->cert, ": holds no certificate chain that can be used");
    }
}

static bool add_client_ca(struct tls_files *t, const struct tls_files_config *config,
                          struct problem *problem) {
    if (config->client_ca == NULL) {
        return true;
    }
    if (!read_file(&ca_file, config->client_ca, problem)) {
        return false;
    }
    return altcp_tls_wolfssl_require_client_cert(t->config, ca_file.bytes, ca_file.len) == ERR_OK ||
           refuse(problem, config->client_ca,
                  ": is not PEM, or holds no CA certificate that is valid");
}

/* For a moment, until others that were started here at the same time have made the pair: two halves
 * of two pairs would be none. Where folders cannot be locked it has to do without. Returns what to
 * close, or -1. */
static int lock_folder(void) {
    int fd = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    for (int tries = 0; fd >= 0 && tries < 20 && flock(fd, LOCK_EX | LOCK_NB) != 0; tries++) {
        usleep(100000);
    }
    return fd;
}

static bool read_or_make_pair(struct tls_files *t, const struct tls_files_config *config,
                              struct problem *problem) {
    t->made = config->make_missing && !is_there(config->cert) && !is_there(config->key);
    if (!t->made) {
        return read_file(&cert_file, config->cert, problem) &&
               read_file(&key_file, config->key, problem);
    }
    if (config->strict) {
        return refuse(problem, config->cert,
                      ": there is none, and --disable-insecure wants one of a CA");
    }
    return make_pair(config, problem);
}

static bool read_pair(struct tls_files *t, const struct tls_files_config *config,
                      struct problem *problem) {
    int folder = config->make_missing ? lock_folder() : -1;
    bool ok = read_or_make_pair(t, config, problem);
    if (folder >= 0) {
        close(folder);
    }
    return ok;
}

bool tls_files_load(struct tls_files *t, const struct tls_files_config *config,
                    struct problem *problem) {
    *t = (struct tls_files){0};
    bool ok = read_pair(t, config, problem) && check_leaf(t, config, problem) &&
              make_config(t, config, problem) && check_chain(config, problem) &&
              add_client_ca(t, config, problem);
    explicit_bzero(key_file.bytes, key_file.len);
    if (!ok) {
        altcp_tls_free_config(t->config);
        t->config = NULL;
    }
    return ok;
}
