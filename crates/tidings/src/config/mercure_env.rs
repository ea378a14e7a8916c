//! The environment variables of the reference Mercure hub, so that its deployments switch over as they are.
//!
//! They are read only when they are set, and are the layer below our own keys: what the file, a `TIDINGS_` variable or a
//! flag says goes over them. `MERCURE_EXTRA_DIRECTIVES` holds lines of a Caddyfile. A directive that has a meaning here
//! is obeyed; one that has none, such as where the history is kept, is named in a warning; one that nobody knows is an
//! error, because what it was to forbid would be allowed. `MERCURE_LICENSE` and whatever else applications keep under
//! `MERCURE_` are not looked at.

mod caddyfile;

use std::time::Duration;

use reqwest::Url;
use tidings_auth::{Issuer, KeySource, Roles, Secret};

use self::caddyfile::Directive;
use super::{
    cors, jwt,
    layers::Layers,
    mercure,
    problem::Place,
    value::{self, Given, Parsed},
};

const EXTRA_DIRECTIVES: &str = "MERCURE_EXTRA_DIRECTIVES";
const TRUSTED_ISSUERS: &str = "MERCURE_TRUSTED_ISSUERS";

/// The longest name of an unknown directive that is shown. The longest known one has 30 letters.
const MAX_SHOWN: usize = 40;

/// A role that has a key of its own.
struct Role {
    key: &'static str,
    algorithm: &'static str,
    /// Of the directives `…_jwt` and `…_jwks_url`.
    prefix: &'static str,
    roles: Roles,
}

const ROLES: [Role; 2] = [
    Role {
        key: "MERCURE_PUBLISHER_JWT_KEY",
        algorithm: "MERCURE_PUBLISHER_JWT_ALG",
        prefix: "publisher",
        roles: Roles { publish: true, subscribe: false },
    },
    Role {
        key: "MERCURE_SUBSCRIBER_JWT_KEY",
        algorithm: "MERCURE_SUBSCRIBER_JWT_ALG",
        prefix: "subscriber",
        roles: Roles { publish: false, subscribe: true },
    },
];

/// Directives that mean nothing here, and what to know about them.
const WITHOUT_MEANING: [(&str, &str); 13] = [
    ("debugger", "there is a console at /"),
    ("demo", "`tidings serve --demo` has demo pages"),
    ("dispatch_timeout", "limits.stall says how long a subscriber may take nothing"),
    ("max_request_body_size", "limits.body is the longest body"),
    ("name", "there is one hub in a process"),
    ("playground", "`tidings serve --demo` has demo pages"),
    ("protocol_version_compatibility", "mercure.dialects says which dialects are spoken"),
    ("subscriber_list_cache_size", "there is no such cache"),
    ("topic_matcher_cache", "there is no such cache"),
    ("topic_selector_cache", "there is no such cache"),
    ("transport", "[log] and [history] say where and how long events are kept"),
    ("transport_url", "[log] and [history] say where and how long events are kept"),
    ("ui", "there is a console at /"),
];

/// What the reference hub's variables say.
#[derive(Debug, Default)]
pub(super) struct Reference {
    /// Those whose tokens are believed; none if `[[jwt]]` says so itself.
    pub(super) issuers: Vec<Issuer>,
    /// Whether this hub stands in for a reference hub, because it is to believe the tokens of one.
    pub(super) is_adopted: bool,
    /// Whether who shows nothing may read all public events.
    pub(super) anonymous: bool,
    pub(super) cors_origins: Option<Vec<String>>,
    pub(super) publish_origins: Option<Vec<String>>,
    /// The cookie of both dialects.
    pub(super) cookie: Option<String>,
    pub(super) url: Option<Url>,
    pub(super) public_urls: Option<Vec<String>>,
    pub(super) subscriptions: bool,
    pub(super) heartbeat: Option<Duration>,
    pub(super) lifetime: Option<Duration>,
    /// What was set and is not obeyed.
    pub(super) warnings: Vec<String>,
}

