//! The addresses that are served.

#[cfg(feature = "acme")]
mod acme;
mod bind;
mod inherited;
mod kept;
mod socket;

use std::{
    io::{self, IsTerminal as _, Write as _},
    sync::Arc,
};

use anyhow::{Context as _, bail};
use tidings_http::{Routes, Server, Tls};
use tokio::net::lookup_host;

use self::{
    inherited::Heirloom,
    socket::{Kind, Place, Socket},
};
pub(crate) use self::{inherited::Inherited, kept::Kept};
use crate::{
    config::{Address, Certificate, Config, not_loopback},
    logs,
    standard::say,
};

/// Listening sockets, and where they are.
#[derive(Debug)]
pub(super) struct Listeners(Vec<Heirloom>);

impl Listeners {
    /// Takes or binds every address of the configuration. An inherited socket that nobody has configured serves
    /// everybody, with TLS if it is named `tls`, or operators if it is named `admin`; then nothing is bound by default.
    ///
    /// # Errors
    /// When an address cannot be bound, or is not a loopback address though the hub is open.
    pub(super) async fn bind(config: &Config, mut inherited: Inherited) -> anyhow::Result<Self> {
        let mut admin = Vec::new();
        for address in &config.admin.listen {
            admin.extend(sockets(Kind::Admin, address, &mut inherited, config).await?);
        }
        let mut encrypted = Vec::new();
        for address in &config.tls.listen {
            encrypted.extend(sockets(Kind::Tls, address, &mut inherited, config).await?);
        }
        let mut listeners = Vec::new();
        let has_public = inherited.has_public();
        for address in config.listen.iter().filter(|address| !(has_public && address.is_default())) {
            listeners.extend(sockets(Kind::Public, address, &mut inherited, config).await?);
        }
        for heirloom in inherited.unclaimed() {
            match heirloom.is_own {
                true => retire(&heirloom.place),
                false => listeners.push(heirloom),
            }
        }
        listeners.extend(encrypted);
        listeners.extend(admin);
        let stranger = listeners.iter().find(|listener| !listener.place.is_loopback());
        if let Some(stranger) = stranger.filter(|_| config.is_loopback_only()) {
            bail!("{}", not_loopback(&stranger.place));
        }
        if config.tls.certificate.is_none() && listeners.iter().any(|listener| listener.kind == Kind::Tls) {
            bail!(
                "an inherited socket is named \"tls\", and there is no certificate for it: set it in [tls]"
            );
        }
        Ok(Self(listeners))
    }

    /// Whether operators are answered at addresses of their own.
    pub(super) fn has_admin(&self) -> bool {
        self.0.iter().any(|listener| listener.kind == Kind::Admin)
    }

    /// An address at which this hub answers from its own machine.
    pub(super) fn own_address(&self) -> String {
        let public = self.0.iter().filter(|listener| listener.kind == Kind::Public);
        let mut addresses = public.filter_map(|listener| match listener.place {
            Place::Tcp(address) => Some(address),
            Place::Unix(_) => None,
        });
        match addresses.next() {
            Some(address) if address.ip().is_unspecified() => format!("127.0.0.1:{}", address.port()),
            Some(address) => address.to_string(),
            None => String::new(),
        }
    }

    /// Serves, and says where. What is answered keeps the sockets open.
    pub(super) fn serve(
        self,
        server: &mut Server,
        public: &Routes,
        admin: &Routes,
        config: &Config,
    ) -> anyhow::Result<Open> {
        let own_address = self.own_address();
        server.proxies().store(config.proxies.protocol.then(|| Arc::new(config.proxies.trusted.clone())));
        let certificate = config.tls.certificate.as_ref();
        let tls = certificate.map(|certificate| certificate.load(&config.data)).transpose().context("tls")?;
        let (mut kept, mut lines) = (Kept::default(), String::new());
        for Heirloom { socket, place, kind, is_own } in self.0 {
            let file = match &place {
                Place::Unix(path) => path.clone().filter(|_| is_own),
                Place::Tcp(_) => None,
            };
            kept.keep(inherited::name(kind, is_own), socket.duplicate()?, file);
            let listener = socket.into_listener()?;
            match (kind, &tls) {
                (Kind::Tls, Some(tls)) => {
                    server.serve_tls(listener, public.clone(), tls.clone());
                    lines += &match place {
                        Place::Tcp(address) => format!("listening on https://{address}\n"),
                        Place::Unix(_) => format!("listening on {place} with TLS\n"),
                    };
                }
                (Kind::Admin, _) => {
                    server.serve(listener, admin.clone());
                    tracing::info!(address = %place, "operators are answered");
                }
                (Kind::Public | Kind::Tls, _) => {
                    server.serve(listener, public.clone());
                    lines += &match place {
                        Place::Tcp(address) => format!("listening on http://{address}\n"),
                        Place::Unix(_) => format!("listening on {place}\n"),
                    };
                }
            }
        }
        introduce(&own_address, config);
        // Whoever waits for the line on standard output finds the warnings on standard error.
        logs::flush();
        let mut stdout = io::stdout().lock();
        stdout.write_all(lines.as_bytes()).and_then(|()| stdout.flush()).context("standard output")?;
        let from_files = match (certificate, tls) {
            (Some(Certificate::Files { .. }), Some(tls)) => {
                tokio::spawn(tls.clone().watch());
                Some(tls)
            }
            #[cfg(feature = "acme")]
            (Some(Certificate::Acme(acme)), Some(tls)) => {
                tokio::spawn(acme::keep(acme.clone(), config.data.clone(), tls));
                None
            }
            _ => None,
        };
        Ok(Open { kept, tls: from_files })
    }
}

