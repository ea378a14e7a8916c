//! `/wave/presence-channel-users`: who is in a presence channel, for those who are; coming and leaving.

use axum::{
    Json,
    body::Body,
    extract::State,
    response::{IntoResponse as _, Response},
};
use http::{HeaderMap, StatusCode, Uri};
use serde::Serialize;

use super::{Echo, channel::Channel, connection::Connection, connections::Shared, info::Info, requests};
use crate::{form, problem::Problem};

/// What who joins is answered. The token is one against forged requests, which nobody needs here.
#[derive(Serialize)]
struct Joined {
    #[serde(rename = "_token")]
    token: &'static str,
    users: Vec<Info>,
}

pub(super) async fn here(
    State(echo): State<Echo>,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let connection = echo.0.connection(requests::socket(&headers))?;
    let mut fields = form::fields(uri.query().unwrap_or_default().as_bytes())?;
    let name = fields.find_map(|(name, value)| (name == "channel_name").then_some(value));
    let channel = requests::presence(name.as_deref())?;
    members_only(&connection, &channel)?;
    Ok(Json(list(&echo.0, &channel)).into_response())
}

/// Joins; or leaves, for a page that is closed and can send only this (`_method`).
pub(super) async fn join(
    State(echo): State<Echo>,
    uri: Uri,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    let (said, connection) = echo.0.read(&headers, body).await?;
    let channel = said.presence()?;
    if said.is_delete() {
        return echo.0.leave(&connection, channel).await;
    }
    echo.0.obtain(&uri, &headers, &connection, &channel).await?;
    Ok(Json(Joined { token: "", users: list(&echo.0, &channel) }).into_response())
}

pub(super) async fn leave(
    State(echo): State<Echo>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    let (said, connection) = echo.0.read(&headers, body).await?;
    echo.0.leave(&connection, said.presence()?).await
}

impl Shared {
    async fn leave(&self, connection: &Connection, channel: Channel) -> Result<Response, Problem> {
        members_only(connection, &channel)?;
        self.release(connection, std::slice::from_ref(&channel)).await?;
        Ok(Json(list(self, &channel)).into_response())
    }
}

/// What is told of those who are in a channel, once of each user.
pub(super) fn list(shared: &Shared, channel: &Channel) -> Vec<Info> {
    shared.members(channel).into_iter().map(|member| member.info).collect()
}

/// Lets only those through who have the channel.
pub(super) fn members_only(connection: &Connection, channel: &Channel) -> Result<(), Problem> {
    match connection.holding(channel) {
        Some(_) => Ok(()),
        None => Err(Problem::new(
            StatusCode::FORBIDDEN,
            format!("this connection is not in the channel {:?}: join it first", channel.name()),
        )),
    }
}
