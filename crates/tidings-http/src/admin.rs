//! What administrators ask and do about rights: revoke a token or a user, and have it explained what a token may.
//! For administrators alone, whichever listener the routes stand on.

use std::{
    sync::Arc,
    time::{Duration, SystemTime},
};

use axum::{
    Json, Router,
    extract::{Request, State},
    middleware::{self, Next},
    response::Response,
    routing::{get, post},
};
use bytes::Bytes;
use http::{HeaderMap, Method, StatusCode, Uri};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use tidings_auth::{
    Action, Authority, Explanation, Question, Reason, Revocation, RevocationError, Secret, Target,
};
use tidings_hub::{Hub, Topic};

use crate::{gate::Gate, problem::Problem};

/// What the routes share.
#[derive(Clone, Debug)]
struct Admin {
    hub: Hub,
    authority: Authority,
    gate: Gate,
}

/// `/admin/revoke`, `/admin/lift`, `/admin/revocations` and `/admin/explain`.
pub fn admin(hub: Hub, authority: Authority, gate: &Gate) -> Router {
    let routes = Router::new()
        .route("/admin/revoke", post(revoke))
        .route("/admin/lift", post(lift))
        .route("/admin/revocations", get(revocations))
        .route("/admin/explain", post(explain))
        .with_state(Admin { hub, authority, gate: gate.clone() });
    administrators_only(routes, gate)
}

/// Keeps everybody but administrators from these routes; nobody, if the gate is open.
pub fn administrators_only(routes: Router, gate: &Gate) -> Router {
    match gate.is_open() {
        true => routes,
        false => routes.route_layer(middleware::from_fn_with_state(gate.clone(), check)),
    }
}

async fn check(State(gate): State<Gate>, request: Request, next: Next) -> Result<Response, Problem> {
    let action = match *request.method() {
        Method::GET | Method::HEAD => Action::Subscribe,
        // What changes something: a cookie must come from a trusted page.
        _ => Action::Publish,
    };
    gate.administrator(request.uri(), request.headers(), action).await?;
    Ok(next.run(request).await)
}

/// The longest name of a user. It is kept, and written into the log.
const MAX_USER_BYTES: usize = 1024;

/// Whom a revocation means, and until when.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Whom {
    /// A token, or its id.
    token: Option<Secret>,
    user: Option<String>,
    /// In seconds since 1970.
    until: Option<u64>,
}

impl Whom {
    fn target(&self, authority: &Authority) -> Result<Target, Problem> {
        match (&self.token, &self.user) {
            (Some(token), None) => authority.target(token).map_err(Problem::bad_request),
            (None, Some(user)) if user.is_empty() || user.len() > MAX_USER_BYTES => {
                Err(Problem::bad_request(format!("a user's name has 1 to {MAX_USER_BYTES} bytes")))
            }
            (None, Some(user)) => Ok(Target::User(user.clone())),
            _ => Err(Problem::bad_request("give either \"token\", which may be its id, or \"user\"")),
        }
    }
}

/// Refuses a token or user from now on, and ends their streams.
async fn revoke(State(admin): State<Admin>, body: Bytes) -> Result<StatusCode, Problem> {
    let whom: Whom = read(&body)?;
    let target = whom.target(&admin.authority)?;
    let until = whom.until.map(at).transpose()?;
    let kept = admin.authority.revoke(Revocation { target: target.clone(), until });
    // In force it is, kept or not. Nothing is awaited before the streams are closed: this future is dropped with the
    // administrator's connection.
    let authority = admin.authority.clone();
    admin.hub.close(Arc::new(move |bearer| authority.is_revoked(bearer)));
    tracing::info!(whom = ?target, "revoked");
    // In a task, so that a failure is logged also when nobody is left to be told.
    let kept = tokio::spawn(async { kept.await.map_err(unkept) });
    kept.await
        .unwrap_or_else(|error| Err(Problem::new(StatusCode::INTERNAL_SERVER_ERROR, error.to_string())))?;
    Ok(StatusCode::NO_CONTENT)
}

/// Takes a revocation back.
async fn lift(State(admin): State<Admin>, body: Bytes) -> Result<StatusCode, Problem> {
    let target = read::<Whom>(&body)?.target(&admin.authority)?;
    if !admin.authority.lift(target.clone()).await.map_err(unkept)? {
        return Err(Problem::new(StatusCode::NOT_FOUND, "there is no such revocation"));
    }
    tracing::info!(whom = ?target, "a revocation was taken back");
    Ok(StatusCode::NO_CONTENT)
}

#[derive(Serialize)]
struct Revocations {
    revocations: Vec<Revocation>,
}

async fn revocations(State(admin): State<Admin>) -> Json<Revocations> {
    Json(Revocations { revocations: admin.authority.revocations() })
}

/// What is to be explained.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Explain {
    /// Without one, what is explained is what those may do who present nothing.
    token: Option<Secret>,
    #[serde(default)]
    topics: Vec<String>,
    topic: Option<String>,
    #[serde(default = "subscribe")]
    action: Action,
    #[serde(default)]
    private: bool,
    /// Whom a token of 1.0 must be for: the hub as its bearer has it, which may have another address here. Without it,
    /// the hub's configured one, else where this was sent.
    audience: Option<String>,
}

