//! From a source's configuration to what runs: everything that can be checked beforehand has been.

use std::collections::HashSet;

use reqwest::Url;

use crate::{
    clock, command,
    config::{
        ClockConfig, CommandConfig, EnvelopeKind, HttpPollConfig, RedisConfig, RedisStreamConfig,
        SourceConfig, StreamStart,
    },
    duration::HumanDuration,
    form::{Form, FormKeys, offset},
    http_poll,
    invalid::{InvalidSource, InvalidSourceReason},
    message::MessageForm,
    outbox::{Limits, WhenFull},
    redis, redis_stream,
    running::Context,
    template::Offers,
    topic::topic,
};

/// A source that is ready to run.
#[derive(Debug)]
pub(crate) enum Plan {
    Redis(Box<redis::Plan>),
    RedisStream(Box<redis_stream::Plan>),
    HttpPoll(http_poll::Plan),
    Command(command::Plan),
    Clock(clock::Plan),
}

impl SourceConfig {
    /// The kind as it is configured: `redis`, `redis_stream`, `http_poll`, `command` or `clock`.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Redis(_) => "redis",
            Self::RedisStream(_) => "redis_stream",
            Self::HttpPoll(_) => "http_poll",
            Self::Command(_) => "command",
            Self::Clock(_) => "clock",
        }
    }

    /// What logs and metrics call the source: its `name`, or one made of its kind and what it reads, without secrets.
    /// Sources that would have the same name are numbered when they are started.
    pub fn name(&self) -> String {
        let (name, what) = match self {
            Self::Redis(config) => (&config.name, address(config.url.expose())),
            Self::RedisStream(config) => (&config.name, address(config.url.expose())),
            Self::HttpPoll(config) => (&config.name, config.topic.clone()),
            Self::Command(config) => (&config.name, config.run.first().cloned().unwrap_or_default()),
            Self::Clock(config) => (&config.name, config.topic.clone()),
        };
        name.clone().unwrap_or_else(|| format!("{} {what}", self.kind()))
    }

    /// Checks the configuration: URLs, topics, templates, limits. Nothing is connected to or started.
    ///
    /// # Errors
    /// The first thing that a person has to correct.
    pub fn check(&self) -> Result<(), InvalidSource> {
        Plan::new(self).map(drop)
    }
}

impl Plan {
    pub(crate) fn new(config: &SourceConfig) -> Result<Self, InvalidSource> {
        let plan = match config {
            SourceConfig::Redis(config) => redis_plan(config),
            SourceConfig::RedisStream(config) => redis_stream_plan(config),
            SourceConfig::HttpPoll(config) => http_poll_plan(config),
            SourceConfig::Command(config) => command_plan(config),
            SourceConfig::Clock(config) => clock_plan(config),
        };
        plan.map_err(|reason| InvalidSource { name: config.name(), reason })
    }

    pub(crate) fn limits(&self) -> Limits {
        match self {
            // A burst, or the log's short absence: both without loss.
            Self::Redis(_) => Limits { events: 10_000, bytes: 16 << 20, when_full: WhenFull::DropOldest },
            // The pipe waits, as does the stream, so there need be no more than two batches.
            Self::Command(_) | Self::RedisStream(_) => {
                Limits { events: 2000, bytes: 2 << 20, when_full: WhenFull::Wait }
            }
            // Only the newest is of interest.
            Self::HttpPoll(_) | Self::Clock(_) => {
                Limits { events: 1, bytes: 0, when_full: WhenFull::DropOldest }
            }
        }
    }

    /// Whether what was received and could not be published comes again after the next start.
    pub(crate) fn comes_again(&self) -> bool {
        matches!(self, Self::RedisStream(_))
    }

    /// Runs until the context says stop.
    pub(crate) async fn run(self, context: &Context) {
        match self {
            Self::Redis(plan) => redis::run(*plan, context).await,
            Self::RedisStream(plan) => redis_stream::run(*plan, context).await,
            Self::HttpPoll(plan) => http_poll::run(plan, context).await,
            Self::Command(plan) => command::run(plan, context).await,
            Self::Clock(plan) => clock::run(plan, context).await,
        }
    }
}

