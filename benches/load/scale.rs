//! How cost grows: one thing after the other from one to very many, and what a call costs then.
//!
//! Every step has its own processes, so that what one leaves in the allocator does not help the next.

use std::{
    env,
    fmt::Write as _,
    io::{self, Write as _},
    process::Command,
    time::Duration,
};

use tokio::time::sleep;

use crate::{
    measure::measure_connected,
    peer::Result,
    peers,
    process::{ServerProcess, own_memory},
    threads::Threads,
    work::{Ballast, Calls, Load},
};

const DURATION: Duration = Duration::from_secs(1);
/// Beside open streams and held objects.
const WINDOW: usize = 128;
const SMALL: usize = 16;
/// What is open is there on both sides after this time.
const SETTLE: Duration = Duration::from_millis(500);

/// What grows.
struct Axis {
    name: &'static str,
    steps: &'static [usize],
    load: fn(usize) -> Load,
}

const AXES: [Axis; 5] = [
    Axis {
        name: "connections",
        steps: &[1, 10, 100, 1_000, 9_000],
        load: |connections| {
            Load::calls(Calls {
                connections,
                ..Calls::one(SMALL)
            })
        },
    },
    Axis {
        name: "in-flight",
        steps: &[1, 4, 16, 64, 256, 1_024, 4_096],
        load: |in_flight| {
            Load::calls(Calls {
                in_flight,
                ..Calls::one(SMALL)
            })
        },
    },
    Axis {
        name: "body",
        steps: &[16, 256, 4 << 10, 64 << 10, 1 << 20, 16 << 20],
        load: |body| Load::calls(Calls::one(body)),
    },
    Axis {
        name: "streams",
        steps: &[1, 10, 100, 1_000, 10_000, 100_000],
        load: |count| laden(Ballast::Streams(count)),
    },
    Axis {
        name: "objects",
        steps: &[1, 10, 100, 1_000, 10_000, 100_000],
        load: |count| laden(Ballast::Objects(count)),
    },
];

fn laden(ballast: Ballast) -> Load {
    let in_flight = WINDOW;
    Load::Laden(
        ballast,
        Calls {
            in_flight,
            ..Calls::one(SMALL)
        },
    )
}

/// Prints a table of all steps.
pub(crate) fn show_all() -> Result<()> {
    let mut out = io::stdout();
    writeln!(
        out,
        "| what grows | to | calls/s | CPU of a call, µs | client's memory, KiB | server's memory, KiB | bytes each, \
         client + server |\n| --- | ---: | ---: | ---: | ---: | ---: | ---: |"
    )?;
    for axis in &AXES {
        for step in axis.steps {
            let status = Command::new(env::current_exe()?)
                .args(["scale", axis.name, &step.to_string()])
                .status()?;
            if !status.success() {
                return Err(format!("{} {step}: {status}", axis.name).into());
            }
        }
    }
    Ok(())
}

/// Prints the row of one step.
pub(crate) fn show(axis: &str, step: &str) -> Result<()> {
    let axis = AXES
        .iter()
        .find(|known| known.name == axis)
        .ok_or_else(|| format!("nothing grows that is called {axis:?}"))?;
    let row = Threads::default().run(row(axis, step.parse()?))?;
    Ok(io::stdout().write_all(row.as_bytes())?)
}

async fn row(axis: &Axis, step: usize) -> Result<String> {
    let peer = peers::find("farcall").ok_or("farcall is one of the peers")?;
    let server = ServerProcess::start(peer.name(), Threads::default())?;
    // All that is made once is there when the others come.
    let first = peer.connect(server.address, Load::calls(Calls::one(SMALL)));
    let _first = first.ok_or("farcall calls")?.await?;
    sleep(SETTLE).await;
    let (client_before, server_before) = (own_memory()?, server.memory()?);
    let connecting = peer
        .connect(server.address, (axis.load)(step))
        .ok_or("farcall does that")?;
    let mut session = connecting.await?;
    sleep(SETTLE).await;
    let grown = [
        own_memory()?.saturating_sub(client_before),
        server.memory()?.saturating_sub(server_before),
    ];
    let sample = measure_connected(session.as_mut(), DURATION, Some(&server)).await?;
    let mut row = String::new();
    writeln!(
        row,
        "| {} | {step} | {:.0} | {:.2} | {} | {} | {} + {} |",
        axis.name,
        sample.per_second,
        sample.client.each + sample.server.each,
        grown[0] >> 10,
        grown[1] >> 10,
        grown[0] / step as u64,
        grown[1] / step as u64,
    )?;
    Ok(row)
}
