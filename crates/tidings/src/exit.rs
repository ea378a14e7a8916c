//! How the program ends: a message on standard error and an exit code that a script can act on.

use std::{fmt, process::ExitCode};

use crate::standard;

/// What went wrong, by whose fault it was. The numbers are those of BSD's `sysexits.h`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// The arguments are wrong, as clap has it.
    Arguments,
    /// The configuration is wrong (64).
    Configuration,
    /// What was to be published or subscribed to is refused: sending it again does not help (65).
    Data,
    /// The hub cannot be reached, or cannot do it now: trying again later may help (69).
    Unavailable,
    /// Standard input or output failed (74).
    InputOutput,
}

/// An end that is not a good one. Its text is for the person who started the program.
#[derive(Debug)]
pub(crate) struct Failure {
    fault: Fault,
    message: String,
}

impl Fault {
    /// The failure by this fault.
    pub(crate) fn because(self, message: impl fmt::Display) -> anyhow::Error {
        Failure { fault: self, message: message.to_string() }.into()
    }

    fn code(self) -> u8 {
        match self {
            Self::Arguments => 2,
            Self::Configuration => 64,
            Self::Data => 65,
            Self::Unavailable => 69,
            Self::InputOutput => 74,
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Failure {}

/// Something that was examined is not as it should be, and that has been said.
#[derive(Debug)]
pub(crate) struct Unwell;

impl fmt::Display for Unwell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("there are problems")
    }
}

impl std::error::Error for Unwell {}

/// Says what went wrong, if anything did, and answers the exit code: that of the [`Fault`], or 1.
pub(crate) fn report(result: anyhow::Result<()>) -> ExitCode {
    let Err(error) = result else { return ExitCode::SUCCESS };
    if error.is::<Unwell>() {
        return ExitCode::FAILURE;
    }
    standard::say(format_args!("tidings: {error:#}"));
    match error.downcast_ref::<Failure>() {
        Some(failure) => ExitCode::from(failure.fault.code()),
        None => ExitCode::FAILURE,
    }
}
