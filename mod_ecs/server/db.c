/* SPDX-License-Identifier: MIT */
/*
 * db.c - connections from mod_dbd, statements by libpq.
 *
 * Design notes
 * - A gate of EcsDbConnections places stands in front of mod_dbd's pool, whose
 *   own waiting is unbounded. While the database is away a fuse refuses
 *   everybody at once but for one who tries it each second. When it is only
 *   some connections that cannot be made, their places rest.
 * - Statements are prepared on first use of a connection and remembered in its
 *   instance data. libpq tells of a PQreset by an event, and the memory is
 *   void from then on.
 * - An idle connection that has become readable was closed by the server. It
 *   is reset before anything is sent, so that a restart of PostgreSQL does not
 *   cost each connection a request with unknown outcome.
 * - Waiting is by poll() with a deadline. A server that does not answer in
 *   time loses the connection: its socket is shut, never cancelled, because
 *   cancelling a commit that waits for a standby makes PostgreSQL call it done.
 */
#include "db.h"

#include <poll.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <apr_dbd.h>
#include <apr_hash.h>
#include <apr_optional.h>
#include <apr_strings.h>
#include <http_log.h>
#include <libpq-events.h>
#include <libpq-fe.h>
#include <mod_dbd.h>

#include "clock.h"
#include "fuse.h"
#include "gate.h"
#include "server.h"

#define DRIVER "pgsql"
#define REST_US (250 * 1000)        /* of a place without a connection */
#define TRIES_MAX 4                 /* of one statement, when it may repeat */
#define RETRY_PAUSE_US (5 * 1000)   /* before the second, then times 4 each */
#define STALE_READS_MAX 4           /* last words of a closing server */
#define NAME_BYTES 16
#define NO_SCHEMA "3F000"
#define READ_ONLY "25006" /* this was the primary; another may be now */

enum column_e {
    COL_STATUS, COL_BODY, COL_VERSION, COL_LOCATION, COL_TOTAL, COL_NEXT_KEY,
    COL_EXTRA, COL_REPLAYED, COL_COUNT
};

struct ecs_db_t {
    server_rec *s;
    ecs_gate_t *gate;
    apr_interval_time_t wait;
    apr_interval_time_t timeout;
    ecs_fuse_t fuse;
};

/* What is remembered of a connection, as its instance data. */
typedef struct memory_t {
    apr_pool_t *pool;       /* the connection's */
    apr_hash_t *statements; /* SQL text -> prepared_t */
    int epoch;              /* raised by every PQreset */
    int serial;             /* of statement names */
    int warned;             /* a WARNING came with the last statement */
} memory_t;

typedef struct prepared_t {
    char name[NAME_BYTES];
    int epoch; /* of the connection when it was prepared, -1 for not */
} prepared_t;

/* One call on its way. */
typedef struct errand_t {
    apr_pool_t *p;
    ecs_db_t *db;
    const ecs_db_call_t *call;
} errand_t;

/* A connection while somebody has it. */
typedef struct holder_t {
    ap_dbd_t *dbd;
    PGconn *conn;
    memory_t *memory;
    apr_time_t deadline; /* by ecs_clock_us() */
    int has_answered;    /* the server did, whatever it said */
    int is_silent;       /* it did not in time */
} holder_t;

static APR_OPTIONAL_FN_TYPE(ap_dbd_open) *dbd_open;
static APR_OPTIONAL_FN_TYPE(ap_dbd_close) *dbd_close;