fn redis_plan(config: &RedisConfig) -> Result<Plan, InvalidSourceReason> {
    let keys = FormKeys {
        event: config.event.as_deref(),
        template: config.template.as_deref(),
        timezone: config.timezone.as_deref(),
        private: config.private,
    };
    let prefixes = redis::Prefixes::new(&config.strip_prefixes)?;
    let topics = config.topics.iter().map(|(channel, name)| Ok((channel.clone(), topic(name)?)));
    Ok(Plan::Redis(Box::new(redis::Plan {
        server: redis::Server::new(config.url.expose(), config.ca_file.as_deref())?,
        subscriptions: redis::Subscriptions::new(&config.channels, &config.patterns, &prefixes)?,
        router: redis::Router {
            prefixes,
            channels: config.channels.iter().cloned().collect(),
            topics: topics.collect::<Result<_, InvalidSourceReason>>()?,
            topic: config.topic.as_deref().map(topic).transpose()?,
            form: MessageForm::new(keys, config.envelope == EnvelopeKind::Laravel)?,
        },
        timeout: short("timeout", config.timeout)?,
        ping_every: short("ping_every", config.ping_every)?,
    })))
}

fn redis_stream_plan(config: &RedisStreamConfig) -> Result<Plan, InvalidSourceReason> {
    let keys = FormKeys {
        event: config.event.as_deref(),
        template: config.template.as_deref(),
        timezone: config.timezone.as_deref(),
        private: config.private,
    };
    if config.streams.is_empty() || config.streams.iter().any(String::is_empty) {
        return Err(InvalidSourceReason::NoStreams);
    }
    if config.group.is_empty() {
        return Err(InvalidSourceReason::NoGroup);
    }
    let server = redis::Server::new(config.url.expose(), config.ca_file.as_deref())?;
    let prefixes = redis::Prefixes::new(&config.strip_prefixes)?;
    let place = server.place();
    let mut named = HashSet::new();
    let unique = config.streams.iter().filter(|key| named.insert(key.as_str()));
    let streams =
        unique.map(|key| redis_stream::Stream::new(key, config.topic.as_deref(), &prefixes, &place));
    Ok(Plan::RedisStream(Box::new(redis_stream::Plan {
        streams: streams.collect::<Result<_, _>>()?,
        group: config.group.clone(),
        start: match config.start {
            StreamStart::New => redis_stream::Start::New,
            StreamStart::Earliest => redis_stream::Start::Earliest,
        },
        reader: redis_stream::Reader::new(keys, prefixes)?,
        timeout: short("timeout", config.timeout)?,
        server,
    })))
}

fn http_poll_plan(config: &HttpPollConfig) -> Result<Plan, InvalidSourceReason> {
    if config.max_body.0 == 0 {
        return Err(InvalidSourceReason::Size("max_body"));
    }
    let keys = FormKeys {
        event: config.event.as_deref(),
        template: config.template.as_deref(),
        timezone: config.timezone.as_deref(),
        private: config.private,
    };
    let headers = config
        .headers
        .iter()
        .map(|(name, value)| http_poll::header(name, value.expose()))
        .collect::<Result<_, _>>()?;
    Ok(Plan::HttpPoll(http_poll::Plan {
        topic: topic(&config.topic)?,
        request: http_poll::Request::new(
            config.url.expose(),
            headers,
            short("timeout", config.timeout)?,
            config.max_body.as_len(),
        )?,
        every: interval(config.every)?,
        only_changes: config.only_changes,
        form: Form::new(keys, Offers::Data)?,
    }))
}

