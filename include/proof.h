/* SPDX-License-Identifier: MIT */
/*
 * proof.h - proof of delivery: a PIN of 6 digits and a token of 128 bits.
 *
 * Both are derived from the proof key, the order and a random nonce. The
 * database holds the nonce and two verifiers, HMACs that only this key can
 * make: a copy of the database shows neither PIN nor token, not even by trying
 * all million PINs. A candidate becomes a verifier before it is compared, so a
 * comparison of verifiers says nothing about the secret by its timing.
 */
#ifndef ECS_PROOF_H
#define ECS_PROOF_H

#include <apr_pools.h>
#include "secrets.h"

#define ECS_PROOF_PIN_DIGITS 6

typedef struct ecs_proof_t {
    const char *nonce;          /* 32 hex digits */
    const char *pin;            /* 6 digits */
    const char *token;          /* 32 hex digits */
    const char *pin_verifier;   /* 64 hex digits, stored */
    const char *token_verifier; /* 64 hex digits, stored */
} ecs_proof_t;

/**
 * Derive the proof of an order.
 * @param order_id  decimal text
 * @param nonce     the stored nonce, or NULL for a fresh one
 * @return in `p`; NULL when the random generator failed. Any thread.
 */
ecs_proof_t *ecs_proof_make(apr_pool_t *p, const ecs_secrets_t *keys,
                            const char *order_id, const char *nonce);

/**
 * The verifier of a PIN or a token that somebody typed or scanned; NULL counts
 * as "". Both are bound to the order, so the PIN of one never fits another. The
 * PIN's does not depend on the nonce: what a renewal ends is ended by the new
 * verifier in the database row.
 * @return 64 hex digits in `p`
 */
const char *ecs_proof_pin_verifier(apr_pool_t *p, const ecs_secrets_t *keys,
                                   const char *order_id, const char *pin);
const char *ecs_proof_token_verifier(apr_pool_t *p, const ecs_secrets_t *keys,
                                     const char *order_id, const char *token);

#endif
