# SPDX-License-Identifier: MIT
#
# auction.awk - the table of auction. Read behind figures.awk. The operation is
# the number of auctions; fields of measure.sh that are changed or added:
#   5 bids taken a second   15 bids refused a second   16 bids taken a commit

function bidders_line(auctions, who, bidders, name,   rate) {
    rate = median(auctions, who, bidders, 5)
    if (rate < 0) return
    printf "  %-20s %8s %8s %9.2f %9.2f %9s | %7s %8s %7s%s\n", name, number(rate),
        number(median(auctions, who, bidders, 15)), median(auctions, who, bidders, 6),
        median(auctions, who, bidders, 7), times(median(auctions, who, bidders, 16)),
        who == "pgbench" ? "-" : number(median(auctions, who, bidders, 8)),
        number(median(auctions, who, bidders, 9)),
        number(median(auctions, who, bidders, 10)),
        bad[auctions, who, bidders] ? sprintf("  %d ERRORS", bad[auctions, who, bidders]) : ""
}

function auction_table(auctions, title,   i) {
    print title
    for (i = 1; i <= counts; i++)
        bidders_line(auctions, "mod_ecs", count[i],
            sprintf("mod_ecs, %d bidder%s", count[i], count[i] > 1 ? "s" : ""))
    for (i = 1; i <= counts; i++)
        bidders_line(auctions, "pgbench", count[i],
            sprintf("pgbench, %d client%s", count[i], count[i] > 1 ? "s" : ""))
}

# The least of the ratios from 32 bidders on, to one figure of another.
function least_ratio(who, clients,   i, x, least) {
    least = -1
    for (i = 1; i <= counts; i++) {
        if (count[i] < 32 || (who == "mod_ecs" && count[i] == clients)) continue
        x = ratio(1, "mod_ecs", count[i], who, clients)
        if (least < 0 || x < least) least = x
    }
    return least
}

function aims(   a, b, c, d, e) {
    a = least_ratio("pgbench", 32)
    b = least_ratio("pgbench", 1)
    c = median(1, "mod_ecs", 256, 7)
    d = least_ratio("mod_ecs", 32)
    e = ratio(1, "alone", 1, "carried", 1)
    printf "On one auction:\n"
    aim_line(sprintf("32 and more bidders, times pgbench with 32 clients, at least 15: %s",
        times(a)), a >= 15)
    aim_line(sprintf("32 and more bidders, times pgbench with one client, at least 5: %s",
        times(b)), b >= 5)
    aim_line(sprintf("p99 of 256 bidders below 100 ms: %.0f ms", c), c < 100)
    aim_line(sprintf("no collapse from 32 bidders to 256, at least 0.9 times as many: %s",
        times(d)), d >= 0.9)
    aim_line(sprintf("a lone bidder pays at most 10 %% for the carrier: %.1f %%",
        100 * (e - 1)), e <= 1.1)
}

END {
    counts = split("1 8 32 128 256", count, " ")
    printf "%-22s %8s %8s %9s %9s %9s | %24s\n", "", "taken", "refused", "", "", "bids",
        "CPU us a request"
    printf "%-22s %8s %8s %9s %9s %9s | %7s %8s %7s\n", "bids", "a second", "a second",
        "p50 ms", "p99 ms", "a commit", "web", "database", "client"
    auction_table(1, "one auction")
    auction_table(100, "100 auctions")
    print "a lone bidder, by turns"
    bidders_line(1, "carried", 1, "with the carrier")
    bidders_line(1, "alone", 1, "EcsCarryLimit 1")
    printf "\n"
    aims()
    noise_line()
    if (all_bad) exit 1
}
