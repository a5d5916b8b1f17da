/* SPDX-License-Identifier: MIT */
/*
 * problem.c - the one table of refusals and their two wire forms.
 *
 * Whoever refuses names a code; status, default sentence and the RFC 9457
 * type all follow from the row here. PostgreSQL's own texts never pass: of an
 * error report only its SQLSTATE counts, but for the shop's class EC, whose
 * sentences are written for clients.
 */
#include "problem.h"
#include "json.h"

#include <apr_strings.h>
#include <apr_time.h>
#include <string.h>

#define NON_FIELD "non_field_errors"
#define RETRY_SPREAD                                                           \
    3                          /* seconds: a 503 says 1 to 3, so that clients  \
                                  do not come back all at once */
#define RETRY_THROTTLED 60     /* seconds, when the refusal names none */
#define RETRY_AFTER_MAX 604800 /* seconds: a week */

static const ecs_problem_kind_t kinds[] = {
    /* 400: the request itself */
    {"validation_error", 400, "Invalid input."},
    {"malformed_json", 400, "Malformed JSON."},
    {"parse_error", 400, "Malformed request."},
    {"invalid_value", 400, "A value is not acceptable."},
    {"wrong_proof", 400, "The proof is wrong."},
    /* 401, 402, 403: the caller */
    {"not_authenticated", 401, "Authentication credentials were not provided."},
    {"token_not_valid", 401, "Given token not valid for any token type"},
    {"invalid_credentials", 401,
     "No active account found with the given credentials"},
    {"token_reused", 401,
     "The refresh token was used before; its sessions were ended."},
    {"session_revoked", 401, "The session has ended. Please log in again."},
    {"insufficient_funds", 402, "The wallet does not hold enough."},
    {"permission_denied", 403,
     "You do not have permission to perform this action."},
    {"not_enough_points", 403, "You do not have enough points."},
    /* 404 to 406: what was asked for */
    {"not_found", 404, "Not found."},
    {"invalid_page", 404, "Invalid page."},
    {"invalid_cursor", 404, "Invalid cursor"},
    {"method_not_allowed", 405, "Method not allowed."},
    {"not_acceptable", 406, "Could not satisfy the request Accept header."},
    {"request_timeout", 408, "The request did not arrive in time."},
    /* 409: not in the state things are in */
    {"conflict", 409, "The request conflicts with another one."},
    {"duplicate", 409, "This exists already."},
    {"in_use", 409, "This is still in use."},
    {"has_bids", 409, "Bids have been placed."},
    {"no_bidder_left", 409, "There is no further bidder."},
    {"malformed_csv", 400, "The file is no table."},
    {"bid_too_low", 409, "The bid is lower than the next one has to be."},
    {"own_product", 409, "You cannot buy your own product."},
    {"out_of_stock", 409, "There is not enough in stock."},
    {"unavailable", 409, "This is not available any more."},
    {"price_changed", 409, "The price has changed."},
    {"location_required", 409, "Please save your location first."},
    {"empty_cart", 409, "The cart is empty."},
    {"cart_full", 409, "The cart holds no further products."},
    {"list_full", 409, "The list holds no further products."},
    {"too_many_images", 409, "There are too many pictures."},
    {"too_much_stored", 409, "Your pictures take too much space."},
    {"wrong_state", 409, "This is not possible in the present state."},
    {"too_early", 409, "It is too early for this."},
    {"too_late", 409, "It is too late for this."},
    {"already_returned", 409, "This has been returned already."},
    {"return_open", 409, "A return is still open."},
    {"already_claimed", 409, "The order was claimed already."},
    {"too_many_active", 409, "You have too many active deliveries."},
    {"proof_expired", 409, "The proof has expired."},
    {"request_in_progress", 409,
     "A request with this Idempotency-Key is still running."},
    /* other 4xx */
    {"length_required", 411, "The request needs a Content-Length."},
    {"stale", 412, "The object has changed since you read it."},
    {"too_large", 413, "The request body is too large."},
    {"uri_too_long", 414, "The request URI is too long."},
    {"unsupported_media_type", 415, "Unsupported media type in request."},
    {"idempotency_key_reused", 422,
     "The Idempotency-Key was used for another request."},
    {"proof_locked", 423, "Too many wrong tries. The buyer can renew it."},
    {"throttled", 429, "Request was throttled."},
    {"too_many_renewals", 429, "The proof was renewed too often today."},
    {"headers_too_large", 431, "The request header is too large."},
    /* 5xx: ours */
    {"server_error", 500, "A server error occurred."},
    {"not_implemented", 501, "Not implemented."},
    {"bad_gateway", 502, "Bad gateway."},
    {"service_unavailable", 503,
     "The service is busy or away. Please try again."},
    {"outcome_unknown", 503,
     "The connection was lost and the outcome is unknown. Repeat the request "
     "with the same Idempotency-Key."},
    {"timeout", 503, "The request took too long. Please try again."},
    {NULL, 0, NULL},
};