/* Into the log of the request that asks, if there is one. */
static void complain(const errand_t *e, int level, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static void complain(const errand_t *e, int level, const char *format, ...)
{
    va_list args;
    const char *text;

    va_start(args, format);
    text = apr_pvsprintf(e->p, format, args);
    va_end(args);
    if (e->call->r) {
        ap_log_rerror(APLOG_MARK, level, 0, e->call->r, "%s", text);
    }
    else {
        ap_log_error(APLOG_MARK, level, 0, e->db->s, "%s", text);
    }
}

int ecs_db_is_available(void)
{
    dbd_open = APR_RETRIEVE_OPTIONAL_FN(ap_dbd_open);
    dbd_close = APR_RETRIEVE_OPTIONAL_FN(ap_dbd_close);
    return dbd_open && dbd_close;
}

ecs_db_t *ecs_db_make(apr_pool_t *pchild, server_rec *s, ecs_gate_t *gate)
{
    const ecs_server_config_t *config = ecs_config_of(s);
    ecs_db_t *db = apr_pcalloc(pchild, sizeof(*db));

    db->s = s;
    db->gate = gate;
    db->wait = apr_time_from_msec(config->db_wait_ms);
    db->timeout = apr_time_from_msec(config->db_timeout_ms);
    return db;
}

/* Connections ------------------------------------------------------------- */

static int on_event(PGEventId id, void *info, void *unused)
{
    if (id == PGEVT_CONNRESET) {
        PGEventConnReset *reset = info;
        memory_t *memory = PQinstanceData(reset->conn, on_event);

        if (memory) {
            memory->epoch++;
        }
    }
    return 1;
}

/* A cancelled wait for a standby is reported as success with a WARNING. */
static void on_notice(void *memoryv, const PGresult *result)
{
    const char *severity = PQresultErrorField(result,
                                              PG_DIAG_SEVERITY_NONLOCALIZED);

    if (severity && !strcmp(severity, "WARNING")) {
        ((memory_t *)memoryv)->warned = 1;
    }
}

static memory_t *memory_of(PGconn *conn, apr_pool_t *pool)
{
    memory_t *memory = PQinstanceData(conn, on_event);

    if (!memory) {
        memory = apr_pcalloc(pool, sizeof(*memory));
        memory->pool = pool;
        memory->statements = apr_hash_make(pool);
        PQregisterEventProc(conn, on_event, "mod_ecs", NULL);
        PQsetInstanceData(conn, on_event, memory);
        PQsetNoticeReceiver(conn, on_notice, memory);
    }
    return memory;
}

static int is_readable(PGconn *conn)
{
    struct pollfd fd = { .fd = PQsocket(conn), .events = POLLIN };

    return fd.fd < 0 || poll(&fd, 1, 0) > 0;
}

/* Did the server close this idle connection? Reconnect if so. */
static int is_fresh(PGconn *conn)
{
    int reads;

    for (reads = 0; reads < STALE_READS_MAX && is_readable(conn); reads++) {
        if (!PQconsumeInput(conn) || PQstatus(conn) != CONNECTION_OK) {
            PQreset(conn);
            break;
        }
    }
    return PQstatus(conn) == CONNECTION_OK;
}

static int take_connection(const errand_t *e, holder_t *h)
{
    h->dbd = dbd_open(e->p, e->db->s);
    if (!h->dbd) {
        return 0;
    }
    if (strcmp(apr_dbd_name(h->dbd->driver), DRIVER) != 0) {
        complain(e, APLOG_CRIT, "ECS0014: DBDriver of this server is %s; the "
                 "shop needs " DRIVER, apr_dbd_name(h->dbd->driver));
        dbd_close(e->db->s, h->dbd);
        return 0;
    }
    h->conn = apr_dbd_native_handle(h->dbd->driver, h->dbd->handle);
    h->memory = memory_of(h->conn, h->dbd->pool);
    if (!is_fresh(h->conn)) {
        dbd_close(e->db->s, h->dbd);
        return 0;
    }
    return 1;
}

/* Nobody inherits a transaction or a result. */
static void give_connection_back(ecs_db_t *db, holder_t *h)
{
    if (PQstatus(h->conn) == CONNECTION_OK
        && PQtransactionStatus(h->conn) != PQTRANS_IDLE) {
        PQreset(h->conn);
    }
    dbd_close(db->s, h->dbd);
}

/* Statements ---------------------------------------------------------------- */

/* What had arrived is read, so that libpq sees the end behind it. */
static void give_up(PGconn *conn)
{
    shutdown(PQsocket(conn), SHUT_RDWR);
    while (PQconsumeInput(conn) && PQstatus(conn) == CONNECTION_OK) {
    }
}

/* Wait until libpq has something, and send what it still has for the server.
 * 0: the connection is lost, or the time was up and the connection was given up. */
static int await(holder_t *h)
{
    while (PQisBusy(h->conn)) {
        apr_interval_time_t left = h->deadline - ecs_clock_us();
        struct pollfd fd = { .fd = PQsocket(h->conn), .events = POLLIN };
        int unsent = PQflush(h->conn);

        if (unsent < 0) {
            return 0;
        }
        if (unsent > 0) {
            fd.events |= POLLOUT;
        }
        if (left <= 0) {
            h->is_silent = 1;
            give_up(h->conn);
            return 0;
        }
        poll(&fd, 1, (int)apr_time_as_msec(left) + 1);
        if (!PQconsumeInput(h->conn)) {
            return 0;
        }
    }
    return 1;
}

/* The outcome of what was sent; NULL when there is none. Rows come before the
 * commit, so an error behind them is the outcome, and only the server's "ready
 * for query" makes them final. */
static PGresult *wait_for_result(holder_t *h)
{
    PGresult *outcome = NULL;

    for (;;) {
        PGresult *next;

        if (!await(h)) {
            PQclear(outcome);
            return NULL;
        }
        next = PQgetResult(h->conn);
        if (!next) {
            h->has_answered |= PQstatus(h->conn) == CONNECTION_OK;
            return outcome;
        }
        if (outcome && PQresultStatus(outcome) == PGRES_FATAL_ERROR) {
            PQclear(next);
        }
        else {
            PQclear(outcome);
            outcome = next;
        }
    }
}

static prepared_t *statement_of(memory_t *memory, const char *sql)
{
    prepared_t *prepared = apr_hash_get(memory->statements, sql,
                                        APR_HASH_KEY_STRING);

    if (!prepared) {
        prepared = apr_pcalloc(memory->pool, sizeof(*prepared));
        prepared->epoch = -1;
        apr_hash_set(memory->statements, sql, APR_HASH_KEY_STRING, prepared);
    }
    return prepared;
}

/* NULL, or the failed result of the PREPARE (never NULL then: *lost is set
 * instead when there was no answer). */
static PGresult *prepare(holder_t *h, prepared_t *prepared, const char *sql,
                         int *lost)
{
    PGresult *result = NULL;

    apr_snprintf(prepared->name, sizeof(prepared->name), "ecs%d",
                 ++h->memory->serial);
    if (PQsendPrepare(h->conn, prepared->name, sql, 0, NULL)) {
        result = wait_for_result(h);
    }
    if (!result) {
        *lost = 1;
        return NULL;
    }
    if (PQresultStatus(result) != PGRES_COMMAND_OK) {
        return result;
    }
    PQclear(result);
    prepared->epoch = h->memory->epoch;
    return NULL;
}

/* One try. NULL with *lost: no answer came; *sent tells whether the statement
 * itself had gone out, so that its outcome is unknown. */
static PGresult *try_call(holder_t *h, const ecs_db_call_t *call, int *lost,
                          int *sent)
{
    prepared_t *prepared = statement_of(h->memory, call->sql);
    PGresult *result = NULL;

    *lost = *sent = 0;
    h->memory->warned = 0;
    /* Or libpq would wait in its own way for a server that does not read. */
    PQsetnonblocking(h->conn, 1);
    if (prepared->epoch != h->memory->epoch) {
        result = prepare(h, prepared, call->sql, lost);
        if (result || *lost) {
            return result;
        }
    }
    *sent = 1;
    if (PQsendQueryPrepared(h->conn, prepared->name, call->count,
                            call->params, NULL, NULL, 0)) {
        result = wait_for_result(h);
    }
    *lost = !result || PQstatus(h->conn) != CONNECTION_OK;
    return result;
}

static int is_among(const char *state, const char *const *states)
{
    while (*states && strcmp(*states, state) != 0) {
        states++;
    }
    return *states != NULL;
}

/* Plans refer to functions or types that a deploy has replaced. */
static int met_deploy(const char *state)
{
    static const char *const STATES[] = { "0A000", "26000", "3F000", "42704",
                                          "42883", "XX000", NULL };

    return is_among(state, STATES);
}

/* Serialisation, deadlock. */
static int met_another(const char *state)
{
    static const char *const STATES[] = { "40001", "40P01", NULL };

    return is_among(state, STATES);
}

/* Errors of a deploy that PostgreSQL does not mend by planning anew. The old
 * statement stays until the connection ends, so these must be rare. */
static int needs_prepare(const char *state)
{
    static const char *const STATES[] = { "0A000", "26000", NULL };

    return is_among(state, STATES);
}

/* An httpd may be started before its database is migrated; its clock need not
 * say so all the time. A request does. */
static int level_of(const errand_t *e, const char *state)
{
    return e->call->is_background && state && !strcmp(state, NO_SCHEMA)
        ? APLOG_INFO : APLOG_ERR;
}

static ecs_problem_t *problem_of(const errand_t *e, const PGresult *result)
{
    const char *state = PQresultErrorField(result, PG_DIAG_SQLSTATE);
    const char *message = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);

    if (!state || strncmp(state, "EC", 2) != 0) {
        const char *context = PQresultErrorField(result, PG_DIAG_CONTEXT);

        complain(e, level_of(e, state), "ECS0010: the database reports %s: %s "
                 "(%s); the request had no effect",
                 state ? state : "no SQLSTATE", message ? message : "",
                 context ? context : "");
    }
    return ecs_problem_of_sql(e->p, state, message,
                              PQresultErrorField(result,
                                                 PG_DIAG_MESSAGE_DETAIL));
}

