//! The addresses of active subscriptions, in both dialects (sections 1.8 and 2, "Subscriptions").

use std::borrow::Cow;

use axum::{
    extract::State,
    response::{IntoResponse, Response},
};
use http::{HeaderMap, StatusCode, Uri, header};
use tidings_auth::{Action, Dialects, Reason, Refusal};
use tidings_hub::{EARLIEST, Hub, Selection, Topic};

use super::{
    Front, PATH,
    access::{self, Caller},
    bearer_error::Failure,
    dialect::Dialect,
    documents,
    matcher::{MatchType, Matcher},
    presence::{Active, Presence, Wanted},
    resource::Resource,
};
use crate::{
    gate,
    problem::Problem,
    visitor::{Visitor, not_granted},
};

pub(super) async fn subscriptions(
    State(front): State<Front>,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Response, Failure> {
    let settings = &front.settings;
    let resource = Resource::of(&uri, &headers, settings)?;
    let Some(presence) = &settings.presence else { return Err(not_found(&uri).into()) };
    // As they came: an encoded slash is none.
    let segments: Vec<_> = uri.path().trim_start_matches(PATH).split('/').skip(2).collect();
    let shape = shape(&segments, settings.dialects);

    let caller = Caller { front: &front, resource: &resource, uri: &uri, headers: &headers };
    let visitor = caller.identify(Action::Subscribe, None).await;
    let visitor = visitor.map_err(|refusal| caller.denied(refusal, shape))?;
    let dialect = match &visitor {
        Visitor::Known(grant) => match grant.dialect {
            Some(tidings_auth::Dialect::V0) => Dialect::V0,
            Some(tidings_auth::Dialect::V1) => Dialect::V1,
            _ => shape,
        },
        _ => shape,
    };
    let topic = Topic::new(asked_for(&uri, dialect)).map_err(Problem::bad_request)?;
    let denied = |refusal| caller.denied(without_query(refusal, uri.path()), dialect);
    let refused = match &visitor {
        Visitor::Known(grant) => not_granted(grant, Action::Subscribe, uri.path()),
        _ => Reason::Nothing.into(),
    };
    let named = Selection::topic(topic.clone());
    let admission = visitor.may_subscribe(&front.authority, &headers, &named).await.map_err(denied)?;
    // Who subscribes is nothing public.
    if !admission.read.private.matches(&topic) {
        return Err(denied(refused).into());
    }
    answer(&front.hub, presence, dialect, &uri, &segments, &headers)
}

/// What must be granted: in 1.0 the path, in 0.x the whole of what was asked, but for a token in it.
fn asked_for(uri: &Uri, dialect: Dialect) -> Cow<'_, str> {
    let is_token = |field: &&str| {
        let name = form_urlencoded::parse(field.as_bytes()).next().map(|(name, _)| name);
        name.is_some_and(|name| [access::QUERY_TOKEN, gate::QUERY_TOKEN].contains(&&*name))
    };
    let fields = uri.query().filter(|_| dialect == Dialect::V0).map(|query| query.split('&'));
    match fields.map(|fields| fields.filter(|field| !is_token(field)).collect::<Vec<_>>().join("&")) {
        Some(query) if !query.is_empty() => format!("{}?{query}", uri.path()).into(),
        _ => uri.path().into(),
    }
}

/// A refusal that says the path only: it is logged and sent, and in a query there may be what is nobody's business.
fn without_query(mut refusal: Refusal, path: &str) -> Refusal {
    if let Reason::NotGranted { what, .. } | Reason::Refused { what, .. } = &mut refusal.reason {
        path.clone_into(what);
    }
    refusal
}

/// The dialect that an address looks like.
fn shape(segments: &[&str], on: Dialects) -> Dialect {
    match segments {
        _ if !on.v0 => Dialect::V1,
        _ if !on.v1 => Dialect::V0,
        [_] => Dialect::V0,
        [kind, _] if MatchType::of_word(kind).is_none() => Dialect::V0,
        _ => Dialect::V1,
    }
}

