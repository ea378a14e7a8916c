//! The public keys of an issuer, fetched where it publishes them (a JWKS).
//!
//! The set is kept until a new one has been fetched, however long that fails. It is fetched again from time to time,
//! and when a token names a key that is not in it, which is how an issuer changes its keys; not more often than
//! [`MIN_INTERVAL`], so that invented names do not make the hub a burden for the issuer. All who wait for a key wait
//! for one and the same fetch, which goes on when they leave.

mod fuzz;
mod set;

use std::{
    fmt, io,
    path::PathBuf,
    sync::{Arc, PoisonError, RwLock, Weak},
    time::{Duration, Instant},
};

use http::header::CACHE_CONTROL;
use jsonwebtoken::{Algorithm, AlgorithmFamily, DecodingKey};
use reqwest::{Client, StatusCode};
use tokio::{fs::File, io::AsyncReadExt as _, sync::Mutex, time::sleep};
use url::Url;

pub use self::fuzz::fuzz;
use self::set::KeySet;
use crate::{
    fetch::{self, Failed},
    refusal::Reason,
};

/// The least time between two fetches.
const MIN_INTERVAL: Duration = Duration::from_secs(10);

/// The most time between two fetches. The issuer may ask for less (`Cache-Control: max-age`).
const MAX_AGE: Duration = Duration::from_secs(600);

/// How long a fetch may take.
const TIMEOUT: Duration = Duration::from_secs(5);

/// How long a set may be, in bytes.
const MAX_BYTES: usize = 1 << 20;

/// The public keys of an issuer.
pub(crate) struct Jwks {
    /// The issuer's name.
    issuer: String,
    source: Source,
    algorithms: Vec<Algorithm>,
    min_interval: Duration,
    state: RwLock<State>,
    /// Held while a fetch is under way.
    fetching: Mutex<()>,
}

enum Source {
    Http { client: Client, url: Url },
    File(PathBuf),
}

#[derive(Default)]
struct State {
    /// The set that was fetched last, if any was.
    keys: Option<KeySet>,
    /// When the last fetch ended, however it did.
    tried: Option<Instant>,
    /// Whether the last fetch failed.
    failing: bool,
    /// For how long the set is good.
    max_age: Option<Duration>,
}

