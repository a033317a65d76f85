#!/usr/bin/env bash
# Runs the load program over a loopback that loses packets: benches/lossy.sh PER_MILLE [flags of load]. Linux, with
# unprivileged user namespaces, `ip` and `nft`; the loss is in a network namespace of its own that ends with the
# program.
set -euo pipefail
cd "$(dirname "$0")/.."

if [[ ${1:-} != inside ]]; then
    [[ ${1:-} =~ ^[0-9]+$ ]] || { echo "usage: benches/lossy.sh PER_MILLE [flags of load]" >&2; exit 2; }
    cargo build --release -p farcall-benches --bin load
    exec unshare --map-root-user --net "$0" inside "$@"
fi
per_mille=$2
shift 2

# Packets as on an Ethernet, each lost on its own: no run of segments travels as one.
ip link set lo mtu 1500
ip link set lo gso_max_segs 1
ip link set lo up
nft -f - <<END
table inet loss {
    chain input {
        type filter hook input priority 0
        numgen random mod 1000 < $per_mille drop
    }
}
END
exec "${CARGO_TARGET_DIR:-target}/release/load" "$@"
