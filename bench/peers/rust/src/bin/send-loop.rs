//! The first floor: one `send()` for each subscriber and event, then the publisher is answered.

use clap::Parser;
use tidings_peers::{Fanout, Floor, ListenOptions};

#[derive(Debug, Parser)]
#[command(about = "The bare loop: one send() for each subscriber and event")]
struct Options {
    #[command(flatten)]
    listen: ListenOptions,
}

fn main() -> anyhow::Result<()> {
    let floor = Floor::bind(Options::parse().listen.listen, Fanout::EachPublish)?;
    ListenOptions::announce(floor.address()?);
    Ok(floor.run()?)
}