fn subscribe() -> Action {
    Action::Subscribe
}

async fn explain(
    State(admin): State<Admin>,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Json<Explanation>, Problem> {
    let Explain { token, topics, topic, action, private, audience } = read(&body)?;
    let audience = audience.unwrap_or_else(|| admin.gate.audience(&uri, &headers));
    let topics: Vec<Topic> = topics
        .into_iter()
        .chain(topic)
        .map(Topic::new)
        .collect::<Result<_, _>>()
        .map_err(Problem::bad_request)?;
    if topics.is_empty() {
        return Err(Problem::bad_request(
            "give the \"topic\" that it is about, or the \"topics\" of an event",
        ));
    }
    let question = Question { action, topics: &topics, private, audience: &audience };
    Ok(Json(match token {
        Some(token) => admin.authority.explain(&token, &question).await,
        None => match admin.authority.anonymous() {
            Some(grant) => Explanation::of(&grant, &question),
            None => Explanation::refused(&Reason::Nothing.into()),
        },
    }))
}

fn read<T: DeserializeOwned>(body: &[u8]) -> Result<T, Problem> {
    serde_json::from_slice(body)
        .map_err(|error| Problem::bad_request(format!("the body is not right: {error}")))
}

fn at(seconds: u64) -> Result<SystemTime, Problem> {
    let time = SystemTime::UNIX_EPOCH.checked_add(Duration::from_secs(seconds));
    time.filter(|time| *time > SystemTime::now()).ok_or_else(|| {
        Problem::bad_request(format!("until={seconds}: give a time to come, in seconds since 1970"))
    })
}

fn unkept(error: RevocationError) -> Problem {
    tracing::error!(%error, "a revocation could not be kept");
    Problem::new(
        StatusCode::INTERNAL_SERVER_ERROR,
        format!("it is in force until the hub stops, and could not be kept beyond: {error}"),
    )
}

#[cfg(test)]
mod tests {
    use axum::body::Body;
    use futures_util::FutureExt as _;
    use http::Request;
    use tidings_auth::{Key, Settings};
    use tidings_hub::{Bearer, Selection, Start, Subscription};
    use tidings_log::{Memory, Retention};
    use tower::ServiceExt as _;

    use super::*;

    const SECRET: &str = "a-key-of-somebody-4711";

    /// A hub with one key, whose administrators are not asked who they are.
    fn hub_and_routes() -> (Hub, Authority, Router) {
        let log = Arc::new(Memory::new(Retention::default()).unwrap());
        let hub = Hub::start(log, tidings_hub::Settings::default()).unwrap();
        let key = Key {
            name: "somebody".to_owned(),
            secret: Secret::new(SECRET),
            publish: Selection::default(),
            subscribe: Selection::all(),
            rate: None,
            admin: false,
        };
        let authority = Authority::start(Settings { keys: vec![key], ..Settings::default() }).unwrap();
        let routes = admin(hub.clone(), authority.clone(), &Gate::default());
        (hub, authority, routes)
    }

    fn post(path: &str, body: &str) -> Request<Body> {
        Request::post(path).body(Body::from(body.to_owned())).unwrap()
    }

    #[tokio::test]
    async fn a_revocation_closes_the_streams_also_when_its_administrator_is_gone() {
        let (hub, _, routes) = hub_and_routes();
        let bearer = Bearer { user: Some("ann".into()), ..Bearer::default() };
        let subscription = Subscription {
            bearers: vec![Arc::new(bearer)],
            ..Subscription::new(Selection::all(), Start::Live)
        };
        let mut stream = hub.accept(subscription).await.unwrap().stream();
        let revoke = routes.oneshot(post("/admin/revoke", r#"{"user":"ann"}"#));
        // As far as it gets without waiting, and no further: then it is dropped.
        assert!(revoke.now_or_never().is_none());
        let mut text = Vec::new();
        while let Some(bytes) = stream.next().await {
            text.extend(bytes);
        }
        assert!(String::from_utf8(text).unwrap().contains(r#"{"reason":"revoked"}"#));
    }

    #[tokio::test]
    async fn a_key_is_revoked_by_its_secret_which_is_not_kept() {
        let (_, authority, routes) = hub_and_routes();
        let body = format!(r#"{{"token":"{SECRET}"}}"#);
        let answer = routes.clone().oneshot(post("/admin/revoke", &body)).await.unwrap();
        assert_eq!(answer.status(), StatusCode::NO_CONTENT);
        let [Revocation { target, .. }] = &authority.revocations()[..] else { panic!("not one") };
        assert_eq!(*target, Target::Token("key:somebody".to_owned()));
        let answer = routes.oneshot(post("/admin/lift", &body)).await.unwrap();
        assert_eq!(answer.status(), StatusCode::NO_CONTENT);
        assert_eq!(authority.revocations(), []);
    }
}
