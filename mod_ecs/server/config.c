/* SPDX-License-Identifier: MIT */
/*
 * config.c - the directives: one table, one slot each, unset values marked so
 * that a virtual server inherits what it does not say itself.
 *
 * What can be checked without a database is checked while the file is read,
 * so that `apachectl configtest` names the file and the line.
 */
#include "config.h"

#include <stddef.h>
#include <string.h>
#include <unistd.h>

#include <apr_lib.h>
#include <apr_strings.h>
#include <http_core.h>
#include <http_log.h>
#include <unixd.h>

#include "mail.h"
#include "media.h"
#include "server.h"

#define UNSET (-1)

#define DB_CONNECTIONS_DEFAULT 4
#define DB_WAIT_MS_DEFAULT 1000
#define DB_TIMEOUT_MS_DEFAULT 6000
#define HASH_LIMIT_DEFAULT 2
#define CARRY_LIMIT_DEFAULT 128
#define IMAGE_LIMIT_DEFAULT 2
#define IMAGE_HELPER_DEFAULT "/usr/local/bin/ecs-image"
#define PASSWORD_BYTES_MAX 512
#define TOKEN_LIFETIME_S_DEFAULT 900
#define TOKEN_LIFETIME_S_MAX 86400
#define LIMIT_MAX 1000
#define MILLISECONDS_MAX 60000

void *ecs_config_create(apr_pool_t *p, server_rec *s)
{
    ecs_server_config_t *c = apr_pcalloc(p, sizeof(*c));

    c->token_lifetime_s = UNSET;
    c->error_format = UNSET;
    c->db_connections = UNSET;
    c->db_wait_ms = UNSET;
    c->db_timeout_ms = UNSET;
    c->hash_limit = UNSET;
    c->carry_limit = UNSET;
    c->image_limit = UNSET;
    c->auto_complete = UNSET;
    c->webhooks = UNSET;
    c->webhook_private = UNSET;
    return c;
}

static int either(int add, int base)
{
    return add == UNSET ? base : add;
}

void *ecs_config_merge(apr_pool_t *p, void *basev, void *addv)
{
    const ecs_server_config_t *base = basev;
    const ecs_server_config_t *add = addv;
    ecs_server_config_t *c = apr_pmemdup(p, add, sizeof(*c));

    if (!add->key_file) {
        c->key_file = base->key_file;
        c->previous_key_file = base->previous_key_file;
        c->secrets = base->secrets;
    }
    c->audience = add->audience ? add->audience : base->audience;
    c->public_url = add->public_url ? add->public_url : base->public_url;
    c->cors = add->cors ? add->cors : base->cors;
    c->media_dir = add->media_dir ? add->media_dir : base->media_dir;
    c->image_helper = add->image_helper ? add->image_helper
                                        : base->image_helper;
    c->image_limit = either(add->image_limit, base->image_limit);
    c->auto_complete = either(add->auto_complete, base->auto_complete);
    c->webhooks = either(add->webhooks, base->webhooks);
    c->webhook_private = either(add->webhook_private, base->webhook_private);
    c->mail = add->mail ? add->mail : base->mail;
    if (!add->mail_from) {
        c->mail_from = base->mail_from;
        c->mail_from_name = base->mail_from_name;
    }
    c->mail_password = add->mail_password ? add->mail_password
                                          : base->mail_password;
    c->mail_dir = add->mail_dir ? add->mail_dir : base->mail_dir;
    c->token_lifetime_s = either(add->token_lifetime_s,
                                 base->token_lifetime_s);
    c->error_format = either(add->error_format, base->error_format);
    c->db_connections = either(add->db_connections, base->db_connections);
    c->db_wait_ms = either(add->db_wait_ms, base->db_wait_ms);
    c->db_timeout_ms = either(add->db_timeout_ms, base->db_timeout_ms);
    c->hash_limit = either(add->hash_limit, base->hash_limit);
    c->carry_limit = either(add->carry_limit, base->carry_limit);
    c->is_db_own = add->db_connections != UNSET;
    c->is_hash_own = add->hash_limit != UNSET;
    c->is_image_own = add->image_limit != UNSET;
    return c;
}

ecs_server_config_t *ecs_config_of(const server_rec *s)
{
    return ap_get_module_config(s->module_config, &ecs_module);
}

static int or_default(int value, int initial)
{
    return value == UNSET ? initial : value;
}