/// Why there is no set.
#[derive(Debug, thiserror::Error)]
enum FetchError {
    #[error("{0}")]
    Http(#[from] Failed),
    #[error("the answer is {0}")]
    Status(StatusCode),
    #[error("{0}")]
    File(#[from] io::Error),
    #[error("{0}")]
    Form(&'static str),
    #[error("it holds no key that can verify a token with one of the accepted algorithms")]
    NoKeys,
}

impl Jwks {
    /// Makes the set of an issuer, which is not fetched yet.
    pub(crate) fn new(issuer: &str, url: &str, algorithms: &[Algorithm]) -> Result<Arc<Self>, String> {
        Self::with_interval(issuer, url, algorithms, MIN_INTERVAL)
    }

    fn with_interval(
        issuer: &str,
        url: &str,
        algorithms: &[Algorithm],
        min_interval: Duration,
    ) -> Result<Arc<Self>, String> {
        const FORM: &str = "write https://HOST/PATH, http://HOST/PATH or file:///PATH";
        if let Some(hmac) = algorithms.iter().find(|algorithm| algorithm.family() == AlgorithmFamily::Hmac) {
            return Err(format!(
                "{hmac:?} verifies with a shared secret, which no JWKS can hold: remove it from algorithms"
            ));
        }
        if algorithms.is_empty() {
            return Err("algorithms is empty, so that no token could be verified".to_owned());
        }
        let url = Url::parse(url).map_err(|error| format!("{error}: {FORM}"))?;
        let source = match url.scheme() {
            "http" | "https" => Source::Http { client: fetch::client(&url, TIMEOUT)?, url },
            "file" => Source::File(url.to_file_path().map_err(|()| format!("not a path: {FORM}"))?),
            _ => return Err(format!("not an HTTP address or file: {FORM}")),
        };
        Ok(Arc::new(Self {
            issuer: issuer.to_owned(),
            source,
            algorithms: algorithms.to_vec(),
            min_interval,
            state: RwLock::default(),
            fetching: Mutex::default(),
        }))
    }

    /// Fetches the set now and from time to time, for as long as somebody has it. Needs a Tokio runtime.
    pub(crate) fn keep_fresh(self: &Arc<Self>) {
        let set = Arc::downgrade(self);
        tokio::spawn(async move {
            while let Some(age) = refresh_once(&set).await {
                sleep(age).await;
            }
        });
    }

    /// Whether tokens with this algorithm are accepted.
    pub(crate) fn accepts(&self, algorithm: Algorithm) -> bool {
        self.algorithms.contains(&algorithm)
    }

    /// The algorithms that are accepted.
    pub(crate) fn algorithms(&self) -> &[Algorithm] {
        &self.algorithms
    }

    /// The keys that a token with this `kid` and algorithm can be signed with, at least one. Cancel safe: a fetch that
    /// was begun goes on.
    pub(crate) async fn candidates(
        self: &Arc<Self>,
        kid: Option<&str>,
        algorithm: Algorithm,
    ) -> Result<Vec<DecodingKey>, Reason> {
        let known = self.known(kid, algorithm);
        if !known.is_empty() {
            return Ok(known);
        }
        self.refresh().await;
        let known = self.known(kid, algorithm);
        if !known.is_empty() {
            return Ok(known);
        }
        let issuer = self.issuer.clone();
        // While the issuer cannot be reached nobody knows whether the key is a new one of it.
        match self.read(|state| state.failing || state.keys.is_none()) {
            true => Err(Reason::NoKeys(issuer)),
            false => Err(Reason::UnknownKid { issuer, kid: kid.map(str::to_owned) }),
        }
    }

    fn known(&self, kid: Option<&str>, algorithm: Algorithm) -> Vec<DecodingKey> {
        self.read(|state| match &state.keys {
            Some(keys) => keys.candidates(kid, algorithm),
            None => Vec::new(),
        })
    }

    /// Fetches the set, unless that was tried a moment ago.
    async fn refresh(self: &Arc<Self>) {
        if self.is_fresh() {
            return;
        }
        let this = Arc::clone(self);
        let fetch = tokio::spawn(async move {
            let _one_at_a_time = this.fetching.lock().await;
            // Somebody else may have fetched it meanwhile.
            if !this.is_fresh() {
                let fetched = this.fetch().await;
                this.settle(fetched);
            }
        });
        // It fails only if the runtime goes, and everybody with it.
        drop(fetch.await);
    }

    fn is_fresh(&self) -> bool {
        self.read(|state| state.tried.is_some_and(|tried| tried.elapsed() < self.min_interval))
    }

    async fn fetch(&self) -> Result<(KeySet, Option<Duration>), FetchError> {
        let (json, max_age) = match &self.source {
            Source::Http { client, url } => {
                let (response, body) = fetch::send(client.get(url.clone()), MAX_BYTES).await?;
                if response.status() != StatusCode::OK {
                    return Err(FetchError::Status(response.status()));
                }
                let control = response.headers().get(CACHE_CONTROL).and_then(|value| value.to_str().ok());
                (body, control.and_then(max_age))
            }
            Source::File(path) => (read_file(path).await?, None),
        };
        let keys = KeySet::read(&json, &self.algorithms).map_err(FetchError::Form)?;
        if keys.len() == 0 { Err(FetchError::NoKeys) } else { Ok((keys, max_age)) }
    }

    fn settle(&self, fetched: Result<(KeySet, Option<Duration>), FetchError>) {
        let mut state = self.state.write().unwrap_or_else(PoisonError::into_inner);
        state.tried = Some(Instant::now());
        let was_failing = std::mem::replace(&mut state.failing, fetched.is_err());
        let issuer = &self.issuer;
        match fetched {
            Ok((keys, max_age)) => {
                if was_failing {
                    tracing::info!(%issuer, keys = keys.len(), "the keys of an issuer can be fetched again");
                }
                state.keys = Some(keys);
                state.max_age = max_age;
            }
            Err(error) if !was_failing => {
                let kept = state.keys.is_some();
                tracing::warn!(%issuer, %error, kept, "the keys of an issuer cannot be fetched; the old ones are kept");
            }
            Err(error) => tracing::debug!(%issuer, %error, "the keys of an issuer still cannot be fetched"),
        }
    }

    /// When the set is to be fetched again.
    fn age(&self) -> Duration {
        self.read(|state| match state.failing {
            true => self.min_interval,
            false => state.max_age.unwrap_or(MAX_AGE).clamp(self.min_interval, MAX_AGE),
        })
    }

    fn read<T>(&self, f: impl FnOnce(&State) -> T) -> T {
        f(&self.state.read().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Fetches the set, and says when to do it again; never, when nobody has it any more.
async fn refresh_once(set: &Weak<Jwks>) -> Option<Duration> {
    let set = set.upgrade()?;
    set.refresh().await;
    Some(set.age())
}

async fn read_file(path: &PathBuf) -> io::Result<Vec<u8>> {
    let mut json = Vec::new();
    File::open(path).await?.take(MAX_BYTES as u64).read_to_end(&mut json).await?;
    Ok(json)
}

fn max_age(control: &str) -> Option<Duration> {
    let directives = control.split(',').filter_map(|directive| directive.trim().split_once('='));
    let (_, seconds) = directives.into_iter().find(|(name, _)| name.eq_ignore_ascii_case("max-age"))?;
    seconds.trim_matches('"').parse().ok().map(Duration::from_secs)
}

impl fmt::Debug for Jwks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Jwks").field("issuer", &self.issuer).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
