//! The console and the demo pages: plain files, embedded in the program.

use axum::{
    Router,
    extract::Path,
    response::{IntoResponse, Response},
    routing::get,
};
use http::{HeaderName, HeaderValue, StatusCode, header};

/// An embedded file: its name, its media type, its bytes.
type Asset = (&'static str, &'static str, &'static [u8]);

const HTML: &str = "text/html; charset=utf-8";
const CSS: &str = "text/css; charset=utf-8";
const JS: &str = "text/javascript; charset=utf-8";
const SVG: &str = "image/svg+xml";

/// Only the hub's own files are loaded and run; events of any hub may be listened to.
const CONTENT_SECURITY_POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src *; base-uri 'none'; \
     form-action 'self'; frame-ancestors 'none'",
);

/// Files below `assets/` as [`Asset`]s.
macro_rules! assets {
    ($($media_type:ident: $($name:literal)+;)+) => {
        [$($(($name, $media_type, include_bytes!(concat!(env!("CARGO_MANIFEST_DIR"), "/assets/", $name)).as_slice()),)+)+]
    };
}

/// Served below `/assets/`.
const FILES: &[Asset] = &assets! {
    CSS: "tidings.css" "console.css" "demo.css";
    SVG: "icon.svg";
    JS:
        "chat.js" "clock.js" "console-events.js" "console-keys.js" "console-picker.js" "console-publish.js"
        "console-snippets.js" "console-stats.js" "console-token.js" "console.js" "demo-connection.js" "demo.js"
        "dom.js" "event-stream-parser.js" "feed.js" "format.js" "hub.js" "json-text.js" "laravel.js" "selection.js"
        "snippets.js" "sparkline.js" "stocks.js" "stream.js";
};

const CONSOLE: &[Asset] = &assets! { HTML: "console.html"; };

/// Served below `/demo/`, without the ending.
const DEMO_PAGES: &[Asset] = &assets! {
    HTML: "demo/index.html" "demo/chat.html" "demo/stocks.html" "demo/clock.html" "demo/laravel.html" "demo/feed.html";
};

/// The console at `/`, and the files that it and the demo pages load.
pub(super) fn routes() -> Router {
    Router::new()
        .route("/", get(|| async { find(CONSOLE, "console.html") }))
        .route("/favicon.ico", get(|| async { find(FILES, "icon.svg") }))
        .route("/assets/{name}", get(|Path(name): Path<String>| async move { find(FILES, &name) }))
}

/// The demo pages.
pub(super) fn demo_pages() -> Router {
    Router::new().route("/demo/", get(|| async { find(DEMO_PAGES, "demo/index.html") })).route(
        "/demo/{page}",
        get(|Path(page): Path<String>| async move { find(DEMO_PAGES, &format!("demo/{page}.html")) }),
    )
}

fn find(assets: &[Asset], name: &str) -> Response {
    let Some((_, media_type, bytes)) = assets.iter().find(|(known, ..)| *known == name) else {
        return (StatusCode::NOT_FOUND, "there is no such page\n").into_response();
    };
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static(media_type)),
        // The files change with the program only, but have no version in their names: ask each time.
        (header::CACHE_CONTROL, HeaderValue::from_static("no-cache")),
        (header::CONTENT_SECURITY_POLICY, CONTENT_SECURITY_POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
        (header::REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
        (HeaderName::from_static("cross-origin-opener-policy"), HeaderValue::from_static("same-origin")),
    ];
    (headers, *bytes).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{collections::BTreeSet, fs, path::Path};

    fn files(folder: &str, prefix: &str) -> BTreeSet<String> {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("assets").join(folder);
        let entries = fs::read_dir(folder).unwrap().map(Result::unwrap);
        let files = entries.filter(|entry| entry.path().is_file());
        files.map(|entry| prefix.to_owned() + entry.file_name().to_str().unwrap()).collect()
    }

    #[test]
    fn every_file_is_served() {
        let names =
            |assets: &[Asset]| assets.iter().map(|(name, ..)| (*name).to_owned()).collect::<BTreeSet<_>>();
        // For the tools that check the scripts, not for browsers.
        let mut expected = files("", "");
        expected.remove("package.json");
        assert_eq!(names(&[FILES, CONSOLE].concat()), expected);
        assert_eq!(names(DEMO_PAGES), files("demo", "demo/"));
    }
}
