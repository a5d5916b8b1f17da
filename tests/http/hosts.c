/* SPDX-License-Identifier: MIT */
/*
 * hosts.c - further httpds of the instance's shop.
 */
#include "hosts.h"

#include "support.h"

const char *host_dir(const char *host)
{
    return fmt("%s-%s", setting("ECS_DIR"), host);
}

/* The module that the shop runs with; the plain one where that is built with a
 * sanitizer. */
static const char *module_option(void)
{
    const char *log = setting("ECS_ERROR_LOG");

    return is_slow() ? "" : fmt("--module '%.*s/mod_ecs.so'",
                                (int)(strrchr(log, '/') - log), log);
}

void host_start(const char *host, const char *options)
{
    instance_in(host_dir(host), "start",
                fmt("--share '%s' --threads 8 --connections 2 %s %s",
                    setting("ECS_DIR"), module_option(), options));
}

void host_end(const char *host)
{
    instance_in(host_dir(host), "destroy", "");
}
