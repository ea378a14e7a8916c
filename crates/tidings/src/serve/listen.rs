//! The addresses that are served.

use std::{
    io::{self, IsTerminal as _, Write as _},
    net::SocketAddr,
};

use anyhow::{Context as _, bail};
use tidings_http::{Routes, Server};
use tokio::net::{TcpListener, TcpSocket, lookup_host};

use super::machine::BACKLOG;
use crate::{
    config::{Address, Config, not_loopback},
    logs,
    standard::say,
};

/// Bound listeners, and where they are.
#[derive(Debug)]
pub(super) struct Listeners {
    public: Vec<(SocketAddr, TcpListener)>,
    admin: Vec<(SocketAddr, TcpListener)>,
}

impl Listeners {
    /// Binds every address of the configuration.
    ///
    /// # Errors
    /// When an address cannot be bound, or is not a loopback address though the hub is open.
    pub(super) async fn bind(config: &Config) -> anyhow::Result<Self> {
        Ok(Self {
            public: bind(&config.listen, config).await?,
            admin: bind(&config.admin.listen, config).await?,
        })
    }

    /// An address at which this hub answers from its own machine.
    pub(super) fn own_address(&self) -> String {
        match self.public.first() {
            Some((address, _)) if address.ip().is_unspecified() => format!("127.0.0.1:{}", address.port()),
            Some((address, _)) => address.to_string(),
            None => String::new(),
        }
    }

    /// Serves, and says where.
    pub(super) fn serve(
        self,
        server: &mut Server,
        public: &Routes,
        admin: &Routes,
        config: &Config,
    ) -> anyhow::Result<()> {
        let own_address = self.own_address();
        for (address, listener) in self.admin {
            server.serve(listener, admin.clone());
            tracing::info!(%address, "operators are answered");
        }
        let mut lines = String::new();
        for (address, listener) in self.public {
            server.serve(listener, public.clone());
            lines += &format!("listening on http://{address}\n");
        }
        introduce(&own_address, config);
        // Whoever waits for the line on standard output finds the warnings on standard error.
        logs::flush();
        let mut stdout = io::stdout().lock();
        stdout.write_all(lines.as_bytes()).and_then(|()| stdout.flush()).context("standard output")
    }
}

/// Says on standard error what a newcomer can do, and what the hub leaves open.
fn introduce(address: &str, config: &Config) {
    let (open, topic) = (format!("http://{address}/"), &config.default_topic);
    let key = if config.is_open { "" } else { "-H 'Authorization: Bearer KEY' " };
    let publish = format!("curl {key}-d 'Hello' http://{address}/topics/{topic}");
    match io::stderr().is_terminal() {
        true => say(format_args!("\n  open  {open}\n  try   {publish}\n")),
        // Nobody is looking; whoever reads the log later expects nothing else in it.
        false => tracing::info!(open, publish, "ready"),
    }
    match (config.is_open, config.insecure_open) {
        (false, _) => {}
        (true, false) => {
            tracing::warn!("no keys: this hub is open to every program on this machine, and to nothing else")
        }
        (true, true) => tracing::warn!(
            "no keys and --insecure-open: everybody who reaches this hub can publish and read everything"
        ),
    }
}

async fn bind(addresses: &[Address], config: &Config) -> anyhow::Result<Vec<(SocketAddr, TcpListener)>> {
    let mut listeners = Vec::new();
    for address in addresses {
        let resolved =
            lookup_host(address.as_str()).await.with_context(|| format!("{address} cannot be looked up"))?;
        let mut found = false;
        for resolved in resolved {
            if config.is_loopback_only() && !resolved.ip().to_canonical().is_loopback() {
                bail!("{}", not_loopback(address));
            }
            match listener(resolved) {
                Ok(listener) => {
                    listeners.push((listener.local_addr()?, listener));
                    found = true;
                }
                // A name such as localhost has an IPv6 address on machines that have no IPv6.
                Err(error) if error.kind() == io::ErrorKind::AddrNotAvailable => {}
                Err(error) if error.kind() == io::ErrorKind::AddrInUse => {
                    bail!(
                        "{resolved} is in use, perhaps by another hub: choose another address with --listen"
                    )
                }
                Err(error) => return Err(error).with_context(|| format!("cannot listen on {resolved}")),
            }
        }
        if !found {
            bail!("cannot listen on {address}: this machine has no such address");
        }
    }
    Ok(listeners)
}

fn listener(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
    // So that a restart does not wait for the kernel to forget the old connections.
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}
