//! Why a source cannot be started: faults of its configuration.

use tidings_hub::InvalidPublication;

use crate::{
    template::{NotATimezone, TemplateError},
    topic::NotATopic,
};

/// A source whose configuration a person must correct.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("source \"{name}\": {reason}")]
pub struct InvalidSource {
    /// What logs and metrics would call the source.
    pub name: String,
    /// What is wrong with it.
    pub reason: InvalidSourceReason,
}

/// What is wrong with a source's configuration. The texts hold no secrets.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidSourceReason {
    /// The URL is not one that the source can use.
    #[error("url: {0}")]
    Url(String),
    /// The certificates to trust cannot be read, or are of no use.
    #[error("ca_file: {0}")]
    CaFile(String),
    /// A topic is not one, or none for a source.
    #[error("topic: {0}")]
    Topic(#[from] NotATopic),
    /// The event type is not allowed.
    #[error("event: {0}")]
    Event(#[from] InvalidPublication),
    /// The template does not work.
    #[error("template: {0}")]
    Template(#[from] TemplateError),
    /// The time zone is not one.
    #[error("timezone: {0}")]
    Timezone(#[from] NotATimezone),
    /// The source would subscribe to nothing.
    #[error("neither channels nor patterns: name at least one, such as channels = [\"messages-channel\"]")]
    NoChannels,
    /// A channel or pattern is empty.
    #[error("a channel or pattern is empty: give it a name or remove it")]
    EmptyChannel,
    /// The source would read nothing, or a stream without a name.
    #[error("streams: names no stream, or an empty one: write for instance streams = [\"events\"]")]
    NoStreams,
    /// The stream's name is too long to be a part of its events' ids.
    #[error(
        "streams: the name {0:?} is too long: at most 190 bytes are possible, and fewer with unusual characters"
    )]
    StreamName(String),
    /// The consumer group has no name.
    #[error("group: is empty: remove it, or give it a name")]
    NoGroup,
    /// A prefix cannot be taken off.
    #[error(
        "strip_prefixes: {0:?} is not a prefix: write text, with \"*\" at its start at most, such as \"*_database_\""
    )]
    Prefix(String),
    /// A duration is too short or too long.
    #[error("{key}: must be between {least} and {most}")]
    Duration {
        /// The key.
        key: &'static str,
        /// The shortest allowed.
        least: &'static str,
        /// The longest allowed.
        most: &'static str,
    },
    /// A size is zero.
    #[error("{0}: must be at least one byte, such as \"1MiB\"")]
    Size(&'static str),
    /// A header cannot be sent.
    #[error(
        "headers: {0:?} or its value cannot be sent: use ASCII letters, digits and \"-\" in the name and no line breaks in the value"
    )]
    Header(String),
    /// There is no program to run.
    #[error("run: names no program: write for instance run = [\"tail\", \"-F\", \"app.log\"]")]
    NoProgram,
    /// The HTTP client cannot be set up.
    #[error(
        "the HTTPS client cannot be set up: {0}; are the system's CA certificates installed (ca-certificates)?"
    )]
    HttpClient(String),
}
