//! Asks the application whether somebody may publish or subscribe: a `POST` for each topic or pattern, with the
//! request's cookies. How a question is put and what the body of an answer means is one of two languages: the hub's own
//! ([`json`]), and that of Laravel's `/broadcasting/auth` ([`laravel`]).
//!
//! Only a 200 whose body is a clear yes is one; 401, 403 and a body that says no are a no; whatever else happens, a
//! failure of the application, is neither, and lets nobody in.

mod fuzz;
mod json;
mod laravel;

use std::{
    collections::HashSet,
    fmt,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant, SystemTime},
};

use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use http::{HeaderMap, HeaderName, header::ACCEPT};
use reqwest::{Client, StatusCode};
use serde_json::value::RawValue;
use tidings_hub::{Bearer, ReadRights, Rights, Selection, Selector, Standing};
use tokio::{sync::Semaphore, time::timeout};
use url::Url;

use crate::{
    digest::Digest,
    fetch::{self, Failed},
    generations::{Bounds, Generations},
    grant::{Grant, Holder, Payload},
    refusal::{Reason, Refusal},
    settings::{self, Action, CallbackKind},
};

pub use self::fuzz::fuzz;

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

/// The application that is asked.
pub(crate) struct Callback {
    client: Client,
    url: Url,
    kind: CallbackKind,
    /// The headers that the application is given.
    forwarded: Vec<HeaderName>,
    /// Those of them by which it may know who somebody is.
    known_by: Vec<HeaderName>,
    timeout: Duration,
    remembered_for: Duration,
    remembered: Mutex<Generations<Answer>>,
    at_once: Semaphore,
    /// What those rest on whom the application has let in.
    standing: Standing,
}

/// What the application says of one selector.
#[derive(Clone, Debug)]
enum Answer {
    Yes(Arc<Yes>),
    No,
    /// It does not know who this is.
    Who,
    /// It is not asked about such a thing.
    NotAsked,
}

#[derive(Debug)]
struct Yes {
    user: Option<String>,
    expires: Option<SystemTime>,
    payload: Option<Box<RawValue>>,
    private: bool,
}

/// What is sent to the application.
struct Question {
    headers: HeaderMap,
    body: String,
}

