# SPDX-License-Identifier: MIT
# shellcheck shell=bash disable=SC2154
#
# measure.sh - one run of a load generator and what it cost. Read by run
# and auction.
#
# Each run adds a line to $results, fields separated by tabs:
#   round operation who clients rate/s p50/ms p99/ms
#   web-us db-us client-us (CPU per operation) errors busy% other% steal%
# `other` is what the machine did besides the server, the database and the
# load generator of this run.

ticks=$(getconf CLK_TCK)
complaints='Socket errors|Non-2xx| aborted' # of a load generator, that are shown

# Prints the CPU ticks of two process trees and of the machine:
#   web db busy all stolen
# Trees include what they reaped, as a backend that has ended.
cpu_now() { # WEB-PID DB-PID ('' for none)
    # Processes may end while they are read.
    { head -n 1 /proc/stat; cat /proc/[0-9]*/stat 2>/dev/null || true; } |
        awk -v web="${1:-0}" -v db="${2:-0}" '
        NR == 1 {
            for (i = 2; i <= 9; i++) all += $i
            busy = all - $5 - $6
            stolen = $9
            next
        }
        {
            pid = $1
            sub(/^.*\) /, "") # a name may have blanks
            parent[pid] = $2
            ticks[pid] = $12 + $13 + $14 + $15
        }
        function root(pid) {
            while (pid > 1 && pid != web && pid != db) pid = parent[pid]
            return pid
        }
        END {
            for (pid in ticks) sum[root(pid)] += ticks[pid]
            print sum[web] + 0, sum[db] + 0, busy, all, stolen
        }'
}

# Turns what wrk printed into: rate p50 p99 count errors
read_wrk() { # FILE
    awk '
        function ms(text,   n) {
            n = text + 0
            if (text ~ /us$/) return n / 1000
            if (text ~ /ms$/) return n
            if (text ~ /m$/) return n * 60000
            return n * 1000
        }
        $1 == "50%" { p50 = ms($2) }
        $1 == "99%" { p99 = ms($2) }
        /requests in / { count = $1 }
        /^Requests\/sec:/ { rate = $2 }
        /Non-2xx or 3xx responses:/ { bad += $NF }
        /Socket errors:/ { gsub(",", ""); bad += $4 + $6 + $8 + $10 }
        END { print rate + 0, p50 + 0, p99 + 0, count + 0, bad + 0 }' "$1"
}

# The same of pgbench, from its log, whose fields are: client, number of its
# transaction, microseconds, script, and when it ended (seconds, microseconds).
# All connections of pgbench are new and have to plan everything first, which
# the shop's did long ago. So what counts begins after the warm seconds, and
# when each client has made $warm_transactions.
read_pgbench() { # OUTPUT START-TIME WARM-SECONDS LOGS...
    local output=$1 from=$(($2 + $3))
    shift 3
    cat "$@" | sort -n -k 3,3 | awk -v since="$from" -v warm="$warm_transactions" \
        -v bad="$(grep -c ' aborted' "$output")" '
        { us[NR] = $3; at[NR] = $5 + $6 / 1e6 }
        at[NR] > last { last = at[NR] }
        $2 == warm && at[NR] > from { from = at[NR] }
        END {
            if (from < since) from = since
            for (i = 1; i <= NR; i++) {
                if (at[i] > since) count++ # while CPU time is counted
                if (at[i] > from) us[++n] = us[i]
            }
            if (last - from < 0.5) { n = 0; bad++ } # never got warm
            print (n ? n / (last - from) : 0), us[int((n + 1) / 2)] / 1000,
                us[int(n * 0.99 + 0.5)] / 1000, count + 0, bad + 0
        }'
}

# Runs a load generator in $scratch/load and adds the line of results. When it
# is pgbench, it runs WARM seconds longer and these are not looked at.
run_load() { # ROUND OPERATION WHO CLIENTS WEB-PID DB-PID WARM wrk|pgbench ARGS...
    local what=$1$'\t'$2$'\t'$3$'\t'$4 web=$5 db=$6 warm=$7 before after start job
    local out=$scratch/load/out spent=$scratch/load/spent TIMEFORMAT='%U %S'
    shift 7
    rm -rf "$scratch/load"
    mkdir "$scratch/load"
    start=$(date +%s)
    before=$(cpu_now "$web" "$db")
    { time env -C "$scratch/load" "$@" >"$out" 2>&1; } 2>"$spent" &
    job=$!
    if [ "$warm" != 0 ]; then
        sleep "$warm"
        before=$(cpu_now "$web" "$db")
    fi
    wait "$job" || {
        echo "bench: $1 failed:" >&2
        tail -n 5 "$out" >&2
    }
    sleep 0.1 # for backends to end
    after=$(cpu_now "$web" "$db")
    grep -E "$complaints" "$out" >&2 || true
    echo "$before $after $(tail -n 1 "$spent") $(case $1 in
        *wrk) read_wrk "$out" ;;
        *) read_pgbench "$out" "$start" "$warm" "$scratch"/load/pgbench_log.* ;;
        esac)" | awk -v hz="$ticks" -v OFS='\t' -v what="$what" \
        -v share="$secs/$((secs + warm))" '{
            split(share, part, "/")
            web = ($6 - $1) / hz; db = ($7 - $2) / hz; busy = ($8 - $3) / hz
            all = ($9 - $4) / hz; stolen = ($10 - $5) / hz
            client = ($11 + $12) * part[1] / part[2]
            rate = $13; p50 = $14; p99 = $15; count = $16; bad = $17
            if (!count) bad++
            n = count ? count / 1e6 : 1
            other = busy - web - db - client
            print what, rate, p50, p99, web / n, db / n, client / n, bad,
                100 * busy / all, (other > 0 ? 100 * other / all : 0), 100 * stolen / all
        }' >>"$results"
}
