/* SPDX-License-Identifier: MIT */
/*
 * jwt.c - a strict gate in front of libjwt.
 *
 * libjwt 1.10 believes the token's own `alg`, accepts everything when the key
 * is empty, decodes base64 leniently, keeps the last of duplicate members and
 * checks no times. So nothing reaches it here that was not proven first: the
 * form, a header that can only say HS256, and the MAC in constant time. Then
 * it decodes with the very key that fitted, and hands out claims whose types
 * were checked before, because its getters turn a wrong type into 0.
 *
 * Two headers are called jwt.h: ours is found by the quotes and libjwt's by
 * the brackets, which needs `-iquote include` instead of `-I include`.
 */
#include "jwt.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <apr_strings.h>

#include <jansson.h>
#include <jwt.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "route.h"

#ifndef JWT_H
#error "<jwt.h> is not libjwt's: compile with -iquote include, not -I include"
#endif

#define MAC_BYTES 32
#define JTI_BYTES 16
#define JTI_LENGTH_MAX 128
#define PART_BYTES_MAX (ECS_JWT_LENGTH_MAX * 3 / 4)
#define TIME_S_MAX (APR_INT64_MAX / APR_USEC_PER_SEC)
#define LL_DIGITS_MAX 19

static const char REASON_MALFORMED[] = "malformed";
static const char REASON_SIGNATURE[] = "signature";
static const char REASON_CLAIMS[] = "claims";
static const char REASON_EXPIRED[] = "expired";

/* A token cut at its dots; nothing is copied. */
typedef struct parts_t {
    const char *header, *claims, *mac;
    apr_size_t header_length, claims_length, mac_length;
    apr_size_t signed_length; /* from the start to the second dot */
} parts_t;

typedef struct role_t {
    unsigned bit;
    const char *name;
} role_t;

static const role_t ROLES[] = {
    {ECS_USER, "user"},
    {ECS_SELLER, "seller"},
    {ECS_DELIVERY, "delivery"},
    {ECS_ADMIN, "admin"},
    {ECS_SUPERADMIN, "superadmin"},
};

typedef struct claim_t {
    const char *name;
    json_type type;
    int required;
} claim_t;

/*
 * nbf is not written here but honoured. Members not named are ignored, as
 * RFC 7519 section 4 asks, so that a later version may add some.
 */
static const claim_t CLAIMS[] = {
    {"sub", JSON_STRING, 1},  {"sid", JSON_INTEGER, 1},
    {"role", JSON_STRING, 1}, {"iat", JSON_INTEGER, 1},
    {"exp", JSON_INTEGER, 1}, {"iss", JSON_STRING, 1},
    {"aud", JSON_STRING, 1},  {"jti", JSON_STRING, 1},
    {"nbf", JSON_INTEGER, 0},
};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* ---- form ---- */

static int sextet(unsigned char c)
{
    if (c >= 'A' && c <= 'Z') {
        return c - 'A';
    }
    if (c >= 'a' && c <= 'z') {
        return c - 'a' + 26;
    }
    if (c >= '0' && c <= '9') {
        return c - '0' + 52;
    }
    if (c == '-') {
        return 62;
    }
    return c == '_' ? 63 : -1;
}

/*
 * Decode canonical base64url (RFC 4648 section 5) without padding: no foreign
 * character, and the bits left over are zero, so that each value has one
 * spelling.
 * @return bytes written to `out` (length * 3 / 4 at most), or -1
 */
static int decode_part(const char *text, apr_size_t length, unsigned char *out)
{
    unsigned bits = 0;
    int held = 0;
    int count = 0;
    apr_size_t i;

    if (length % 4 == 1) {
        return -1;
    }
    for (i = 0; i < length; i++) {
        int value = sextet((unsigned char)text[i]);

        if (value < 0) {
            return -1;
        }
        bits = bits << 6 | (unsigned)value;
        held += 6;
        if (held >= 8) {
            held -= 8;
            out[count++] = (unsigned char)(bits >> held);
            bits &= (1u << held) - 1u;
        }
    }
    return bits == 0 ? count : -1;
}

/* Exactly two dots with something before, between and behind them. */
static int split(const char *token, parts_t *parts)
{
    apr_size_t length = strnlen(token, ECS_JWT_LENGTH_MAX + 1);
    const char *end = token + length;
    const char *first, *second;

    if (length > ECS_JWT_LENGTH_MAX) {
        return 0;
    }
    first = memchr(token, '.', length);
    if (!first) {
        return 0;
    }
    second = memchr(first + 1, '.', (apr_size_t)(end - first) - 1);
    if (!second) {
        return 0;
    }
    parts->header = token;
    parts->header_length = (apr_size_t)(first - token);
    parts->claims = first + 1;
    parts->claims_length = (apr_size_t)(second - first) - 1;
    parts->mac = second + 1;
    parts->mac_length = (apr_size_t)(end - second) - 1;
    parts->signed_length = (apr_size_t)(second - token);
    return parts->header_length && parts->claims_length && parts->mac_length;
}

