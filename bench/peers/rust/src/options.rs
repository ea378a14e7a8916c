//! The command line that all these servers share.

use std::net::SocketAddr;

use clap::Args;

/// Where to listen.
#[derive(Clone, Copy, Debug, Args)]
pub struct ListenOptions {
    /// The address to listen on. Port 0 takes a free one.
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:0")]
    pub listen: SocketAddr,
}

impl ListenOptions {
    /// Tells on standard output, as the hub does, that connections are accepted at `address`.
    pub fn announce(address: SocketAddr) {
        println!("listening on http://{address}");
    }
}
