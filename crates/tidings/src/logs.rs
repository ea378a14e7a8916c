//! Where log lines go: standard error, for people or for machines.

use std::io::{self, IsTerminal as _};

use tracing_subscriber::EnvFilter;

use crate::config::{Format, Logs};

/// Sets up the logs of this process.
///
/// # Errors
/// When they have been set up before.
pub(crate) fn init(settings: &Logs) -> anyhow::Result<()> {
    let is_terminal = io::stderr().is_terminal();
    let filter = EnvFilter::builder().parse(&settings.level)?;
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(io::stderr)
        // It would tell of a standard error that fails on standard error, and panic in whichever thread had a line to
        // write: whoever collects the logs could end all streams by going away.
        .log_internal_errors(false);
    let as_json = match settings.format {
        Format::Auto => !is_terminal,
        Format::Human => false,
        Format::Json => true,
    };
    let result = match as_json {
        true => builder.json().flatten_event(true).try_init(),
        // https://no-color.org
        false => builder.with_ansi(is_terminal && std::env::var_os("NO_COLOR").is_none()).try_init(),
    };
    result.map_err(|error| anyhow::anyhow!("the logs cannot be set up: {error}"))
}
