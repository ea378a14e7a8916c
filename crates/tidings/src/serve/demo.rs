//! What `--demo` adds: sources that are alive without anything else, and a greeting.

use std::sync::{Arc, Mutex, PoisonError};

use anyhow::Context as _;
use axum::{Json, Router, extract::State, routing::get};
use serde::{Deserialize, Serialize};
use tidings_hub::Pattern;
use tidings_sources::SourceConfig;

use crate::config::Config;

/// The demo's sources, as anybody would configure them.
const SOURCES: &str = include_str!("demo.toml");
/// Where in [`SOURCES`] the hub's own address goes.
const ADDRESS: &str = "HUB_ADDRESS";
/// What a new listener of the default topic is greeted with.
const GREETING: &str = "Welcome to Tidings! Whatever is posted to /message appears here.";

/// The sources, of which one polls the hub's own `/demo/data/stocks`.
fn sources(address: &str, default_topic: &str) -> anyhow::Result<Vec<SourceConfig>> {
    #[derive(Deserialize)]
    struct Sources {
        source: Vec<SourceConfig>,
    }
    let text = SOURCES.replace(ADDRESS, address).replace("DEFAULT_TOPIC", default_topic);
    let sources: Sources = toml::from_str(&text).context("the demo's sources")?;
    Ok(sources.source)
}

/// The configured sources, and the demo's if it is wanted.
pub(super) fn with_own(config: &Config, address: &str) -> anyhow::Result<Vec<SourceConfig>> {
    let mut configs = config.sources.clone();
    if config.demo {
        anyhow::ensure!(!address.is_empty(), "--demo needs an address to listen on without TLS");
        configs.extend(sources(address, config.default_topic.as_str())?);
    }
    Ok(configs)
}

/// The greeting for whoever listens to this topic by name.
pub(super) fn greeting(default_topic: &str) -> anyhow::Result<(Pattern, String)> {
    Ok((Pattern::new(default_topic)?, GREETING.to_owned()))
}

/// An article in stock.
#[derive(Clone, Debug, Serialize)]
struct Stock {
    sku: &'static str,
    name: &'static str,
    price: f64,
    stock: u32,
}

/// The data behind the stock ticker: what an application's inventory would be.
pub(super) fn data() -> Router {
    let article = |sku, name, price, stock| Stock { sku, name, price, stock };
    let stocks = vec![
        article("A1", "Notebook", 198.0, 42),
        article("B2", "Fountain pen", 89.5, 17),
        article("C3", "Desk lamp", 249.0, 8),
        article("D4", "茶壶 Teapot", 128.0, 23),
        article("E5", "Backpack", 459.0, 12),
    ];
    Router::new().route("/demo/data/stocks", get(stocks_now)).with_state(Arc::new(Mutex::new(stocks)))
}

/// The stocks as they are now, a little different from before.
async fn stocks_now(State(stocks): State<Arc<Mutex<Vec<Stock>>>>) -> Json<Vec<Stock>> {
    // Nothing that can panic runs under the lock.
    let mut stocks = stocks.lock().unwrap_or_else(PoisonError::into_inner);
    for stock in stocks.iter_mut() {
        if fastrand::bool() {
            let price = stock.price * (0.99 + 0.02 * fastrand::f64());
            stock.price = (price.clamp(10.0, 1000.0) * 100.0).round() / 100.0;
        }
        match fastrand::u8(..10) {
            0 => stock.stock += fastrand::u32(5..20),
            1..4 => stock.stock = stock.stock.saturating_sub(1),
            _ => {}
        }
    }
    Json(stocks.clone())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sources_are_what_the_configuration_accepts() {
        let sources = sources("127.0.0.1:8080", "messages").unwrap();
        assert_eq!(sources.len(), 3);
        for source in sources {
            source.check().unwrap();
        }
    }
}