static int is_member(const json_t *object, const char *name, const char *value)
{
    const char *text = json_string_value(json_object_get(object, name));

    return text && strcmp(text, value) == 0;
}

static int is_header_good(const parts_t *parts)
{
    unsigned char data[PART_BYTES_MAX];
    int length = decode_part(parts->header, parts->header_length, data);
    json_t *header;
    int good;

    if (length < 0) {
        return 0;
    }
    header = json_loadb((const char *)data, (size_t)length,
                        JSON_REJECT_DUPLICATES, NULL);
    good = json_object_size(header) == 2 && is_member(header, "alg", "HS256") &&
           is_member(header, "typ", "JWT");
    json_decref(header);
    return good;
}

/* ---- signature ---- */

static int is_mac_of(const unsigned char key[ECS_KEY_BYTES], const char *token,
                     apr_size_t length, const unsigned char mac[MAC_BYTES])
{
    unsigned char right[EVP_MAX_MD_SIZE];
    unsigned int right_length = 0;

    return HMAC(EVP_sha256(), key, ECS_KEY_BYTES, (const unsigned char *)token,
                length, right, &right_length) &&
           right_length == MAC_BYTES &&
           CRYPTO_memcmp(right, mac, MAC_BYTES) == 0;
}

/* The key that signed the token, or NULL. */
static const unsigned char *find_key(const ecs_secrets_t *keys,
                                     const char *token, const parts_t *parts,
                                     const unsigned char mac[MAC_BYTES])
{
    if (is_mac_of(keys->token, token, parts->signed_length, mac)) {
        return keys->token;
    }
    if (keys->has_previous &&
        is_mac_of(keys->previous_token, token, parts->signed_length, mac)) {
        return keys->previous_token;
    }
    return NULL;
}

/* ---- claims ---- */

static int are_types_good(const json_t *claims)
{
    apr_size_t i;

    for (i = 0; i < COUNT(CLAIMS); i++) {
        const json_t *value = json_object_get(claims, CLAIMS[i].name);

        if (value ? json_typeof(value) != CLAIMS[i].type : CLAIMS[i].required) {
            return 0;
        }
    }
    return 1;
}

/* Read strictly what libjwt reads loosely afterwards. */
static int is_claims_form_good(const unsigned char *data, int length)
{
    json_t *claims = json_loadb((const char *)data, (size_t)length,
                                JSON_REJECT_DUPLICATES, NULL);
    int good = json_is_object(claims) && are_types_good(claims);

    json_decref(claims);
    return good;
}

/* Decimal text of a positive number in its one spelling; 0 for all else. */
static long long id_of_text(const char *text)
{
    apr_size_t length = strlen(text);
    char *end;
    long long id;

    if (length == 0 || length > LL_DIGITS_MAX || text[0] == '0' ||
        strspn(text, "0123456789") != length) {
        return 0;
    }
    errno = 0;
    id = strtoll(text, &end, 10);
    return errno == 0 && *end == '\0' ? id : 0;
}

static int is_time(long long seconds)
{
    return seconds > 0 && seconds <= TIME_S_MAX;
}

static const char *check_times(jwt_t *jwt, apr_time_t now, ecs_identity_t *who)
{
    long long now_s = apr_time_sec(now);
    long long iat = jwt_get_grant_int(jwt, "iat");
    long long exp = jwt_get_grant_int(jwt, "exp");
    long long nbf = jwt_get_grant_int(jwt, "nbf"); /* -1 when absent */

    if (!is_time(iat) || !is_time(exp) || iat >= exp ||
        iat > now_s + ECS_JWT_LEEWAY_S || nbf > now_s + ECS_JWT_LEEWAY_S) {
        return REASON_CLAIMS;
    }
    who->issued_at = apr_time_from_sec(iat);
    who->expires_at = apr_time_from_sec(exp);
    return now < who->expires_at ? NULL : REASON_EXPIRED;
}

static const char *read_claims(apr_pool_t *p, jwt_t *jwt, const char *audience,
                               apr_time_t now, ecs_identity_t *who)
{
    const char *jti = jwt_get_grant(jwt, "jti");

    who->user_id = id_of_text(jwt_get_grant(jwt, "sub"));
    who->session_id = jwt_get_grant_int(jwt, "sid");
    who->role = ecs_role_of_name(jwt_get_grant(jwt, "role"));
    if (who->user_id <= 0 || who->session_id <= 0 || who->role == 0 ||
        strcmp(jwt_get_grant(jwt, "iss"), ECS_JWT_ISSUER) != 0 ||
        strcmp(jwt_get_grant(jwt, "aud"), audience) != 0 || jti[0] == '\0' ||
        strlen(jti) > JTI_LENGTH_MAX) {
        return REASON_CLAIMS;
    }
    who->jti = apr_pstrdup(p, jti);
    return check_times(jwt, now, who);
}

