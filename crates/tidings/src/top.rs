//! `tidings top`: what a hub does, live in a terminal, from its metrics.

mod sample;
mod screen;
mod view;

use std::{
    io::{self, IsTerminal as _},
    time::{Duration, Instant},
};

use clap::Args;
use reqwest::{Client, StatusCode};
use tokio::{signal, sync::mpsc, time::MissedTickBehavior};

use self::{
    sample::Sample,
    screen::Screen,
    view::{Colours, View},
};
use crate::{
    client::{self, Hub},
    exit::Fault,
    standard,
};

/// Between two readings.
const EVERY: Duration = Duration::from_secs(1);
/// How long a hub may take to answer. One that is busy answers late; one that is gone should be told of soon.
const PATIENCE: Duration = Duration::from_secs(5);
/// The width of what is printed where there is no terminal.
const PLAIN_WIDTH: usize = 80;

/// `tidings top`.
#[derive(Debug, Args)]
#[command(after_help = "Ends with q or Ctrl-C. Needs an administrator's key or token, unless the hub is
open; where the hub has admin.listen, --url is that address.

Exit codes: 65 the hub refuses; 69 it cannot be reached.

Example:
  tidings top --url https://hub.example --token-file admin.key
  tidings top --once")]
pub(crate) struct TopArgs {
    #[command(flatten)]
    hub: Hub,
    /// Print the figures of one second and end; as when standard output is no terminal
    #[arg(long)]
    once: bool,
}

/// Shows what the hub does, until the user has seen enough.
///
/// # Errors
/// When the hub cannot be reached or refuses to tell, or the terminal fails.
pub(crate) async fn run(args: TopArgs) -> anyhow::Result<()> {
    let hub = Watched { client: client::builder().timeout(PATIENCE).build()?, hub: args.hub };
    let first = hub.read().await?;
    match args.once || !io::stdout().is_terminal() {
        true => once(&hub, first).await,
        false => live(&hub, first).await,
    }
}

async fn once(hub: &Watched, first: Reading) -> anyhow::Result<()> {
    tokio::time::sleep(EVERY).await;
    let second = hub.read().await?;
    let view = View::new(&hub.title(), &first.sample, &first, &second);
    standard::print(view.lines(PLAIN_WIDTH, Colours::None).join("\n"))
}

async fn live(hub: &Watched, first: Reading) -> anyhow::Result<()> {
    let mut screen = Screen::open()?;
    let mut keys = keys()?;
    let mut terminated = signal::unix::signal(signal::unix::SignalKind::terminate())?;
    let mut ticks = tokio::time::interval(EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    // Limits that were hit are counted from here on.
    let since = first.sample.clone();
    let (mut former, mut latest) = (None, first);
    let mut trouble = None;
    loop {
        let shown = former.as_ref().unwrap_or(&latest);
        let view = View::new(&hub.title(), &since, shown, &latest);
        screen.show(&view, trouble.as_deref())?;
        tokio::select! {
            // Without a keyboard there is nothing to wait for.
            Some(key) = keys.recv() => if key.eq_ignore_ascii_case(&b'q') {
                return Ok(());
            },
            _ = signal::ctrl_c() => return Ok(()),
            _ = terminated.recv() => return Ok(()),
            reading = async { ticks.tick().await; hub.read().await } => match reading {
                Ok(reading) => {
                    former = Some(std::mem::replace(&mut latest, reading));
                    trouble = None;
                }
                // It may be restarting: whoever watches wants to see it come back.
                Err(error) => trouble = Some(format!("{error:#}")),
            },
        }
    }
}

/// What is typed, byte by byte. The thread that waits for it ends with the program.
fn keys() -> io::Result<mpsc::Receiver<u8>> {
    use io::Read as _;
    let (typed, keys) = mpsc::channel(1);
    std::thread::Builder::new().name("tidings-keys".into()).spawn(move || {
        for byte in io::stdin().lock().bytes().map_while(Result::ok) {
            if typed.blocking_send(byte).is_err() {
                return;
            }
        }
    })?;
    Ok(keys)
}

/// The hub that is looked at.
struct Watched {
    client: Client,
    hub: Hub,
}

/// What the hub answered, and when.
#[derive(Debug)]
struct Reading {
    sample: Sample,
    at: Instant,
}

impl Watched {
    async fn read(&self) -> anyhow::Result<Reading> {
        let url = self.hub.path("metrics")?;
        let request = self.hub.authorized(self.client.get(url.clone()))?;
        let response = request.send().await.map_err(|error| client::unreachable(&url, error))?;
        match response.status() {
            StatusCode::OK => {}
            StatusCode::NOT_FOUND => {
                return Err(Fault::Data.because(
                    "there are no metrics at this address: if the hub has admin.listen, give --url that address",
                ));
            }
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => {
                let refused = client::refused(response).await;
                return Err(Fault::Data.because(format_args!(
                    "{refused}; `tidings top` needs the key or token of an administrator"
                )));
            }
            _ => return Err(client::refused(response).await),
        }
        let text = response.text().await.map_err(|error| client::unreachable(&url, error))?;
        Ok(Reading { sample: Sample::parse(&text), at: Instant::now() })
    }

    fn title(&self) -> String {
        self.hub.origin()
    }
}
