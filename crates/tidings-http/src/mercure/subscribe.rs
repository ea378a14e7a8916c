//! `GET`, `HEAD` and `QUERY`: the stream (sections 1.3 and 2).

use std::sync::Arc;

use axum::{body::Body, response::Response};
use bytes::Bytes;
use http::{HeaderMap, Method, Uri, header};
use serde_json::value::RawValue;
use tidings_auth::{Action, Grant};
use tidings_hub::{Naming, Selection, Subscription, Topic};

use super::{
    Front,
    access::Caller,
    bearer_error::Failure,
    matcher::{Matcher, selection},
    presence::{self, Presence},
    query_method, read_form,
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

/// A subscription that may begin.
#[derive(Debug)]
struct Admitted {
    asked: SubscribeRequest,
    selection: Selection,
    admission: Admission,
}

pub(super) async fn subscribe(
    front: &Front,
    carrier: Carrier,
    request: Request,
) -> Result<Response, Failure> {
    if carrier.is_overloaded() {
        return Ok(stream::no_room(&Naming::Own));
    }
    let is_head = request.method == Method::HEAD;
    // Who sends headers is no `EventSource` of a browser but a library, of which some take any frame for a message.
    let is_library = request.headers.contains_key(header::AUTHORIZATION);
    let Admitted { asked, selection, admission } = match admit(front, request).await {
        Ok(admitted) => admitted,
        // A browser gives up on any status but 200.
        Err(Failure::Denied(denied)) if denied.is_unavailable() => return Ok(stream::no_room(&Naming::Own)),
        Err(failure) => return Err(failure),
    };
    let settings = &front.settings;
    let topics = selection.to_string();
    let Admission { read, bearer, expires, holder, grant } = admission;

    let Some(place) = carrier.place(bearer.as_deref()) else { return Ok(stream::no_room(&Naming::Own)) };
    // A HEAD is no subscriber, and yet is told where it would begin.
    let presence = settings.presence.as_ref().filter(|_| !is_head);
    let (entry, companion) = match presence.map(|presence| (presence, presence.reserve())) {
        Some((presence, (ticket, companion))) => (Some((presence, ticket)), Some(companion)),
        None => (None, None),
    };
    let subscription = Subscription {
        unknown: settings.unknown_cursor,
        cursor: !is_library,
        read,
        bearers: bearer.iter().cloned().collect(),
        expires,
        lifetime: settings.lifetime.map(stream::jittered),
        companion: stream::companion(place, companion),
        ..Subscription::new(selection, asked.cursor.start())
    };
    let accepted = match front.hub.accept(subscription).await {
        Ok(accepted) => accepted,
        Err(error) => return Ok(stream::refused(error, &Naming::Own)?),
    };
    let cursor = asked.cursor.answer(asked.dialect, accepted.is_resumed());
    // The stream has its place, so that whoever is announced can see it.
    if let Some((presence, ticket)) = entry {
        let subscriptions = with_payloads(asked.matchers, grant.as_deref());
        presence.enter(ticket, &bearer.unwrap_or_default(), subscriptions);
    }
    let mut response = if is_head { stream::head() } else { carrier.begin(accepted, &topics, &holder) };
    response.headers_mut().extend(cursor);
    Ok(response)
}

/// Whether the subscription may begin. The order of the checks is the reference's: whoever may not ask is not told what is
/// wrong with the matchers.
async fn admit(front: &Front, request: Request) -> Result<Admitted, Failure> {
    let Request { method, uri, headers, body } = request;
    let settings = &front.settings;
    let resource = Resource::of(&uri, &headers, settings)?;
    let body = if method == query_method() {
        read_form(&headers, body, settings.body_limit(settings.max_body.min(MAX_QUERY_BODY))).await?
    } else {
        Bytes::new()
    };
    let asked = SubscribeRequest::read(uri.query().unwrap_or_default(), &body, &headers, settings.dialects)?;
    let caller = Caller { front, resource: &resource, uri: &uri, headers: &headers };
    let denied = |refusal| caller.denied(refusal, asked.dialect);

    let visitor = caller.identify(Action::Subscribe, Some(asked.dialect)).await.map_err(denied)?;
    let selectors = asked.selectors(&front.base)?;
    if settings.presence.is_some() {
        Presence::can_announce(&asked.matchers)?;
    }
    let selection = selection(asked.dialect, &selectors);
    front.hub.check_size(&selection).map_err(Problem::bad_request)?;
    let named = selectors.into_iter().collect();
    let admission = visitor.may_subscribe(&front.authority, &headers, &named).await.map_err(denied)?;
    Ok(Admitted { asked, selection, admission })
}

/// Each matcher with what presence says of a subscription to it. A payload is copied from the grant once, however many
/// there are that have it.
fn with_payloads(matchers: Vec<Matcher>, grant: Option<&Grant>) -> Vec<presence::Subscription> {
    let mut copies: Vec<(&RawValue, Arc<RawValue>)> = Vec::new();
    let mut payload = |matcher: &Matcher| {
        let text = Topic::new(&matcher.text).ok()?;
        let payload = grant?.payload(&text)?;
        if let Some((_, copy)) = copies.iter().find(|(original, _)| std::ptr::eq(*original, payload)) {
            return Some(copy.clone());
        }
        let copy = Arc::<RawValue>::from(payload.to_owned());
        copies.push((payload, copy.clone()));
        Some(copy)
    };
    let with_payload = |matcher| {
        let payload = payload(&matcher);
        (matcher, payload)
    };
    matchers.into_iter().map(with_payload).collect()
}

#[cfg(test)]
mod tests {
    use tidings_auth::{Holder, Payload};
    use tidings_hub::Rights;

    use super::{super::matcher::MatchType, *};

    #[test]
    fn a_payload_is_there_once_for_all_matchers() {
        let value = RawValue::from_string("{\"name\":\"Ann\"}".to_owned()).unwrap();
        let grant = Grant {
            rights: Rights::default(),
            admin: false,
            bearer: Arc::default(),
            holder: Holder::Anonymous,
            expires: None,
            payloads: vec![Payload { selection: Selection::all(), value: Some(value) }],
            dialect: None,
        };
        let matchers = ["a", "b"].map(|text| Matcher { kind: MatchType::Exact, text: text.into() });
        let with = with_payloads(matchers.into(), Some(&grant));
        let [(_, Some(a)), (_, Some(b))] = &with[..] else { panic!("{with:?}") };
        assert!(Arc::ptr_eq(a, b) && a.get() == "{\"name\":\"Ann\"}");
    }
}