/// What serves now.
#[derive(Debug)]
pub(super) struct Open {
    /// The sockets, a second time.
    pub(super) kept: Kept,
    /// What the listeners with TLS show from files, to be read again when the operator asks for it.
    pub(super) tls: Option<Tls>,
}

/// Says on standard error what a newcomer can do, and what the hub leaves open.
fn introduce(address: &str, config: &Config) {
    if !address.is_empty() {
        invite(address, config);
    }
    warn_of_openness(config);
}

fn invite(address: &str, config: &Config) {
    let (open, topic) = (format!("http://{address}/"), &config.default_topic);
    let key = if config.is_open { "" } else { "-H 'Authorization: Bearer KEY' " };
    let publish = format!("curl {key}-d 'Hello' http://{address}/topics/{topic}");
    match io::stderr().is_terminal() {
        true => say(format_args!("\n  open  {open}\n  try   {publish}\n")),
        // Nobody is looking; whoever reads the log later expects nothing else in it.
        false => tracing::info!(open, publish, "ready"),
    }
}

fn warn_of_openness(config: &Config) {
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

/// The sockets at an address, which may be a name of several.
async fn sockets(
    kind: Kind,
    address: &Address,
    inherited: &mut Inherited,
    config: &Config,
) -> anyhow::Result<Vec<Heirloom>> {
    if let Some(path) = address.path() {
        let place = Place::Unix(Some(path.to_owned()));
        let bound = || Ok(Some(bind::unix(path, config.unix_mode)?));
        let found = socket(kind, place, inherited, bound)?;
        // Another mode may be configured by now than the hub had that made the file. What others made is theirs to open.
        if found.as_ref().is_some_and(|heirloom| heirloom.is_own) {
            bind::set_mode(path, config.unix_mode).with_context(|| format!("cannot listen on {address}"))?;
        }
        return Ok(found.into_iter().collect());
    }
    let resolved = lookup_host(address.as_str()).await;
    let mut found = Vec::new();
    for resolved in resolved.with_context(|| format!("{address} cannot be looked up"))? {
        let place = Place::Tcp(resolved);
        if config.is_loopback_only() && !place.is_loopback() {
            bail!("{}", not_loopback(address));
        }
        // A name such as localhost has an IPv6 address on machines that have no IPv6.
        found.extend(socket(kind, place, inherited, || bind::tcp(resolved))?);
    }
    if found.is_empty() {
        bail!("cannot listen on {address}: this machine has no such address");
    }
    Ok(found)
}

/// The socket that was inherited for this place, or else a new one.
fn socket(
    kind: Kind,
    place: Place,
    inherited: &mut Inherited,
    bound: impl FnOnce() -> anyhow::Result<Option<Socket>>,
) -> anyhow::Result<Option<Heirloom>> {
    if let Some(heirloom) = inherited.claim(kind, &place) {
        tracing::info!(address = %heirloom.place, "the listening socket was inherited");
        return Ok(Some(Heirloom { kind, ..heirloom }));
    }
    let Some(socket) = bound()? else { return Ok(None) };
    Ok(Some(Heirloom { place: socket.place()?, socket, kind, is_own: true }))
}

/// Closes the address of a former configuration.
fn retire(place: &Place) {
    tracing::info!(address = %place, "no longer listening there: it is configured no longer");
    if let Place::Unix(Some(path)) = place {
        kept::remove(path);
    }
}
