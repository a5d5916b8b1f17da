/* SPDX-License-Identifier: MIT */
/*
 * test_schema_check.c - what the HTTP tests check answers with says no where it
 * must: each keyword with a value that fits and one that does not, answers
 * beside their document, and documents beside themselves.
 */
#include "../http/schema_check.h"
#include "../http/schema_document.h"
#include "unit.h"

#include <stdlib.h>
#include <string.h>

/* Members of the document that schemas below refer to. */
static const char document_text[] =
    "{'components': {'schemas': {"
    "'Name': {'type': 'string', 'minLength': 2},"
    "'Tree': {'type': 'object', 'properties': {'children': {"
    "'type': 'array', 'items': {'$ref': '#/components/schemas/Tree'}}}, "
    "'additionalProperties': false},"
    "'a/b~c d': {'type': 'null'},"
    "'Loop': {'$ref': '#/components/schemas/Loop'},"
    "'Error': {'type': 'object', 'required': ['detail', 'code']},"
    "'Problem': {'type': 'object', 'required': ['type']}}},"
    "'paths': {"
    "'/api/things/': {'get': {'responses': {'200': {'content': {"
    "'application/json': {'schema': {'type': 'array'}},"
    "'image/png': {'schema': {}}}}}}},"
    "'/api/things/{id}/': {'get': {'responses': {'304': {}, "
    "'404': {'$ref': '#/answers/none'}}},"
    "'delete': {'responses': {'204': {}}}},"
    "'/api/things/mine/': {'get': {'responses': {'202': {}}}}},"
    "'answers': {'none': {'content': {'application/json': {'schema': "
    "{'$ref': '#/components/schemas/Error'}}}}}}";

static const struct {
    const char *schema, *value;
    const char *error; /* part of the message, NULL when the value fits */
} values[] = {
    /* type */
    {"{'type': 'string'}", "'x'", NULL},
    {"{'type': 'string'}", "1", "/: is integer, not string"},
    {"{'type': 'integer'}", "1", NULL},
    {"{'type': 'integer'}", "1.0", NULL},
    {"{'type': 'integer'}", "1.5", "is number, not integer"},
    {"{'type': 'integer'}", "'1'", "is string, not integer"},
    {"{'type': 'number'}", "1", NULL},
    {"{'type': 'number'}", "1.5", NULL},
    {"{'type': 'number'}", "true", "is boolean, not number"},
    {"{'type': 'boolean'}", "false", NULL},
    {"{'type': 'boolean'}", "0", "not boolean"},
    {"{'type': 'null'}", "null", NULL},
    {"{'type': 'object'}", "{}", NULL},
    {"{'type': 'object'}", "[]", "is array, not object"},
    {"{'type': ['string', 'null']}", "null", NULL},
    {"{'type': ['string', 'null']}", "1", "none of its types"},
    {"{}", "[1]", NULL},
    {"true", "1", NULL},
    {"false", "1", "must not be"},
    /* enum, const */
    {"{'enum': ['A', 'B', null]}", "null", NULL},
    {"{'enum': ['A', 'B']}", "'a'", "not in the enumeration: a"},
    {"{'const': 1}", "1.0", NULL},
    {"{'const': 1}", "2", "not the one value"},
    /* numbers */
    {"{'minimum': 1}", "1", NULL},
    {"{'minimum': 1}", "0", "0 is less than 1"},
    {"{'minimum': 0.5}", "0.4", "less than 0.5"},
    {"{'maximum': 9007199254740992}", "9007199254740993", "more than"},
    {"{'maximum': 10}", "'11'", NULL},
    /* strings */
    {"{'minLength': 2}", "'\xc3\xa4\xc3\xb6'", NULL},
    {"{'minLength': 3}", "'\xc3\xa4\xc3\xb6'", "shorter than 3"},
    {"{'maxLength': 2}", "'\xc3\xa4\xc3\xb6'", NULL},
    {"{'maxLength': 1}", "'ab'", "longer than 1"},
    {"{'pattern': '^-?\\\\d{1,12}\\\\.[0-9]{2}$'}", "'12.50'", NULL},
    {"{'pattern': '^-?\\\\d{1,12}\\\\.[0-9]{2}$'}", "'12.5'",
     "\"12.5\" does not match"},
    {"{'pattern': '^a|b$'}", "7", NULL},
    {"{'pattern': '('}", "'x'", "pattern is none"},
    /* arrays */
    {"{'items': {'type': 'integer'}}", "[1, 2]", NULL},
    {"{'items': {'type': 'integer'}}", "[1, 'x']", "/1: is string"},
    {"{'minItems': 1}", "[]", "too few items"},
    {"{'maxItems': 1}", "[1, 2]", "too many items: 2"},
    {"{'uniqueItems': true}", "[1, 2, '1']", NULL},
    {"{'uniqueItems': true}", "[1, 2, 1]", "items 0 and 2 are the same"},
    {"{'uniqueItems': false}", "[1, 1]", NULL},
    /* objects */
    {"{'properties': {'a': {'type': 'string'}}}", "{'b': 1}", NULL},
    {"{'properties': {'a': {'type': 'string'}}}", "{'a': 1}", "/a: is integer"},
    {"{'properties': {'a': {'items': {'properties': {'b': false}}}}}",
     "{'a': [{}, {'b': 1}]}", "/a/1/b: must not be"},
    {"{'required': ['a']}", "{'a': null}", NULL},
    {"{'required': ['a', 'b']}", "{'a': 1}", "/: \"b\" is missing"},
    {"{'properties': {'a': {}}, 'additionalProperties': false}", "{'a': 1}",
     NULL},
    {"{'properties': {'a': {}}, 'additionalProperties': false}",
     "{'a': 1, 'c': 2}", "\"c\" should not be there"},
    {"{'additionalProperties': {'type': 'array'}}", "{'x': []}", NULL},
    {"{'additionalProperties': {'type': 'array'}}", "{'x': 'y'}",
     "/x: is string"},
    {"{'minProperties': 1}", "{}", "too few members"},
    {"{'maxProperties': 1}", "{'a': 1, 'b': 2}", "too many members: 2"},
    /* combinations */
    {"{'allOf': [{'type': 'integer'}, {'minimum': 3}]}", "3", NULL},
    {"{'allOf': [{'type': 'integer'}, {'minimum': 3}]}", "2", "less than 3"},
    {"{'anyOf': [{'type': 'string'}, {'type': 'null'}]}", "null", NULL},
    {"{'anyOf': [{'type': 'string'}, {'type': 'null'}]}", "1",
     "fits none of anyOf, the last because: /: is integer, not null"},
    {"{'oneOf': [{'minimum': 3}, {'maximum': 1}]}", "1", NULL},
    {"{'oneOf': [{'minimum': 3}, {'maximum': 1}]}", "2", "none of oneOf"},
    {"{'oneOf': [{'minimum': 1}, {'maximum': 5}]}", "2", "fits 2 of oneOf"},
    {"{'not': {'type': 'string'}}", "1", NULL},
    {"{'not': {'type': 'string'}}", "'x'", "fits what it must not"},
    /* references */
    {"{'$ref': '#/components/schemas/Name'}", "'ab'", NULL},
    {"{'$ref': '#/components/schemas/Name'}", "'a'", "shorter than 2"},
    {"{'$ref': '#/components/schemas/a~1b~0c%20d'}", "null", NULL},
    {"{'$ref': '#/components/schemas/Nobody'}", "1", "leads nowhere"},
    {"{'$ref': '#/components/schemas/Tree'}",
     "{'children': [{'children': []}]}", NULL},
    {"{'$ref': '#/components/schemas/Tree'}",
     "{'children': [{'children': [{'x': 1}]}]}",
     "/children/0/children/0: \"x\""},
    {"{'$ref': '#/components/schemas/Loop'}", "1", "has no end"},
    /* what is not known is no pass */
    {"{'format': 'email', 'x-mine': 1, 'description': 'd'}", "1", NULL},
    {"{'multipleOf': 2}", "3", "keyword \"multipleOf\" is not known"},
    {"[]", "1", "its schema is none"},
};

