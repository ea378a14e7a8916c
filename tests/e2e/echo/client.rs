//! A client as `laravel-wave` is one: what it sends, in which order, and what it keeps.

use serde_json::{Value, json};
use tidings_stream::Event;

use crate::support::{BOUND, Connection, Hub, Listener, Response};

/// A client with one stream.
pub(super) struct Wave {
    pub(super) listener: Listener,
    pub(super) socket: String,
    pub(super) last_id: String,
    session: String,
}

impl Wave {
    /// Opens the stream of somebody with this session; none if it is empty.
    pub(super) fn open(hub: &Hub, session: &str) -> Self {
        Self::ask(hub, "", session, &[])
    }

    /// Opens it with this query.
    pub(super) fn query(hub: &Hub, query: &str, session: &str) -> Self {
        Self::ask(hub, query, session, &[])
    }

    /// Opens it again, as that client does once the former one has ended.
    pub(super) fn again(self, hub: &Hub) -> Self {
        let Self { listener, socket, last_id, session } = self;
        drop(listener);
        Self::ask(hub, "", &session, &[("Last-Event-ID", &last_id), ("X-Socket-Id", &socket)])
    }

    fn ask(hub: &Hub, query: &str, session: &str, more: &[(&str, &str)]) -> Self {
        let mut wave = Self::try_ask(hub, query, session, more)
            .unwrap_or_else(|answer| panic!("answered {}: {}", answer.status(), answer.text()));
        let first = wave.listener.event();
        assert_eq!((&*first.event, &*first.data), ("general.connected", &*wave.socket));
        wave.last_id = first.id;
        wave
    }

    /// The answer, if it is no stream.
    pub(super) fn try_ask(
        hub: &Hub,
        query: &str,
        session: &str,
        more: &[(&str, &str)],
    ) -> Result<Self, Response> {
        let cookie = format!("session={session}");
        let mut headers = vec![("Accept", "text/event-stream"), ("Cache-Control", "no-cache")];
        if !session.is_empty() {
            headers.push(("Cookie", &cookie));
        }
        headers.extend_from_slice(more);
        let mut connection = Connection::open(hub.address, BOUND).unwrap();
        connection.send_request("GET", &format!("/wave?{query}"), &headers, b"").unwrap();
        let listener = Listener::read_or_answer(connection).unwrap()?;
        let socket = listener.head.header("x-socket-id").unwrap_or_default().to_owned();
        Ok(Self { listener, socket, last_id: String::new(), session: session.to_owned() })
    }

    /// The next event, whose id is the cursor from now on.
    pub(super) fn event(&mut self) -> Event {
        loop {
            let event = self.listener.event();
            if !event.id.is_empty() {
                self.last_id.clone_from(&event.id);
            }
            // Those move the cursor, and are nobody's.
            if event.event != "general.ping" {
                return event;
            }
        }
    }

    /// The names of the events until the stream ends.
    pub(super) fn rest(&mut self) -> Vec<String> {
        let events = std::iter::from_fn(|| self.listener.next_event().unwrap());
        events.map(|event| event.event).filter(|name| name != "general.ping").collect()
    }

    /// The next event's name and data.
    pub(super) fn heard(&mut self) -> (String, String) {
        let event = self.event();
        (event.event, event.data)
    }

    pub(super) fn request(&self, hub: &Hub, method: &str, target: &str, body: Option<&Value>) -> Response {
        let cookie = format!("session={}", self.session);
        let origin = hub.url();
        let mut headers = vec![("Accept", "application/json"), ("Origin", &*origin)];
        headers.extend([("Content-Type", "application/json"), ("X-Socket-Id", &*self.socket)]);
        if !self.session.is_empty() {
            headers.push(("Cookie", &cookie));
        }
        let body = body.map(Value::to_string).unwrap_or_default();
        let length = body.len().to_string();
        // The client of these tests adds a length of itself to a POST alone.
        if method == "DELETE" {
            headers.push(("Content-Length", &length));
            let mut connection = hub.connect();
            connection.send_request(method, target, &headers, b"").unwrap();
            connection.send(&body).unwrap();
            return connection.response(method).unwrap();
        }
        hub.request(method, target, &headers, body.as_bytes())
    }

    pub(super) fn post(&self, hub: &Hub, target: &str, body: &Value) -> Response {
        self.request(hub, "POST", target, Some(body))
    }

    /// Asks for a private or presence channel.
    pub(super) fn auth(&self, hub: &Hub, channel: &str) -> Response {
        self.post(hub, "/broadcasting/auth", &json!({ "channel_name": channel }))
    }

    /// Asks for a private channel, which must be granted.
    pub(super) fn hears(&self, hub: &Hub, channel: &str) {
        let answer = self.auth(hub, channel);
        assert_eq!(answer.status(), 200, "{}", answer.text());
    }

    /// Joins a presence channel, as the client does: it asks for it and for who is there. Answers who is.
    pub(super) fn joins(&self, hub: &Hub, channel: &str) -> Vec<Value> {
        self.hears(hub, channel);
        let answer = self.post(hub, USERS, &json!({ "channel_name": channel }));
        assert_eq!(answer.status(), 200, "{}", answer.text());
        let answer = answer.json();
        assert!(answer["_token"].is_string(), "{answer}");
        answer["users"].as_array().unwrap().clone()
    }

    /// Who is in a presence channel.
    pub(super) fn here(&self, hub: &Hub, channel: &str) -> Vec<Value> {
        let answer = self.request(hub, "GET", &format!("{USERS}?channel_name={channel}"), None);
        assert_eq!(answer.status(), 200, "{}", answer.text());
        answer.json().as_array().unwrap().clone()
    }

    pub(super) fn whisper(&self, hub: &Hub, channel: &str, name: &str, data: Value) -> Response {
        let body = json!({ "channel_name": channel, "event_name": name, "data": data });
        self.post(hub, "/wave/whisper", &body)
    }
}

/// Where the members of presence channels are.
pub(super) const USERS: &str = "/wave/presence-channel-users";

/// What the application says of its users.
pub(super) fn ann() -> Value {
    json!({ "id": 7, "name": "Ann" })
}

pub(super) fn bob() -> Value {
    json!({ "id": 8, "name": "Bob" })
}
