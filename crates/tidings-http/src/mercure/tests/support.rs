//! A hub with a Mercure front, tokens for it, and what it answers.

use std::{
    num::NonZeroUsize,
    sync::Arc,
    time::{Duration, SystemTime},
};

use axum::{Router, body::Body};
use futures_util::StreamExt as _;
use http::{HeaderName, Request};
use http_body_util::BodyExt as _;
use tidings_auth::{
    Algorithm, Anonymous, Authority, Dialect, Dialects, Issuer, Key, KeySource, Mint, Roles, Secret, mint,
};
use tidings_hub::{Hub, Selection, Selector, Settings};
use tidings_log::{Memory, Retention};
use tower::ServiceExt as _;

use super::super::{MercureSettings, Presence, mercure};

/// Enough for anything that happens at all.
const PATIENCE: Duration = Duration::from_secs(10);
pub(super) const PATH: &str = "/.well-known/mercure";
pub(super) const HOST: &str = "hub.example";
pub(super) const RESOURCE: &str = "http://hub.example/.well-known/mercure";
pub(super) const ISSUER: &str = "https://issuer.example";
pub(super) const ORIGIN: &str = "https://app.example";
pub(super) const API_KEY: &str = "a-key-of-the-backend";
const SECRET: &str = "a secret that is long enough for HS512, which needs 64 bytes of it, all told";

pub(super) const BOTH: Dialects = Dialects { v1: true, v0: true };

/// A hub that takes tokens, and knows an API key.
pub(super) fn closed() -> tidings_auth::Settings {
    let keys = KeySource::Static { key: Secret::new(SECRET), algorithm: Algorithm::HS256 };
    let issuer = Issuer {
        name: "test".to_owned(),
        issuer: Some(ISSUER.to_owned()),
        audience: Vec::new(),
        roles: Roles::default(),
        keys,
        leeway: Duration::ZERO,
    };
    let key = Key {
        name: "backend".to_owned(),
        secret: Secret::new(API_KEY),
        publish: selection(&["/books/{id}"]),
        subscribe: selection(&["/books/{id}"]),
        rate: None,
        admin: false,
    };
    tidings_auth::Settings {
        keys: vec![key],
        issuers: vec![issuer],
        dialects: BOTH,
        ..tidings_auth::Settings::default()
    }
}

/// The same, and everybody may read what is public.
pub(super) fn with_anonymous(subscribe: &[&str]) -> tidings_auth::Settings {
    let anonymous = Anonymous { publish: Selection::default(), subscribe: selection(subscribe) };
    tidings_auth::Settings { anonymous: Some(anonymous), ..closed() }
}

pub(super) fn selection(texts: &[&str]) -> Selection {
    texts.iter().map(|text| Selector::from_text(text).unwrap()).collect()
}

pub(super) fn both() -> MercureSettings {
    MercureSettings { dialects: BOTH, ..MercureSettings::default() }
}

/// A Mercure front over a hub.
pub(super) struct Front {
    pub(super) hub: Hub,
    router: Router,
}

impl Front {
    pub(super) fn new(rights: tidings_auth::Settings, settings: MercureSettings) -> Self {
        Self::start(rights, |_| settings)
    }

    pub(super) fn with_presence(rights: tidings_auth::Settings, debounce: Duration) -> (Self, Presence) {
        Self::with_presence_and(rights, debounce, |presence| MercureSettings { presence, ..both() })
    }

    pub(super) fn with_presence_and(
        rights: tidings_auth::Settings,
        debounce: Duration,
        settings: impl FnOnce(Option<Presence>) -> MercureSettings,
    ) -> (Self, Presence) {
        let mut presence = None;
        let front = Self::start(rights, |hub| {
            presence = Some(Presence::start(hub.clone(), debounce));
            settings(presence.clone())
        });
        (front, presence.unwrap())
    }

    fn start(rights: tidings_auth::Settings, settings: impl FnOnce(&Hub) -> MercureSettings) -> Self {
        let log = Arc::new(Memory::new(Retention::default()).unwrap());
        let hub = Hub::start(log, Settings { shards: NonZeroUsize::MIN, ..Settings::default() }).unwrap();
        let settings = settings(&hub);
        let router = mercure(hub.clone(), Authority::start(rights).unwrap(), settings);
        Self { hub, router }
    }

    pub(super) fn router(&self) -> Router {
        self.router.clone()
    }

    pub(super) async fn get(&self, address: &str) -> Answer {
        self.send("GET", address, &[], "").await
    }

    /// Asks with a token, below the hub's path.
    pub(super) async fn get_as(&self, token: &str, rest: &str) -> Answer {
        self.send("GET", &format!("{PATH}{rest}"), &[bearer(token).as_pair()], "").await
    }

    pub(super) async fn subscribe(&self, token: &str, query: &str) -> Stream {
        self.get_as(token, &format!("?{query}")).await.stream()
    }

    /// Publishes on an open hub.
    pub(super) async fn post(&self, form: &str) -> Answer {
        self.send("POST", PATH, &[], form).await
    }

