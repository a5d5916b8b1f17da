/* SPDX-License-Identifier: MIT */
/*
 * mail_template.c - the texts of mails. They are read and checked when httpd
 * starts, so that a mistake in one is found by who made it and not by the mail
 * that never comes.
 */
#include "mail_template.h"

#include <string.h>

#include <apr_file_io.h>
#include <apr_hash.h>
#include <apr_strings.h>
#include <apr_tables.h>

#include "utf8.h"

#define FILE_BYTES_MAX 65536
#define OPEN "{{"
#define CLOSE "}}"
#define SUBJECT "Subject:"
#define NOTIFICATION "notification"

/* Words that every mail knows. */
#define COMMON "shop url name username email "
#define NEWS COMMON "title message type object object_id"
#define WITH_TOKEN COMMON "token expires"

typedef struct kind_t {
    const char *name;
    const char *words;
} kind_t;

static const kind_t kinds[] = {
    { NOTIFICATION, NEWS },
    { "password_reset", WITH_TOKEN },
    { "email_verification", WITH_TOKEN },
    { "invitation", WITH_TOKEN },
    { "password_changed", COMMON },
};

typedef struct template_t {
    const char *subject;
    const char *body;
} template_t;

struct ecs_mail_templates_t {
    apr_hash_t *by_name; /* name -> template_t */
};

/* ---- checking ---- */

static int is_word_of(const char *words, const char *word, apr_size_t length)
{
    while (*words) {
        apr_size_t n = strcspn(words, " ");

        if (n == length && !strncmp(words, word, n)) {
            return 1;
        }
        words += n + (words[n] == ' ');
    }
    return 0;
}

/* The word of a placeholder, without the spaces around it. */
static const char *word_at(const char *open, const char *close,
                           apr_size_t *length)
{
    const char *word = open + strlen(OPEN), *end = close;

    while (word < end && *word == ' ') {
        word++;
    }
    while (end > word && end[-1] == ' ') {
        end--;
    }
    *length = (apr_size_t)(end - word);
    return word;
}

static const char *check_line(apr_pool_t *p, const char *line,
                              const char *words)
{
    const char *open = strstr(line, OPEN);

    while (open) {
        const char *close = strstr(open, CLOSE), *word;
        apr_size_t length;

        if (!close) {
            return "{{ without }} behind it in the same line";
        }
        word = word_at(open, close, &length);
        if (!is_word_of(words, word, length)) {
            return apr_psprintf(p, "there is no {{%s}} in this mail; there are "
                                "%s", apr_pstrndup(p, word, length), words);
        }
        open = strstr(close, OPEN);
    }
    return NULL;
}

/* ---- reading ---- */

typedef struct reader_t {
    char *rest; /* NULL behind the last line */
    int line;   /* number of the one that was read last */
} reader_t;

/* Cuts the next line off; NULL behind the last one. */
static char *next_line(reader_t *reader)
{
    char *line = reader->rest, *end;

    if (!line || !*line) {
        return NULL;
    }
    reader->line++;
    end = strchr(line, '\n');
    reader->rest = end ? end + 1 : NULL;
    if (end) {
        *end = '\0';
        if (end > line && end[-1] == '\r') {
            end[-1] = '\0';
        }
    }
    return line;
}

/* The text of a file into a template; NULL, or what is wrong with the line that
 * was read last. */
static const char *parse(apr_pool_t *p, reader_t *reader, const char *words,
                         template_t *template)
{
    apr_array_header_t *body = apr_array_make(p, 32, sizeof(const char *));
    const char *error;
    char *line;

    do {
        line = next_line(reader);
    } while (line && *line == '#');
    if (!line || strncmp(line, SUBJECT, strlen(SUBJECT)) != 0) {
        return "the first line behind the comments has to begin with "
               SUBJECT;
    }
    template->subject = ecs_utf8_trim(p, line + strlen(SUBJECT));
    error = check_line(p, line, words);
    if (error) {
        return error;
    }
    line = next_line(reader);
    if (!line || *line) {
        return "an empty line has to follow the subject";
    }
    for (line = next_line(reader); line; line = next_line(reader)) {
        error = check_line(p, line, words);
        if (error) {
            return error;
        }
        APR_ARRAY_PUSH(body, const char *) = apr_pstrcat(p, line, "\n", NULL);
    }
    template->body = apr_array_pstrcat(p, body, 0);
    return NULL;
}