/* SQLSTATE, or its first two characters, to code; the first match counts. */
static const struct {
    const char *state;
    const char *code;
    int retry_after; /* seconds, 0 for the code's own */
} sql_states[] = {
    {"23505", "conflict", 0},            /* unique_violation */
    {"23503", "conflict", 0},            /* foreign_key_violation */
    {"23P01", "conflict", 0},            /* exclusion_violation */
    {"23514", "invalid_value", 0},       /* check_violation */
    {"23502", "invalid_value", 0},       /* not_null_violation */
    {"22", "invalid_value", 0},          /* data exception */
    {"40001", "service_unavailable", 1}, /* serialization_failure */
    {"40P01", "service_unavailable", 1}, /* deadlock_detected */
    {"55P03", "service_unavailable", 1}, /* lock_not_available */
    {"57014", "timeout", 0},             /* query_canceled */
    {"25006", "service_unavailable", 0}, /* read_only_sql_transaction */
    {"3F000", "service_unavailable", 0}, /* invalid_schema_name: not migrated */
    {"57P", "service_unavailable", 0},   /* shutdown, crash, starting up */
    {"08", "service_unavailable", 0},    /* connection exception */
    {"53", "service_unavailable", 0},    /* insufficient resources */
};

/* Members that the two forms write themselves. */
static const char *const drf_members[] = {"detail", "code", "request_id", NULL};
static const char *const rfc_members[] = {
    "type", "title", "status", "detail", "code", "errors", "request_id", NULL};

const ecs_problem_kind_t *ecs_problem_kinds(void)
{
    return kinds;
}

const ecs_problem_kind_t *ecs_problem_kind(const char *code)
{
    const ecs_problem_kind_t *kind;

    for (kind = kinds; code != NULL && kind->code != NULL; kind++) {
        if (strcmp(kind->code, code) == 0) {
            return kind;
        }
    }
    return NULL;
}

static int default_retry(const ecs_problem_kind_t *kind)
{
    if (kind->status == 503) {
        return 1 + (int)(apr_time_now() % RETRY_SPREAD);
    }
    if (kind->status == 429) {
        return RETRY_THROTTLED;
    }
    return strcmp(kind->code, "request_in_progress") == 0 ? 1 : 0;
}

static ecs_problem_t *make(apr_pool_t *p, const char *code)
{
    const ecs_problem_kind_t *kind = ecs_problem_kind(code);
    ecs_problem_t *problem = apr_pcalloc(p, sizeof(*problem));

    if (kind == NULL) {
        kind = ecs_problem_kind("server_error");
    }
    problem->status = kind->status;
    problem->code = kind->code;
    problem->detail = kind->title;
    problem->retry_after = default_retry(kind);
    return problem;
}

ecs_problem_t *ecs_problem_make(apr_pool_t *p, const char *code,
                                const char *detail, ...)
{
    ecs_problem_t *problem = make(p, code);
    va_list args;

    /* The sentence of an unknown code may not be meant for clients. */
    if (detail != NULL && strcmp(problem->code, code) == 0) {
        va_start(args, detail);
        problem->detail = apr_pvsprintf(p, detail, args);
        va_end(args);
    }
    return problem;
}

