//! Sets of keys, fetched from a server that answers as the test says.

use std::sync::{
    Mutex as StdMutex,
    atomic::{AtomicUsize, Ordering},
};

use axum::{
    Router,
    extract::State,
    http::{HeaderMap, HeaderValue, StatusCode, header::LOCATION},
    routing::get,
};
use jsonwebtoken::{crypto, jwk::Jwk};
use serde_json::{Value, json};
use tokio::{net::TcpListener, time::timeout};

use super::*;
use crate::{
    algorithm::JWKS_ALGORITHMS,
    pem::{self, tests::PAIRS},
};

/// For what must happen soon. Long, because machines are busy.
const SOON: Duration = Duration::from_secs(10);

/// An interval so long that the test does not see its end.
const LONG: Duration = Duration::from_secs(3_600);

#[derive(Clone)]
struct Server(Arc<Inner>);

struct Inner {
    answer: StdMutex<(StatusCode, HeaderMap, Vec<u8>)>,
    asked: AtomicUsize,
    /// How long the server takes.
    pause: Duration,
}

impl Server {
    async fn start(pause: Duration) -> (Self, String) {
        let answer = StdMutex::new((StatusCode::OK, HeaderMap::new(), set(&[]).into_bytes()));
        let server = Self(Arc::new(Inner { answer, asked: AtomicUsize::new(0), pause }));
        let answer = async |State(server): State<Server>| {
            server.0.asked.fetch_add(1, Ordering::Relaxed);
            sleep(server.0.pause).await;
            server.0.answer.lock().unwrap().clone()
        };
        let router = Router::new().route("/keys", get(answer)).with_state(server.clone());
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/keys", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        (server, url)
    }

    fn answer(&self, status: StatusCode, body: impl Into<Vec<u8>>) {
        *self.0.answer.lock().unwrap() = (status, HeaderMap::new(), body.into());
    }

    fn asked(&self) -> usize {
        self.0.asked.load(Ordering::Relaxed)
    }
}

/// The public half of the pair of this algorithm, under this name.
fn key(kid: &str, algorithm: Algorithm) -> Value {
    let (_, private, _) = PAIRS.into_iter().find(|(of, ..)| *of == algorithm).unwrap();
    let private = pem::signing(&private.into(), algorithm).unwrap();
    let mut jwk = Jwk::from_encoding_key(&private, algorithm).unwrap();
    jwk.common.key_id = Some(kid.to_owned());
    serde_json::to_value(jwk).unwrap()
}

fn set(keys: &[Value]) -> String {
    json!({ "keys": keys }).to_string()
}

fn jwks(url: &str, min_interval: Duration) -> Arc<Jwks> {
    Jwks::with_interval("test", url, &JWKS_ALGORITHMS, min_interval).unwrap()
}

async fn find(jwks: &Arc<Jwks>, kid: &str) -> Result<usize, Reason> {
    jwks.candidates(Some(kid), Algorithm::EdDSA).await.map(|keys| keys.len())
}

fn unknown(kid: &str) -> Result<usize, Reason> {
    Err(Reason::UnknownKid { issuer: "test".to_owned(), kid: Some(kid.to_owned()) })
}

fn no_keys() -> Result<usize, Reason> {
    Err(Reason::NoKeys("test".to_owned()))
}

#[tokio::test]
async fn keys_of_every_algorithm_verify() {
    let (server, url) = Server::start(Duration::ZERO).await;
    let keys: Vec<_> =
        JWKS_ALGORITHMS.into_iter().map(|algorithm| key(&format!("{algorithm:?}"), algorithm)).collect();
    server.answer(StatusCode::OK, set(&keys));
    let jwks = jwks(&url, LONG);
    for algorithm in JWKS_ALGORITHMS {
        let (_, private, _) = PAIRS.into_iter().find(|(of, ..)| *of == algorithm).unwrap();
        let private = pem::signing(&private.into(), algorithm).unwrap();
        let signature = crypto::sign(b"message", &private, algorithm).unwrap();
        let keys = jwks.candidates(Some(&format!("{algorithm:?}")), algorithm).await.unwrap();
        assert!(crypto::verify(&signature, b"message", &keys[0], algorithm).unwrap(), "{algorithm:?}");
    }
    assert_eq!(server.asked(), 1);
}

#[tokio::test]
async fn a_new_key_is_fetched_when_a_token_names_it() {
    let (server, url) = Server::start(Duration::ZERO).await;
    server.answer(StatusCode::OK, set(&[key("old", Algorithm::EdDSA)]));
    let jwks = jwks(&url, Duration::ZERO);
    assert_eq!(find(&jwks, "old").await, Ok(1));
    assert_eq!(find(&jwks, "new").await, unknown("new"));
    server.answer(StatusCode::OK, set(&[key("new", Algorithm::EdDSA)]));
    assert_eq!(find(&jwks, "new").await, Ok(1));
    // What the issuer has withdrawn is not believed any more.
    assert_eq!(find(&jwks, "old").await, unknown("old"));
}

#[tokio::test]
async fn invented_names_do_not_make_many_fetches() {
    let (server, url) = Server::start(Duration::ZERO).await;
    server.answer(StatusCode::OK, set(&[key("k", Algorithm::EdDSA)]));
    let jwks = jwks(&url, LONG);
    for number in 0..20 {
        let kid = format!("invented {number}");
        assert_eq!(find(&jwks, &kid).await, unknown(&kid));
    }
    assert_eq!(find(&jwks, "k").await, Ok(1));
    assert_eq!(server.asked(), 1);
}

