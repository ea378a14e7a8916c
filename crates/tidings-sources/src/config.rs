//! The configuration of sources: what stands under `[[source]]`.

use std::{collections::BTreeMap, fmt, path::PathBuf};

use serde::Deserialize;

use crate::{duration::HumanDuration, secret::Secret, size::ByteSize};

/// One `[[source]]`. Its `kind` says which; an unknown key is an error. The key `private` marks events; whom the mark
/// keeps from seeing them is the hub's to say ([`Publication::private`](tidings_hub::Publication::private)).
///
/// ```
/// use tidings_sources::SourceConfig;
///
/// #[derive(serde::Deserialize)]
/// struct Config {
///     source: Vec<SourceConfig>,
/// }
/// let config: Config = toml::from_str(
///     r#"
///     [[source]]
///     kind = "redis"
///     url = "redis://127.0.0.1:6379"
///     channels = ["messages-channel"]
///
///     [[source]]
///     kind = "clock"
///     topic = "time"
///     every = "10s"
///     "#,
/// )?;
/// for source in &config.source {
///     source.check()?;
/// }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
#[non_exhaustive]
pub enum SourceConfig {
    /// Messages of Redis (or Valkey) Pub/Sub.
    Redis(RedisConfig),
    /// Entries of Redis (or Valkey) Streams.
    RedisStream(RedisStreamConfig),
    /// A URL that is asked again and again.
    HttpPoll(HttpPollConfig),
    /// A program whose output lines are events.
    Command(CommandConfig),
    /// The time, at regular intervals.
    Clock(ClockConfig),
}

/// `kind = "redis"`: publishes every message that is published on the given channels of a Redis or Valkey server.
///
/// Redis Pub/Sub has no memory: what is published while the hub is not connected is gone. What has been received and
/// the event log cannot take waits for it, up to 10,000 messages or 16 MiB; then the oldest are dropped and counted.
///
/// Messages are passed on byte for byte. An event stream is UTF-8, though: in a message that is not, each wrong
/// sequence of bytes becomes U+FFFD, which is counted, and warned about once. The same holds for all other sources.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RedisConfig {
    /// What logs and metrics call the source. Default: `redis` and the server's address.
    pub name: Option<String>,
    /// The server: `redis://[[user]:password@]host[:port]`, port 6379 if none is given. A database number at the end
    /// is allowed and does nothing: Pub/Sub is the same for all databases. `rediss://` is TLS; the server's certificate
    /// must be for the host in the URL.
    pub url: Secret,
    /// With `rediss://`: a file with the certificates (PEM) of the authorities to trust, and no others; a relative path
    /// is relative to the working directory. Read once, at the start. Default: those that the system trusts.
    pub ca_file: Option<PathBuf>,
    /// Channels to subscribe to, by exact name. A channel is also received with each of `strip_prefixes` before its
    /// name. Default: none; there must be a channel or a pattern.
    #[serde(default)]
    pub channels: Vec<String>,
    /// Channels to subscribe to by Redis pattern (`*`, `?`, `[ab]`, `\` before a special character taken literally),
    /// also with each of `strip_prefixes` before them. Default: none.
    #[serde(default)]
    pub patterns: Vec<String>,
    /// Prefixes that are taken off a channel's name, the first of the list that it begins with. A `*` at the start
    /// stands for any characters, as few as possible (also none). Default: `["*_database_", "*-database-"]`, which is
    /// what Laravel's Redis connection puts before every channel (`laravel_database_`, `my-shop-database-`).
    ///
    /// A name from `channels` is recognised behind any prefix. For a channel that only a pattern matches, as few
    /// characters as possible are taken off: if an application's own name holds `_database_`, write its whole prefix
    /// here, before the general ones.
    #[serde(default = "default_strip_prefixes")]
    pub strip_prefixes: Vec<String>,
    /// Publish to this topic whatever the channel is. Default: the channel's name, prefix taken off, is the topic.
    pub topic: Option<String>,
    /// The topic for single channels, by the channel's name with its prefix taken off. It goes before `topic`.
    /// Default: empty.
    #[serde(default)]
    pub topics: BTreeMap<String, String>,
    /// What of the messages to look into: see [`EnvelopeKind`]. Default: `"laravel"`.
    #[serde(default)]
    pub envelope: EnvelopeKind,
    /// The type of the events that come in no envelope. Default: none, which browsers deliver as `message`.
    pub event: Option<String>,
    /// What to publish. Placeholders: `{{data}}` (the message as it is, or the data out of its envelope), `{{data_json}}`
    /// (as a JSON string), `{{channel}}` and `{{channel_json}}` (prefix taken off), and those of the time, see [`ClockConfig::template`].
    /// Default: the message, byte for byte.
    pub template: Option<String>,
    /// The time zone of the template's placeholders: `"UTC"` or a fixed offset such as `"+08:00"`. Default: UTC.
    pub timezone: Option<String>,
    /// Whether the events are private: only for subscribers with a right to the topic. Messages of channels whose
    /// name (prefix taken off) begins with `private-`, `presence-` or `#server-to-user-`, as Laravel and Pusher name
    /// channels that need a right, are private in any case; so are those of channels with such a name behind anything
    /// else, which may be a prefix that `strip_prefixes` lacks, unless `channels` has them as they are. Default: false.
    #[serde(default)]
    pub private: bool,
    /// How long to wait for a connection, and for any answer of the server, before connecting anew. Default: 5 s.
    #[serde(default = "default_redis_timeout")]
    pub timeout: HumanDuration,
    /// After this much silence the server is asked whether it is still there (`PING`). Default: 10 s.
    #[serde(default = "default_ping_every")]
    pub ping_every: HumanDuration,
}