static ecs_problem_t *unknown_outcome(const errand_t *e)
{
    complain(e, APLOG_ERR, "ECS0011: the connection broke while a statement "
             "ran; whether it took effect is unknown");
    return ecs_problem_make(e->p, "outcome_unknown", NULL);
}

/* Get ready for another try after an error that left nothing behind; 0 when
 * there is no hope in it. */
static int is_worth_another(holder_t *h, const char *sql, const char *state,
                            int tries)
{
    if (!strcmp(state, READ_ONLY) && tries == 1) {
        PQreset(h->conn);
        return 1;
    }
    if (tries == TRIES_MAX || !(met_deploy(state) || met_another(state))) {
        return 0;
    }
    /* A commit is seen a moment before the news of what it replaced. */
    apr_sleep(RETRY_PAUSE_US << 2 * (tries - 1));
    if (needs_prepare(state)) {
        statement_of(h->memory, sql)->epoch = -1;
    }
    if (met_deploy(state) && tries > 1) {
        /* What PL/pgSQL planned in that moment names what is gone for as long
         * as the session lives. */
        PQreset(h->conn);
    }
    return 1;
}

/* Runs the statement until it has an outcome; the result is the caller's. */
static ecs_problem_t *run_on(const errand_t *e, holder_t *h, PGresult **out)
{
    const ecs_db_call_t *call = e->call;
    ecs_problem_t *problem = NULL;
    int tries, lost, sent;

    for (tries = 1; tries <= TRIES_MAX; tries++) {
        PGresult *result = try_call(h, call, &lost, &sent);
        const char *state;

        if (lost) {
            PQclear(result);
            if (sent && !call->is_read) {
                return unknown_outcome(e);
            }
            problem = ecs_problem_make(e->p, "service_unavailable", NULL);
            if (h->is_silent) {
                return problem;
            }
            PQreset(h->conn);
            continue;
        }
        if (PQresultStatus(result) == PGRES_TUPLES_OK) {
            *out = result;
            return h->memory->warned && !call->is_read ? unknown_outcome(e)
                                                       : NULL;
        }
        state = PQresultErrorField(result, PG_DIAG_SQLSTATE);
        if (state && is_worth_another(h, call->sql, state, tries)) {
            PQclear(result);
            continue;
        }
        problem = problem_of(e, result);
        PQclear(result);
        return problem;
    }
    return problem;
}

