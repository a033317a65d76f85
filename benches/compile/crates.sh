#!/usr/bin/env bash
# Counts the crates that a dependency on farcall with its default features brings in, and fails above the budget.
set -euo pipefail
cd "$(dirname "$0")/../.."

budget=35
crates=$(cargo tree --locked -p farcall -e normal,build --prefix none --format '{p}' |
    sed 's/ (\*)$//' | awk '{ print $1, $2 }' | sort -u | grep -v '^farcall v')
count=$(wc -l <<<"$crates")

echo "$crates"
echo "$count crates, budget $budget"
((count <= budget))