/// `kind = "redis_stream"`: publishes the entries of streams of a Redis or Valkey server, each once and in their order, also
/// those that were added while the hub was away. Redis keeps the position, in a consumer group.
///
/// An entry has the fields `data` and, if it likes, `topic`, `event`, `private` (`1`), `id` and `socket`; or `payload`, which
/// may be [Laravel's envelope](EnvelopeKind::Laravel), and `channel`. If it gives no id, one is made of the entry's and the
/// stream's name (`redis.1f2e3d4c.events.1795202753564-0`), which subscribers see. An entry without `data` and `payload` is dropped, which is counted and warned about once. One whose event breaks
/// the hub's rules is dropped and counted, too; all others wait until the log has them.
///
/// Its user in Redis needs the commands `XREADGROUP`, `XACK`, `XPENDING`, `XGROUP`, `XINFO` and `XLEN`, and `SELECT` for a
/// database other than 0.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RedisStreamConfig {
    /// What logs and metrics call the source. Default: `redis_stream` and the server's address.
    pub name: Option<String>,
    /// The server and its database: `redis://[[user]:password@]host[:port][/database]`, see [`RedisConfig::url`].
    pub url: Secret,
    /// With `rediss://`: a file with the certificates to trust, see [`RedisConfig::ca_file`].
    pub ca_file: Option<PathBuf>,
    /// The keys of the streams, as Redis knows them: with the prefix that an application puts before them. There must be
    /// one.
    #[serde(default)]
    pub streams: Vec<String>,
    /// The consumer group that keeps the position; it is made if it is missing. Each hub that is to get all entries needs
    /// one of its own. Default: `tidings`.
    #[serde(default = "default_group")]
    pub group: String,
    /// Where to begin in a stream that has no such group: `"new"`, with what is added from then on, or `"earliest"`.
    /// A group that was deleted while the hub runs is made again where it was. Default: `"new"`.
    #[serde(default)]
    pub start: StreamStart,
    /// Prefixes that are taken off the names of streams and of `channel`, see [`RedisConfig::strip_prefixes`].
    #[serde(default = "default_strip_prefixes")]
    pub strip_prefixes: Vec<String>,
    /// The topic of entries that name none. Default: the stream's name, prefix taken off.
    pub topic: Option<String>,
    /// The type of events that name none. Default: none, which browsers deliver as `message`.
    pub event: Option<String>,
    /// What to publish. Placeholders: `{{data}}` (the entry's data), `{{data_json}}` (as a JSON string), `{{channel}}` and
    /// `{{channel_json}}` (the topic), and those of the time, see [`ClockConfig::template`]. Default: the data, byte for
    /// byte.
    pub template: Option<String>,
    /// The time zone of the template's placeholders: `"UTC"` or a fixed offset such as `"+08:00"`. Default: UTC.
    pub timezone: Option<String>,
    /// Whether the events are private, also of entries that do not say so. Entries whose topic, channel or stream (prefix
    /// taken off) begins with `private-`, `presence-` or `#server-to-user-` are private in any case; so are those whose
    /// channel or stream has that behind anything else, which may be a prefix that `strip_prefixes` lacks. Default: false.
    #[serde(default)]
    pub private: bool,
    /// How long to wait for a connection, and for any answer of the server, before connecting anew. Default: 5 s.
    #[serde(default = "default_redis_timeout")]
    pub timeout: HumanDuration,
}

