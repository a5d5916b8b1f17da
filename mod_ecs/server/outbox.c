/* SPDX-License-Identifier: MIT */
/*
 * outbox.c - the thread that delivers.
 *
 * Design notes
 * - It takes some due messages for LEASE_S seconds, delivers them one after the
 *   other and reports what came of them, at the latest each second. Whatever
 *   dies in between, the time of its messages is up some day and another child,
 *   or another host, delivers them again: at least once, with the same
 *   Message-ID.
 * - It does not begin a mail when it might not end within that time, so nobody
 *   else has the same message meanwhile.
 * - When the way itself is away (no connection, no log-in), the messages are
 *   given back uncounted and the thread rests, longer each time. A message is
 *   only counted against when it was the reason.
 * - When the child ends, what runs is given up and given back.
 */
#include "outbox.h"

#include <string.h>

#include <apr_strings.h>
#include <apr_thread_cond.h>
#include <apr_thread_mutex.h>
#include <apr_thread_proc.h>
#include <http_log.h>
#include <jansson.h>
#include <unistd.h>
#include <unixd.h>

#include "config.h"
#include "db.h"
#include "mail.h"
#include "media.h"
#include "server.h"

#define MESSAGES_MAX "20"  /* taken at once */
#define LEASE_S 120        /* they are ours */
#define BEGIN_S (LEASE_S - ECS_MAILER_SECONDS_MAX - 20) /* last time to begin */
#define POLL_S 1
#define DB_REST_S 2        /* while the database is away or has no functions */
#define AWAY_REST_S 1      /* the first time, then twice as long */
#define AWAY_REST_S_MAX 15
#define REPORT_TRIES 5

typedef struct worker_t {
    server_rec *s;
    const ecs_server_config_t *config;
    ecs_mailer_t *mailer;
    apr_thread_t *thread;
    apr_thread_mutex_t *lock; /* of the condition */
    apr_thread_cond_t *wake;
    int stop;                 /* atomic */
    int away;                 /* how often it was in a row */
    json_t *results;          /* not reported yet */
    apr_time_t reported;
} worker_t;

static int is_stopping(const worker_t *w)
{
    return __atomic_load_n(&w->stop, __ATOMIC_RELAXED);
}

static apr_int64_t number_of(const json_t *object, const char *name)
{
    return (apr_int64_t)json_integer_value(json_object_get(object, name));
}

static const char *text_of(const json_t *object, const char *name)
{
    return json_string_value(json_object_get(object, name));
}

/* ---- the database ---- */

static ecs_problem_t *ask(const worker_t *w, apr_pool_t *p, const char *sql,
                          int count, const char *const *params,
                          ecs_answer_t *answer)
{
    ecs_db_call_t call = {
        .sql = sql, .count = count, .params = params, .is_background = 1
    };

    return ecs_db_run(p, w->config->db, &call, answer);
}

/* A new reference, or NULL when the database is away. */
static json_t *claim(const worker_t *w, apr_pool_t *p)
{
    const char *params[] = { "mail", MESSAGES_MAX, apr_itoa(p, LEASE_S) };
    ecs_answer_t answer;

    if (ask(w, p, "SELECT * FROM ecs_api.outbox_claim(p_channel => $1, "
                  "p_most => $2, p_lease => $3)", 3, params, &answer)) {
        return NULL;
    }
    return json_loads(answer.body, 0, NULL);
}

static void tell_dead(const worker_t *w, const char *body)
{
    json_t *answer = json_loads(body, 0, NULL), *one;
    size_t i;

    json_array_foreach (json_object_get(answer, "dead"), i, one) {
        const char *error = text_of(one, "error");

        ap_log_error(APLOG_MARK, APLOG_WARNING, 0, w->s,
                     "ECS0063: the mail %" APR_INT64_T_FMT " (%s) cannot be "
                     "delivered: %s; see GET "
                     "/api/notifications/admin/outbox/?status=dead",
                     number_of(one, "id"),
                     text_of(one, "kind"),
                     error ? error : "");
    }
    json_decref(answer);
}

