/* SPDX-License-Identifier: MIT */
/*
 * media.c - plain files, plain system calls.
 *
 * The sweep and an upload of the same picture can meet: the upload puts a new
 * file under a name that the sweep has just found unused. So the sweep does
 * not remove a file by its name. It moves it aside, looks at what it has
 * moved, and puts it back if that is younger than it should be.
 */
#include "media.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <apr_encode.h>
#include <apr_hash.h>
#include <apr_strings.h>
#include <jansson.h>
#include <openssl/evp.h>

#include "json.h"

#define SPOOL "spool"
#define HASH_BYTES 32
#define HEX_DIGITS (2 * HASH_BYTES)
#define PREFIX_DIGITS 2 /* the name of a folder */
#define BUFFER_BYTES 65536
#define BATCH_MAX 200 /* names asked about at once */
#define FILE_MODE 0644
#define DIR_MODE 0755

static const char *const sizes[ECS_HELPER_OUTPUTS] = {"", "-1024", "-320"};

/* ---- places ---- */

static int make_dir(const char *path, int uid, int gid)
{
    if (mkdir(path, DIR_MODE) != 0 && errno != EEXIST) {
        return errno;
    }
    return uid >= 0 && chown(path, (uid_t)uid, (gid_t)gid) != 0 ? errno : 0;
}

int ecs_media_make_dir(apr_pool_t *p, const char *dir, int uid, int gid)
{
    char *path = apr_pstrdup(p, dir), *slash;
    int error;

    for (slash = strchr(path + 1, '/'); slash != NULL;
         slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        error = make_dir(path, -1, -1);
        *slash = '/';
        if (error != 0) {
            return error;
        }
    }
    return make_dir(path, uid, gid);
}

int ecs_media_prepare(apr_pool_t *p, const char *dir, int uid, int gid)
{
    int error = ecs_media_make_dir(p, dir, uid, gid);

    return error ? error : make_dir(apr_pstrcat(p, dir, "/" SPOOL, NULL), uid,
                                    gid);
}

typedef struct spooled_t {
    const char *path;
    int fd;
} spooled_t;

static apr_status_t forget_spooled(void *baton)
{
    spooled_t *spooled = baton;

    close(spooled->fd);
    unlink(spooled->path); /* gone already when it was stored */
    return APR_SUCCESS;
}

const char *ecs_media_spool(apr_pool_t *p, const char *dir, int *fd)
{
    char *path = apr_pstrcat(p, dir, "/" SPOOL "/XXXXXX", NULL);
    spooled_t *spooled = apr_palloc(p, sizeof(*spooled));

    *fd = mkostemp(path, O_CLOEXEC);
    if (*fd < 0) {
        return NULL;
    }
    spooled->path = path;
    spooled->fd = *fd;
    apr_pool_cleanup_register(p, spooled, forget_spooled,
                              apr_pool_cleanup_null);
    return path;
}

/* The place of a picture in one of its sizes. */
static const char *place(apr_pool_t *p, const char *dir, const char *name,
                         int size)
{
    return apr_psprintf(p, "%s/%.*s/%.*s%s%s", dir, PREFIX_DIGITS, name,
                        HEX_DIGITS - PREFIX_DIGITS, name + PREFIX_DIGITS,
                        sizes[size], name + HEX_DIGITS);
}

/* ---- storing ---- */

static const char *hash_of(apr_pool_t *p, int fd)
{
    unsigned char hash[HASH_BYTES], *buffer = apr_palloc(p, BUFFER_BYTES);
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    apr_off_t at = 0;
    ssize_t got = 1;
    int good = context && EVP_DigestInit_ex(context, EVP_sha256(), NULL);

    while (good && got > 0) {
        got = pread(fd, buffer, BUFFER_BYTES, at);
        good = got >= 0 && EVP_DigestUpdate(context, buffer, (size_t)got);
        at += got;
    }
    good = good && EVP_DigestFinal_ex(context, hash, NULL);
    EVP_MD_CTX_free(context);
    return good ? apr_pencode_base16_binary(p, hash, sizeof(hash),
                                            APR_ENCODE_LOWER, NULL)
                : NULL;
}

