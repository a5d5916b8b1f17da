/* SPDX-License-Identifier: MIT */
/*
 * jobs.c - who runs which job when.
 *
 * Design notes
 * - Each child has a clock, a thread of mod_watchdog that ticks ten times a
 *   second. It is no singleton: a singleton's successor would wait ten seconds
 *   before it begins. Which child takes a turn is settled by one word of
 *   shared memory per job, the time when it is due: who moves it on runs the
 *   job. Nobody holds anything meanwhile, so a child that dies is not missed.
 * - Which host takes it is settled in the database, by an advisory lock that
 *   lives no longer than the one statement of the job (ecs_api.job_run). A host
 *   that dies leaves nothing behind, and the next tick of any other does the
 *   work.
 * - A job that works outside of the database claims its turn for a while, by
 *   the database's clock. Such jobs are slow and have a thread of their own, so
 *   that no auction has to wait for them.
 * - Jobs come to the database as requests do: they wait for their turn at the
 *   same gate, on the same connections.
 * - mod_watchdog's thread outlives pchild and with it the connections. So a
 *   tick holds a lock, and whoever destroys pchild takes it first.
 */
#include "jobs.h"

#include <pthread.h>
#include <unistd.h>

#include <ap_mpm.h>
#include <apr_network_io.h>
#include <apr_optional.h>
#include <apr_shm.h>
#include <apr_strings.h>
#include <http_log.h>
#include <mod_watchdog.h>

#include "chores.h"
#include "clock.h"
#include "db.h"
#include "server.h"

#define PAUSE_US (1 * APR_USEC_PER_SEC) /* while the database is away */

/* A job of a shop, shared by all children. */
typedef struct slot_t {
    apr_int64_t due;      /* by ecs_clock_us() */
    apr_int64_t last_run; /* wall clock */
    apr_int64_t last_success;
    apr_int64_t last_ms;
    apr_int64_t done;
    apr_int64_t failures;
} slot_t;

/* A thread in each child. */
typedef struct clock_thread_t {
    const char *name; /* mod_watchdog's */
    int is_slow;      /* runs chores */
    pthread_mutex_t ticks;
} clock_thread_t;

static clock_thread_t threads[] = {
    { .name = "_ecs_jobs_", .ticks = PTHREAD_MUTEX_INITIALIZER },
    { .name = "_ecs_chores_", .is_slow = 1,
      .ticks = PTHREAD_MUTEX_INITIALIZER },
};
#define THREADS ((int)(sizeof(threads) / sizeof(threads[0])))

/* Made in post_config. */
static apr_array_header_t *shops; /* of server_rec * */
static slot_t *slots;             /* shop by shop, in the table's order */
static const char *host;          /* how this httpd calls itself */
static int jobs_count;            /* of the table */

static int is_open;               /* may tick; under every clock's lock */
static int is_stopping;

int ecs_jobs_are_stopping(void)
{
    int state = AP_MPMQ_RUNNING;

    return __atomic_load_n(&is_stopping, __ATOMIC_RELAXED)
        || ap_mpm_query(AP_MPMQ_MPM_STATE, &state) != APR_SUCCESS
        || state == AP_MPMQ_STOPPING;
}

/* ---- one turn of one job ---- */

typedef struct turn_t {
    server_rec *s;
    const ecs_job_t *job;
    slot_t *slot;
    slot_t *shop; /* the first one of its shop */
    apr_pool_t *p;
    apr_time_t began; /* by ecs_clock_us() */
} turn_t;

/* Each returns the time until the next turn. */
typedef apr_interval_time_t wait_t;

static apr_interval_time_t interval_of(const ecs_job_t *job)
{
    return (apr_interval_time_t)job->interval_ms * 1000;
}

static int ms_since(apr_time_t began)
{
    return (int)((ecs_clock_us() - began) / 1000);
}

