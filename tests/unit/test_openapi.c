/* SPDX-License-Identifier: MIT */
/*
 * test_openapi.c - the document of a small shop that has everything a row can
 * have. References, examples and names are checked all over the document,
 * what a row says is looked up where it should stand.
 */
#include "openapi.h"
#include "../http/schema_check.h"
#include "../http/schema_document.h"
#include "problem.h"
#include "version.h"
#include "unit.h"

#include <apr_strings.h>
#include <stdlib.h>
#include <string.h>

#define URL "https://shop.test"

#define LIST "/paths/~1api~1things~1/get"
#define CREATE "/paths/~1api~1things~1/post"
#define MINE "/paths/~1api~1things~1mine~1/get"
#define READ "/paths/~1api~1things~1{id}~1/get"
#define CHANGE "/paths/~1api~1things~1{id}~1/patch"
#define REMOVE "/paths/~1api~1things~1{id}~1/delete"
#define TRY "/paths/~1api~1things~1{id}~1tags~1{tag_id}~1try-it~1/post"
#define HEALTH "/paths/~1api~1health~1/get"
#define METRICS "/paths/~1api~1metrics/get"
#define TREE "/paths/~1api~1tree~1/get"
#define MAIL "/paths/~1api~1mail~1/post"
#define ALBUM "/paths/~1api~1albums~1/post"
#define COVER "/paths/~1api~1covers~1/put"

/* ---- a small shop ---- */

static const ecs_field_t list_fields[] = {
    {"status", ECS_T_CHOICE, ECS_IN_QUERY, .choices = "OPEN CLOSED"},
    {"min_price", ECS_T_MONEY, ECS_IN_QUERY, .help = "At least."},
    {"shop", ECS_T_ID, ECS_IN_QUERY, ECS_REQUIRED},
    {"page", ECS_T_PAGE, ECS_IN_QUERY, .initial = "1"},
    {"page_size", ECS_T_INT, ECS_IN_QUERY, .min = 1, .max = 100,
     .initial = "20"},
    {"cursor", ECS_T_CURSOR, ECS_IN_QUERY},
    {NULL},
};

static const ecs_field_t lot_fields[] = {
    {"quantity", ECS_T_INT, ECS_IN_BODY, ECS_REQUIRED, 5, 9},
    {"notes", ECS_T_TEXT, ECS_IN_BODY},
    {NULL},
};

/* Names with a known example are bent to bounds it does not fit. */
static const ecs_field_t thing_fields[] = {
    {"title", ECS_T_STRING, ECS_IN_BODY, ECS_REQUIRED, 0, 5},
    {"name", ECS_T_STRING, ECS_IN_BODY, ECS_REQUIRED, 60, 80},
    {"brand", ECS_T_ID, ECS_IN_BODY, ECS_NULLABLE, .help = "Own."},
    {"quantity", ECS_T_INT, ECS_IN_BODY, 0, 5, 9},
    {"delta", ECS_T_INT, ECS_IN_BODY, 0, -9, -1},
    {"price", ECS_T_MONEY, ECS_IN_BODY, ECS_REQUIRED, 5000},
    {"tip", ECS_T_MONEY, ECS_IN_BODY, .max = 99},
    {"lat", ECS_T_DECIMAL, ECS_IN_BODY, 0, -90, 90},
    {"percent", ECS_T_DECIMAL, ECS_IN_BODY, 0, 2, 3},
    {"draft", ECS_T_BOOL, ECS_IN_BODY, .initial = "false"},
    {"description", ECS_T_TEXT, ECS_IN_BODY, ECS_BLANK},
    {"email", ECS_T_EMAIL, ECS_IN_BODY},
    {"contact", ECS_T_EMAIL, ECS_IN_BODY, .max = 10},
    {"kind", ECS_T_CHOICE, ECS_IN_BODY, .choices = "A B", .initial = "B"},
    {"starts_at", ECS_T_TIME, ECS_IN_BODY},
    {"password", ECS_T_STRING, ECS_IN_BODY, ECS_SECRET, 10, 512},
    {"hash", ECS_T_STRING, ECS_IN_SERVER},
    {NULL},
};

