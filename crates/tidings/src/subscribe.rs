//! `tidings subscribe`: prints events as they arrive, and comes back after every interruption.

mod backoff;
mod printer;

use std::{io, num::NonZeroU64, time::Duration};

use clap::Args;
use reqwest::{
    Client, RequestBuilder, Response, StatusCode, Url,
    header::{ACCEPT, CONTENT_TYPE, HeaderValue},
};
use tidings_hub::CONTROL_PREFIX;
use tidings_stream::{Decoder, Item};

use self::{backoff::Backoff, printer::Printer};
use crate::{
    client::{self, Hub},
    exit::Fault,
    standard::{harmless, say},
};

/// The request header that carries the cursor (WHATWG HTML, "The Last-Event-ID header").
const LAST_EVENT_ID: &str = "last-event-id";
/// How long a stream may be silent before it is taken for dead. A hub sends a comment every 15 seconds by default.
const SILENCE: Duration = Duration::from_secs(120);

/// `tidings subscribe`.
#[derive(Debug, Args)]
#[command(after_help = "Ends with Ctrl-C. A token is taken from --token-file or
TIDINGS_TOKEN, so that no list of processes shows it.

Exit codes: 65 the hub refuses the subscription; with --no-reconnect, 69 it
cannot be reached or the stream broke.

Example:
  tidings subscribe orders.7 --pattern 'alerts.*' --last 10
  tidings subscribe --json --last-event-id earliest | jq .data")]
pub(crate) struct SubscribeArgs {
    #[command(flatten)]
    hub: Hub,
    /// Topics to listen to [default: the hub's default topic, unless there is a --pattern]
    #[arg(value_name = "TOPIC")]
    topics: Vec<String>,
    /// A pattern of topics, in which `*` stands for any characters; may be given several times
    #[arg(long = "pattern", value_name = "PATTERN")]
    patterns: Vec<String>,
    /// Start with the newest N events that the hub keeps
    #[arg(long, value_name = "N", conflicts_with = "last_event_id")]
    last: Option<u32>,
    /// Start after the event of this id; `earliest`: with all that is kept
    #[arg(long, value_name = "ID")]
    last_event_id: Option<String>,
    /// Print each event as a line of JSON: {"id": …, "event": …, "data": …}
    #[arg(long)]
    json: bool,
    /// End when the stream ends
    #[arg(long)]
    no_reconnect: bool,
    /// End after this many events
    #[arg(long, value_name = "N")]
    count: Option<NonZeroU64>,
}

/// Prints the events that the arguments ask for.
///
/// # Errors
/// When the subscription is refused or standard output fails; with `--no-reconnect` also when the hub cannot be reached
/// or the stream breaks.
pub(crate) async fn run(args: SubscribeArgs) -> anyhow::Result<()> {
    // A task of its own, because this one may be blocked in standard output.
    tokio::spawn(async {
        if tokio::signal::ctrl_c().await.is_ok() {
            std::process::exit(0);
        }
    });
    let mut listener = Listener::new(args)?;
    loop {
        let interruption = match listener.listen().await? {
            End::Done => return Ok(()),
            End::Interrupted(interruption) => interruption,
        };
        if listener.args.no_reconnect {
            return match interruption {
                Interruption::Ended => Ok(()),
                Interruption::Failed(error) => Err(error),
            };
        }
        let wait = listener.backoff.next(listener.decoder.retry());
        let seconds = wait.as_secs_f64();
        match interruption {
            Interruption::Ended => say(format_args!("the stream ended: back in {seconds:.1} s")),
            Interruption::Failed(error) => say(format_args!("{error:#}: trying again in {seconds:.1} s")),
        }
        tokio::time::sleep(wait).await;
    }
}

/// How one connection ended.
enum End {
    /// There is nothing more to print, or nobody who reads it.
    Done,
    /// There may be more.
    Interrupted(Interruption),
}

enum Interruption {
    /// The hub ended the stream.
    Ended,
    /// The hub could not be reached, or the connection broke.
    Failed(anyhow::Error),
}

/// A subscription over all its connections.
struct Listener {
    args: SubscribeArgs,
    client: Client,
    url: Url,
    decoder: Decoder,
    backoff: Backoff,
    printer: Printer,
    printed: u64,
}

