//! Asks the application whether somebody may publish or subscribe: `POST` with a JSON body such as
//! `{"action": "subscribe", "topic": "orders.7"}` and the request's cookies.
//!
//! Only a 200 whose body is `true` or has `"allow": true` is a yes; 401, 403 and a body that says no are a no; whatever
//! else happens, a failure of the application, is neither, and lets nobody in.

use std::{
    collections::HashSet,
    fmt,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant, SystemTime},
};

use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use http::{
    HeaderMap, HeaderName,
    header::{ACCEPT, CONTENT_TYPE, COOKIE, ORIGIN},
};
use reqwest::{Client, StatusCode};
use serde::Deserialize;
use serde_json::{json, value::RawValue};
use tidings_hub::{Bearer, ReadRights, Rights, Selection, Selector};
use tokio::{sync::Semaphore, time::timeout};
use url::Url;

use crate::{
    digest::Digest,
    fetch::{self, Failed},
    generations::{Bounds, Generations},
    grant::{Grant, Holder, Payload},
    object::object,
    refusal::{Reason, Refusal},
    settings::{self, Action},
};

/// How many answers are remembered. Of one, the payload is what may be large.
const REMEMBERED: Bounds = Bounds { answers: 10_000, bytes: 32 << 20 };

/// How many selectors the application is asked about for one request: strangers ask, and each is a request to it.
const MAX_QUESTIONS: usize = 100;

/// How many questions of one request the application gets at once.
const AT_ONCE: usize = 8;

/// How many questions of all requests the application gets at once. The others wait.
const AT_ONCE_OF_ALL: usize = 64;

/// How long an answer may be, in bytes.
const MAX_BYTES: usize = 64 << 10;

/// The longest that an answer can say it is good for: a year.
const MAX_SECONDS: u64 = 365 * 24 * 60 * 60;

/// The application that is asked.
pub(crate) struct Callback {
    client: Client,
    url: Url,
    /// The headers that the application is given.
    forwarded: Vec<HeaderName>,
    timeout: Duration,
    remembered_for: Duration,
    remembered: Mutex<Generations<Answer>>,
    at_once: Semaphore,
}

/// What the application says of one selector.
#[derive(Clone, Debug)]
enum Answer {
    Yes(Arc<Yes>),
    No,
    /// It does not know who this is.
    Who,
}

#[derive(Debug)]
struct Yes {
    user: Option<String>,
    expires: Option<SystemTime>,
    payload: Option<Box<RawValue>>,
    private: bool,
}

#[derive(Deserialize)]
struct Body {
    allow: bool,
    user: Option<String>,
    /// In seconds.
    expires_in: Option<u64>,
    payload: Option<Box<RawValue>>,
    private: Option<bool>,
}

