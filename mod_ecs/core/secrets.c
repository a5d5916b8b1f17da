/* SPDX-License-Identifier: MIT */
/*
 * secrets.c - keys from one file, random values, digests.
 *
 * The file is only key material: every key in use is drawn from it by
 * HKDF-SHA256 (RFC 5869) with a label of its own. Whatever held the material
 * on the way is wiped here; the keys themselves are wiped by the pool's
 * cleanup.
 */
#include "secrets.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <apr_encode.h>
#include <apr_errno.h>
#include <apr_file_io.h>
#include <apr_strings.h>

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <openssl/params.h>
#include <openssl/rand.h>

#define KEY_FILE_BYTES_MIN 32
#define KEY_FILE_BYTES_MAX 4096
#define RANDOM_BYTES_MAX 1024

/* 0640 or stricter; execute bits of the owner do no harm. */
#define KEY_FILE_FORBIDDEN                                                     \
    (APR_FPROT_GWRITE | APR_FPROT_WREAD | APR_FPROT_WWRITE | APR_FPROT_WEXECUTE)

/* HKDF's info: a new label is a new key, so these never change. */
#define LABEL_TOKEN "mod_ecs access token 1"
#define LABEL_CURSOR "mod_ecs list cursor 1"
#define LABEL_PROOF "mod_ecs proof of delivery 1"
#define LABEL_REQUEST "mod_ecs request of delivery 1"
#define LABEL_MAIL "mod_ecs token in a mail 1"
#define LABEL_WEBHOOK "mod_ecs webhook secret 1"

/* ---- derivation ---- */

static apr_status_t keys_wipe(void *data)
{
    OPENSSL_cleanse(data, sizeof(ecs_secrets_t));
    return APR_SUCCESS;
}

static ecs_secrets_t *keys_create(apr_pool_t *p)
{
    ecs_secrets_t *keys = apr_pcalloc(p, sizeof(*keys));

    apr_pool_cleanup_register(p, keys, keys_wipe, apr_pool_cleanup_null);
    return keys;
}

static int derive_one(EVP_KDF_CTX *ctx, const void *material, apr_size_t length,
                      const char *label, unsigned char key[ECS_KEY_BYTES])
{
    OSSL_PARAM params[4];

    params[0] = OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST,
                                                 (char *)"SHA256", 0);
    params[1] = OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_KEY,
                                                  (void *)material, length);
    params[2] = OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_INFO,
                                                  (void *)label, strlen(label));
    params[3] = OSSL_PARAM_construct_end();
    EVP_KDF_CTX_reset(ctx);
    return EVP_KDF_derive(ctx, key, ECS_KEY_BYTES, params) == 1;
}

static EVP_KDF_CTX *hkdf_create(void)
{
    EVP_KDF *kdf = EVP_KDF_fetch(NULL, OSSL_KDF_NAME_HKDF, NULL);
    EVP_KDF_CTX *ctx;

    if (!kdf) {
        return NULL;
    }
    ctx = EVP_KDF_CTX_new(kdf);
    EVP_KDF_free(kdf);
    return ctx;
}

static int derive_current(ecs_secrets_t *keys, const void *material,
                          apr_size_t length)
{
    EVP_KDF_CTX *ctx = hkdf_create();
    int ok;

    if (!ctx) {
        return 0;
    }
    ok = derive_one(ctx, material, length, LABEL_TOKEN, keys->token) &&
         derive_one(ctx, material, length, LABEL_CURSOR, keys->cursor) &&
         derive_one(ctx, material, length, LABEL_PROOF, keys->proof) &&
         derive_one(ctx, material, length, LABEL_REQUEST, keys->request) &&
         derive_one(ctx, material, length, LABEL_MAIL, keys->mail) &&
         derive_one(ctx, material, length, LABEL_WEBHOOK, keys->webhook);
    EVP_KDF_CTX_free(ctx);
    return ok;
}