/// Where to begin in a stream.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
#[non_exhaustive]
pub enum StreamStart {
    /// `"new"`: with what is added from now on.
    #[default]
    New,
    /// `"earliest"`: with the oldest entry that it has.
    Earliest,
}

/// The text names no place in a stream.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("start: {0:?} is no place to begin: write \"new\" or \"earliest\"")]
pub struct NotAStart(String);

impl TryFrom<String> for StreamStart {
    type Error = NotAStart;

    fn try_from(text: String) -> Result<Self, NotAStart> {
        match text.as_str() {
            "new" => Ok(Self::New),
            "earliest" => Ok(Self::Earliest),
            _ => Err(NotAStart(text)),
        }
    }
}

/// Which envelopes a source opens.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
#[non_exhaustive]
pub enum EnvelopeKind {
    /// `"laravel"`: what Laravel broadcasts, `{"event":…,"data":…,"socket":…}`. The event's name is its type, the JSON of
    /// `data` is what is published, byte for byte and without the copy of `socket` that Laravel leaves in it. A message
    /// that is not exactly such an object is none, and is published as it is.
    #[default]
    Laravel,
    /// `"none"`: every message is published as it is.
    None,
}

/// The text names no kind of envelope.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("envelope: {0:?} is none that is known: write \"laravel\" or \"none\"")]
pub struct NotAnEnvelope(String);

impl TryFrom<String> for EnvelopeKind {
    type Error = NotAnEnvelope;

    fn try_from(text: String) -> Result<Self, NotAnEnvelope> {
        match text.as_str() {
            "laravel" => Ok(Self::Laravel),
            "none" => Ok(Self::None),
            _ => Err(NotAnEnvelope(text)),
        }
    }
}

/// `kind = "http_poll"`: asks a URL at regular intervals and publishes the answer. Answers other than 2xx are failures.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HttpPollConfig {
    /// What logs and metrics call the source. Default: `http_poll` and the topic.
    pub name: Option<String>,
    /// The topic to publish to.
    pub topic: String,
    /// The URL, `http://` or `https://`. It is asked with `GET`; redirects are followed, at most ten.
    pub url: Secret,
    /// How often, at least every 10 ms. There is never more than one request at a time: what takes longer skips a
    /// turn. Default: 1 s.
    #[serde(default = "default_every")]
    pub every: HumanDuration,
    /// Publish only answers that differ from the one published before. Default: true.
    #[serde(default = "yes")]
    pub only_changes: bool,
    /// The type of the events. Default: none, which browsers deliver as `message`.
    pub event: Option<String>,
    /// What to publish. Placeholders: `{{data}}` (the answer as it is), `{{data_json}}` (as a JSON string) and those
    /// of the time, see [`ClockConfig::template`]. Default: the answer, byte for byte.
    pub template: Option<String>,
    /// The time zone of the template's placeholders: `"UTC"` or a fixed offset such as `"+08:00"`. Default: UTC.
    pub timezone: Option<String>,
    /// Headers to send, such as `authorization`. To another host that the URL redirects to, `authorization` and
    /// `cookie` are not sent, others are. Default: none.
    #[serde(default)]
    pub headers: BTreeMap<String, Secret>,
    /// How long an answer may take, to its last byte. Default: 10 s.
    #[serde(default = "default_http_timeout")]
    pub timeout: HumanDuration,
    /// The largest answer, in bytes or as `"64KiB"`; a larger one is a failure. Default: 1 MiB.
    #[serde(default = "default_max")]
    pub max_body: ByteSize,
    /// Whether the events are private: only for subscribers with a right to the topic. Default: false.
    #[serde(default)]
    pub private: bool,
}