/* Made by who starts httpd, for those as whom its children run. */
static const char *prepare_media(apr_pool_t *p, const ecs_server_config_t *c)
{
    int is_root = geteuid() == 0;
    int error = ecs_media_prepare(p, c->media_dir,
                                  is_root ? (int)ap_unixd_config.user_id : -1,
                                  is_root ? (int)ap_unixd_config.group_id : -1);

    return error ? apr_psprintf(p, "EcsMediaDir: cannot make %s: %s",
                                c->media_dir, strerror(error))
                 : NULL;
}

/* httpd gives a virtual server without a directive of ours the main server's
 * configuration itself; its database may be another one all the same. */
static ecs_server_config_t *own_config(apr_pool_t *p, server_rec *s,
                                       server_rec *main_server)
{
    ecs_server_config_t *c = ecs_config_of(s);

    if (s != main_server && c == ecs_config_of(main_server)) {
        c = apr_pmemdup(p, c, sizeof(*c));
        ap_set_module_config(s->module_config, &ecs_module, c);
    }
    return c;
}

const char *ecs_config_finish(apr_pool_t *p, server_rec *s,
                              server_rec *main_server)
{
    ecs_server_config_t *c = own_config(p, s, main_server);

    if (!c->audience) {
        c->audience = "mod_ecs";
    }
    c->token_lifetime_s =
        or_default(c->token_lifetime_s, TOKEN_LIFETIME_S_DEFAULT);
    c->error_format = or_default(c->error_format, ECS_ERRORS_DRF);
    c->db_connections = or_default(c->db_connections, DB_CONNECTIONS_DEFAULT);
    c->db_wait_ms = or_default(c->db_wait_ms, DB_WAIT_MS_DEFAULT);
    c->db_timeout_ms = or_default(c->db_timeout_ms, DB_TIMEOUT_MS_DEFAULT);
    c->hash_limit = or_default(c->hash_limit, HASH_LIMIT_DEFAULT);
    c->carry_limit = or_default(c->carry_limit, CARRY_LIMIT_DEFAULT);
    c->image_limit = or_default(c->image_limit, IMAGE_LIMIT_DEFAULT);
    c->auto_complete = or_default(c->auto_complete, 1);
    c->webhooks = or_default(c->webhooks, 1);
    c->webhook_private = or_default(c->webhook_private, 0);
    if (!c->image_helper) {
        c->image_helper = IMAGE_HELPER_DEFAULT;
    }
    if (c->secrets && !ecs_db_is_available()) {
        return "the shop needs mod_dbd: load dbd_module and set DBDriver "
               "pgsql and DBDParams (see conf/ecs.conf)";
    }
    return c->secrets && c->media_dir ? prepare_media(p, c) : NULL;
}

/* The directives ---------------------------------------------------------- */

static const char *set_key_file(cmd_parms *cmd, void *unused,
                                const char *path, const char *previous)
{
    ecs_server_config_t *c = ecs_config_of(cmd->server);
    const char *error = NULL;

    c->key_file = ap_server_root_relative(cmd->pool, path);
    if (previous) {
        c->previous_key_file = ap_server_root_relative(cmd->pool, previous);
    }
    c->secrets = ecs_secrets_load(cmd->pool, c->key_file,
                                  c->previous_key_file, &error);
    return error ? apr_pstrcat(cmd->pool, "EcsKeyFile: ", error, NULL) : NULL;
}

static const char *set_audience(cmd_parms *cmd, void *unused, const char *name)
{
    ecs_config_of(cmd->server)->audience = name;
    return *name ? NULL : "EcsTokenAudience: the name must not be empty";
}

static const char *set_public_url(cmd_parms *cmd, void *unused,
                                  const char *url)
{
    apr_size_t length = strlen(url);

    if (strncmp(url, "http://", 7) != 0 && strncmp(url, "https://", 8) != 0) {
        return apr_psprintf(cmd->pool, "EcsPublicUrl: '%s' must begin with "
                            "http:// or https://", url);
    }
    if (url[length - 1] == '/') {
        length--;
    }
    ecs_config_of(cmd->server)->public_url =
        apr_pstrmemdup(cmd->pool, url, length);
    return NULL;
}

static const char *set_media_dir(cmd_parms *cmd, void *unused,
                                 const char *path)
{
    ecs_config_of(cmd->server)->media_dir =
        ap_server_root_relative(cmd->pool, path);
    return NULL;
}

static const char *set_image_helper(cmd_parms *cmd, void *unused,
                                    const char *path)
{
    ecs_config_of(cmd->server)->image_helper =
        ap_server_root_relative(cmd->pool, path);
    return NULL;
}

