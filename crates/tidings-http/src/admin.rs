//! What administrators ask and do about rights: revoke a token or a user, and have it explained what a token may.
//! For administrators alone, whichever listener the routes stand on.

use std::{
    sync::Arc,
    time::{Duration, SystemTime},
};

use axum::{
    Json, Router,
    extract::{RawQuery, Request, State},
    middleware::{self, Next},
    response::Response,
    routing::{get, post},
};
use bytes::Bytes;
use http::{Method, StatusCode};
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
    audience: Arc<str>,
}

/// `/admin/revoke`, `/admin/lift`, `/admin/revocations` and `/admin/explain`. `audience` is what tokens are held to be for
/// when they are explained.
pub fn admin(hub: Hub, authority: Authority, gate: &Gate, audience: &str) -> Router {
    let routes = Router::new()
        .route("/admin/revoke", post(revoke))
        .route("/admin/lift", post(lift))
        .route("/admin/revocations", get(revocations))
        .route("/admin/explain", post(explain))
        .with_state(Admin { hub, authority, audience: audience.into() });
    administrators_only(routes, gate)
}

/// Keeps everybody but administrators from these routes; nobody, if the gate is open.
pub fn administrators_only(routes: Router, gate: &Gate) -> Router {
    match gate.is_open() {
        true => routes,
        false => routes.route_layer(middleware::from_fn_with_state(gate.clone(), check)),
    }
}

async fn check(
    State(gate): State<Gate>,
    RawQuery(query): RawQuery,
    request: Request,
    next: Next,
) -> Result<Response, Problem> {
    let action = match *request.method() {
        Method::GET | Method::HEAD => Action::Subscribe,
        // What changes something: a cookie must come from a trusted page.
        _ => Action::Publish,
    };
    gate.administrator(request.headers(), query.as_deref(), action).await?;
    Ok(next.run(request).await)
}

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
    fn target(&self) -> Result<Target, Problem> {
        match (&self.token, &self.user) {
            (Some(token), None) => Ok(Target::token(token.expose())),
            (None, Some(user)) => Ok(Target::User(user.clone())),
            _ => Err(Problem::bad_request("give either \"token\", which may be its id, or \"user\"")),
        }
    }
}

/// Refuses a token or user from now on, and ends their streams.
async fn revoke(State(admin): State<Admin>, body: Bytes) -> Result<StatusCode, Problem> {
    let whom: Whom = read(&body)?;
    let target = whom.target()?;
    let until = whom.until.map(at).transpose()?;
    let kept = admin.authority.revoke(Revocation { target: target.clone(), until }).await;
    // In force it is, kept or not.
    let authority = admin.authority.clone();
    admin.hub.close(Arc::new(move |bearer| authority.is_revoked(bearer)));
    kept.map_err(unkept)?;
    tracing::info!(?target, "revoked");
    Ok(StatusCode::NO_CONTENT)
}

/// Takes a revocation back.
async fn lift(State(admin): State<Admin>, body: Bytes) -> Result<StatusCode, Problem> {
    let target = read::<Whom>(&body)?.target()?;
    if !admin.authority.lift(target.clone()).await.map_err(unkept)? {
        return Err(Problem::new(StatusCode::NOT_FOUND, "there is no such revocation"));
    }
    tracing::info!(?target, "a revocation was taken back");
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
}

fn subscribe() -> Action {
    Action::Subscribe
}

async fn explain(State(admin): State<Admin>, body: Bytes) -> Result<Json<Explanation>, Problem> {
    let Explain { token, topics, topic, action, private } = read(&body)?;
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
    let question = Question { action, topics: &topics, private, audience: &admin.audience };
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
    time.ok_or_else(|| Problem::bad_request(format!("until={seconds}: give seconds since 1970")))
}

fn unkept(error: RevocationError) -> Problem {
    tracing::error!(%error, "a revocation could not be kept");
    Problem::new(
        StatusCode::INTERNAL_SERVER_ERROR,
        format!("it is in force until the hub stops, and could not be kept beyond: {error}"),
    )
}
