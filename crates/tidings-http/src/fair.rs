//! What is refused before any front sees it: whoever guesses keys and tokens too fast, and bodies for which there is no
//! room.

use std::sync::Arc;

use axum::{
    body::HttpBody as _,
    extract::{Request, State},
    middleware::Next,
    response::{IntoResponse as _, Response},
};
use http::{HeaderMap, StatusCode, Uri, header};
use tidings_hub::Naming;

use crate::{
    client::Client,
    problem::Problem,
    quota::{Quotas, TooMany},
    stream,
};

/// The parameters of a query that somebody can authenticate by: of the native front and of Mercure's, and Pusher's.
const PARAMETERS: [&str; 3] = ["access_token", "authorization", "auth_key"];
/// The operators' routes that change something: they work whatever there is no room for.
const OPERATORS: &str = "/admin/";

pub(crate) async fn fair(State(quotas): State<Arc<Quotas>>, request: Request, next: Next) -> Response {
    let address = request.extensions().get().and_then(Client::counted);
    let address = address.filter(|_| presents_something(request.uri(), request.headers()));
    if let Some(Err(too_many)) = address.map(|address| quotas.may_authenticate(address)) {
        return refused(&request, too_many);
    }
    let has_room = request.body().is_end_stream() || request.uri().path().starts_with(OPERATORS);
    let request = if has_room { request } else { request.map(|body| quotas.budget(body)) };
    let response = next.run(request).await;
    if let Some(address) = address.filter(|_| response.status() == StatusCode::UNAUTHORIZED) {
        quotas.note_failure(address);
    }
    response
}

/// Whether there is anything about a request that could be a key or a token. Names are decoded, as the fronts do, and
/// Pusher's are good in any case.
fn presents_something(uri: &Uri, headers: &HeaderMap) -> bool {
    let is_one = |name: &str| PARAMETERS.iter().any(|parameter| name.eq_ignore_ascii_case(parameter));
    headers.contains_key(header::AUTHORIZATION)
        || headers.contains_key(header::COOKIE)
        || form_urlencoded::parse(uri.query().unwrap_or_default().as_bytes()).any(|(name, _)| is_one(&name))
}

/// The answer to who has guessed too much. An `EventSource` comes back only after a 200, and its user may share the address
/// with somebody else who guesses.
fn refused(request: &Request, TooMany { retry_after, rate }: TooMany) -> Response {
    let accept = request.headers().get(header::ACCEPT).and_then(|accept| accept.to_str().ok());
    if accept.is_some_and(|accept| accept.contains("text/event-stream")) {
        return stream::no_room(&Naming::Own);
    }
    let detail = format!(
        "from this address come more than {rate} bad keys and tokens a second (setting limits.auth_failures): wait a moment"
    );
    Problem::too_many(detail, retry_after).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_could_be_a_key_or_a_token_is_seen_however_it_is_written() {
        let presents = |query: &str| {
            let uri = format!("/events?{query}").parse().unwrap();
            presents_something(&uri, &HeaderMap::new())
        };
        for query in
            ["access_token=x", "topic=a&access%5Ftoken=x", "%61uthorization=x", "auth_key=x", "Auth%5fKEY=x"]
        {
            assert!(presents(query), "{query}");
        }
        for query in ["", "topic=access_token", "topic=a&my_access_token=x"] {
            assert!(!presents(query), "{query}");
        }
    }
}
