//! The token that `tidings publish` and `tidings subscribe` show, against a server that wants one.

use std::{
    fs,
    path::PathBuf,
    sync::{Arc, Mutex},
};

use axum::{
    Router,
    extract::State,
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use serde_json::json;
use tokio::runtime::Runtime;

use crate::support::{Answer, Program, serve};

const TOKEN: &str = "hunter2-hunter2-hunter2";

/// The tokens that were shown.
#[derive(Clone, Default)]
struct Shown {
    tokens: Arc<Mutex<Vec<String>>>,
    /// A file that is replaced when a token was shown.
    replaced: Option<PathBuf>,
}

/// Notes the token, and answers whoever shows a good one.
fn answer(shown: &Shown, headers: &HeaderMap, good: impl IntoResponse) -> Response {
    let problem =
        |status: StatusCode, detail: &str| (status, json!({ "detail": detail }).to_string()).into_response();
    match headers.get(header::AUTHORIZATION).map(|value| value.to_str().unwrap()) {
        Some("Bearer wrong") => problem(StatusCode::FORBIDDEN, "key \"other\" may not do this"),
        Some(value) => {
            shown.tokens.lock().unwrap().push(value.strip_prefix("Bearer ").unwrap().to_owned());
            if let Some(file) = &shown.replaced {
                fs::write(file, "new").unwrap();
            }
            good.into_response()
        }
        None => problem(StatusCode::UNAUTHORIZED, "this needs a key or token"),
    }
}

async fn publish(State(shown): State<Shown>, headers: HeaderMap) -> Response {
    answer(&shown, &headers, "{}")
}

async fn events(State(shown): State<Shown>, headers: HeaderMap) -> Response {
    let stream = ([(header::CONTENT_TYPE, "text/event-stream")], "retry: 1\nid: 1\ndata: x\n\n");
    answer(&shown, &headers, stream)
}

struct Hub {
    /// Serves for as long as it lives.
    _runtime: Runtime,
    url: String,
    shown: Shown,
}

impl Hub {
    fn start(replaced: Option<PathBuf>) -> Self {
        let runtime = Runtime::new().unwrap();
        let shown = Shown { replaced, ..Shown::default() };
        let app = Router::new().route("/publish", post(publish)).route("/events", get(events));
        let url = format!("http://{}", serve(&runtime, app.with_state(shown.clone())));
        Self { _runtime: runtime, url, shown }
    }

    fn tokens(&self) -> Vec<String> {
        self.shown.tokens.lock().unwrap().clone()
    }
}

fn with_variable(program: &Program, args: &[&str], token: &str) -> Answer {
    program.command(args).env("TIDINGS_TOKEN", token).output().unwrap().into()
}

#[test]
fn a_token_comes_from_a_file_or_a_variable() {
    let hub = Hub::start(None);
    let program = Program::new();
    program.write("token", &format!("{TOKEN}\n"));
    for args in [&["publish", "x"][..], &["subscribe", "--count", "1"]] {
        let args = [&args[..1], &["--url", &hub.url], &args[1..]].concat();
        let from_file = program.run(&[&args[..], &["--token-file", "token"]].concat());
        assert_eq!(from_file.code, Some(0), "{from_file:?}");
        let from_variable = with_variable(&program, &args, "from-variable");
        assert_eq!(from_variable.code, Some(0), "{from_variable:?}");
    }
    assert_eq!(hub.tokens(), [TOKEN, "from-variable", TOKEN, "from-variable"]);
}

#[test]
fn a_subscriber_comes_back_with_the_token_that_is_in_the_file_then() {
    let program = Program::new();
    program.write("token", "old");
    let hub = Hub::start(Some(program.directory().join("token")));
    let answer = program.run(&["subscribe", "--url", &hub.url, "--token-file", "token", "--count", "2"]);
    assert_eq!(answer.code, Some(0), "{answer:?}");
    assert_eq!(hub.tokens(), ["old", "new"]);
}

#[test]
fn a_refusal_is_65_with_the_hubs_reason() {
    let hub = Hub::start(None);
    let program = Program::new();
    program.write("empty", "\n");
    program.write("binary", "hunter2\u{1}");
    for args in [&["publish", "--url", &hub.url, "x"][..], &["subscribe", "--url", &hub.url]] {
        let answer = program.run(args);
        assert_eq!(answer.code, Some(65), "{answer:?}");
        assert_eq!(answer.stderr, "tidings: this needs a key or token (--token-file or TIDINGS_TOKEN)\n");
        let answer = with_variable(&program, args, "wrong");
        assert_eq!((answer.code, &*answer.stderr), (Some(65), "tidings: key \"other\" may not do this\n"));
        for (file, says) in [("gone", "cannot be read"), ("empty", "is empty"), ("binary", "a header cannot")]
        {
            let answer = program.run(&[args, &["--token-file", file]].concat());
            assert_eq!(answer.code, Some(65), "{answer:?}");
            assert!(answer.stderr.contains(says) && !answer.stderr.contains("hunter2"), "{answer:?}");
        }
    }
}
