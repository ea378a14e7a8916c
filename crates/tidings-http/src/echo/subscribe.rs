//! `POST /broadcasting/auth`, `/wave/subscribe` and `/wave/unsubscribe`: channels of a running stream come and go.

use std::collections::BTreeMap;

use axum::{
    Json,
    body::Body,
    extract::State,
    response::{IntoResponse as _, Response},
};
use http::{HeaderMap, StatusCode, Uri};
use serde::Serialize;

use super::{
    Echo,
    channel::{Channel, Kind},
    connection::Connection,
    connections::Shared,
    holding::{Holding, Holdings},
    info::Info,
    presence::Member,
    rights::Caller,
    users,
};
use crate::problem::Problem;

/// As Laravel answers, by driver `redis`: clients look at the status alone.
#[derive(Serialize)]
#[serde(untagged)]
enum Granted {
    Private(bool),
    Presence { channel_data: Person },
}

#[derive(Serialize)]
struct Person {
    user_id: Box<str>,
    user_info: Info,
}

/// What is answered of each channel.
#[derive(Serialize)]
struct Answer {
    channels: BTreeMap<String, Outcome>,
}

#[derive(Serialize)]
#[serde(untagged)]
enum Outcome {
    Heard {},
    Joined { users: Vec<Info> },
    Refused { status: u16, detail: String },
}

/// An object with nothing in it.
#[derive(Serialize)]
pub(super) struct Nothing {}

/// One private or presence channel, for clients that ask for each.
pub(super) async fn authorize(
    State(echo): State<Echo>,
    uri: Uri,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    let (said, connection) = echo.0.read(&headers, body).await?;
    let channel = said.guarded()?;
    let holding = echo.0.obtain(&uri, &headers, &connection, &channel).await?;
    let granted = match holding.member {
        Some(Member { user, info }) => {
            Granted::Presence { channel_data: Person { user_id: user, user_info: info } }
        }
        None => Granted::Private(true),
    };
    Ok(Json(granted).into_response())
}

/// Any channels, all at once.
pub(super) async fn subscribe(
    State(echo): State<Echo>,
    uri: Uri,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    let shared = &echo.0;
    let (said, connection) = shared.read(&headers, body).await?;
    let channels = said.channels()?;
    let wanted: Vec<_> =
        channels.iter().filter(|channel| connection.holding(channel).is_none()).cloned().collect();
    let mut outcomes = BTreeMap::new();
    if !wanted.is_empty() {
        let visitor = shared.identify(&uri, &headers).await?;
        let former = connection.record();
        let caller = Caller { shared, visitor: &visitor, headers: &headers, former: &former };
        let questions = wanted.iter().filter(|channel| caller.is_question(channel)).count();
        shared.may_ask(&connection, questions)?;
        let mut granted = Holdings::new();
        for (channel, decision) in caller.decide(wanted).await? {
            match decision {
                Ok(holding) => drop(granted.insert(channel, holding)),
                Err(problem) => {
                    let (status, detail) = (problem.status().as_u16(), problem.into_detail());
                    outcomes.insert(channel.name().to_owned(), Outcome::Refused { status, detail });
                }
            }
        }
        if !granted.is_empty() {
            shared.hold(&connection, granted).await?;
        }
    }
    for channel in channels {
        outcomes.entry(channel.name().to_owned()).or_insert_with(|| match channel.kind() {
            Kind::Presence => Outcome::Joined { users: users::list(shared, &channel) },
            Kind::Public | Kind::Private => Outcome::Heard {},
        });
    }
    Ok(Json(Answer { channels: outcomes }).into_response())
}

pub(super) async fn unsubscribe(
    State(echo): State<Echo>,
    headers: HeaderMap,
    body: Body,
) -> Result<Json<Nothing>, Problem> {
    let (said, connection) = echo.0.read(&headers, body).await?;
    echo.0.release(&connection, &said.channels()?).await?;
    Ok(Json(Nothing {}))
}

impl Shared {
    /// The channel, as the connection has it, or is granted it now. What it has was decided when its stream began, and is
    /// asked for again when the next one does.
    pub(super) async fn obtain(
        &self,
        uri: &Uri,
        headers: &HeaderMap,
        connection: &Connection,
        channel: &Channel,
    ) -> Result<Holding, Problem> {
        let _joining = match channel.kind() {
            Kind::Presence => Some(connection.joining.lock().await),
            Kind::Public | Kind::Private => None,
        };
        if let Some(holding) = connection.holding(channel) {
            return Ok(holding);
        }
        let visitor = self.identify(uri, headers).await?;
        let former = connection.record();
        let caller = Caller { shared: self, visitor: &visitor, headers, former: &former };
        self.may_ask(connection, usize::from(caller.is_question(channel)))?;
        let holding = caller.grant(channel).await?;
        self.hold(connection, [(channel.clone(), holding)].into()).await?;
        // Whoever has asked at the same time has got the same.
        connection.holding(channel).ok_or_else(|| {
            Problem::new(StatusCode::CONFLICT, format!("the channel {:?} was left meanwhile", channel.name()))
        })
    }
}
