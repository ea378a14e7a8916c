//! `tidings subscribe` against a server that streams what the test says, a connection at a time.

use std::{
    io::{BufRead as _, BufReader},
    process::Stdio,
    sync::{Arc, Mutex},
};

use axum::{
    Router,
    extract::{RawQuery, State},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse as _, Response},
    routing::get,
};
use serde_json::{Value, json};
use tokio::runtime::Runtime;

use crate::support::{Program, nobody, serve};

/// The query string and the cursor of each connection.
type Connections = Arc<Mutex<Vec<(String, Option<String>)>>>;

#[derive(Clone)]
struct Script {
    /// What is streamed to each connection in turn; the last to all that follow.
    streams: &'static [&'static str],
    connections: Connections,
}

async fn events(State(script): State<Script>, RawQuery(query): RawQuery, headers: HeaderMap) -> Response {
    let mut connections = script.connections.lock().unwrap();
    let cursor = headers.get("last-event-id").map(|id| id.to_str().unwrap().to_owned());
    let stream = script.streams[connections.len().min(script.streams.len() - 1)];
    connections.push((query.unwrap_or_default(), cursor));
    match stream {
        "204" => StatusCode::NO_CONTENT.into_response(),
        "400" => {
            (StatusCode::BAD_REQUEST, json!({ "detail": "this topic is bad" }).to_string()).into_response()
        }
        "503" => (StatusCode::SERVICE_UNAVAILABLE, json!({ "detail": "later" }).to_string()).into_response(),
        "html" => ([(header::CONTENT_TYPE, "text/html")], "<p>").into_response(),
        stream => ([(header::CONTENT_TYPE, "text/event-stream")], stream).into_response(),
    }
}

struct Hub {
    /// Serves for as long as it lives.
    _runtime: Runtime,
    url: String,
    connections: Connections,
}

impl Hub {
    fn start(streams: &'static [&'static str]) -> Self {
        let runtime = Runtime::new().unwrap();
        let connections = Connections::default();
        let script = Script { streams, connections: connections.clone() };
        let url = format!(
            "http://{}",
            serve(&runtime, Router::new().route("/events", get(events)).with_state(script))
        );
        Self { _runtime: runtime, url, connections }
    }

    fn connections(&self) -> Vec<(String, Option<String>)> {
        self.connections.lock().unwrap().clone()
    }
}

#[test]
fn events_are_printed_as_json_over_reconnections_that_resume() {
    let hub = Hub::start(&[
        ":\nretry: 1\n\nid: a-1\ndata: one\n\nid: a-2\nevent: two\ndata: {\"n\":\ndata: 2}\n\nid: a-3\nda",
        "503",
        "event: tidings.reset\ndata: {\"reason\":\"expired\"}\n\nid: a-3\ndata: three\n\n",
    ]);
    let args = ["--json", "--count", "3", "a", "b c", "--pattern", "d.*", "--last", "5"];
    let answer = Program::new().run(&[&["subscribe", "--url", &hub.url], &args[..]].concat());
    assert_eq!(answer.code, Some(0), "{answer:?}");
    let printed: Vec<Value> = answer.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(
        printed,
        [
            json!({ "id": "a-1", "event": "message", "data": "one" }),
            json!({ "id": "a-2", "event": "two", "data": "{\"n\":\n2}" }),
            json!({ "id": "a-3", "event": "message", "data": "three" }),
        ]
    );
    let query = "topic=a&topic=b+c&pattern=d.*&last=5".to_owned();
    let again = Some("a-2".to_owned());
    assert_eq!(hub.connections(), [(query.clone(), None), (query.clone(), again.clone()), (query, again)]);
    for says in
        ["the stream ended: back in", "later: trying again in", "tidings.reset {\"reason\":\"expired\"}"]
    {
        assert!(answer.stderr.contains(says), "{answer:?}");
    }
}

#[test]
fn people_get_lines_and_a_cursor_of_their_own_is_sent() {
    let hub = Hub::start(&["id: a-1\nevent: price\ndata: 1.08\n\n"]);
    let args = ["--no-reconnect", "--last-event-id", "earliest"];
    let answer = Program::new().run(&[&["subscribe", "--url", &hub.url], &args[..]].concat());
    assert_eq!((answer.code, answer.stdout.as_str()), (Some(0), "a-1 price 1.08\n"), "{answer:?}");
    assert_eq!(hub.connections(), [(String::new(), Some("earliest".to_owned()))]);
}

#[test]
fn the_code_says_why_it_ended() {
    let program = Program::new();
    for (stream, more, code, says) in [
        (&["204"], &[][..], 0, ""),
        (&["400"], &[], 65, "tidings: this topic is bad\n"),
        (&["html"], &[], 65, "tidings: the answer is no event stream: is a hub at this address?\n"),
        (&["503"], &["--no-reconnect"], 69, "tidings: later\n"),
    ] {
        let hub = Hub::start(stream);
        let answer = program.run(&[&["subscribe", "--url", &hub.url], more].concat());
        assert_eq!((answer.code, answer.stderr.as_str()), (Some(code), says), "{answer:?}");
    }
    let url = format!("http://{}", nobody());
    let answer = program.run(&["subscribe", "--url", &url, "--no-reconnect"]);
    assert_eq!(answer.code, Some(69), "{answer:?}");
    assert!(answer.stderr.contains("cannot reach the hub"), "{answer:?}");
}

#[test]
fn a_reader_that_goes_away_ends_it_quietly() {
    let hub = Hub::start(&["retry: 1\n\nid: a-1\ndata: x\n\n"]);
    let mut child = Program::new().command(&["subscribe", "--url", &hub.url]).spawn().unwrap();
    let mut line = String::new();
    // As `head -1` does: one line, then the pipe is closed. The stream comes again and again.
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!((line.as_str(), output.status.code()), ("a-1 message x\n", Some(0)));
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert!(stderr.lines().all(|line| line.starts_with("the stream ended")), "{stderr}");
}

#[test]
fn ctrl_c_ends_it_well() {
    let hub = Hub::start(&["retry: 60000\n\nid: a-1\ndata: x\n\n"]);
    let mut child =
        Program::new().command(&["subscribe", "--url", &hub.url]).stderr(Stdio::null()).spawn().unwrap();
    let mut line = String::new();
    // It prints, so that it has long been listening for the signal.
    BufReader::new(child.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
    let pid = rustix::process::Pid::from_child(&child);
    rustix::process::kill_process(pid, rustix::process::Signal::INT).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(0));
}
