# SPDX-License-Identifier: MIT
#
# capture.awk - from PostgreSQL's log of one request (log_statement = all) to a
# script for pgbench with the very statement that the module made.
#
# Its parameters get names, by the argument they are passed to. One that the
# prelude sets is that variable; one that was NULL stays NULL, because a pgbench
# variable cannot be; each other one has the value it had in the request, as a
# -D option for pgbench in the first line of the script.
#
# What the shop does by itself meanwhile is none of the request's business.
#
# Variable: prelude, the script's own \set lines.

match($0, /execute ecs[0-9]+: /) && !/ecs_api\.(job|outbox|media)_/ && !done {
    statement = substr($0, RSTART + RLENGTH)
}

match($0, /DETAIL: +parameters: /) && statement && !done {
    read_values(substr($0, RSTART + RLENGTH))
    done = 1
}

function read_values(text,   one, at) {
    while (match(text, /\$[0-9]+ = (NULL|'([^']|'')*')/)) {
        one = substr(text, RSTART + 1, RLENGTH - 1)
        text = substr(text, RSTART + RLENGTH)
        at = index(one, " = ")
        value[substr(one, 1, at - 1)] = substr(one, at + 3)
    }
}

function read_names(text,   part, n, i, word) {
    if (text ~ /ecs_api\.caller\(\$1,/) {
        n = split("me_id me_session me_role me_address me_request me_version", word, " ")
        for (i = 1; i <= n; i++) name[i] = word[i]
    }
    while (match(text, /p_[a-z_]+ => \$[0-9]+/)) {
        split(substr(text, RSTART, RLENGTH), part, / => \$/)
        name[part[2]] = substr(part[1], 3)
        text = substr(text, RSTART + RLENGTH)
    }
}

function literal_of(n,   text) {
    if (prelude ~ ("set " name[n] " ")) return ":" name[n]
    if (value[n] == "NULL") return "NULL"
    text = substr(value[n], 2, length(value[n]) - 2)
    if (text !~ /^[0-9A-Za-z_.:+-]*$/) exit 1 # needs quoting; none does today
    options = options " -D " name[n] "=" text
    return ":" name[n]
}

END {
    if (!done) exit 1
    read_names(statement)
    while (match(statement, /\$[0-9]+/)) {
        out = out substr(statement, 1, RSTART - 1) \
            literal_of(substr(statement, RSTART + 1, RLENGTH - 1))
        statement = substr(statement, RSTART + RLENGTH)
    }
    print "--" options
    if (prelude) print prelude
    print out statement ";"
}