static const ecs_field_t patch_fields[] = {
    {"id", ECS_T_ID, ECS_IN_PATH, .help = "Thing."},
    {"title", ECS_T_STRING, ECS_IN_BODY},
    {"parts", ECS_T_IDS, ECS_IN_BODY, 0, 1, 5},
    {"lots", ECS_T_ITEMS, ECS_IN_BODY, 0, 1, 5, .members = lot_fields},
    {NULL},
};

static const ecs_field_t id_fields[] = {
    {"id", ECS_T_ID, ECS_IN_PATH},
    {NULL},
};

static const ecs_field_t album_fields[] = {
    {"title", ECS_T_STRING, ECS_IN_BODY, ECS_REQUIRED},
    ECS_IMAGES_FIELD,
    {NULL},
};

static const ecs_field_t cover_fields[] = {
    ECS_IMAGE_FIELDS,
    {NULL},
};

static const ecs_field_t tag_fields[] = {
    {"id", ECS_T_ID, ECS_IN_PATH},
    {"tag_id", ECS_T_ID, ECS_IN_PATH},
    {NULL},
};

static const ecs_route_t thing_routes[] = {
    {"GET", "/api/things/", ECS_PUBLIC, ECS_R_LIST | ECS_R_CACHEABLE,
     list_fields, "things_list", 200, "Thing", NULL, "List things", "All."},
    {"POST", "/api/things/", ECS_SELLER, 0, thing_fields, "thing_create", 201,
     "Thing", "out_of_stock price_changed insufficient_funds", "Make one",
     NULL},
    {"GET", "/api/things/mine/", ECS_SELLER | ECS_ADMINS, ECS_R_LIST,
     list_fields, "things_mine", 200, "Thing +Unread", NULL, "Own", NULL},
    {"GET", "/api/things/{id}/", ECS_PUBLIC, 0, id_fields, "thing_get", 200,
     "Thing", NULL, "Read one", NULL},
    {"PATCH", "/api/things/{id}/", ECS_ANY_ROLE, 0, patch_fields,
     "thing_change", 200, "Thing", "wrong_state", "Change one", NULL},
    {"DELETE", "/api/things/{id}/", ECS_SELLER, 0, id_fields, "thing_delete",
     204, NULL, "in_use", "Remove one", NULL},
    {"POST", "/api/things/{id}/tags/{tag_id}/try-it/", ECS_DELIVERY,
     ECS_R_NO_REPLAY, tag_fields, "thing_try", 200, "Proof image/png",
     "wrong_proof proof_locked throttled", "Try", NULL},
    {"POST", "/api/albums/", ECS_SELLER, ECS_R_MAY_IMAGE, album_fields,
     "album_create", 201, "Thing", NULL, "Make an album", NULL,
     .image = "photos", .images_max = 3},
    {"PUT", "/api/covers/", ECS_SELLER, 0, cover_fields, "cover_put", 200,
     "Thing", NULL, "Have a cover", NULL, .image = "file"},
    {NULL},
};

static const ecs_schema_t thing_schemas[] = {
    {"Thing", "Has one of each.",
     "id:id count:int avg_rating:num? open:bool name:str note:text? "
     "price:money created_at:time day:date? email:email image:url data:json "
     "status:OPEN|CLOSED kind:A|B? owner:Person courier:Person? "
     "tags:[str] people:[Person] sizes:[[int]] ~secret:str ~tree:Node"},
    {"Person", NULL, "id:id username:str friend:Person? ~mentor:Person"},
    {"Proof", "A proof.", "pin:str token:str qr:str"},
    {"Unread", "For the envelope.", "unread_count:int by_kind:json"},
    {NULL},
};

