//! Losses made by the kernel and not by a test's own hand. Needs Linux, unprivileged user namespaces and nft, and says
//! so.

use std::{env, io, process::Command};

use farcall_tests::{
    TestResult,
    history::History,
    ledger::{AccountClient, Ledger, answer, body},
    say, scaled,
};
use futures::StreamExt;

const INSIDE: &str = "FARCALL_LOSSY_NAMESPACE";
const RULES: &str = "table inet lossy {
    chain in {
        type filter hook input priority 0; policy accept;
        meta l4proto udp numgen random mod 100 < 10 counter drop
    }
}
";
/// Sets the network up and becomes the test, or ends with a status that no test has.
const SCRIPT: &str = r#"{ ip link set lo up && printf '%s' "$RULES" | nft -f -; } || exit 77; exec "$@""#;
const NOT_SET_UP: i32 = 77;
const CALLS: u64 = 3000;
const AT_ONCE: usize = 128;

#[test]
fn calls_survive_what_the_kernel_drops() -> TestResult {
    if env::var_os(INSIDE).is_some() {
        return Ok(());
    }
    if let Some(reason) = lacks_namespaces()? {
        say(format_args!("SKIPPED: losses made by the kernel: {reason}"));
        return Ok(());
    }
    // Sbin is not on everybody's path.
    let path = format!("{}:/usr/sbin:/sbin", env::var("PATH").unwrap_or_default());
    let output = Command::new("unshare")
        .args(["-rn", "sh", "-c", SCRIPT, "sh"])
        .arg(env::current_exe()?)
        .args(["--exact", "udp_kernel_loss::inside_the_namespace", "--nocapture"])
        .env("PATH", path)
        .env("RULES", RULES)
        .env(INSIDE, "1")
        .output()?;
    let said = String::from_utf8_lossy(&output.stderr);
    if output.status.code() == Some(NOT_SET_UP) {
        say(format_args!("SKIPPED: losses made by the kernel: {}", said.trim()));
        return Ok(());
    }
    say(format_args!("{}", said.trim()));
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    Ok(())
}

/// Asked alone, because `unshare` that is not permitted ends as a failed test does.
fn lacks_namespaces() -> io::Result<Option<String>> {
    match Command::new("unshare").args(["-rn", "true"]).output() {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Some("there is no `unshare`".to_owned())),
        Err(error) => Err(error),
        Ok(output) if output.status.success() => Ok(None),
        Ok(output) => Ok(Some(String::from_utf8_lossy(&output.stderr).trim().to_owned())),
    }
}

/// The test itself; outside of the namespace it has nothing to do.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn inside_the_namespace() -> TestResult {
    if env::var_os(INSIDE).is_none() {
        return Ok(());
    }
    let calls = scaled(CALLS, 100_000);
    let ledger = Ledger::new(calls);
    let server = ledger.listen().await?;
    let client = AccountClient::connect(server.local_addr()).await?;
    let history = History::new();
    let call = async |number| {
        if number % 10 == 0 {
            let bytes = body(number, 10_000);
            let result = history.call(number, client.carry(number, &bytes)).await;
            assert!(result == Ok(bytes), "call {number}: {result:.200?}");
        } else {
            let result = history.call(number, client.run(number)).await;
            assert_eq!(result, Ok(answer(number)), "call {number}");
        }
    };
    futures::stream::iter(0..calls).for_each_concurrent(AT_ONCE, call).await;

    let rules = Command::new("nft").args(["list", "ruleset"]).output()?;
    let rules = String::from_utf8_lossy(&rules.stdout).into_owned();
    let dropped = rules.split("packets ").nth(1).and_then(|rest| rest.split(' ').next());
    let dropped: u64 = dropped.ok_or("no counter")?.parse()?;
    let ended = history.check(&ledger.ran())?;
    say(format_args!(
        "the kernel dropped {dropped} datagrams of {calls} calls: {ended:?}"
    ));
    assert!(dropped > 0, "{rules}");
    assert_eq!(ended.answered, calls);
    Ok(())
}
