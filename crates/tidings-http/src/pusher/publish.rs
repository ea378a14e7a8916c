//! `POST /apps/{app}/events` and `POST /apps/{app}/batch_events`.

use std::collections::HashMap;

use axum::{
    body::Body,
    extract::{Path, State, rejection::PathRejection},
    response::Response,
};
use http::{Method, Uri};
use serde_json::{Map, Value, json};
use tidings_hub::{Publication, PublishError, Selection, Selector, Topic};

use super::{
    answer,
    attributes::{Asked, Attributes, Occupancy},
    event::{self, Batch, Event},
    failure::Failure,
    front::{Call, Front},
};
use crate::{client::Client, problem::Problem};

pub(super) async fn events(
    State(front): State<Front>,
    app: Result<Path<String>, PathRejection>,
    client: Client,
    method: Method,
    uri: Uri,
    body: Body,
) -> Result<Response, Failure> {
    let Path(app) = app?;
    let call = front.admit(&app, &method, &uri)?;
    let body = call.body(body).await?;
    let event: Event<'_> = event::read(&body)?;
    let publications = event.publications()?;
    check(&call, &publications)?;
    client.publish(publications.len()).map_err(Problem::from)?;
    let channels = channels(&publications);
    front.hub.publish_all(publications).await?;
    let Some(info) = &event.info else { return Ok(answer::done()) };
    let asked = Asked::read(info);
    let occupancies = front.occupancies(&channels).await;
    let told: Map<String, Value> = channels
        .iter()
        .map(|channel| (channel.to_string(), json!(attributes(&occupancies, channel, asked))))
        .collect();
    Ok(answer::object(&json!({ "channels": told })))
}

pub(super) async fn batch_events(
    State(front): State<Front>,
    app: Result<Path<String>, PathRejection>,
    client: Client,
    method: Method,
    uri: Uri,
    body: Body,
) -> Result<Response, Failure> {
    let Path(app) = app?;
    let call = front.admit(&app, &method, &uri)?;
    let body = call.body(body).await?;
    let Batch { batch } = event::read(&body)?;
    let mut publications = Vec::with_capacity(batch.len());
    for (index, event) in batch.iter().enumerate() {
        publications.push(one(event).map_err(|failure| of_batch(index, failure))?);
    }
    check(&call, &publications)?;
    client.publish(publications.len()).map_err(Problem::from)?;
    let channels = channels(&publications);
    front.hub.publish_all(publications).await.map_err(|error| match error {
        PublishError::Invalid { index, .. } => of_batch(index, error.into()),
        error => error.into(),
    })?;
    if batch.iter().all(|event| event.info.is_none()) {
        return Ok(answer::done());
    }
    let occupancies = front.occupancies(&channels).await;
    let asked = batch.iter().map(|event| Asked::read(event.info.as_deref().unwrap_or_default()));
    let told: Vec<Attributes> =
        channels.iter().zip(asked).map(|(channel, asked)| attributes(&occupancies, channel, asked)).collect();
    Ok(answer::object(&json!({ "batch": told })))
}

/// An event of a batch, which is for one channel, so that there is one answer to it.
fn one(event: &Event<'_>) -> Result<Publication, Failure> {
    let mut publications = event.publications()?;
    match (publications.pop(), publications.is_empty()) {
        (Some(publication), true) => Ok(publication),
        _ => Err(Failure::bad_request("an event of a batch is for one channel")),
    }
}

/// Says which event of a batch it is about.
fn of_batch(index: usize, failure: Failure) -> Failure {
    Failure { sentence: format!("event {} of the batch: {}", index + 1, failure.sentence), ..failure }
}

fn check(call: &Call<'_>, publications: &[Publication]) -> Result<(), Failure> {
    let mut channels = publications.iter().flat_map(|publication| &publication.topics);
    channels.try_for_each(|channel| call.check_right("publish to", channel))
}

fn channels(publications: &[Publication]) -> Vec<Topic> {
    publications.iter().flat_map(|publication| &publication.topics).cloned().collect()
}

fn attributes(occupancies: &HashMap<Topic, Occupancy>, channel: &Topic, asked: Asked) -> Attributes {
    occupancies.get(channel).map(|occupancy| occupancy.attributes(asked)).unwrap_or_default()
}

impl Front {
    /// Who is in these channels. They have been published to, which must not be repeated for want of an answer to this: if
    /// it cannot be found out, nothing is told.
    async fn occupancies(&self, channels: &[Topic]) -> HashMap<Topic, Occupancy> {
        let selection: Selection = channels.iter().cloned().map(Selector::Exact).collect();
        let live = self.hub.topics(selection, None, channels.len()).await.unwrap_or_else(|error| {
            tracing::warn!(%error, "who is in the channels of a Pusher request cannot be found out");
            Vec::new()
        });
        live.iter().map(|live| (live.topic.clone(), Occupancy::of(self, live))).collect()
    }
}
