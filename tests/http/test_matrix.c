/* SPDX-License-Identifier: MIT */
/*
 * test_matrix.c - what holds for every route, generated from the OpenAPI
 * document: who may call it, and what it refuses (its methods: test_methods.c).
 */
#include <stdlib.h>
#include "routes.h"
#include "support.h"
#include "shop.h"

#define STRANGE "surprise" /* a name that no field has */

/* The same with a body that has nothing wrong. */
static reply_t *call_well(const route_t *route, const actor_t *who,
                          const char *path)
{
    request_t request = route_request(route, who, path);
    reply_t *reply = http_send(&request);

    check_quietly(reply);
    return reply;
}

static int names(const reply_t *reply, const char *field)
{
    return json_is_array(json_object_get(reply->json, field));
}

static void expect_named(const reply_t *reply, const char *field,
                         const char *what)
{
    if (reply->status != 400 || !names(reply, field)) {
        complain("%s %s with %s: %d %.150s", reply->request.method,
                 reply->request.path, what, reply->status, reply->body);
    }
}

/* --- who may call what --------------------------------------------------- */

static void check_cell(const route_t *route, const char *name,
                       const actor_t *who, int wanted)
{
    int status = call(route, who, route_path(route, NOBODY_HAS), NULL)->status;

    if (wanted == 0 ? status == 401 || status == 403 : status != wanted) {
        complain("%s %s by %s: %d", route->method, route->path, name, status);
    }
}

START_TEST(every_role_may_do_what_the_document_says)
{
    const route_t *route;
    int i;

    for (route = routes_all(); route->method != NULL; route++) {
        check_cell(route, "nobody", NULL, route->is_public ? 0 : 401);
        for (i = 0; i < ROLES; i++) {
            const char *role = role_names[i];

            check_cell(route, role, another_session(one_of(role)),
                       route_admits(route, role) ? 0 : 403);
        }
    }
    nothing_wrong();
}
END_TEST

START_TEST(who_was_shut_out_stays_out)
{
    const route_t *route;
    actor_t *closed[ROLES];
    int i;

    for (i = 0; i < ROLES; i++) {
        closed[i] = person(role_names[i], NULL);
        sql("UPDATE ecs.users SET is_active = false WHERE id = %lld",
            closed[i]->id);
    }
    for (route = routes_all(); route->method != NULL; route++) {
        const char *path = route_path(route, NOBODY_HAS);
        actor_t *revoked = another_session(one_of(route_role(route)));
        actor_t *expired = another_session(one_of(route_role(route)));

        expired->access =
            token_for(expired, expired->role, expired->session, 1000, 900);
        if (call_well(route, expired, path)->status != 401) {
            complain("%s %s with an expired token", route->method, route->path);
        }
        if (!route->calls) {
            continue; /* asks nothing but the process */
        }
        sql("UPDATE ecs.sessions SET revoked_at = now() WHERE id = %lld",
            revoked->session);
        if (call_well(route, revoked, path)->status != 401) {
            complain("%s %s in a revoked session", route->method, route->path);
        }
        for (i = 0; strcmp(role_names[i], route_role(route)) != 0; i++) {
        }
        if (call_well(route, closed[i], path)->status != 401) {
            complain("%s %s by a closed account", route->method, route->path);
        }
    }
    nothing_wrong();
}
END_TEST

/* --- what no route takes ------------------------------------------------- */

/* A path with one parameter more, in place of one of this name. */
static const char *with_query(const char *path, const char *name,
                              const char *value)
{
    const char *query = strchr(path, '?');
    size_t length = strlen(name);

    if (query == NULL) {
        return fmt("%s?%s=%s", path, name, value);
    }
    if (strncmp(query + 1, name, length) == 0 && query[1 + length] == '=') {
        return fmt("%.*s?%s=%s", (int)(query - path), path, name, value);
    }
    return fmt("%s&%s=%s", path, name, value);
}

START_TEST(unknown_names_are_refused_everywhere)
{
    const route_t *route;

    for (route = routes_all(); route->method != NULL; route++) {
        const char *path = route_path(route, NOBODY_HAS);

        expect_named(
            call(route, caller_of(route), with_query(path, STRANGE, "1"), NULL),
            STRANGE, "an unknown parameter");
        if (route->writes) {
            json_t *body = route_example(route);

            json_object_set_new(body, STRANGE, json_integer(1));
            expect_named(call(route, caller_of(route), path, body_text(body)),
                         STRANGE, "an unknown member");
        }
    }
    nothing_wrong();
}
END_TEST