static const ecs_route_t platform_routes[] = {
    {"GET", "/api/health/", ECS_PUBLIC, ECS_R_NO_DB, NULL, NULL, 200, "json",
     NULL, "Health", NULL},
    {"GET", "/api/metrics", ECS_PUBLIC, ECS_R_NO_DB, NULL, NULL, 200,
     "text/plain", NULL, "Metrics", NULL},
    {"GET", "/api/tree/", ECS_PUBLIC, 0, NULL, "tree", 200, "[Node]", NULL,
     "Tree", NULL},
    {"POST", "/api/mail/", ECS_PUBLIC, 0, patch_fields + 1, "mail", 202, NULL,
     NULL, "Mail", NULL},
    {NULL},
};

static const ecs_schema_t platform_schemas[] = {
    {"Node", "Contains itself.", "id:id parent:Node? children:[Node]"},
    {NULL},
};

static const ecs_app_t apps[] = {
    {"Things", "What there is.", thing_routes, thing_schemas},
    {"Platform", NULL, platform_routes, platform_schemas},
    {NULL},
};

/* ---- the document ---- */

static json_t *document;

static void set_up(void)
{
    json_error_t error;

    pool_open();
    document = json_loads(ecs_openapi_make(pool, apps, URL),
                          JSON_REJECT_DUPLICATES, &error);
    ck_assert_msg(document != NULL, "%s", error.text);
}

static void tear_down(void)
{
    json_decref(document);
    pool_close();
}

static const json_t *at(const char *pointer)
{
    const json_t *value = schema_at(document, pointer);

    ck_assert_msg(value != NULL, "there is no %s", pointer);
    return value;
}

static const char *text_at(const char *pointer)
{
    const char *text = json_string_value(at(pointer));

    ck_assert_msg(text != NULL, "%s is no string", pointer);
    return text;
}

/* Compare with JSON written with ' for ". */
static void assert_at(const char *pointer, const char *expected)
{
    char *copy = apr_pstrdup(pool, expected), *to, *text;
    const json_t *value = at(pointer);
    json_t *wanted;

    for (to = copy; *to != '\0'; to++) {
        *to = (char)(*to == '\'' ? '"' : *to);
    }
    wanted = json_loads(copy, JSON_DECODE_ANY, NULL);
    ck_assert_msg(wanted != NULL, "the test's JSON is none: %s", copy);
    text = json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT);
    ck_assert_msg(json_equal(value, wanted), "%s is %s", pointer, text);
    free(text);
    json_decref(wanted);
}

typedef void visit_fn(const json_t *object, int *count);

static void walk(const json_t *value, visit_fn *visit, int *count)
{
    const char *name;
    json_t *member;
    size_t i;

    if (json_is_object(value)) {
        visit(value, count);
    }
    json_object_foreach((json_t *)value, name, member)
    {
        walk(member, visit, count);
    }
    json_array_foreach((json_t *)value, i, member)
    {
        walk(member, visit, count);
    }
}

static void assert_fits(const json_t *schema, const json_t *value)
{
    const char *error = schema_check(document, schema, value);
    char *text = json_dumps(value, JSON_ENCODE_ANY);

    ck_assert_msg(error == NULL, "%s in %s", error, text);
    free(text);
}

START_TEST(the_document_is_sound)
{
    schema_count_t count;
    const char *error = schema_check_document(document, &count);

    ck_assert_msg(error == NULL, "%s", error);
    ck_assert_int_gt(count.references, 50);
    ck_assert_int_gt(count.examples, 60);
    ck_assert_int_eq(count.operations, 13);
}
END_TEST

/* An answer in JSON and a body have an example to be shown. */
static void visit_media(const json_t *object, int *count)
{
    const json_t *media =
        json_object_get(json_object_get(object, "content"),
                        "application/json");

    if (media != NULL) {
        ck_assert(json_object_get(media, "example") != NULL ||
                  json_object_size(json_object_get(media, "examples")) > 0);
        (*count)++;
    }
}

START_TEST(everything_has_an_example)
{
    int count = 0;

    walk(document, visit_media, &count);
    ck_assert_int_gt(count, 20);
}
END_TEST

