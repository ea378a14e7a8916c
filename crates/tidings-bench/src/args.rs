//! The command line of `tidings bench`. Each work's help ends with an example.

use std::time::Duration;

use clap::{Args, Subcommand, value_parser};

use crate::{
    error::Error,
    marker::MARKER_LEN,
    protocol::Ready,
    target::{Publish, Topics},
};

/// `tidings bench`.
#[derive(Debug, Args)]
#[command(after_help = "Every event is counted: a run in which one is missing, doubled or out of order
at any subscriber, or in which a connection is lost, fails.

Exit code 1: the run failed, or could not be made.

Example:
  tidings bench fanout --subscribers 1000 --events 1000 --pid $(pidof tidings)
  tidings bench fanout --subscribers 10000 --events 100 --rate 10
  tidings bench idle --subscribers 10000 --seconds 60")]
pub struct BenchArgs {
    #[command(subcommand)]
    pub(crate) work: Work,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Work {
    /// One topic: every subscriber gets every event
    Fanout(Fanout),
    /// Many topics with few subscribers each: events go to topics at random
    Topics(TopicsWork),
    /// Hold connections: memory, and whether heartbeats come
    Idle(Idle),
    /// A reconnect storm: all come back at once and catch up
    Resume(Resume),
    /// Publish to nobody: how many events are accepted
    Publish(PublishWork),
    /// Hold subscribers for another process of this tool
    #[command(hide = true)]
    Worker,
}

/// `tidings bench fanout`.
#[derive(Debug, Args)]
#[command(after_help = "Example:
  tidings bench fanout --subscribers 1000 --events 1000 --publishers 16")]
pub(crate) struct Fanout {
    /// Subscribers
    #[arg(long, value_name = "N", default_value_t = 1000, value_parser = at_least_one)]
    pub(crate) subscribers: usize,
    #[command(flatten)]
    pub(crate) load: Load,
    #[command(flatten)]
    pub(crate) listen: Listen,
    #[command(flatten)]
    pub(crate) common: Common,
}

/// `tidings bench topics`.
#[derive(Debug, Args)]
#[command(after_help = "Example:
  tidings bench topics --topics 10000 --subscribers-per-topic 1 --events 100000")]
pub(crate) struct TopicsWork {
    /// Topics
    #[arg(long, value_name = "T", default_value_t = 1000, value_parser = value_parser!(u32).range(1..=1_000_000))]
    pub(crate) topics: u32,
    /// Subscribers of each topic
    #[arg(long, value_name = "S", default_value_t = 1, value_parser = at_least_one)]
    pub(crate) subscribers_per_topic: usize,
    #[command(flatten)]
    pub(crate) load: Load,
    #[command(flatten)]
    pub(crate) listen: Listen,
    #[command(flatten)]
    pub(crate) common: Common,
}

/// `tidings bench idle`.
#[derive(Debug, Args)]
#[command(after_help = "Example:
  tidings bench idle --subscribers 10000 --seconds 60 --broadcasts 10 --pid $(pidof tidings)")]
pub(crate) struct Idle {
    /// Subscribers
    #[arg(long, value_name = "N", default_value_t = 1000, value_parser = at_least_one)]
    pub(crate) subscribers: usize,
    /// How long to hold them
    #[arg(long, value_name = "S", default_value_t = 30)]
    pub(crate) seconds: u64,
    /// The longest that a subscriber may hear nothing
    #[arg(long, value_name = "TIME", default_value = "30s", value_parser = humantime::parse_duration)]
    pub(crate) max_silence: Duration,
    /// Publish so many events at the end, which all must get
    #[arg(long, value_name = "B", default_value_t = 0)]
    pub(crate) broadcasts: u64,
    /// Bytes of data in an event
    #[arg(long, value_name = "BYTES", default_value_t = 200, value_parser = size)]
    pub(crate) size: usize,
    #[command(flatten)]
    pub(crate) listen: Listen,
    #[command(flatten)]
    pub(crate) common: Common,
}

/// `tidings bench resume`.
#[derive(Debug, Args)]
#[command(after_help = "Subscribers connect, note the last id they got, and leave; the events are
published; all come back at once with `Last-Event-ID`, --wave of them unanswered at a time.

Example:
  tidings bench resume --subscribers 5000 --events 1000 --live 100")]
pub(crate) struct Resume {
    /// Subscribers
    #[arg(long, value_name = "N", default_value_t = 1000, value_parser = at_least_one)]
    pub(crate) subscribers: usize,
    /// Publish so many events more while the subscribers come back
    #[arg(long, value_name = "L", default_value_t = 0)]
    pub(crate) live: u64,
    /// Publish so many events before the subscribers leave, so that they have an id [default: 0 for Tidings, which
    /// sends one at once, 1 for other servers]
    #[arg(long, value_name = "N")]
    pub(crate) prime: Option<u64>,
    #[command(flatten)]
    pub(crate) load: Load,
    #[command(flatten)]
    pub(crate) listen: Listen,
    #[command(flatten)]
    pub(crate) common: Common,
}

/// `tidings bench publish`.
#[derive(Debug, Args)]
#[command(after_help = "Example:
  tidings bench publish --publishers 64 --events 100000")]
pub(crate) struct PublishWork {
    /// Topics, of which each request takes one at random
    #[arg(long, value_name = "T", default_value_t = 1, value_parser = value_parser!(u32).range(1..=1_000_000))]
    pub(crate) topics: u32,
    #[command(flatten)]
    pub(crate) load: Load,
    #[command(flatten)]
    pub(crate) common: Common,
}

/// What is published.
#[derive(Debug, Args)]
pub(crate) struct Load {
    /// Events to publish
    #[arg(long, value_name = "M", default_value_t = 1000, value_parser = value_parser!(u64).range(1..=u32::MAX as u64))]
    pub(crate) events: u64,
    /// Connections that publish
    #[arg(long, value_name = "P", default_value_t = 16, value_parser = value_parser!(u16).range(1..))]
    pub(crate) publishers: u16,
    /// Events per second of all publishers together, by the clock [default: as fast as they are acknowledged]
    #[arg(long, value_name = "R", value_parser = rate)]
    pub(crate) rate: Option<f64>,
    /// Bytes of data in an event
    #[arg(long, value_name = "BYTES", default_value_t = 200, value_parser = size)]
    pub(crate) size: usize,
    /// Events in a request, which must fit the hub's limits.body (1 MiB, if not set); for Tidings alone
    #[arg(long, value_name = "K", default_value_t = 1, value_parser = value_parser!(u32).range(1..=100_000))]
    pub(crate) batch: u32,
    /// Requests under way on a connection
    #[arg(long, value_name = "D", default_value_t = 1, value_parser = at_least_one)]
    pub(crate) pipeline: usize,
}

/// How subscribers connect.
#[derive(Debug, Args)]
pub(crate) struct Listen {
    /// When a subscriber counts as subscribed [default: bytes for Tidings, head for other servers]
    #[arg(long, value_enum)]
    pub(crate) ready: Option<Ready>,
    /// How many subscriptions may be unanswered at a time
    #[arg(long, value_name = "N", default_value_t = 256, value_parser = at_least_one)]
    pub(crate) wave: usize,
    /// Spread the subscribers over so many processes
    #[arg(long, value_name = "K", default_value_t = 1, value_parser = at_least_one)]
    pub(crate) processes: usize,
    /// Speak HTTP/2, without TLS as well, with one stream on a connection; for moderate numbers
    #[arg(long)]
    pub(crate) http2: bool,
    /// Take any certificate for the server's (https://)
    #[arg(long)]
    pub(crate) insecure: bool,
}

/// What all works share.
#[derive(Debug, Args)]
pub(crate) struct Common {
    #[command(flatten)]
    pub(crate) destination: Destination,
    /// A process of the server, to be measured with its children; may be given several times
    #[arg(long, value_name = "PID")]
    pub(crate) pid: Vec<i32>,
    /// Print the report as one JSON object
    #[arg(long)]
    pub(crate) json: bool,
    /// Show progress as lines on standard error, where there is no terminal
    #[arg(long)]
    pub(crate) progress: bool,
    /// Give up when nothing has come for so long
    #[arg(long, value_name = "TIME", default_value = "60s", value_parser = humantime::parse_duration)]
    pub(crate) timeout: Duration,
    /// Chooses what is chosen at random
    #[arg(long, value_name = "NUMBER", default_value_t = 1)]
    pub(crate) seed: u64,
}

/// Where the server is and what it is asked.
#[derive(Debug, Args)]
pub(crate) struct Destination {
    /// The address of a Tidings hub
    #[arg(long, env = "TIDINGS_URL", hide_env_values = true, default_value = "http://127.0.0.1:8080")]
    url: String,
    /// Instead, for other servers: where to subscribe; {topic} stands for the topic
    #[arg(long, value_name = "URL")]
    subscribe_url: Option<String>,
    /// A header of subscriptions, 'Name: value'; may be given several times
    #[arg(long = "subscribe-header", value_name = "HEADER")]
    pub(crate) subscribe_headers: Vec<String>,
    /// For other servers: where to publish; {topic} stands for the topic
    #[arg(long, value_name = "URL")]
    publish_url: Option<String>,
    /// The method of publications
    #[arg(long, value_name = "METHOD", default_value = "POST", requires = "publish_url")]
    publish_method: String,
    /// A header of publications, 'Name: value'; may be given several times
    #[arg(long = "publish-header", value_name = "HEADER")]
    publish_headers: Vec<String>,
    /// The body of publications; {topic} and {data} are replaced
    #[arg(long, value_name = "TEXT", default_value = "{data}", requires = "publish_url")]
    publish_body: String,
    /// The topic; where there are several, a number is added
    #[arg(long, default_value = "bench")]
    topic: String,
}

impl Destination {
    /// Whether the server is another than Tidings.
    pub(crate) fn is_foreign(&self) -> bool {
        self.subscribe_url.is_some() || self.publish_url.is_some()
    }