static int derive_previous(ecs_secrets_t *keys, const void *material,
                           apr_size_t length)
{
    EVP_KDF_CTX *ctx = hkdf_create();

    if (!ctx) {
        return 0;
    }
    keys->has_previous =
        derive_one(ctx, material, length, LABEL_TOKEN, keys->previous_token);
    EVP_KDF_CTX_free(ctx);
    return keys->has_previous;
}

/* ---- the key file ---- */

/* A disk that filled up or a crash can leave a file of zeros. */
static int is_one_byte_repeated(const unsigned char *data, apr_size_t length)
{
    return length < 2 || memcmp(data, data + 1, length - 1) == 0;
}

static const char *check_mode(apr_pool_t *p, apr_file_t *file, const char *path)
{
    apr_finfo_t info;
    apr_status_t rv =
        apr_file_info_get(&info, APR_FINFO_TYPE | APR_FINFO_PROT, file);

    if (rv != APR_SUCCESS) {
        return apr_psprintf(p, "cannot examine the key file %s: %pm", path,
                            &rv);
    }
    if (info.filetype != APR_REG) {
        return apr_psprintf(p, "the key file %s is no regular file", path);
    }
    if (info.protection & KEY_FILE_FORBIDDEN) {
        return apr_psprintf(p,
                            "the key file %s is open to others: make it "
                            "readable for the server only, by chmod 0640 or "
                            "0600",
                            path);
    }
    return NULL;
}

static const char *check_material(apr_pool_t *p, const char *path,
                                  const unsigned char *data, apr_size_t length)
{
    if (length > KEY_FILE_BYTES_MAX) {
        return apr_psprintf(p, "the key file %s is longer than %d bytes", path,
                            KEY_FILE_BYTES_MAX);
    }
    if (length < KEY_FILE_BYTES_MIN) {
        return apr_psprintf(p,
                            "the key file %s has fewer than %d bytes: make "
                            "one by openssl rand -out FILE 32",
                            path, KEY_FILE_BYTES_MIN);
    }
    if (is_one_byte_repeated(data, length)) {
        return apr_psprintf(p,
                            "the key file %s repeats one byte only: it was "
                            "damaged, restore it from the backup",
                            path);
    }
    return NULL;
}

/* Read the file into data[KEY_FILE_BYTES_MAX + 1]; NULL on success. */
static const char *read_material(apr_pool_t *p, const char *path,
                                 unsigned char *data, apr_size_t *length)
{
    apr_file_t *file;
    const char *error;
    apr_status_t rv = apr_file_open(&file, path, APR_FOPEN_READ, 0, p);

    *length = 0;
    if (rv != APR_SUCCESS) {
        return apr_psprintf(p, "cannot open the key file %s: %pm", path, &rv);
    }
    error = check_mode(p, file, path);
    if (!error) {
        rv = apr_file_read_full(file, data, KEY_FILE_BYTES_MAX + 1, length);
        if (rv != APR_SUCCESS && !APR_STATUS_IS_EOF(rv)) {
            error =
                apr_psprintf(p, "cannot read the key file %s: %pm", path, &rv);
        }
        else {
            error = check_material(p, path, data, *length);
        }
    }
    apr_file_close(file);
    return error;
}

/* ---- public ---- */

ecs_secrets_t *ecs_secrets_load(apr_pool_t *p, const char *path,
                                const char *previous, const char **error)
{
    unsigned char data[KEY_FILE_BYTES_MAX + 1];
    apr_size_t length;
    ecs_secrets_t *keys = keys_create(p);

    *error = read_material(p, path, data, &length);
    if (!*error && !derive_current(keys, data, length)) {
        *error = "OpenSSL cannot derive keys by HKDF-SHA256";
    }
    if (!*error && previous) {
        *error = read_material(p, previous, data, &length);
        if (!*error && !derive_previous(keys, data, length)) {
            *error = "OpenSSL cannot derive keys by HKDF-SHA256";
        }
    }
    OPENSSL_cleanse(data, sizeof(data));
    return *error ? NULL : keys;
}