ecs_problem_t *ecs_problem_of_status(apr_pool_t *p, int status)
{
    static const struct {
        int status;
        const char *code;
    } codes[] = {
        {401, "not_authenticated"}, {403, "permission_denied"},
        {404, "not_found"},         {409, "conflict"},
        {429, "throttled"},         {503, "service_unavailable"},
        {400, "parse_error"},       {422, "validation_error"},
    };
    const ecs_problem_kind_t *kind;
    ecs_problem_t *problem;
    apr_size_t i;

    for (i = 0; i < sizeof(codes) / sizeof(codes[0]); i++) {
        if (codes[i].status == status) {
            problem = make(p, codes[i].code);
            problem->status = status;
            return problem;
        }
    }
    /* Every other status has one code, or the general one of its class. */
    for (kind = kinds; kind->code != NULL; kind++) {
        if (kind->status == status) {
            return make(p, kind->code);
        }
    }
    problem = make(p, status < 500 ? "parse_error" : "server_error");
    problem->status = status;
    return problem;
}

static ecs_field_error_t *add_error(apr_pool_t *p, ecs_problem_t **problem,
                                    const char *field)
{
    ecs_field_error_t *error;

    if (*problem == NULL) {
        *problem = make(p, "validation_error");
    }
    if ((*problem)->fields == NULL) {
        (*problem)->fields = apr_array_make(p, 4, sizeof(ecs_field_error_t));
    }
    error = apr_array_push((*problem)->fields);
    error->field = apr_pstrdup(p, field);
    error->message = NULL;
    error->items = NULL;
    return error;
}

void ecs_problem_add_field(apr_pool_t *p, ecs_problem_t **problem,
                           const char *field, const char *message)
{
    add_error(p, problem, field)->message = apr_pstrdup(p, message);
}

void ecs_problem_add_items(apr_pool_t *p, ecs_problem_t **problem,
                           const char *field, const json_t *errors)
{
    add_error(p, problem, field)->items = ecs_json_dump(p, errors);
}

ecs_problem_t *ecs_problem_copy(apr_pool_t *p, const ecs_problem_t *problem)
{
    ecs_problem_t *copy = apr_pmemdup(p, problem, sizeof(*problem));
    int i;

    copy->code = apr_pstrdup(p, problem->code);
    copy->detail = apr_pstrdup(p, problem->detail);
    copy->extra = apr_pstrdup(p, problem->extra);
    copy->allow = apr_pstrdup(p, problem->allow);
    if (problem->fields == NULL) {
        return copy;
    }
    copy->fields = apr_array_copy(p, problem->fields);
    for (i = 0; i < copy->fields->nelts; i++) {
        ecs_field_error_t *error =
            &APR_ARRAY_IDX(copy->fields, i, ecs_field_error_t);

        error->field = apr_pstrdup(p, error->field);
        error->message = apr_pstrdup(p, error->message);
        error->items = apr_pstrdup(p, error->items);
    }
    return copy;
}

/* EC000: {"code": "...", further members} */
static ecs_problem_t *refusal(apr_pool_t *p, const char *message,
                              json_t *detail)
{
    const char *code = json_string_value(json_object_get(detail, "code"));
    json_int_t retry =
        json_integer_value(json_object_get(detail, "retry_after"));
    ecs_problem_t *problem;

    if (code == NULL) {
        return make(p, "server_error");
    }
    problem = ecs_problem_make(p, code, message ? "%s" : NULL, message);
    if (ecs_problem_kind(code) == NULL) {
        return problem;
    }
    if (retry > 0 && retry <= RETRY_AFTER_MAX) {
        problem->retry_after = (int)retry;
    }
    json_object_del(detail, "code");
    if (json_object_size(detail) > 0) {
        problem->extra = ecs_json_dump(p, detail);
    }
    return problem;
}

/* EC400: {"fields": {"name": ["message", ...]}} */
static ecs_problem_t *invalid_fields(apr_pool_t *p, json_t *detail)
{
    ecs_problem_t *problem = NULL;
    const char *field;
    json_t *messages, *message;
    size_t i;

    json_object_foreach(json_object_get(detail, "fields"), field, messages)
    {
        if (json_is_string(messages)) {
            ecs_problem_add_field(p, &problem, field,
                                  json_string_value(messages));
        }
        if (json_is_object(json_array_get(messages, 0))) { /* of a list */
            ecs_problem_add_items(p, &problem, field, messages);
            continue;
        }
        json_array_foreach(messages, i, message)
        {
            if (json_is_string(message)) {
                ecs_problem_add_field(p, &problem, field,
                                      json_string_value(message));
            }
        }
    }
    return problem ? problem : make(p, "server_error");
}