static int sync_dir(const char *path)
{
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int failed = fd < 0 || fsync(fd) != 0;

    if (fd >= 0) {
        close(fd);
    }
    return failed;
}

/* The smaller sizes first: when the name of the full size is there, all are. */
const char *ecs_media_store(apr_pool_t *p, const char *dir,
                            const char *const paths[ECS_HELPER_OUTPUTS],
                            const int fds[ECS_HELPER_OUTPUTS],
                            ecs_picture_kind_e kind, apr_off_t *bytes)
{
    const char *hash = hash_of(p, fds[0]), *name, *folder;
    struct stat about;
    int size;

    if (hash == NULL) {
        return NULL;
    }
    name = apr_pstrcat(p, hash, ".", ecs_picture_ending(kind), NULL);
    folder = apr_psprintf(p, "%s/%.*s", dir, PREFIX_DIGITS, name);
    if (make_dir(folder, -1, -1) != 0) {
        return NULL;
    }
    *bytes = 0;
    for (size = ECS_HELPER_OUTPUTS - 1; size >= 0; size--) {
        if (fchmod(fds[size], FILE_MODE) != 0 || fsync(fds[size]) != 0 ||
            fstat(fds[size], &about) != 0 ||
            rename(paths[size], place(p, dir, name, size)) != 0) {
            return NULL;
        }
        *bytes += about.st_size;
    }
    return sync_dir(folder) || sync_dir(dir) ? NULL : name;
}

/* ---- sweeping ---- */

typedef struct sweep_t {
    apr_pool_t *p; /* of a batch */
    const char *dir;
    time_t limit; /* files younger than this are left alone */
    ecs_media_ask_fn *ask;
    void *baton;
    ecs_media_sweep_t *found;
    apr_hash_t *names;  /* of the batch */
    const char *unused; /* of them, as the answer says */
} sweep_t;

static int is_hex(const char *text, apr_size_t length)
{
    return strspn(text, "0123456789abcdef") == length;
}

/* The name of the picture that a file belongs to; NULL for a strange file. */
static const char *name_of(apr_pool_t *p, const char *folder, const char *file)
{
    apr_size_t digits = HEX_DIGITS - PREFIX_DIGITS;
    const char *rest;
    int size, kind;

    if (!is_hex(file, digits)) {
        return NULL;
    }
    rest = file + digits;
    for (size = ECS_HELPER_OUTPUTS - 1; size >= 0; size--) {
        apr_size_t length = strlen(sizes[size]);

        if (strncmp(rest, sizes[size], length) == 0) {
            rest += length;
            break;
        }
    }
    for (kind = 0; kind < ECS_PICTURE_KINDS; kind++) {
        const char *ending = ecs_picture_ending((ecs_picture_kind_e)kind);

        if (*rest == '.' && strcmp(rest + 1, ending) == 0) {
            return apr_psprintf(p, "%s%.*s.%s", folder, (int)digits, file,
                                ending);
        }
    }
    return NULL;
}

/* Move aside, look, and only then remove. */
static void remove_file(const sweep_t *sweep, const char *path)
{
    const char *aside;
    struct stat about;
    apr_pool_t *own;
    int fd;

    apr_pool_create(&own, sweep->p);
    aside = ecs_media_spool(own, sweep->dir, &fd);
    if (aside != NULL && rename(path, aside) == 0 && stat(aside, &about) == 0 &&
        about.st_mtime >= sweep->limit && link(aside, path) != 0 &&
        errno != EEXIST) {
        rename(aside, path);
    }
    apr_pool_destroy(own);
}

