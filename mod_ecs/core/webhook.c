/* SPDX-License-Identifier: MIT */
/*
 * webhook.c - the text of a webhook and its signature.
 */
#include "webhook.h"

#include <stdlib.h>
#include <string.h>

#include <apr_encode.h>
#include <apr_strings.h>

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "json.h"

void ecs_webhook_secret(const ecs_secrets_t *secrets, const char *nonce,
                        unsigned char secret[ECS_KEY_BYTES])
{
    ecs_secrets_mac(secrets->webhook, secret, nonce, NULL);
}

static const char *base64(apr_pool_t *p, const unsigned char *data,
                          apr_size_t length)
{
    return apr_pencode_base64_binary(p, data, (apr_ssize_t)length,
                                     APR_ENCODE_NONE, NULL);
}

const char *ecs_webhook_secret_text(apr_pool_t *p, const unsigned char *secret,
                                    apr_size_t length)
{
    return apr_pstrcat(p, "whsec_", base64(p, secret, length), NULL);
}

const char *ecs_webhook_sign(apr_pool_t *p, const unsigned char *secret,
                             apr_size_t length, const char *id,
                             const char *timestamp, const char *body)
{
    const char *content = apr_pstrcat(p, id, ".", timestamp, ".", body, NULL);
    unsigned char mac[EVP_MAX_MD_SIZE];
    unsigned int mac_length = 0;

    if (!HMAC(EVP_sha256(), secret, (int)length,
              (const unsigned char *)content, strlen(content), mac,
              &mac_length)) {
        abort(); /* out of memory: as httpd does, see ecs_secrets_mac */
    }
    return apr_pstrcat(p, "v1,", base64(p, mac, mac_length), NULL);
}

const char *ecs_webhook_body(apr_pool_t *p, const char *type,
                             const char *timestamp, json_t *data)
{
    json_t *body = json_pack("{s:s, s:s, s:o}", "type", type, "timestamp",
                             timestamp, "data",
                             data ? json_incref(data) : json_object());
    const char *text = ecs_json_dump(p, body);

    json_decref(body);
    return text;
}
