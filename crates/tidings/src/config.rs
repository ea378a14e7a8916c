//! The configuration: what can be set, where it comes from, and what is wrong with it.
//!
//! Flags go over environment variables, those over the file, that over the defaults. Every key of the file, `a.b`, is
//! also the environment variable `TIDINGS_A_B`; lists may be written with commas there, and the tables of `[[topic]]`
//! and `[[source]]` as a TOML list. Whatever is not known is an error that names the nearest thing that is.
//!
//! The types here hold what is valid; `tidings.example.toml` documents all keys for people, and a test holds the two
//! together.

mod acme;
mod address;
mod auth;
mod cors;
mod echo;
mod environment;
mod history;
mod jwt;
mod keys;
mod layers;
mod limits;
mod log;
mod logs;
mod mercure;
mod mercure_env;
mod nearest;
mod problem;
mod proxies;
mod pusher;
mod secret;
mod section;
mod source;
mod stream;
#[cfg(test)]
mod tests;
mod tls;
mod value;

use std::{
    fmt, io,
    path::{Path, PathBuf},
};

use tidings_auth::{Anonymous, Issuer, Key, KeySource};
use tidings_hub::Topic;
use tidings_sources::SourceConfig;

pub(crate) use self::{
    acme::Acme,
    address::Address,
    auth::Auth,
    cors::Cors,
    echo::Echo,
    environment::Environment,
    history::{History, TopicRule},
    jwt::is_hmac,
    limits::{Limits, Memory},
    log::{Durability, Engine, Log},
    logs::{Format, Logs},
    mercure::{Ids, Mercure, UnknownCursor},
    problem::Problems,
    proxies::Proxies,
    pusher::Pusher,
    secret::{from_file as secret_from_file, without_line_end},
    stream::Stream,
    tls::{Certificate, Tls},
    value::Given,
};
use self::{
    layers::{File, Flags, Layers},
    mercure_env::Reference,
    problem::{Place, Problem},
    section::Section,
};

/// The file that is read if it exists and none is named.
const DEFAULT_FILE: &str = "tidings.toml";

/// Everything that can be set, valid.
#[derive(Debug, Clone)]
pub(crate) struct Config {
    /// The addresses to serve on without TLS; at least one, if there is none with TLS. Default: `127.0.0.1:8080`.
    pub(crate) listen: Vec<Address>,
    /// The permissions of the files of unix sockets. Default: 0660.
    pub(crate) unix_mode: u32,
    /// The directory of the log. Default: `./tidings-data`.
    pub(crate) data: PathBuf,
    /// The topic of who names none. Default: `messages`.
    pub(crate) default_topic: Topic,
    /// Whether the demo pages are served. Default: no.
    pub(crate) demo: bool,
    /// Whether to serve more than loopback addresses without any keys. Default: no.
    pub(crate) insecure_open: bool,
    /// Whether everybody may do everything: there are no keys, issuers, Pusher apps, anonymous rights and callback.
    pub(crate) is_open: bool,
    /// `[[keys]]`.
    pub(crate) keys: Vec<Key>,
    /// `[[jwt]]`, or else those that the reference Mercure hub's variables name.
    pub(crate) issuers: Vec<Issuer>,
    /// `[anonymous]`.
    pub(crate) anonymous: Option<Anonymous>,
    /// `[auth]`.
    pub(crate) auth: Auth,
    /// `[mercure]`.
    pub(crate) mercure: Mercure,
    /// `[pusher]`.
    pub(crate) pusher: Pusher,
    /// `[echo]`.
    pub(crate) echo: Echo,
    /// `[log]`.
    pub(crate) log: Log,
    /// `[history]`.
    pub(crate) history: History,
    /// `[[topic]]`, in their order: the first that matches a topic is the topic's.
    pub(crate) topics: Vec<TopicRule>,
    /// `[cors]`.
    pub(crate) cors: Cors,
    /// `[proxies]`.
    pub(crate) proxies: Proxies,
    /// `[tls]`.
    pub(crate) tls: Tls,
    /// `[limits]`.
    pub(crate) limits: Limits,
    /// `[stream]`.
    pub(crate) stream: Stream,
    /// `[admin]`.
    pub(crate) admin: Admin,
    /// `[logs]`.
    pub(crate) logs: Logs,
    /// `[[source]]`.
    pub(crate) sources: Vec<SourceConfig>,
    /// The file that was read, if any.
    pub(crate) file: Option<PathBuf>,
    /// What was set and is not obeyed, or is not as safe as it looks.
    pub(crate) warnings: Vec<String>,
}

/// `[admin]`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Admin {
    /// Addresses for operators. If there are any, `/metrics`, `/topics` and `/stats` are answered only there; `/livez`
    /// and `/readyz` everywhere. Default: none.
    pub(crate) listen: Vec<Address>,
}

