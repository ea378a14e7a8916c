//! Users and their connections: `GET /apps/{app}/channels/{channel}/users`,
//! `POST /apps/{app}/users/{user}/terminate_connections`, and what Reverb has beside Pusher.

use std::sync::Arc;

use axum::{
    body::Body,
    extract::{Path, State, rejection::PathRejection},
    response::Response,
};
use http::{Method, Uri};
use serde_json::{Value, json};
use tidings_hub::{Bearer, channel::is_presence};

use super::{
    answer,
    channel::{channel, of_user},
    failure::Failure,
    front::{Call, Front},
};

pub(super) async fn users(
    State(front): State<Front>,
    path: Result<Path<(String, String)>, PathRejection>,
    method: Method,
    uri: Uri,
) -> Result<Response, Failure> {
    let Path((app, name)) = path?;
    let call = front.admit(&app, &method, &uri)?;
    call.without_body()?;
    let channel = channel(&name)?;
    call.check_right("ask about", &channel)?;
    if !is_presence(channel.as_str()) {
        return Err(Failure::bad_request(format!(
            "users are known of presence channels only, and {channel:?} is none"
        )));
    }
    let users: Vec<Value> = front.users(&channel).iter().map(|id| json!({ "id": id })).collect();
    Ok(answer::object(&json!({ "users": users })))
}

pub(super) async fn terminate(
    State(front): State<Front>,
    path: Result<Path<(String, String)>, PathRejection>,
    method: Method,
    uri: Uri,
    body: Body,
) -> Result<Response, Failure> {
    let Path((app, user)) = path?;
    end(&front, &front.admit(&app, &method, &uri)?, &user, body).await
}

pub(super) async fn terminate_by_key(
    State(front): State<Front>,
    user: Result<Path<String>, PathRejection>,
    method: Method,
    uri: Uri,
    body: Body,
) -> Result<Response, Failure> {
    let Path(user) = user?;
    end(&front, &front.admit_by_key(&method, &uri)?, &user, body).await
}

/// Ends the streams of a user, whichever front they came by.
async fn end(front: &Front, call: &Call<'_>, user: &str, body: Body) -> Result<Response, Failure> {
    call.body(body).await?;
    call.check_right("end the connections of", &of_user(user)?)?;
    let name: Box<str> = user.into();
    front.hub.disconnect(Arc::new(move |bearer: &Bearer| bearer.user.as_deref() == Some(&*name)));
    front.terminate(user);
    tracing::info!(app = call.app.id, user, "the connections of a user are ended");
    Ok(answer::done())
}

pub(super) async fn connections(
    State(front): State<Front>,
    app: Result<Path<String>, PathRejection>,
    method: Method,
    uri: Uri,
) -> Result<Response, Failure> {
    let Path(app) = app?;
    front.admit(&app, &method, &uri)?.without_body()?;
    Ok(answer::object(&json!({ "connections": front.hub.stats().subscribers })))
}

/// What load balancers in front of Reverb ask.
pub(super) async fn up() -> Response {
    answer::object(&json!({ "health": "OK" }))
}