impl Listener {
    fn new(args: SubscribeArgs) -> anyhow::Result<Self> {
        let mut url = args.hub.path("events")?;
        {
            let mut query = url.query_pairs_mut();
            query.extend_pairs(args.topics.iter().map(|topic| ("topic", topic)));
            query.extend_pairs(args.patterns.iter().map(|pattern| ("pattern", pattern)));
            query.extend_pairs(args.last.map(|last| ("last", last.to_string())));
        }
        Ok(Self {
            client: client::builder().read_timeout(SILENCE).build()?,
            url,
            decoder: Decoder::new(),
            backoff: Backoff::default(),
            printer: Printer::new(args.json),
            printed: 0,
            args,
        })
    }

    /// Connects, and prints what comes until the connection ends.
    async fn listen(&mut self) -> anyhow::Result<End> {
        let failed = |error| Ok(End::Interrupted(Interruption::Failed(error)));
        let response = match self.request()?.send().await {
            Ok(response) => response,
            Err(error) => return failed(client::unreachable(&self.url, error)),
        };
        match response.status() {
            StatusCode::OK if is_stream(&response) => self.print(response).await,
            StatusCode::OK => {
                Err(Fault::Data.because("the answer is no event stream: is a hub at this address?"))
            }
            // Finished for good, as an EventSource understands it.
            StatusCode::NO_CONTENT => Ok(End::Done),
            status if client::is_temporary(status) => failed(client::refused(response).await),
            _ => Err(client::refused(response).await),
        }
    }

    fn request(&mut self) -> anyhow::Result<RequestBuilder> {
        self.decoder.restart();
        let cursor = match self.decoder.last_id() {
            "" => self.args.last_event_id.as_deref().unwrap_or_default(),
            id => id,
        };
        let mut url = self.url.clone();
        let header = match HeaderValue::from_bytes(cursor.as_bytes()) {
            Ok(header) => Some(header).filter(|header| !header.is_empty()),
            // An id may hold control characters, which a query can carry and a header cannot.
            Err(_) => {
                url.query_pairs_mut().append_pair("last_event_id", cursor);
                None
            }
        };
        let mut request = self.client.get(url).header(ACCEPT, tidings_stream::CONTENT_TYPE);
        if let Some(header) = header {
            request = request.header(LAST_EVENT_ID, header);
        }
        self.args.hub.authorized(request)
    }

    async fn print(&mut self, mut response: Response) -> anyhow::Result<End> {
        loop {
            let mut chunk = match response.chunk().await {
                Ok(Some(chunk)) => chunk,
                Ok(None) => return Ok(End::Interrupted(Interruption::Ended)),
                Err(error) => {
                    return Ok(End::Interrupted(Interruption::Failed(client::unreachable(&self.url, error))));
                }
            };
            while let Some(item) = self.decoder.decode(&mut chunk) {
                match item {
                    Ok(Item::Event(event)) if event.event.starts_with(CONTROL_PREFIX) => {
                        say(format_args!("{} {}", event.event, harmless(&event.data)));
                    }
                    Ok(Item::Event(event)) => {
                        self.backoff.reset();
                        self.printed += 1;
                        let is_last = self.args.count.is_some_and(|count| self.printed >= count.get());
                        match self.printer.print(&event) {
                            Ok(()) if is_last => return Ok(End::Done),
                            Ok(()) => {}
                            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => return Ok(End::Done),
                            Err(error) => {
                                return Err(
                                    Fault::InputOutput.because(format_args!("standard output: {error}"))
                                );
                            }
                        }
                    }
                    // Something was sent that is not an overloaded hub's "come back later": the stream works.
                    Ok(Item::Comment(_) | Item::LastId(_)) => self.backoff.reset(),
                    Ok(Item::Retry(_)) => {}
                    Err(error) => say(error),
                }
            }
        }
    }
}

fn is_stream(response: &Response) -> bool {
    let value =
        response.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let essence = value.split(';').next().unwrap_or_default().trim();
    essence.eq_ignore_ascii_case(tidings_stream::CONTENT_TYPE)
}