static const char *read_file(apr_pool_t *p, const char *path, char **text,
                             apr_status_t *rv)
{
    apr_file_t *file;
    apr_size_t length = FILE_BYTES_MAX;

    *rv = apr_file_open(&file, path, APR_FOPEN_READ, APR_FPROT_OS_DEFAULT, p);
    if (*rv != APR_SUCCESS) {
        return apr_psprintf(p, "cannot read the template %s: %pm", path, rv);
    }
    *text = apr_pcalloc(p, length + 1);
    *rv = apr_file_read_full(file, *text, length, &length);
    apr_file_close(file);
    if (*rv != APR_EOF) {
        return apr_psprintf(p, "the template %s is longer than %d bytes", path,
                            FILE_BYTES_MAX);
    }
    if (strlen(*text) != length || !ecs_utf8_valid(*text)) {
        return apr_psprintf(p, "the template %s is not text in UTF-8", path);
    }
    return NULL;
}

/* One file; that it is missing is no error of an optional one. */
static const char *load(apr_pool_t *p, apr_hash_t *by_name, const char *dir,
                        const char *name, const char *words, int is_optional)
{
    const char *path = apr_pstrcat(p, dir, "/", name, ".txt", NULL);
    template_t *template = apr_pcalloc(p, sizeof(*template));
    apr_status_t rv;
    reader_t reader = { NULL, 0 };
    const char *error = read_file(p, path, &reader.rest, &rv);

    if (error) {
        return is_optional && APR_STATUS_IS_ENOENT(rv) ? NULL : error;
    }
    error = parse(p, &reader, words, template);
    if (error) {
        return apr_psprintf(p, "%s line %d: %s", path, reader.line,
                            error);
    }
    apr_hash_set(by_name, name, APR_HASH_KEY_STRING, template);
    return NULL;
}

ecs_mail_templates_t *ecs_mail_templates_load(apr_pool_t *p, const char *dir,
                                              const char *types,
                                              const char **error)
{
    ecs_mail_templates_t *templates = apr_pcalloc(p, sizeof(*templates));
    char *rest = apr_pstrdup(p, types), *type;
    apr_size_t i;

    templates->by_name = apr_hash_make(p);
    *error = NULL;
    for (i = 0; !*error && i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        *error = load(p, templates->by_name, dir, kinds[i].name,
                      kinds[i].words, 0);
    }
    for (type = apr_strtok(rest, " ", &rest); type && !*error;
         type = apr_strtok(NULL, " ", &rest)) {
        *error = load(p, templates->by_name, dir, type, NEWS, 1);
    }
    return *error ? NULL : templates;
}

/* ---- filling in ---- */

static const char *filled(apr_pool_t *p, const char *text, const json_t *words)
{
    apr_array_header_t *parts = apr_array_make(p, 16, sizeof(const char *));
    const char *open = strstr(text, OPEN);

    while (open) {
        const char *close = strstr(open, CLOSE);
        apr_size_t length;
        const char *word = word_at(open, close, &length);
        const char *value = json_string_value(
            json_object_get(words, apr_pstrndup(p, word, length)));

        APR_ARRAY_PUSH(parts, const char *) =
            apr_pstrndup(p, text, (apr_size_t)(open - text));
        APR_ARRAY_PUSH(parts, const char *) = value ? value : "";
        text = close + strlen(CLOSE);
        open = strstr(text, OPEN);
    }
    APR_ARRAY_PUSH(parts, const char *) = text;
    return apr_array_pstrcat(p, parts, 0);
}

int ecs_mail_template_fill(const ecs_mail_templates_t *templates,
                           apr_pool_t *p, const char *kind, const char *type,
                           const json_t *words, const char **subject,
                           const char **body)
{
    const template_t *template = NULL;

    if (type && !strcmp(kind, NOTIFICATION)) {
        template = apr_hash_get(templates->by_name, type, APR_HASH_KEY_STRING);
    }
    if (!template) {
        template = apr_hash_get(templates->by_name, kind, APR_HASH_KEY_STRING);
    }
    if (!template) {
        return 0;
    }
    *subject = filled(p, template->subject, words);
    *body = filled(p, template->body, words);
    return 1;
}
