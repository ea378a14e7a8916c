//! Standard output and standard error. Whoever reads them may be gone at any time (`| head`, a collector of logs that
//! was stopped), and Rust's own `println!` and `eprintln!` panic then.

use std::{
    borrow::Cow,
    fmt,
    io::{self, Write as _},
};

use crate::exit::Fault;

/// Writes a line to standard output. That nobody reads it is no error: what was asked for is done all the same.
///
/// # Errors
/// When standard output fails in another way, such as a full disk.
pub(crate) fn print(line: impl fmt::Display) -> anyhow::Result<()> {
    match writeln!(io::stdout(), "{line}") {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(Fault::InputOutput.because(format_args!("standard output: {error}")))
        }
        _ => Ok(()),
    }
}

/// Writes a line for a person to standard error. When that fails there is nobody to tell.
pub(crate) fn say(line: impl fmt::Display) {
    writeln!(io::stderr(), "{line}").ok();
}

/// The text without control characters, which could make a terminal do anything. Tabs may stay.
pub(crate) fn harmless(text: &str) -> Cow<'_, str> {
    let is_harmful = |c: char| c.is_control() && c != '\t';
    match text.contains(is_harmful) {
        true => text.replace(is_harmful, "\u{fffd}").into(),
        false => text.into(),
    }
}
