/* SPDX-License-Identifier: MIT */
/*
 * mailer.h - handing a mail to whoever brings it on: an SMTP server, a sendmail
 * program, or a directory where somebody looks at it.
 *
 * Blocks for up to ECS_MAILER_SECONDS_MAX; so it is for a thread that has nothing
 * else to do.
 */
#ifndef ECS_MAILER_H
#define ECS_MAILER_H

#include <apr_pools.h>

#define ECS_MAILER_SECONDS_MAX 30 /* for one mail */

typedef enum ecs_mail_way_e {
    ECS_MAIL_NONE,
    ECS_MAIL_SMTP,
    ECS_MAIL_SENDMAIL,
    ECS_MAIL_DIR
} ecs_mail_way_e;

/* Where mails go, as EcsMail says it. */
typedef struct ecs_mail_way_t {
    ecs_mail_way_e way;
    const char *place;    /* URL without user, program, or directory */
    const char *user;     /* SMTP: NULL for none */
    const char *password; /* SMTP: NULL for none */
    int is_near;          /* SMTP: on this host */
} ecs_mail_way_t;

typedef enum ecs_mailer_e {
    ECS_MAILER_SENT,
    ECS_MAILER_REFUSED, /* this mail, and it will always be */
    ECS_MAILER_FAILED,  /* this mail; perhaps later */
    ECS_MAILER_AWAY     /* the way itself; no other mail would have gone */
} ecs_mailer_e;

typedef struct ecs_letter_t {
    const char *from;
    const char *to;
    const char *name; /* of its file in a directory, without ending */
    const char *text;
    apr_size_t length;
} ecs_letter_t;

typedef struct ecs_mailer_t ecs_mailer_t;

/**
 * Read "smtp://[user@]host[:port]", "smtps://…", "sendmail:/path", "dir:/path"
 * or "none".
 * @return NULL, or what is wrong
 */
const char *ecs_mail_way_parse(apr_pool_t *p, const char *text,
                               ecs_mail_way_t *way);

/**
 * What a process needs before its first mailer; while it has one thread.
 */
void ecs_mailer_init(void);

/**
 * A mailer for one thread; ended with its pool.
 * @param stop  while it is not 0 nothing is begun and what runs is given up
 */
ecs_mailer_t *ecs_mailer_make(apr_pool_t *p, const ecs_mail_way_t *way,
                              const int *stop);

/**
 * Send a letter. Whoever is told anything but ECS_MAILER_SENT cannot be sure
 * that it was not sent.
 * @param error  out, unless sent: for the operator, one line in `p`
 */
ecs_mailer_e ecs_mailer_send(ecs_mailer_t *mailer, apr_pool_t *p,
                             const ecs_letter_t *letter, const char **error);

/**
 * Nothing to send for now: ends the connection, if there is one.
 */
void ecs_mailer_rest(ecs_mailer_t *mailer);

/* The way of SMTP, for mailer.c alone: it is in mailer_smtp.c. */
typedef struct ecs_smtp_t ecs_smtp_t;

/** What ecs_mailer_init() does for it. */
void ecs_smtp_init(void);

/**
 * Take smtp://[user@]host[:port] or smtps://... apart.
 * @return NULL, or what is wrong with it
 */
const char *ecs_smtp_parse(apr_pool_t *p, const char *url,
                           ecs_mail_way_t *way);

/** As ecs_mailer_make(), ecs_mailer_send() and ecs_mailer_rest(). */
ecs_smtp_t *ecs_smtp_make(apr_pool_t *p, const ecs_mail_way_t *way,
                          const int *stop);
ecs_mailer_e ecs_smtp_send(ecs_smtp_t *smtp, apr_pool_t *p,
                           const ecs_letter_t *letter, const char **error);
void ecs_smtp_rest(ecs_smtp_t *smtp);

#endif
