//! `GET`, `HEAD` and `QUERY`: the stream (sections 1.3 and 2).

use axum::{body::Body, response::Response};
use bytes::Bytes;
use http::{HeaderMap, Method, Uri};
use serde_json::value::RawValue;
use tidings_auth::{Action, Grant};
use tidings_hub::{Selection, Subscription, Topic};

use super::{
    Front,
    access::Caller,
    bearer_error::Failure,
    matcher::{Matcher, selection},
    presence::Presence,
    read_form,
    resource::Resource,
    subscribe_request::SubscribeRequest,
};
use crate::{
    problem::Problem,
    stream::{self, Carrier},
    visitor::Admission,
};

/// The largest body of a `QUERY`, in bytes.
const MAX_QUERY_BODY: usize = 1 << 20;

/// A request for a stream.
#[derive(Debug)]
pub(super) struct Request {
    pub(super) method: Method,
    pub(super) uri: Uri,
    pub(super) headers: HeaderMap,
    pub(super) body: Body,
}

pub(super) async fn subscribe(
    front: &Front,
    carrier: Carrier,
    request: Request,
) -> Result<Response, Failure> {
    let Request { method, uri, headers, body } = request;
    let settings = &front.settings;
    let resource = Resource::of(&uri, &headers, settings)?;
    if carrier.is_overloaded() {
        return Ok(stream::no_room());
    }
    let body = if method == super::query_method() {
        read_form(&headers, body, settings.body_limit(settings.max_body.min(MAX_QUERY_BODY))).await?
    } else {
        Bytes::new()
    };
    let asked = SubscribeRequest::read(uri.query().unwrap_or_default(), &body, &headers, settings.dialects)?;
    let dialect = asked.dialect;
    let caller = Caller { front, resource: &resource, uri: &uri, headers: &headers };
    let denied = |refusal| caller.denied(refusal, dialect);

    let visitor = caller.identify(Action::Subscribe, Some(dialect)).await.map_err(denied)?;
    let selectors = asked.selectors(&front.base)?;
    if settings.presence.is_some() {
        asked.matchers.iter().try_for_each(Presence::can_announce).map_err(|error| {
            Problem::bad_request(format!("a matcher is too long to be announced to others: {error}"))
        })?;
    }
    let named: Selection = selectors.iter().cloned().collect();
    let admission = visitor.may_subscribe(&front.authority, &headers, &named).await.map_err(denied)?;
    let Admission { read, bearer, expires, holder, grant } = admission;

    // A HEAD is no subscriber, and yet is told where it would begin.
    let is_head = method == Method::HEAD;
    let reserved =
        settings.presence.as_ref().filter(|_| !is_head).map(|presence| (presence, presence.reserve()));
    let (entry, companion) = match reserved {
        Some((presence, (ticket, companion))) => (Some((presence, ticket)), Some(companion)),
        None => (None, None),
    };
    let selection = selection(dialect, &selectors);
    let topics = selection.to_string();
    let subscription = Subscription {
        unknown: settings.unknown_cursor,
        read,
        bearer: bearer.clone(),
        expires,
        lifetime: settings.lifetime.map(stream::jittered),
        companion,
        ..Subscription::new(selection, asked.cursor.start())
    };
    let accepted = match front.hub.accept(subscription).await {
        Ok(accepted) => accepted,
        Err(error) => return Ok(stream::refused(error)?),
    };
    let cursor = asked.cursor.answer(dialect, accepted.is_resumed());
    // The stream has its place, so that whoever is announced can see it.
    if let Some((presence, ticket)) = entry {
        let subscriptions = with_payloads(asked.matchers, grant.as_deref());
        presence.enter(ticket, &bearer.unwrap_or_default(), subscriptions);
    }
    let mut response = match is_head {
        true => stream::head(),
        false => carrier.begin(accepted, &topics, &holder),
    };
    response.headers_mut().extend(cursor);
    Ok(response)
}

/// Each matcher with what presence says of a subscription to it.
fn with_payloads(matchers: Vec<Matcher>, grant: Option<&Grant>) -> Vec<(Matcher, Option<Box<RawValue>>)> {
    let payload = |matcher: &Matcher| {
        let text = Topic::new(&matcher.text).ok()?;
        grant?.payload(&text).map(ToOwned::to_owned)
    };
    let with_payload = |matcher| {
        let payload = payload(&matcher);
        (matcher, payload)
    };
    matchers.into_iter().map(with_payload).collect()
}
