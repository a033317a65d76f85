//! The command line of farcall: what a server offers, calls by name, and measurements.

mod bench;
mod cli;
mod commands;
mod connect;
mod contracts;
mod dynamic;
mod failure;
mod input;
mod output;
mod render;

use std::process::ExitCode;

use clap::Parser;

use crate::{cli::Cli, failure::Failure};

fn main() -> ExitCode {
    let cli = Cli::parse();
    cli.color.write_global();
    let runtime = match tokio::runtime::Runtime::new() {
        Ok(runtime) => runtime,
        Err(error) => return Failure::Local(format!("the system gives no threads: {error}")).report(),
    };
    let done = runtime.block_on(commands::run(cli.command));
    // A thread may still wait for a line of standard input.
    runtime.shutdown_background();
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failure.report(),
    }
}
