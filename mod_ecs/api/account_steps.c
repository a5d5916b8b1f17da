/* SPDX-License-Identifier: MIT */
/*
 * account_steps.c - passwords are hashed and checked, tokens made and signed.
 *
 * PostgreSQL never sees a password and never a token: passwords are hashed and
 * checked here, with no connection held, and of refresh tokens only the
 * SHA-256 goes on. So the steps do three things: refuse weak passwords, fill
 * the fields made from secrets, and sign access tokens.
 *
 * Sign-in takes two statements, because the hash to check against has to be
 * read before the work and the outcome to be counted after it. The second one
 * gets the very hash that matched, and takes it only if it is still the
 * account's; so nothing can change in between.
 */
#include "account_steps.h"
#include "password.h"
#include "secrets.h"

#include <apr_strings.h>
#include <string.h>

#define REFRESH_BYTES 32 /* 256 random bits */
#define NONCE_BYTES 24   /* of a token in a mail */

/* ---- passwords ---- */

static const char *text_of(const json_t *object, const char *name)
{
    const char *text = json_string_value(json_object_get(object, name));

    return text ? text : "";
}

static const char *value_or_empty(const ecs_request_t *req, const char *name)
{
    const char *value = ecs_request_value(req, name);

    return value ? value : "";
}

/* Hash a new password into the field password_hash, or refuse a weak one. */
static ecs_problem_t *take_password(ecs_request_t *req, const char *field,
                                    const char *const *own)
{
    const char *password = ecs_request_value(req, field);
    const char *weakness = ecs_password_weakness(req->pool, password, own);
    const char *hash = NULL;
    ecs_problem_t *problem = NULL;

    if (weakness) {
        ecs_problem_add_field(req->pool, &problem, field, weakness);
        return problem;
    }
    problem = ecs_request_hash(req, password, &hash);
    if (!problem) {
        ecs_request_set(req, "password_hash", hash);
    }
    return problem;
}

/* The field new_password, which must not look like what the account says. */
static ecs_problem_t *take_new_password(ecs_request_t *req,
                                        const json_t *account)
{
    const char *own[] = {
        text_of(account, "email"),
        text_of(account, "username"),
        text_of(account, "first_name"),
        text_of(account, "last_name"),
        NULL,
    };

    return take_password(req, "new_password", own);
}

/* ---- tokens in mails ---- */

static const char *token_hash(ecs_request_t *req, const char *token)
{
    return ecs_secrets_sha256(req->pool, token, strlen(token));
}

ecs_problem_t *ecs_account_step_make_token(ecs_request_t *req)
{
    const char *nonce = ecs_secrets_random_url(req->pool, NONCE_BYTES);

    if (!nonce) {
        return ecs_problem_make(req->pool, "server_error", NULL);
    }
    ecs_request_set(req, "nonce", nonce);
    ecs_request_set(req, "token_hash", token_hash(req, ecs_secrets_mail_token(
        req->pool, req->config->secrets, nonce)));
    return NULL;
}

ecs_problem_t *ecs_account_step_take_token(ecs_request_t *req)
{
    ecs_request_set(req, "token_hash",
                    token_hash(req, ecs_request_value(req, "token")));
    return NULL;
}

/* ---- new accounts ---- */

ecs_problem_t *ecs_account_step_create(ecs_request_t *req)
{
    ecs_problem_t *problem = ecs_account_step_make_token(req);
    const char *own[] = {
        ecs_request_value(req, "email"),
        ecs_request_value(req, "username"),
        value_or_empty(req, "first_name"),
        value_or_empty(req, "last_name"),
        NULL,
    };

    if (problem || !ecs_request_value(req, "password")) {
        return problem; /* who is invited has none yet */
    }
    return take_password(req, "password", own);
}

/* ---- tokens ---- */

static ecs_problem_t *token_not_valid(ecs_request_t *req)
{
    return ecs_problem_make(req->pool, "token_not_valid",
                            "Token is invalid or expired");
}

/* A new refresh token for the answer, and its hash for the database. */
static ecs_problem_t *make_refresh(ecs_request_t *req, const char *token_field,
                                   const char *hash_field)
{
    const char *token = ecs_secrets_random_url(req->pool, REFRESH_BYTES);

    if (!token) {
        return ecs_problem_make(req->pool, "server_error", NULL);
    }
    ecs_request_set(req, token_field, token);
    ecs_request_set(req, hash_field, token_hash(req, token));
    return NULL;
}

/* The access token for {"session", "user": {"id", "role"}}. */
static const char *issue_access(ecs_request_t *req, const json_t *opened)
{
    const json_t *user = json_object_get(opened, "user");
    ecs_identity_t who = {
        .user_id = json_integer_value(json_object_get(user, "id")),
        .session_id = json_integer_value(json_object_get(opened, "session")),
        .role = ecs_role_of_name(text_of(user, "role")),
    };

    return ecs_jwt_issue(req->pool, req->config->secrets, req->config->audience,
                         &who, apr_time_now(), req->config->token_lifetime_s);
}

/* Turn what the database opened into what the client gets. */
static ecs_problem_t *hand_out(ecs_request_t *req, const char *refresh_field,
                               int with_user)
{
    json_t *opened = ecs_request_json(req, &req->answer);
    const char *access = issue_access(req, opened);
    json_t *tokens;

    if (!access) {
        return ecs_problem_make(req->pool, "server_error", NULL);
    }
    tokens = json_pack("{s:s, s:s, s:i}", "access", access, "refresh",
                       ecs_request_value(req, refresh_field), "expires_in",
                       req->config->token_lifetime_s);
    if (with_user) {
        json_object_set(tokens, "user", json_object_get(opened, "user"));
    }
    ecs_request_answer(req, 200, tokens);
    return NULL;
}

