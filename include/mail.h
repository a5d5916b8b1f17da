/* SPDX-License-Identifier: MIT */
/*
 * mail.h - a mail as bytes (RFC 5322, 2045 to 2047): what is put into a header
 * cannot become another header, whatever a user is called.
 */
#ifndef ECS_MAIL_H
#define ECS_MAIL_H

#include <apr_pools.h>
#include <apr_time.h>

typedef struct ecs_mail_t {
    const char *from_name;    /* "" for none */
    const char *from_address;
    const char *to_name;      /* "" for none */
    const char *to_address;
    const char *subject;      /* one line of UTF-8 */
    const char *body;         /* UTF-8, lines end with LF or CRLF */
    const char *id;           /* left part of the Message-ID: the same for the
                                 same mail, letters, digits and dots */
    apr_time_t date;
    int is_8bit;              /* the body may stay as it is: for a file, while
                                 not every mail server takes 8 bits */
} ecs_mail_t;

/**
 * Is this an address that can be written to: local@domain in ASCII, at most 254
 * bytes, without what would end it in a header or in SMTP?
 */
int ecs_mail_is_address(const char *text);

/**
 * Take "Shop <shop@example.org>" or "shop@example.org" apart.
 * @param name  out: "" when there is none
 * @return whether it is one of these
 */
int ecs_mail_split(apr_pool_t *p, const char *text, const char **name,
                   const char **address);

/**
 * The mail with CRLF at each end of line: headers From, To, Subject, Date,
 * Message-ID, Auto-Submitted and MIME, then the body as text/plain in UTF-8, as
 * it is when that is 7 bit (or 8 bit, where that may be), else quoted-printable.
 * @param length  out: bytes
 * @return text in `p`, or NULL when one of the addresses is none
 */
const char *ecs_mail_compose(apr_pool_t *p, const ecs_mail_t *mail,
                             apr_size_t *length);

/**
 * A header's value that is free text: as it is, folded, when it is plain ASCII,
 * else as encoded words (RFC 2047). Control characters become spaces.
 * @param used  columns of the line that the name of the header takes
 */
const char *ecs_mail_header_text(apr_pool_t *p, const char *text,
                                 apr_size_t used);

#endif
