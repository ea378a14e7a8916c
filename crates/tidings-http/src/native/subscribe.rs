//! `GET /events` (and `/sse`): the stream.

use axum::{extract::State, response::Response};
use bytes::{Bytes, BytesMut};
use http::{HeaderMap, Method, StatusCode, Uri};
use tidings_auth::Action;
use tidings_hub::{Naming, Start, Subscription};
use tidings_stream::Frame;

use super::{Native, query};
use crate::{
    problem::Problem,
    stream::{self, Carrier},
    visitor::Admission,
};

pub(super) async fn subscribe(
    State(native): State<Native>,
    carrier: Carrier,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    if carrier.is_overloaded() {
        return Ok(stream::no_room(&Naming::Own));
    }
    let (asked, admission) = match native.admit(&uri, &headers).await {
        Ok(admitted) => admitted,
        // Nobody can say now whether it may: a browser gives up on any status but 200.
        Err(problem) if problem.status() == StatusCode::SERVICE_UNAVAILABLE => {
            return Ok(stream::no_room(&Naming::Own));
        }
        Err(problem) => return Err(problem),
    };
    if method == Method::HEAD {
        return Ok(stream::head());
    }
    let prelude = native.prelude(&asked);
    let topics = asked.selection.to_string();
    let Admission { read, bearer, expires, holder, .. } = admission;
    let Some(place) = carrier.place(bearer.as_deref()) else { return Ok(stream::no_room(&Naming::Own)) };
    let farewell = farewell(&asked);
    // Who needs to be told of the end does not come back after it.
    let lifetime = native.settings.lifetime.filter(|_| asked.end.is_none());
    let subscription = Subscription {
        prelude,
        farewell,
        naming: asked.event.map_or(Naming::Own, Naming::Fixed),
        read,
        bearers: bearer.into_iter().collect(),
        expires,
        lifetime: lifetime.map(stream::jittered),
        companion: stream::companion(place, None),
        ..Subscription::new(asked.selection, asked.start)
    };
    match native.hub.accept(subscription).await {
        Ok(accepted) => Ok(carrier.begin(accepted, &topics, &holder)),
        Err(error) => stream::refused(error, &Naming::Own),
    }
}

impl Native {
    /// What is asked for, and what may be seen of it.
    async fn admit(&self, uri: &Uri, headers: &HeaderMap) -> Result<(query::Asked, Admission), Problem> {
        let visitor = self.gate().identify(uri, headers, Action::Subscribe).await?;
        let asked = query::read(uri.query(), headers, &self.settings.default_topic)?;
        self.hub.check_size(&asked.selection).map_err(Problem::bad_request)?;
        let admission = self.gate().may_subscribe(visitor, headers, &asked.selection).await?;
        Ok((asked, admission))
    }

    /// What comes before all events: the reconnection time, and the greeting for those who come for the first time.
    fn prelude(&self, asked: &query::Asked) -> Bytes {
        let mut prelude = BytesMut::new();
        if self.settings.retry.is_some() {
            put(Frame { retry: self.settings.retry, ..Frame::default() }, &mut prelude);
        }
        let event = asked.event.as_deref();
        if !matches!(asked.start, Start::After(_)) {
            for (pattern, text) in &self.settings.greetings {
                if asked.selection.topics().iter().any(|topic| pattern.matches(topic.as_str())) {
                    put(Frame { event, data: Some(text), ..Frame::default() }, &mut prelude);
                }
            }
        }
        prelude.freeze()
    }
}

/// What says that the stream is over, to those who need to be told.
fn farewell(asked: &query::Asked) -> Bytes {
    let mut farewell = BytesMut::new();
    if let Some(end) = &asked.end {
        put(Frame { event: asked.event.as_deref(), data: Some(end), ..Frame::default() }, &mut farewell);
    }
    farewell.freeze()
}

fn put(frame: Frame<'_>, bytes: &mut BytesMut) {
    // Greetings and signals are any text, which can be data, and types have been checked.
    if let Err(error) = frame.encode(bytes) {
        tracing::error!(%error, "a stream's own frame cannot be encoded");
    }
}