/* JSON with ' for ". */
static json_t *parse(const char *text)
{
    char *copy = strdup(text), *at;
    json_error_t error;
    json_t *value;

    for (at = copy; *at != '\0'; at++) {
        *at = (char)(*at == '\'' ? '"' : *at);
    }
    value = json_loads(copy, JSON_DECODE_ANY, &error);
    ck_assert_msg(value != NULL, "%s in %s", error.text, copy);
    free(copy);
    return value;
}

START_TEST(values_meet_schemas)
{
    json_t *document = parse(document_text);
    json_t *schema = parse(values[_i].schema);
    json_t *value = parse(values[_i].value);
    const char *error = schema_check(document, schema, value);

    if (values[_i].error == NULL) {
        ck_assert_msg(error == NULL, "%s: %s: %s", values[_i].schema,
                      values[_i].value, error);
    }
    else {
        ck_assert_msg(error != NULL, "%s takes %s", values[_i].schema,
                      values[_i].value);
        ck_assert_msg(strstr(error, values[_i].error) != NULL, "%s: %s",
                      values[_i].schema, error);
    }
    json_decref(value);
    json_decref(schema);
    json_decref(document);
}
END_TEST

START_TEST(no_value_fits_nothing)
{
    json_t *document = parse(document_text);
    json_t *schema = json_object();

    ck_assert_ptr_nonnull(schema_check(document, schema, NULL));
    json_decref(schema);
    json_decref(document);
}
END_TEST

