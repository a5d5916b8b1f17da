/* SPDX-License-Identifier: MIT */
/*
 * proof_steps.c - from nonce to PIN, token and QR code, and from what a
 * courier typed to what the database compares.
 *
 * A shown proof is derived anew from the stored nonce each time, so neither an
 * answer kept under an Idempotency-Key nor any other row holds PIN or token.
 */
#include "proof_steps.h"
#include "accept.h"
#include "proof.h"
#include "qr.h"

#include <apr_strings.h>
#include <string.h>

#define TYPE_JSON "application/json"
#define TYPE_PNG "image/png"
#define TYPE_SVG "image/svg+xml"

static const char *const types[] = { TYPE_JSON, TYPE_PNG, TYPE_SVG, NULL };

static ecs_problem_t *out_of_order(const ecs_request_t *req)
{
    return ecs_problem_make(req->pool, "server_error", NULL);
}

/* ---- the three answers ---- */

static ecs_problem_t *answer_picture(ecs_request_t *req, const char *type,
                                     const char *token)
{
    ecs_answer_t *answer = &req->answer;

    answer->type = type;
    if (!strcmp(type, TYPE_PNG)) {
        answer->body =
            (const char *)ecs_qr_png(req->pool, token, &answer->length);
    }
    else {
        answer->body = ecs_qr_svg(req->pool, token);
        answer->length = answer->body ? strlen(answer->body) : 0;
    }
    return answer->body ? NULL : out_of_order(req);
}

static ecs_problem_t *answer_json(ecs_request_t *req, const json_t *stored,
                                  const ecs_proof_t *proof)
{
    const char *qr = ecs_qr_data_uri(req->pool, proof->token);
    json_t *shown;

    if (!qr) {
        return out_of_order(req);
    }
    shown = json_pack("{s:s, s:s, s:O, s:O, s:s}", "pin", proof->pin, "token",
                      proof->token, "expires_at",
                      json_object_get(stored, "expires_at"), "attempts_left",
                      json_object_get(stored, "attempts_left"), "qr", qr);
    if (!shown) {
        return out_of_order(req);
    }
    ecs_request_answer(req, req->answer.status, shown);
    return NULL;
}

/* ---- the steps ---- */

ecs_problem_t *ecs_proof_step_issue(ecs_request_t *req)
{
    const ecs_proof_t *proof =
        ecs_proof_make(req->pool, req->config->secrets,
                       ecs_request_value(req, "id"), NULL);

    if (!proof) {
        return out_of_order(req);
    }
    ecs_request_set(req, "nonce", proof->nonce);
    ecs_request_set(req, "pin_verifier", proof->pin_verifier);
    ecs_request_set(req, "token_verifier", proof->token_verifier);
    return NULL;
}

ecs_problem_t *ecs_proof_step_try(ecs_request_t *req)
{
    const ecs_secrets_t *keys = req->config->secrets;
    const char *id = ecs_request_value(req, "id");
    const char *pin = ecs_request_value(req, "pin");
    const char *token = ecs_request_value(req, "token");

    if (pin) {
        ecs_request_set(req, "pin_tried",
                        ecs_proof_pin_verifier(req->pool, keys, id, pin));
    }
    if (token) {
        ecs_request_set(req, "token_tried",
                        ecs_proof_token_verifier(req->pool, keys, id, token));
    }
    return NULL;
}

ecs_problem_t *ecs_proof_step_issue_and_try(ecs_request_t *req)
{
    ecs_problem_t *problem = ecs_proof_step_issue(req);

    return problem ? problem : ecs_proof_step_try(req);
}

ecs_problem_t *ecs_proof_step_show(ecs_request_t *req)
{
    const json_t *stored = ecs_request_json(req, &req->answer);
    const char *nonce = json_string_value(json_object_get(stored, "nonce"));
    const char *type = ecs_accept_choose(
        apr_table_get(req->r->headers_in, "Accept"), types);
    const ecs_proof_t *proof = NULL;

    /* A NULL nonce would make a fresh proof that nobody could use. */
    if (nonce) {
        proof = ecs_proof_make(req->pool, req->config->secrets,
                               ecs_request_value(req, "id"), nonce);
    }
    if (!proof) {
        return out_of_order(req);
    }
    apr_table_mergen(req->r->headers_out, "Vary", "Accept");
    return !strcmp(type, TYPE_JSON) ? answer_json(req, stored, proof)
                                    : answer_picture(req, type, proof->token);
}
