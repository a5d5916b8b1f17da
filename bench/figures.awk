# SPDX-License-Identifier: MIT
#
# figures.awk - reads the lines that measure.sh wrote. Each figure is the median
# of the rounds; each ratio is the median of the ratios within a round, so that
# noise which hits both sides of it cancels out. Read before report.awk and
# auction.awk.

BEGIN { FS = "\t" }

{
    key = $2 SUBSEP $3 SUBSEP $4
    rate[key, $1] = $5
    for (i = 5; i <= NF; i++) value[key, i, $1] = $i
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

function aim_line(what, is_reached) {
    printf "Aim: %s, %s.\n", what, (is_reached ? "reached" : "NOT reached")
}

function noise_line() {
    printf "Noise: others used %.0f %% of the machine (median; at most %.0f %%), %.1f %% was stolen.\n",
        sorted_middle(other, NR), other_most, stolen / NR
    if (all_bad) printf "%d ERRORS: figures with errors do not count.\n", all_bad
}
