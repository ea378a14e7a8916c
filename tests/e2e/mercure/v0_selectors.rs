//! 2, "Selectors": what a topic selector of 0.x selects. Templates in every detail are in `tidings-hub`; here it is that
//! they are what subscriptions and tokens select by.

use super::{
    client::{Client, hub, selected, until_end},
    token::{v0, v0_all},
};

fn matched(client: &Client<'_>, selector: &str, topics: &[&str]) -> Vec<String> {
    selected(client, &[("topic", selector)], topics)
}

// 2 Selectors: `*` is everything.
#[test]
fn a_star_selects_everything() {
    let hub = hub();
    let client = Client::with(&hub, &v0_all());
    let topics = ["a", "https://example.com/a/b", "{x}", "not a url: %"];
    assert_eq!(matched(&client, "*", &topics), topics);
}

// 2 Selectors: else the same text.
#[test]
fn a_text_selects_itself() {
    let hub = hub();
    let client = Client::with(&hub, &v0_all());
    let topics = ["a", "A", "a/", "a*", "https://example.com/:id", "https://example.com/1"];
    assert_eq!(matched(&client, "a", &topics), ["a"]);
    assert_eq!(matched(&client, "a*", &topics), ["a*"]);
    // No URL patterns in 0.x.
    assert_eq!(matched(&client, "https://example.com/:id", &topics), ["https://example.com/:id"]);
}

// 2 Selectors: else a URI template (RFC 6570), of every level.
#[test]
fn a_template_selects_what_it_expands_to() {
    let hub = hub();
    let client = Client::with(&hub, &v0_all());
    for (template, topics, expected) in [
        (
            "https://example.com/books/{id}",
            &[
                "https://example.com/books/1",
                "https://example.com/books/1/2",
                "https://example.com/authors/1",
            ][..],
            &["https://example.com/books/1"][..],
        ),
        (
            "https://example.com/{+path}",
            &["https://example.com/a/b?c", "https://example.org/a"],
            &["https://example.com/a/b?c"],
        ),
        ("/a{#section}", &["/a#one", "/a/one"], &["/a#one"]),
        ("/x{.format}", &["/x.json", "/x/json"], &["/x.json"]),
        ("/files{/path*}", &["/files/a/b/c", "/filesa"], &["/files/a/b/c"]),
        ("/m{;x,y}", &["/m;x=1;y=2", "/m;z=1"], &["/m;x=1;y=2"]),
        ("/s{?q,page}", &["/s?q=a&page=2", "/s?page=2", "/s?other=2"], &["/s?q=a&page=2", "/s?page=2"]),
        ("/s?fixed=1{&q}", &["/s?fixed=1&q=a", "/s?q=a"], &["/s?fixed=1&q=a"]),
        ("/p/{word:3}", &["/p/abc", "/p/abcd"], &["/p/abc"]),
        ("/r/{x,y}", &["/r/1,2", "/r/1;2"], &["/r/1,2"]),
        ("/e/{name}", &["/e/a%20b", "/e/a b"], &["/e/a%20b"]),
    ] {
        assert_eq!(matched(&client, template, topics), expected, "{template}");
    }
}

// 2 Selectors: a template is also a text, and selects the topic that is it.
#[test]
fn a_template_selects_itself() {
    let hub = hub();
    let client = Client::with(&hub, &v0_all());
    let template = "https://example.com/books/{id}";
    assert_eq!(matched(&client, template, &[template, "https://example.com/books/{x}"]), [template]);
}

// 2 Selectors: what has a brace and is no template is a text.
#[test]
fn what_is_no_template_is_a_text() {
    let hub = hub();
    let client = Client::with(&hub, &v0_all());
    let topics = ["{unclosed", "a}b{", "/{}", "/{a b}", "/x"];
    for selector in &topics[..4] {
        assert_eq!(matched(&client, selector, &topics), [*selector]);
    }
}

// 2 Selectors: in tokens they mean the same.
#[test]
fn selectors_of_tokens_are_the_same() {
    let hub = hub();
    let everything = Client::with(&hub, &v0_all());
    let limited = Client::with(&hub, &v0(&["/books/{id}", "exact", "{unclosed"], &["/books/{id}", "exact"]));
    for (topic, status) in [
        ("/books/1", 200),
        ("/books/1/2", 401),
        ("exact", 200),
        ("exactly", 401),
        ("{unclosed", 200),
        ("/x", 401),
    ] {
        assert_eq!(limited.publish(&[("topic", topic)]).status(), status, "{topic}");
    }
    let mut listener = limited.listen(&[("topic", "*")]);
    for topic in ["/books/1", "/books/1/2", "exact", "exactly"] {
        everything.published(&[("topic", topic), ("private", "on"), ("data", topic)]);
    }
    assert_eq!(until_end(&everything, &mut listener), ["/books/1", "exact"]);
}