    pub(crate) fn topics(&self, count: u32) -> Topics {
        Topics { name: self.topic.clone(), count }
    }

    /// Where to subscribe.
    pub(crate) fn subscribe_url(&self) -> Result<String, Error> {
        match &self.subscribe_url {
            Some(url) => Ok(url.clone()),
            None if self.is_foreign() => Err(lacks("--publish-url", "--subscribe-url")),
            None => Ok(self.hub("events?topic={topic}")),
        }
    }

    /// How to publish.
    pub(crate) fn publish(&self, batch: u32) -> Result<Publish, Error> {
        match &self.publish_url {
            Some(_) if batch > 1 => {
                Err(Error::Options("--batch is for Tidings alone: leave out --publish-url".to_owned()))
            }
            Some(url) => Publish::one(url, &self.publish_method, &self.publish_headers, &self.publish_body),
            None if self.is_foreign() => Err(lacks("--subscribe-url", "--publish-url")),
            None if batch > 1 => Publish::lines(&self.hub("publish"), &self.publish_headers),
            None => Publish::one(&self.hub("topics/{topic}"), "POST", &self.publish_headers, "{data}"),
        }
    }

    fn hub(&self, path: &str) -> String {
        format!("{}/{path}", self.url.trim_end_matches('/'))
    }
}

fn lacks(given: &str, lacking: &str) -> Error {
    Error::Options(format!("{given} alone leaves open where to do the other: give {lacking}, too"))
}

fn at_least_one(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(0) => Err("give at least 1".to_owned()),
        Ok(number) => Ok(number),
        Err(error) => Err(error.to_string()),
    }
}

