/* SPDX-License-Identifier: MIT */
/*
 * auth.c - `AuthType ecs`: bearer tokens as an authentication of httpd, and
 * `Require ecs-role …` as an authorisation, for the shop and for any other
 * Location of the server.
 *
 * The hook verifies the token and notes who it speaks for. Whether the session
 * still lives is asked where it costs nothing: for the shop's own routes in
 * the endpoint's statement (ecs_api.caller), for other Locations by one small
 * statement when a role is required.
 */
#include <string.h>

#include <apr_strings.h>
#include <http_core.h>
#include <http_log.h>
#include <http_request.h>
#include <mod_auth.h>

#include "db.h"
#include "server.h"

static const char AUTH_TYPE[] = "ecs";
static const char BEARER[] = "Bearer ";

static int uses_our_type(request_rec *r)
{
    const char *type = ap_auth_type(r);

    return type && !ap_cstr_casecmp(type, AUTH_TYPE);
}

/* `Require all granted` would skip authentication; with a token it is wanted
 * all the same, so that public routes know their caller. */
int ecs_auth_force_authn(request_rec *r)
{
    return uses_our_type(r) && apr_table_get(r->headers_in, "Authorization")
        ? OK : DECLINED;
}

static int refuse(request_rec *r, const char *code)
{
    apr_table_setn(r->err_headers_out, "WWW-Authenticate",
                   !strcmp(code, "not_authenticated") ? ECS_CHALLENGE
                                                      : ECS_CHALLENGE_INVALID);
    ecs_note_of(r)->problem = ecs_problem_make(r->pool, code, NULL);
    return HTTP_UNAUTHORIZED;
}

int ecs_auth_check_authn(request_rec *r)
{
    const ecs_server_config_t *config = ecs_config_of(r->server);
    const char *header = apr_table_get(r->headers_in, "Authorization");
    ecs_identity_t *who;
    const char *why;

    if (!uses_our_type(r) || !config->secrets) {
        return DECLINED;
    }
    if (!header) {
        return refuse(r, "not_authenticated");
    }
    who = apr_pcalloc(r->pool, sizeof(*who));
    why = !strncasecmp(header, BEARER, sizeof(BEARER) - 1)
        ? ecs_jwt_verify(r->pool, config->secrets, config->audience,
                         header + sizeof(BEARER) - 1, apr_time_now(), who)
        : "not a bearer token";
    if (why) {
        ap_log_rerror(APLOG_MARK, APLOG_INFO, 0, r,
                      "ECS0030: token refused: %s", why);
        return refuse(r, "token_not_valid");
    }
    r->user = apr_off_t_toa(r->pool, who->user_id);
    r->ap_auth_type = apr_pstrdup(r->pool, AUTH_TYPE);
    ecs_note_of(r)->who = who;
    return OK;
}

/* When an authorisation ends in 401: the session has ended, or another account
 * is wanted. */
int ecs_auth_note_failure(request_rec *r, const char *type)
{
    if (ap_cstr_casecmp(type, AUTH_TYPE) != 0) {
        return DECLINED;
    }
    apr_table_setn(r->err_headers_out, "WWW-Authenticate",
                   ECS_CHALLENGE_INVALID);
    return OK;
}

/* Ask once per request whether the session is alive. */
static int session_is_alive(request_rec *r, ecs_note_t *note)
{
    ecs_answer_t answer;

    if (note->session_is_good == 0) {
        const char *params[] = {
            apr_off_t_toa(r->pool, note->who->user_id),
            apr_off_t_toa(r->pool, note->who->session_id),
            ecs_role_name(note->who->role), ecs_request_address(r),
            note->request_id, NULL
        };
        ecs_db_call_t call = {
            .sql = "SELECT * FROM ecs_api.session_check(p_me => "
                   "ecs_api.caller($1, $2, $3, $4, $5, $6))",
            .count = 6, .params = params, .is_read = 1, .r = r,
        };

        note->problem = ecs_db_run(r->pool, ecs_config_of(r->server)->db,
                                   &call, &answer);
        note->session_is_good = note->problem ? -1 : 1;
    }
    return note->session_is_good > 0;
}

static unsigned roles_of(apr_pool_t *p, const char *words, const char **wrong)
{
    unsigned roles = 0;

    while (*words) {
        const char *word = ap_getword_conf(p, &words);
        unsigned role = ecs_role_of_name(word);

        if (!role) {
            *wrong = word;
            return 0;
        }
        roles |= role;
    }
    return roles;
}

static const char *parse_roles(cmd_parms *cmd, const char *line,
                               const void **parsed)
{
    const char *wrong = NULL;
    unsigned *roles = apr_palloc(cmd->pool, sizeof(*roles));

    *roles = roles_of(cmd->temp_pool, line, &wrong);
    if (wrong) {
        return apr_psprintf(cmd->pool, "Require ecs-role: '%s' is no role, "
                            "use user, seller, delivery, admin or superadmin",
                            wrong);
    }
    *parsed = roles;
    return *roles ? NULL : "Require ecs-role: name at least one role";
}

static authz_status check_role(request_rec *r, const char *line,
                               const void *parsed)
{
    const unsigned *roles = parsed;
    ecs_note_t *note = ecs_note_of(r);

    if (!r->user) {
        return AUTHZ_DENIED_NO_USER;
    }
    if (!note->who || !(note->who->role & *roles)) {
        return AUTHZ_DENIED;
    }
    if (session_is_alive(r, note)) {
        return AUTHZ_GRANTED;
    }
    ap_log_rerror(APLOG_MARK, APLOG_INFO, 0, r,
                  "ECS0031: the session of user %s is not confirmed: %s",
                  r->user, note->problem->code);
    /* When it could not be asked, the answer is neither yes nor no, and a
     * client must not throw its token away. */
    return note->problem->status == HTTP_UNAUTHORIZED ? AUTHZ_DENIED_NO_USER
                                                      : AUTHZ_GENERAL_ERROR;
}

static const authz_provider ROLE_PROVIDER = { check_role, parse_roles };

void ecs_auth_register_providers(apr_pool_t *p)
{
    ap_register_auth_provider(p, AUTHZ_PROVIDER_GROUP, "ecs-role",
                              AUTHZ_PROVIDER_VERSION, &ROLE_PROVIDER,
                              AP_AUTH_INTERNAL_PER_CONF);
}