START_TEST(required_fields_are_required)
{
    const route_t *route;
    json_t *field;
    size_t i;

    for (route = routes_all(); route->method != NULL; route++) {
        const char *path = route_path(route, NOBODY_HAS);
        reply_t *reply;

        if (!route->writes) {
            continue;
        }
        reply = call(route, caller_of(route), path, NULL);
        json_array_foreach(
            json_object_get(route_body_schema(route), "required"), i, field)
        {
            const char *name = json_string_value(field);
            json_t *body = route_example(route);

            expect_named(reply, name, "no body");
            json_object_del(body, name);
            expect_named(call(route, caller_of(route), path, body_text(body)),
                         name, fmt("%s missing", name));
        }
    }
    nothing_wrong();
}
END_TEST

static int is_type(json_t *schema, const char *type)
{
    json_t *found = json_object_get(schema, "type"), *word;
    size_t i;

    if (json_is_string(found)) {
        return strcmp(json_string_value(found), type) == 0;
    }
    json_array_foreach(found, i, word)
    {
        if (strcmp(json_string_value(word), type) == 0) {
            return 1;
        }
    }
    found = json_object_get(schema, "anyOf");
    json_array_foreach(found, i, word)
    {
        if (is_type(word, type)) {
            return 1;
        }
    }
    return 0;
}

/* A member of the schema itself or of its alternatives ("anyOf" null). */
static json_t *bound(json_t *schema, const char *name)
{
    json_t *found = json_object_get(schema, name), *part;
    size_t i;

    json_array_foreach(json_object_get(schema, "anyOf"), i, part)
    {
        found = found != NULL ? found : json_object_get(part, name);
    }
    return found;
}

static const char *long_text(json_t *schema)
{
    size_t length = (size_t)json_integer_value(bound(schema, "maxLength")) + 1;
    char *text = grab(length + 1);

    memset(text, 'x', length);
    return text;
}

/* A number just over a bound. */
static json_t *beyond(json_t *schema, const char *name, int step)
{
    json_t *limit = bound(schema, name);

    return is_type(schema, "integer")
               ? json_integer(json_integer_value(limit) + step)
               : json_real(json_number_value(limit) + step);
}

/* Lists that a list must not be: too long, twice the same, with no id in it. */
static int bad_lists(json_t *schema, json_t **values)
{
    json_int_t most = json_integer_value(bound(schema, "maxItems")), i;
    int n = 0;

    if (json_integer_value(bound(schema, "minItems")) > 0) {
        values[n++] = json_array();
    }
    values[n] = json_array();
    for (i = 1; i <= most + 1; i++) {
        json_array_append_new(values[n], json_integer(i));
    }
    n++;
    values[n++] = json_pack("[i, i]", 1, 1);
    values[n++] = json_pack("[i]", 0);
    values[n++] = json_pack("[s]", "1");
    values[n++] = json_pack("[n]");
    values[n++] = json_integer(1);
    values[n++] = json_string("1");
    return n;
}

#define VALUES_MAX 32

/* Values that a field with this schema must refuse; returns how many. */
static int bad_values(json_t *schema, json_t **values)
{
    int is_text = is_type(schema, "string"), n = 0;
    int is_number = is_type(schema, "number") || is_type(schema, "integer");

    if (is_type(schema, "array")) {
        n = bad_lists(schema, values);
    }
    else {
        values[n++] = json_array();
    }
    values[n++] = json_object();
    if (!is_type(schema, "null")) {
        values[n++] = json_null();
    }
    if (is_type(schema, "boolean")) {
        values[n++] = json_string("true");
        values[n++] = json_integer(1);
        return n;
    }
    values[n++] = json_true();
    if (is_number) {
        values[n++] = json_string("many");
        values[n++] = json_string("1e3");
        values[n++] = json_string("NaN");
        values[n++] = beyond(schema, "minimum", -1);
        if (bound(schema, "maximum") != NULL) {
            values[n++] = beyond(schema, "maximum", 1);
        }
    }
    if (is_type(schema, "integer")) {
        values[n++] = json_real(1.5);
        values[n++] = json_string("1");
    }
    if (is_text && !is_number) {
        values[n++] = json_integer(5);
        if (json_integer_value(bound(schema, "minLength")) > 0) {
            values[n++] = json_string("");
        }
        if (bound(schema, "maxLength") != NULL) {
            values[n++] = json_string(long_text(schema));
        }
        if (bound(schema, "enum") != NULL || bound(schema, "format") != NULL) {
            values[n++] = json_string("no such word");
        }
    }
    return n;
}

/* A list of one object with a value for one of its members (NULL: without the
 * member); the refusal has to name list, place and member. */
static void try_member(const route_t *route, const char *list,
                       const char *member, json_t *value)
{
    json_t *body = route_example(route);
    json_t *object = json_array_get(json_object_get(body, list), 0);
    const char *path = fmt("%s.0.%s.0", list, member);
    reply_t *reply;

    if (value == NULL) {
        json_object_del(object, member);
    }
    else {
        json_object_set_new(object, member, value);
    }
    reply = call(route, caller_of(route), route_path(route, NOBODY_HAS),
                 body_text(body));
    if (reply->status != 400 || json_at(reply->json, path) == NULL) {
        complain("%s %s with %s: %d %.150s", route->method, route->path,
                 json_dumps(object, 0), reply->status, reply->body);
    }
}