    pub(super) async fn publish(&self, token: &str, form: &str) -> Answer {
        self.send("POST", PATH, &[bearer(token).as_pair()], form).await
    }

    /// Sends a form, if `body` is not empty.
    pub(super) async fn send(
        &self,
        method: &str,
        address: &str,
        headers: &[(&str, &str)],
        body: &str,
    ) -> Answer {
        let mut request = Request::builder().method(method).uri(address).header("host", HOST);
        if !body.is_empty() && !headers.iter().any(|(name, _)| *name == "content-type") {
            request = request.header("content-type", "application/x-www-form-urlencoded");
        }
        for (name, value) in headers {
            request = request.header(HeaderName::from_bytes(name.as_bytes()).unwrap(), *value);
        }
        let request = request.body(Body::from(body.to_owned())).unwrap();
        let response = self.router.clone().oneshot(request).await.unwrap();
        Answer(response)
    }
}

/// What `Authorization` says for a token.
pub(super) struct AuthorizationHeader(String);

pub(super) fn bearer(token: &str) -> AuthorizationHeader {
    AuthorizationHeader(format!("Bearer {token}"))
}

impl AuthorizationHeader {
    pub(super) fn as_pair(&self) -> (&'static str, &str) {
        ("authorization", &self.0)
    }
}

#[derive(Debug)]
pub(super) struct Answer(http::Response<Body>);

impl Answer {
    pub(super) fn status(&self) -> u16 {
        self.0.status().as_u16()
    }

    /// A header's value; empty if there is none.
    pub(super) fn header(&self, name: &str) -> &str {
        self.0.headers().get(name).map_or("", |value| value.to_str().unwrap())
    }

    pub(super) fn challenge(&self) -> &str {
        self.header("www-authenticate")
    }

    pub(super) async fn text(self) -> String {
        let body = self.0.into_body().collect().await.unwrap();
        String::from_utf8(body.to_bytes().to_vec()).unwrap()
    }

    pub(super) async fn json(self) -> serde_json::Value {
        serde_json::from_str(&self.text().await).unwrap()
    }

    pub(super) fn stream(self) -> Stream {
        assert_eq!(self.status(), 200, "{:?}", self.0);
        assert_eq!(self.header("content-type"), "text/event-stream");
        Stream { body: self.0.into_body(), text: String::new() }
    }
}

/// A stream that is read.
#[derive(Debug)]
pub(super) struct Stream {
    body: Body,
    text: String,
}

impl Stream {
    /// Reads until the text is there, and gives everything up to its end.
    pub(super) async fn until(&mut self, text: &str) -> String {
        loop {
            if let Some(at) = self.text.find(text) {
                let rest = self.text.split_off(at + text.len());
                return std::mem::replace(&mut self.text, rest);
            }
            assert!(self.more().await, "the stream ended before {text:?}: {:?}", self.text);
        }
    }

    /// The data of the next event that has some.
    pub(super) async fn data(&mut self) -> String {
        let text = self.until("\n\n").await;
        let lines = text.lines().filter_map(|line| line.strip_prefix("data: "));
        let data = lines.collect::<Vec<_>>().join("\n");
        if data.is_empty() { Box::pin(self.data()).await } else { data }
    }

    /// Reads to the end of the stream, and gives everything.
    pub(super) async fn end(&mut self) -> String {
        while self.more().await {}
        std::mem::take(&mut self.text)
    }

    async fn more(&mut self) -> bool {
        let mut frames = (&mut self.body).into_data_stream();
        let Ok(next) = tokio::time::timeout(PATIENCE, frames.next()).await else {
            panic!("nothing more came after {:?}", self.text)
        };
        match next {
            Some(bytes) => {
                self.text += std::str::from_utf8(&bytes.unwrap()).unwrap();
                true
            }
            None => false,
        }
    }
}

/// A token of 1.0.
pub(super) fn v1(publish: &[&str], subscribe: &[&str]) -> String {
    token_of(&mint_v1(publish, subscribe))
}

pub(super) fn mint_v1(publish: &[&str], subscribe: &[&str]) -> Mint {
    Mint {
        issuer: Some(ISSUER.to_owned()),
        audience: vec![RESOURCE.to_owned()],
        expires: Some(SystemTime::now() + Duration::from_secs(600)),
        ..says(Dialect::V1, publish, subscribe)
    }
}

/// A token of 0.x.
pub(super) fn v0(publish: &[&str], subscribe: &[&str]) -> String {
    token_of(&says(Dialect::V0, publish, subscribe))
}

pub(super) fn says(dialect: Dialect, publish: &[&str], subscribe: &[&str]) -> Mint {
    let texts = |texts: &[&str]| texts.iter().map(ToString::to_string).collect();
    Mint { publish: texts(publish), subscribe: texts(subscribe), ..Mint::new(dialect) }
}

pub(super) fn token_of(token: &Mint) -> String {
    mint(token, &Secret::new(SECRET), Algorithm::HS256).unwrap().expose().to_owned()
}
