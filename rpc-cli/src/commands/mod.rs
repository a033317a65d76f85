//! The commands.

mod call;
mod describe;
mod diff;
mod lock;
mod ls;
mod ping;
mod watch;

use clap::CommandFactory;
use clap_complete::generate;

use crate::{
    bench,
    cli::{Cli, Command},
    failure::Failure,
};

pub(crate) use call::Calling;

/// Runs one.
pub(crate) async fn run(command: Command) -> Result<(), Failure> {
    match command {
        Command::Ls { server, json } => stoppable(ls::run(&server, json)).await,
        Command::Describe {
            server,
            name,
            source,
            json,
        } => stoppable(describe::run(&server, name.as_deref(), &source, json)).await,
        Command::Call { target } => stoppable(call::run(&target)).await,
        Command::Watch { target, interval } => stoppable(watch::run(&target, interval)).await,
        Command::Ping {
            server,
            count,
            interval,
        } => ping::run(&server, count, interval).await,
        Command::Bench { target, load, json } => bench::run(&target, &load, json).await,
        Command::Diff { server, other, service } => stoppable(diff::run(&server, &other, service.as_deref())).await,
        Command::Lock {
            server,
            service,
            output,
        } => stoppable(lock::run(&server, &service, &output)).await,
        Command::Completions { shell } => {
            let mut script = Vec::new();
            generate(shell, &mut Cli::command(), "farcall", &mut script);
            Ok(std::io::Write::write_all(&mut std::io::stdout(), &script)?)
        }
    }
}

/// Runs until it is done or Ctrl-C comes, which drops it: calls that run are cancelled.
async fn stoppable(command: impl Future<Output = Result<(), Failure>>) -> Result<(), Failure> {
    tokio::select! {
        done = command => done,
        _ = tokio::signal::ctrl_c() => Err(Failure::Stopped),
    }
}