ecs_secrets_t *ecs_secrets_derive(apr_pool_t *p, const void *material,
                                  apr_size_t length)
{
    ecs_secrets_t *keys;

    if (length < KEY_FILE_BYTES_MIN) {
        return NULL;
    }
    keys = keys_create(p);
    return derive_current(keys, material, length) ? keys : NULL;
}

const char *ecs_secrets_random_hex(apr_pool_t *p, apr_size_t bytes)
{
    unsigned char data[RANDOM_BYTES_MAX];
    const char *text = NULL;

    if (bytes <= sizeof(data) && RAND_bytes(data, (int)bytes) == 1) {
        text = apr_pencode_base16_binary(p, data, (apr_ssize_t)bytes,
                                         APR_ENCODE_LOWER, NULL);
    }
    OPENSSL_cleanse(data, sizeof(data));
    return text;
}

const char *ecs_secrets_random_url(apr_pool_t *p, apr_size_t bytes)
{
    unsigned char data[RANDOM_BYTES_MAX];
    const char *text = NULL;

    if (bytes <= sizeof(data) && RAND_bytes(data, (int)bytes) == 1) {
        text = apr_pencode_base64_binary(p, data, (apr_ssize_t)bytes,
                                         APR_ENCODE_BASE64URL, NULL);
    }
    OPENSSL_cleanse(data, sizeof(data));
    return text;
}

const char *ecs_secrets_mail_token(apr_pool_t *p, const ecs_secrets_t *secrets,
                                   const char *nonce)
{
    unsigned char mac[ECS_KEY_BYTES];

    ecs_secrets_mac(secrets->mail, mac, nonce, NULL);
    return apr_pencode_base64_binary(p, mac, sizeof(mac), APR_ENCODE_BASE64URL,
                                     NULL);
}

const char *ecs_secrets_sha256(apr_pool_t *p, const void *data,
                               apr_size_t length)
{
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned int digest_length = 0;

    if (EVP_Digest(data, length, digest, &digest_length, EVP_sha256(), NULL) !=
        1) {
        abort(); /* out of memory: as httpd does, see ecs_secrets_mac */
    }
    return apr_pencode_base16_binary(p, digest, (apr_ssize_t)digest_length,
                                     APR_ENCODE_LOWER, NULL);
}

static int mac_strings(EVP_MAC_CTX *ctx, const unsigned char *key,
                       unsigned char *mac, va_list strings)
{
    OSSL_PARAM params[2];
    const char *text;
    size_t length = 0;

    params[0] = OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST,
                                                 (char *)"SHA256", 0);
    params[1] = OSSL_PARAM_construct_end();
    if (EVP_MAC_init(ctx, key, ECS_KEY_BYTES, params) != 1) {
        return 0;
    }
    for (text = va_arg(strings, const char *); text;
         text = va_arg(strings, const char *)) {
        if (EVP_MAC_update(ctx, (const unsigned char *)text,
                           strlen(text) + 1) != 1) {
            return 0;
        }
    }
    return EVP_MAC_final(ctx, mac, &length, ECS_KEY_BYTES) == 1 &&
           length == ECS_KEY_BYTES;
}

/*
 * A caller that went on with half a MAC would compare or store rubbish, and
 * the only way to fail is to be out of memory, where httpd's pools end the
 * process too.
 */
void ecs_secrets_mac(const unsigned char key[ECS_KEY_BYTES],
                     unsigned char mac[ECS_KEY_BYTES], ...)
{
    EVP_MAC *hmac = EVP_MAC_fetch(NULL, OSSL_MAC_NAME_HMAC, NULL);
    EVP_MAC_CTX *ctx = hmac ? EVP_MAC_CTX_new(hmac) : NULL;
    va_list strings;
    int ok;

    va_start(strings, mac);
    ok = ctx && mac_strings(ctx, key, mac, strings);
    va_end(strings);
    EVP_MAC_CTX_free(ctx);
    EVP_MAC_free(hmac);
    if (!ok) {
        abort();
    }
}
