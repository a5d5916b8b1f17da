/* SPDX-License-Identifier: MIT */
/*
 * form.c - texts are collected in one buffer, part by part; what is wrong with
 * a field is said at the end, for all fields together.
 */
#include "form.h"

#include <string.h>

#include <apr_strings.h>

#include "json.h"
#include "multipart.h"
#include "utf8.h"

#define BROKEN "broken" /* told to the parser; the problem is in `problem` */

typedef enum target_e { NOWHERE, TEXT, THE_FILE } target_e;

struct ecs_form_t {
    apr_pool_t *p;
    ecs_multipart_t *parser;
    json_t *fields;
    const char *file;
    int files_max, files;   /* parts of that name */
    ecs_form_file_fn *take;
    void *baton;
    target_e target;        /* of the part that is being read */
    const char *name;       /* its name */
    char *text;             /* all texts so far, each closed by a NUL */
    apr_size_t used, begin; /* end of the texts, beginning of this one */
    ecs_problem_t *invalid; /* errors of fields */
    ecs_problem_t *problem; /* why reading ended */
};

static const char *too_often(const ecs_form_t *form, int is_file)
{
    return is_file && form->files_max > 1
        ? apr_psprintf(form->p, "Ensure this field has no more than %d "
                       "elements.", form->files_max)
        : "This field was given more than once.";
}

static const char *begin_part(void *baton, const ecs_multipart_part_t *part)
{
    ecs_form_t *form = baton;
    int is_file = form->file && !strcmp(part->name, form->file);

    form->target = is_file && part->is_file ? THE_FILE : TEXT;
    form->name = part->name;
    form->begin = form->used;
    if (json_object_get(form->fields, part->name)
        || (is_file && form->files >= form->files_max)) {
        form->target = NOWHERE;
        ecs_problem_add_field(form->p, &form->invalid, part->name,
                              too_often(form, is_file));
    }
    else if (is_file != part->is_file) {
        form->target = NOWHERE;
        ecs_problem_add_field(
            form->p, &form->invalid, part->name,
            is_file ? "The submitted data was not a file. Check the encoding "
                      "type on the form." : "This field takes no file.");
    }
    form->files += is_file;
    if (form->target == THE_FILE) {
        form->problem = form->take(form->baton, "", 0);
    }
    return form->problem ? BROKEN : NULL;
}

static const char *take_data(void *baton, const char *bytes, apr_size_t length)
{
    ecs_form_t *form = baton;

    if (form->target == THE_FILE) {
        form->problem = form->take(form->baton, bytes, length);
    }
    else if (form->target == TEXT) {
        if (length > ECS_FORM_TEXT_MAX - form->used) {
            form->problem = ecs_problem_make(
                form->p, "too_large", "The fields of the form are larger than "
                "%d bytes.", ECS_FORM_TEXT_MAX);
            return BROKEN;
        }
        memcpy(form->text + form->used, bytes, length);
        form->used += length;
    }
    return form->problem ? BROKEN : NULL;
}

static const char *end_part(void *baton)
{
    ecs_form_t *form = baton;
    const char *text = form->text + form->begin;

    if (form->target != TEXT) {
        return NULL;
    }
    form->text[form->used] = '\0';
    if (strlen(text) != form->used - form->begin) {
        ecs_problem_add_field(form->p, &form->invalid, form->name,
                              "Null characters are not allowed.");
        return NULL;
    }
    if (!ecs_utf8_valid(text)) {
        ecs_problem_add_field(form->p, &form->invalid, form->name,
                              "The text is not valid UTF-8.");
        return NULL;
    }
    json_object_set_new(form->fields, form->name, json_string(text));
    return NULL;
}

ecs_form_t *ecs_form_make(apr_pool_t *p, const char *boundary,
                          const char *file, int files_max,
                          ecs_form_file_fn *take, void *baton)
{
    static const ecs_multipart_taker_t taker = { begin_part, take_data,
                                                 end_part };
    ecs_form_t *form = apr_pcalloc(p, sizeof(*form));

    form->p = p;
    form->parser = ecs_multipart_make(p, boundary, &taker, form);
    form->fields = ecs_json_own(p, json_object());
    form->text = apr_palloc(p, ECS_FORM_TEXT_MAX + 1);
    form->file = file;
    form->files_max = files_max;
    form->take = take;
    form->baton = baton;
    return form;
}

static ecs_problem_t *outcome(ecs_form_t *form, const char *wrong)
{
    if (wrong && !form->problem) {
        form->problem = ecs_problem_make(form->p, "parse_error",
                                         "Multipart form parse error: %s",
                                         wrong);
    }
    return form->problem;
}

ecs_problem_t *ecs_form_push(ecs_form_t *form, const char *bytes,
                             apr_size_t length)
{
    return outcome(form, ecs_multipart_push(form->parser, bytes, length));
}

ecs_problem_t *ecs_form_finish(ecs_form_t *form, json_t **fields)
{
    ecs_problem_t *problem = outcome(form,
                                     ecs_multipart_finish(form->parser));

    *fields = form->fields;
    return problem ? problem : form->invalid;
}