impl Reference {
    /// Reads the variables. `has_issuers`: whether our own configuration has any, which then are all there are.
    pub(super) fn read(layers: &Layers<'_>, has_issuers: bool) -> Self {
        let mut reader = Reader { layers, reference: Self::default(), sources: [None, None] };
        reader.keys();
        if let Some(text) = layers.foreign_variable(EXTRA_DIRECTIVES) {
            reader.directives(text);
        }
        reader.issuers(has_issuers);
        reader.reference
    }
}

struct Reader<'l, 'a> {
    layers: &'l Layers<'a>,
    reference: Reference,
    /// With what the tokens of each of [`ROLES`] are verified.
    sources: [Option<Source>; 2],
}

/// With what tokens are verified.
struct Source {
    /// The variable or directive that says so.
    name: String,
    /// `None` if a problem was noted.
    keys: Option<KeySource>,
}

impl Reader<'_, '_> {
    /// The keys in the variables of the roles.
    fn keys(&mut self) {
        for (role, source) in ROLES.iter().zip(0..) {
            let Some(key) = self.layers.foreign_variable(role.key) else { continue };
            let algorithm = self.layers.foreign_variable(role.algorithm);
            let algorithm = algorithm.map(|name| jwt::algorithm(&Given::Text(name.into()))).transpose();
            let keys = self
                .noted(role.algorithm, algorithm)
                .and_then(|algorithm| self.noted(role.key, jwt::static_key(Secret::new(key), algorithm)));
            self.sources[source] = Some(Source { name: role.key.to_owned(), keys });
        }
    }

    /// One issuer for each role and each `iss` that is trusted, if our own configuration has none.
    fn issuers(&mut self, has_issuers: bool) {
        let sources = std::mem::take(&mut self.sources);
        let sources = ROLES.iter().zip(sources).filter_map(|(role, source)| Some((role.roles, source?)));
        let trusted = self.layers.foreign_variable(TRUSTED_ISSUERS).unwrap_or_default();
        let mut trusted: Vec<_> = trusted.split_whitespace().map(|issuer| Some(issuer.to_owned())).collect();
        if trusted.is_empty() {
            trusted.push(None);
        }
        for (roles, Source { name, keys }) in sources {
            if has_issuers {
                self.reference
                    .warnings
                    .push(format!("{name} is not used: the [[jwt]] tables say whose tokens are believed"));
                continue;
            }
            self.reference.is_adopted = true;
            let Some(keys) = keys else { continue };
            self.reference.issuers.extend(trusted.iter().map(|issuer| Issuer {
                name: name.clone(),
                issuer: issuer.clone(),
                audience: Vec::new(),
                roles,
                keys: keys.clone(),
                leeway: Duration::ZERO,
            }));
        }
    }

    fn directives(&mut self, text: &str) {
        let place = |line: usize| format!("{EXTRA_DIRECTIVES}, line {line}");
        match caddyfile::directives(text) {
            Ok(directives) => {
                for directive in &directives {
                    let done = self.obey(directive);
                    self.noted(&place(directive.line), done);
                }
            }
            Err(error) => {
                self.noted::<()>(&place(error.line), Err(error.what.to_owned()));
            }
        }
    }

