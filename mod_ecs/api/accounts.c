/* SPDX-License-Identifier: MIT */
/*
 * accounts.c - registration, sign-in, profiles and the shop's people.
 *
 * PostgreSQL never sees a password and never a token: passwords are hashed and
 * checked here, with no connection held, and of refresh tokens only the
 * SHA-256 goes on. So the steps in front of the rows do three things: refuse
 * weak passwords, fill the fields made from secrets, and sign access tokens.
 *
 * Sign-in takes two statements, because the hash to check against has to be
 * read before the work and the outcome to be counted after it. The second one
 * gets the very hash that matched, and takes it only if it is still the
 * account's; so nothing can change in between.
 */
#include "api.h"
#include "password.h"
#include "request.h"
#include "secrets.h"

#include <apr_strings.h>
#include <string.h>

#define REFRESH_BYTES 32 /* 256 random bits */
#define NONCE_BYTES 24   /* of a token in a mail */
#define TOKEN_CHARS_MAX ECS_JWT_LENGTH_MAX
#define ROLES "user seller delivery admin superadmin"
#define ROLE_WORD "user|seller|delivery|admin|superadmin"
#define USER_MEMBERS                                                          \
    "id:id email:email username:str first_name:str last_name:str "            \
    "phone_number:str role:" ROLE_WORD " is_active:bool "                     \
    "is_email_verified:bool points:int rank:STARTER|SILVER|GOLD "             \
    "is_verified_seller:bool created_at:time"

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

/* ---- tokens in mails ---- */

static const char *token_hash(ecs_request_t *req, const char *token)
{
    return ecs_secrets_sha256(req->pool, token, strlen(token));
}

/* A new token for a mail: its nonce for whoever makes the mail, its hash for who
 * takes it back. */
static ecs_problem_t *make_mail_token(ecs_request_t *req)
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

static ecs_problem_t *mail_token_before(ecs_request_t *req)
{
    ecs_request_set(req, "token_hash",
                    token_hash(req, ecs_request_value(req, "token")));
    return NULL;
}

/* ---- new accounts ---- */