/* Answers --------------------------------------------------------------- */

static apr_status_t clear_result(void *result)
{
    PQclear(result);
    return APR_SUCCESS;
}

static const char *text_of(const PGresult *result, int row, int column)
{
    return PQgetisnull(result, row, column) ? NULL
                                            : PQgetvalue(result, row, column);
}

static long long number_of(const PGresult *result, int row, int column,
                           int missing)
{
    const char *text = text_of(result, row, column);

    return text ? strtoll(text, NULL, 10) : missing;
}

/* One row of a result whose columns are those of ecs.answer. */
static void read_answer(const PGresult *result, int row, ecs_answer_t *answer)
{
    const char *replayed = text_of(result, row, COL_REPLAYED);

    memset(answer, 0, sizeof(*answer));
    answer->status = (int)number_of(result, row, COL_STATUS, 0);
    answer->body = text_of(result, row, COL_BODY);
    answer->length = (apr_size_t)PQgetlength(result, row, COL_BODY);
    answer->version = number_of(result, row, COL_VERSION, 0);
    answer->location = text_of(result, row, COL_LOCATION);
    answer->total = number_of(result, row, COL_TOTAL, -1);
    answer->next_key = text_of(result, row, COL_NEXT_KEY);
    answer->extra = text_of(result, row, COL_EXTRA);
    answer->replayed = replayed && *replayed == 't';
}

