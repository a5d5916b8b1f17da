/* SPDX-License-Identifier: MIT */
/*
 * test_accept.c - what clients say in Accept, and what they get.
 */
#include "accept.h"
#include "unit.h"

#define JSON "application/json"
#define PNG "image/png"
#define SVG "image/svg+xml"

static const struct {
    const char *accept, *type;
    int quality;
    ecs_accept_match_e match;
} said[] = {
    {NULL, PNG, 1000, ECS_ACCEPT_ALL},
    {"", PNG, 0, ECS_ACCEPT_NONE},
    {"image/png", PNG, 1000, ECS_ACCEPT_EXACT},
    {"IMAGE/Png", PNG, 1000, ECS_ACCEPT_EXACT},
    {"image/*", PNG, 1000, ECS_ACCEPT_FAMILY},
    {"*/*", PNG, 1000, ECS_ACCEPT_ALL},
    {"image/pngs, image/pn, text/*, */png, *", PNG, 0, ECS_ACCEPT_NONE},
    /* weights */
    {"image/png;q=0.5", PNG, 500, ECS_ACCEPT_EXACT},
    {"image/png ; Q=0.125", PNG, 125, ECS_ACCEPT_EXACT},
    {"image/png;q=0", PNG, 0, ECS_ACCEPT_EXACT},
    {"image/png;q=0.", PNG, 0, ECS_ACCEPT_EXACT},
    {"image/png;q=1.000", PNG, 1000, ECS_ACCEPT_EXACT},
    {"image/png;q=0.99999", PNG, 999, ECS_ACCEPT_EXACT},
    {"image/png;q=0.5 ,text/html", PNG, 500, ECS_ACCEPT_EXACT},
    {"image/png;level=1;q=0.3", PNG, 300, ECS_ACCEPT_EXACT},
    {"image/png;seq=0.3", PNG, 1000, ECS_ACCEPT_EXACT},
    {"image/png;q=many", PNG, 1000, ECS_ACCEPT_EXACT},
    {"image/png;q=0x1p3", PNG, 1000, ECS_ACCEPT_EXACT},
    {"image/png;q=-1", PNG, 1000, ECS_ACCEPT_EXACT},
    {"image/png;q=nan", PNG, 1000, ECS_ACCEPT_EXACT},
    {"image/png;q=", PNG, 1000, ECS_ACCEPT_EXACT},
    {"text/html;q=0.1, image/png", PNG, 1000, ECS_ACCEPT_EXACT},
    {"image/png, text/html;q=0.1", PNG, 1000, ECS_ACCEPT_EXACT},
    /* the closest range counts, wherever it stands */
    {"*/*, image/*;q=0.5, image/png;q=0.2", PNG, 200, ECS_ACCEPT_EXACT},
    {"image/png;q=0.2, image/*;q=0.5, */*", PNG, 200, ECS_ACCEPT_EXACT},
    {"image/*;q=0.5, */*", PNG, 500, ECS_ACCEPT_FAMILY},
    {"image/png;q=0, */*", PNG, 0, ECS_ACCEPT_EXACT},
    {"image/png;q=0.1, image/png;q=0.7", PNG, 700, ECS_ACCEPT_EXACT},
    /* commas and semicolons that mean nothing */
    {" , ,image/png,, ", PNG, 1000, ECS_ACCEPT_EXACT},
    {"text/html;a=\", image/png\"", PNG, 0, ECS_ACCEPT_NONE},
    {"image/png;a=\";q=0\"", PNG, 1000, ECS_ACCEPT_EXACT},
    {"image/png;a=\"\\\",;q=0\";q=0.4", PNG, 400, ECS_ACCEPT_EXACT},
    {"image/png;a=\"never closed, */*", PNG, 1000, ECS_ACCEPT_EXACT},
    {"image/png;", PNG, 1000, ECS_ACCEPT_EXACT},
    {"text/html;a=\"\\", PNG, 0, ECS_ACCEPT_NONE},
};

START_TEST(a_type_is_named_or_not)
{
    ecs_accept_t found = ecs_accept_of(said[_i].accept, said[_i].type);

    ck_assert_int_eq(found.quality, said[_i].quality);
    ck_assert_int_eq(found.match, said[_i].match);
}
END_TEST

static const struct {
    const char *accept, *chosen;
} choices[] = {
    {NULL, JSON},
    {"", JSON},
    {"text/html", JSON},
    {"*/*", JSON},
    {"image/*", PNG},
    {"image/svg+xml", SVG},
    {"image/png;q=0.5, image/svg+xml;q=0.6, */*;q=0.1", SVG},
    {"application/json;q=0.5, image/png;q=0.4", JSON},
    {"application/json;q=0, */*", PNG},
    {"application/json;q=0, image/*;q=0", JSON},
    {"*/*, image/svg+xml", SVG},
    {"image/png, application/json", JSON},
    /* what browsers send for a page and for a picture */
    {"text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,"
     "image/webp,*/*;q=0.8", JSON},
    {"image/avif,image/webp,image/apng,image/svg+xml,image/*,*/*;q=0.8", SVG},
    {"image/webp,image/*,*/*;q=0.8", PNG},
};

START_TEST(the_most_wanted_type_is_chosen)
{
    static const char *const types[] = {JSON, PNG, SVG, NULL};

    ck_assert_str_eq(ecs_accept_choose(choices[_i].accept, types),
                     choices[_i].chosen);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("accept");
    TCase *tc = tcase_create("accept");

    tcase_add_loop_test(tc, a_type_is_named_or_not, 0, LENGTH(said));
    tcase_add_loop_test(tc, the_most_wanted_type_is_chosen, 0,
                        LENGTH(choices));
    suite_add_tcase(suite, tc);
    return unit_run(suite);
}
