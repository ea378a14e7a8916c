//! The polling source against a server that answers as the test says.

#![allow(clippy::unwrap_used, reason = "a test that fails panics")]

mod support;

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicUsize, Ordering},
};

use axum::{
    Router,
    extract::State,
    http::{HeaderMap, StatusCode},
    response::Redirect,
    routing::get,
};
use support::{Fixture, data};
use tidings_sources::SourceState;

/// What the server answers, and what it was asked.
#[derive(Clone)]
struct Answers {
    answer: Arc<Mutex<(StatusCode, Vec<u8>)>>,
    asked: Arc<AtomicUsize>,
    token: Arc<Mutex<Option<String>>>,
}

impl Answers {
    fn set(&self, status: StatusCode, body: impl Into<Vec<u8>>) {
        *self.answer.lock().unwrap() = (status, body.into());
    }

    fn asked(&self) -> usize {
        self.asked.load(Ordering::Relaxed)
    }

    async fn serve() -> (Self, String) {
        let answers = Self {
            answer: Arc::new(Mutex::new((StatusCode::OK, b"one".to_vec()))),
            asked: Arc::default(),
            token: Arc::default(),
        };
        let answer = async |State(answers): State<Answers>, headers: HeaderMap| {
            answers.asked.fetch_add(1, Ordering::Relaxed);
            *answers.token.lock().unwrap() =
                headers.get("x-token").map(|value| value.to_str().unwrap().to_owned());
            answers.answer.lock().unwrap().clone()
        };
        let hang = async |State(answers): State<Answers>| {
            answers.asked.fetch_add(1, Ordering::Relaxed);
            std::future::pending::<()>().await;
        };
        let router = Router::new()
            .route("/", get(answer))
            .route("/moved", get(async || Redirect::temporary("/")))
            .route("/hang", get(hang))
            .with_state(answers.clone());
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        (answers, url)
    }
}

fn toml(url: &str, rest: &str) -> String {
    format!("kind = \"http_poll\"\ntopic = \"stocks\"\nurl = \"{url}\"\nevery = \"10ms\"\n{rest}")
}

#[tokio::test]
async fn only_changes_are_published() {
    let (answers, url) = Answers::serve().await;
    let fixture = Fixture::start([toml(&url, "headers = { x-token = \"t\" }").as_str()]);
    fixture.wait_for(1).await;
    let asked = answers.asked();
    fixture.until("asked again", |_| answers.asked() > asked + 3).await;
    answers.set(StatusCode::OK, "two");
    fixture.wait_for(2).await;
    answers.set(StatusCode::OK, "one");
    assert_eq!(data(&fixture.wait_for(3).await), ["one", "two", "one"]);
    assert_eq!(answers.token.lock().unwrap().as_deref(), Some("t"));
    assert_eq!(fixture.sources.status()[0].state, SourceState::Running);
}

#[tokio::test]
async fn every_answer_is_published_if_asked_for_and_redirects_are_followed() {
    let (_answers, url) = Answers::serve().await;
    let fixture = Fixture::start([toml(&format!("{url}/moved"), "only_changes = false").as_str()]);
    assert_eq!(data(&fixture.wait_for(3).await)[..3], ["one", "one", "one"]);
}

#[tokio::test]
async fn a_template_wraps_the_answer() {
    let (answers, url) = Answers::serve().await;
    answers.set(StatusCode::OK, r#"[{"sku":"A1","price":198}]"#);
    let template = r#"template = '{"stocks":{{data}},"timestamp":"{{iso}}"}'"#;
    let fixture = Fixture::start([toml(&url, template).as_str()]);
    let event: serde_json::Value = serde_json::from_str(&data(&fixture.wait_for(1).await)[0]).unwrap();
    assert_eq!(event["stocks"][0]["price"], 198);
    let time = event["timestamp"].as_str().unwrap();
    assert!(time.ends_with("+00:00") && time.parse::<jiff::Timestamp>().is_ok(), "{time}");
}

#[tokio::test]
async fn failures_are_counted_and_passed() {
    let (answers, url) = Answers::serve().await;
    let fixture = Fixture::start([toml(&url, "max_body = 1000").as_str()]);
    fixture.wait_for(1).await;
    let mut expected = vec!["one".to_owned()];
    let too_large = "x".repeat(1001);
    for (status, body, detail) in
        [(StatusCode::BAD_GATEWAY, "oops", "502"), (StatusCode::OK, too_large.as_str(), "max_body")]
    {
        answers.set(status, body);
        fixture.until("retrying", |sources| !sources.is_ready()).await;
        let status = &fixture.sources.status()[0];
        assert!(status.detail.as_ref().is_some_and(|text| text.contains(detail)), "{status:?}");
        expected.push(format!("after {detail}"));
        answers.set(StatusCode::OK, format!("after {detail}"));
        assert_eq!(data(&fixture.wait_for(expected.len()).await), expected);
        fixture.until("running", |sources| sources.is_ready()).await;
    }
    assert!(fixture.sources.status()[0].failures >= 2);
}

#[tokio::test]
async fn a_server_that_does_not_answer_is_given_up_and_asked_again() {
    let (answers, url) = Answers::serve().await;
    let fixture = Fixture::start([toml(&format!("{url}/hang?token=hunter2"), "timeout = \"50ms\"").as_str()]);
    fixture.until("asked again", |_| answers.asked() > 1).await;
    let status = &fixture.sources.status()[0];
    assert_eq!(status.state, SourceState::Retrying);
    assert!(status.detail.as_ref().is_some_and(|text| text.contains("timeout")), "{status:?}");
}

#[tokio::test]
async fn nothing_of_the_url_is_shown_when_nobody_listens() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let fixture = Fixture::start([toml(&format!("http://me:hunter2@{address}/?t=hunter2"), "").as_str()]);
    fixture.until("retrying", |sources| !sources.is_ready()).await;
    let status = format!("{:?}", fixture.sources.status());
    assert!(status.contains("refused") && !status.contains("hunter2"), "{status}");
}

/// The variable that tells a test that it has been started without certificates.
const WITHOUT: &str = "TIDINGS_TEST_WITHOUT_CERTIFICATES";

/// In a container without CA certificates, plain HTTP works and HTTPS is refused with the reason.
#[tokio::test]
async fn without_ca_certificates_plain_http_works() {
    if std::env::var_os(WITHOUT).is_none() {
        // Which certificates there are is decided per process: start this test again in one that has none.
        let status = std::process::Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "without_ca_certificates_plain_http_works"])
            .envs([(WITHOUT, "1"), ("SSL_CERT_FILE", "/dev/null"), ("SSL_CERT_DIR", "/dev/null")])
            .status()
            .unwrap();
        assert!(status.success());
        return;
    }
    let (_answers, url) = Answers::serve().await;
    let fixture = Fixture::start([toml(&url, "").as_str()]);
    assert_eq!(data(&fixture.wait_for(1).await), ["one"]);
    let error = support::config(&toml("https://127.0.0.1", "")).check().unwrap_err().to_string();
    assert!(error.contains("No CA certificates") && error.contains("ca-certificates"), "{error}");
}