/* Only at sign-in is the password there to make a stronger hash of. */
static ecs_problem_t *renew_hash(ecs_request_t *req, const char *hash)
{
    const char *better = NULL;
    ecs_problem_t *problem = NULL;

    if (ecs_password_is_outdated(hash)) {
        problem = ecs_request_hash(req, ecs_request_value(req, "password"),
                                   &better);
        ecs_request_set(req, "better_hash", better);
    }
    return problem;
}

ecs_problem_t *ecs_account_step_prove(ecs_request_t *req)
{
    const char *params[] = {
        ecs_request_value(req, "email"),
        ecs_request_address(req->r),
    };
    ecs_answer_t answer;
    const char *hash;
    int matches = 0;
    ecs_problem_t *problem = ecs_request_query(
        req,
        "SELECT * FROM ecs_api.accounts_credentials("
        "p_email => $1, p_address => $2)",
        2, params, &answer);

    if (problem) {
        return problem;
    }
    hash = json_string_value(json_object_get(ecs_request_json(req, &answer),
                                             "password_hash"));
    problem = ecs_request_verify(req, ecs_request_value(req, "password"), hash,
                                 &matches);
    if (problem) {
        return problem;
    }
    if (matches) {
        ecs_request_set(req, "proven_hash", hash);
        problem = renew_hash(req, hash);
    }
    return problem ? problem : make_refresh(req, "refresh", "refresh_hash");
}

ecs_problem_t *ecs_account_step_sign_in(ecs_request_t *req)
{
    return hand_out(req, "refresh", 1);
}

ecs_problem_t *ecs_account_step_refresh(ecs_request_t *req)
{
    ecs_request_set(req, "refresh_hash",
                    token_hash(req, ecs_request_value(req, "refresh")));
    return make_refresh(req, "new_refresh", "new_hash");
}

ecs_problem_t *ecs_account_step_hand_out(ecs_request_t *req)
{
    return hand_out(req, "new_refresh", 0);
}

ecs_problem_t *ecs_account_step_verify(ecs_request_t *req)
{
    ecs_identity_t who;
    const char *why =
        ecs_jwt_verify(req->pool, req->config->secrets, req->config->audience,
                       ecs_request_value(req, "token"), apr_time_now(), &who);

    if (why) {
        return token_not_valid(req);
    }
    ecs_request_set(req, "user", apr_off_t_toa(req->pool, who.user_id));
    ecs_request_set(req, "session",
                    apr_off_t_toa(req->pool, who.session_id));
    ecs_request_set(req, "role", ecs_role_name(who.role));
    return NULL;
}

ecs_problem_t *ecs_account_step_logout(ecs_request_t *req)
{
    const char *refresh = ecs_request_value(req, "refresh");

    if (refresh) {
        ecs_request_set(req, "refresh_hash", token_hash(req, refresh));
    }
    return NULL;
}

/* ---- change of password ---- */

/* A further statement of the caller; `sql` takes ecs_api.caller's six. */
static ecs_problem_t *caller_query(ecs_request_t *req, const char *sql,
                                   ecs_answer_t *answer)
{
    const char *params[] = {
        apr_off_t_toa(req->pool, req->who->user_id),
        apr_off_t_toa(req->pool, req->who->session_id),
        ecs_role_name(req->who->role),
        ecs_request_address(req->r),
        req->request_id,
        NULL,
    };

    return ecs_request_query(req, sql, 6, params, answer);
}

static ecs_problem_t *wrong_password(ecs_request_t *req)
{
    ecs_answer_t answer;
    ecs_problem_t *problem = caller_query(
        req,
        "SELECT * FROM ecs_api.accounts_password_wrong("
        "p_me => ecs_api.caller($1, $2, $3, $4, $5, $6))",
        &answer);

    if (!problem) {
        ecs_problem_add_field(req->pool, &problem, "old_password",
                              "Your old password was entered incorrectly. "
                              "Please enter it again.");
    }
    return problem;
}

ecs_problem_t *ecs_account_step_change(ecs_request_t *req)
{
    ecs_answer_t answer;
    const json_t *account;
    const char *hash;
    int matches = 0;
    ecs_problem_t *problem = caller_query(
        req,
        "SELECT * FROM ecs_api.accounts_own_credentials("
        "p_me => ecs_api.caller($1, $2, $3, $4, $5, $6))",
        &answer);

    if (problem) {
        return problem;
    }
    account = ecs_request_json(req, &answer);
    hash = json_string_value(json_object_get(account, "password_hash"));
    problem = ecs_request_verify(
        req, ecs_request_value(req, "old_password"), hash, &matches);
    if (problem) {
        return problem;
    }
    if (!matches) {
        return wrong_password(req);
    }
    ecs_request_set(req, "proven_hash", hash);
    return take_new_password(req, account);
}

/* ---- a password that was forgotten ---- */

/* The owner's data are asked for first, because the new password must not look
 * like them; nothing is hashed for a token that is no good. */
ecs_problem_t *ecs_account_step_reset(ecs_request_t *req)
{
    const char *hash = token_hash(req, ecs_request_value(req, "token"));
    const json_t *owner;
    ecs_answer_t answer;
    ecs_problem_t *problem = ecs_request_query(
        req,
        "SELECT * FROM ecs_api.accounts_token_owner(p_token_hash => $1)",
        1, &hash, &answer);

    if (problem) {
        return problem;
    }
    ecs_request_set(req, "token_hash", hash);
    owner = ecs_request_json(req, &answer);
    if (json_object_size(owner) == 0) {
        return NULL; /* which the call refuses */
    }
    return take_new_password(req, owner);
}