    /// What a directive says, or what is wrong with it. Its arguments may be secrets.
    fn obey(&mut self, Directive { name, arguments, .. }: &Directive) -> Parsed<()> {
        let reference = &mut self.reference;
        let about = |message: String| format!("{name}: {message}");
        if let Some((_, instead)) = WITHOUT_MEANING.iter().find(|(known, _)| known == name) {
            reference
                .warnings
                .push(format!("{EXTRA_DIRECTIVES}: {name} means nothing here and is passed over: {instead}"));
            return Ok(());
        }
        if arguments.iter().any(|argument| argument.starts_with('{') && argument.ends_with('}')) {
            return Err(about(
                "placeholders such as {env.NAME} are not filled in here: write the value".to_owned(),
            ));
        }
        for (role, source) in ROLES.iter().zip(&mut self.sources) {
            let parsed = match name.strip_prefix(role.prefix) {
                Some("_jwt") => jwt_of(arguments),
                Some("_jwks_url") => jwks_of(arguments),
                _ => continue,
            };
            let (keys, done) = match parsed {
                Ok(keys) => (Some(keys), Ok(())),
                Err(message) => (None, Err(about(message))),
            };
            *source = Some(Source { name: name.clone(), keys });
            return done;
        }
        match name.as_str() {
            "anonymous" => reference.anonymous = flag(arguments).map_err(about)?,
            "subscriptions" => reference.subscriptions = flag(arguments).map_err(about)?,
            "cors_origins" => reference.cors_origins = Some(each(arguments, cors::origin).map_err(about)?),
            "publish_origins" => {
                reference.publish_origins = Some(each(arguments, cors::publish_origin).map_err(about)?);
            }
            "public_urls" => {
                let url = |text: String| mercure::public_url(&Given::Text(text.into()));
                reference.public_urls = Some(each(arguments, url).map_err(about)?);
            }
            "cookie_name" => reference.cookie = Some(one(arguments, value::cookie_name).map_err(about)?),
            "resource_identifier" => reference.url = Some(one(arguments, mercure::hub_url).map_err(about)?),
            "heartbeat" => {
                reference.heartbeat = time(arguments).map_err(about)?;
                if reference.heartbeat.is_none() {
                    reference.warnings.push(format!(
                        "{EXTRA_DIRECTIVES}: a stream without heartbeats would be taken for dead on its way: they stay on"
                    ));
                }
            }
            "write_timeout" => reference.lifetime = time(arguments).map_err(about)?,
            "issuer" => {
                return Err(about(
                    "write a [[jwt]] table for each of its roles, with actions = [\"publish\"] or [\"subscribe\"]"
                        .to_owned(),
                ));
            }
            // The rest of a secret that was broken over lines looks like a directive and is not shown.
            _ if name.len() > MAX_SHOWN || !name.bytes().all(|b| b.is_ascii_lowercase() || b == b'_') => {
                return Err("this is no directive".to_owned());
            }
            _ => {
                return Err(format!(
                    "unknown directive {name}: what it was to do would be left undone; take it out if that is right"
                ));
            }
        }
        Ok(())
    }

    fn noted<T>(&self, place: &str, parsed: Parsed<T>) -> Option<T> {
        parsed.map_err(|message| self.layers.problem(Place::Named(place.to_owned()), message)).ok()
    }
}

/// `publisher_jwt KEY [ALGORITHM]`.
fn jwt_of(arguments: &[String]) -> Parsed<KeySource> {
    let (key, algorithm) = match arguments {
        [key] => (key, None),
        // Who has written the two in the wrong order does not find the key in the error.
        [key, algorithm] => match jwt::algorithm(&Given::Text(algorithm.into())) {
            Ok(algorithm) => (key, Some(algorithm)),
            Err(_) => return Err("its second argument is no algorithm: write one such as HS256".to_owned()),
        },
        _ => return Err("it takes a key and, if it is not HS256, an algorithm".to_owned()),
    };
    match key.is_empty() {
        true => Err("the key is empty".to_owned()),
        false => jwt::static_key(Secret::new(key), algorithm),
    }
}

/// `publisher_jwks_url URL`.
fn jwks_of(arguments: &[String]) -> Parsed<KeySource> {
    let url = one(arguments, jwt::jwks_url)?;
    Ok(KeySource::Jwks { url: url.into(), algorithms: tidings_auth::JWKS_ALGORITHMS.to_vec() })
}

fn flag(arguments: &[String]) -> Parsed<bool> {
    if arguments.is_empty() { Ok(true) } else { Err("it takes no argument".to_owned()) }
}

fn one<T>(arguments: &[String], parse: impl Fn(&Given<'_>) -> Parsed<T>) -> Parsed<T> {
    match arguments {
        [argument] => parse(&Given::Text(argument.into())),
        _ => Err(format!("it takes one argument, and has {}", arguments.len())),
    }
}

fn each(arguments: &[String], parse: impl Fn(String) -> Parsed<String>) -> Parsed<Vec<String>> {
    arguments.iter().map(|argument| parse(argument.clone())).collect()
}

/// A time as Go writes it, of which `0` means none.
fn time(arguments: &[String]) -> Parsed<Option<Duration>> {
    let time = one(arguments, |given| match given {
        Given::Text(text) if text == "0" => Ok(Duration::ZERO),
        _ => value::duration_or_none(given),
    })?;
    Ok(Some(time).filter(|time| !time.is_zero()))
}
