/* SPDX-License-Identifier: MIT */
/*
 * uploads.h - pictures on their way into the shop and out of it, and the
 * directory they are kept in. EcsMediaDir is that of the instance.
 */
#ifndef TEST_UPLOADS_H
#define TEST_UPLOADS_H

#include "pictures.h"

/** The path of a product's pictures. */
const char *images_of(long long product);

/** The file goes to a product, as the body of a request or in a form. */
reply_t *upload_body(const actor_t *who, long long product, file_t file);
reply_t *upload_form(const actor_t *who, long long product, file_t file);

/** A new product of the seller; its pictures are shown to the seller at once. */
long long pending_product(const actor_t *seller);

/** The request for a new product that begins with so many pictures. */
request_t product_form(const actor_t *seller, const file_t *files, int count);

/** A file of the shop, as a browser gets it; it has to be there. */
reply_t *fetch_file(const char *url);

/** Whether there is a picture; a page about what is not there is none. */
int is_served(const char *url);

/** Files in a folder of the directory. */
int files_in(const char *folder);

/** Fails unless the spool is empty within a few seconds. */
void spool_is_empty(void);

/** `ecsctl media-clean`, from beside this program; grace in seconds. */
void media_clean(int grace);

#endif
