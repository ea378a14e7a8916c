//! `GET /topics` and `GET /topics/{topic}`: what is alive.

use axum::{
    Json,
    extract::{
        Path, Query, State,
        rejection::{PathRejection, QueryRejection},
    },
};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use tidings_hub::{Hub, LiveTopic, Pattern, Selection, Selector, Topic};

use crate::problem::Problem;

/// Topics in one answer, unless told otherwise, and at most.
const DEFAULT_LIMIT: usize = 100;
const MAX_LIMIT: usize = 1000;

/// Which topics are asked for.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Asked {
    /// Only those it matches.
    pattern: Option<String>,
    /// Only those behind this name: the last of the page before.
    after: Option<String>,
    limit: Option<usize>,
}

#[derive(Debug, Serialize)]
pub(super) struct Listing {
    topics: Vec<TopicBody>,
    /// Whether there are more: ask again with `after` set to the last name.
    more: bool,
}

#[derive(Debug, Serialize)]
pub(super) struct TopicBody {
    topic: String,
    subscribers: u64,
    events: u64,
    last_id: Option<String>,
}

impl From<LiveTopic> for TopicBody {
    fn from(live: LiveTopic) -> Self {
        let LiveTopic { topic, subscribers, events, last_id } = live;
        Self { topic: topic.to_string(), subscribers, events, last_id }
    }
}

pub(super) async fn list(
    State(hub): State<Hub>,
    asked: Result<Query<Asked>, QueryRejection>,
) -> Result<Json<Listing>, Problem> {
    let Query(asked) = asked?;
    let selection = match asked.pattern {
        Some(pattern) => {
            Selection::from_iter([Selector::Pattern(Pattern::new(pattern).map_err(Problem::bad_request)?)])
        }
        None => Selection::all(),
    };
    let after = asked.after.map(Topic::new).transpose().map_err(Problem::bad_request)?;
    let limit = asked.limit.unwrap_or(DEFAULT_LIMIT).clamp(1, MAX_LIMIT);
    // One more than asked for tells whether there are more.
    let mut topics = hub.topics(selection, after, limit + 1).await?;
    let more = topics.len() > limit;
    topics.truncate(limit);
    Ok(Json(Listing { topics: topics.into_iter().map(TopicBody::from).collect(), more }))
}

pub(super) async fn one(
    State(hub): State<Hub>,
    topic: Result<Path<String>, PathRejection>,
) -> Result<Json<TopicBody>, Problem> {
    let Path(topic) = topic?;
    let topic = Topic::new(topic).map_err(Problem::bad_request)?;
    let found = hub.topics(Selection::topic(topic.clone()), None, 1).await?;
    found.into_iter().next().map(|live| Json(live.into())).ok_or_else(|| {
        Problem::new(
            StatusCode::NOT_FOUND,
            format!("the topic {topic:?} has no events and no subscribers; publish to it, and it is there"),
        )
    })
}