#[tokio::test]
async fn all_who_wait_share_one_fetch_which_goes_on_when_they_leave() {
    let (server, url) = Server::start(Duration::from_millis(200)).await;
    server.answer(StatusCode::OK, set(&[key("k", Algorithm::EdDSA)]));
    let jwks = jwks(&url, LONG);
    // One begins, and leaves before there is an answer.
    let begun = async {
        while server.asked() == 0 {
            sleep(Duration::from_millis(1)).await;
        }
    };
    tokio::select! {
        _ = find(&jwks, "k") => panic!("the server takes its time"),
        () = begun => {}
    }
    let waiting = (0..20).map(|_| find(&jwks, "k"));
    let found = futures_util::future::join_all(waiting).await;
    assert!(found.iter().all(|found| *found == Ok(1)), "{found:?}");
    assert_eq!(server.asked(), 1);
}

#[tokio::test]
async fn old_keys_are_kept_while_new_ones_cannot_be_fetched() {
    let (server, url) = Server::start(Duration::ZERO).await;
    server.answer(StatusCode::OK, set(&[key("k", Algorithm::EdDSA)]));
    let jwks = jwks(&url, Duration::ZERO);
    assert_eq!(find(&jwks, "k").await, Ok(1));
    for (status, body) in [
        (StatusCode::INTERNAL_SERVER_ERROR, String::new()),
        (StatusCode::NOT_FOUND, set(&[key("new", Algorithm::EdDSA)])),
        (StatusCode::OK, "<html>".to_owned()),
        (StatusCode::OK, set(&[])),
        (StatusCode::OK, " ".repeat(MAX_BYTES + 1)),
    ] {
        server.answer(status, body);
        // It may be a new key: nobody can say.
        assert_eq!(find(&jwks, "new").await, no_keys(), "{status}");
        assert_eq!(find(&jwks, "k").await, Ok(1), "{status}");
    }
    server.answer(StatusCode::OK, set(&[key("new", Algorithm::EdDSA)]));
    assert_eq!(find(&jwks, "new").await, Ok(1));
}

#[tokio::test]
async fn redirects_are_not_followed() {
    let (server, url) = Server::start(Duration::ZERO).await;
    let (elsewhere, to) = Server::start(Duration::ZERO).await;
    elsewhere.answer(StatusCode::OK, set(&[key("k", Algorithm::EdDSA)]));
    let headers = HeaderMap::from_iter([(LOCATION, HeaderValue::from_str(&to).unwrap())]);
    *server.0.answer.lock().unwrap() = (StatusCode::FOUND, headers, Vec::new());
    assert_eq!(find(&jwks(&url, LONG), "k").await, no_keys());
    assert_eq!((server.asked(), elsewhere.asked()), (1, 0));
}

#[tokio::test]
async fn an_issuer_that_is_not_there_makes_tokens_undecided() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/keys", listener.local_addr().unwrap());
    drop(listener);
    let reason = find(&jwks(&url, LONG), "k").await.unwrap_err();
    assert_eq!(reason.to_string(), "the keys of test cannot be fetched now: try again later");
}

#[tokio::test]
async fn the_set_is_fetched_again_by_itself_while_somebody_has_it() {
    let (server, url) = Server::start(Duration::ZERO).await;
    let control = HeaderMap::from_iter([(CACHE_CONTROL, HeaderValue::from_static("public, max-age=0"))]);
    let keys = set(&[key("k", Algorithm::EdDSA)]).into_bytes();
    *server.0.answer.lock().unwrap() = (StatusCode::OK, control, keys);
    let jwks = jwks(&url, Duration::from_millis(5));
    jwks.keep_fresh();
    let again = async {
        while server.asked() < 3 {
            sleep(Duration::from_millis(1)).await;
        }
    };
    timeout(SOON, again).await.unwrap();
    let weak = Arc::downgrade(&jwks);
    drop(jwks);
    let gone = async {
        while weak.upgrade().is_some() {
            sleep(Duration::from_millis(1)).await;
        }
    };
    timeout(SOON, gone).await.unwrap();
}

#[tokio::test]
async fn a_set_may_be_a_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("keys.json");
    std::fs::write(&path, set(&[key("k", Algorithm::EdDSA)])).unwrap();
    let jwks = jwks(Url::from_file_path(&path).unwrap().as_str(), Duration::ZERO);
    assert_eq!(find(&jwks, "k").await, Ok(1));
    std::fs::remove_file(&path).unwrap();
    assert_eq!(find(&jwks, "new").await, no_keys());
    assert_eq!(find(&jwks, "k").await, Ok(1));
}

#[test]
fn the_age_is_what_the_issuer_says_within_bounds() {
    assert_eq!(max_age("public, max-age=60"), Some(Duration::from_secs(60)));
    assert_eq!(max_age("Max-Age=\"60\""), Some(Duration::from_secs(60)));
    assert_eq!(max_age("no-store, max-age=x"), None);
    let jwks = Jwks::new("test", "https://a.example", &JWKS_ALGORITHMS).unwrap();
    for (said, expected) in [
        (None, MAX_AGE),
        (Some(1), MIN_INTERVAL),
        (Some(60), Duration::from_secs(60)),
        (Some(86_400), MAX_AGE),
    ] {
        jwks.state.write().unwrap().max_age = said.map(Duration::from_secs);
        assert_eq!(jwks.age(), expected, "{said:?}");
    }
}