fn command_plan(config: &CommandConfig) -> Result<Plan, InvalidSourceReason> {
    if config.max_line.0 == 0 {
        return Err(InvalidSourceReason::Size("max_line"));
    }
    let (program, arguments) = config.run.split_first().ok_or(InvalidSourceReason::NoProgram)?;
    if program.is_empty() {
        return Err(InvalidSourceReason::NoProgram);
    }
    let keys = FormKeys {
        event: config.event.as_deref(),
        template: config.template.as_deref(),
        timezone: config.timezone.as_deref(),
        private: config.private,
    };
    Ok(Plan::Command(command::Plan {
        topic: topic(&config.topic)?,
        program: program.clone(),
        arguments: arguments.to_vec(),
        max_line: config.max_line.as_len(),
        form: Form::new(keys, Offers::Data)?,
    }))
}

fn clock_plan(config: &ClockConfig) -> Result<Plan, InvalidSourceReason> {
    let keys = FormKeys {
        event: config.event.as_deref(),
        template: Some(&config.template),
        timezone: config.timezone.as_deref(),
        private: config.private,
    };
    Ok(Plan::Clock(clock::Plan {
        topic: topic(&config.topic)?,
        every: interval(config.every)?,
        offset: offset(keys.timezone)?,
        form: Form::new(keys, Offers::Time)?,
    }))
}

/// A regular interval: not so short that a source is a busy loop, nor so long that a timer cannot hold it.
fn interval(every: HumanDuration) -> Result<std::time::Duration, InvalidSourceReason> {
    between("every", every, ("10ms", 10), ("365d", 365 * 24 * 3_600_000))
}

/// How long to wait for somebody.
fn short(key: &'static str, duration: HumanDuration) -> Result<std::time::Duration, InvalidSourceReason> {
    between(key, duration, ("10ms", 10), ("1h", 3_600_000))
}

