#!/usr/bin/env bash
# Times `cargo build` of a crate that declares, serves and calls a service: farcall and tarpc, with 1 method and with
# 100, their dependencies built before, and with 1 method from nothing (cold), interleaved. (tarpc has no use for a
# trait without methods.) Prints medians. Usage: measure.sh [rounds]
set -euo pipefail
cd "$(dirname "$0")/../.."

rounds=${1:-5}
root=$PWD
work=$root/target/compile-time
export CARGO_TARGET_DIR=$work/target
# A file that is touched and not changed would come out of the incremental cache; this is the work without it.
export CARGO_INCREMENTAL=${CARGO_INCREMENTAL:-0}
variants=(farcall-1 tarpc-1 farcall-100 tarpc-100)

# methods COUNT TEMPLATE: the template once for each method, with its number for N.
methods() { for ((n = 1; n <= $1; n++)); do echo "${2//N/$n}"; done; }

manifest() { # NAME DEPENDENCY
    cat <<TOML
[package]
name = "$1"
version = "0.0.0"
edition = "2024"

[dependencies]
$2
tokio = { version = "1", features = ["full"] }

[workspace]
TOML
}

farcall_program() { # METHODS
    cat <<RUST
#[farcall::service]
pub trait Shop {
$(methods "$1" '    async fn method_N(&self, id: u64, name: &str) -> farcall::Result<String>;')
}

struct Handler;

impl Shop for Handler {
$(methods "$1" '    async fn method_N(&self, id: u64, name: &str) -> farcall::Result<String> {
        Ok(format!("{name} {id}"))
    }')
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let server = farcall::Server::new().service(ShopServer::new(Handler)).listen("tcp://127.0.0.1:0").await?;
    let client = ShopClient::connect(&server.local_addr().to_string()).await?;
$(methods "$1" '    client.method_N(N, "name").await?;')
    Ok(())
}
RUST
}

tarpc_program() { # METHODS
    cat <<RUST
use futures::StreamExt;
use tarpc::{client, context, serde_transport::tcp, server::{BaseChannel, Channel}, tokio_serde::formats::Bincode};

#[tarpc::service]
pub trait Shop {
$(methods "$1" '    async fn method_N(id: u64, name: String) -> String;')
}

#[derive(Clone)]
struct Handler;

impl Shop for Handler {
$(methods "$1" '    async fn method_N(self, _: context::Context, id: u64, name: String) -> String {
        format!("{name} {id}")
    }')
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut incoming = tcp::listen("127.0.0.1:0", Bincode::default).await?;
    let address = incoming.local_addr();
    tokio::spawn(async move {
        while let Some(Ok(transport)) = incoming.next().await {
            let requests = BaseChannel::with_defaults(transport).execute(Handler.serve());
            tokio::spawn(requests.for_each(|response| async { tokio::spawn(response); }));
        }
    });
    let client = ShopClient::new(client::Config::default(), tcp::connect(address, Bincode::default).await?).spawn();
$(methods "$1" '    client.method_N(context::current(), N, "name".to_owned()).await?;')
    Ok(())
}
RUST
}

generate() { # VARIANT
    local library=${1%-*} count=${1#*-} crate=$work/$1 dependency
    case $library in
        farcall) dependency="farcall = { path = \"$root/rpc-core\" }" ;;
        tarpc) dependency='tarpc = { version = "0.38", features = ["serde-transport-bincode", "tcp", "tokio1"] }
futures = "0.3"' ;;
    esac
    mkdir -p "$crate/src"
    manifest "$1" "$dependency" >"$crate/Cargo.toml"
    "${library}_program" "$count" >"$crate/src/main.rs"
    # The versions that the workspace has; cargo drops from the copy what this crate does not need.
    cp Cargo.lock "$crate/Cargo.lock"
}

median() { sort -n | awk '{ value[NR] = $1 } END { print value[int((NR + 1) / 2)] }'; }

# timed VARIANT TIMES OPTIONS...: builds it, and adds the time to its file TIMES.
timed() {
    local manifest=$work/$1/Cargo.toml times=$work/$1/$2
    { time cargo build --quiet --offline --manifest-path "$manifest" "${@:3}" 2>"$work/stderr"; } 2>>"$times" ||
        { cat "$work/stderr" >&2; exit 1; }
}

row() { # NAME TIMES
    echo "| $1 | $(cut -d' ' -f1 "$2" | median) | $(cut -d' ' -f2 "$2" | median) |"
}

for variant in "${variants[@]}"; do
    generate "$variant"
    echo "building $variant and its dependencies" >&2
    cargo build --quiet --manifest-path "$work/$variant/Cargo.toml"
    # It must also run: what is timed has to be a program that works.
    "$CARGO_TARGET_DIR/debug/$variant"
    : >"$work/$variant/times"
    : >"$work/$variant/cold"
done

TIMEFORMAT='%R %U'
for ((round = 1; round <= rounds; round++)); do
    for variant in "${variants[@]}"; do
        echo "round $round: $variant" >&2
        touch "$work/$variant/src/main.rs"
        timed "$variant" times
    done
done

cold=$work/cold
for ((round = 1; round <= rounds; round++)); do
    for variant in farcall-1 tarpc-1; do
        echo "round $round: $variant, cold" >&2
        rm -rf "$cold"
        timed "$variant" cold --target-dir "$cold"
    done
done
rm -rf "$cold"

echo "| program | real, s | user, s |"
echo "| --- | ---: | ---: |"
for variant in "${variants[@]}"; do
    row "$variant" "$work/$variant/times"
done
for variant in farcall-1 tarpc-1; do
    row "$variant, cold" "$work/$variant/cold"
done
echo "medians of $rounds rounds, debug builds, CARGO_INCREMENTAL=$CARGO_INCREMENTAL, $(rustc --version), $(nproc) cores"
