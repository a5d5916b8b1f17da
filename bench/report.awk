# SPDX-License-Identifier: MIT
#
# report.awk - the table, from the lines that measure.sh wrote. Each figure is
# the median of the rounds; each ratio is the median of the ratios within a
# round, so that noise which hits both sides of it cancels out.
#
# Variables: pool, the database connections of all httpd children; few and
# many, the numbers of HTTP connections.

BEGIN { FS = "\t" }

{
    key = $2 SUBSEP $3 SUBSEP $4
    rate[key, $1] = $5
    for (i = 5; i <= 10; i++) value[key, i, $1] = $i
    if (!($1 in seen_round)) { seen_round[$1]; rounds[++rounds_count] = $1 }
    if (!($2 in seen)) { seen[$2]; operations[++operations_count] = $2 }
    if ($3 == "django") twin = 1
    bad[key] += $11
    all_bad += $11
    other[NR] = $13
    stolen += $14
    if ($13 > other_most) other_most = $13
}

function sorted_middle(list, n,   i, j, t) {
    for (i = 2; i <= n; i++)
        for (j = i; j > 1 && list[j - 1] > list[j]; j--) {
            t = list[j]; list[j] = list[j - 1]; list[j - 1] = t
        }
    return n == 0 ? -1 : n % 2 ? list[(n + 1) / 2] : (list[n / 2] + list[n / 2 + 1]) / 2
}

function median(operation, who, clients, field,   i, n, list, key) {
    key = operation SUBSEP who SUBSEP clients
    for (i = 1; i <= rounds_count; i++)
        if ((key, field, rounds[i]) in value) list[++n] = value[key, field, rounds[i]]
    return sorted_middle(list, n)
}

function ratio(operation, who1, clients1, who2, clients2,   i, n, list, a, b) {
    a = operation SUBSEP who1 SUBSEP clients1
    b = operation SUBSEP who2 SUBSEP clients2
    for (i = 1; i <= rounds_count; i++)
        if ((a, rounds[i]) in rate && (b, rounds[i]) in rate && rate[b, rounds[i]] > 0)
            list[++n] = rate[a, rounds[i]] / rate[b, rounds[i]]
    return sorted_middle(list, n)
}

function number(x) { return x < 0 ? "-" : sprintf(x < 100 ? "%.1f" : "%.0f", x) }
function times(x) { return x < 0 ? "-" : sprintf(x < 9.995 ? "%.2f" : "%.1f", x) }

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
        printf "Aim: %s at least %.1f: %s, %s.\n", what, want, times(have),
            (have >= want ? "reached" : "NOT reached")
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
    printf "Noise: others used %.0f %% of the machine (median; at most %.0f %%), %.1f %% was stolen.\n",
        sorted_middle(other, NR), other_most, stolen / NR
    if (all_bad) {
        printf "%d ERRORS: figures with errors do not count.\n", all_bad
        exit 1
    }
}