/* Several times, because an outcome that nobody hears is a mail sent twice. */
static void report(worker_t *w, apr_pool_t *p)
{
    char *text;
    const char *params[1];
    ecs_answer_t answer;
    ecs_problem_t *problem;
    int tries = 0;

    w->reported = apr_time_now();
    if (json_array_size(w->results) == 0) {
        return;
    }
    text = json_dumps(w->results, JSON_COMPACT);
    params[0] = text;
    do {
        if (tries > 0) {
            apr_sleep(apr_time_from_sec(1));
        }
        problem = ask(w, p, "SELECT * FROM ecs_api.outbox_report("
                            "p_results => $1)", 1, params, &answer);
    } while (problem && ++tries < REPORT_TRIES && !is_stopping(w));
    free(text);
    if (problem) {
        ap_log_error(APLOG_MARK, APLOG_WARNING, 0, w->s,
                     "ECS0064: what came of %d mails could not be written "
                     "down; those that were sent will come twice",
                     (int)json_array_size(w->results));
    }
    else {
        tell_dead(w, answer.body);
    }
    json_array_clear(w->results);
}

static void note(worker_t *w, const json_t *message, const char *outcome,
                 const char *error)
{
    json_array_append_new(w->results, json_pack(
        "{s:O, s:O, s:s, s:s*}", "id", json_object_get(message, "id"),
        "claim", json_object_get(message, "claim"), "outcome", outcome,
        "error", error));
}

/* ---- one mail ---- */

/* What the shop calls itself in mails. */
static const char *shop_of(const worker_t *w)
{
    const ecs_server_config_t *c = w->config;

    return *c->mail_from_name ? c->mail_from_name
                              : strchr(c->mail_from, '@') + 1;
}

/* Where it is: never what a client put into Host. */
static const char *url_of(const worker_t *w, apr_pool_t *p)
{
    const server_rec *s = w->s;
    const char *scheme = s->server_scheme ? s->server_scheme
        : s->port == 443                  ? "https"
                                          : "http";
    apr_port_t usual = strcmp(scheme, "https") ? 80 : 443;

    if (w->config->public_url) {
        return w->config->public_url;
    }
    return s->port && s->port != usual
        ? apr_psprintf(p, "%s://%s:%d", scheme, s->server_hostname, s->port)
        : apr_pstrcat(p, scheme, "://", s->server_hostname, NULL);
}

static json_t *words_of(const worker_t *w, apr_pool_t *p,
                        const json_t *message)
{
    json_t *words = json_object_get(message, "words");
    const char *nonce = text_of(message, "nonce");

    json_object_set_new(words, "shop", json_string(shop_of(w)));
    json_object_set_new(words, "url", json_string(url_of(w, p)));
    if (nonce) {
        json_object_set_new(words, "token", json_string(
            ecs_secrets_mail_token(p, w->config->secrets, nonce)));
    }
    return words;
}

/* The letter of a message; 0 when none can be made of it. */
static int write_letter(const worker_t *w, apr_pool_t *p,
                        const json_t *message, ecs_letter_t *letter)
{
    json_t *words = words_of(w, p, message);
    ecs_mail_t mail = {
        .from_name = w->config->mail_from_name,
        .from_address = w->config->mail_from,
        .to_name = text_of(words, "name"),
        .to_address = text_of(message, "destination"),
        .id = text_of(message, "message_id"),
        .date = apr_time_from_sec(number_of(message, "created")),
    };

    if (!ecs_mail_template_fill(w->config->mail_templates, p,
                                text_of(message, "kind"),
                                text_of(message, "type"), words,
                                &mail.subject, &mail.body)) {
        return 0;
    }
    letter->from = mail.from_address;
    letter->to = mail.to_address;
    letter->name = apr_psprintf(p, "%012" APR_INT64_T_FMT "-%s",
                                number_of(message, "id"),
                                text_of(message, "kind"));
    letter->text = ecs_mail_compose(p, &mail, &letter->length);
    return letter->text != NULL;
}

static void met_away(worker_t *w, const char *error)
{
    if (w->away++ == 0 && !is_stopping(w)) {
        ap_log_error(APLOG_MARK, APLOG_WARNING, 0, w->s,
                     "ECS0061: no mail can be delivered: %s; they are kept "
                     "and tried again, check EcsMail", error);
    }
}

static void met_success(worker_t *w)
{
    if (w->away > 0) {
        ap_log_error(APLOG_MARK, APLOG_NOTICE, 0, w->s,
                     "ECS0062: mails can be delivered again");
    }
    w->away = 0;
}

/* Returns whether the way is open. */
static int deliver(worker_t *w, apr_pool_t *p, const json_t *message)
{
    ecs_letter_t letter;
    const char *error = NULL;

    if (!write_letter(w, p, message, &letter)) {
        note(w, message, "refused", "No mail can be made of it");
        return 1;
    }
    switch (ecs_mailer_send(w->mailer, p, &letter, &error)) {
    case ECS_MAILER_SENT:
        note(w, message, "sent", NULL);
        met_success(w);
        return 1;
    case ECS_MAILER_REFUSED:
        note(w, message, "refused", error);
        return 1;
    case ECS_MAILER_FAILED:
        note(w, message, "failed", error);
        return 1;
    default:
        note(w, message, "returned", is_stopping(w) ? NULL : error);
        met_away(w, error);
        return 0;
    }
}

