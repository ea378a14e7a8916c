//! Hubs that speak Mercure, and a client that sends what applications send.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use super::token::{ISSUER, SECRET};
use crate::support::{Hub, Listener, Response};

pub(super) const PATH: &str = "/.well-known/mercure";
pub(super) const SUBSCRIPTIONS: &str = "/.well-known/mercure/subscriptions";
/// What the hub is called, so that tokens can be made out for it before it has an address.
pub(super) const URL: &str = "https://hub.example/.well-known/mercure";

/// All but unreserved characters (RFC 3986).
const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');
/// The topic of the event that ends what a test looks at.
const END: &str = "urn:example:the-end";

/// A hub of both dialects that believes one issuer.
pub(super) fn hub() -> Hub {
    configured("", "")
}

/// One with more keys in `[mercure]`, and more tables.
pub(super) fn configured(mercure: &str, tables: &str) -> Hub {
    Hub::configured(&configuration(mercure, tables))
}

pub(super) fn configuration(mercure: &str, tables: &str) -> String {
    let dialects = if mercure.contains("dialects") { "" } else { "dialects = ['1.0', '0.x']" };
    let url = if mercure.contains("url =") { "" } else { &format!("url = '{URL}'") };
    // Where nobody speaks 1.0, an issuer that is configured must be in every token.
    let issuer = if mercure.contains("dialects = ['0.x']") { "" } else { &format!("issuer = '{ISSUER}'") };
    format!("[mercure]\n{dialects}\n{url}\n{mercure}\n[[jwt]]\n{issuer}\nkey = '{SECRET}'\n{tables}\n")
}

/// Fields as a form or a query.
pub(super) fn form(fields: &[(&str, &str)]) -> String {
    form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish()
}

/// A text as one segment of a path.
pub(super) fn segment(text: &str) -> String {
    utf8_percent_encode(text, SEGMENT).to_string()
}

/// Somebody who sends the same headers with each request.
#[derive(Clone)]
pub(super) struct Client<'h> {
    hub: &'h Hub,
    headers: Vec<(&'static str, String)>,
}

impl<'h> Client<'h> {
    /// Who has no token.
    pub(super) fn of(hub: &'h Hub) -> Self {
        Self { hub, headers: Vec::new() }
    }

    /// Who has this token.
    pub(super) fn with(hub: &'h Hub, token: &str) -> Self {
        Self::of(hub).header("Authorization", format!("Bearer {token}"))
    }

    pub(super) fn header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    fn headers(&self) -> Vec<(&str, &str)> {
        self.headers.iter().map(|(name, value)| (*name, value.as_str())).collect()
    }

    /// A request whose answer is no stream.
    pub(super) fn request(&self, method: &str, target: &str, body: &[u8]) -> Response {
        self.hub.request(method, target, &self.headers(), body)
    }

    pub(super) fn get(&self, target: &str) -> Response {
        self.request("GET", target, b"")
    }

    /// Publishes these fields.
    pub(super) fn publish(&self, fields: &[(&str, &str)]) -> Response {
        self.post(form(fields).as_bytes())
    }

    /// Publishes a body as it is.
    pub(super) fn post(&self, body: &[u8]) -> Response {
        let client = self.clone().header("Content-Type", "application/x-www-form-urlencoded");
        client.request("POST", PATH, body)
    }

    /// Publishes what must be accepted, and answers the event's id.
    pub(super) fn published(&self, fields: &[(&str, &str)]) -> String {
        let answer = self.publish(fields);
        assert_eq!(answer.status(), 200, "{fields:?}: {}", answer.text());
        answer.text()
    }

    /// Subscribes; the answer, if it is no stream.
    pub(super) fn subscribe(&self, fields: &[(&str, &str)]) -> Result<Listener, Response> {
        self.subscribe_raw("GET", &form(fields), b"")
    }

    /// Subscribes with a method, a query as it is, and a body.
    pub(super) fn subscribe_raw(&self, method: &str, query: &str, body: &[u8]) -> Result<Listener, Response> {
        let mut connection = self.hub.connect();
        let target = if query.is_empty() { PATH.to_owned() } else { format!("{PATH}?{query}") };
        let client = match body.is_empty() {
            true => self.clone(),
            false => self.clone().header("Content-Type", "application/x-www-form-urlencoded"),
        };
        connection.send_request(method, &target, &client.headers(), body).unwrap();
        Listener::read_or_answer(connection).unwrap()
    }

    /// Subscribes, which must be accepted.
    pub(super) fn listen(&self, fields: &[(&str, &str)]) -> Listener {
        match self.subscribe(fields) {
            Ok(listener) => listener,
            Err(answer) => panic!("{fields:?}: {:?}: {}", answer.head, answer.text()),
        }
    }

    /// The answer to a subscription that must not be accepted.
    pub(super) fn refused(&self, fields: &[(&str, &str)]) -> Response {
        match self.subscribe(fields) {
            Ok(listener) => panic!("{fields:?} is accepted: {:?}", listener.head),
            Err(answer) => answer,
        }
    }
}

/// Which of these topics a subscription selects: each is published to, its name as the data.
pub(super) fn selected(client: &Client<'_>, subscription: &[(&str, &str)], topics: &[&str]) -> Vec<String> {
    let is_v0 = subscription.iter().any(|(name, _)| *name == "topic");
    let end = (if is_v0 { "topic" } else { "match" }, END);
    let mut listener = client.listen(&[subscription, &[end]].concat());
    for topic in topics {
        client.published(&[("topic", topic), ("data", topic)]);
    }
    until_end(client, &mut listener)
}

/// The data of all that comes to a listener, who listens to everything or to [`END`] too.
pub(super) fn until_end(publisher: &Client<'_>, listener: &mut Listener) -> Vec<String> {
    publisher.published(&[("topic", END), ("data", END)]);
    std::iter::from_fn(|| Some(listener.event().data).filter(|data| data != END)).collect()
}
