//! Tidings: a server-sent events hub.

// They panic when nobody reads what they print; see `standard.rs`.
#![warn(clippy::print_stdout, clippy::print_stderr)]

mod allocator;
mod bench;
mod check_config;
mod cli;
mod client;
mod config;
mod doctor;
mod exit;
mod logs;
mod publish;
mod serve;
mod standard;
mod subscribe;
mod token;
mod top;

use std::process::ExitCode;

use anyhow::Context as _;
use clap::Parser as _;

use crate::{
    cli::{Cli, Command},
    config::{Config, Environment, Overrides},
    exit::Fault,
};

fn main() -> ExitCode {
    exit::report(run(Cli::parse().into_command()))
}

fn run(command: Command) -> anyhow::Result<()> {
    match command {
        Command::Doctor(args) => match runtime()?.block_on(doctor::run(args))? {
            true => Ok(()),
            false => Err(exit::Unwell.into()),
        },
        Command::Serve(args) => {
            // Before anything else opens a file.
            let inherited = serve::Inherited::take()?;
            let successor = serve::Successor::of_process()?;
            let runtime = runtime()?;
            // Before anything that takes long, so that no signal that is meant for a hub ends the process.
            let signals =
                runtime.block_on(async { serve::Signals::listen() }).context("signals cannot be received")?;
            let overrides = Overrides::from(args);
            // Before anything is bound, written or started.
            let config = configuration(&overrides)?;
            let _guard = logs::init(&config.logs)?;
            match &config.file {
                Some(file) => tracing::info!(file = %file.display(), "read the configuration"),
                None => tracing::info!("no configuration file: tidings.toml would be read if it were here"),
            }
            for warning in &config.warnings {
                tracing::warn!("{warning}");
            }
            let hub = serve::run(config, &overrides, inherited, signals, &successor);
            match runtime.block_on(hub)? {
                serve::End::Stopped => Ok(()),
                serve::End::Exchanged(sockets) => {
                    logs::flush();
                    Err(successor.take_over(sockets))
                }
            }
        }
        Command::Publish(args) => runtime()?.block_on(publish::run(args)),
        Command::Subscribe(args) => runtime()?.block_on(subscribe::run(args)),
        Command::Top(args) => runtime()?.block_on(top::run(args)),
        Command::Token(args) => runtime()?.block_on(token::run(args)),
        Command::Bench(args) => bench::run(&args),
        Command::CheckConfig(args) => {
            let config = configuration(&args.into())?;
            check_config::check(&config)?;
            standard::print(check_config::summary(&config))
        }
    }
}

fn configuration(overrides: &Overrides) -> anyhow::Result<Config> {
    Config::load(overrides, &Environment::of_process()).map_err(|problems| {
        Fault::Configuration.because(format_args!("the configuration is wrong\n{problems}"))
    })
}

fn runtime() -> anyhow::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .context("the asynchronous runtime cannot be started")
}