START_TEST(operations_have_speaking_names)
{
    static const struct {
        const char *pointer, *name;
    } names[] = {
        {LIST, "get_things"},
        {CREATE, "post_things"},
        {MINE, "get_things_mine"},
        {READ, "get_things_by_id"},
        {TRY, "post_things_by_id_tags_by_tag_id_try_it"},
        {METRICS, "get_metrics"},
    };
    int i;

    for (i = 0; i < LENGTH(names); i++) {
        ck_assert_str_eq(text_at(apr_pstrcat(pool, names[i].pointer,
                                             "/operationId", NULL)),
                         names[i].name);
    }
}
END_TEST

START_TEST(the_frame_is_complete)
{
    ck_assert_str_eq(text_at("/openapi"), "3.1.0");
    ck_assert_str_eq(text_at("/info/version"), ECS_VERSION);
    assert_at("/info/license", "{'name': 'MIT', 'identifier': 'MIT'}");
    assert_at("/servers", "[{'url': '" URL "'}]");
    assert_at("/tags", "[{'name': 'Things', 'description': 'What there is.'}, "
                       "{'name': 'Platform'}]");
    ck_assert_str_eq(text_at("/components/securitySchemes/bearer/scheme"),
                     "bearer");
}
END_TEST

START_TEST(the_same_rows_give_the_same_text)
{
    const char *text = ecs_openapi_make(pool, apps, NULL);

    ck_assert_str_eq(text, ecs_openapi_make(pool, apps, NULL));
    ck_assert_ptr_nonnull(strstr(text, "\"servers\":[{\"url\":\"/\"}]"));
}
END_TEST

START_TEST(operations_say_who_may_call)
{
    assert_at(LIST "/security", "[{}, {'bearer': []}]");
    assert_at(LIST "/x-roles", "['public']");
    ck_assert_str_eq(text_at(LIST "/description"),
                     "All.\n\nAnyone may call this, signed in or not.");
    assert_at(MINE "/security", "[{'bearer': []}]");
    assert_at(MINE "/x-roles", "['seller', 'admin', 'superadmin']");
    ck_assert_str_eq(text_at(MINE "/description"),
                     "Who may call this: `seller`, `admin`, `superadmin`.");
    assert_at(CHANGE "/x-roles", "['user', 'seller', 'delivery', 'admin', "
                                 "'superadmin']");
    ck_assert_str_eq(text_at(CHANGE "/description"),
                     "Everyone who is signed in may call this.");
    ck_assert_str_eq(text_at(CREATE "/summary"), "Make one");
    assert_at(CREATE "/tags", "['Things']");
}
END_TEST

START_TEST(parameters_come_from_fields)
{
    assert_at(LIST "/parameters/0",
              "{'name': 'status', 'in': 'query', 'required': false, "
              "'schema': {'type': 'string', 'enum': ['OPEN', 'CLOSED']}}");
    ck_assert_str_eq(text_at(LIST "/parameters/1/description"), "At least.");
    assert_at(LIST "/parameters/2",
              "{'name': 'shop', 'in': 'query', 'required': true, 'schema': "
              "{'type': 'integer', 'format': 'int64', 'minimum': 1}, "
              "'example': 42}");
    assert_at(LIST "/parameters/4/schema",
              "{'type': 'integer', 'minimum': 1, 'maximum': 100, "
              "'default': 20}");
    assert_at(LIST "/parameters/5/allowEmptyValue", "true");
    ck_assert_int_eq((int)json_array_size(at(LIST "/parameters")), 6);
    assert_at(CHANGE "/parameters",
              "[{'name': 'id', 'in': 'path', 'required': true, 'description': "
              "'Thing.', 'schema': {'type': 'integer', 'format': 'int64', "
              "'minimum': 1}, 'example': 42}, "
              "{'$ref': '#/components/parameters/IdempotencyKey'}, "
              "{'$ref': '#/components/parameters/IfMatch'}]");
    assert_at(CREATE "/parameters",
              "[{'$ref': '#/components/parameters/IdempotencyKey'}]");
    assert_at(TRY "/parameters/2",
              "{'$ref': '#/components/parameters/IdempotencyKeyUnused'}");
    ck_assert_int_eq((int)json_array_size(at(READ "/parameters")), 1);
}
END_TEST

