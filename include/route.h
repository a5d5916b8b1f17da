/* SPDX-License-Identifier: MIT */
/*
 * route.h - one endpoint is one row.
 *
 * From a row come dispatch, authorisation, validation, the SQL call, the
 * OpenAPI document and the role matrix of the tests. Rows are constant data in
 * api/<app>.c; the fields of a row become, in their order and by their names,
 * the parameters p_<name> of the SQL function ecs_api.<call>.
 */
#ifndef ECS_ROUTE_H
#define ECS_ROUTE_H

#include <apr_pools.h>
#include "problem.h"

struct ecs_request_t; /* server/request.h; rows only carry the pointer */

/* Who may call, as bits. */
#define ECS_USER 0x01u       /* a buyer who sells nothing */
#define ECS_SELLER 0x02u     /* sells, and buys like a user */
#define ECS_DELIVERY 0x04u   /* courier */
#define ECS_ADMIN 0x08u
#define ECS_SUPERADMIN 0x10u
#define ECS_PUBLIC 0x20u     /* P: also without a token */
#define ECS_BUYERS (ECS_USER | ECS_SELLER)
#define ECS_ADMINS (ECS_ADMIN | ECS_SUPERADMIN)
#define ECS_ANY_ROLE (ECS_BUYERS | ECS_DELIVERY | ECS_ADMINS)

typedef enum ecs_type_e {
    ECS_T_ID,       /* positive 64-bit integer; on the wire a number */
    ECS_T_INT,      /* min..max */
    ECS_T_MONEY,    /* "12.50" or 12.5; min in cents (0 or 1), never negative */
    ECS_T_DECIMAL,  /* min..max, at most 6 places: coordinates, percent */
    ECS_T_BOOL,
    ECS_T_STRING,   /* min..max characters, no control characters */
    ECS_T_TEXT,     /* as STRING, but line breaks and tabs are welcome */
    ECS_T_EMAIL,    /* at most max characters, has one @ and a dot behind it */
    ECS_T_CHOICE,   /* one word of `choices`, any case; passed as written there */
    ECS_T_TIME,     /* RFC 3339 with zone */
    ECS_T_PAGE,     /* the page number; absent in cursor mode (see page.h) */
    ECS_T_CURSOR,   /* signed keyset; its payload is passed on (see page.h) */
    ECS_T_IDS,      /* min..max different ids, a JSON array; passed as bigint[].
                       Only in bodies, and forms have none */
    ECS_T_ITEMS     /* min..max objects with these `members`, a JSON array;
                       passed as jsonb (see items.h). Like IDS in bodies only */
} ecs_type_e;

typedef enum ecs_place_e {
    ECS_IN_BODY,
    ECS_IN_PATH,   /* {name} of the template */
    ECS_IN_QUERY,
    ECS_IN_SERVER  /* made by the row's `before` step; clients cannot send it */
} ecs_place_e;

/* Flags of a field. */
#define ECS_REQUIRED 0x01u
#define ECS_NULLABLE 0x02u /* JSON null is a value (PATCH: clears it) */
#define ECS_BLANK 0x04u    /* "" is a value */
#define ECS_SECRET 0x08u   /* write-only: never logged, never echoed */

typedef struct ecs_field_t {
    const char *name;    /* NULL closes the list */
    ecs_type_e type;
    ecs_place_e in;
    unsigned flags;
    long long min, max;  /* see ecs_type_e; max 0 means the type's own limit */
    const char *choices; /* CHOICE: words separated by one space */
    const char *initial; /* text used when the member is absent, or NULL */
    const char *help;    /* for the OpenAPI document */
    const struct ecs_field_t *members; /* ITEMS: fields of one object */
} ecs_field_t;

/* Flags of a row. */
#define ECS_R_LIST 0x01u      /* answers a page: {count,next,previous,results} */
#define ECS_R_NO_REPLAY 0x02u /* answer holds secrets: Idempotency-Key is
                                 accepted and the answer is not stored */
#define ECS_R_NO_DB 0x04u     /* has no SQL call; `before` makes the answer */
#define ECS_R_CACHEABLE 0x08u /* public answer, cacheable with validators */
#define ECS_R_MAY_IMAGE 0x10u /* its `image` may be missing */
#define ECS_R_CARRIED 0x20u   /* requests for one object go to the database
                                 together (carry.h); the object's id is the
                                 first field */

#define ECS_R_STREAM 0x40u    /* answers text in parts (stream.h): `answer` is
                                 its media type, and a field `cursor`
                                 (ECS_IN_SERVER) says where a part begins */

#define ECS_R_CSV 0x80u       /* the body may be a CSV file, too, and larger; it
                                 stands for {"rows": [...]} (csv.h) */

