//! The configuration: what can be set, where it comes from, and what is wrong with it.
//!
//! Flags go over environment variables, those over the file, that over the defaults. Every key of the file, `a.b`, is
//! also the environment variable `TIDINGS_A_B`; lists may be written with commas there, and the tables of `[[topic]]`
//! and `[[source]]` as a TOML list. Whatever is not known is an error that names the nearest thing that is.
//!
//! The types here hold what is valid; `tidings.example.toml` documents all keys for people, and a test holds the two
//! together.

mod address;
mod cors;
mod environment;
mod history;
mod layers;
mod limits;
mod log;
mod logs;
mod nearest;
mod problem;
mod section;
mod source;
mod stream;
#[cfg(test)]
mod tests;
mod value;

use std::{
    io,
    path::{Path, PathBuf},
};

use tidings_hub::Topic;
use tidings_sources::SourceConfig;

pub(crate) use self::{
    address::Address,
    cors::Cors,
    environment::Environment,
    history::{History, TopicRule},
    limits::Limits,
    log::{Durability, Engine, Log},
    logs::{Format, Logs},
    problem::Problems,
    stream::Stream,
    value::Given,
};
use self::{
    layers::{File, Flags, Layers},
    problem::{Place, Problem},
    section::Section,
};

/// The file that is read if it exists and none is named.
const DEFAULT_FILE: &str = "tidings.toml";

/// Everything that can be set, valid.
#[derive(Debug, Clone)]
pub(crate) struct Config {
    /// The addresses to serve on; at least one. Default: `127.0.0.1:8080`.
    pub(crate) listen: Vec<Address>,
    /// The directory of the log. Default: `./tidings-data`.
    pub(crate) data: PathBuf,
    /// The topic of who names none. Default: `messages`.
    pub(crate) default_topic: Topic,
    /// Whether the demo pages are served. Default: no.
    pub(crate) demo: bool,
    /// Whether to serve more than loopback addresses without any keys. Default: no.
    pub(crate) insecure_open: bool,
    /// `[log]`.
    pub(crate) log: Log,
    /// `[history]`.
    pub(crate) history: History,
    /// `[[topic]]`, in their order: the first that matches a topic is the topic's.
    pub(crate) topics: Vec<TopicRule>,
    /// `[cors]`.
    pub(crate) cors: Cors,
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
}

/// `[admin]`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Admin {
    /// Addresses for operators. If there are any, `/metrics`, `/topics` and `/stats` are answered only there; `/livez`
    /// and `/readyz` everywhere. Default: none.
    pub(crate) listen: Vec<Address>,
}

/// What the command line says.
#[derive(Debug, Default)]
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
        Ok(Self { file: file.map(|file| PathBuf::from(file.name)), ..config })
    }

    /// Reads all keys. What is wrong is noted in `layers`, and a default stands in its place.
    fn read(layers: &Layers<'_>) -> Self {
        let mut top = layers.top();
        let addresses =
            |given: &Given<'_>| value::one_or_more(|given| Address::new(&value::string(given)?))(given);
        let topic = |given: &Given<'_>| Topic::new(value::string(given)?).map_err(|error| error.to_string());

        let listen = top.read("listen", addresses);
        if listen.as_ref().is_some_and(Vec::is_empty) {
            top.reject("listen", "it names no address, so that nobody could connect");
        }
        let listen = listen.unwrap_or_else(|| vec![Address::default()]);
        let data = top.read("data", value::non_empty).unwrap_or_else(|| "./tidings-data".to_owned()).into();
        let default_topic = top.read("default_topic", topic).unwrap_or_else(messages);
        let demo = top.read("demo", value::boolean).unwrap_or_default();
        let insecure_open = top.read("insecure_open", value::boolean).unwrap_or_default();

        let log = section(&mut top, "log", Log::read);
        let history = section(&mut top, "history", History::read);
        let cors = section(&mut top, "cors", Cors::read);
        let limits = section(&mut top, "limits", Limits::read);
        let stream = section(&mut top, "stream", Stream::read);
        let logs = section(&mut top, "logs", Logs::read);
        let admin = section(&mut top, "admin", |section| {
            let admin = Admin { listen: section.read("listen", addresses).unwrap_or_default() };
            check_addresses(section, &admin.listen, &listen, insecure_open);
            admin
        });
        let topics = sections(&mut top, "topic", |section| TopicRule::read(section, &history));
        let sources = sections(&mut top, "source", source::read);

        check_addresses(&top, &listen, &[], insecure_open);
        top.close();
        Self {
            listen,
            data,
            default_topic,
            demo,
            insecure_open,
            log,
            history,
            topics,
            cors,
            limits,
            stream,
            admin,
            logs,
            sources,
            file: None,
        }
    }
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
fn check_addresses(
    section: &Section<'_, '_>,
    addresses: &[Address],
    others: &[Address],
    insecure_open: bool,
) {
    for (index, address) in addresses.iter().enumerate() {
        let is_taken = addresses[..index].contains(address) || others.contains(address);
        if is_taken && !address.is_any_port() {
            section.reject("listen", format!("{address} is named twice"));
        }
        if address.is_loopback() == Some(false) && !insecure_open {
            section.reject("listen", not_loopback(address));
        }
    }
}

/// Why an open hub does not listen on this address.
pub(crate) fn not_loopback(address: &Address) -> String {
    format!(
        "{address} is not a loopback address, and without keys everybody who reaches it could publish and read \
         everything: listen on 127.0.0.1 behind a proxy, or allow it with --insecure-open (insecure_open = true)"
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