START_TEST(bodies_come_in_two_forms)
{
    static const char schema[] = "/components/schemas/post_things_body";

    assert_at(CREATE "/requestBody/required", "true");
    assert_at(CREATE "/requestBody/content/application~1json/schema",
              "{'$ref': '#/components/schemas/post_things_body'}");
    assert_at(CREATE "/requestBody/content/"
                     "application~1x-www-form-urlencoded/schema",
              "{'$ref': '#/components/schemas/post_things_body'}");
    assert_at(apr_pstrcat(pool, schema, "/required", NULL),
              "['title', 'name', 'price']");
    assert_at(apr_pstrcat(pool, schema, "/additionalProperties", NULL),
              "false");
    assert_at(apr_pstrcat(pool, schema, "/properties/password/writeOnly",
                          NULL),
              "true");
    ck_assert_ptr_null(json_object_get(at(apr_pstrcat(pool, schema,
                                                      "/properties", NULL)),
                                       "hash"));
    assert_at(CHANGE "/requestBody/required", "false");
    /* A form has no lists. */
    ck_assert_int_eq(
        (int)json_object_size(at(CHANGE "/requestBody/content")), 1);
    assert_at("/components/examples/patch_things_by_id_body/value/parts",
              "[42, 43]");
    ck_assert_ptr_null(json_object_get(at(REMOVE), "requestBody"));
    ck_assert_ptr_null(json_object_get(at(LIST), "requestBody"));
}
END_TEST

START_TEST(pictures_come_in_forms)
{
    at(ALBUM "/requestBody/content/application~1json");
    assert_at(ALBUM "/requestBody/content/multipart~1form-data/schema",
              "{'type': 'object', 'properties': {'title': {'type': 'string', "
              "'minLength': 1, 'maxLength': 255}, 'photos': {'type': 'array', "
              "'items': {'type': 'string', 'format': 'binary'}, 'maxItems': "
              "3}}, 'additionalProperties': false, 'required': ['title']}");
    ck_assert_ptr_null(json_object_get(at(ALBUM "/requestBody/content"),
                                       "image/png"));
    assert_at(COVER "/requestBody/content/multipart~1form-data/schema",
              "{'type': 'object', 'properties': {'file': {'type': 'string', "
              "'format': 'binary'}}, 'additionalProperties': false, "
              "'required': ['file']}");
    at(COVER "/requestBody/content/image~1png");
    assert_at(COVER "/requestBody/required", "true");
}
END_TEST

START_TEST(answers_have_their_schema)
{
    assert_at(READ "/responses/200/content/application~1json/schema",
              "{'$ref': '#/components/schemas/Thing'}");
    assert_at(REMOVE "/responses/204",
              "{'description': 'Done, there is nothing to say.', 'headers': "
              "{'X-Request-Id': {'$ref': '#/components/headers/RequestId'}, "
              "'Idempotent-Replayed': {'$ref': "
              "'#/components/headers/IdempotentReplayed'}}}");
    at(CREATE "/responses/201/headers/Location");
    at(READ "/responses/200/headers/ETag");
    at(READ "/responses/304");
    at(LIST "/responses/200/headers/Link");
    at(MAIL "/responses/202");
    ck_assert_ptr_null(json_object_get(at(MAIL "/responses/202"), "content"));
    assert_at(TRY "/responses/200/content/image~1png", "{'schema': {}}");
    at(TRY "/responses/200/content/application~1json");
    ck_assert_ptr_null(json_object_get(at(TRY "/responses/200/headers"),
                                       "Idempotent-Replayed"));
    assert_at(METRICS "/responses/200/content",
              "{'text/plain': {'schema': {'type': 'string'}}}");
    assert_at(HEALTH "/responses/200/content/application~1json/schema", "{}");
    assert_at(TREE "/responses/200/content/application~1json",
              "{'schema': {'type': 'array', 'items': {'$ref': "
              "'#/components/schemas/Node'}}, 'example': [{'id': 42, "
              "'parent': null, 'children': []}]}");
}
END_TEST

