/* SPDX-License-Identifier: MIT */
/*
 * test_schema.c - the short notation of shapes, and the JSON Schema that comes
 * of shapes, schemas and fields.
 */
#include "schema.h"
#include "unit.h"

#include <apr_strings.h>
#include <stdlib.h>
#include <string.h>

#define REF(name) "{'$ref': '#/components/schemas/" name "'}"

/* Compare with JSON written with ' for "; takes the value over. */
static void assert_json(json_t *value, const char *expected)
{
    char *copy = apr_pstrdup(pool, expected), *at, *text;
    json_t *wanted;

    for (at = copy; *at != '\0'; at++) {
        *at = (char)(*at == '\'' ? '"' : *at);
    }
    wanted = json_loads(copy, JSON_DECODE_ANY, NULL);
    ck_assert_msg(wanted != NULL, "the test's JSON is none: %s", copy);
    text = json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT);
    ck_assert_msg(json_equal(wanted, value), "%s is not %s", text, copy);
    free(text);
    json_decref(wanted);
    json_decref(value);
}

static const struct {
    const char *text, *schema;
} shapes[] = {
    {"id", "{'type': 'integer', 'format': 'int64', 'minimum': 1}"},
    {"int", "{'type': 'integer'}"},
    {"num", "{'type': 'number'}"},
    {"bool", "{'type': 'boolean'}"},
    {"str", "{'type': 'string'}"},
    {"text", "{'type': 'string'}"},
    {"money", "{'type': 'string', 'pattern': '^-?[0-9]{1,12}\\\\.[0-9]{2}$'}"},
    {"time", "{'type': 'string', 'format': 'date-time'}"},
    {"date", "{'type': 'string', 'format': 'date'}"},
    {"email", "{'type': 'string', 'format': 'email'}"},
    {"url", "{'type': 'string', 'format': 'uri-reference'}"},
    {"json", "{}"},
    {"json?", "{}"},
    {"str?", "{'type': ['string', 'null']}"},
    {"A|B_2|c-d", "{'type': 'string', 'enum': ['A', 'B_2', 'c-d']}"},
    {"A|B?", "{'type': ['string', 'null'], 'enum': ['A', 'B', null]}"},
    {"Order", REF("Order")},
    {"Order?", "{'anyOf': [" REF("Order") ", {'type': 'null'}]}"},
    {"[Order]", "{'type': 'array', 'items': " REF("Order") "}"},
    {"[Order]?", "{'type': ['array', 'null'], 'items': " REF("Order") "}"},
    {"[int?]", "{'type': 'array', 'items': {'type': ['integer', 'null']}}"},
    {"[[str]]", "{'type': 'array', 'items': {'type': 'array', 'items': "
                "{'type': 'string'}}}"},
};

START_TEST(shapes_become_json_schema)
{
    const char *error = NULL;
    ecs_shape_t *shape = ecs_shape_parse(pool, shapes[_i].text, &error);

    ck_assert_msg(shape != NULL, "%s: %s", shapes[_i].text, error);
    assert_json(ecs_shape_json(pool, shape), shapes[_i].schema);
}
END_TEST

static const char *const no_shapes[] = {
    "",     "?",    "order", "strr", "Int eger", "[]",   "[str", "str]",
    "A||B", "|A|B", "A|B|",  "A|B!", "Order|",   "Or-der", "str??",
};

START_TEST(typos_are_no_shapes)
{
    const char *error = NULL;

    ck_assert_ptr_null(ecs_shape_parse(pool, no_shapes[_i], &error));
    ck_assert_ptr_nonnull(strstr(error, "is no type"));
}
END_TEST

START_TEST(schemas_are_closed_objects)
{
    static const ecs_schema_t order = {
        "Order", "What was bought.",
        "id:id total:money ~courier:User? \n  items:[Item]"};
    static const ecs_schema_t empty = {"Empty", NULL, ""};

    assert_json(ecs_schema_json(pool, &order),
                "{'type': 'object', 'description': 'What was bought.', "
                "'properties': {'id': {'type': 'integer', 'format': 'int64', "
                "'minimum': 1}, 'total': {'type': 'string', 'pattern': "
                "'^-?[0-9]{1,12}\\\\.[0-9]{2}$'}, 'courier': {'anyOf': ["
                REF("User") ", {'type': 'null'}]}, 'items': {'type': 'array', "
                "'items': " REF("Item") "}}, 'required': ['id', 'total', "
                "'items'], 'additionalProperties': false}");
    assert_json(ecs_schema_json(pool, &empty),
                "{'type': 'object', 'properties': {}, 'required': [], "
                "'additionalProperties': false}");
}
END_TEST

