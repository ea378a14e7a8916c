//! `tidings publish` against a server that answers as a hub does and shows what it was sent.

use std::sync::{Arc, Mutex};

use axum::{Router, extract::State, http::HeaderMap, http::StatusCode, http::header, routing::post};
use serde_json::{Value, json};
use tokio::runtime::Runtime;

use crate::support::{Program, nobody, serve};

/// What each request held: the content type and the publications.
type Requests = Arc<Mutex<Vec<(String, Vec<Value>)>>>;

async fn publish(State(requests): State<Requests>, headers: HeaderMap, body: String) -> (StatusCode, String) {
    let publications: Vec<Value> =
        serde_json::Deserializer::from_str(&body).into_iter().map(Result::unwrap).collect();
    if publications.iter().any(|publication| publication["topics"][0] == "bad") {
        let problem = json!({ "title": "Bad Request", "status": 400, "detail": "this topic is bad" });
        return (StatusCode::BAD_REQUEST, problem.to_string());
    }
    let receipts = publications.iter().enumerate().map(|(offset, _)| {
        json!({ "id": format!("e-{offset}"), "epoch": "e", "offset": offset }).to_string() + "\n"
    });
    let answer = (StatusCode::OK, receipts.collect());
    let content_type = headers[header::CONTENT_TYPE].to_str().unwrap().to_owned();
    requests.lock().unwrap().push((content_type, publications));
    answer
}

struct Hub {
    /// Serves for as long as it lives.
    _runtime: Runtime,
    url: String,
    requests: Requests,
}

impl Hub {
    fn start() -> Self {
        let runtime = Runtime::new().unwrap();
        let requests = Requests::default();
        let app = Router::new().route("/publish", post(publish)).with_state(requests.clone());
        let url = format!("http://{}", serve(&runtime, app));
        Self { _runtime: runtime, url, requests }
    }

    fn publications(&self) -> Vec<Value> {
        self.requests.lock().unwrap().iter().flat_map(|(_, publications)| publications.clone()).collect()
    }
}

#[test]
fn data_is_published_with_everything_that_was_said_and_the_receipt_is_printed() {
    let hub = Hub::start();
    let all = [
        "--topic",
        "a",
        "--topic",
        "b",
        "--event",
        "e",
        "--id",
        "i",
        "--retry",
        "5",
        "--private",
        "{\"n\": 1}",
    ];
    let answer = Program::new().run(&[&["publish", "--url", &hub.url], &all[..]].concat());
    assert_eq!(answer.code, Some(0), "{answer:?}");
    let receipt: Value = serde_json::from_str(&answer.stdout).unwrap();
    assert_eq!(receipt, json!({ "id": "e-0", "epoch": "e", "offset": 0 }));
    let expected = json!({
        "topics": ["a", "b"], "data": "{\"n\": 1}", "event": "e", "id": "i", "retry": 5, "private": true,
    });
    assert_eq!(hub.publications(), [expected]);
    assert_eq!(hub.requests.lock().unwrap()[0].0, "application/json");
}

#[test]
fn standard_input_is_published_without_its_last_line_end() {
    let hub = Hub::start();
    let program = Program::new();
    for (args, input) in [(&[][..], "a\nb\n"), (&["-"], "c"), (&["-"], "d\r\n")] {
        let answer = program.run_with(&[&["publish", "--url", &hub.url], args].concat(), input.as_bytes());
        assert_eq!(answer.code, Some(0), "{answer:?}");
    }
    let expected = ["a\nb", "c", "d"].map(|data| json!({ "topics": ["messages"], "data": data }));
    assert_eq!(hub.publications(), expected);
}

#[test]
fn lines_are_published_in_batches_in_their_order() {
    let hub = Hub::start();
    let lines: Vec<String> = (0..5000).map(|n| format!("{n} {}", "x".repeat(400))).collect();
    let input = lines.join("\n");
    let answer = Program::new().run_with(&["publish", "--url", &hub.url, "--lines"], input.as_bytes());
    assert_eq!(answer.code, Some(0), "{}", answer.stderr);
    assert_eq!(answer.stdout.lines().count(), lines.len());
    let published = hub.publications();
    assert!(published.iter().map(|publication| &publication["data"]).eq(&lines));
    let requests = hub.requests.lock().unwrap();
    assert!(requests.iter().all(|(content_type, _)| content_type == "application/x-ndjson"));
    assert!(requests.len() < lines.len());
}

#[test]
fn the_hubs_own_words_are_shown_and_the_code_says_whose_fault_it_was() {
    let hub = Hub::start();
    let program = Program::new();
    let answer = program.run(&["publish", "--url", &hub.url, "--topic", "bad", "x"]);
    assert_eq!((answer.code, answer.stderr.as_str()), (Some(65), "tidings: this topic is bad\n"));

    let answer = program.run_with(&["publish", "--url", &hub.url], b"\xff");
    assert_eq!(answer.code, Some(65), "{answer:?}");
    assert!(answer.stderr.contains("standard input is not UTF-8"), "{answer:?}");

    let answer = program.run_with(&["publish", "--url", &hub.url, "--lines"], b"good\n\xff\n");
    assert_eq!(answer.code, Some(65), "{answer:?}");
    assert_eq!(answer.stdout.lines().count(), 1, "the line before was published: {answer:?}");

    let answer = program.run(&["publish", "--url", &format!("{}/elsewhere", hub.url), "x"]);
    assert_eq!(answer.code, Some(65), "{answer:?}");
    assert!(answer.stderr.contains("404"), "{answer:?}");

    let url = format!("http://user:hunter2@{}", nobody());
    let answer = program.run(&["publish", "--url", &url, "x"]);
    assert_eq!(answer.code, Some(69), "{answer:?}");
    assert!(answer.stderr.contains("cannot reach the hub at http://127.0.0.1:"), "{answer:?}");
    assert!(!answer.stderr.contains("hunter2"), "{answer:?}");
}