START_TEST(lists_have_an_envelope)
{
    assert_at(LIST "/responses/200/content/application~1json/schema",
              "{'$ref': '#/components/schemas/ThingPage'}");
    assert_at("/components/schemas/ThingPage/required",
              "['next', 'previous', 'results']");
    assert_at("/components/schemas/ThingPage/additionalProperties", "false");
    assert_at("/components/schemas/ThingPage/properties/results",
              "{'type': 'array', 'items': {'$ref': "
              "'#/components/schemas/Thing'}}");
    ck_assert_str_eq(text_at("/components/examples/ThingPage/value/next"),
                     URL "/api/things/?page=2");
    assert_at(MINE "/responses/200/content/application~1json/schema",
              "{'$ref': '#/components/schemas/ThingPageUnread'}");
    assert_at("/components/schemas/ThingPageUnread/required",
              "['next', 'previous', 'unread_count', 'by_kind', 'results']");
}
END_TEST

/* The codes of an operation's status, as its schema enumerates them. */
static void assert_codes(const char *operation, int status,
                         const char *expected)
{
    const char *where =
        apr_psprintf(pool, "%s/responses/%d/$ref", operation, status);
    const char *response = text_at(where);

    assert_at(apr_pstrcat(pool, response, "/content/", "application~1json",
                          status == 400 ? "/schema/anyOf/1" : "/schema",
                          "/allOf/1/properties/code/enum", NULL),
              expected);
    assert_at(apr_pstrcat(pool, response, "/content/",
                          "application~1problem+json/schema",
                          "/allOf/1/properties/code/enum", NULL),
              expected);
    assert_at(apr_pstrcat(pool, response, "/content/",
                          "application~1problem+json/schema",
                          "/allOf/1/properties/status/const", NULL),
              apr_itoa(pool, status));
}

START_TEST(refusals_are_enumerated)
{
    assert_codes(CREATE, 400, "['validation_error', 'malformed_json', "
                              "'parse_error', 'invalid_value']");
    assert_codes(CREATE, 401, "['not_authenticated', 'token_not_valid', "
                              "'session_revoked']");
    assert_codes(CREATE, 402, "['insufficient_funds']");
    assert_codes(CREATE, 403, "['permission_denied']");
    assert_codes(CREATE, 409, "['conflict', 'out_of_stock', 'price_changed', "
                              "'request_in_progress']");
    assert_codes(CREATE, 413, "['too_large']");
    assert_codes(CREATE, 415, "['unsupported_media_type']");
    assert_codes(CREATE, 422, "['idempotency_key_reused']");
    assert_codes(CREATE, 503, "['service_unavailable', 'outcome_unknown', "
                              "'timeout']");
    assert_codes(LIST, 400, "['validation_error', 'invalid_value']");
    assert_codes(LIST, 401, "['token_not_valid', 'session_revoked']");
    assert_codes(LIST, 404, "['invalid_page', 'invalid_cursor']");
    assert_codes(LIST, 503, "['service_unavailable', 'timeout']");
    assert_codes(READ, 404, "['not_found']");
    assert_codes(CHANGE, 412, "['stale']");
    assert_codes(REMOVE, 409, "['conflict', 'in_use', "
                              "'request_in_progress']");
    assert_codes(TRY, 400, "['validation_error', 'malformed_json', "
                           "'parse_error', 'invalid_value', 'wrong_proof']");
    assert_codes(TRY, 409, "['conflict']");
    assert_codes(TRY, 423, "['proof_locked']");
    assert_codes(TRY, 429, "['throttled']");
    assert_codes(HEALTH, 400, "['validation_error']");
}
END_TEST

/* All statuses an operation lists, so that none is there without reason. */
static void assert_statuses(const char *operation, const char *expected)
{
    const json_t *responses =
        at(apr_pstrcat(pool, operation, "/responses", NULL));
    const char *found = "", *status;
    json_t *response;

    json_object_foreach((json_t *)responses, status, response)
    {
        found = apr_pstrcat(pool, found, *found ? " " : "", status, NULL);
    }
    ck_assert_str_eq(found, expected);
}

