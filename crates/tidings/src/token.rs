//! `tidings token`: makes keys and tokens, and tells what is in one.

mod inspect;
mod key;
mod mint;

use std::{
    io::{self, IsTerminal as _, Read as _},
    path::Path,
};

use clap::{Args, Subcommand};
use tidings_auth::Secret;

use self::{inspect::InspectArgs, key::KeyArgs, mint::MintArgs};
use crate::{
    config::{secret_from_file, without_line_end},
    exit::Fault,
    standard::say,
};

/// The variable that holds a token, for a client to show.
const VARIABLE: &str = "TIDINGS_TOKEN";

/// `tidings token`.
#[derive(Debug, Args)]
#[command(after_help = "Example:
  tidings token key > backend.key
  tidings token mint --subscribe 'orders.*' --user 42 --key-file jwt.key > token
  tidings token inspect - < token")]
pub(crate) struct TokenArgs {
    #[command(subcommand)]
    command: TokenCommand,
}

/// What can be done with tokens.
#[derive(Debug, Subcommand)]
enum TokenCommand {
    /// Make a token and sign it
    Mint(MintArgs),
    /// Tell what is in a token, and whether the hub would accept it
    Inspect(InspectArgs),
    /// Make the secret of an API key
    Key(KeyArgs),
}

/// Does what the arguments say.
///
/// # Errors
/// When there is no such token, key or configuration, or it is refused.
pub(crate) async fn run(args: TokenArgs) -> anyhow::Result<()> {
    match args.command {
        TokenCommand::Mint(args) => mint::run(args),
        TokenCommand::Inspect(args) => inspect::run(args).await,
        TokenCommand::Key(args) => key::run(&args),
    }
}

/// The token that a client shows: what is in the file, or else in [`VARIABLE`]. Neither is in the list of processes, as
/// an argument would be.
///
/// # Errors
/// When the file cannot be read, or is empty.
pub(crate) fn of_client(file: Option<&Path>) -> anyhow::Result<Option<Secret>> {
    match file {
        Some(path) => from_file("--token-file", path).map(Some),
        None => Ok(of_environment()),
    }
}

fn of_environment() -> Option<Secret> {
    std::env::var(VARIABLE).ok().filter(|token| !token.is_empty()).map(Secret::new)
}

/// The secret in the file that a flag names.
fn from_file(flag: &str, path: &Path) -> anyhow::Result<Secret> {
    secret_from_file(&path.to_string_lossy())
        .map_err(|message| Fault::Data.because(format_args!("{flag}: {message}")))
}

/// The token on standard input.
fn of_standard_input() -> anyhow::Result<Secret> {
    let mut input = io::stdin().lock();
    if input.is_terminal() {
        say("paste the token, then Enter and Ctrl-D");
    }
    let mut text = String::new();
    input
        .read_to_string(&mut text)
        .map_err(|error| Fault::InputOutput.because(format_args!("standard input: {error}")))?;
    let text = Secret::new(text);
    Ok(Secret::new(without_line_end(text.expose())))
}