/// `kind = "command"`: runs a program and publishes each line of its standard output.
///
/// The program is started again, after a growing pause, whenever it ends (closes its output). Its standard error goes
/// to the log. While the hub cannot take more the program's writes block. When the hub stops, the program and what it
/// has started (its process group) are sent SIGTERM, and SIGKILL a second later.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CommandConfig {
    /// What logs and metrics call the source. Default: `command` and the program's name.
    pub name: Option<String>,
    /// The topic to publish to.
    pub topic: String,
    /// The program and its arguments. No shell is involved: for one, `["sh", "-c", "…"]`.
    pub run: Vec<String>,
    /// The type of the events. Default: none, which browsers deliver as `message`.
    pub event: Option<String>,
    /// What to publish. Placeholders: `{{data}}` (the line as it is), `{{data_json}}` (as a JSON string) and those of
    /// the time, see [`ClockConfig::template`]. Default: the line, byte for byte.
    pub template: Option<String>,
    /// The time zone of the template's placeholders: `"UTC"` or a fixed offset such as `"+08:00"`. Default: UTC.
    pub timezone: Option<String>,
    /// The longest line, in bytes or as `"64KiB"`, without its end; a longer one is dropped whole, counted and warned
    /// about. Default: 1 MiB.
    #[serde(default = "default_max")]
    pub max_line: ByteSize,
    /// Whether the events are private: only for subscribers with a right to the topic. Default: false.
    #[serde(default)]
    pub private: bool,
}

/// `kind = "clock"`: publishes the time at regular intervals.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClockConfig {
    /// What logs and metrics call the source. Default: `clock` and the topic.
    pub name: Option<String>,
    /// The topic to publish to.
    pub topic: String,
    /// How often, at least every 10 ms. Ticks are at whole multiples: every 10 s is at :00, :10, :20 and so on.
    /// Default: 1 s.
    #[serde(default = "default_every")]
    pub every: HumanDuration,
    /// The type of the events. Default: none, which browsers deliver as `message`.
    pub event: Option<String>,
    /// What to publish. Placeholders: `{{unix}}` (seconds since 1970), `{{unix_ms}}` (milliseconds), `{{iso}}`
    /// (`2026-11-21T10:00:00+08:00`), `{{local}}` (`2026-11-21 10:00:00`) and `{{date:FORMAT}}` (strftime, such as
    /// `{{date:%H:%M}}`). Default: `{"time":"{{iso}}"}`.
    #[serde(default = "default_clock_template")]
    pub template: String,
    /// The time zone of the placeholders and of the ticks: `"UTC"` or a fixed offset such as `"+08:00"`. Default: UTC.
    pub timezone: Option<String>,
    /// Whether the events are private: only for subscribers with a right to the topic. Default: false.
    #[serde(default)]
    pub private: bool,
}

impl fmt::Debug for CommandConfig {
    /// Arguments may hold secrets: only the program shows.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CommandConfig")
            .field("name", &self.name)
            .field("topic", &self.topic)
            .field("program", &self.run.first())
            .finish_non_exhaustive()
    }
}

fn default_strip_prefixes() -> Vec<String> {
    vec!["*_database_".to_owned(), "*-database-".to_owned()]
}

fn default_group() -> String {
    "tidings".to_owned()
}

fn default_redis_timeout() -> HumanDuration {
    HumanDuration::from_secs(5)
}

fn default_ping_every() -> HumanDuration {
    HumanDuration::from_secs(10)
}

fn default_every() -> HumanDuration {
    HumanDuration::from_secs(1)
}