START_TEST(members_keep_their_order)
{
    static const ecs_schema_t schema = {"S", NULL, "b:int ~a_1:str? c:A|B"};
    const char *error = NULL;
    apr_array_header_t *members = ecs_schema_members(pool, &schema, &error);
    const ecs_member_t *member;

    ck_assert_int_eq(members->nelts, 3);
    member = (const ecs_member_t *)members->elts;
    ck_assert_str_eq(member[0].name, "b");
    ck_assert_int_eq(member[0].optional, 0);
    ck_assert_str_eq(member[1].name, "a_1");
    ck_assert_int_eq(member[1].optional, 1);
    ck_assert_int_eq(member[1].shape->nullable, 1);
    ck_assert_str_eq(member[2].shape->word, "A|B");
}
END_TEST

static const struct {
    const char *members, *error;
} no_members[] = {
    {"a:int b", "\"b\" has no type"},
    {"a:int a:str", "\"a\" is there twice"},
    {"a:int ~a:str", "\"a\" is there twice"},
    {":int", "is no name"},
    {"a-b:int", "is no name"},
    {"a:strr", "\"a\": \"strr\" is no type"},
};

START_TEST(bad_members_are_named)
{
    const ecs_schema_t schema = {"S", NULL, no_members[_i].members};
    const char *error = NULL;
    json_t *json = ecs_schema_json(pool, &schema);

    ck_assert_ptr_null(ecs_schema_members(pool, &schema, &error));
    ck_assert_msg(strstr(error, no_members[_i].error) != NULL, "%s", error);
    /* and nothing satisfies what cannot be read */
    ck_assert(json_is_object(json_object_get(json, "not")));
    json_decref(json);
}
END_TEST

static const struct {
    ecs_field_t field;
    const char *schema;
} fields[] = {
    {{"f", ECS_T_ID}, "{'type': 'integer', 'format': 'int64', 'minimum': 1}"},
    {{"f", ECS_T_ID, .flags = ECS_NULLABLE, .help = "Of a brand."},
     "{'type': ['integer', 'null'], 'format': 'int64', 'minimum': 1, "
     "'description': 'Of a brand.'}"},
    {{"f", ECS_T_INT, .min = -5, .max = 5, .initial = "2"},
     "{'type': 'integer', 'minimum': -5, 'maximum': 5, 'default': 2}"},
    {{"f", ECS_T_INT},
     "{'type': 'integer', 'minimum': 0, 'maximum': 2147483647}"},
    {{"f", ECS_T_MONEY, .min = 1, .initial = "1.00"},
     "{'type': ['string', 'number'], 'pattern': "
     "'^[0-9]{1,10}(\\\\.[0-9]{1,2})?$', 'minimum': 0.01, "
     "'maximum': 9999999999.99, 'default': '1.00'}"},
    {{"f", ECS_T_MONEY, .max = 50000},
     "{'type': ['string', 'number'], 'pattern': "
     "'^[0-9]{1,10}(\\\\.[0-9]{1,2})?$', 'minimum': 0, 'maximum': 500}"},
    {{"f", ECS_T_DECIMAL, .min = -90, .max = 90, .flags = ECS_NULLABLE},
     "{'type': ['number', 'string', 'null'], 'pattern': "
     "'^-?[0-9]+(\\\\.[0-9]{1,6})?$', 'minimum': -90, 'maximum': 90}"},
    {{"f", ECS_T_BOOL, .initial = "false"},
     "{'type': 'boolean', 'default': false}"},
    {{"f", ECS_T_BOOL, .initial = "true"},
     "{'type': 'boolean', 'default': true}"},
    {{"f", ECS_T_STRING},
     "{'type': 'string', 'minLength': 1, 'maxLength': 255}"},
    {{"f", ECS_T_STRING, .min = 10, .max = 128, .flags = ECS_SECRET},
     "{'type': 'string', 'minLength': 10, 'maxLength': 128, "
     "'writeOnly': true}"},
    {{"f", ECS_T_TEXT, .flags = ECS_BLANK, .min = 3},
     "{'type': 'string', 'maxLength': 10000}"},
    {{"f", ECS_T_EMAIL}, "{'type': 'string', 'format': 'email', "
                         "'minLength': 1, 'maxLength': 254}"},
    {{"f", ECS_T_CHOICE, .choices = "A B", .initial = "B"},
     "{'type': 'string', 'enum': ['A', 'B'], 'default': 'B'}"},
    {{"f", ECS_T_CHOICE, .choices = "A", .flags = ECS_BLANK | ECS_NULLABLE},
     "{'type': ['string', 'null'], 'enum': ['A', '', null]}"},
    {{"f", ECS_T_TIME}, "{'type': 'string', 'format': 'date-time'}"},
    {{"f", ECS_T_PAGE, .initial = "1"},
     "{'type': 'integer', 'minimum': 1, 'default': 1}"},
    {{"f", ECS_T_CURSOR}, "{'type': 'string'}"},
    {{"f", ECS_T_IDS, .min = 1, .max = 10},
     "{'type': 'array', 'items': {'type': 'integer', 'format': 'int64', "
     "'minimum': 1}, 'minItems': 1, 'maxItems': 10, 'uniqueItems': true}"},
    {{"f", ECS_T_ITEMS, .min = 1, .members = (const ecs_field_t[]){
          {"n", ECS_T_BOOL, ECS_IN_BODY, ECS_REQUIRED}, {NULL}}},
     "{'type': 'array', 'items': {'type': 'object', 'properties': {'n': "
     "{'type': 'boolean'}}, 'required': ['n'], 'additionalProperties': false},"
     " 'minItems': 1, 'maxItems': 100}"},
    {{"f", ECS_T_IDS, .flags = ECS_NULLABLE},
     "{'type': ['array', 'null'], 'items': {'type': 'integer', 'format': "
     "'int64', 'minimum': 1}, 'minItems': 0, 'maxItems': 100, "
     "'uniqueItems': true}"},
};

