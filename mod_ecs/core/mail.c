/* SPDX-License-Identifier: MIT */
/*
 * mail.c - a mail as bytes.
 *
 * Only two kinds of values go into headers: addresses, which are refused unless
 * they are harmless, and free text, which has no control characters left when it
 * gets there. So there is no way for a line break into a header.
 */
#include "mail.h"

#include <string.h>

#include <apr_encode.h>
#include <apr_lib.h>
#include <apr_strings.h>
#include <apr_tables.h>

#include "utf8.h"

#define ADDRESS_BYTES_MAX 254
#define LINE_COLUMNS 76    /* columns of a header's line and of a body's */
#define QUOTED_PRINTABLE "quoted-printable"
#define LINE_BYTES_MAX 998 /* RFC 5322 section 2.1.1, without CRLF */
#define WORD_FRAME 12 /* columns of "=?UTF-8?B?" and "?=" */
#define DATE_BYTES 40
#define CRLF "\r\n"

/* ---- addresses ---- */

int ecs_mail_is_address(const char *text)
{
    const char *at = strchr(text, '@'), *c;

    if (!at || at == text || !at[1] || strchr(at + 1, '@')
        || strlen(text) > ADDRESS_BYTES_MAX) {
        return 0;
    }
    for (c = text; *c; c++) {
        if (*c <= ' ' || *c >= 127 || strchr("<>()[]\\,;:\"", *c)) {
            return 0;
        }
    }
    return text[0] != '-'; /* never an option of sendmail */
}

int ecs_mail_split(apr_pool_t *p, const char *text, const char **name,
                   const char **address)
{
    const char *open = strrchr(text, '<');
    apr_size_t length = strlen(text);

    *name = "";
    *address = text;
    if (open) {
        if (text[length - 1] != '>') {
            return 0;
        }
        *name = ecs_utf8_trim(p, apr_pstrndup(p, text,
                                              (apr_size_t)(open - text)));
        *address = apr_pstrndup(p, open + 1, strlen(open) - 2);
    }
    return ecs_mail_is_address(*address) && ecs_utf8_valid(*name);
}

/* ---- free text in headers ---- */

static int is_control(char c)
{
    return (unsigned char)c < ' ' || c == 127;
}

/* One line of valid UTF-8. */
static const char *cleaned(apr_pool_t *p, const char *text)
{
    char *copy = apr_pstrdup(p, ecs_utf8_valid(text) ? text : "?"), *c;

    for (c = copy; *c; c++) {
        if (is_control(*c)) {
            *c = ' ';
        }
    }
    return ecs_utf8_trim(p, copy);
}

/* What looks like an encoded word has to be encoded itself. */
static int is_plain(const char *text)
{
    const char *c;

    for (c = text; *c; c++) {
        if ((unsigned char)*c >= 127) {
            return 0;
        }
    }
    return !strstr(text, "=?");
}

/* Words as long as a line is wide cannot be folded. */
static int can_be_folded(const char *text)
{
    apr_size_t word = 0;

    for (; *text; text++) {
        word = *text == ' ' ? 0 : word + 1;
        if (word > LINE_COLUMNS) {
            return 0;
        }
    }
    return 1;
}

/* Break a line at spaces; the space begins the next line. */
static const char *folded(apr_pool_t *p, const char *text, apr_size_t used)
{
    apr_array_header_t *parts = apr_array_make(p, 8, sizeof(const char *));

    while (*text) {
        apr_size_t length = 1 + strcspn(text + 1, " ");

        if (used + length > LINE_COLUMNS && *text == ' ' && text[1] != ' '
            && text[1]) {
            APR_ARRAY_PUSH(parts, const char *) = CRLF;
            used = 0;
        }
        APR_ARRAY_PUSH(parts, const char *) = apr_pstrndup(p, text, length);
        used += length;
        text += length;
    }
    return apr_array_pstrcat(p, parts, 0);
}

/* Bytes of `text` that fit into one encoded word of so many columns, whole
 * characters only. */
static apr_size_t word_length(const char *text, apr_size_t columns)
{
    apr_size_t bytes_max = (columns - WORD_FRAME) / 4 * 3, length = 0;
    const char *next = text;

    while (*next) {
        ecs_utf8_next(&next);
        if ((apr_size_t)(next - text) > bytes_max) {
            break;
        }
        length = (apr_size_t)(next - text);
    }
    return length;
}

/* Encoded words, each but the first in a line of its own. */
static const char *encoded(apr_pool_t *p, const char *text, apr_size_t used)
{
    apr_array_header_t *parts = apr_array_make(p, 8, sizeof(const char *));

    while (*text) {
        apr_size_t length = word_length(text, LINE_COLUMNS - used);
        const char *word = apr_pencode_base64(p, text, (apr_ssize_t)length,
                                              APR_ENCODE_NONE, NULL);

        APR_ARRAY_PUSH(parts, const char *) =
            apr_pstrcat(p, parts->nelts ? CRLF " " : "", "=?UTF-8?B?", word,
                        "?=", NULL);
        text += length;
        used = 1;
    }
    return apr_array_pstrcat(p, parts, 0);
}

const char *ecs_mail_header_text(apr_pool_t *p, const char *text,
                                 apr_size_t used)
{
    text = cleaned(p, text);
    return is_plain(text) && can_be_folded(text) ? folded(p, text, used)
                                                 : encoded(p, text, used);
}