impl Callback {
    pub(crate) fn new(settings: &settings::Callback) -> Result<Self, String> {
        const FORM: &str = "write https://HOST/PATH or http://HOST/PATH";
        let url = Url::parse(&settings.url).map_err(|error| format!("url: {error}: {FORM}"))?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(format!("url: not an HTTP address: {FORM}"));
        }
        let mut forwarded = vec![COOKIE, ORIGIN];
        for name in &settings.headers {
            let name = HeaderName::from_bytes(name.as_bytes())
                .map_err(|_| format!("headers: {name:?} is no name of a header"))?;
            if is_ours(&name) {
                return Err(format!("headers: {name} is about this connection, and cannot be passed on"));
            }
            if !forwarded.contains(&name) {
                forwarded.push(name);
            }
        }
        Ok(Self {
            client: fetch::client(&url, settings.timeout)?,
            url,
            forwarded,
            timeout: settings.timeout,
            remembered_for: settings.cache,
            remembered: Mutex::new(Generations::new(REMEMBERED)),
            at_once: Semaphore::new(AT_ONCE_OF_ALL),
        })
    }

    /// What the application allows of these selectors, of which there may be [`MAX_QUESTIONS`], not counting doubles.
    /// Dropping the future gives the questions up.
    pub(crate) async fn ask(
        &self,
        headers: &HeaderMap,
        action: Action,
        selectors: &[Selector],
    ) -> Result<Grant, Refusal> {
        let selectors = distinct(selectors);
        if selectors.len() > MAX_QUESTIONS {
            return Err(Reason::TooManyQuestions { most: MAX_QUESTIONS }.into());
        }
        let headers = self.forward(headers);
        // Collected first, because rustc cannot tell that a stream which makes them from references is `Send`.
        let questions: Vec<_> =
            selectors.iter().map(|&selector| self.answer(&headers, action, selector)).collect();
        let answers = stream::iter(questions).buffered(AT_ONCE).try_collect::<Vec<_>>();
        // All of them together, and the wait for a place as well: somebody waits for the whole.
        let late = |_| Reason::NoAnswer(Failed::TimedOut.to_string());
        let answers = timeout(self.timeout, answers).await.map_err(late)??;
        grant(action, &selectors, answers)
    }

    /// Whether this is one of the headers that say who somebody is.
    pub(crate) fn knows_by(&self, name: &HeaderName) -> bool {
        name != ORIGIN && self.forwarded.contains(name)
    }

    fn forward(&self, headers: &HeaderMap) -> HeaderMap {
        let mut forwarded = HeaderMap::new();
        for name in &self.forwarded {
            for value in headers.get_all(name) {
                forwarded.append(name, value.clone());
            }
        }
        forwarded
    }

    async fn answer(
        &self,
        headers: &HeaderMap,
        action: Action,
        selector: &Selector,
    ) -> Result<Answer, Reason> {
        let body = question(action, selector);
        let digest = digest(headers, &body);
        let remembered = self.remembered().get(&digest, Instant::now());
        // A yes that ended meanwhile is asked for again.
        if let Some(answer) = remembered.filter(|answer| answer.is_on(SystemTime::now())) {
            return Ok(answer);
        }
        let answer = self.send(headers, body).await?;
        if !self.remembered_for.is_zero() {
            let until = Instant::now() + self.remembered_for;
            self.remembered().insert(digest, answer.clone(), answer.bytes(), until);
        }
        Ok(answer)
    }

    fn remembered(&self) -> std::sync::MutexGuard<'_, Generations<Answer>> {
        self.remembered.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn send(&self, headers: &HeaderMap, body: String) -> Result<Answer, Reason> {
        // Never closed.
        let _place = self.at_once.acquire().await.map_err(|error| Reason::NoAnswer(error.to_string()))?;
        let request = self
            .client
            .post(self.url.clone())
            .headers(headers.clone())
            .header(ACCEPT, "application/json")
            .header(CONTENT_TYPE, "application/json")
            .body(body);
        let (response, body) =
            fetch::send(request, MAX_BYTES).await.map_err(|error| Reason::NoAnswer(error.to_string()))?;
        match response.status() {
            StatusCode::OK => read(&body),
            StatusCode::UNAUTHORIZED => Ok(Answer::Who),
            StatusCode::FORBIDDEN => Ok(Answer::No),
            status => Err(Reason::NoAnswer(format!("it answered {status}"))),
        }
    }
}

impl fmt::Debug for Callback {
    /// The URL may have a password in it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Callback").field("host", &self.url.host_str()).finish_non_exhaustive()
    }
}

impl Answer {
    fn bytes(&self) -> usize {
        let Self::Yes(yes) = self else { return 0 };
        let user = yes.user.as_ref().map_or(0, String::len);
        user + yes.payload.as_ref().map_or(0, |payload| payload.get().len())
    }

    fn is_on(&self, now: SystemTime) -> bool {
        match self {
            Self::Yes(yes) => yes.expires.is_none_or(|expires| expires > now),
            Self::No | Self::Who => true,
        }
    }
}

/// Each once, in their order.
fn distinct(selectors: &[Selector]) -> Vec<&Selector> {
    let mut seen = HashSet::new();
    selectors.iter().filter(|selector| seen.insert(*selector)).collect()
}