static ecs_problem_t *ask(const turn_t *t, const char *sql, int count,
                          const char *const *params, ecs_answer_t *answer)
{
    ecs_db_call_t call = {
        .sql = sql, .count = count, .params = params, .is_background = 1,
    };

    return ecs_db_run(t->p, ecs_config_of(t->s)->db, &call, answer);
}

static wait_t went_well(const turn_t *t, long long done)
{
    apr_time_t now = apr_time_now();

    __atomic_store_n(&t->slot->last_run, now, __ATOMIC_RELAXED);
    __atomic_store_n(&t->slot->last_success, now, __ATOMIC_RELAXED);
    __atomic_store_n(&t->slot->last_ms, ms_since(t->began), __ATOMIC_RELAXED);
    __atomic_add_fetch(&t->slot->done, done, __ATOMIC_RELAXED);
    return t->job->limit > 0 && done >= t->job->limit ? 0
                                                      : interval_of(t->job);
}

static wait_t failed(const turn_t *t, const ecs_answer_t *answer)
{
    __atomic_store_n(&t->slot->last_run, apr_time_now(), __ATOMIC_RELAXED);
    __atomic_add_fetch(&t->slot->failures, 1, __ATOMIC_RELAXED);
    ap_log_error(APLOG_MARK, APLOG_WARNING, 0, t->s,
                 "ECS0050: the job %s failed: %s; it is tried again in %ld "
                 "ms, and GET /api/jobs/ shows how it goes", t->job->name,
                 answer->body ? answer->body : "", (long)answer->total);
    return answer->total * 1000;
}

/* What the database says of a turn: see ecs_api.job_run(). */
static wait_t heed(const turn_t *t, const ecs_answer_t *answer)
{
    switch (answer->status) {
    case HTTP_OK:
        return went_well(t, answer->total);
    case HTTP_NO_CONTENT: /* another host has it, or it is not due */
        return answer->total * 1000;
    default:
        return failed(t, answer);
    }
}

/* The database is away, or has not got its functions yet: this goes for all
 * jobs of the shop. */
static wait_t rest(const turn_t *t)
{
    apr_time_t until = ecs_clock_us() + PAUSE_US;
    int i;

    for (i = 0; i < jobs_count; i++) {
        if (__atomic_load_n(&t->shop[i].due, __ATOMIC_RELAXED) < until) {
            __atomic_store_n(&t->shop[i].due, until, __ATOMIC_RELAXED);
        }
    }
    return PAUSE_US;
}

/* Tell what came of a chore, or of a statement that gave no answer. */
static wait_t report(const turn_t *t, long done, const char *error)
{
    const char *params[] = {
        t->job->name, host, apr_itoa(t->p, t->job->interval_ms),
        apr_itoa(t->p, ms_since(t->began)), apr_ltoa(t->p, done), error
    };
    ecs_answer_t answer;
    ecs_problem_t *problem =
        ask(t, "SELECT * FROM ecs_api.job_end(p_job => $1, p_host => $2, "
               "p_interval => $3, p_ms => $4, p_done => $5, p_error => $6)",
            6, params, &answer);

    return problem ? rest(t) : heed(t, &answer);
}

/* The statement had no answer of the job's. While the database is away there
 * is nobody to tell. */
static wait_t met_problem(const turn_t *t, const ecs_problem_t *problem)
{
    return strcmp(problem->code, "service_unavailable") != 0
        ? report(t, 0, problem->detail) : rest(t);
}

static wait_t run_sql(const turn_t *t)
{
    const char *params[] = {
        t->job->name, host, apr_itoa(t->p, t->job->interval_ms),
        apr_itoa(t->p, t->job->limit)
    };
    ecs_answer_t answer;
    ecs_problem_t *problem =
        ask(t, "SELECT * FROM ecs_api.job_run(p_job => $1, p_host => $2, "
               "p_interval => $3, p_limit => $4)", 4, params, &answer);

    return problem ? met_problem(t, problem) : heed(t, &answer);
}