static const char *set_mail(cmd_parms *cmd, void *unused, const char *text)
{
    ecs_mail_way_t *way = apr_pcalloc(cmd->pool, sizeof(*way));
    const char *error = ecs_mail_way_parse(cmd->pool, text, way);

    ecs_config_of(cmd->server)->mail = way;
    return error ? apr_pstrcat(cmd->pool, "EcsMail: ", error, NULL) : NULL;
}

static const char *set_mail_from(cmd_parms *cmd, void *unused,
                                 const char *text)
{
    ecs_server_config_t *c = ecs_config_of(cmd->server);

    return ecs_mail_split(cmd->pool, text, &c->mail_from_name, &c->mail_from)
        ? NULL : apr_psprintf(cmd->pool, "EcsMailFrom: '%s' not understood, "
                              "use shop@example.org or \"Shop "
                              "<shop@example.org>\"", text);
}

/* The first line of the file; it stands in no configuration that httpd shows. */
static const char *set_mail_password(cmd_parms *cmd, void *unused,
                                     const char *text)
{
    const char *path = ap_server_root_relative(cmd->pool, text);
    char line[PASSWORD_BYTES_MAX];
    apr_finfo_t info;
    apr_file_t *file;
    apr_status_t rv = apr_file_open(&file, path, APR_FOPEN_READ,
                                    APR_FPROT_OS_DEFAULT, cmd->temp_pool);

    if (rv == APR_SUCCESS) {
        rv = apr_file_gets(line, sizeof(line), file);
    }
    if (rv != APR_SUCCESS) {
        return apr_psprintf(cmd->pool, "EcsMailPasswordFile: cannot read %s: "
                            "%pm", path, &rv);
    }
    if (apr_file_info_get(&info, APR_FINFO_PROT, file) == APR_SUCCESS
        && info.protection & (APR_FPROT_WREAD | APR_FPROT_WWRITE)) {
        return apr_psprintf(cmd->pool, "EcsMailPasswordFile: %s is open to "
                            "others: chmod 0640 or 0600", path);
    }
    line[strcspn(line, "\r\n")] = '\0';
    ecs_config_of(cmd->server)->mail_password = apr_pstrdup(cmd->pool, line);
    return NULL;
}

static const char *set_mail_templates(cmd_parms *cmd, void *unused,
                                      const char *path)
{
    ecs_config_of(cmd->server)->mail_dir =
        ap_server_root_relative(cmd->pool, path);
    return NULL;
}

static const char *set_auto_complete(cmd_parms *cmd, void *unused, int is_on)
{
    ecs_config_of(cmd->server)->auto_complete = is_on;
    return NULL;
}

static const char *set_webhooks(cmd_parms *cmd, void *unused, int is_on)
{
    ecs_config_of(cmd->server)->webhooks = is_on;
    return NULL;
}

static const char *set_webhook_private(cmd_parms *cmd, void *unused,
                                       int is_on)
{
    ecs_config_of(cmd->server)->webhook_private = is_on;
    return NULL;
}

static const char *set_error_format(cmd_parms *cmd, void *unused,
                                    const char *word)
{
    ecs_server_config_t *c = ecs_config_of(cmd->server);

    if (!ap_cstr_casecmp(word, "drf")) {
        c->error_format = ECS_ERRORS_DRF;
    }
    else if (!ap_cstr_casecmp(word, "problem")) {
        c->error_format = ECS_ERRORS_PROBLEM;
    }
    else {
        return apr_psprintf(cmd->pool, "EcsErrorFormat: '%s' not understood, "
                            "use drf or problem", word);
    }
    return NULL;
}

static const char *set_cors_origin(cmd_parms *cmd, void *unused,
                                   const char *origin)
{
    ecs_server_config_t *c = ecs_config_of(cmd->server);

    if (!c->cors) {
        c->cors = apr_array_make(cmd->pool, 2, sizeof(const char *));
    }
    APR_ARRAY_PUSH(c->cors, const char *) = origin;
    return NULL;
}

/* The bounds of the directives that take a whole number. */
typedef struct limit_t {
    const char *unit;
    int max;
    apr_size_t offset; /* of the int in ecs_server_config_t */
} limit_t;

static limit_t db_connections = {
    "connections", LIMIT_MAX, offsetof(ecs_server_config_t, db_connections)
};
static limit_t db_wait = {
    "milliseconds", MILLISECONDS_MAX,
    offsetof(ecs_server_config_t, db_wait_ms)
};
static limit_t db_timeout = {
    "milliseconds", MILLISECONDS_MAX,
    offsetof(ecs_server_config_t, db_timeout_ms)
};
static limit_t hash_limit = {
    "hashes at once", LIMIT_MAX, offsetof(ecs_server_config_t, hash_limit)
};
static limit_t carry_limit = {
    "requests at once", LIMIT_MAX, offsetof(ecs_server_config_t, carry_limit)
};
static limit_t image_limit = {
    "pictures at once", LIMIT_MAX, offsetof(ecs_server_config_t, image_limit)
};
static limit_t token_lifetime = {
    "seconds", TOKEN_LIFETIME_S_MAX,
    offsetof(ecs_server_config_t, token_lifetime_s)
};

