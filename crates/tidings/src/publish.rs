//! `tidings publish`: hands events to a hub and prints the receipts.

use std::{
    io::{self, BufRead as _, IsTerminal as _, Read as _},
    thread,
    time::Duration,
};

use clap::Args;
use reqwest::{Client, Url, header::CONTENT_TYPE};
use serde::Serialize;
use tokio::sync::mpsc;

use crate::{
    client::{self, Hub},
    exit::Fault,
    standard::{print, say},
};

/// The media type of many publications.
const NDJSON: &str = "application/x-ndjson";
/// The media type of one.
const JSON: &str = "application/json";
/// How many lines go into one request at most.
const MAX_BATCH_LINES: usize = 1000;
/// How many bytes go into one request, unless one line alone is longer: half of what a hub accepts by default.
const MAX_BATCH_BYTES: usize = 512 * 1024;
/// How long the hub may take to answer: a full batch on a slow disk.
const ANSWER: Duration = Duration::from_secs(60);

/// `tidings publish`.
#[derive(Debug, Args)]
#[command(after_help = "Prints a receipt for each event, as a line of JSON; the hub has the event then:
{\"id\": …, \"epoch\": …, \"offset\": …}

A token is taken from --token-file or TIDINGS_TOKEN, so that no list of
processes shows it.

Exit codes: 65 the hub refuses the event, 69 it cannot be reached or cannot
take it now.

Example:
  tidings publish --topic orders.7 --event shipped '{\"parcel\": 3}'
  tail -F app.log | tidings publish --topic log --lines")]
pub(crate) struct PublishArgs {
    #[command(flatten)]
    hub: Hub,
    /// A topic to publish to; may be given several times
    #[arg(long = "topic", value_name = "TOPIC", default_value = "messages")]
    topics: Vec<String>,
    /// The event's type [default: none, which browsers deliver as `message`]
    #[arg(long)]
    event: Option<String>,
    /// An id of your own, which makes publishing the same event again harmless
    #[arg(long, conflicts_with = "lines")]
    id: Option<String>,
    /// The reconnection time that the event tells browsers, in milliseconds
    #[arg(long, value_name = "MS")]
    retry: Option<u64>,
    /// Send the event only to subscribers with a right to private events of the topic
    #[arg(long)]
    private: bool,
    /// Publish each line of standard input as an event
    #[arg(long, conflicts_with = "data")]
    lines: bool,
    /// The event's data; `-` or nothing: standard input to its end, without its last line end
    data: Option<String>,
}

/// A publication as `POST /publish` takes it.
#[derive(Serialize)]
struct Publication<'a> {
    topics: &'a [String],
    data: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    event: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    retry: Option<u64>,
    #[serde(skip_serializing_if = "is_false")]
    private: bool,
}

/// Publishes what the arguments say.
///
/// # Errors
/// When an event is refused, or the hub or standard input fails. What was published before stays published, and its
/// receipts have been printed.
pub(crate) async fn run(args: PublishArgs) -> anyhow::Result<()> {
    let publisher = Publisher {
        url: args.hub.path("publish")?,
        hub: args.hub.clone(),
        client: client::builder().timeout(ANSWER).build()?,
    };
    if args.lines {
        return publish_lines(&args, &publisher).await;
    }
    let data = match args.data.as_deref() {
        Some(data) if data != "-" => data.to_owned(),
        _ => standard_input()?,
    };
    publisher.post(JSON, args.encode(&data)?).await
}

impl PublishArgs {
    fn encode(&self, data: &str) -> serde_json::Result<Vec<u8>> {
        let Self { topics, event, id, retry, private, .. } = self;
        let (event, id) = (event.as_deref(), id.as_deref());
        serde_json::to_vec(&Publication { topics, data, event, id, retry: *retry, private: *private })
    }
}

fn is_false(value: &bool) -> bool {
    !value
}

struct Publisher {
    hub: Hub,
    client: Client,
    url: Url,
}

impl Publisher {
    /// Posts a body, and prints the receipts.
    async fn post(&self, content_type: &'static str, body: Vec<u8>) -> anyhow::Result<()> {
        let unreachable = |error| client::unreachable(&self.url, error);
        let request = self.client.post(self.url.clone()).header(CONTENT_TYPE, content_type).body(body);
        let response = self.hub.authorized(request)?.send().await.map_err(unreachable)?;
        if !response.status().is_success() {
            return Err(client::refused(response).await);
        }
        let receipts = response.text().await.map_err(unreachable)?;
        print(receipts.trim_end())
    }
}

/// Publishes lines in batches: whatever has arrived while the batch before was under way. A line that comes alone
/// leaves at once.
async fn publish_lines(args: &PublishArgs, publisher: &Publisher) -> anyhow::Result<()> {
    let (sender, mut lines) = mpsc::channel(MAX_BATCH_LINES);
    // A thread of its own: standard input blocks. It ends with the process, should nobody take its lines any more.
    thread::spawn(move || io::stdin().lock().lines().try_for_each(|line| sender.blocking_send(line)));
    let mut held_over: Option<Vec<u8>> = None;
    loop {
        let first = match held_over.take() {
            Some(publication) => publication,
            None => match lines.recv().await {
                Some(line) => args.encode(&line.map_err(input_failed)?)?,
                None => return Ok(()),
            },
        };
        let mut batch = first;
        let mut count = 1;
        while count < MAX_BATCH_LINES
            && let Ok(line) = lines.try_recv()
        {
            let line = match line {
                Ok(line) => line,
                Err(error) => {
                    publisher.post(NDJSON, batch).await?;
                    return Err(input_failed(error));
                }
            };
            let publication = args.encode(&line)?;
            if batch.len() + publication.len() >= MAX_BATCH_BYTES {
                held_over = Some(publication);
                break;
            }
            batch.push(b'\n');
            batch.extend_from_slice(&publication);
            count += 1;
        }
        publisher.post(NDJSON, batch).await?;
    }
}

/// Standard input to its end, without its last line end: `echo` and editors write one that is no part of the data.
fn standard_input() -> anyhow::Result<String> {
    let mut input = io::stdin().lock();
    if input.is_terminal() {
        say("type the event's data, then Ctrl-D on a line of its own");
    }
    let mut data = String::new();
    input.read_to_string(&mut data).map_err(input_failed)?;
    let without = data.strip_suffix('\n').map(|data| data.strip_suffix('\r').unwrap_or(data));
    Ok(without.map(str::to_owned).unwrap_or(data))
}

fn input_failed(error: io::Error) -> anyhow::Error {
    match error.kind() {
        io::ErrorKind::InvalidData => Fault::Data
            .because("standard input is not UTF-8: send text, or encode binary data, for instance as base64"),
        _ => Fault::InputOutput.because(format_args!("standard input: {error}")),
    }
}