/* A new account; an invited one has no password yet. */
static ecs_problem_t *account_before(ecs_request_t *req)
{
    ecs_problem_t *problem = make_mail_token(req);
    const char *own[] = {
        ecs_request_value(req, "email"),
        ecs_request_value(req, "username"),
        value_or_empty(req, "first_name"),
        value_or_empty(req, "last_name"),
        NULL,
    };

    if (problem || !ecs_request_value(req, "password")) {
        return problem;
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

static ecs_problem_t *token_before(ecs_request_t *req)
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

static ecs_problem_t *token_after(ecs_request_t *req)
{
    return hand_out(req, "refresh", 1);
}

static ecs_problem_t *refresh_before(ecs_request_t *req)
{
    ecs_request_set(req, "refresh_hash",
                    token_hash(req, ecs_request_value(req, "refresh")));
    return make_refresh(req, "new_refresh", "new_hash");
}

static ecs_problem_t *refresh_after(ecs_request_t *req)
{
    return hand_out(req, "new_refresh", 0);
}

static ecs_problem_t *verify_before(ecs_request_t *req)
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

static ecs_problem_t *logout_before(ecs_request_t *req)
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

static ecs_problem_t *change_before(ecs_request_t *req)
{
    ecs_answer_t answer;
    const json_t *account;
    const char *hash, *own[5];
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
    own[0] = text_of(account, "email");
    own[1] = text_of(account, "username");
    own[2] = text_of(account, "first_name");
    own[3] = text_of(account, "last_name");
    own[4] = NULL;
    return take_password(req, "new_password", own);
}

/* ---- a password that was forgotten ---- */

/* The owner's data are asked for first, because the new password must not look
 * like them; nothing is hashed for a token that is no good. */
static ecs_problem_t *reset_before(ecs_request_t *req)
{
    const char *hash = token_hash(req, ecs_request_value(req, "token"));
    const json_t *owner;
    const char *own[5];
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
    own[0] = text_of(owner, "email");
    own[1] = text_of(owner, "username");
    own[2] = text_of(owner, "first_name");
    own[3] = text_of(owner, "last_name");
    own[4] = NULL;
    return take_password(req, "new_password", own);
}

/* ---- fields ---- */

/* Of a profile: names that are "" when nothing was given. */
#define NAME_FIELDS                                                           \
    { .name = "first_name", .type = ECS_T_STRING, .flags = ECS_BLANK,         \
      .max = 150 },                                                           \
    { .name = "last_name", .type = ECS_T_STRING, .flags = ECS_BLANK,          \
      .max = 150 },                                                           \
    { .name = "phone_number", .type = ECS_T_STRING, .flags = ECS_BLANK,       \
      .max = 32 }

/* Of a token that goes out in a mail. */
#define MAIL_TOKEN_FIELDS                                                     \
    { .name = "nonce", .type = ECS_T_STRING, .in = ECS_IN_SERVER },           \
    { .name = "token_hash", .type = ECS_T_STRING, .in = ECS_IN_SERVER }

/* Of one that comes back. */
#define MAIL_TOKEN                                                            \
    { .name = "token", .type = ECS_T_STRING,                                  \
      .flags = ECS_REQUIRED | ECS_SECRET, .max = TOKEN_CHARS_MAX,             \
      .help = "From the mail." },                                             \
    { .name = "token_hash", .type = ECS_T_STRING, .in = ECS_IN_SERVER }

static const ecs_field_t register_fields[] = {
    { .name = "email", .type = ECS_T_EMAIL, .flags = ECS_REQUIRED,
      .max = 254 },
    { .name = "username", .type = ECS_T_STRING, .flags = ECS_REQUIRED,
      .max = 150, .help = "Letters, numbers, and . + - _ only." },
    { .name = "password", .type = ECS_T_STRING,
      .flags = ECS_REQUIRED | ECS_SECRET, .max = ECS_PASSWORD_BYTES_MAX,
      .help = "At least 10 characters, not a common one, not like your own "
              "data." },
    NAME_FIELDS,
    { .name = "role", .type = ECS_T_CHOICE, .choices = "user seller",
      .initial = "user" },
    { .name = "password_hash", .type = ECS_T_STRING, .in = ECS_IN_SERVER },
    MAIL_TOKEN_FIELDS,
    { NULL },
};

static const ecs_field_t token_fields[] = {
    { .name = "email", .type = ECS_T_EMAIL, .flags = ECS_REQUIRED,
      .max = 254 },
    { .name = "password", .type = ECS_T_STRING,
      .flags = ECS_REQUIRED | ECS_SECRET, .max = ECS_PASSWORD_BYTES_MAX },
    { .name = "proven_hash", .type = ECS_T_STRING, .in = ECS_IN_SERVER },
    { .name = "refresh", .type = ECS_T_STRING, .in = ECS_IN_SERVER,
      .flags = ECS_SECRET },
    { .name = "refresh_hash", .type = ECS_T_STRING, .in = ECS_IN_SERVER },
    { .name = "better_hash", .type = ECS_T_STRING, .in = ECS_IN_SERVER },
    { NULL },
};

static const ecs_field_t refresh_fields[] = {
    { .name = "refresh", .type = ECS_T_STRING,
      .flags = ECS_REQUIRED | ECS_SECRET, .max = TOKEN_CHARS_MAX },
    { .name = "refresh_hash", .type = ECS_T_STRING, .in = ECS_IN_SERVER },
    { .name = "new_refresh", .type = ECS_T_STRING, .in = ECS_IN_SERVER,
      .flags = ECS_SECRET },
    { .name = "new_hash", .type = ECS_T_STRING, .in = ECS_IN_SERVER },
    { NULL },
};

static const ecs_field_t verify_fields[] = {
    { .name = "token", .type = ECS_T_STRING,
      .flags = ECS_REQUIRED | ECS_SECRET, .max = TOKEN_CHARS_MAX,
      .help = "An access token." },
    { .name = "user", .type = ECS_T_ID, .in = ECS_IN_SERVER },
    { .name = "session", .type = ECS_T_ID, .in = ECS_IN_SERVER },
    { .name = "role", .type = ECS_T_STRING, .in = ECS_IN_SERVER },
    { NULL },
};

static const ecs_field_t logout_fields[] = {
    { .name = "refresh", .type = ECS_T_STRING, .flags = ECS_SECRET,
      .max = TOKEN_CHARS_MAX,
      .help = "A refresh token of yours, whose session ends too." },
    { .name = "all", .type = ECS_T_BOOL, .initial = "false",
      .help = "End every session, on all devices." },
    { .name = "refresh_hash", .type = ECS_T_STRING, .in = ECS_IN_SERVER },
    { NULL },
};

static const ecs_field_t change_fields[] = {
    { .name = "old_password", .type = ECS_T_STRING,
      .flags = ECS_REQUIRED | ECS_SECRET, .max = ECS_PASSWORD_BYTES_MAX },
    { .name = "new_password", .type = ECS_T_STRING,
      .flags = ECS_REQUIRED | ECS_SECRET, .max = ECS_PASSWORD_BYTES_MAX },
    { .name = "proven_hash", .type = ECS_T_STRING, .in = ECS_IN_SERVER },
    { .name = "password_hash", .type = ECS_T_STRING, .in = ECS_IN_SERVER },
    { NULL },
};

static const ecs_field_t reset_fields[] = {
    { .name = "email", .type = ECS_T_EMAIL, .flags = ECS_REQUIRED,
      .max = 254 },
    MAIL_TOKEN_FIELDS,
    { NULL },
};

static const ecs_field_t reset_confirm_fields[] = {
    MAIL_TOKEN,
    { .name = "new_password", .type = ECS_T_STRING,
      .flags = ECS_REQUIRED | ECS_SECRET, .max = ECS_PASSWORD_BYTES_MAX },
    { .name = "password_hash", .type = ECS_T_STRING, .in = ECS_IN_SERVER },
    { NULL },
};

static const ecs_field_t email_verify_fields[] = {
    MAIL_TOKEN_FIELDS,
    { NULL },
};

static const ecs_field_t email_confirm_fields[] = {
    MAIL_TOKEN,
    { NULL },
};

static const ecs_field_t me_fields[] = {
    { .name = "username", .type = ECS_T_STRING, .max = 150,
      .help = "Letters, numbers, and . + - _ only." },
    NAME_FIELDS,
    { .name = "bio", .type = ECS_T_TEXT, .flags = ECS_BLANK, .max = 2000 },
    { .name = "location_lat", .type = ECS_T_DECIMAL, .flags = ECS_NULLABLE,
      .min = -90, .max = 90,
      .help = "Degrees, together with location_lng." },
    { .name = "location_lng", .type = ECS_T_DECIMAL, .flags = ECS_NULLABLE,
      .min = -180, .max = 180,
      .help = "Degrees, together with location_lat." },
    { .name = "location_address", .type = ECS_T_TEXT, .flags = ECS_BLANK,
      .max = 500 },
    { .name = "city", .type = ECS_T_STRING, .flags = ECS_BLANK, .max = 120 },
    { .name = "region", .type = ECS_T_STRING, .flags = ECS_BLANK,
      .max = 120 },
    { .name = "country", .type = ECS_T_STRING, .flags = ECS_BLANK,
      .max = 120 },
    { .name = "postal_code", .type = ECS_T_STRING, .flags = ECS_BLANK,
      .max = 20 },
    { NULL },
};

static const ecs_field_t by_id[] = {
    { .name = "id", .type = ECS_T_ID, .in = ECS_IN_PATH },
    { NULL },
};

static const ecs_field_t users_fields[] = {
    { .name = "role", .type = ECS_T_CHOICE, .in = ECS_IN_QUERY,
      .choices = ROLES },
    { .name = "is_active", .type = ECS_T_BOOL, .in = ECS_IN_QUERY },
    { .name = "search", .type = ECS_T_STRING, .in = ECS_IN_QUERY, .max = 254,
      .help = "Part of e-mail, username or name." },
    { .name = "ordering", .type = ECS_T_CHOICE, .in = ECS_IN_QUERY,
      .choices = "id -id created_at -created_at email -email username "
                 "-username",
      .initial = "-id" },
    ECS_PAGING,
    { NULL },
};

static const ecs_field_t user_create_fields[] = {
    { .name = "email", .type = ECS_T_EMAIL, .flags = ECS_REQUIRED,
      .max = 254 },
    { .name = "username", .type = ECS_T_STRING, .flags = ECS_REQUIRED,
      .max = 150, .help = "Letters, numbers, and . + - _ only." },
    { .name = "role", .type = ECS_T_CHOICE, .flags = ECS_REQUIRED,
      .choices = "delivery admin" },
    { .name = "password", .type = ECS_T_STRING, .flags = ECS_SECRET,
      .max = ECS_PASSWORD_BYTES_MAX,
      .help = "Without one the account waits for its owner to set it." },
    NAME_FIELDS,
    { .name = "password_hash", .type = ECS_T_STRING, .in = ECS_IN_SERVER },
    MAIL_TOKEN_FIELDS,
    { NULL },
};

static const ecs_field_t user_update_fields[] = {
    { .name = "id", .type = ECS_T_ID, .in = ECS_IN_PATH },
    { .name = "is_active", .type = ECS_T_BOOL },
    { .name = "role", .type = ECS_T_CHOICE, .choices = ROLES,
      .help = "For a superadmin to change." },
    { NULL },
};

/* ---- the rows ---- */

const ecs_route_t ecs_accounts_routes[] = {
    {
        .method = "POST",
        .path = "/api/accounts/register/",
        .roles = ECS_PUBLIC,
        .fields = register_fields,
        .call = "accounts_register",
        .status = 201,
        .answer = "User",
        .summary = "Open an account",
        .description = "As a buyer or as a seller. Profile and wallet exist "
                       "from that moment. E-mail and username are unique "
                       "whatever their case.",
        .before = account_before,
    },
    {
        .method = "POST",
        .path = "/api/accounts/token/",
        .roles = ECS_PUBLIC,
        .flags = ECS_R_NO_REPLAY,
        .fields = token_fields,
        .call = "accounts_token",
        .status = 200,
        .answer = "SignIn",
        .errors = "invalid_credentials throttled",
        .summary = "Sign in",
        .description = "Opens a session of at most 30 days: a short-lived "
                       "access token for the Authorization header, and a "
                       "refresh token that is good for one use. An unknown "
                       "e-mail, a wrong password and a closed account get the "
                       "same answer after the same time. After 5 failures "
                       "from one address an account is blocked for that "
                       "address, first for 30 seconds, at most for 15 minutes "
                       "at a time; after 50 the address, whatever it tries; "
                       "after 100 from anywhere the account.",
        .before = token_before,
        .after = token_after,
        .statements = 2,
    },
    {
        .method = "POST",
        .path = "/api/accounts/token/refresh/",
        .roles = ECS_PUBLIC,
        .flags = ECS_R_NO_REPLAY,
        .fields = refresh_fields,
        .call = "accounts_token_refresh",
        .status = 200,
        .answer = "Tokens",
        .errors = "token_reused",
        .summary = "Get new tokens for a refresh token",
        .description = "The refresh token is used up; the new one continues "
                       "the session, which ends 30 days after sign-in. A used "
                       "token that comes again was stolen, so it ends the "
                       "session.",
        .before = refresh_before,
        .after = refresh_after,
    },
    {
        .method = "POST",
        .path = "/api/accounts/token/verify/",
        .roles = ECS_PUBLIC,
        .flags = ECS_R_NO_REPLAY,
        .fields = verify_fields,
        .call = "accounts_token_verify",
        .status = 200,
        .answer = "Nothing",
        .summary = "Ask whether an access token is good",
        .description = "Good means: signed here, not expired, its session "
                       "alive and its account active.",
        .before = verify_before,
    },
    {
        .method = "POST",
        .path = "/api/accounts/logout/",
        .roles = ECS_ANY_ROLE,
        .flags = ECS_R_NO_REPLAY,
        .fields = logout_fields,
        .call = "accounts_logout",
        .status = 204,
        .summary = "Sign out",
        .description = "Ends the session of the access token at once, so "
                       "that the access token is refused from the next "
                       "request on.",
        .before = logout_before,
    },
    {
        .method = "POST",
        .path = "/api/accounts/password/change/",
        .roles = ECS_ANY_ROLE,
        .flags = ECS_R_NO_REPLAY,
        .fields = change_fields,
        .call = "accounts_password_change",
        .status = 204,
        .errors = "throttled",
        .summary = "Change the own password",
        .description = "All other sessions end. Wrong old passwords count "
                       "like failures to sign in.",
        .before = change_before,
        .statements = 2,
    },
    {
        .method = "POST",
        .path = "/api/accounts/password/reset/",
        .roles = ECS_PUBLIC,
        .fields = reset_fields,
        .call = "accounts_password_reset",
        .status = 202,
        .answer = "OnItsWay",
        .errors = "throttled",
        .summary = "Ask for a mail to set a new password",
        .description = "Answered the same, after the same work, whether there "
                       "is such an account or not. The token in the mail is "
                       "good once, for an hour. At most 5 mails an hour go to "
                       "an account; an address gets 429 after 30 requests.",
        .before = make_mail_token,
    },
    {
        .method = "POST",
        .path = "/api/accounts/password/reset/confirm/",
        .roles = ECS_PUBLIC,
        .flags = ECS_R_NO_REPLAY,
        .fields = reset_confirm_fields,
        .call = "accounts_password_reset_confirm",
        .status = 204,
        .summary = "Set a new password with the token of a mail",
        .description = "Of a reset, or of the invitation to an account. All "
                       "sessions end, further tokens become void, and the "
                       "e-mail counts as verified.",
        .before = reset_before,
        .statements = 2,
    },
    {
        .method = "POST",
        .path = "/api/accounts/email/verify/",
        .roles = ECS_ANY_ROLE,
        .fields = email_verify_fields,
        .call = "accounts_email_verify",
        .status = 202,
        .answer = "OnItsWay",
        .errors = "wrong_state throttled",
        .summary = "Ask for a mail to verify the own e-mail",
        .description = "As it was sent at registration. The token in it is "
                       "good once, for two days. At most 5 an hour.",
        .before = make_mail_token,
    },
    {
        .method = "POST",
        .path = "/api/accounts/email/verify/confirm/",
        .roles = ECS_PUBLIC,
        .flags = ECS_R_NO_REPLAY,
        .fields = email_confirm_fields,
        .call = "accounts_email_verify_confirm",
        .status = 204,
        .summary = "Verify an e-mail with the token of a mail",
        .description = "`is_email_verified` of its account is true from then "
                       "on. Whoever has the token may do it, signed in or "
                       "not.",
        .before = mail_token_before,
    },
    {
        .method = "GET",
        .path = "/api/accounts/me/",
        .roles = ECS_ANY_ROLE,
        .call = "accounts_me",
        .status = 200,
        .answer = "Me",
        .summary = "Read the own account",
        .description = "User and profile in one object, with one ETag.",
    },
    {
        .method = "PATCH",
        .path = "/api/accounts/me/",
        .roles = ECS_ANY_ROLE,
        .fields = me_fields,
        .call = "accounts_me_update",
        .status = 200,
        .answer = "Me",
        .errors = "in_use",
        .summary = "Change the own account",
        .description = "location_lat and location_lng are given together; "
                       "null for both removes the location, but not while "
                       "the caller leads an auction.",
    },
    {
        .method = "GET",
        .path = "/api/accounts/sellers/{id}/",
        .roles = ECS_PUBLIC,
        .flags = ECS_R_CACHEABLE,
        .fields = by_id,
        .call = "accounts_seller",
        .status = 200,
        .answer = "SellerCard",
        .summary = "Read a seller's card",
        .description = "What anybody may know of a seller: never e-mail, "
                       "phone number or location.",
    },
    {
        .method = "GET",
        .path = "/api/accounts/users/",
        .roles = ECS_ADMINS,
        .flags = ECS_R_LIST,
        .fields = users_fields,
        .call = "accounts_users_list",
        .status = 200,
        .answer = "User",
        .summary = "List the shop's people",
        .description = "Newest first unless ordered otherwise.",
    },
    {
        .method = "POST",
        .path = "/api/accounts/users/",
        .roles = ECS_ADMINS,
        .fields = user_create_fields,
        .call = "accounts_user_create",
        .status = 201,
        .answer = "User",
        .errors = "permission_denied",
        .summary = "Create a courier or an admin",
        .description = "Admins create couriers, a superadmin also admins. "
                       "Without a password nobody can sign in to the account "
                       "yet; an invitation to set one goes out by mail, with "
                       "a token for password/reset/confirm/ that is good for "
                       "a week.",
        .before = account_before,
    },
    {
        .method = "GET",
        .path = "/api/accounts/users/{id}/",
        .roles = ECS_ADMINS,
        .fields = by_id,
        .call = "accounts_user",
        .status = 200,
        .answer = "User",
        .summary = "Read one of the shop's people",
        .description = "Every role, active or not.",
    },
    {
        .method = "PATCH",
        .path = "/api/accounts/users/{id}/",
        .roles = ECS_ADMINS,
        .fields = user_update_fields,
        .call = "accounts_user_update",
        .status = 200,
        .answer = "User",
        .errors = "permission_denied",
        .summary = "Close or reopen an account, change a role",
        .description = "Admins open and close accounts that are not admins'; "
                       "a superadmin also those, and changes roles. Nobody "
                       "changes their own. All sessions of the account end at "
                       "once.",
    },
    { NULL },
};

const ecs_schema_t ecs_accounts_schemas[] = {
    { "User", "An account as its owner and admins see it.", USER_MEMBERS },
    { "Me", "The own account with its profile.",
      USER_MEMBERS " bio:text location_lat:num? location_lng:num? "
                   "location_address:text city:str region:str country:str "
                   "postal_code:str image:Picture?" },
    { "SignIn", "The tokens of a new session and whose it is.",
      "access:str refresh:str expires_in:int user:User" },
    { "Tokens", "The next tokens of a session; expires_in is in seconds.",
      "access:str refresh:str expires_in:int" },
    { "OnItsWay", "What was asked for happens later.", "detail:str" },
    { "Nothing", "An object without members.", "" },
    { "SellerCard", "What anybody may know of a seller.",
      "id:id username:str picture:Picture? points:int "
      "rank:STARTER|SILVER|GOLD is_verified_seller:bool avg_rating:num ratings_count:int "
      "products_count:int brands:[SellerBrand] member_since:time" },
    { NULL },
};