/* libjwt's turn, with the key that is known to fit. */
static const char *decode(apr_pool_t *p, const unsigned char *key,
                          const char *audience, const char *token,
                          apr_time_t now, ecs_identity_t *who)
{
    const char *reason = REASON_SIGNATURE;
    jwt_t *jwt = NULL;

    if (jwt_decode(&jwt, token, key, ECS_KEY_BYTES) == 0 && jwt &&
        jwt_get_alg(jwt) == JWT_ALG_HS256) {
        reason = read_claims(p, jwt, audience, now, who);
    }
    jwt_free(jwt);
    return reason;
}

/* ---- issue ---- */

static int is_issuable(const char *audience, const ecs_identity_t *who,
                       apr_time_t now, int lifetime_s)
{
    return audience && audience[0] && who->user_id > 0 && who->session_id > 0 &&
           ecs_role_name(who->role) && apr_time_sec(now) > 0 && lifetime_s > 0;
}

static int add_claims(apr_pool_t *p, jwt_t *jwt, const char *audience,
                      const ecs_identity_t *who, long iat, int lifetime_s)
{
    const char *jti =
        who->jti ? who->jti : ecs_secrets_random_url(p, JTI_BYTES);

    return jti && jti[0] && strlen(jti) <= JTI_LENGTH_MAX &&
           jwt_add_grant(jwt, "iss", ECS_JWT_ISSUER) == 0 &&
           jwt_add_grant(jwt, "aud", audience) == 0 &&
           jwt_add_grant(jwt, "sub",
                         apr_psprintf(p, "%" APR_INT64_T_FMT,
                                      (apr_int64_t)who->user_id)) == 0 &&
           jwt_add_grant_int(jwt, "sid", (long)who->session_id) == 0 &&
           jwt_add_grant(jwt, "role", ecs_role_name(who->role)) == 0 &&
           jwt_add_grant(jwt, "jti", jti) == 0 &&
           jwt_add_grant_int(jwt, "iat", iat) == 0 &&
           jwt_add_grant_int(jwt, "exp", iat + lifetime_s) == 0;
}

/* Copy libjwt's text to the pool and give its memory back. */
static const char *encode(apr_pool_t *p, jwt_t *jwt)
{
    char *text = jwt_encode_str(jwt);
    const char *token = NULL;

    if (text && strlen(text) <= ECS_JWT_LENGTH_MAX) {
        token = apr_pstrdup(p, text);
    }
    free(text);
    return token;
}

/* ---- public ---- */

const char *ecs_jwt_issue(apr_pool_t *p, const ecs_secrets_t *keys,
                          const char *audience, const ecs_identity_t *who,
                          apr_time_t now, int lifetime_s)
{
    const char *token = NULL;
    jwt_t *jwt = NULL;

    if (!is_issuable(audience, who, now, lifetime_s) || jwt_new(&jwt) != 0) {
        return NULL;
    }
    if (jwt_set_alg(jwt, JWT_ALG_HS256, keys->token, ECS_KEY_BYTES) == 0 &&
        add_claims(p, jwt, audience, who, (long)apr_time_sec(now),
                   lifetime_s)) {
        token = encode(p, jwt);
    }
    jwt_free(jwt);
    return token;
}

const char *ecs_jwt_verify(apr_pool_t *p, const ecs_secrets_t *keys,
                           const char *audience, const char *token,
                           apr_time_t now, ecs_identity_t *who)
{
    unsigned char data[PART_BYTES_MAX];
    unsigned char mac[PART_BYTES_MAX];
    const unsigned char *key;
    const char *reason;
    ecs_identity_t found = {0};
    parts_t parts;
    int length;

    if (!token || !split(token, &parts) || !is_header_good(&parts)) {
        return REASON_MALFORMED;
    }
    length = decode_part(parts.claims, parts.claims_length, data);
    if (length < 0 ||
        decode_part(parts.mac, parts.mac_length, mac) != MAC_BYTES) {
        return REASON_MALFORMED;
    }
    key = find_key(keys, token, &parts, mac);
    if (!key) {
        return REASON_SIGNATURE;
    }
    if (!is_claims_form_good(data, length)) {
        return REASON_CLAIMS;
    }
    reason = decode(p, key, audience, token, now, &found);
    if (!reason) {
        *who = found;
    }
    return reason;
}

const char *ecs_role_name(unsigned role)
{
    apr_size_t i;

    for (i = 0; i < COUNT(ROLES); i++) {
        if (ROLES[i].bit == role) {
            return ROLES[i].name;
        }
    }
    return NULL;
}

unsigned ecs_role_of_name(const char *name)
{
    apr_size_t i;

    for (i = 0; name && i < COUNT(ROLES); i++) {
        if (strcmp(ROLES[i].name, name) == 0) {
            return ROLES[i].bit;
        }
    }
    return 0;
}
