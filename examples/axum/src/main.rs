//! An axum application with a hub of its own: it publishes from a handler, and serves the streams beside its pages.
//!
//! ```sh
//! cargo run -p example-axum
//! curl -N http://127.0.0.1:3000/events?topic=orders        # in one terminal
//! curl -X POST http://127.0.0.1:3000/orders/7              # in another
//! ```

use std::sync::Arc;

use axum::{
    Router,
    extract::{Path, State},
    http::StatusCode,
    response::Html,
    routing::{get, post},
};
use tidings_http::{Access, NativeSettings, native};
use tidings_hub::{Hub, Publication, Settings, Topic};
use tidings_log::{Memory, Retention};

/// Every open page shows the orders as they come in, also those that came while it was reconnecting.
const PAGE: &str = "<!doctype html><title>Orders</title><h1>Orders</h1><ul></ul><script>
new EventSource('/events?topic=orders&last=10').addEventListener('ordered', event => {
  document.querySelector('ul').insertAdjacentElement('afterbegin', document.createElement('li')).textContent = event.data
})</script>";

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    // `tidings_log::Disk` in its place keeps the history over restarts.
    let hub = Hub::start(Arc::new(Memory::new(Retention::default())?), Settings::default())?;
    let app = Router::new()
        .route("/", get(|| async { Html(PAGE) }))
        .route("/orders/{number}", post(order))
        .with_state(hub.clone())
        .merge(native(hub, NativeSettings::new(Topic::new("messages")?)));
    // Everybody may publish here: only this machine, then, and no page of another site that is open on it.
    let app = tidings_http::app(app, &Access { loopback_only: true, ..Access::default() });
    let listener = tokio::net::TcpListener::bind("127.0.0.1:3000").await?;
    axum::serve(listener, app).await?;
    Ok(())
}

/// Publishes from the application. Answered when the hub's log has the event.
async fn order(State(hub): State<Hub>, Path(number): Path<u32>) -> Result<String, (StatusCode, String)> {
    let problem = |error: &dyn std::error::Error| (StatusCode::SERVICE_UNAVAILABLE, error.to_string());
    let topic = Topic::new("orders").map_err(|error| problem(&error))?;
    let event =
        Publication { event: Some("ordered".into()), ..Publication::new(topic, format!("order {number}")) };
    let receipt = hub.publish(event).await.map_err(|error| problem(&error))?;
    Ok(format!("published as {}\n", receipt.id))
}