fn size(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(size) if size < MARKER_LEN => Err(format!("each event carries a marker of {MARKER_LEN} bytes")),
        Ok(size) => Ok(size),
        Err(error) => Err(error.to_string()),
    }
}

fn rate(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(rate) if rate.is_finite() && rate > 0.0 => Ok(rate),
        Ok(_) => Err("give a number of events per second above 0".to_owned()),
        Err(error) => Err(error.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use clap::{Command, CommandFactory as _, FromArgMatches as _, Parser};

    use super::*;

    #[derive(Debug, Parser)]
    struct Cli {
        #[command(flatten)]
        bench: BenchArgs,
    }

    fn destination(args: &str) -> Destination {
        let matches = Cli::command().get_matches_from(args.split(' '));
        match Cli::from_arg_matches(&matches).unwrap().bench.work {
            Work::Fanout(fanout) => fanout.common.destination,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn the_help_of_each_work_ends_with_an_example() {
        let command = Cli::command();
        command.clone().debug_assert();
        for work in command.get_subcommands().filter(|work| !Command::is_hide_set(work)) {
            let help = work.get_after_help().unwrap().to_string();
            let example = format!("Example:\n  tidings bench {}", work.get_name());
            assert!(help.contains(&example), "{}", work.get_name());
        }
    }

    #[test]
    fn another_server_is_told_in_both_directions() {
        let hub = destination("bench fanout --url http://127.0.0.1:1/hub/");
        assert_eq!(hub.subscribe_url().unwrap(), "http://127.0.0.1:1/hub/events?topic={topic}");
        assert!(!hub.is_foreign() && hub.publish(1).is_ok() && hub.publish(2).is_ok());
        let other = destination(
            "bench fanout --subscribe-url http://127.0.0.1:1/a --publish-url http://127.0.0.1:1/b",
        );
        assert_eq!(other.subscribe_url().unwrap(), "http://127.0.0.1:1/a");
        assert!(other.is_foreign() && other.publish(1).is_ok() && other.publish(2).is_err());
        assert!(destination("bench fanout --subscribe-url http://127.0.0.1:1/a").publish(1).is_err());
        assert!(destination("bench fanout --publish-url http://127.0.0.1:1/b").subscribe_url().is_err());
    }

    #[test]
    fn values_that_make_no_sense_are_refused() {
        for wrong in
            ["--size 52", "--rate 0", "--rate nan", "--subscribers 0", "--publishers 0", "--events 0"]
        {
            let args = format!("bench fanout {wrong}");
            assert!(Cli::try_parse_from(args.split(' ')).is_err(), "{wrong}");
        }
    }
}
