//! `GET /apps/{app}/channels` and `GET /apps/{app}/channels/{channel}`: who is there.

use axum::{
    extract::{Path, State, rejection::PathRejection},
    response::Response,
};
use http::{Method, Uri};
use serde::Serialize;
use serde_json::{Map, Value, json};
use tidings_hub::{
    Pattern, Selection, Selector,
    channel::{PRESENCE, is_presence},
};

use super::{
    answer,
    attributes::{Asked, Attributes, Occupancy},
    channel::{channel, is_of_name},
    failure::Failure,
    front::Front,
    parameters::Parameters,
};

/// How many topics are looked at in one go.
const PAGE: usize = 10_000;

/// Of one channel.
#[derive(Serialize)]
struct Told {
    occupied: bool,
    #[serde(flatten)]
    attributes: Attributes,
}

pub(super) async fn list(
    State(front): State<Front>,
    app: Result<Path<String>, PathRejection>,
    method: Method,
    uri: Uri,
) -> Result<Response, Failure> {
    let Path(app) = app?;
    let call = front.admit(&app, &method, &uri)?;
    call.without_body()?;
    let prefix = call.parameters.get("filter_by_prefix").unwrap_or_default();
    let asked = asked(&call.parameters);
    if asked.user_count && !prefix.starts_with(PRESENCE) {
        return Err(Failure::bad_request(format!(
            "user_count is known of presence channels only: ask with filter_by_prefix={PRESENCE}"
        )));
    }
    let (mut channels, mut after) = (Map::new(), None);
    if let Some(selection) = beginning_with(prefix) {
        loop {
            let page = front.hub.topics(selection.clone(), after, PAGE).await?;
            // The hub's topics are not all channels.
            for live in page.iter().filter(|live| channel(live.topic.as_str()).is_ok()) {
                let occupancy = Occupancy::of(&front, live);
                if occupancy.is_occupied() && call.app.has(&live.topic) {
                    channels.insert(live.topic.to_string(), json!(occupancy.attributes(asked)));
                }
            }
            match page.len() {
                PAGE => after = page.last().map(|live| live.topic.clone()),
                _ => break,
            }
        }
    }
    Ok(answer::object(&json!({ "channels": Value::Object(channels) })))
}

pub(super) async fn one(
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
    let asked = asked(&call.parameters);
    if asked.user_count && !is_presence(channel.as_str()) {
        return Err(Failure::bad_request(format!(
            "user_count is known of presence channels only, and {channel:?} is none"
        )));
    }
    let live = front.hub.topics(Selection::topic(channel.clone()), None, 1).await?;
    let subscribers = live.first().map_or(0, |live| live.subscribers);
    let occupancy = Occupancy::new(&front, &channel, subscribers);
    let told = Told { occupied: occupancy.is_occupied(), attributes: occupancy.attributes(asked) };
    Ok(answer::object(&told))
}

fn asked(parameters: &Parameters) -> Asked {
    Asked::read(parameters.get("info").unwrap_or_default())
}

/// All topics whose names begin so. `None` if no channel's can.
fn beginning_with(prefix: &str) -> Option<Selection> {
    if prefix.is_empty() {
        return Some(Selection::all());
    }
    if !prefix.strip_prefix('#').unwrap_or(prefix).chars().all(is_of_name) {
        return None;
    }
    let pattern = Pattern::new(format!("{prefix}*")).ok()?;
    Some(Selection::from_iter([Selector::Pattern(pattern)]))
}
