//! A load on one method, and what it took.

mod load;
mod report;
mod stats;

use std::{sync::Arc, time::Duration};

use indicatif::{ProgressBar, ProgressStyle};

use self::{load::Plan, stats::Shared};
use crate::{
    cli::{Load, Target},
    commands::Calling,
    failure::Failure,
    output,
};

/// How long, if nothing is said.
const DURATION: Duration = Duration::from_secs(10);

pub(crate) async fn run(target: &Target, load: &Load, json: bool) -> Result<(), Failure> {
    let calling = Calling::new(target).await?;
    if calling.method.types.have_streams() {
        let path = calling.method.path();
        return Err(Failure::Usage(format!(
            "`{path}` has streams, which have no one latency: choose a method without"
        )));
    }
    // Wrong arguments are told once, and not by each call.
    let arguments = calling.arguments()?;
    let mut clients = vec![calling.client(calling.channel.clone())];
    for _ in 1..load.connections {
        clients.push(calling.client(target.server.connect().await?));
    }
    let plan = Plan::new(calling.method, arguments, clients, load, DURATION);
    let shared = Arc::new(Shared::default());
    let bar = progress(load);
    let took = {
        let running = plan.run(&shared);
        // One for the whole time: between two of them a signal would be lost.
        let stopped = tokio::signal::ctrl_c();
        tokio::pin!(running, stopped);
        let began = tokio::time::Instant::now();
        let mut ticks = tokio::time::interval(Duration::from_millis(100));
        loop {
            tokio::select! {
                () = &mut running => break,
                _ = &mut stopped => break,
                _ = ticks.tick() => show(&bar, load, &shared, began.elapsed()),
            }
        }
        began.elapsed()
    };
    bar.finish_and_clear();
    let stats = shared.taken();
    if json {
        output::json(&report::json(&stats, took))?;
    } else {
        report::print(calling.method.path(), &stats, took)?;
    }
    if stats.answered() == 0 {
        Err(Failure::Negative)
    } else {
        Ok(())
    }
}

/// On standard error, and only on a terminal.
fn progress(load: &Load) -> ProgressBar {
    let length = load.count.unwrap_or_else(|| millis(load.duration.unwrap_or(DURATION)));
    let bar = ProgressBar::new(length);
    let style = ProgressStyle::with_template("[{bar:40.cyan/blue}] {percent:>3}%  {msg}");
    bar.set_style(
        style
            .unwrap_or_else(|_| ProgressStyle::default_bar())
            .progress_chars("█▉▊▋▌▍▎▏ "),
    );
    bar
}

fn show(bar: &ProgressBar, load: &Load, shared: &Shared, since: Duration) {
    let (answered, failed) = shared.counted();
    bar.set_position(match load.count {
        Some(_) => answered + failed,
        None => millis(since),
    });
    let rate = output::float(answered + failed) / since.as_secs_f64().max(1e-3);
    bar.set_message(format!("{answered} answers, {failed} errors, {rate:.0}/s"));
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}
