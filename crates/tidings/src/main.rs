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

use std::process::ExitCode;

use anyhow::Context as _;
use clap::Parser as _;

use crate::{
    cli::{Cli, Command},
    config::{Config, Environment, Overrides},
    exit::Fault,
};

fn main() -> ExitCode {
    match Cli::try_parse() {
        Ok(cli) => exit::report(run(cli.into_command())),
        Err(misuse) => exit::misused(&misuse),
    }
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
            // Before anything is bound, written or started.
            let config = configuration(args)?;
            let _guard = logs::init(&config.logs)?;
            match &config.file {
                Some(file) => tracing::info!(file = %file.display(), "read the configuration"),
                None => tracing::info!("no configuration file: tidings.toml would be read if it were here"),
            }
            for warning in &config.warnings {
                tracing::warn!("{warning}");
            }
            runtime()?.block_on(serve::run(config, inherited))
        }
        Command::Publish(args) => runtime()?.block_on(publish::run(args)),
        Command::Subscribe(args) => runtime()?.block_on(subscribe::run(args)),
        Command::Token(args) => runtime()?.block_on(token::run(args)),
        Command::Bench(args) => bench::run(&args),
        Command::CheckConfig(args) => standard::print(check_config::summary(&configuration(args)?)),
    }
}

fn configuration(overrides: impl Into<Overrides>) -> anyhow::Result<Config> {
    Config::load(&overrides.into(), &Environment::of_process()).map_err(|problems| {
        Fault::Configuration.because(format_args!("the configuration is wrong\n{problems}"))
    })
}

fn runtime() -> anyhow::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .context("the asynchronous runtime cannot be started")
}
