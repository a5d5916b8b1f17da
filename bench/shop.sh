# SPDX-License-Identifier: MIT
# shellcheck shell=bash disable=SC2034,SC2154
#
# shop.sh - the shop that is measured: a private PostgreSQL with durable
# settings, filled by seed.sql, and a private httpd. Read by run and auction,
# which set $here and $root, work in $root, and have $secs and $rounds.

build=$(realpath "${BUILD:-build}")
state=$build/bench
instance=$root/conf/private/instance
shop=$state/shop
first_buyer=1001 # seed.sql
password=bench-pass-1
pgbin=$(printf '%s\n' /usr/lib/postgresql/*/bin/pgbench | sort -V | tail -n 1)
# What conf/ecs.conf gives the module's own connections.
pg_options=$(sed -n "s/^DBDParams .*options='\(.*\)'\"\$/\1/p" conf/ecs.conf)

die() {
    echo "bench: $*" >&2
    exit 1
}

say() {
    echo "bench: $*" >&2
}

free_port() {
    local port
    while :; do
        port=$((20000 + RANDOM % 12000))
        (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null || break
    done
    echo "$port"
}

# Sets scratch, a directory of this run, and results in $state.
prepare_bench() { # RESULTS-NAME
    [ -r "$build/mod_ecs.so" ] || die "nothing is built: run \`make\`"
    "$here/deps"
    make -s -f Makefile -f bench/bench.mk "BUILD=${BUILD:-build}" \
        "${BUILD:-build}/bench/prepare" >&2
    mkdir -p "$state"
    scratch=$(mktemp -d "$state/run-XXXXXX")
    results=$state/$1
    : >"$results"
    load_before=$(cut -d ' ' -f 1 /proc/loadavg)
}

shop_sql() { # COMMAND, as the owner
    "$instance" psql "$shop" -X -q -At -v ON_ERROR_STOP=1 -c "$1"
}

superuser_sql() {
    "$instance" psql "$shop" -X -q -At -U postgres -v ON_ERROR_STOP=1 -c "$1"
}

# What the twin's cluster has too (its pg.sh); both keep PostgreSQL's durable
# defaults: fsync, synchronous_commit and full_page_writes are on.
tune_shop_database() {
    local setting
    for setting in "shared_buffers = '1GB'" "max_wal_size = '16GB'" \
        "checkpoint_timeout = '30min'" "max_connections = '200'"; do
        superuser_sql "ALTER SYSTEM SET $setting"
    done
    "$instance" restart-db "$shop"
}

audit_holds() {
    ECS_DSN=$ECS_DSN "$build/ecsctl" audit >"$state/audit.log" 2>&1
}

fill_shop() {
    say 'filling the shop (200,000 users, 20,000 products)'
    tune_shop_database
    "$instance" psql "$shop" -X -q -v hash="$(
        "$build/bench/prepare" hash $password
    )" -f "$here/seed.sql" >/dev/null
    superuser_sql 'VACUUM ANALYZE'
    superuser_sql 'CHECKPOINT'
    audit_holds || say "note: ecsctl audit does not hold, see $state/audit.log"
}

delete_shop() {
    "$instance" destroy "$shop"
    rm -rf "$shop"
}

start_shop() { # OPTIONS of instance start
    local mark=$shop/seeded sum
    sum=$(cat "$here/shop.sh" "$here/seed.sql" sql/migrations/*.sql | sha256sum)
    if [ "$(cat "$mark" 2>/dev/null)" != "$sum" ]; then
        delete_shop
    fi
    "$instance" start "$shop" --durable --module "$build/mod_ecs.so" "$@" \
        ${BENCH_CONNECTIONS:+--connections "$BENCH_CONNECTIONS"}
    # shellcheck disable=SC1091
    . "$shop/env"
    ECS_DSN=$ECS_DSN "$build/ecsctl" migrate >"$state/migrate.log" 2>&1 ||
        die "ecsctl migrate failed, see $state/migrate.log"
    if [ ! -e "$mark" ]; then
        fill_shop
        echo "$sum" >"$mark"
    fi
    find_shop_processes
}

find_shop_processes() {
    shop_state=$(dirname "$(dirname "$ECS_ERROR_LOG")")
    shop_web=$(cat "$shop_state/httpd/run/httpd.pid")
    shop_db=$(head -n 1 "$shop_state/db/postmaster.pid")
    children=$(ps -o pid= --ppid "$shop_web" | wc -l)
    connections=$(sed -n 's/^Define ECS_DB_CONNECTIONS "\(.*\)"$/\1/p' \
        "$shop_state/httpd/httpd.conf")
    pool=$((children * connections))
}

make_tokens() { # COUNT; into $scratch/shop.tokens
    "$build/bench/prepare" tokens "$shop_state/key" $first_buyer "$1" \
        >"$scratch/shop.tokens"
}

# Stops the shop, and deletes it but for BENCH_KEEP.
leave_shop() {
    if [ "${BENCH_KEEP:-}" = yes ]; then
        "$instance" stop "$shop"
    else
        delete_shop
    fi
    [ -z "$scratch" ] || rm -rf "$scratch"
}

print_machine() {
    echo "$(nproc) cores ($(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -n 1))," \
        "$(awk '/MemTotal/ { printf "%.0f GB", $2 / 1048576 }' /proc/meminfo)," \
        "load $load_before before the run."
    echo "$(apache2 -v | sed -n 's/^Server version: \(Apache[^ ]*\).*/\1/p')," \
        "PostgreSQL $("$pgbin" --version | sed 's/.*) \([0-9.]*\).*/\1/')," \
        "$children httpd children of $connections database connections each."
    echo "$rounds rounds of $secs s each measurement; medians."
}
