/* SPDX-License-Identifier: MIT */
/*
 * proof.c - PIN and token of a delivery, and what the database keeps of them.
 *
 * Everything is one HMAC under the proof key with a word for the purpose in
 * front, so that no value can pass for another one: "pin" and "token" make the
 * secrets out of order and nonce, "pin-verifier" and "token-verifier" make the
 * stored values out of order and secret.
 */
#include "proof.h"

#include <apr_encode.h>
#include <apr_strings.h>

#include <openssl/crypto.h>

#define NONCE_BYTES 16
#define TOKEN_BYTES 16
#define PIN_MODULUS 1000000u /* ECS_PROOF_PIN_DIGITS digits */
#define PIN_SOURCE_BYTES 8

/* ---- helpers ---- */

static const char *hex(apr_pool_t *p, const unsigned char *data,
                       apr_ssize_t length)
{
    return apr_pencode_base16_binary(p, data, length, APR_ENCODE_LOWER, NULL);
}

/*
 * 64 bits modulo 10^6: the residues differ in probability by less than one in
 * 10^13, which no one can see; a rejection loop would gain nothing.
 */
static const char *pin_of(apr_pool_t *p, const unsigned char *mac)
{
    apr_uint64_t number = 0;
    int i;

    for (i = 0; i < PIN_SOURCE_BYTES; i++) {
        number = number << 8 | mac[i];
    }
    return apr_psprintf(p, "%0*u", ECS_PROOF_PIN_DIGITS,
                        (unsigned)(number % PIN_MODULUS));
}

/* A NULL would close the MAC's list early, so it counts as an empty try. */
static const char *verifier(apr_pool_t *p, const ecs_secrets_t *keys,
                            const char *purpose, const char *order_id,
                            const char *secret)
{
    unsigned char mac[ECS_KEY_BYTES];

    ecs_secrets_mac(keys->proof, mac, purpose, order_id, secret ? secret : "",
                    NULL);
    return hex(p, mac, sizeof(mac));
}

/* ---- public ---- */

ecs_proof_t *ecs_proof_make(apr_pool_t *p, const ecs_secrets_t *keys,
                            const char *order_id, const char *nonce)
{
    unsigned char mac[ECS_KEY_BYTES];
    ecs_proof_t *proof;

    if (!nonce) {
        nonce = ecs_secrets_random_hex(p, NONCE_BYTES);
        if (!nonce) {
            return NULL;
        }
    }
    proof = apr_pcalloc(p, sizeof(*proof));
    proof->nonce = apr_pstrdup(p, nonce);

    ecs_secrets_mac(keys->proof, mac, "pin", order_id, nonce, NULL);
    proof->pin = pin_of(p, mac);
    ecs_secrets_mac(keys->proof, mac, "token", order_id, nonce, NULL);
    proof->token = hex(p, mac, TOKEN_BYTES);
    OPENSSL_cleanse(mac, sizeof(mac));

    proof->pin_verifier = ecs_proof_pin_verifier(p, keys, order_id, proof->pin);
    proof->token_verifier =
        ecs_proof_token_verifier(p, keys, order_id, proof->token);
    return proof;
}

const char *ecs_proof_pin_verifier(apr_pool_t *p, const ecs_secrets_t *keys,
                                   const char *order_id, const char *pin)
{
    return verifier(p, keys, "pin-verifier", order_id, pin);
}

const char *ecs_proof_token_verifier(apr_pool_t *p, const ecs_secrets_t *keys,
                                     const char *order_id, const char *token)
{
    return verifier(p, keys, "token-verifier", order_id, token);
}