/// What the command line says.
#[derive(Clone, Debug, Default)]
pub(crate) struct Overrides {
    /// `--config`.
    pub(crate) config: Option<PathBuf>,
    /// `--listen`; replaces all other addresses if there is one.
    pub(crate) listen: Vec<String>,
    /// `--data`.
    pub(crate) data: Option<PathBuf>,
    /// `--demo`.
    pub(crate) demo: bool,
    /// `--insecure-open`.
    pub(crate) insecure_open: bool,
}

impl Config {
    /// Reads the configuration from all layers.
    ///
    /// # Errors
    /// All problems that were found, in any layer. Nothing has been bound or written then.
    pub(crate) fn load(overrides: &Overrides, environment: &Environment) -> Result<Self, Problems> {
        let file = find_file(overrides, environment)?;
        let layers = Layers::new(overrides.flags(), environment, file.as_ref());
        let config = Self::read(&layers);
        layers.finish()?;
        // It blocks nobody: the program has only begun, or whoever reads the configuration again does it apart.
        let certificate = config.tls.certificate.as_ref();
        if let Some(Err(error)) = certificate.map(|certificate| certificate.load(&config.data)) {
            return Err(Problem::new(Place::Named("tls".to_owned()), format!("{error:#}")).into());
        }
        Ok(Self { file: file.map(|file| PathBuf::from(file.name)), ..config })
    }

    /// Whether the hub is only for this machine: it is open, and was not told to be so for others.
    pub(crate) fn is_loopback_only(&self) -> bool {
        self.is_open && !self.insecure_open
    }

    /// Who is known to the hub. Revocations are kept beside the log, and like it only in memory if that is where it is.
    pub(crate) fn auth_settings(&self) -> tidings_auth::Settings {
        let revocations = match self.log.engine {
            Engine::Disk => Some(self.data.join("revocations.jsonl")),
            Engine::Memory => None,
        };
        tidings_auth::Settings {
            keys: self.keys.clone(),
            issuers: self.issuers.clone(),
            anonymous: self.anonymous.clone(),
            callback: self.auth.callback.clone(),
            dialects: self.mercure.dialects,
            base: tidings_http::mercure_base(self.mercure.url.as_ref()),
            revocations,
            closed: !self.pusher.apps.is_empty(),
        }
    }

    /// Reads all keys. What is wrong is noted in `layers`, and a default stands in its place.
    fn read(layers: &Layers<'_>) -> Self {
        let mut top = layers.top();
        let addresses = value::one_or_more(value::address);
        let topic = |given: &Given<'_>| Topic::new(value::string(given)?).map_err(|error| error.to_string());

        let listen = top.read("listen", &addresses);
        let listen = listen.unwrap_or_else(|| vec![Address::default()]);
        let unix_mode = top.read("unix_mode", value::mode).unwrap_or(0o660);
        let data = top.read("data", value::non_empty).unwrap_or_else(|| "./tidings-data".to_owned()).into();
        let default_topic = top.read("default_topic", topic).unwrap_or_else(messages);
        let demo = top.read("demo", value::boolean).unwrap_or_default();
        let insecure_open = top.read("insecure_open", value::boolean).unwrap_or_default();

        let keys = keys::read(&mut top);
        let mut issuers = sections(&mut top, "jwt", jwt::read);
        let reference = Reference::read(layers, top.has("jwt"));
        issuers.extend_from_slice(&reference.issuers);
        let anonymous = section(&mut top, "anonymous", |section| auth::anonymous(section, &reference));
        let cors = section(&mut top, "cors", |section| Cors::read(section, &reference));
        let auth = section(&mut top, "auth", |section| Auth::read(section, &cors));
        let pusher = section(&mut top, "pusher", Pusher::read);
        // What is given and wrong counts too: that the hub is not meant to be open is clear.
        let is_open = !["keys", "jwt"].iter().any(|key| top.has(key))
            && !reference.is_adopted
            && !pusher.is_given
            && anonymous.is_none()
            && auth.callback.is_none();
        let mercure =
            section(&mut top, "mercure", |section| Mercure::read(section, is_open, &auth, &reference));

        let echo = section(&mut top, "echo", Echo::read);

        let log = section(&mut top, "log", Log::read);
        let history = section(&mut top, "history", History::read);
        let proxies = section(&mut top, "proxies", Proxies::read);
        let limits = section(&mut top, "limits", Limits::read);
        let stream = section(&mut top, "stream", |section| Stream::read(section, &reference));
        let logs = section(&mut top, "logs", Logs::read);
        let anywhere = !is_open || insecure_open;
        let tls = section(&mut top, "tls", |section| {
            let tls = Tls::read(section);
            check_addresses(section, &tls.listen, &listen, anywhere);
            tls
        });
        if listen.is_empty() && tls.listen.is_empty() {
            top.reject("listen", "it names no address, so that nobody could connect");
        }
        let public = [listen.as_slice(), &tls.listen].concat();
        let admin = section(&mut top, "admin", |section| {
            let admin = Admin { listen: section.read("listen", &addresses).unwrap_or_default() };
            check_addresses(section, &admin.listen, &public, anywhere);
            admin
        });
        let topics = sections(&mut top, "topic", |section| TopicRule::read(section, &history));
        let sources = sections(&mut top, "source", source::read);

        check_addresses(&top, &listen, &[], anywhere);
        if insecure_open && !is_open {
            top.reject(
                "insecure_open",
                "it does nothing: the hub is not open, because there are keys, issuers, Pusher apps, \
                 anonymous rights or a callback; take it out",
            );
        }
        top.close();
        let warnings = [reference.warnings, short_secrets(&issuers)].concat();
        Self {
            listen,
            unix_mode,
            data,
            default_topic,
            demo,
            insecure_open,
            is_open,
            keys,
            issuers,
            anonymous,
            auth,
            mercure,
            pusher,
            echo,
            log,
            history,
            topics,
            cors,
            proxies,
            tls,
            limits,
            stream,
            admin,
            logs,
            sources,
            file: None,
            warnings,
        }
    }
}