static const struct {
    const char *method, *path;
    int status;
    const char *type;
    const char *body;  /* NULL for none */
    const char *error; /* NULL when it is as the document says */
} answers[] = {
    {"GET", "/api/things/", 200, "application/json; charset=utf-8", "[]", NULL},
    {"GET", "/api/things?page=2", 200, "application/json", "[]", NULL},
    {"GET", "/api/things/", 200, "application/json", "{}", "not array"},
    {"GET", "/api/things/", 200, "image/png", NULL, NULL},
    {"GET", "/api/things/", 200, "image/gif", NULL, "does not list image/gif"},
    {"GET", "/api/things/", 200, "application/json", NULL, "no value"},
    {"GET", "/api/things/", 200, NULL, NULL, "there is no body"},
    {"GET", "/api/things/", 201, NULL, NULL, "does not list status 201"},
    {"HEAD", "/api/things/", 200, "application/json", NULL, NULL},
    {"HEAD", "/api/things/", 500, NULL, NULL, "does not list status 500"},
    {"POST", "/api/things/", 200, NULL, NULL, "has no POST"},
    {"GET", "/api/things/7/", 404, "application/json",
     "{'detail': 'd', 'code': 'c'}", NULL},
    {"GET", "/api/things/7", 404, "application/json", "{'detail': 'd'}",
     "\"code\" is missing"},
    {"DELETE", "/api/things/7/", 204, NULL, NULL, NULL},
    {"DELETE", "/api/things/7/", 204, "application/json", "{}",
     "there is a body"},
    {"GET", "/api/things/mine/", 202, NULL, NULL, NULL},
    {"GET", "/api/things/mine/", 304, NULL, NULL, "does not list status 304"},
    {"PUT", "/api/things/", 405, "application/json",
     "{'detail': 'd', 'code': 'c'}", NULL},
    {"PUT", "/api/things/", 405, "application/problem+json",
     "{'detail': 'd', 'code': 'c'}", "\"type\" is missing"},
    {"PUT", "/api/things/", 405, "text/html", NULL, "no value"},
    {"GET", "/api/other/", 404, "application/json",
     "{'detail': 'd', 'code': 'c'}", NULL},
    {"GET", "/api/other/", 200, NULL, NULL, "has no GET"},
};

START_TEST(answers_meet_the_document)
{
    json_t *document = parse(document_text);
    json_t *body = answers[_i].body ? parse(answers[_i].body) : NULL;
    const char *error =
        schema_check_answer(document, answers[_i].method, answers[_i].path,
                            answers[_i].status, answers[_i].type, body);

    if (answers[_i].error == NULL) {
        ck_assert_msg(error == NULL, "answer %d: %s", _i, error);
    }
    else {
        ck_assert_msg(error != NULL, "answer %d is taken", _i);
        ck_assert_msg(strstr(error, answers[_i].error) != NULL, "%s", error);
    }
    json_decref(body);
    json_decref(document);
}
END_TEST

static const struct {
    const char *text;
    const char *error;
} documents[] = {
    {"{'a': {'$ref': '#/b'}, 'b': {}}", NULL},
    {"{'a': [{'$ref': '#/c'}], 'b': {}}", "#/c leads nowhere"},
    {"{'a': {'operationId': 'x'}, 'b': {'operationId': 'y'}}", NULL},
    {"{'a': {'operationId': 'x'}, 'b': {'operationId': 'x'}}",
     "operationId x is there twice"},
    {"{'schema': {'type': 'string'}, 'example': 'x'}", NULL},
    {"{'schema': {'type': 'string'}, 'example': 1}",
     "example 1: /: is integer, not string"},
    {"{'schema': {'type': 'string'}, 'examples': {'e': {'value': 'x'}}}",
     NULL},
    {"{'schema': {'type': 'string'}, 'examples': {'e': {'value': 2}}}",
     "example 2: "},
    {"{'schema': {'type': 'string'}, 'examples': {'e': {}}}",
     "there is no value"},
    {"{'e': {'value': 3}, 'm': [{'schema': {'type': 'string'}, 'examples': "
     "{'e': {'$ref': '#/e'}}}]}",
     "example 3: "},
};

START_TEST(unsound_documents_are_found)
{
    json_t *document = parse(documents[_i].text);
    const char *error = schema_check_document(document, NULL);

    if (documents[_i].error == NULL) {
        ck_assert_msg(error == NULL, "%s", error);
    }
    else {
        ck_assert_msg(error != NULL, "%s is taken", documents[_i].text);
        ck_assert_msg(strstr(error, documents[_i].error) != NULL, "%s", error);
    }
    json_decref(document);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("schema_check");
    TCase *tc = tcase_create("schema_check");

    tcase_add_loop_test(tc, values_meet_schemas, 0, LENGTH(values));
    tcase_add_test(tc, no_value_fits_nothing);
    tcase_add_loop_test(tc, answers_meet_the_document, 0, LENGTH(answers));
    tcase_add_loop_test(tc, unsound_documents_are_found, 0,
                        LENGTH(documents));
    suite_add_tcase(s, tc);
    return s;
}

int main(void)
{
    return unit_run(suite());
}
