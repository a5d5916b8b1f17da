/* SPDX-License-Identifier: MIT */
/*
 * mailer_smtp.c - mails by libcurl.
 *
 * What the server said decides whose fault a failure is: a refusal of the
 * recipient or of the text is about this mail, everything before it (greeting,
 * TLS, log-in, sender) would meet every mail. libcurl tells only the last code,
 * so its trace is read for the command it was an answer to, and for the words.
 *
 * TLS: always with smtps://; with smtp:// to another host when the server offers
 * it, and in any case when there is a password to send.
 */
#include "mailer.h"

#include <string.h>
#include <strings.h>

#include <apr_strings.h>
#include <curl/curl.h>

#define CONNECT_MS 5000
#define ANSWER_S 10 /* for a server to answer a command */
#define WORDS_BYTES 200

typedef enum stage_e { STAGE_BEFORE, STAGE_RECIPIENT, STAGE_TEXT } stage_e;

struct ecs_smtp_t {
    const ecs_mail_way_t *way;
    const int *stop;
    CURL *curl; /* NULL while nothing is to be sent */
    stage_e stage;
    int is_over; /* QUIT was said: what the server says then is no reason */
    char words[WORDS_BYTES]; /* the server's last line */
    char error[CURL_ERROR_SIZE];
    const char *rest; /* of the letter */
    apr_size_t left;
};

void ecs_smtp_init(void)
{
    curl_global_init(CURL_GLOBAL_DEFAULT);
}

/* ---- the URL ---- */

static int is_near(const char *host)
{
    return !strcasecmp(host, "localhost") || !strncmp(host, "127.", 4)
        || !strcmp(host, "[::1]");
}

static const char *part(apr_pool_t *p, CURLU *url, CURLUPart what)
{
    char *text = NULL;
    const char *copy;

    if (curl_url_get(url, what, &text, CURLU_URLDECODE) != CURLUE_OK) {
        return NULL;
    }
    copy = apr_pstrdup(p, text);
    curl_free(text);
    return copy;
}

static const char *take_apart(apr_pool_t *p, CURLU *url, ecs_mail_way_t *way)
{
    const char *scheme = part(p, url, CURLUPART_SCHEME);
    const char *host = part(p, url, CURLUPART_HOST);
    const char *port = part(p, url, CURLUPART_PORT);
    const char *path = part(p, url, CURLUPART_PATH);

    if (part(p, url, CURLUPART_PASSWORD)) {
        return "a password does not belong into a URL; put it into a file and "
               "name that by EcsMailPasswordFile";
    }
    if (path && strcmp(path, "/") != 0) {
        return "the URL ends behind the host and the port";
    }
    way->user = part(p, url, CURLUPART_USER);
    way->is_near = is_near(host);
    way->place = apr_pstrcat(p, scheme, "://", host, port ? ":" : "",
                             port ? port : "", NULL);
    return NULL;
}

const char *ecs_smtp_parse(apr_pool_t *p, const char *text,
                           ecs_mail_way_t *way)
{
    CURLU *url = curl_url();
    const char *error = "no such URL";

    if (url && curl_url_set(url, CURLUPART_URL, text, 0) == CURLUE_OK) {
        error = take_apart(p, url, way);
    }
    curl_url_cleanup(url);
    return error;
}

/* ---- what libcurl calls ---- */

static size_t read_letter(char *buffer, size_t size, size_t count, void *baton)
{
    ecs_smtp_t *smtp = baton;
    size_t length = size * count < smtp->left ? size * count : smtp->left;

    memcpy(buffer, smtp->rest, length);
    smtp->rest += length;
    smtp->left -= length;
    return length;
}

static int on_progress(void *baton, curl_off_t down, curl_off_t now_down,
                       curl_off_t up, curl_off_t now_up)
{
    const ecs_smtp_t *smtp = baton;

    return __atomic_load_n(smtp->stop, __ATOMIC_RELAXED);
}

static int begins(const char *data, size_t size, const char *word)
{
    return size >= strlen(word) && !strncasecmp(data, word, strlen(word));
}

/* Only the first word of what is sent is looked at: others are secret. */
static int on_trace(CURL *curl, curl_infotype type, char *data, size_t size,
                    void *baton)
{
    ecs_smtp_t *smtp = baton;

    if (type == CURLINFO_HEADER_OUT) {
        if (begins(data, size, "RCPT ")) {
            smtp->stage = STAGE_RECIPIENT;
        }
        else if (begins(data, size, "DATA")) {
            smtp->stage = STAGE_TEXT;
        }
        smtp->is_over |= begins(data, size, "QUIT");
    }
    else if (type == CURLINFO_HEADER_IN && !smtp->is_over) {
        size_t length = size < WORDS_BYTES - 1 ? size : WORDS_BYTES - 1;

        memcpy(smtp->words, data, length);
        smtp->words[length] = '\0';
        smtp->words[strcspn(smtp->words, "\r\n")] = '\0';
    }
    return 0;
}

/* ---- one mail ---- */