/// The issuers whose shared secret is shorter than the hash of its algorithm, and could be found from one token by
/// trying (RFC 7518, section 3.2). They are not refused, because deployments that switch over have them.
fn short_secrets(issuers: &[Issuer]) -> Vec<String> {
    let warning = |issuer: &Issuer| {
        let KeySource::Static { key, algorithm } = &issuer.keys else { return None };
        let least = jwt::hash_bytes(*algorithm)?;
        let length = key.expose().len();
        (length < least).then(|| {
            format!(
                "the key of {:?} has {length} bytes, and {algorithm:?} wants {least}: who has a token could find it \
                 by trying",
                issuer.name
            )
        })
    };
    issuers.iter().filter_map(warning).collect()
}

impl Overrides {
    fn flags(&self) -> Flags {
        let mut flags = Flags::new();
        if !self.listen.is_empty() {
            flags.insert("listen", ("--listen", Given::Text(self.listen.join(",").into())));
        }
        if let Some(data) = &self.data {
            flags.insert("data", ("--data", Given::Text(data.to_string_lossy().into_owned().into())));
        }
        for (key, flag, given) in
            [("demo", "--demo", self.demo), ("insecure_open", "--insecure-open", self.insecure_open)]
        {
            if given {
                flags.insert(key, (flag, Given::Text("true".into())));
            }
        }
        flags
    }
}

fn section<'l, 'a, T>(
    parent: &mut Section<'l, 'a>,
    key: &str,
    read: impl FnOnce(&mut Section<'l, 'a>) -> T,
) -> T {
    let mut section = parent.section(key);
    let value = read(&mut section);
    section.close();
    value
}

fn sections<'l, 'a, T>(
    parent: &mut Section<'l, 'a>,
    key: &str,
    read: impl Fn(&mut Section<'l, 'a>) -> Option<T>,
) -> Vec<T> {
    let read_one = |mut section| {
        let value = read(&mut section);
        section.close();
        value
    };
    parent.sections(key).into_iter().filter_map(read_one).collect()
}

/// Addresses named twice, and those that an open hub does not listen on. A host name that has to be looked up is left
/// to whoever binds it.
fn check_addresses(section: &Section<'_, '_>, addresses: &[Address], others: &[Address], anywhere: bool) {
    for (index, address) in addresses.iter().enumerate() {
        let is_taken = addresses[..index].contains(address) || others.contains(address);
        if is_taken && !address.is_any_port() {
            section.reject("listen", format!("{address} is named twice"));
        }
        if address.is_loopback() == Some(false) && !anywhere {
            section.reject("listen", not_loopback(address));
        }
    }
}

/// Why an open hub does not listen on this address.
pub(crate) fn not_loopback(address: &impl fmt::Display) -> String {
    format!(
        "{address} is not a loopback address, and without keys everybody who reaches it could publish and read \
         everything: give the hub keys ([[keys]]; `tidings token key` makes one), listen on 127.0.0.1, or allow it \
         with --insecure-open (insecure_open = true)"
    )
}

/// The default topic's default.
fn messages() -> Topic {
    Topic::new("messages").expect("the name is not empty, short, and has no control characters")
}

fn find_file(overrides: &Overrides, environment: &Environment) -> Result<Option<File>, Problem> {
    let (path, is_named) = match (&overrides.config, environment.get("TIDINGS_CONFIG")) {
        (Some(path), _) => (path.clone(), true),
        (None, Some(path)) => (PathBuf::from(path), true),
        (None, None) => (PathBuf::from(DEFAULT_FILE), false),
    };
    read_file(&path, is_named)
}

fn read_file(path: &Path, is_named: bool) -> Result<Option<File>, Problem> {
    let name = path.display().to_string();
    match std::fs::read_to_string(path) {
        Ok(text) => Ok(Some(File { name, text })),
        Err(error) if error.kind() == io::ErrorKind::NotFound && !is_named => Ok(None),
        Err(error) => {
            Err(Problem::new(Place::Named(name), format!("the configuration cannot be read: {error}")))
        }
    }
}