static ecs_problem_t *of_state(apr_pool_t *p, const char *state)
{
    ecs_problem_t *problem;
    apr_size_t i;

    for (i = 0; i < sizeof(sql_states) / sizeof(sql_states[0]); i++) {
        const char *prefix = sql_states[i].state;

        if (strncmp(state, prefix, strlen(prefix)) == 0) {
            problem = make(p, sql_states[i].code);
            if (sql_states[i].retry_after > 0) {
                problem->retry_after = sql_states[i].retry_after;
            }
            return problem;
        }
    }
    return make(p, "server_error");
}

ecs_problem_t *ecs_problem_of_sql(apr_pool_t *p, const char *sqlstate,
                                  const char *message, const char *detail)
{
    json_t *members;

    if (sqlstate == NULL) {
        return make(p, "service_unavailable");
    }
    if (strcmp(sqlstate, "EC000") != 0 && strcmp(sqlstate, "EC400") != 0) {
        return of_state(p, sqlstate);
    }
    members = ecs_json_own(p, json_loads(detail ? detail : "", 0, NULL));
    if (sqlstate[2] == '0') {
        return refusal(p, message, members);
    }
    return invalid_fields(p, members);
}

static int is_among(const char *name, const char *const *names)
{
    while (*names != NULL && strcmp(*names, name) != 0) {
        names++;
    }
    return *names != NULL;
}

/* The extra members as `,"name":value...`, reserved names left out. */
static const char *extra_members(apr_pool_t *p, const ecs_problem_t *problem,
                                 const char *const *reserved)
{
    const char *text = "", *name;
    json_t *extra, *value;

    if (problem->extra == NULL) {
        return text;
    }
    extra = ecs_json_own(p, json_loads(problem->extra, 0, NULL));
    json_object_foreach(extra, name, value)
    {
        if (!is_among(name, reserved)) {
            text = apr_pstrcat(p, text, ",", ecs_json_quote(p, name), ":",
                               ecs_json_dump(p, value), NULL);
        }
    }
    return text;
}

static const char *request_member(apr_pool_t *p, const char *request_id)
{
    if (request_id == NULL) {
        return "";
    }
    return apr_pstrcat(p, ",\"request_id\":", ecs_json_quote(p, request_id),
                       NULL);
}

static const ecs_field_error_t *field_at(const ecs_problem_t *problem, int i)
{
    return &APR_ARRAY_IDX(problem->fields, i, ecs_field_error_t);
}

static int is_first_of_field(const ecs_problem_t *problem, int index)
{
    int i;

    for (i = 0; i < index; i++) {
        if (strcmp(field_at(problem, i)->field,
                   field_at(problem, index)->field) == 0) {
            return 0;
        }
    }
    return 1;
}

/* All messages of the field that error `index` begins. */
static const char *field_messages(apr_pool_t *p, const ecs_problem_t *problem,
                                  int index)
{
    const ecs_field_error_t *first = field_at(problem, index);
    const char *text;
    int i;

    if (first->items != NULL) {
        return apr_pstrcat(p, ecs_json_quote(p, first->field), ":",
                           first->items, NULL);
    }
    text = ecs_json_quote(p, first->message);
    for (i = index + 1; i < problem->fields->nelts; i++) {
        const ecs_field_error_t *error = field_at(problem, i);

        if (strcmp(error->field, first->field) == 0) {
            text = apr_pstrcat(p, text, ",", ecs_json_quote(p, error->message),
                               NULL);
        }
    }
    return apr_pstrcat(p, ecs_json_quote(p, first->field), ":[", text, "]",
                       NULL);
}