static const char *set_limit(cmd_parms *cmd, void *unused, const char *text)
{
    const limit_t *limit = cmd->info;
    char *config = (char *)ecs_config_of(cmd->server);
    char *end;
    apr_int64_t value = apr_strtoi64(text, &end, 10);

    if (end == text || *end || value < 1 || value > limit->max) {
        return apr_psprintf(cmd->pool, "%s: '%s' not understood, give 1 to %d "
                            "(%s)", cmd->cmd->name, text, limit->max,
                            limit->unit);
    }
    *(int *)(void *)(config + limit->offset) = (int)value;
    return NULL;
}

const command_rec ecs_config_commands[] = {
    AP_INIT_TAKE12("EcsKeyFile", set_key_file, NULL, RSRC_CONF,
                   "file with the shop's secret (32 bytes or more), and the "
                   "one used before it"),
    AP_INIT_TAKE1("EcsTokenAudience", set_audience, NULL, RSRC_CONF,
                  "claim `aud` of access tokens"),
    AP_INIT_TAKE1("EcsTokenLifetime", set_limit, &token_lifetime, RSRC_CONF,
                  "seconds an access token is valid"),
    AP_INIT_TAKE1("EcsPublicUrl", set_public_url, NULL, RSRC_CONF,
                  "scheme and host that links in answers begin with"),
    AP_INIT_TAKE1("EcsErrorFormat", set_error_format, NULL, RSRC_CONF,
                  "drf or problem: the shape of errors when the client has "
                  "no preference"),
    AP_INIT_TAKE1("EcsDbConnections", set_limit, &db_connections, RSRC_CONF,
                  "database connections used at once by a child"),
    AP_INIT_TAKE1("EcsDbWait", set_limit, &db_wait, RSRC_CONF,
                  "milliseconds a request waits for a connection"),
    AP_INIT_TAKE1("EcsDbTimeout", set_limit, &db_timeout, RSRC_CONF,
                  "milliseconds a statement may take"),
    AP_INIT_TAKE1("EcsHashLimit", set_limit, &hash_limit, RSRC_CONF,
                  "password hashes computed at once by a child"),
    AP_INIT_TAKE1("EcsCarryLimit", set_limit, &carry_limit, RSRC_CONF,
                  "bids on one auction that go to the database together"),
    AP_INIT_TAKE1("EcsMediaDir", set_media_dir, NULL, RSRC_CONF,
                  "directory of the shop's pictures"),
    AP_INIT_TAKE1("EcsImageHelper", set_image_helper, NULL, RSRC_CONF,
                  "the program that decodes pictures"),
    AP_INIT_TAKE1("EcsImageLimit", set_limit, &image_limit, RSRC_CONF,
                  "pictures decoded at once by a child"),
    AP_INIT_TAKE1("EcsMail", set_mail, NULL, RSRC_CONF,
                  "how mails leave: smtp://..., smtps://..., sendmail:/path, "
                  "dir:/path or none"),
    AP_INIT_TAKE1("EcsMailFrom", set_mail_from, NULL, RSRC_CONF,
                  "the address that mails come from, with or without a name"),
    AP_INIT_TAKE1("EcsMailPasswordFile", set_mail_password, NULL, RSRC_CONF,
                  "file with the password for the SMTP server"),
    AP_INIT_TAKE1("EcsMailTemplates", set_mail_templates, NULL, RSRC_CONF,
                  "directory of the texts of mails"),
    AP_INIT_FLAG("EcsAutoComplete", set_auto_complete, NULL, RSRC_CONF,
                 "whether delivered orders complete by themselves"),
    AP_INIT_FLAG("EcsWebhooks", set_webhooks, NULL, RSRC_CONF,
                 "whether this server delivers webhooks"),
    AP_INIT_FLAG("EcsWebhookAllowPrivate", set_webhook_private, NULL,
                 RSRC_CONF, "whether webhooks may go to addresses that are "
                 "not of the Internet, and by http"),
    AP_INIT_ITERATE("EcsCorsOrigin", set_cors_origin, NULL, RSRC_CONF,
                    "origins whose scripts may call the shop"),
    { NULL }
};
