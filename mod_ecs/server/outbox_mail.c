/* SPDX-License-Identifier: MIT */
/*
 * outbox_mail.c - the outbox's way to mailboxes: a letter is made of a message and
 * its template, and handed to the mailer.
 *
 * When the way itself is away (no connection, no log-in), no other mail would
 * have gone either; a message is only counted against when it was the reason.
 */
#include "outbox.h"

#include <string.h>

#include <apr_strings.h>
#include <http_log.h>
#include <unistd.h>
#include <unixd.h>

#include "config.h"
#include "mail.h"
#include "media.h"
#include "server.h"

typedef struct mail_sender_t {
    server_rec *s;
    const ecs_server_config_t *config;
    ecs_mailer_t *mailer;
} mail_sender_t;

/* ---- one mail ---- */

/* What the shop calls itself in mails. */
static const char *shop_of(const mail_sender_t *m)
{
    const ecs_server_config_t *c = m->config;

    return *c->mail_from_name ? c->mail_from_name
                              : strchr(c->mail_from, '@') + 1;
}

/* Where it is: never what a client put into Host. */
static const char *url_of(const mail_sender_t *m, apr_pool_t *p)
{
    const server_rec *s = m->s;
    const char *scheme = s->server_scheme ? s->server_scheme
        : s->port == 443                  ? "https"
                                          : "http";
    apr_port_t usual = strcmp(scheme, "https") ? 80 : 443;

    if (m->config->public_url) {
        return m->config->public_url;
    }
    return s->port && s->port != usual
        ? apr_psprintf(p, "%s://%s:%d", scheme, s->server_hostname, s->port)
        : apr_pstrcat(p, scheme, "://", s->server_hostname, NULL);
}

static json_t *words_of(const mail_sender_t *m, apr_pool_t *p,
                        const json_t *message)
{
    json_t *words = json_object_get(message, "words");
    const char *nonce = ecs_outbox_text(message, "nonce");

    json_object_set_new(words, "shop", json_string(shop_of(m)));
    json_object_set_new(words, "url", json_string(url_of(m, p)));
    if (nonce) {
        json_object_set_new(words, "token", json_string(
            ecs_secrets_mail_token(p, m->config->secrets, nonce)));
    }
    return words;
}

/* The letter of a message; 0 when none can be made of it. */
static int write_letter(const mail_sender_t *m, apr_pool_t *p,
                        const json_t *message, ecs_letter_t *letter)
{
    json_t *words = words_of(m, p, message);
    const char *type = ecs_outbox_text(message, "type");
    ecs_mail_t mail = {
        .from_name = m->config->mail_from_name,
        .from_address = m->config->mail_from,
        .to_name = ecs_outbox_text(words, "name"),
        .to_address = ecs_outbox_text(message, "destination"),
        .id = ecs_outbox_text(message, "message_id"),
        .date = apr_time_from_sec(ecs_outbox_number(message, "created")),
        .is_8bit = m->config->mail->way == ECS_MAIL_DIR,
    };

    if (!ecs_mail_template_fill(m->config->mail_templates, p,
                                ecs_outbox_text(message, "kind"), type, words,
                                &mail.subject, &mail.body)) {
        return 0;
    }
    letter->from = mail.from_address;
    letter->to = mail.to_address;
    letter->name = apr_psprintf(p, "%012" APR_INT64_T_FMT "-%s%s%s",
                                ecs_outbox_number(message, "id"),
                                ecs_outbox_text(message, "kind"),
                                type ? "-" : "", type ? type : "");
    letter->text = ecs_mail_compose(p, &mail, &letter->length);
    return letter->text != NULL;
}

/* ---- the channel ---- */

static int is_served(const ecs_server_config_t *config)
{
    return config->mail_templates != NULL;
}

static void *make(apr_pool_t *p, server_rec *s, const int *stop)
{
    mail_sender_t *m = apr_pcalloc(p, sizeof(*m));

    m->s = s;
    m->config = ecs_config_of(s);
    m->mailer = ecs_mailer_make(p, m->config->mail, stop);
    return m;
}

