/* SPDX-License-Identifier: MIT */
/*
 * media.h - the directory of pictures: how files get their names, get in, and
 * go when no row of the database names them any more.
 *
 *     EcsMediaDir/spool/             what is on its way
 *     EcsMediaDir/ab/cdef….jpg       a picture, named by the SHA-256 of its
 *     EcsMediaDir/ab/cdef…-1024.jpg  bytes, and its smaller sizes
 *     EcsMediaDir/ab/cdef…-320.jpg
 *
 * A file comes before its row: it is complete, on disk and in its place before
 * the database hears of it. What a crash leaves between the two is a file
 * without a row, and ecs_media_sweep() takes it away after a time of grace in
 * which every request has ended.
 */
#ifndef ECS_MEDIA_H
#define ECS_MEDIA_H

#include <apr_pools.h>
#include "helper.h"
#include "picture.h"

#define ECS_MEDIA_GRACE_S 3600 /* seconds; no request takes that long */

/**
 * Make a directory and those above it, and give it to somebody.
 * @param uid  -1: to nobody else
 * @return 0, or an errno
 */
int ecs_media_make_dir(apr_pool_t *p, const char *dir, int uid, int gid);

/**
 * Make the directory and what belongs into it.
 * @param uid, gid  whose it shall be, or -1
 * @return 0, or an errno
 */
int ecs_media_prepare(apr_pool_t *p, const char *dir, int uid, int gid);

/**
 * A new file in the spool, open for reading and writing, closed and removed
 * with the pool unless it was stored.
 * @param fd  out
 * @return its path in `p`; NULL with errno
 */
const char *ecs_media_spool(apr_pool_t *p, const char *dir, int *fd);

/**
 * Put a picture's files from the spool in their place; each is on disk when
 * its name appears. Files that are there already are replaced by the same.
 * @param paths  full, medium, small, as ecs_media_spool() gave them
 * @param fds    the same, open
 * @param bytes  out: of the three files together
 * @return the picture's name, "<64 hex digits>.<ending>"; NULL with errno
 */
const char *ecs_media_store(apr_pool_t *p, const char *dir,
                            const char *const paths[ECS_HELPER_OUTPUTS],
                            const int fds[ECS_HELPER_OUTPUTS],
                            ecs_picture_kind_e kind, apr_off_t *bytes);

/**
 * Which of these pictures does nobody use?
 * @param names   JSON array of names
 * @param unused  out: JSON array of some of them
 * @return NULL, or why there is no answer
 */
typedef const char *ecs_media_ask_fn(void *baton, apr_pool_t *p,
                                     const char *names, const char **unused);

typedef struct ecs_media_sweep_t {
    long pictures; /* found, old enough to be asked about */
    long removed;  /* pictures that nobody uses */
    long spooled;  /* left over in the spool, removed */
} ecs_media_sweep_t;

/**
 * Remove what nobody uses. Safe beside uploads, and beside itself.
 * @param grace_s  age in seconds below which a file is left alone
 * @return NULL, or what went wrong, in `p`
 */
const char *ecs_media_sweep(apr_pool_t *p, const char *dir, int grace_s,
                            ecs_media_ask_fn *ask, void *baton,
                            ecs_media_sweep_t *found);

#endif