impl Callback {
    pub(crate) fn new(settings: &settings::Callback) -> Result<Self, String> {
        const FORM: &str = "write https://HOST/PATH or http://HOST/PATH";
        let url = Url::parse(&settings.url).map_err(|error| format!("url: {error}: {FORM}"))?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(format!("url: not an HTTP address: {FORM}"));
        }
        let (mut forwarded, mut known_by) = match settings.kind {
            CallbackKind::Json => (json::forwarded(), json::known_by()),
            CallbackKind::Laravel => (laravel::forwarded(), laravel::known_by()),
        };
        for name in &settings.headers {
            let name = HeaderName::from_bytes(name.as_bytes())
                .map_err(|_| format!("headers: {name:?} is no name of a header"))?;
            if is_ours(&name) {
                return Err(format!("headers: {name} is about this connection, and cannot be passed on"));
            }
            if !forwarded.contains(&name) {
                forwarded.push(name.clone());
                known_by.push(name);
            }
        }
        Ok(Self {
            client: fetch::client(&url, settings.timeout)?,
            url,
            kind: settings.kind,
            forwarded,
            known_by,
            timeout: settings.timeout,
            remembered_for: settings.cache,
            remembered: Mutex::new(Generations::new(REMEMBERED)),
            at_once: Semaphore::new(AT_ONCE_OF_ALL),
            standing: Standing::until_ended(),
        })
    }

    pub(crate) fn standing(&self) -> &Standing {
        &self.standing
    }

    /// What the application allows of these selectors, of which it may be asked about [`MAX_QUESTIONS`], not counting doubles.
    /// Dropping the future gives the questions up.
    pub(crate) async fn ask(
        &self,
        headers: &HeaderMap,
        action: Action,
        selectors: &[Selector],
    ) -> Result<Grant, Refusal> {
        let selectors = distinct(selectors);
        let forwarded = self.forward(headers);
        let questions: Vec<Option<Question>> =
            selectors.iter().map(|selector| self.question(&forwarded, action, selector)).collect();
        if questions.iter().flatten().count() > MAX_QUESTIONS {
            return Err(Reason::TooManyQuestions { most: MAX_QUESTIONS }.into());
        }
        if self.kind == CallbackKind::Laravel && !headers.keys().any(|name| self.knows_by(name)) {
            // Laravel lets no guest into such a channel, and is not troubled with all who try.
            return Err(Reason::NotSignedIn.into());
        }
        // Collected first, because rustc cannot tell that a stream which makes them from references is `Send`.
        let answers: Vec<_> = questions
            .into_iter()
            .zip(&selectors)
            .map(|(question, selector)| self.answer(&forwarded, question, selector))
            .collect();
        let answers = stream::iter(answers).buffered(AT_ONCE).try_collect::<Vec<_>>();
        // All of them together, and the wait for a place as well: somebody waits for the whole.
        let late = |_| Reason::NoAnswer(Failed::TimedOut.to_string());
        let answers = timeout(self.timeout, answers).await.map_err(late)??;
        grant(action, &selectors, answers, self.standing.clone())
    }

    /// Whether this is one of the headers that say who somebody is.
    pub(crate) fn knows_by(&self, name: &HeaderName) -> bool {
        self.known_by.contains(name)
    }

    /// Whether the application is asked about this.
    pub(crate) fn decides(&self, action: Action, selector: &Selector) -> bool {
        match self.kind {
            CallbackKind::Json => true,
            CallbackKind::Laravel => laravel::is_decided(action, selector),
        }
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
        question: Option<Question>,
        selector: &Selector,
    ) -> Result<Answer, Reason> {
        let Some(question) = question else { return Ok(Answer::NotAsked) };
        let digest = digest(headers, &question.body);
        let remembered = self.remembered().get(&digest, Instant::now());
        // A yes that ended meanwhile is asked for again.
        if let Some(answer) = remembered.filter(|answer| answer.is_on(SystemTime::now())) {
            return Ok(answer);
        }
        let answer = self.send(headers, question, selector).await?;
        if !self.remembered_for.is_zero() {
            let until = Instant::now() + self.remembered_for;
            self.remembered().insert(digest, answer.clone(), answer.bytes(), until);
        }
        Ok(answer)
    }

    fn remembered(&self) -> std::sync::MutexGuard<'_, Generations<Answer>> {
        self.remembered.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn question(&self, headers: &HeaderMap, action: Action, selector: &Selector) -> Option<Question> {
        match self.kind {
            CallbackKind::Json => Some(json::question(action, selector)),
            CallbackKind::Laravel => laravel::question(headers, action, selector),
        }
    }

    async fn send(
        &self,
        headers: &HeaderMap,
        question: Question,
        selector: &Selector,
    ) -> Result<Answer, Reason> {
        // Never closed.
        let _place = self.at_once.acquire().await.map_err(|error| Reason::NoAnswer(error.to_string()))?;
        let request = self
            .client
            .post(self.url.clone())
            .headers(headers.clone())
            .header(ACCEPT, "application/json")
            .headers(question.headers)
            .body(question.body);
        let (response, body) =
            fetch::send(request, MAX_BYTES).await.map_err(|error| Reason::NoAnswer(error.to_string()))?;
        match (response.status(), self.kind) {
            (StatusCode::OK, CallbackKind::Json) => json::read(&body),
            (StatusCode::OK, CallbackKind::Laravel) => laravel::read(&body, selector),
            // Where the middleware for signed-in users sends guests: to the page where they sign in.
            (StatusCode::UNAUTHORIZED, _) | (StatusCode::FOUND, CallbackKind::Laravel) => Ok(Answer::Who),
            (StatusCode::FORBIDDEN, _) => Ok(Answer::No),
            (status, _) => Err(Reason::NoAnswer(format!("it answered {status}"))),
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
            Self::No | Self::Who | Self::NotAsked => true,
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

fn digest(headers: &HeaderMap, body: &str) -> Digest {
    let headers = headers.iter().flat_map(|(name, value)| [name.as_str().as_bytes(), value.as_bytes()]);
    Digest::of(&[body.as_bytes()].into_iter().chain(headers).collect::<Vec<_>>())
}

/// Exactly what is allowed: it ends when the first of the answers does.
fn grant(
    action: Action,
    selectors: &[&Selector],
    answers: Vec<Answer>,
    standing: Standing,
) -> Result<Grant, Refusal> {
    let (mut all, mut private, mut payloads) = (Vec::new(), Vec::new(), Vec::new());
    let (mut user, mut expires) = (None, None::<SystemTime>);
    let (mut who, mut was_asked) = (false, false);
    for (&selector, answer) in selectors.iter().zip(answers) {
        was_asked |= !matches!(answer, Answer::NotAsked);
        who |= matches!(answer, Answer::Who);
        let Answer::Yes(yes) = answer else { continue };
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
        return Err(match (who, was_asked) {
            (true, _) => Reason::NotSignedIn,
            (false, true) => Reason::Refused { action, what },
            (false, false) => Reason::NotAsked { action, what },
        }
        .into());
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
    let bearer = Arc::new(Bearer { user: user.map(Into::into), token: None, standing });
    Ok(Grant { rights, admin: false, bearer, holder, expires, payloads, dialect: None })
}

fn text(selector: &Selector) -> String {
    Selection::from_iter([selector.clone()]).to_string()
}
