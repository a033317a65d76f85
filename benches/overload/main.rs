//! What becomes of a server at ten times its capacity, with an adaptive limit and without, over TCP in real time.
//!
//! The server and its clients have a runtime of one thread each, in this process. A handler waits for one of sixteen
//! places and then for ten milliseconds, as one does that asks a database: so the capacity is known, and does not
//! depend on the speed of the machine. It fails if a figure misses its bar.
#![allow(clippy::print_stdout, reason = "it prints what it measures")]

mod load;
mod report;
mod site;

use std::{env, error::Error, process::ExitCode, time::Duration};

use farcall::{Server, layer::AdaptiveLimit};

use crate::{
    load::{Load, closed, send},
    report::Report,
    site::{CAPACITY, Site},
};

type Result<T = ()> = std::result::Result<T, Box<dyn Error + Send + Sync>>;

/// How many times the capacity comes.
const TIMES: u32 = 10;
/// How long the server is watched after the load.
const AFTERWARDS: Duration = Duration::from_secs(3);

fn main() -> Result<ExitCode> {
    let seconds: f64 = env::args().nth(1).map_or(Ok(30.0), |seconds| seconds.parse())?;
    // Both servers are watched for a while after the load, and the rest is divided.
    let part = Duration::try_from_secs_f64((seconds - 2.0 * AFTERWARDS.as_secs_f64()).max(8.0) / 8.0)?;

    let site = Site::new(Server::new())?;
    let peak = site.call(async |clients| closed(clients, part).await);
    let without = overload(&site, part * 2);
    drop(site);

    let limit = AdaptiveLimit::new();
    let site = Site::new(Server::new().layer(limit.clone()))?;
    site.call(async |clients| send(clients, CAPACITY / 2, part).await.ended(clients).await);
    let with = overload(&site, part * 4);

    let report = Report::new(&peak, &with, &without);
    print!("{report}");
    println!("\nThe limit was {} at the end.", limit.limit());
    Ok(if report.is_fine() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// Ten times the capacity for so long, and a half of it from then on, while the last of the other calls still wait.
fn overload(site: &Site, lasts: Duration) -> (Load, Load) {
    site.call(async |clients| {
        let during = send(clients, TIMES * CAPACITY, lasts).await;
        let after = send(clients, CAPACITY / 2, AFTERWARDS).await;
        (during.ended(clients).await, after.ended(clients).await)
    })
}