fn between(
    key: &'static str,
    HumanDuration(duration): HumanDuration,
    (least, least_ms): (&'static str, u128),
    (most, most_ms): (&'static str, u128),
) -> Result<std::time::Duration, InvalidSourceReason> {
    match duration.as_millis() {
        ms if (least_ms..=most_ms).contains(&ms) => Ok(duration),
        _ => Err(InvalidSourceReason::Duration { key, least, most }),
    }
}

/// What of a URL may be shown: host and port. All else may be a secret.
fn address(url: &str) -> String {
    let Ok(url) = Url::parse(url) else { return "(bad url)".to_owned() };
    let host = url.host_str().unwrap_or_default();
    match url.port() {
        Some(port) => format!("{host}:{port}"),
        None => host.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, serde::Deserialize)]
    struct Sources {
        source: Vec<SourceConfig>,
    }

    fn source(text: &str) -> SourceConfig {
        let mut sources: Sources = toml::from_str(&format!("[[source]]\n{text}")).unwrap();
        sources.source.remove(0)
    }

    #[test]
    fn default_names_tell_what_is_read_and_no_secrets() {
        for (text, name) in [
            ("kind = \"redis\"\nurl = \"redis://me:pw@h:6390/3\"", "redis h:6390"),
            ("kind = \"redis\"\nurl = \"redis://h\"\nname = \"cache\"", "cache"),
            ("kind = \"redis\"\nurl = \"pw\"", "redis (bad url)"),
            ("kind = \"redis_stream\"\nurl = \"redis://me:pw@h/3\"\nstreams = [\"a\"]", "redis_stream h"),
            ("kind = \"http_poll\"\ntopic = \"t\"\nurl = \"https://me:pw@h/pw?token=pw#pw\"", "http_poll t"),
            ("kind = \"command\"\ntopic = \"t\"\nrun = [\"tail\", \"pw\"]", "command tail"),
            ("kind = \"clock\"\ntopic = \"t\"", "clock t"),
        ] {
            assert_eq!(source(text).name(), name);
        }
    }

    #[test]
    fn faults_are_named_with_what_to_do() {
        let redis = "kind = \"redis\"\nurl = \"redis://h\"\n";
        let stream = "kind = \"redis_stream\"\nurl = \"redis://h\"\n";
        let poll = "kind = \"http_poll\"\ntopic = \"t\"\nurl = \"http://h\"\n";
        let clock = "kind = \"clock\"\ntopic = \"t\"\n";
        let command = "kind = \"command\"\ntopic = \"t\"\n";
        for (text, part) in [
            (redis.to_owned(), "channels = [\"messages-channel\"]"),
            (format!("{redis}channels = [\"\"]"), "is empty"),
            (format!("{redis}channels = [\"a\"]\nstrip_prefixes = [\"*\"]"), "\"*_database_\""),
            (format!("{redis}channels = [\"a\"]\nstrip_prefixes = [\"a*b\"]"), "\"*_database_\""),
            (format!("{redis}channels = [\"a\"]\ntopic = \"\""), "topic: a topic name is empty"),
            (format!("{redis}channels = [\"a\"]\ntopics = {{ a = \"\" }}"), "topic: a topic name is empty"),
            (format!("{redis}channels = [\"a\"]\ntopic = \"tidings/echo/x\""), "is the hub's own"),
            (clock.replace("\"t\"", "\"tidings/x\""), "topic: the topic \"tidings/x\" is the hub's own"),
            (format!("{stream}streams = [\"tidings/echo/x\"]"), "topic: the topic \"tidings/echo/x\" is"),
            (format!("{redis}channels = [\"a\"]\nevent = \"tidings.x\""), "event: event types that begin"),
            (format!("{redis}channels = [\"a\"]\ntimeout = \"0s\""), "timeout: must be between 10ms and 1h"),
            (format!("{redis}channels = [\"a\"]\ntemplate = \"{{{{dat}}}}\""), "{{channel_json}}"),
            (redis.replace("redis://h", "rediss://:pw@h/#insecure"), "#insecure"),
            (redis.replace("redis://h", "redis://me@h"), "it has a user and no password"),
            (redis.replace("redis://h", "redis://h/pw"), "not the address of a Redis server"),
            (redis.replace("redis://h", "redis+unix:///pw"), "only TCP"),
            (format!("{redis}ca_file = \"/dev/null\""), "ca_file: it is of no use without TLS"),
            (
                redis.replace("redis://h\"", "rediss://:pw@h\"\nca_file = \"/dev/null\""),
                "ca_file: \"/dev/null\" cannot be used: it holds no certificate in PEM",
            ),
            (
                redis.replace("redis://h\"", "rediss://:pw@h\"\nca_file = \"/dev/null/gone\""),
                "ca_file: \"/dev/null/gone\" cannot be used: ",
            ),
            ("kind = \"redis\"\nurl = \"redis://\"\nchannels = [\"a\"]".to_owned(), "redis://"),
            (stream.to_owned(), "streams = [\"events\"]"),
            (format!("{stream}streams = []"), "streams = [\"events\"]"),
            (format!("{stream}streams = [\"a\", \"\"]"), "streams = [\"events\"]"),
            (format!("{stream}streams = [\"{}\"]", "a".repeat(200)), "is too long"),
            (format!("{stream}streams = [\"a\"]\ngroup = \"\""), "group: is empty"),
            (format!("{poll}max_body = 0"), "max_body: must be at least one byte"),
            (format!("{poll}headers = {{ \"a b\" = \"pw\" }}"), "\"a b\""),
            (poll.replace("http://h", "ftp://me:pw@h"), "http://"),
            (poll.replace("http://h", "pw pw"), "http://"),
            (format!("{command}run = []"), "names no program"),
            (format!("{clock}every = \"1ms\""), "every: must be between 10ms and 365d"),
            (format!("{clock}timezone = \"Asia/Shanghai\""), "\"+08:00\""),
            (format!("{clock}template = \"{{{{data}}}}\""), "unknown placeholder {{data}}"),
        ] {
            let error = source(&text).check().expect_err(&text).to_string();
            assert!(error.contains(part), "{error}");
            assert!(!error.contains("pw"), "{error}");
            assert!(error.starts_with("source \""), "{error}");
        }
    }
}
