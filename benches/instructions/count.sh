#!/usr/bin/env bash
# Counts the instructions of one call over a loopback, and fails where they are not those of counts.txt, by more than
# 5 %. With `--accept` it writes them there. Needs valgrind.
set -euo pipefail
shopt -s inherit_errexit
cd "$(dirname "$0")/../.."

tolerance=5 # percent
kept=benches/instructions/counts.txt

if ! command -v valgrind >/dev/null; then
    echo "SKIPPED: instruction counts: valgrind is not installed"
    exit
fi
program=$(cargo build --locked --release -p farcall-instructions --message-format=json-render-diagnostics |
    sed -n 's/.*"executable":"\([^"]*\)".*/\1/p')

instructions() { # BYTES CALLS
    valgrind --tool=callgrind --callgrind-out-file=/dev/null "$program" "$@" 2>&1 | sed -n 's/.*Collected : //p'
}

# The difference of two runs leaves out what is done once: starting, connecting, ending.
one_call() { # BYTES
    local fewer more
    fewer=$(instructions "$1" 200)
    more=$(instructions "$1" 700)
    echo $(((more - fewer) / 500))
}

# What the counts depend on beside the sources.
machine="$(rustc --version), $(uname -m), $(getconf GNU_LIBC_VERSION)"
found="$machine
16 bytes: $(one_call 16)
65536 bytes: $(one_call 65536)"
echo "$found"

if [[ ${1:-} == --accept ]]; then
    echo "$found" >$kept
elif [[ $machine != "$(head -n 1 $kept)" ]]; then
    echo "SKIPPED: instruction counts: they are kept for $(head -n 1 $kept)"
else
    paste -d ' ' $kept <(echo "$found") | awk -v tolerance=$tolerance '
        NR > 1 {
            change = 100 * ($6 / $3 - 1)
            printf "%s bytes: %+.1f %%\n", $1, change
            if (change > tolerance || change < -tolerance) wrong = 1
        }
        END { exit wrong }' || {
        echo "a call takes other than the $kept say; if that is meant, $0 --accept writes them" >&2
        exit 1
    }
fi
