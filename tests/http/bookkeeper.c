/* SPDX-License-Identifier: MIT */
/*
 * bookkeeper.c - one endpoint of webhooks, as its owner sees it.
 */
#include "bookkeeper.h"

#include <stdlib.h>
#include <unistd.h>

#include "hook_server.h"
#include "support.h"

#define WAIT_S 40.0

static hook_server_t *server;
static const char *secret;
static long long endpoint;

void bookkeeper_comes(const actor_t *admin)
{
    reply_t *r;

    server = hook_start();
    r = expect(post(admin, "/api/webhooks/",
                    fmt("{\"url\": \"%s/books\", \"description\":"
                        " \"Bookkeeping\", \"events\": \"order.*\"}",
                        hook_url(server))),
               201);
    endpoint = int_at(r, "id");
    secret = text_at(r, "secret");
}

static const hook_t *find(const char *type, long long order)
{
    int i;

    for (i = 0; i < hook_count(server); i++) {
        const hook_t *hook = hook_nth(server, i);

        if (strcmp(hook->type, type) == 0
            && json_integer_value(json_at(hook->event, "data.id")) == order) {
            return hook;
        }
    }
    return NULL;
}

void bookkeeper_knows(const char *type, long long order)
{
    double end = seconds_now() + WAIT_S;
    const hook_t *hook = find(type, order);

    while (hook == NULL && seconds_now() < end) {
        usleep(100000);
        hook = find(type, order);
    }
    ck_assert_msg(hook != NULL, "nobody told of %s", type);
    ck_assert(hook_verifies(hook, secret));
    ck_assert(!hook_verifies(hook, "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"));
    printf("      %-16s total %s   %.24s…\n", type,
           json_string_value(json_at(hook->event, "data.total")),
           hook->signature);
}

void bookkeeper_goes(const actor_t *admin)
{
    expect(http(.method = "DELETE", .path = fmt("/api/webhooks/%lld/",
                                                endpoint), .who = admin), 204);
    hook_down(server);
}
