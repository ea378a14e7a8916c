//! The native front: subscribe with `GET /events`, publish with `POST`, look at topics.

mod fuzz;
mod message;
mod publish;
mod publish_json;
mod query;
mod receipt;
mod subscribe;
mod topics;

use std::{sync::Arc, time::Duration};

use axum::{
    Router,
    body::Body,
    routing::{get, post},
};
use bytes::Bytes;
use http::HeaderMap;
use tidings_auth::Action;
use tidings_hub::{Front, Hub, Pattern, Publication, PublishError, Receipt, Topic, UrlBase};

pub use self::fuzz::fuzz;
pub(crate) use self::{
    publish_json::data,
    query::{CURSOR_HEADER, CURSOR_PARAMETERS},
};
use crate::{
    body::BodyLimit, client::Client, echo, gate::Gate, limit::LimitHits, mercure, problem::Problem,
    visitor::Visitor,
};

/// Settings of the native front.
#[derive(Clone, Debug)]
pub struct NativeSettings {
    /// The topic of `POST /message`, and of a subscription that names none. Default: `messages`.
    pub default_topic: Topic,
    /// The largest body of a publish, in bytes. Default: 1 MiB.
    pub max_body: usize,
    /// How long a body may take to arrive. Default: 30 s.
    pub body_time: Duration,
    /// The reconnection time told at the start of each stream, in milliseconds. Default: none, the browser's own.
    pub retry: Option<u64>,
    /// How long a stream lasts at most, about. Default: as long as it can.
    pub lifetime: Option<Duration>,
    /// Where limits that were hit are counted: the server's, or one's own.
    pub hits: Arc<LimitHits>,
    /// What new subscribers are greeted with: the data of a first event, by the topics they ask for.
    pub greetings: Vec<(Pattern, String)>,
    /// What topics are relative to where a Mercure subscriber holds URL patterns against them
    /// ([`mercure_base`](crate::mercure_base)). Default: that of a hub which does not know its address.
    pub base: UrlBase,
    /// Who may publish and subscribe. Default: whoever reaches the routes.
    pub gate: Gate,
}

impl NativeSettings {
    /// The defaults, with this default topic.
    pub fn new(default_topic: Topic) -> Self {
        Self {
            default_topic,
            max_body: 1 << 20,
            body_time: Duration::from_secs(30),
            retry: None,
            lifetime: None,
            hits: Arc::default(),
            greetings: Vec::new(),
            base: UrlBase::default(),
            gate: Gate::default(),
        }
    }

    fn body_limit(&self) -> BodyLimit<'_> {
        BodyLimit { bytes: self.max_body, time: self.body_time, hits: &self.hits }
    }
}

/// What the handlers share.
#[derive(Clone, Debug)]
struct Native {
    hub: Hub,
    settings: Arc<NativeSettings>,
}

impl Native {
    fn gate(&self) -> &Gate {
        &self.settings.gate
    }

    /// The body of what is published. Who can be allowed nothing does not take the room that bodies have.
    async fn read(&self, visitor: &Visitor, body: Body) -> Result<Bytes, Problem> {
        self.gate().may_be_known(visitor, Action::Publish)?;
        self.settings.body_limit().read(body).await
    }

    /// Publishes one event, if the visitor may.
    async fn publish(
        &self,
        visitor: &Visitor,
        client: &Client,
        headers: &HeaderMap,
        publication: Publication,
    ) -> Result<Receipt, Problem> {
        let publications = std::slice::from_ref(&publication);
        check(publications)?;
        self.may_publish(visitor, client, headers, publications).await?;
        Ok(self.hub.publish(publication).await?)
    }

    /// Whether the visitor may publish all of this. Nobody publishes what only the hub itself says, about who is there.
    async fn may_publish(
        &self,
        visitor: &Visitor,
        client: &Client,
        headers: &HeaderMap,
        publications: &[Publication],
    ) -> Result<(), Problem> {
        // First, so that the application is not asked for a flood.
        client.publish(publications.len())?;
        self.gate().may_publish(visitor, headers, publications).await?;
        let mut topics = publications.iter().flat_map(|publication| &publication.topics);
        let is_reserved = |topic: &str| {
            mercure::is_like_announcements(topic, self.settings.base.url()) || echo::is_reserved(topic)
        };
        match topics.find(|topic| is_reserved(topic.as_str())) {
            Some(topic) => Err(Problem::bad_request(format!(
                "the topic {topic:?} is the hub's own, for who is subscribed: choose another"
            ))),
            None => Ok(()),
        }
    }
}

/// Checks what the hub will refuse, before anybody asks the application about it.
fn check(publications: &[Publication]) -> Result<(), PublishError> {
    let mut checks = publications.iter().map(Publication::check).enumerate();
    checks.try_for_each(|(index, check)| check.map_err(|reason| PublishError::Invalid { index, reason }))
}

/// The native front's subscribe and publish routes, to be merged into any axum application. With an open gate, whoever
/// reaches them may publish and subscribe: [`app`](crate::app()) keeps other machines and sites off them.
pub fn native(hub: Hub, settings: NativeSettings) -> Router {
    let state = Native { hub: hub.via(Front::Native), settings: Arc::new(settings) };
    Router::new()
        .route("/events", get(subscribe::subscribe))
        .route("/sse", get(subscribe::subscribe))
        .route("/topics/{*topic}", post(publish::to_topic))
        .route("/message", post(message::message))
        .route("/publish", post(publish_json::publish))
        .with_state(state)
}