/* What the objects of a list must refuse. */
static void try_members(const route_t *route, const char *list, json_t *object)
{
    json_t *values[VALUES_MAX], *schema;
    const char *name;
    size_t i;
    int count, n;

    json_array_foreach(json_object_get(object, "required"), i, schema)
    {
        try_member(route, list, json_string_value(schema), NULL);
    }
    try_member(route, list, STRANGE, json_integer(1));
    json_object_foreach(json_object_get(object, "properties"), name, schema)
    {
        count = bad_values(schema, values);
        for (n = 0; n < count; n++) {
            try_member(route, list, name, values[n]);
        }
    }
}

static void try_field(const route_t *route, const char *name, json_t *schema)
{
    json_t *values[VALUES_MAX];
    int count = bad_values(schema, values), i;

    for (i = 0; i < count; i++) {
        json_t *body = route_example(route);

        json_object_set_new(body, name, values[i]);
        expect_named(
            call(route, caller_of(route), route_path(route, NOBODY_HAS),
                 body_text(body)),
            name,
            fmt("%s = %.60s", name, json_dumps(values[i], JSON_ENCODE_ANY)));
    }
}

START_TEST(every_field_has_bounds)
{
    const route_t *route;
    const char *name;
    json_t *schema;
    int fields = 0, lists = 0;

    for (route = routes_all(); route->method != NULL; route++) {
        json_object_foreach(
            json_object_get(route_body_schema(route), "properties"), name,
            schema)
        {
            try_field(route, name, schema);
            if (is_type(bound(schema, "items"), "object")) {
                try_members(route, name, bound(schema, "items"));
                lists++;
            }
            fields++;
        }
    }
    ck_assert_int_gt(fields, 40);
    ck_assert_int_gt(lists, 0);
    nothing_wrong();
}
END_TEST

/* A value of a parameter that is wrong, NULL when everything is right. */
static const char *bad_parameter(json_t *schema)
{
    if (is_type(schema, "integer") || is_type(schema, "number") ||
        is_type(schema, "boolean") || bound(schema, "enum") != NULL ||
        bound(schema, "format") != NULL) {
        return "no+such+word";
    }
    return bound(schema, "maxLength") != NULL ? long_text(schema) : NULL;
}

START_TEST(every_parameter_has_bounds)
{
    const route_t *route;
    json_t *parameter;
    size_t i;

    for (route = routes_all(); route->method != NULL; route++) {
        json_array_foreach(json_object_get(route->operation, "parameters"), i,
                           parameter)
        {
            json_t *about = document_follow(parameter);
            const char *name =
                json_string_value(json_object_get(about, "name"));
            const char *in = json_string_value(json_object_get(about, "in"));
            const char *value = bad_parameter(json_object_get(about, "schema"));
            reply_t *reply;

            if (strcmp(in, "query") != 0 || value == NULL) {
                continue;
            }
            reply = call(
                route, caller_of(route),
                with_query(route_path(route, NOBODY_HAS), name, value), NULL);
            if (strcmp(name, "page") == 0) {
                if (reply->status != 404) {
                    complain("%s ?page=%s: %d", route->path, value,
                             reply->status);
                }
                continue;
            }
            expect_named(reply, name, fmt("%s=%.40s", name, value));
        }
    }
    nothing_wrong();
}
END_TEST

START_TEST(an_id_is_a_positive_number)
{
    const char *const bad[] = {"0",
                               "-1",
                               "abc",
                               "1.5",
                               "01",
                               "1e3",
                               "%20",
                               "1%00",
                               "9223372036854775808",
                               "99999999999999999999999999"};
    const route_t *route;
    size_t i;

    for (route = routes_all(); route->method != NULL; route++) {
        const char *body = route_example_text(route);

        if (strchr(route->path, '{') == NULL) {
            continue;
        }
        for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
            reply_t *reply =
                http(.method = route->method, .path = route_path(route, bad[i]),
                     .who = caller_of(route), .body = body,
                     .flags = HTTP_UNCHECKED);

            if (reply->status != 404 && reply->status != 400 &&
                reply->status != 405) {
                complain("%s %s: %d", route->method, route_path(route, bad[i]),
                         reply->status);
            }
        }
    }
    nothing_wrong();
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {every_role_may_do_what_the_document_says,
                                  who_was_shut_out_stays_out,
                                  unknown_names_are_refused_everywhere,
                                  required_fields_are_required,
                                  every_field_has_bounds,
                                  every_parameter_has_bounds,
                                  an_id_is_a_positive_number,
                                  NULL};

    return suite_run("matrix", tests, 60);
}
