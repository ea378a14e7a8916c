//! The second floor: the publisher is answered first; what has arrived meanwhile is one `send()` for each subscriber.

use clap::Parser;
use tidings_peers::{Fanout, Floor, ListenOptions};

#[derive(Debug, Parser)]
#[command(about = "The bare loop with batches: one send() for each subscriber and batch of events")]
struct Options {
    #[command(flatten)]
    listen: ListenOptions,
}

fn main() -> anyhow::Result<()> {
    let floor = Floor::bind(Options::parse().listen.listen, Fanout::Batched)?;
    ListenOptions::announce(floor.address()?);
    Ok(floor.run()?)
}