/* "name" <address>; the name as a quoted string or as encoded words. */
static const char *mailbox(apr_pool_t *p, const char *name,
                           const char *address, apr_size_t used)
{
    char *quoted, *out;

    name = cleaned(p, name);
    if (!*name) {
        return address;
    }
    if (!is_plain(name) || strlen(name) > LINE_COLUMNS / 2) {
        return apr_pstrcat(p, encoded(p, name, used), CRLF " <", address, ">",
                           NULL);
    }
    out = quoted = apr_palloc(p, 2 * strlen(name) + 1);
    for (; *name; name++) {
        if (*name == '"' || *name == '\\') {
            *out++ = '\\';
        }
        *out++ = *name;
    }
    *out = '\0';
    used += strlen(quoted) + strlen(address) + strlen("\"\" <>");
    return apr_pstrcat(p, "\"", quoted, used > LINE_COLUMNS ? "\"" CRLF : "\"",
                       " <", address, ">", NULL);
}

static const char *date_text(apr_pool_t *p, apr_time_t date)
{
    char *text = apr_palloc(p, DATE_BYTES);
    apr_time_exp_t t;

    apr_time_exp_gmt(&t, date);
    apr_snprintf(text, DATE_BYTES, "%s, %d %s %d %02d:%02d:%02d +0000",
                 apr_day_snames[t.tm_wday], t.tm_mday,
                 apr_month_snames[t.tm_mon], t.tm_year + 1900, t.tm_hour,
                 t.tm_min, t.tm_sec);
    return text;
}

/* ---- the body ---- */

/* With CRLF at every end of line, and no other control character but tabs. */
static char *with_crlf(apr_pool_t *p, const char *text)
{
    char *out = apr_palloc(p, 2 * strlen(text) + 3), *o = out;

    for (; *text; text++) {
        if (*text == '\n') {
            *o++ = '\r';
            *o++ = '\n';
        }
        else if (*text == '\t' || !is_control(*text)) {
            *o++ = *text;
        }
    }
    if (o > out && o[-1] != '\n') {
        *o++ = '\r';
        *o++ = '\n';
    }
    *o = '\0';
    return out;
}

/* How the body goes: as it is, if it may. */
static const char *encoding_of(const char *text, int is_8bit)
{
    apr_size_t column = 0;
    int is_ascii = 1;

    for (; *text; text++) {
        column = *text == '\n' ? 0 : column + 1;
        is_ascii &= (unsigned char)*text < 127;
        if (column > LINE_BYTES_MAX) {
            return QUOTED_PRINTABLE;
        }
    }
    return is_ascii ? "7bit" : is_8bit ? "8bit" : QUOTED_PRINTABLE;
}

static int is_at_end_of_line(const char *text)
{
    return *text == '\r' || !*text;
}

/* RFC 2045 section 6.7. */
static const char *quoted_printable(apr_pool_t *p, const char *text)
{
    static const char HEX[] = "0123456789ABCDEF";
    char *out = apr_palloc(p, 4 * strlen(text) + 1), *o = out;
    apr_size_t column = 0;

    for (; *text; text++) {
        unsigned char c = (unsigned char)*text;
        int is_literal = (c > ' ' && c < 127 && c != '=')
            || ((c == ' ' || c == '\t') && !is_at_end_of_line(text + 1));

        if (c == '\r' || c == '\n') {
            *o++ = (char)c;
            column = 0;
            continue;
        }
        if (column + (is_literal ? 1 : 3) > LINE_COLUMNS - 1) {
            memcpy(o, "=" CRLF, 3);
            o += 3;
            column = 0;
        }
        if (is_literal) {
            *o++ = (char)c;
            column++;
        }
        else {
            *o++ = '=';
            *o++ = HEX[c >> 4];
            *o++ = HEX[c & 15];
            column += 3;
        }
    }
    *o = '\0';
    return out;
}

/* ---- the whole ---- */

const char *ecs_mail_compose(apr_pool_t *p, const ecs_mail_t *mail,
                             apr_size_t *length)
{
    const char *body = with_crlf(p, ecs_utf8_valid(mail->body) ? mail->body
                                                               : "?");
    const char *encoding = encoding_of(body, mail->is_8bit);
    const char *text;

    if (!ecs_mail_is_address(mail->from_address)
        || !ecs_mail_is_address(mail->to_address)) {
        return NULL;
    }
    text = apr_pstrcat(
        p, "From: ", mailbox(p, mail->from_name, mail->from_address,
                             strlen("From: ")), CRLF
        "To: ", mailbox(p, mail->to_name, mail->to_address, strlen("To: ")), CRLF
        "Subject: ", ecs_mail_header_text(p, mail->subject, strlen("Subject: ")),
        CRLF "Date: ", date_text(p, mail->date), CRLF
        "Message-ID: <", mail->id, strchr(mail->from_address, '@'), ">" CRLF
        "Auto-Submitted: auto-generated" CRLF
        "MIME-Version: 1.0" CRLF
        "Content-Type: text/plain; charset=utf-8" CRLF
        "Content-Transfer-Encoding: ", encoding, CRLF CRLF,
        strcmp(encoding, QUOTED_PRINTABLE) ? body : quoted_printable(p, body),
        NULL);
    *length = strlen(text);
    return text;
}
