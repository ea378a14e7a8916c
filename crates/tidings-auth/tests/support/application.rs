//! An application that is asked, and answers as the test says.

use std::sync::{Arc, Mutex};

use axum::{
    Router,
    extract::State,
    http::{HeaderMap, HeaderName, HeaderValue},
    response::Response,
    routing::post,
};

type Answer = dyn Fn(&str) -> Response + Send + Sync;

#[derive(Clone)]
pub(crate) struct Application {
    answer: Arc<Answer>,
    asked: Arc<Mutex<Vec<(HeaderMap, String)>>>,
}

impl Application {
    /// Answers at `/` by what the body says, and at the other routes. Returns the URL as well.
    pub(crate) async fn start(
        others: Router,
        answer: impl Fn(&str) -> Response + Send + Sync + 'static,
    ) -> (Self, String) {
        let application = Self { answer: Arc::new(answer), asked: Arc::default() };
        let ask = async |State(application): State<Self>, headers: HeaderMap, body: String| {
            let answer = (application.answer)(&body);
            application.asked.lock().unwrap().push((headers, body));
            answer
        };
        let router = Router::new().route("/", post(ask)).with_state(application.clone()).merge(others);
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        (application, url)
    }

    /// What it was asked at `/`, head and body.
    pub(crate) fn asked(&self) -> Vec<(HeaderMap, String)> {
        self.asked.lock().unwrap().clone()
    }
}

pub(crate) fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
    pairs
        .iter()
        .map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value)))
        .collect()
}
