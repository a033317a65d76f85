#!/usr/bin/env bash
# What one more method of a service costs a build: lines of its expansion, lines of LLVM IR, and the time to check it,
# which is given in plain async methods, so that it is the same on a fast machine and on a slow or busy one. Fails above
# the budgets. The program of 100 methods and the one of 10 are compared, which leaves out what a service costs once.
set -euo pipefail
shopt -s inherit_errexit
export LC_ALL=C
cd "$(dirname "$0")/../.."

work=target/compile-budget
# Each is what it was when it was set, and a tolerance: 10 % for lines, 50 % for time.
expansion_budget=74 llvm_budget=3230 percent_budget=560

# Built for the examples, so that nothing is built for this alone.
artifacts=$(cargo build --locked -p farcall-examples --example quickstart --message-format=json-render-diagnostics)
library() { # NAME
    sed -n "s/.*\"name\":\"$1\".*\"filenames\":\[\"\([^\"]*\.rlib\)\".*/\1/p" <<<"$artifacts"
}
compile() { # PROGRAM FLAGS...
    local program=$work/$1.rs
    shift
    rustc --edition 2024 -C codegen-units=1 --extern "farcall=$farcall" --extern "tokio=$tokio" \
        -L "dependency=${farcall%/*}" "$program" "$@"
}
farcall=$(library farcall) tokio=$(library tokio)

# methods COUNT TEMPLATE: the template once for each method, with its number for N.
methods() { for ((n = 1; n <= $1; n++)); do echo "${2//N/$n}"; done; }

# program ATTRIBUTE CLIENT METHODS: declares a trait, implements it and calls each method of a client of it.
program() {
    cat <<RUST
#![allow(async_fn_in_trait)]
$1
pub trait Shop {
$(methods "$3" '    async fn method_N(&self, id: u64, name: &str) -> farcall::Result<String>;')
}

struct Handler;

impl Shop for Handler {
$(methods "$3" '    async fn method_N(&self, id: u64, name: &str) -> farcall::Result<String> {
        Ok(format!("{name} {id}"))
    }')
}

$(methods "$3" 'async fn call_N(shop: &impl Shop) -> farcall::Result<String> {
    shop.method_N(N, "name").await
}')

fn main() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let shop = $2;
$(methods "$3" '    runtime.block_on(call_N(&shop)).unwrap();')
}
RUST
}

mkdir -p "$work"
for count in 10 100; do
    program "#[farcall::service]" "ShopClient::loopback(Handler)" $count >"$work/service-$count.rs"
    program "" Handler $count >"$work/plain-$count.rs"
done

# As `cargo expand` does it: the flag asks for a nightly compiler, and its output is only counted.
expansion_lines() { RUSTC_BOOTSTRAP=1 compile "$1" -Z unpretty=expanded | wc -l; }

llvm_lines() {
    compile "$1" --emit "llvm-ir=$work/$1.ll"
    grep -c '^  ' "$work/$1.ll"
}

# User time, the least of rounds that measure every program: what else runs on the machine only adds to it.
declare -A milliseconds
check() { # PROGRAM
    local TIMEFORMAT=%3U took least
    took=$({ time compile "$1" --emit "metadata=$work/$1.rmeta"; } 2>&1)
    took=$((10#${took/./}))
    least=${milliseconds[$1]:-$took}
    milliseconds[$1]=$((took < least ? took : least))
}
for _ in {1..7}; do
    for program in service-10 service-100 plain-10 plain-100; do check "$program"; done
done

expansion=$((($(expansion_lines service-100) - $(expansion_lines service-10)) / 90))
llvm=$((($(llvm_lines service-100) - $(llvm_lines service-10)) / 90))
service=$(((milliseconds[service-100] - milliseconds[service-10]) * 1000 / 90))
plain=$(((milliseconds[plain-100] - milliseconds[plain-10]) * 1000 / 90))
percent=$((100 * service / plain))

within=true
report() { # WHAT FOUND BUDGET
    echo "$1: $2, budget $3"
    (($2 <= $3)) || within=false
}
echo "one more method, $(rustc --version):"
report "lines of expansion" "$expansion" $expansion_budget
report "lines of LLVM IR" "$llvm" $llvm_budget
report "check time, $service µs, in % of a plain async method's, $plain µs" "$percent" $percent_budget
$within