START_TEST(fields_become_json_schema)
{
    assert_json(ecs_schema_of_field(pool, &fields[_i].field),
                fields[_i].schema);
}
END_TEST

START_TEST(bodies_hold_what_clients_send)
{
    static const ecs_field_t register_fields[] = {
        {"id", ECS_T_ID, ECS_IN_PATH},
        {"email", ECS_T_EMAIL, ECS_IN_BODY, ECS_REQUIRED},
        {"all", ECS_T_BOOL, ECS_IN_BODY},
        {"hash", ECS_T_STRING, ECS_IN_SERVER, ECS_REQUIRED},
        {"page", ECS_T_PAGE, ECS_IN_QUERY},
        {NULL},
    };
    static const ecs_field_t none[] = {{NULL}};

    assert_json(ecs_schema_of_body(pool, register_fields),
                "{'type': 'object', 'properties': {'email': {'type': 'string',"
                " 'format': 'email', 'minLength': 1, 'maxLength': 254}, "
                "'all': {'type': 'boolean'}}, 'required': ['email'], "
                "'additionalProperties': false}");
    assert_json(ecs_schema_of_body(pool, none),
                "{'type': 'object', 'properties': {}, "
                "'additionalProperties': false}");
}
END_TEST

START_TEST(answers_are_words)
{
    static const ecs_route_t proof = {.answer = "Proof image/png "
                                                "image/svg+xml"};
    static const ecs_route_t list = {.answer = "Thing +Unread"};
    static const ecs_route_t nothing = {.answer = NULL};
    ecs_row_answer_t answer = ecs_schema_of_answer(pool, &proof);

    ck_assert_str_eq(answer.type, "Proof");
    ck_assert_int_eq(answer.extras->nelts, 0);
    ck_assert_int_eq(answer.media->nelts, 2);
    ck_assert_str_eq(APR_ARRAY_IDX(answer.media, 1, const char *),
                     "image/svg+xml");
    answer = ecs_schema_of_answer(pool, &list);
    ck_assert_str_eq(answer.type, "Thing");
    ck_assert_str_eq(APR_ARRAY_IDX(answer.extras, 0, const char *), "Unread");
    answer = ecs_schema_of_answer(pool, &nothing);
    ck_assert_ptr_null(answer.type);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("schema");
    TCase *tc = tcase_create("schema");

    tcase_add_checked_fixture(tc, pool_open, pool_close);
    tcase_add_loop_test(tc, shapes_become_json_schema, 0, LENGTH(shapes));
    tcase_add_loop_test(tc, typos_are_no_shapes, 0, LENGTH(no_shapes));
    tcase_add_test(tc, schemas_are_closed_objects);
    tcase_add_test(tc, members_keep_their_order);
    tcase_add_loop_test(tc, bad_members_are_named, 0, LENGTH(no_members));
    tcase_add_loop_test(tc, fields_become_json_schema, 0, LENGTH(fields));
    tcase_add_test(tc, bodies_hold_what_clients_send);
    tcase_add_test(tc, answers_are_words);
    suite_add_tcase(s, tc);
    return s;
}

int main(void)
{
    return unit_run(suite());
}
