/* SPDX-License-Identifier: MIT */
/*
 * outbox.c - the threads that deliver, one for each channel: who waits for a slow
 * endpoint of webhooks holds up no mail.
 *
 * Design notes
 * - It takes some due messages for LEASE_S seconds, delivers them one after the
 *   other and reports what came of them, at the latest each second. Whatever
 *   dies in between, the time of its messages is up some day and another child,
 *   or another host, delivers them again: at least once, with the same
 *   Message-ID.
 * - It does not begin a message when it might not end within that time, so nobody
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

#include "config.h"
#include "db.h"
#include "json.h"
#include "server.h"
#include "utf8.h"

#define MESSAGES_MAX "20"  /* taken at once */
#define LEASE_S 120        /* they are ours */
#define POLL_S 1
#define DB_REST_S 2        /* while the database is away or has no functions */
#define AWAY_REST_S 1      /* the first time, then twice as long */
#define AWAY_REST_S_MAX 15
#define REPORT_TRIES 5

typedef struct worker_t {
    server_rec *s;
    const ecs_server_config_t *config;
    const ecs_channel_t *channel;
    void *sender;             /* the channel's */
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

apr_int64_t ecs_outbox_number(const json_t *object, const char *name)
{
    return (apr_int64_t)json_integer_value(json_object_get(object, name));
}

const char *ecs_outbox_text(const json_t *object, const char *name)
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
    const char *params[] = { w->channel->name, MESSAGES_MAX,
                             apr_itoa(p, LEASE_S) };
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
        const char *error = ecs_outbox_text(one, "error");

        ap_log_error(APLOG_MARK, APLOG_WARNING, 0, w->s,
                     "ECS0063: the %s %" APR_INT64_T_FMT " (%s) cannot be "
                     "delivered: %s; see GET "
                     "/api/notifications/admin/outbox/?status=dead",
                     w->channel->name, ecs_outbox_number(one, "id"),
                     ecs_outbox_text(one, "kind"),
                     error ? error : "");
    }
    json_decref(answer);
}

/* Several times, because an outcome that nobody hears is a mail sent twice. */
static void report(worker_t *w, apr_pool_t *p)
{
    const char *params[1];
    ecs_answer_t answer;
    ecs_problem_t *problem;
    int tries = 0;

    w->reported = apr_time_now();
    if (json_array_size(w->results) == 0) {
        return;
    }
    params[0] = ecs_json_dump(p, w->results);
    do {
        if (tries > 0) {
            apr_sleep(apr_time_from_sec(1));
        }
        problem = ask(w, p, w->channel->report, 1, params, &answer);
    } while (problem && ++tries < REPORT_TRIES && !is_stopping(w));
    if (problem) {
        ap_log_error(APLOG_MARK, APLOG_WARNING, 0, w->s,
                     "ECS0064: what came of %d %s could not be written down; "
                     "those that were sent will come twice",
                     (int)json_array_size(w->results), w->channel->many);
    }
    else {
        tell_dead(w, answer.body);
    }
    json_array_clear(w->results);
}

static const char *const outcomes[] = {
    [ECS_DELIVERY_SENT] = "sent",
    [ECS_DELIVERY_REFUSED] = "refused",
    [ECS_DELIVERY_FAILED] = "failed",
    [ECS_DELIVERY_LATER] = "returned",
    [ECS_DELIVERY_AWAY] = "returned",
};

/* What came of a message, to be reported; `more` is taken over. */
static void note(worker_t *w, const json_t *message, ecs_delivery_e outcome,
                 const char *error, json_t *more)
{
    json_object_update_new(more, json_pack(
        "{s:O, s:O, s:s, s:s*}", "id", json_object_get(message, "id"),
        "claim", json_object_get(message, "claim"), "outcome",
        outcomes[outcome], "error", error));
    json_array_append_new(w->results, more);
}

static void met_away(worker_t *w, const char *error)
{
    if (w->away++ == 0 && !is_stopping(w)) {
        ap_log_error(APLOG_MARK, APLOG_WARNING, 0, w->s,
                     "ECS0061: no %s can be delivered: %s; they are kept and "
                     "tried again, %s", w->channel->name, error,
                     w->channel->advice);
    }
}

static void met_success(worker_t *w)
{
    if (w->away > 0) {
        ap_log_error(APLOG_MARK, APLOG_NOTICE, 0, w->s,
                     "ECS0062: %s can be delivered again", w->channel->many);
    }
    w->away = 0;
}

/* Returns whether the way is open. */
static int deliver(worker_t *w, apr_pool_t *p, const json_t *message)
{
    const char *error = NULL;
    json_t *more = json_object();
    ecs_delivery_e outcome = w->channel->deliver(w->sender, p, message, more,
                                                 &error);

    error = error ? ecs_utf8_readable(p, error) : NULL;
    if (outcome == ECS_DELIVERY_AWAY) {
        met_away(w, error);
    }
    else if (outcome == ECS_DELIVERY_SENT) {
        met_success(w);
    }
    note(w, message, outcome,
         outcome == ECS_DELIVERY_AWAY && is_stopping(w) ? NULL : error, more);
    return outcome != ECS_DELIVERY_AWAY;
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
    apr_time_t began = apr_time_now(), last =
        began + apr_time_from_sec(LEASE_S - w->channel->seconds_max);
    int is_open = 1;
    json_t *message;
    size_t i;

    w->reported = began;
    json_array_foreach (messages, i, message) {
        if (is_open && !is_stopping(w) && apr_time_now() < last) {
            is_open = deliver(w, p, message);
        }
        else {
            note(w, message, ECS_DELIVERY_LATER, NULL, json_object());
        }
        if (apr_time_now() - w->reported > apr_time_from_sec(1)) {
            report(w, p);
        }
    }
    w->channel->rest(w->sender);
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

static void start(apr_pool_t *pchild, server_rec *s,
                  const ecs_channel_t *channel)
{
    worker_t *w = apr_pcalloc(pchild, sizeof(*w));

    w->s = s;
    w->config = ecs_config_of(s);
    w->results = json_array();
    w->channel = channel;
    w->sender = channel->make(pchild, s, &w->stop);
    if (apr_thread_mutex_create(&w->lock, APR_THREAD_MUTEX_DEFAULT, pchild)
            != APR_SUCCESS
        || apr_thread_cond_create(&w->wake, pchild) != APR_SUCCESS
        || apr_thread_create(&w->thread, NULL, run, w, pchild)
            != APR_SUCCESS) {
        ap_log_error(APLOG_MARK, APLOG_ERR, 0, s,
                     "ECS0065: this child delivers no %s: the system gave it no "
                     "thread; the other children deliver them", channel->many);
        return;
    }
    apr_pool_pre_cleanup_register(pchild, w, stop);
}

static void open_channel(apr_pool_t *pchild, server_rec *main_server,
                         const ecs_channel_t *channel)
{
    server_rec *s;
    int is_shared_served = 0;

    for (s = main_server; s; s = s->next) {
        const ecs_server_config_t *config = ecs_config_of(s);

        if (!config->db || !channel->is_served(config)
            || (!config->is_db_own && is_shared_served)) {
            continue;
        }
        is_shared_served |= !config->is_db_own;
        start(pchild, s, channel);
    }
}

void ecs_outbox_open(apr_pool_t *pchild, server_rec *main_server)
{
    open_channel(pchild, main_server, &ecs_mail_channel);
    open_channel(pchild, main_server, &ecs_webhook_channel);
}