static const char *finish_batch(sweep_t *sweep)
{
    json_t *names = json_array(), *unused, *name;
    apr_hash_index_t *index;
    const char *error;
    size_t i;
    int size;

    for (index = apr_hash_first(sweep->p, sweep->names); index != NULL;
         index = apr_hash_next(index)) {
        json_array_append_new(names, json_string(apr_hash_this_key(index)));
    }
    error = sweep->ask(sweep->baton, sweep->p, ecs_json_dump(sweep->p, names),
                       &sweep->unused);
    sweep->found->pictures += (long)json_array_size(names);
    json_decref(names);
    unused = error ? NULL : json_loads(sweep->unused, 0, NULL);
    json_array_foreach(unused, i, name)
    {
        const char *word = json_string_value(name);

        if (word == NULL || apr_hash_get(sweep->names, word,
                                         APR_HASH_KEY_STRING) == NULL) {
            continue;
        }
        for (size = 0; size < ECS_HELPER_OUTPUTS; size++) {
            remove_file(sweep, place(sweep->p, sweep->dir, word, size));
        }
        sweep->found->removed++;
    }
    json_decref(unused);
    apr_hash_clear(sweep->names);
    return error;
}

static int is_old(const sweep_t *sweep, const char *path)
{
    struct stat about;

    return lstat(path, &about) == 0 && S_ISREG(about.st_mode) &&
           about.st_mtime < sweep->limit;
}

static const char *sweep_folder(sweep_t *sweep, const char *folder)
{
    const char *path = apr_pstrcat(sweep->p, sweep->dir, "/", folder, NULL);
    const char *error = NULL;
    struct dirent *entry;
    DIR *open = opendir(path);

    for (entry = open ? readdir(open) : NULL; entry != NULL && error == NULL;
         entry = readdir(open)) {
        const char *name = name_of(sweep->p, folder, entry->d_name);

        if (name != NULL && is_old(sweep, apr_pstrcat(sweep->p, path, "/",
                                                      entry->d_name, NULL))) {
            apr_hash_set(sweep->names, name, APR_HASH_KEY_STRING, name);
        }
        if (apr_hash_count(sweep->names) >= BATCH_MAX) {
            error = finish_batch(sweep);
        }
    }
    if (open != NULL) {
        closedir(open);
    }
    if (error == NULL && apr_hash_count(sweep->names) > 0) {
        error = finish_batch(sweep);
    }
    return error;
}

static void sweep_spool(sweep_t *sweep)
{
    const char *path = apr_pstrcat(sweep->p, sweep->dir, "/" SPOOL, NULL);
    struct dirent *entry;
    DIR *open = opendir(path);

    for (entry = open ? readdir(open) : NULL; entry != NULL;
         entry = readdir(open)) {
        const char *file = apr_pstrcat(sweep->p, path, "/", entry->d_name,
                                       NULL);

        if (is_old(sweep, file) && unlink(file) == 0) {
            sweep->found->spooled++;
        }
    }
    if (open != NULL) {
        closedir(open);
    }
}

const char *ecs_media_sweep(apr_pool_t *p, const char *dir, int grace_s,
                            ecs_media_ask_fn *ask, void *baton,
                            ecs_media_sweep_t *found)
{
    sweep_t sweep = {.dir = dir, .limit = time(NULL) - grace_s + (grace_s == 0),
                     .ask = ask, .baton = baton, .found = found};
    const char *error = NULL;
    int i;

    memset(found, 0, sizeof(*found));
    apr_pool_create(&sweep.p, p);
    for (i = 0; i < 256 && error == NULL; i++) {
        sweep.names = apr_hash_make(sweep.p);
        error = sweep_folder(&sweep, apr_psprintf(sweep.p, "%02x", i));
        if (error != NULL) {
            error = apr_pstrdup(p, error);
        }
        apr_pool_clear(sweep.p);
    }
    sweep_spool(&sweep);
    apr_pool_destroy(sweep.p);
    return error;
}