START_TEST(statuses_have_their_reason)
{
    assert_statuses(LIST, "200 304 400 401 404 503");
    assert_statuses(MINE, "200 304 400 401 403 404 503");
    assert_statuses(CREATE, "201 400 401 402 403 409 413 415 422 503");
    assert_statuses(READ, "200 304 400 401 404 503");
    assert_statuses(CHANGE, "200 400 401 404 409 412 413 415 422 503");
    assert_statuses(REMOVE, "204 400 401 403 404 409 412 413 415 422 503");
    assert_statuses(TRY, "200 400 401 403 404 409 413 415 423 429 503");
    assert_statuses(HEALTH, "200 304 400 401");
    assert_statuses(MAIL, "202 400 401 409 413 415 422 503");
}
END_TEST

START_TEST(refusals_have_examples_of_both_forms)
{
    const char *response = text_at(CREATE "/responses/402/$ref");

    assert_at(apr_pstrcat(pool, response, "/content/application~1json/"
                          "examples/insufficient_funds", NULL),
              "{'summary': 'The wallet does not hold enough.', 'value': "
              "{'detail': 'The wallet does not hold enough.', 'code': "
              "'insufficient_funds', 'request_id': 'b7d90614a8c1f53e'}}");
    assert_at(apr_pstrcat(pool, response, "/content/application~1problem+json/"
                          "examples/insufficient_funds/value/type", NULL),
              "'/problems/insufficient_funds'");
    response = text_at(CREATE "/responses/400/$ref");
    assert_at(apr_pstrcat(pool, response, "/content/application~1json/"
                          "examples/validation_error/value", NULL),
              "{'unexpected': ['Unknown field.']}");
}
END_TEST

START_TEST(equal_refusals_are_shared)
{
    ck_assert_str_eq(text_at(LIST "/responses/401/$ref"),
                     text_at(READ "/responses/401/$ref"));
    ck_assert_str_eq(text_at(LIST "/responses/401/$ref"),
                     "#/components/responses/"
                     "401.token_not_valid.session_revoked");
}
END_TEST

/* What the server sends for each code satisfies the common schemas. */
START_TEST(every_problem_has_its_common_form)
{
    const ecs_problem_kind_t *kind;

    for (kind = ecs_problem_kinds(); kind->code != NULL; kind++) {
        ecs_problem_t *problem = ecs_problem_make(pool, kind->code, NULL);
        json_t *drf, *rfc;

        problem->extra = "{\"available\":3}";
        drf = json_loads(ecs_problem_drf(pool, problem, "r"), 0, NULL);
        rfc = json_loads(ecs_problem_rfc9457(pool, problem, "r"), 0, NULL);
        assert_fits(at("/components/schemas/Error"), drf);
        assert_fits(at("/components/schemas/Problem"), rfc);
        ck_assert_ptr_nonnull(schema_check(
            document, at("/components/schemas/ValidationError"), drf));
        json_decref(drf);
        json_decref(rfc);
    }
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("openapi");
    TCase *tc = tcase_create("openapi");

    tcase_add_checked_fixture(tc, set_up, tear_down);
    tcase_add_test(tc, the_document_is_sound);
    tcase_add_test(tc, everything_has_an_example);
    tcase_add_test(tc, operations_have_speaking_names);
    tcase_add_test(tc, the_frame_is_complete);
    tcase_add_test(tc, the_same_rows_give_the_same_text);
    tcase_add_test(tc, operations_say_who_may_call);
    tcase_add_test(tc, parameters_come_from_fields);
    tcase_add_test(tc, bodies_come_in_two_forms);
    tcase_add_test(tc, pictures_come_in_forms);
    tcase_add_test(tc, answers_have_their_schema);
    tcase_add_test(tc, lists_have_an_envelope);
    tcase_add_test(tc, refusals_are_enumerated);
    tcase_add_test(tc, statuses_have_their_reason);
    tcase_add_test(tc, refusals_have_examples_of_both_forms);
    tcase_add_test(tc, equal_refusals_are_shared);
    tcase_add_test(tc, every_problem_has_its_common_form);
    suite_add_tcase(s, tc);
    return s;
}

int main(void)
{
    return unit_run(suite());
}