/// What an address names.
#[derive(Debug, PartialEq, Eq)]
enum Target {
    All,
    Matcher(Matcher),
    One(Matcher, String),
}

impl Target {
    /// # Errors
    /// When the address names nothing, or is not encoded as it must be.
    fn read(segments: &[&str], dialect: Dialect, uri: &Uri) -> Result<Self, Problem> {
        let text = |segment: &str| {
            documents::decode(segment, dialect).ok_or_else(|| {
                Problem::bad_request("the address is not percent-encoded UTF-8: encode each part of it once")
            })
        };
        let (kind, rest) = match (dialect, segments) {
            (_, []) => return Ok(Self::All),
            (Dialect::V0, rest) => (MatchType::Topic, rest),
            (Dialect::V1, [word, rest @ ..]) => {
                let kind = MatchType::of_word(word).ok_or_else(|| {
                    Problem::bad_request("the match type is not known: use exact or urlpattern")
                })?;
                (kind, rest)
            }
        };
        let matcher = |segment: &str| Ok::<_, Problem>(Matcher { kind, text: text(segment)?.into() });
        match rest {
            [one] => Ok(Self::Matcher(matcher(one)?)),
            [one, subscriber] => Ok(Self::One(matcher(one)?, text(subscriber)?)),
            _ => Err(not_found(uri)),
        }
    }
}

fn answer(
    hub: &Hub,
    presence: &Presence,
    dialect: Dialect,
    uri: &Uri,
    segments: &[&str],
    headers: &HeaderMap,
) -> Result<Response, Failure> {
    let target = Target::read(segments, dialect, uri)?;
    // Before the list: what changes in between is told by events behind this one.
    let status = hub.log().status();
    let last_id = status.last_id.or(status.last.map(|last| last.to_string()));
    let last_id = last_id.as_deref().unwrap_or(EARLIEST);
    let tag = documents::entity_tag(dialect, last_id);
    let wanted = match &target {
        Target::All => Wanted::Dialect(dialect),
        Target::Matcher(matcher) => Wanted::Matcher(matcher),
        Target::One(matcher, subscriber) => Wanted::One(matcher, subscriber),
    };
    // One subscription may be gone. Of a list there is always one, which is not made for who has it.
    let one = match wanted {
        Wanted::One(..) => Some(presence.list(wanted).pop().ok_or_else(|| not_found(uri))?),
        _ => None,
    };
    if is_current(headers, tag.as_bytes()) {
        return Ok((StatusCode::NOT_MODIFIED, [(header::ETAG, tag)]).into_response());
    }
    let body = match one.as_ref().and_then(Active::document) {
        Some(one) => one.alone(last_id),
        None => {
            let list = presence.list(wanted);
            documents::collection(dialect, uri.path(), last_id, list.iter().filter_map(Active::document))
        }
    };
    let headers = [
        (header::CONTENT_TYPE, documents::media_type(dialect)),
        (header::LINK, documents::link(dialect, last_id)),
        (header::ETAG, tag),
    ];
    Ok((headers, body).into_response())
}

/// Whether the client has what the tag stands for (RFC 9110, section 13.1.2). Tags of 0.x have no quotes, and may be any
/// text.
fn is_current(headers: &HeaderMap, tag: &[u8]) -> bool {
    headers.get_all(header::IF_NONE_MATCH).iter().any(|value| {
        let tags = value.as_bytes().split(|byte| *byte == b',').map(<[u8]>::trim_ascii);
        value.as_bytes() == tag
            || tags.map(|one| one.strip_prefix(b"W/").unwrap_or(one)).any(|one| one == tag)
    })
}

fn not_found(uri: &Uri) -> Problem {
    Problem::new(StatusCode::NOT_FOUND, format!("there is no active subscription at {}", uri.path()))
}

#[cfg(test)]
mod tests {
    use super::*;

