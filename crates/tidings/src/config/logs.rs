//! `[logs]`: what the program says about itself, on standard error.

use tracing::level_filters::LevelFilter;
use tracing_subscriber::EnvFilter;

use super::{
    environment::RUST_LOG,
    section::Section,
    value::{self, Given, Parsed},
};

/// `[logs]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Logs {
    /// How a line is written. Default: [`Format::Auto`].
    pub(crate) format: Format,
    /// Which lines are written, in the syntax of tracing's `EnvFilter`, such as `info,tidings_http=debug`. The
    /// environment variable `RUST_LOG` is honoured too. Default: `info`.
    pub(crate) level: String,
    /// Whether each request has a line, and each stream two. Default: no.
    pub(crate) access: bool,
}

/// How a line of the log is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Format {
    /// For people on a terminal, as JSON elsewhere.
    Auto,
    /// For people.
    Human,
    /// One JSON object per line.
    Json,
}

impl Default for Logs {
    fn default() -> Self {
        Self { format: Format::Auto, level: "info".to_owned(), access: false }
    }
}

impl Logs {
    pub(super) fn read(section: &mut Section<'_, '_>) -> Self {
        let default = Self::default();
        let format =
            value::one_of(&[("auto", Format::Auto), ("human", Format::Human), ("json", Format::Json)]);
        let access = value::one_of(&[("off", false), ("on", true)]);
        Self {
            access: section.read("access", access).unwrap_or(default.access),
            format: section.read("format", format).unwrap_or(default.format),
            level: section.read_also("level", Some(RUST_LOG), level).unwrap_or(default.level),
        }
    }
}

/// A filter that names a level somewhere. A word that is no level is the name of a module to `EnvFilter`, so that a
/// slip such as `inof` would silence the program without a word.
fn level(given: &Given<'_>) -> Parsed<String> {
    let text = value::string(given)?;
    let bad = |what: String| {
        Err(format!("{text:?} is not a log level ({what}): write error, warn, info, debug, trace or off"))
    };
    if let Err(error) = EnvFilter::builder().parse(&text) {
        return bad(error.to_string());
    }
    let names_a_level = |part: &str| part.contains('=') || part.parse::<LevelFilter>().is_ok();
    match text.split(',').map(str::trim).filter(|part| !part.is_empty()).any(names_a_level) {
        true => Ok(text),
        false => bad("it names none".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_level_that_would_silence_the_program_is_refused() {
        for good in ["info", "DEBUG", "off", "info,tidings_http=debug", "tidings_hub=trace"] {
            assert_eq!(level(&Given::Text(good.into())), Ok(good.to_owned()));
        }
        for bad in ["", "inof", "verbose", "tidings=loud"] {
            assert!(level(&Given::Text(bad.into())).is_err(), "{bad}");
        }
    }
}
