/* SPDX-License-Identifier: MIT */
/*
 * accounts.c - registration, sign-in, profiles and the shop's people.
 * No password and no token reaches PostgreSQL: what is to be done with them is
 * done by the steps that rows name (account_steps.h).
 */
#include "account_steps.h"
#include "api.h"
#include "password.h"

#define TOKEN_CHARS_MAX ECS_JWT_LENGTH_MAX
#define ROLES "user seller delivery admin superadmin"
#define ROLE_WORD "user|seller|delivery|admin|superadmin"
#define USER_MEMBERS                                                          \
    "id:id email:email username:str first_name:str last_name:str "            \
    "phone_number:str role:" ROLE_WORD " is_active:bool "                     \
    "is_email_verified:bool points:int rank:STARTER|SILVER|GOLD "             \
    "is_verified_seller:bool created_at:time"

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
        .before = ecs_account_step_create,
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
        .before = ecs_account_step_prove,
        .after = ecs_account_step_sign_in,
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
        .before = ecs_account_step_refresh,
        .after = ecs_account_step_hand_out,
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
        .before = ecs_account_step_verify,
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
        .before = ecs_account_step_logout,
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
        .before = ecs_account_step_change,
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
        .before = ecs_account_step_make_token,
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
        .before = ecs_account_step_reset,
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
        .before = ecs_account_step_make_token,
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
        .before = ecs_account_step_take_token,
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
        .before = ecs_account_step_create,
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
                       "once; orders that a courier claimed and did not ship "
                       "are free again within a minute.",
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