const char *ecs_problem_drf(apr_pool_t *p, const ecs_problem_t *problem,
                            const char *request_id)
{
    const char *text = "";
    int i;

    if (problem->fields == NULL) {
        return apr_pstrcat(p,
                           "{\"detail\":", ecs_json_quote(p, problem->detail),
                           ",\"code\":", ecs_json_quote(p, problem->code),
                           extra_members(p, problem, drf_members),
                           request_member(p, request_id), "}", NULL);
    }
    for (i = 0; i < problem->fields->nelts; i++) {
        if (is_first_of_field(problem, i)) {
            text = apr_pstrcat(p, text, *text ? "," : "",
                               field_messages(p, problem, i), NULL);
        }
    }
    return apr_pstrcat(p, "{", text, "}", NULL);
}

/* One step of a JSON pointer as a URI fragment (RFC 6901 section 6). */
static const char *pointer_step(apr_pool_t *p, const char *field)
{
    static const char digits[] = "0123456789ABCDEF";
    char *text = apr_palloc(p, 3 * strlen(field) + 2);
    char *to = text;

    if (strcmp(field, NON_FIELD) == 0) {
        *to = '\0';
        return text;
    }
    *to++ = '/';
    for (; *field != '\0'; field++) {
        unsigned char c = (unsigned char)*field;

        if (c == '~' || c == '/') {
            *to++ = '~';
            *to++ = c == '~' ? '0' : '1';
        }
        else if (c > 0x20 && c < 0x7f && strchr("\"%<>\\^`{|}#[]", c) == NULL) {
            *to++ = (char)c;
        }
        else {
            *to++ = '%';
            *to++ = digits[c >> 4];
            *to++ = digits[c & 0x0f];
        }
    }
    *to = '\0';
    return text;
}

static const char *rfc_error(apr_pool_t *p, const char *where,
                             const char *message)
{
    return apr_pstrcat(p, ",{\"pointer\":",
                       ecs_json_quote(p, apr_pstrcat(p, "#", where, NULL)),
                       ",\"detail\":", ecs_json_quote(p, message), "}", NULL);
}

/* What is wrong with the objects of a list. */
static const char *rfc_items(apr_pool_t *p, const ecs_field_error_t *error)
{
    const char *text = "", *member;
    json_t *items = ecs_json_own(p, json_loads(error->items, 0, NULL));
    json_t *item, *messages, *message;
    size_t i, j;

    json_array_foreach(items, i, item)
    {
        json_object_foreach(item, member, messages)
        {
            const char *where = apr_psprintf(
                p, "%s/%" APR_SIZE_T_FMT "%s", pointer_step(p, error->field),
                i, pointer_step(p, member));

            json_array_foreach(messages, j, message)
            {
                text = apr_pstrcat(
                    p, text, rfc_error(p, where, json_string_value(message)),
                    NULL);
            }
        }
    }
    return text;
}

static const char *rfc_errors(apr_pool_t *p, const ecs_problem_t *problem)
{
    const char *text = "";
    int i;

    if (problem->fields == NULL) {
        return text;
    }
    for (i = 0; i < problem->fields->nelts; i++) {
        const ecs_field_error_t *error = field_at(problem, i);

        text = apr_pstrcat(p, text,
                           error->items
                               ? rfc_items(p, error)
                               : rfc_error(p, pointer_step(p, error->field),
                                           error->message),
                           NULL);
    }
    return apr_pstrcat(p, ",\"errors\":[", text + 1, "]", NULL);
}

const char *ecs_problem_rfc9457(apr_pool_t *p, const ecs_problem_t *problem,
                                const char *request_id)
{
    const ecs_problem_kind_t *kind = ecs_problem_kind(problem->code);
    const char *title = kind ? kind->title : problem->detail;

    return apr_pstrcat(
        p, "{\"type\":",
        ecs_json_quote(p, apr_pstrcat(p, "/problems/", problem->code, NULL)),
        ",\"title\":", ecs_json_quote(p, title),
        apr_psprintf(p, ",\"status\":%d", problem->status),
        ",\"detail\":", ecs_json_quote(p, problem->detail),
        ",\"code\":", ecs_json_quote(p, problem->code), rfc_errors(p, problem),
        extra_members(p, problem, rfc_members), request_member(p, request_id),
        "}", NULL);
}