static wait_t run_chore(const turn_t *t)
{
    const char *params[] = {
        t->job->name, host, apr_itoa(t->p, t->job->interval_ms),
        apr_itoa(t->p, t->job->lease_s)
    };
    ecs_answer_t answer;
    const char *error;
    long done = 0;
    ecs_problem_t *problem =
        ask(t, "SELECT * FROM ecs_api.job_begin(p_job => $1, p_host => $2, "
               "p_interval => $3, p_seconds => $4)", 4, params, &answer);

    if (problem) {
        return met_problem(t, problem);
    }
    if (answer.status != HTTP_OK) {
        return heed(t, &answer);
    }
    error = t->job->chore(t->s, t->p, &done);
    return report(t, done, error);
}

/* ---- the clocks ---- */

/* Is it due, and no other child's turn? Should this one die, it is due again
 * after one interval. */
static int is_my_turn(slot_t *slot, const ecs_job_t *job)
{
    apr_time_t now = ecs_clock_us();
    apr_int64_t due = __atomic_load_n(&slot->due, __ATOMIC_RELAXED);

    return due <= now
        && __atomic_compare_exchange_n(&slot->due, &due,
                                       now + interval_of(job), 0,
                                       __ATOMIC_RELAXED, __ATOMIC_RELAXED);
}

/* Whether there is more to do at once. */
static int take_turn(int shop, int index, apr_pool_t *ptick)
{
    turn_t turn = {
        .s = APR_ARRAY_IDX(shops, shop, server_rec *),
        .job = &ecs_jobs[index],
        .slot = &slots[shop * jobs_count + index],
        .shop = &slots[shop * jobs_count],
        .began = ecs_clock_us(),
    };
    wait_t wait;

    if (!is_my_turn(turn.slot, turn.job)) {
        return 0;
    }
    apr_pool_create(&turn.p, ptick);
    wait = turn.job->chore ? run_chore(&turn) : run_sql(&turn);
    __atomic_store_n(&turn.slot->due, ecs_clock_us() + wait, __ATOMIC_RELAXED);
    apr_pool_destroy(turn.p);
    return wait == 0;
}

/* A turn for each job that is due, then one more for those with more to do. */
static void run_jobs(int is_slow, apr_pool_t *ptick)
{
    int is_more = 1;

    while (is_more && !ecs_jobs_are_stopping()) {
        int shop, i;

        is_more = 0;
        for (shop = 0; shop < shops->nelts; shop++) {
            const ecs_server_config_t *config =
                ecs_config_of(APR_ARRAY_IDX(shops, shop, server_rec *));

            for (i = 0; i < jobs_count; i++) {
                const ecs_job_t *job = &ecs_jobs[i];

                if (!job->chore == !is_slow
                    && (!job->is_wanted || job->is_wanted(config))) {
                    is_more |= take_turn(shop, i, ptick);
                }
            }
        }
    }
}

static apr_status_t tick(int state, void *data, apr_pool_t *ptick)
{
    clock_thread_t *thread = data;

    if (state == AP_WATCHDOG_STATE_RUNNING
        && pthread_mutex_trylock(&thread->ticks) == 0) {
        if (is_open) {
            run_jobs(thread->is_slow, ptick);
        }
        pthread_mutex_unlock(&thread->ticks);
    }
    return APR_SUCCESS;
}

/* ---- the life of a child ---- */

static void set_open(int open)
{
    int i;

    for (i = 0; i < THREADS; i++) {
        pthread_mutex_lock(&threads[i].ticks);
    }
    is_open = open;
    for (i = 0; i < THREADS; i++) {
        pthread_mutex_unlock(&threads[i].ticks);
    }
}

static apr_status_t stop(void *unused)
{
    __atomic_store_n(&is_stopping, 1, __ATOMIC_RELAXED);
    set_open(0);
    return APR_SUCCESS;
}

void ecs_jobs_open(apr_pool_t *pchild)
{
    apr_pool_pre_cleanup_register(pchild, NULL, stop);
    set_open(1);
}

/* ---- at start-up ---- */

