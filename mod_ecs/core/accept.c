/* SPDX-License-Identifier: MIT */
/*
 * accept.c - reads the header where it stands, without a copy of it.
 */
#include "accept.h"

#include <string.h>
#include <strings.h>

#define BLANKS " \t"

/* Where the part ends that begins here: at one of `ends` that is not quoted. */
static const char *end_of(const char *at, const char *ends)
{
    int is_quoted = 0;

    for (; *at != '\0' && (is_quoted || strchr(ends, *at) == NULL); at++) {
        if (*at == '"') {
            is_quoted = !is_quoted;
        }
        else if (is_quoted && at[0] == '\\' && at[1] != '\0') {
            at++;
        }
    }
    return at;
}

/* "0.25" up to a blank or the end of the parameter. */
static int quality_of(const char *text)
{
    int quality = 0, place = ECS_ACCEPT_BEST / 10;

    if (*text != '0') {
        return ECS_ACCEPT_BEST;
    }
    if (*++text == '.') {
        text++;
    }
    for (; *text >= '0' && *text <= '9'; text++) {
        quality += (*text - '0') * place;
        place /= 10;
    }
    return *text == '\0' || strchr(",;" BLANKS, *text) ? quality
                                                      : ECS_ACCEPT_BEST;
}

static ecs_accept_match_e match_of(const char *range, size_t length,
                                   const char *type)
{
    size_t family = (size_t)(strchr(type, '/') - type) + 1;

    if (length == strlen(type) && strncasecmp(range, type, length) == 0) {
        return ECS_ACCEPT_EXACT;
    }
    if (length == family + 1 && range[family] == '*' &&
        strncasecmp(range, type, family) == 0) {
        return ECS_ACCEPT_FAMILY;
    }
    return length == 3 && strncmp(range, "*/*", 3) == 0 ? ECS_ACCEPT_ALL
                                                        : ECS_ACCEPT_NONE;
}

/* One range and its parameters, from `at` to `end`. */
static ecs_accept_t read_range(const char *at, const char *end,
                               const char *type)
{
    ecs_accept_t found = {ECS_ACCEPT_BEST, ECS_ACCEPT_NONE};

    found.match = match_of(at, strcspn(at, ",;" BLANKS), type);
    for (at = end_of(at, ",;"); at < end; at = end_of(at, ",;")) {
        at++;
        at += strspn(at, BLANKS);
        if (strncasecmp(at, "q=", 2) == 0) {
            found.quality = quality_of(at + 2);
        }
    }
    return found;
}

ecs_accept_t ecs_accept_of(const char *accept, const char *type)
{
    ecs_accept_t best = {0, ECS_ACCEPT_NONE};

    if (accept == NULL) {
        best.quality = ECS_ACCEPT_BEST;
        best.match = ECS_ACCEPT_ALL;
        return best;
    }
    while (*accept != '\0') {
        const char *at = accept + strspn(accept, BLANKS ",");
        const char *end = end_of(at, ",");
        ecs_accept_t found = read_range(at, end, type);

        if (found.match > best.match ||
            (found.match == best.match && found.match != ECS_ACCEPT_NONE &&
             found.quality > best.quality)) {
            best = found;
        }
        accept = end;
    }
    return best;
}

const char *ecs_accept_choose(const char *accept, const char *const *types)
{
    const char *chosen = types[0];
    ecs_accept_t best = ecs_accept_of(accept, chosen);

    for (types++; *types != NULL; types++) {
        ecs_accept_t found = ecs_accept_of(accept, *types);

        if (found.quality > best.quality ||
            (found.quality == best.quality && found.quality > 0 &&
             found.match > best.match)) {
            chosen = *types;
            best = found;
        }
    }
    return chosen;
}