/* ---- the thread ---- */

static int away_rest_s(const worker_t *w)
{
    int seconds = AWAY_REST_S << (w->away < 5 ? w->away - 1 : 4);

    return seconds < AWAY_REST_S_MAX ? seconds : AWAY_REST_S_MAX;
}

/* One after the other; what cannot be begun any more is given back. */
static void deliver_all(worker_t *w, apr_pool_t *p, const json_t *messages)
{
    apr_time_t began = apr_time_now();
    int is_open = 1;
    json_t *message;
    size_t i;

    w->reported = began;
    json_array_foreach (messages, i, message) {
        if (is_open && !is_stopping(w)
            && apr_time_now() - began < apr_time_from_sec(BEGIN_S)) {
            is_open = deliver(w, p, message);
        }
        else {
            note(w, message, "returned", NULL);
        }
        if (apr_time_now() - w->reported > apr_time_from_sec(1)) {
            report(w, p);
        }
    }
    ecs_mailer_rest(w->mailer);
    report(w, p);
}

/* Deliver what is due; the seconds to rest. */
static int run_once(worker_t *w, apr_pool_t *p)
{
    json_t *claimed = claim(w, p);
    const json_t *messages = json_object_get(claimed, "messages");
    size_t count = json_array_size(messages);

    if (!claimed) {
        return DB_REST_S;
    }
    if (count > 0) {
        deliver_all(w, p, messages);
    }
    json_decref(claimed);
    if (w->away > 0) {
        return away_rest_s(w);
    }
    return count > 0 ? 0 : POLL_S;
}

static void rest(worker_t *w, int seconds)
{
    apr_thread_mutex_lock(w->lock);
    if (seconds > 0 && !is_stopping(w)) {
        apr_thread_cond_timedwait(w->wake, w->lock,
                                  apr_time_from_sec(seconds));
    }
    apr_thread_mutex_unlock(w->lock);
}

static void *APR_THREAD_FUNC run(apr_thread_t *thread, void *data)
{
    worker_t *w = data;
    apr_pool_t *p;

    apr_setup_signal_thread();
    apr_pool_create(&p, apr_thread_pool_get(thread));
    while (!is_stopping(w)) {
        int seconds = run_once(w, p);

        apr_pool_clear(p);
        rest(w, seconds);
    }
    return NULL;
}

static apr_status_t stop(void *data)
{
    worker_t *w = data;
    apr_status_t rv;

    apr_thread_mutex_lock(w->lock);
    __atomic_store_n(&w->stop, 1, __ATOMIC_RELAXED);
    apr_thread_cond_signal(w->wake);
    apr_thread_mutex_unlock(w->lock);
    apr_thread_join(&rv, w->thread);
    json_decref(w->results);
    return APR_SUCCESS;
}

static void start(apr_pool_t *pchild, server_rec *s)
{
    worker_t *w = apr_pcalloc(pchild, sizeof(*w));

    w->s = s;
    w->config = ecs_config_of(s);
    w->results = json_array();
    w->mailer = ecs_mailer_make(pchild, w->config->mail, &w->stop);
    if (apr_thread_mutex_create(&w->lock, APR_THREAD_MUTEX_DEFAULT, pchild)
            != APR_SUCCESS
        || apr_thread_cond_create(&w->wake, pchild) != APR_SUCCESS
        || apr_thread_create(&w->thread, NULL, run, w, pchild)
            != APR_SUCCESS) {
        ap_log_error(APLOG_MARK, APLOG_ERR, 0, s,
                     "ECS0065: this child delivers no mails: no thread");
        return;
    }
    apr_pool_pre_cleanup_register(pchild, w, stop);
}

void ecs_outbox_open(apr_pool_t *pchild, server_rec *main_server)
{
    server_rec *s;
    int is_shared_served = 0;

    for (s = main_server; s; s = s->next) {
        const ecs_server_config_t *config = ecs_config_of(s);

        if (!config->db || !config->mail_templates
            || (!config->is_db_own && is_shared_served)) {
            continue;
        }
        is_shared_served |= !config->is_db_own;
        start(pchild, s);
    }
}

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