/* Servers that share connections share a database, and so its jobs. */
static int is_served(const server_rec *s)
{
    const ecs_server_config_t *config = ecs_config_of(s);
    int i;

    for (i = 0; i < shops->nelts; i++) {
        const ecs_server_config_t *other =
            ecs_config_of(APR_ARRAY_IDX(shops, i, server_rec *));

        if (!config->is_db_own && !other->is_db_own
            && config->media_dir == other->media_dir) {
            return 1;
        }
    }
    return 0;
}

static void find_shops(apr_pool_t *pconf, server_rec *main_server)
{
    server_rec *s;

    shops = apr_array_make(pconf, 1, sizeof(server_rec *));
    for (s = main_server; s; s = s->next) {
        if (ecs_config_of(s)->secrets && !is_served(s)) {
            APR_ARRAY_PUSH(shops, server_rec *) = s;
        }
    }
}

static int make_slots(apr_pool_t *pconf)
{
    apr_size_t size;
    apr_shm_t *shm;

    for (jobs_count = 0; ecs_jobs[jobs_count].name; jobs_count++) {
    }
    size = sizeof(slot_t) * (apr_size_t)(shops->nelts * jobs_count);
    if (apr_shm_create(&shm, size, NULL, pconf) != APR_SUCCESS) {
        return 0;
    }
    slots = memset(apr_shm_baseaddr_get(shm), 0, size);
    return 1;
}

/* "web1/4711", with the pid of the parent of all children. */
static const char *name_host(apr_pool_t *pconf)
{
    char name[APRMAXHOSTLEN + 1];

    if (apr_gethostname(name, sizeof(name), pconf) != APR_SUCCESS) {
        apr_cpystrn(name, "localhost", sizeof(name));
    }
    return apr_psprintf(pconf, "%s/%" APR_PID_T_FMT, name, getpid());
}

static int start_clocks(apr_pool_t *pconf)
{
    APR_OPTIONAL_FN_TYPE(ap_watchdog_get_instance) *get =
        APR_RETRIEVE_OPTIONAL_FN(ap_watchdog_get_instance);
    APR_OPTIONAL_FN_TYPE(ap_watchdog_register_callback) *add =
        APR_RETRIEVE_OPTIONAL_FN(ap_watchdog_register_callback);
    int i;

    for (i = 0; i < THREADS; i++) {
        ap_watchdog_t *watchdog = NULL;

        if (!get || !add
            || get(&watchdog, threads[i].name, 0, 0, pconf) != APR_SUCCESS
            || add(watchdog, AP_WD_TM_SLICE, &threads[i], tick)
                != APR_SUCCESS) {
            return 0;
        }
    }
    return 1;
}

void ecs_jobs_register(apr_pool_t *pconf, server_rec *main_server)
{
    find_shops(pconf, main_server);
    if (shops->nelts == 0) {
        return;
    }
    host = name_host(pconf);
    if (!make_slots(pconf) || !start_clocks(pconf)) {
        ap_log_error(APLOG_MARK, APLOG_WARNING, 0, main_server,
                     "ECS0052: nothing of the shop runs by itself: auctions "
                     "do not close, orders do not complete; load "
                     "watchdog_module");
    }
}

/* ---- how it goes ---- */

int ecs_jobs_report(int n, ecs_job_report_t *report)
{
    const slot_t *slot;

    if (!slots || n >= shops->nelts * jobs_count) {
        return 0;
    }
    slot = &slots[n];
    report->s = APR_ARRAY_IDX(shops, n / jobs_count, server_rec *);
    report->job = &ecs_jobs[n % jobs_count];
    report->last_run = __atomic_load_n(&slot->last_run, __ATOMIC_RELAXED);
    report->last_success = __atomic_load_n(&slot->last_success,
                                           __ATOMIC_RELAXED);
    report->last_ms = __atomic_load_n(&slot->last_ms, __ATOMIC_RELAXED);
    report->done = __atomic_load_n(&slot->done, __ATOMIC_RELAXED);
    report->failures = __atomic_load_n(&slot->failures, __ATOMIC_RELAXED);
    return 1;
}