/// Whether a header belongs to one connection, or to the body that is not passed on.
fn is_ours(name: &HeaderName) -> bool {
    const OURS: [&str; 9] = [
        "accept",
        "connection",
        "content-length",
        "content-type",
        "expect",
        "host",
        "te",
        "transfer-encoding",
        "upgrade",
    ];
    OURS.contains(&name.as_str())
}

fn question(action: Action, selector: &Selector) -> String {
    match selector {
        Selector::Exact(topic) => json!({"action": action, "topic": topic.as_str()}),
        Selector::Pattern(pattern) => json!({"action": action, "pattern": pattern.as_str()}),
        Selector::Template(template) => json!({"action": action, "template": template.as_str()}),
        Selector::Url(pattern) => json!({"action": action, "url_pattern": pattern.as_str()}),
        _ => json!({"action": action, "all": true}),
    }
    .to_string()
}

fn digest(headers: &HeaderMap, body: &str) -> Digest {
    let headers = headers.iter().flat_map(|(name, value)| [name.as_str().as_bytes(), value.as_bytes()]);
    Digest::of(&[body.as_bytes()].into_iter().chain(headers).collect::<Vec<_>>())
}

fn read(body: &[u8]) -> Result<Answer, Reason> {
    const PLAIN: Body = Body { allow: true, user: None, expires_in: None, payload: None, private: None };
    let body = match serde_json::from_slice(body) {
        Ok(true) => PLAIN,
        Ok(false) => return Ok(Answer::No),
        Err(_) => object(body).map_err(|_| {
            Reason::NoAnswer("its answer is neither true, false nor an object with allow".to_owned())
        })?,
    };
    if !body.allow {
        return Ok(Answer::No);
    }
    let seconds = body.expires_in.map(|seconds| Duration::from_secs(seconds.min(MAX_SECONDS)));
    let expires = seconds.and_then(|seconds| SystemTime::now().checked_add(seconds));
    let private = body.private.unwrap_or(true);
    Ok(Answer::Yes(Arc::new(Yes { user: body.user, expires, payload: body.payload, private })))
}

/// Exactly what is allowed: it ends when the first of the answers does.
fn grant(action: Action, selectors: &[&Selector], answers: Vec<Answer>) -> Result<Grant, Refusal> {
    let (mut all, mut private, mut payloads) = (Vec::new(), Vec::new(), Vec::new());
    let (mut user, mut expires) = (None, None::<SystemTime>);
    let mut who = false;
    for (&selector, answer) in selectors.iter().zip(answers) {
        let yes = match answer {
            Answer::Yes(yes) => yes,
            Answer::No => continue,
            Answer::Who => {
                who = true;
                continue;
            }
        };
        all.push(selector.clone());
        if yes.private {
            private.push(selector.clone());
        }
        user = user.or_else(|| yes.user.clone());
        expires = match (expires, yes.expires) {
            (Some(one), Some(other)) => Some(one.min(other)),
            (one, other) => one.or(other),
        };
        if yes.payload.is_some() {
            payloads.push(Payload {
                selection: [selector.clone()].into_iter().collect(),
                value: yes.payload.clone(),
            });
        }
    }
    if all.is_empty() {
        let what = selectors.first().map(|selector| text(selector)).unwrap_or_default();
        return Err(if who { Reason::NotSignedIn } else { Reason::Refused { action, what } }.into());
    }
    let all: Selection = all.into_iter().collect();
    let rights = match action {
        Action::Publish => Rights { publish: all, ..Rights::default() },
        Action::Subscribe => {
            let read = ReadRights { public: all, private: private.into_iter().collect() };
            Rights { read: Arc::new(read), ..Rights::default() }
        }
    };
    let holder = user.clone().map_or(Holder::Visitor, Holder::User);
    let bearer = Arc::new(Bearer { user: user.map(Into::into), token: None });
    Ok(Grant { rights, admin: false, bearer, holder, expires, payloads, dialect: None })
}

fn text(selector: &Selector) -> String {
    Selection::from_iter([selector.clone()]).to_string()
}