static ecs_problem_t *wrong_shape(const errand_t *e, const PGresult *result,
                                  int rows)
{
    complain(e, APLOG_ERR, "ECS0012: the database answers %d rows of %d "
             "columns instead of %d of %d; run `ecsctl migrate`",
             PQntuples(result), PQnfields(result), rows, COL_COUNT);
    return ecs_problem_make(e->p, "server_error", NULL);
}

static ecs_problem_t *unavailable(const errand_t *e)
{
    return ecs_problem_make(e->p, "service_unavailable", NULL);
}

/* No connection. Where others get one, the place rests for a moment, or it
 * would be free all the time and take most of the requests to refuse them. */
static ecs_problem_t *away(const errand_t *e)
{
    complain(e, APLOG_ERR, "ECS0013: no connection to the database; check "
             "that it runs and that DBDParams are right");
    if (!e->call->is_background
        && !ecs_fuse_bad(&e->db->fuse, ecs_clock_us())) {
        apr_sleep(REST_US);
    }
    return unavailable(e);
}

/* With a place of the gate. */
static ecs_problem_t *run_inside(const errand_t *e, PGresult **result)
{
    ecs_db_t *db = e->db;
    holder_t holder = { .deadline = ecs_clock_us() + db->timeout };
    ecs_problem_t *problem;

    if (!take_connection(e, &holder)) {
        return away(e);
    }
    problem = run_on(e, &holder, result);
    give_connection_back(db, &holder);
    if (holder.has_answered) {
        ecs_fuse_good(&db->fuse, ecs_clock_us());
    }
    else if (holder.is_silent && !e->call->is_background) {
        ecs_fuse_bad(&db->fuse, ecs_clock_us());
    }
    return problem;
}

/* The result of a call, which lives as long as the errand's pool. */
static ecs_problem_t *run(const errand_t *e, PGresult **result)
{
    ecs_db_t *db = e->db;
    ecs_fuse_e pass = ecs_fuse_pass(&db->fuse, ecs_clock_us());
    apr_interval_time_t wait = e->call->is_background ? db->timeout : db->wait;
    ecs_problem_t *problem;

    *result = NULL;
    if (pass == ECS_FUSE_REFUSED) {
        return unavailable(e);
    }
    if (ecs_gate_enter(db->gate, wait, e->p) == APR_SUCCESS) {
        /* Meanwhile those inside may have found that it is away. */
        problem = pass == ECS_FUSE_PASSED && ecs_fuse_is_blown(&db->fuse)
            ? unavailable(e) : run_inside(e, result);
        ecs_gate_leave(db->gate);
    }
    else {
        problem = ecs_problem_make(e->p, "service_unavailable",
                                   "The shop is very busy; try again.");
    }
    if (pass == ECS_FUSE_TRIES && ecs_fuse_is_blown(&db->fuse)) {
        ecs_fuse_blow(&db->fuse, ecs_clock_us());
    }
    if (*result) {
        apr_pool_cleanup_register(e->p, *result, clear_result,
                                  apr_pool_cleanup_null);
    }
    return problem;
}

ecs_problem_t *ecs_db_run_rows(apr_pool_t *p, ecs_db_t *db,
                               const ecs_db_call_t *call,
                               ecs_answer_t *answers, int count)
{
    errand_t errand = { .p = p, .db = db, .call = call };
    PGresult *result;
    ecs_problem_t *problem = run(&errand, &result);
    int i;

    if (problem) {
        return problem;
    }
    if (PQnfields(result) != COL_COUNT || PQntuples(result) != count) {
        return wrong_shape(&errand, result, count);
    }
    for (i = 0; i < count; i++) {
        read_answer(result, i, &answers[i]);
    }
    return NULL;
}

ecs_problem_t *ecs_db_run(apr_pool_t *p, ecs_db_t *db,
                          const ecs_db_call_t *call, ecs_answer_t *answer)
{
    return ecs_db_run_rows(p, db, call, answer, 1);
}