static ecs_delivery_e deliver(void *sender, apr_pool_t *p,
                              const json_t *message, json_t *result,
                              const char **error)
{
    mail_sender_t *m = sender;
    ecs_letter_t letter;

    if (!write_letter(m, p, message, &letter)) {
        *error = "No mail can be made of it";
        return ECS_DELIVERY_REFUSED;
    }
    switch (ecs_mailer_send(m->mailer, p, &letter, error)) {
    case ECS_MAILER_SENT:
        return ECS_DELIVERY_SENT;
    case ECS_MAILER_REFUSED:
        return ECS_DELIVERY_REFUSED;
    case ECS_MAILER_FAILED:
        return ECS_DELIVERY_FAILED;
    default:
        return ECS_DELIVERY_AWAY;
    }
}

static void rest(void *sender)
{
    mail_sender_t *m = sender;

    ecs_mailer_rest(m->mailer);
}

const ecs_channel_t ecs_mail_channel = {
    .name = "mail",
    .many = "mails",
    .advice = "check EcsMail",
    .report = "SELECT * FROM ecs_api.outbox_report(p_results => $1)",
    .seconds_max = ECS_MAILER_SECONDS_MAX + 20,
    .is_served = is_served,
    .make = make,
    .deliver = deliver,
    .rest = rest,
};

/* ---- at start-up ---- */

/* Made by who starts httpd, for those as whom its children run. */
static const char *prepare_directory(apr_pool_t *p, const char *path)
{
    int is_root = geteuid() == 0;
    int error = ecs_media_make_dir(p, path,
                                   is_root ? (int)ap_unixd_config.user_id : -1,
                                   is_root ? (int)ap_unixd_config.group_id
                                           : -1);

    return error ? apr_psprintf(p, "EcsMail: cannot make %s: %s", path,
                                strerror(error)) : NULL;
}

static int sends_mails(const ecs_server_config_t *config)
{
    return config->secrets && config->mail
        && config->mail->way != ECS_MAIL_NONE;
}

/* What can be wrong without a look at anything but the configuration. */
static const char *check(apr_pool_t *p, const ecs_server_config_t *config,
                         const char *types, ecs_mail_templates_t **templates)
{
    const char *dir = config->mail_dir ? config->mail_dir
                                       : ECS_MAIL_TEMPLATES_DEFAULT;
    const char *error = NULL;

    if (!config->mail_from) {
        return "EcsMail needs EcsMailFrom, the address that mails come from";
    }
    if (config->mail->user && !config->mail_password) {
        return "EcsMail names a user, so it needs EcsMailPasswordFile";
    }
    *templates = ecs_mail_templates_load(p, dir, types, &error);
    return error ? apr_pstrcat(p, "EcsMailTemplates: ", error, NULL) : NULL;
}

const char *ecs_outbox_check(apr_pool_t *p, const server_rec *s,
                             const char *types)
{
    const ecs_server_config_t *config = ecs_config_of(s);
    ecs_mail_templates_t *templates;

    return sends_mails(config) ? check(p, config, types, &templates) : NULL;
}

const char *ecs_outbox_prepare(apr_pool_t *pconf, server_rec *s,
                               const char *types)
{
    ecs_server_config_t *config = ecs_config_of(s);
    ecs_mail_templates_t *templates = NULL;
    const char *error;
    ecs_mail_way_t *way;

    if (!sends_mails(config)) {
        if (config->secrets) {
            ap_log_error(APLOG_MARK, APLOG_NOTICE, 0, s, "ECS0060: the shop "
                         "sends no mails: EcsMail names no way for them");
        }
        return NULL;
    }
    error = check(pconf, config, types, &templates);
    if (error) {
        return error;
    }
    way = apr_pmemdup(pconf, config->mail, sizeof(*way));
    way->password = config->mail_password;
    config->mail = way;
    config->mail_templates = templates;
    return way->way == ECS_MAIL_DIR ? prepare_directory(pconf, way->place)
                                    : NULL;
}
