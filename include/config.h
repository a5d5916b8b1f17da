/* SPDX-License-Identifier: MIT */
/*
 * config.h - the directives of mod_ecs, all of them per virtual server, so
 * that several shops and plain sites live in one httpd.
 */
#ifndef ECS_CONFIG_H
#define ECS_CONFIG_H

#include <httpd.h>
#include <http_config.h>
#include "mail_template.h"
#include "mailer.h"
#include "route.h"
#include "secrets.h"

struct ecs_carrier_t;
struct ecs_gate_t;
struct ecs_db_t;

typedef struct ecs_server_config_t {
    const char *key_file;          /* EcsKeyFile */
    const char *previous_key_file;
    const char *audience;          /* EcsTokenAudience */
    int token_lifetime_s;          /* EcsTokenLifetime */
    const char *public_url;        /* EcsPublicUrl, no trailing slash */
    int error_format;              /* EcsErrorFormat, ECS_ERRORS_… */
    int db_connections;            /* EcsDbConnections, per child */
    int db_wait_ms;                /* EcsDbWait */
    int db_timeout_ms;             /* EcsDbTimeout */
    int hash_limit;                /* EcsHashLimit, per child */
    int carry_limit;               /* EcsCarryLimit */
    const char *media_dir;         /* EcsMediaDir, NULL: takes no pictures */
    const char *image_helper;      /* EcsImageHelper */
    int image_limit;               /* EcsImageLimit, per child */
    int auto_complete;             /* EcsAutoComplete */
    const ecs_mail_way_t *mail;    /* EcsMail, NULL: not said */
    const char *mail_from_name;    /* EcsMailFrom, with mail_from */
    const char *mail_from;         /* the address */
    const char *mail_password;     /* EcsMailPasswordFile: what is in it */
    const char *mail_dir;          /* EcsMailTemplates */
    int webhooks;                  /* EcsWebhooks */
    int webhook_private;           /* EcsWebhookAllowPrivate */
    apr_array_header_t *cors;      /* EcsCorsOrigin, of const char * */

    /* Set here, or inherited from the main server? Who inherits a limit
     * shares the gate that keeps it. */
    int is_db_own;
    int is_hash_own;
    int is_image_own;

    /* Made at start-up, not configured. */
    ecs_secrets_t *secrets;        /* NULL: the shop is off in this server */
    const ecs_router_t *router;
    const struct ecs_statement_t *statements; /* indexed like the router's */
    const char *openapi;           /* the generated document */
    const ecs_mail_templates_t *mail_templates; /* NULL: sends no mails */
    struct ecs_db_t *db;           /* per child */
    struct ecs_gate_t *hash_gate;  /* per child */
    struct ecs_gate_t *image_gate; /* per child */
    struct ecs_carrier_t *carrier; /* per child; NULL: each request alone */
} ecs_server_config_t;

#define ECS_MAIL_TEMPLATES_DEFAULT "/etc/mod_ecs/mail"

#define ECS_ERRORS_DRF 0
#define ECS_ERRORS_PROBLEM 1

/** The directive table and the two per-server callbacks of the module. */
extern const command_rec ecs_config_commands[];
void *ecs_config_create(apr_pool_t *p, server_rec *s);
void *ecs_config_merge(apr_pool_t *p, void *base, void *add);

/** The configuration of a server, defaults filled in. */
ecs_server_config_t *ecs_config_of(const server_rec *s);

/**
 * Fill in defaults and check everything that can be checked without a
 * database; called for each server in post_config. From then on each server
 * has a configuration of its own.
 * @return NULL, or what is wrong and what to do, for the error log
 */
const char *ecs_config_finish(apr_pool_t *p, server_rec *s,
                              server_rec *main_server);

#endif
