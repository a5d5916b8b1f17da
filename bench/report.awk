# SPDX-License-Identifier: MIT
#
# report.awk - the table of run. Read behind figures.awk.
#
# Variables: pool, the database connections of all httpd children; few and
# many, the numbers of HTTP connections.

function detail_line(operation, who, clients, name,   p50) {
    p50 = median(operation, who, clients, 6)
    if (p50 < 0) return
    printf "  %-24s %9s %8.2f %8.2f %8s %8s %8s%s\n", name,
        number(median(operation, who, clients, 5)), p50,
        median(operation, who, clients, 7),
        who == "pgbench" ? "-" : number(median(operation, who, clients, 8)),
        operation == "static file" ? "-" : number(median(operation, who, clients, 9)),
        number(median(operation, who, clients, 10)),
        bad[operation, who, clients] ? sprintf("  %d ERRORS", bad[operation, who, clients]) : ""
}

function aim(what, have, want) {
    if (have >= 0)
        aim_line(sprintf("%s at least %.1f: %s", what, want, times(have)), have >= want)
}

END {
    printf "Operations per second. mod_ecs and Django over HTTP; pgbench calls the same\n"
    printf "SQL functions. \"pool\" is %d clients, as many as the shop has connections.\n\n", pool
    printf "%-10s | %-17s | %-17s | %-8s | %s\n", "", "mod_ecs", "pgbench", "Django",
        "mod_ecs is times"
    printf "%-10s |%8s %9s |%8s %9s |%9s |%9s %9s %8s\n", "", few " conn", many " conn",
        "pool", many " cl.", few " conn", "pg. pool", "pg. " many, "Django"
    printf "%-10s |%8s %9s |%8s %9s |%9s |%9s %9s %8s\n", "", "(a)", "(b)", "(c)", "(d)",
        "(e)", "a/c", "b/d", "a/e"
    for (i = 1; i <= operations_count; i++) {
        o = operations[i]
        c = (o == "login" ? 4 : few)
        printf "%-10s |%8s %9s |%8s %9s |%9s |%9s %9s %8s\n", o,
            number(median(o, "mod_ecs", c, 5)), number(median(o, "mod_ecs", many, 5)),
            number(median(o, "pgbench", pool, 5)), number(median(o, "pgbench", many, 5)),
            number(median(o, "django", c, 5)),
            times(ratio(o, "mod_ecs", c, "pgbench", pool)),
            times(ratio(o, "mod_ecs", many, "pgbench", many)),
            times(ratio(o, "mod_ecs", c, "django", c))
    }
    printf "\nLogin is by 4 connections; the two hash passwords differently (yescrypt here,\n"
    printf "PBKDF2-SHA256 there), so its ratio compares hashes, not servers.\n\n"

    printf "%-26s %9s %8s %8s %26s\n", "", "", "", "", "CPU us an operation"
    printf "%-26s %9s %8s %8s %8s %8s %8s\n", "", "a second", "p50 ms", "p99 ms",
        "web", "database", "client"
    for (i = 1; i <= operations_count; i++) {
        o = operations[i]
        c = (o == "login" ? 4 : few)
        print o
        detail_line(o, "mod_ecs", c, "mod_ecs, " c " connections")
        if (c != many) detail_line(o, "mod_ecs", many, "mod_ecs, " many " connections")
        detail_line(o, "pgbench", pool, "pgbench, pool of " pool)
        if (pool != many) detail_line(o, "pgbench", many, "pgbench, " many " clients")
        detail_line(o, "django", c, "Django, " c " connections")
    }
    printf "\n"
    if (twin) aim("product detail, times Django", ratio("detail", "mod_ecs", few, "django", few), 10)
    aim("checkout, times pgbench at " many " clients", ratio("checkout", "mod_ecs", many, "pgbench", many), 1)
    noise_line()
    if (all_bad) exit 1
}