static long tls_of(const ecs_mail_way_t *way)
{
    if (way->is_near) {
        return CURLUSESSL_NONE;
    }
    return way->password ? CURLUSESSL_ALL : CURLUSESSL_TRY;
}

static CURL *make_curl(ecs_smtp_t *smtp)
{
    CURL *curl = curl_easy_init();

    if (!curl) {
        return NULL;
    }
    curl_easy_setopt(curl, CURLOPT_URL, smtp->way->place);
    curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "smtp,smtps");
    curl_easy_setopt(curl, CURLOPT_USE_SSL, tls_of(smtp->way));
    if (smtp->way->user && smtp->way->password) {
        curl_easy_setopt(curl, CURLOPT_USERNAME, smtp->way->user);
        curl_easy_setopt(curl, CURLOPT_PASSWORD, smtp->way->password);
    }
    curl_easy_setopt(curl, CURLOPT_NOPROXY, "*");
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS, (long)CONNECT_MS);
    curl_easy_setopt(curl, CURLOPT_SERVER_RESPONSE_TIMEOUT, (long)ANSWER_S);
    curl_easy_setopt(curl, CURLOPT_TIMEOUT, (long)ECS_MAILER_SECONDS_MAX);
    curl_easy_setopt(curl, CURLOPT_UPLOAD, 1L);
    curl_easy_setopt(curl, CURLOPT_READFUNCTION, read_letter);
    curl_easy_setopt(curl, CURLOPT_READDATA, smtp);
    curl_easy_setopt(curl, CURLOPT_VERBOSE, 1L);
    curl_easy_setopt(curl, CURLOPT_DEBUGFUNCTION, on_trace);
    curl_easy_setopt(curl, CURLOPT_DEBUGDATA, smtp);
    curl_easy_setopt(curl, CURLOPT_NOPROGRESS, 0L);
    curl_easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, on_progress);
    curl_easy_setopt(curl, CURLOPT_XFERINFODATA, smtp);
    curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, smtp->error);
    return curl;
}

/* Whose fault it was, and for how long. */
static ecs_mailer_e outcome_of(const ecs_smtp_t *smtp, CURLcode code)
{
    long answer = 0;

    if (code == CURLE_OK) {
        return ECS_MAILER_SENT;
    }
    if (smtp->stage == STAGE_BEFORE || code == CURLE_ABORTED_BY_CALLBACK) {
        return ECS_MAILER_AWAY;
    }
    curl_easy_getinfo(smtp->curl, CURLINFO_RESPONSE_CODE, &answer);
    return answer >= 500 && answer <= 599 ? ECS_MAILER_REFUSED
                                          : ECS_MAILER_FAILED;
}

static const char *error_of(const ecs_smtp_t *smtp, apr_pool_t *p,
                            CURLcode code)
{
    const char *error = *smtp->error ? smtp->error : curl_easy_strerror(code);

    return *smtp->words ? apr_psprintf(p, "%s; the server's last words: %s",
                                       error, smtp->words)
                        : apr_pstrdup(p, error);
}

ecs_mailer_e ecs_smtp_send(ecs_smtp_t *smtp, apr_pool_t *p,
                           const ecs_letter_t *letter, const char **error)
{
    struct curl_slist *to;
    ecs_mailer_e outcome;
    CURLcode code;

    if (!smtp->curl) {
        smtp->curl = make_curl(smtp);
    }
    to = curl_slist_append(NULL, apr_pstrcat(p, "<", letter->to, ">", NULL));
    if (!smtp->curl || !to) {
        *error = "no memory";
        return ECS_MAILER_AWAY;
    }
    smtp->stage = STAGE_BEFORE;
    smtp->is_over = 0;
    smtp->words[0] = smtp->error[0] = '\0';
    smtp->rest = letter->text;
    smtp->left = letter->length;
    curl_easy_setopt(smtp->curl, CURLOPT_MAIL_FROM,
                     apr_pstrcat(p, "<", letter->from, ">", NULL));
    curl_easy_setopt(smtp->curl, CURLOPT_MAIL_RCPT, to);
    curl_easy_setopt(smtp->curl, CURLOPT_INFILESIZE_LARGE,
                     (curl_off_t)letter->length);
    code = curl_easy_perform(smtp->curl);
    outcome = outcome_of(smtp, code);
    if (code != CURLE_OK) {
        *error = error_of(smtp, p, code);
    }
    curl_easy_setopt(smtp->curl, CURLOPT_MAIL_RCPT, NULL);
    curl_slist_free_all(to);
    return outcome;
}

void ecs_smtp_rest(ecs_smtp_t *smtp)
{
    if (smtp->curl) {
        curl_easy_cleanup(smtp->curl);
        smtp->curl = NULL;
    }
}

ecs_smtp_t *ecs_smtp_make(apr_pool_t *p, const ecs_mail_way_t *way,
                          const int *stop)
{
    ecs_smtp_t *smtp = apr_pcalloc(p, sizeof(*smtp));

    smtp->way = way;
    smtp->stop = stop;
    return smtp;
}
