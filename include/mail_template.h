/* SPDX-License-Identifier: MIT */
/*
 * mail_template.h - what the shop's mails say: one text file each, which the
 * operator may change.
 *
 *     # Comments, as many as one likes.
 *     Subject: {{shop}}: {{title}}
 *
 *     Hello {{name}},
 *     ...
 *
 * {{words}} are replaced by text. Which ones there are depends on the mail; a
 * file that names another one is refused when it is loaded.
 */
#ifndef ECS_MAIL_TEMPLATE_H
#define ECS_MAIL_TEMPLATE_H

#include <apr_pools.h>
#include <jansson.h>

typedef struct ecs_mail_templates_t ecs_mail_templates_t;

/**
 * Read and check DIR/<kind>.txt for every kind of mail there is, and
 * DIR/<type>.txt for those types of notifications that have one; others are
 * told by notification.txt.
 * @param types  of notifications, separated by spaces
 * @param error  out: what is wrong, with the file's name and line
 * @return in `p`, read-only; NULL on error
 */
ecs_mail_templates_t *ecs_mail_templates_load(apr_pool_t *p, const char *dir,
                                              const char *types,
                                              const char **error);

/**
 * Fill a template in.
 * @param kind   as ecs.outbox.kind has it
 * @param type   of a notification, or NULL
 * @param words  an object of strings; what is not there is ""
 * @return 0 when there is no such kind
 */
int ecs_mail_template_fill(const ecs_mail_templates_t *templates,
                           apr_pool_t *p, const char *kind, const char *type,
                           const json_t *words, const char **subject,
                           const char **body);

#endif