/* The fields of a row that takes an image: what is known of the stored picture
 * (ECS_IN_SERVER, see upload.h). NULL when none was sent. */
#define ECS_IMAGE_FIELDS                                                      \
    { .name = "image_name", .type = ECS_T_STRING, .in = ECS_IN_SERVER },      \
    { .name = "image_width", .type = ECS_T_INT, .in = ECS_IN_SERVER },        \
    { .name = "image_height", .type = ECS_T_INT, .in = ECS_IN_SERVER },       \
    { .name = "image_bytes", .type = ECS_T_ID, .in = ECS_IN_SERVER }

/* Of a row that takes several (images_max): a JSON array of objects with name,
 * width, height and bytes, in the order of the files. NULL when none was sent. */
#define ECS_IMAGES_FIELD                                                      \
    { .name = "images", .type = ECS_T_TEXT, .in = ECS_IN_SERVER }

/* A step before or after the SQL call; NULL is success. */
typedef ecs_problem_t *ecs_step_fn(struct ecs_request_t *req);

typedef struct ecs_route_t {
    const char *method;        /* NULL closes the table */
    const char *path;          /* "/api/orders/{id}/cancel/" */
    unsigned roles;            /* ECS_PUBLIC or role bits */
    unsigned flags;
    const ecs_field_t *fields; /* NULL for none */
    const char *call;          /* function of ecs_api */
    int status;                /* success: 200, 201, 202, 204 */
    const char *answer;        /* schema name; NULL for no body. Further words:
                                  "+Name" for members of a list's envelope,
                                  "image/png" for another media type, see
                                  ecs_schema_of_answer() */
    const char *errors;        /* codes it may refuse with, space separated
                                  (validation, auth and 404 of {id} are implied
                                  by the row) */
    const char *summary;
    const char *description;
    ecs_step_fn *before;       /* after validation, before the call */
    ecs_step_fn *after;        /* after the call, before the reply */
    int statements;            /* statement budget when it is not 1 */
    const char *image;         /* name of the part that has the picture, for
                                  a row that takes one: as multipart/form-data
                                  or, when nothing else is required, as the
                                  body itself. Its fields have
                                  ECS_IMAGE_FIELDS */
    int images_max;            /* more than 1: that many parts of that name may
                                  come; its fields have ECS_IMAGES_FIELD */
} ecs_route_t;

/*
 * An answer's shape: name and members, for the OpenAPI document and the
 * response checks of the tests. `members` is a list "name:type name:type ...";
 * a type is id int num bool str text money time date email url json, a word of
 * choices "A|B|C", another schema's name (capitalised), "[type]" for an array;
 * a trailing "?" means it may be null, a leading "~" before the name that the
 * member may be missing.
 */
typedef struct ecs_schema_t {
    const char *name; /* NULL closes the table */
    const char *description;
    const char *members;
} ecs_schema_t;

typedef struct ecs_app_t {
    const char *name; /* tag in the OpenAPI document */
    const char *description;
    const ecs_route_t *routes;
    const ecs_schema_t *schemas;
} ecs_app_t;

/* What the router found for a path and a method. */
#define ECS_PATH_VALUES_MAX 4
typedef struct ecs_match_t {
    const ecs_route_t *route; /* NULL unless path and method fit */
    int index;                /* of the route among all routes, from 0 */
    const char *values[ECS_PATH_VALUES_MAX]; /* of {names}, in path order */
    const char *allow;        /* "GET, HEAD, OPTIONS"; NULL: no such path */
} ecs_match_t;

typedef struct ecs_router_t ecs_router_t;

/**
 * Build the lookup structure once, at start-up. Paths are canonical with a
 * trailing slash; the same path without it matches too.
 * @param apps  array closed by an app whose name is NULL; must outlive the
 *              router
 * @param p     the router lives as long as this pool; read-only afterwards,
 *              so all threads may use it
 * @return NULL when two rows have one path and method, or a path is no path
 */
ecs_router_t *ecs_router_make(apr_pool_t *p, const ecs_app_t *apps);

/**
 * Find the row for a request. HEAD finds the GET row.
 * @param path  decoded and normalised path, e.g. r->uri
 * @param p     for the path values
 */
void ecs_router_find(const ecs_router_t *router, const char *method,
                     const char *path, apr_pool_t *p, ecs_match_t *match);

/**
 * Number of rows, and the row with that index (order of the apps).
 */
int ecs_router_count(const ecs_router_t *router);
const ecs_route_t *ecs_router_route(const ecs_router_t *router, int index);

/**
 * Does the row write? Everything but GET does.
 */
int ecs_route_writes(const ecs_route_t *route);

/**
 * Are the row's body fields passed as one jsonb of changes (PATCH)?
 */
int ecs_route_patches(const ecs_route_t *route);

#endif