    // 0, 1.8, 2 Subscriptions
    #[test]
    fn an_address_has_the_shape_of_a_dialect() {
        let both = Dialects { v1: true, v0: true };
        for (segments, expected) in [
            (&[][..], Dialect::V1),
            (&["a"], Dialect::V0),
            (&["a", "s"], Dialect::V0),
            (&["exact", "a"], Dialect::V1),
            (&["urlpattern", "a"], Dialect::V1),
            (&["exact", "a", "s"], Dialect::V1),
            (&["regexp", "a", "s"], Dialect::V1),
        ] {
            assert_eq!(shape(segments, both), expected, "{segments:?}");
            assert_eq!(shape(segments, Dialects { v1: true, v0: false }), Dialect::V1);
            assert_eq!(shape(segments, Dialects { v1: false, v0: true }), Dialect::V0);
        }
    }

    fn target(segments: &[&str], dialect: Dialect) -> Result<Target, StatusCode> {
        let uri = Uri::from_static("/x");
        Target::read(segments, dialect, &uri).map_err(|problem| problem.into_response().status())
    }

    // 1.8, 2 Subscriptions
    #[test]
    fn what_an_address_names() {
        use Dialect::{V0, V1};
        let matcher = |kind, text: &str| Matcher { kind, text: text.into() };
        let exact = matcher(MatchType::Exact, "a/b c");
        let topic = matcher(MatchType::Topic, "a/b c");
        assert_eq!(target(&[], V1), Ok(Target::All));
        assert_eq!(target(&["exact", "a%2Fb%20c"], V1), Ok(Target::Matcher(exact.clone())));
        assert_eq!(target(&["exact", "a%2Fb%20c", "urn%3A1"], V1), Ok(Target::One(exact, "urn:1".into())));
        assert_eq!(target(&["a%2Fb+c"], V0), Ok(Target::Matcher(topic.clone())));
        assert_eq!(target(&["a%2Fb+c", "urn%3A1"], V0), Ok(Target::One(topic, "urn:1".into())));
        for (segments, dialect, status) in [
            (&["regexp", "a"][..], V1, 400),
            (&["exact", "%zz"], V1, 400),
            (&["exact"], V1, 404),
            (&["exact", "a", "b", "c"], V1, 404),
            (&["a", "b", "c"], V0, 404),
            (&["%"], V0, 400),
        ] {
            assert_eq!(target(segments, dialect).map_err(|got| got.as_u16()), Err(status), "{segments:?}");
        }
    }

    // 1.8, 2 Subscriptions
    #[test]
    fn what_is_asked_for_has_no_token_in_it() {
        let asked = |uri: &str, dialect| asked_for(&uri.parse().unwrap(), dialect).into_owned();
        for (uri, v0) in [
            ("/s/a?page=1&x", "/s/a?page=1&x"),
            ("/s/a?authorization=SECRET", "/s/a"),
            ("/s/a?page=1&authorization=SECRET&x=y", "/s/a?page=1&x=y"),
            ("/s/a?%61uthorization=SECRET&access_token=SECRET", "/s/a"),
            ("/s/a", "/s/a"),
        ] {
            assert_eq!(asked(uri, Dialect::V0), v0);
            assert_eq!(asked(uri, Dialect::V1), "/s/a");
        }
    }

    // 1.8, 2 Subscriptions
    #[test]
    fn a_client_that_has_it_is_told_so() {
        let is_current = |value: &str, tag: &str| {
            let value = (header::IF_NONE_MATCH, value.parse().unwrap());
            is_current(&HeaderMap::from_iter([value]), tag.as_bytes())
        };
        assert!(is_current("\"a\"", "\"a\""));
        assert!(is_current("\"x\", W/\"a\"", "\"a\""));
        assert!(is_current("a,b", "a,b"));
        assert!(!is_current("\"b\"", "\"a\""));
        assert!(!is_current("a", "\"a\""));
    }
}