/// The routes that list topics: `GET /topics` and `GET /topics/{topic}`.
pub fn topics(hub: Hub) -> Router {
    Router::new()
        .route("/topics", get(topics::list))
        .route("/topics/{*topic}", get(topics::one))
        .with_state(hub)
}

#[cfg(test)]
mod tests {
    use futures_util::stream::{pending, unfold};
    use http::Request;
    use tidings_auth::{Authority, Callback, Dialects, Key};
    use tidings_hub::{Selection, Settings};
    use tidings_log::{Memory, Retention};
    use tower::ServiceExt as _;

    use super::*;
    use crate::gate::GateSettings;

    fn routes(gate: Gate) -> Router {
        let log = Arc::new(Memory::new(Retention::default()).unwrap());
        let settings = NativeSettings { gate, ..NativeSettings::new(Topic::new("messages").unwrap()) };
        native(Hub::start(log, Settings::default()).unwrap(), settings)
    }

    async fn status(routes: &Router, request: http::request::Builder, body: String) -> u16 {
        let request = request.body(Body::from(body)).unwrap();
        routes.clone().oneshot(request).await.unwrap().status().as_u16()
    }

    // An application that cannot be reached: whoever asks it gets no answer.
    #[tokio::test]
    async fn the_application_is_not_asked_about_what_the_hub_would_refuse() {
        let callback = Callback::new("http://127.0.0.1:1/may");
        let rights = tidings_auth::Settings { callback: Some(callback), ..Default::default() };
        let settings = GateSettings {
            cookie: "token".to_owned(),
            query: false,
            publish_origins: Vec::new(),
            url: None,
            public_urls: Vec::new(),
            dialects: Dialects::default(),
            hits: Arc::default(),
        };
        let routes = routes(Gate::new(Authority::start(rights).unwrap(), settings));
        let publish = async |topics: usize| {
            let topics: Vec<_> = (0..topics).map(|n| format!("a{n}")).collect();
            let body = serde_json::json!({ "topics": topics, "data": "x" }).to_string();
            status(&routes, Request::post("/publish"), body).await
        };
        assert_eq!(publish(1).await, 503);
        assert_eq!(publish(101).await, 400);
        let topics = (0..1001).map(|n| format!("topic=a{n}")).collect::<Vec<_>>().join("&");
        assert_eq!(status(&routes, Request::get(format!("/events?{topics}")), String::new()).await, 400);
    }

    fn keyed() -> (Authority, Router) {
        let key = Key {
            name: "publisher".to_owned(),
            secret: "the-secret-of-a-publisher".into(),
            publish: Selection::all(),
            subscribe: Selection::default(),
            rate: None,
            admin: false,
        };
        let rights = tidings_auth::Settings { keys: vec![key], ..Default::default() };
        let authority = Authority::start(rights).unwrap();
        (authority.clone(), routes(Gate::new(authority, GateSettings::default())))
    }

    const PATHS: [&str; 3] = ["/topics/a", "/publish", "/message"];

    // Whose body never comes would wait here for ever.
    #[tokio::test(start_paused = true)]
    async fn strangers_who_may_nothing_are_refused_before_their_bodies() {
        let (_, routes) = keyed();
        for path in PATHS {
            let body = Body::from_stream(pending::<Result<Bytes, std::io::Error>>());
            let answer = routes.clone().oneshot(Request::post(path).body(body).unwrap()).await.unwrap();
            assert_eq!(answer.status().as_u16(), 401, "{path}");
        }
    }

    #[tokio::test]
    async fn a_key_that_is_taken_away_while_the_body_comes_publishes_nothing() {
        for path in PATHS {
            let (authority, routes) = keyed();
            // The body begins to be read once the key has been looked at.
            let body = unfold(Some(authority), async |authority: Option<Authority>| {
                let authority = authority?;
                let callback = Callback::new("http://127.0.0.1:1/may");
                let rights = tidings_auth::Settings { callback: Some(callback), ..Default::default() };
                authority.exchange(authority.prepare(rights).unwrap());
                Some((Ok::<_, std::io::Error>(Bytes::from_static(b"{\"topic\":\"a\"}")), None))
            });
            let request = Request::post(path)
                .header("Authorization", "Bearer the-secret-of-a-publisher")
                .header("Content-Type", "application/json")
                .body(Body::from_stream(body))
                .unwrap();
            assert_eq!(routes.oneshot(request).await.unwrap().status().as_u16(), 401, "{path}");
        }
    }

    // Whoever subscribes to `/.well-known/mercure/subscriptions/*` by a URL pattern would be sent these.
    #[tokio::test]
    async fn nobody_publishes_what_could_be_taken_for_an_announcement() {
        let routes = routes(Gate::default());
        let publish = async |topic: &str| {
            let body = serde_json::json!({ "topic": topic, "event": "mercure", "data": "{}" });
            status(&routes, Request::post("/publish"), body.to_string()).await
        };
        for forged in [
            "mercure/subscriptions/exact/a/urn%3Auuid%3A1",
            "\\.well-known\\mercure\\subscriptions\\exact\\a\\urn%3Auuid%3A1",
            "/.well-known/%6Dercure/subscriptions/exact/a/urn%3Auuid%3A1",
            "https://hub.example/.well-known/mercure/subscriptions/exact/a/urn%3Auuid%3A1",
        ] {
            assert_eq!(publish(forged).await, 400, "{forged}");
        }
        for harmless in ["mercure", "mercure/news", "news"] {
            assert_eq!(publish(harmless).await, 200, "{harmless}");
        }
    }
}
