//! What must hold of whatever strangers send: a check for each parser, and one for the whole HTTP server. `fuzz/run` has
//! libFuzzer invent bytes for them, with the code's coverage in view; `cargo test` replays the corpora and seeded
//! mutations of them. A check panics if what must hold does not.

// What a check unwraps is what must hold.
#![allow(clippy::unwrap_used)]

mod http;
mod replay;
mod selectors;

#[path = "../../crates/tidings-stream/tests/support/mod.rs"]
mod stream;
#[path = "../../crates/tidings-hub/tests/selectors/template.rs"]
mod template;
#[path = "../../crates/tidings-hub/tests/selectors/url_pattern.rs"]
mod url_pattern;

pub use replay::replay;

/// A fuzz target. Its corpus is `fuzz/corpus/NAME`.
#[derive(Clone, Copy, Debug)]
pub struct Target {
    /// What it is called.
    pub name: &'static str,
    /// What must hold of any bytes.
    pub check: fn(&[u8]),
    /// How many mutations `cargo test` tries of each file of the corpus.
    pub mutations: usize,
}

/// All of them.
pub const TARGETS: [Target; 18] = [
    target("answer", tidings_auth::fuzz::answer),
    target("credentials", tidings_auth::fuzz::credentials),
    target("decoder", stream::check::check),
    target("echo", tidings_http::fuzz::echo),
    target("envelope", tidings_sources::fuzz::envelope),
    // Each is a connection or two.
    Target { mutations: 20, ..target("http", http::check) },
    target("keys", tidings_auth::fuzz::keys),
    target("lines", tidings_sources::fuzz::lines),
    target("mercure", tidings_http::fuzz::mercure),
    target("native", tidings_http::fuzz::native),
    target("pusher", tidings_http::fuzz::pusher),
    target("redis", tidings_sources::fuzz::redis),
    target("replies", tidings_sources::fuzz::replies),
    target("revocations", tidings_auth::fuzz::revocations),
    target("segment", tidings_log::disk::fuzz),
    target("selectors", selectors::check),
    target("token", tidings_auth::fuzz::token),
    target("values", tidings_sources::fuzz::values),
];

/// Targets of text. Their corpora are replayed by the tests of the hub, with the tokens that mean something to them.
pub const TEXT_TARGETS: [Target; 2] = [
    target("template", |bytes| text(bytes, template::check)),
    target("url_pattern", |bytes| text(bytes, url_pattern::check)),
];

const fn target(name: &'static str, check: fn(&[u8])) -> Target {
    Target { name, check, mutations: 200 }
}

fn text(bytes: &[u8], check: fn(&str)) {
    if let Ok(text) = std::str::from_utf8(bytes) {
        check(text);
    }
}