fn default_http_timeout() -> HumanDuration {
    HumanDuration::from_secs(10)
}

fn default_max() -> ByteSize {
    ByteSize::mebibytes(1)
}

fn default_clock_template() -> String {
    r#"{"time":"{{iso}}"}"#.to_owned()
}

fn yes() -> bool {
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Deserialize)]
    struct Sources {
        source: Vec<SourceConfig>,
    }

    fn parse(text: &str) -> Result<Vec<SourceConfig>, toml::de::Error> {
        toml::from_str::<Sources>(text).map(|sources| sources.source)
    }

    #[test]
    fn every_kind_is_read_with_its_defaults() {
        let sources = parse(
            r#"
            [[source]]
            kind = "redis"
            url = "redis://127.0.0.1:6379"
            channels = ["messages-channel"]
            topics = { a = "b" }
            [[source]]
            kind = "http_poll"
            topic = "stocks"
            url = "http://127.0.0.1:9000/stocks"
            max_body = "64KiB"
            headers = { authorization = "Bearer x" }
            [[source]]
            kind = "command"
            topic = "load"
            run = ["sh", "-c", "uptime"]
            max_line = 1024
            [[source]]
            kind = "clock"
            topic = "time"
            every = "500ms"
            "#,
        )
        .unwrap();
        let [
            SourceConfig::Redis(redis),
            SourceConfig::HttpPoll(poll),
            SourceConfig::Command(command),
            SourceConfig::Clock(clock),
        ] = &sources[..]
        else {
            panic!("{sources:?}")
        };
        assert_eq!(redis.strip_prefixes, ["*_database_", "*-database-"]);
        assert_eq!(redis.timeout, HumanDuration::from_secs(5));
        assert!(poll.only_changes);
        assert_eq!(poll.max_body, ByteSize(65_536));
        assert_eq!(command.max_line, ByteSize(1024));
        assert_eq!(clock.every.to_string(), "500ms");
    }

    #[test]
    fn an_unknown_key_is_an_error_that_names_it() {
        for text in [
            "kind = \"redis\"\nurl = \"redis://h\"\nchanels = [\"a\"]",
            "kind = \"redis_stream\"\nurl = \"redis://h\"\nstreams = [\"a\"]\nchanels = 1",
            "kind = \"http_poll\"\ntopic = \"t\"\nurl = \"http://h\"\nchanels = 1",
            "kind = \"command\"\ntopic = \"t\"\nrun = [\"a\"]\nchanels = 1",
            "kind = \"clock\"\ntopic = \"t\"\nchanels = 1",
        ] {
            let error = parse(&format!("[[source]]\n{text}\n")).unwrap_err().to_string();
            assert!(error.contains("unknown field `chanels`"), "{error}");
        }
        let error = parse("[[source]]\nkind = \"reddis\"\n").unwrap_err().to_string();
        assert!(error.contains("unknown variant `reddis`"), "{error}");
    }

    #[test]
    fn a_wrong_word_is_told_the_right_ones() {
        for (text, says) in [
            ("kind = \"redis\"\nurl = \"redis://h\"\nenvelope = \"x\"", "write \"laravel\" or \"none\""),
            (
                "kind = \"redis_stream\"\nurl = \"redis://h\"\nstreams = [\"a\"]\nstart = \"x\"",
                "write \"new\" or \"earliest\"",
            ),
        ] {
            let error = parse(&format!("[[source]]\n{text}\n")).unwrap_err().to_string();
            assert!(error.contains(says), "{error}");
        }
    }

    #[test]
    fn debug_shows_no_secrets() {
        let sources = parse(
            r#"
            [[source]]
            kind = "redis"
            url = "redis://:hunter2@127.0.0.1:6379"
            [[source]]
            kind = "http_poll"
            topic = "stocks"
            url = "http://me:hunter2@127.0.0.1/?token=hunter2"
            headers = { authorization = "Bearer hunter2" }
            [[source]]
            kind = "command"
            topic = "load"
            run = ["tail", "hunter2"]
            "#,
        )
        .unwrap();
        assert!(!format!("{sources:?}").contains("hunter2"));
    }
}
