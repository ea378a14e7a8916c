//! What it costs to make a selector, and to match one: `cargo bench -p tidings-hub --bench selectors`.

#![allow(clippy::unwrap_used, reason = "a benchmark")]

use divan::{Bencher, black_box};
use tidings_hub::{Pattern, UriTemplate, UrlBase, UrlPattern};

const TOPIC: &str = "https://example.com/users/42/orders/0198c2f4-7a3e";

const TEMPLATES: [&str; 4] = [
    "https://example.com/users/42/orders/{id}",
    "https://example.com/users/{user}/orders{/id*}{?page,size}",
    "{+any}",
    "https://example.org/users/42/orders/{id}",
];

const URL_PATTERNS: [&str; 4] = [
    "https://example.com/users/42/orders/:id",
    "https://example.com/users/:user/orders/:id?",
    "https://*.com/users/(\\d+)/orders/*",
    "https://example.org/users/42/orders/:id",
];

fn main() {
    divan::main();
}

#[divan::bench(args = ["https://example.com/users/42/*", "*/users/*/orders/*"])]
fn pattern(bencher: Bencher<'_, '_>, text: &str) {
    let pattern = Pattern::new(text).unwrap();
    bencher.bench(|| pattern.matches(black_box(TOPIC)));
}

#[divan::bench(args = TEMPLATES)]
fn template(bencher: Bencher<'_, '_>, text: &str) {
    let template = UriTemplate::new(text).unwrap();
    bencher.bench(|| template.matches(black_box(TOPIC)));
}

#[divan::bench(args = URL_PATTERNS)]
fn url_pattern(bencher: Bencher<'_, '_>, text: &str) {
    let pattern = UrlPattern::new(text, &UrlBase::default()).unwrap();
    bencher.bench(|| pattern.matches(black_box(TOPIC)));
}

#[divan::bench(args = TEMPLATES)]
fn new_template(text: &str) -> UriTemplate {
    UriTemplate::new(black_box(text)).unwrap()
}

#[divan::bench(args = URL_PATTERNS)]
fn new_url_pattern(bencher: Bencher<'_, '_>, text: &str) {
    let base = UrlBase::default();
    bencher.bench(|| UrlPattern::new(black_box(text), &base).unwrap());
}
