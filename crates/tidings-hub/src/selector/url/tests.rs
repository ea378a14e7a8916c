use super::*;

fn pattern(text: &str) -> UrlPattern {
    UrlPattern::new(text, &UrlBase::default()).unwrap_or_else(|error| panic!("{text}: {error}"))
}

#[test]
fn patterns_match_as_the_mercure_reference_has_them() {
    for (text, matching, others) in [
        (
            "https://example.com/books/:id",
            &[
                "https://example.com/books/123",
                "https://EXAMPLE.com/books/123",
                "https://example.com:443/books/1",
            ][..],
            &[
                "https://example.com/authors/123",
                "https://example.com/BOOKS/123",
                "https://example.com/books/1/2",
                "https://example.com/books/",
                "http://example.com/books/123",
                "/books/123",
            ][..],
        ),
        (
            "https://example.com/*",
            &["https://example.com/a/b/c", "https://example.com/"],
            &["https://example.org/a"],
        ),
        (
            "/books/:id",
            &["/books/123", "http://mercure.invalid/books/123"],
            &["https://example.com/books/123", "books/1"],
        ),
        ("/books/:id?", &["/books", "/books/1"], &["/books/", "/books/1/2"]),
        ("/books/:id+", &["/books/1", "/books/1/2"], &["/books", "/books/"]),
        ("/books{/:id}*/all", &["/books/all", "/books/1/2/all"], &["/books/1", "/all"]),
        ("/books/(\\d{2,3})", &["/books/12", "/books/123"], &["/books/1", "/books/1234", "/books/ab"]),
        ("/(a|b)-:rest.json", &["/a-x.json", "/b-x.y.json"], &["/c-x.json", "/a-.json", "/a-x/y.json"]),
        (
            "http{s}?://*.example.com/",
            &["https://a.example.com/", "http://a.b.example.com"],
            &["https://example.com/"],
        ),
        (
            "https://example.com/a?b=:c",
            &["https://example.com/a?b=1"],
            &["https://example.com/a", "https://example.com/a?b="],
        ),
        ("urn\\:books\\::id", &["urn:books:1"], &["urn:authors:1", "urn:books"]),
        ("/caf\u{e9}/:x", &["/caf\u{e9}/1", "/caf%C3%A9/1"], &["/cafe/1"]),
        ("/:a/:b?/*", &["/1/2/3/4", "/1/"], &["/"]),
        (
            "*://*:*/*",
            &["https://example.com/a", "/a", "a topic with spaces"],
            &["http://[", "https://", "urn:a"],
        ),
    ] {
        let pattern = pattern(text);
        for topic in matching {
            assert!(pattern.matches(topic), "{text} matches {topic}");
        }
        for topic in others {
            assert!(!pattern.matches(topic), "{text} does not match {topic}");
        }
    }
}

#[test]
fn the_hub_s_own_url_is_the_base() {
    let base = UrlBase::new("https://hub.example.com/.well-known/mercure").unwrap();
    let pattern = UrlPattern::new("/books/:id", &base).unwrap();
    assert!(pattern.matches("https://hub.example.com/books/1") && pattern.matches("/books/1"));
    assert!(!pattern.matches("https://example.com/books/1"));
    assert_ne!(pattern, UrlPattern::new("/books/:id", &UrlBase::default()).unwrap());
}

#[test]
fn what_is_no_pattern_is_refused_in_few_words() {
    for text in [
        "{unclosed",
        "/:a/:a",
        "/(",
        "/(a",
        "/(\\bsecret)",
        "/(?=a)",
        "https://exa mple.com:x/",
        "/:",
        "/a\nb",
    ] {
        match UrlPattern::new(text, &UrlBase::default()) {
            Err(error @ SelectorError::Url(_)) => assert!(error.to_string().len() < 100, "{error}"),
            other => panic!("{text}: {other:?}"),
        }
    }
    let new = |text: &str| UrlPattern::new(text, &UrlBase::default());
    assert_eq!(new(&"a".repeat(4097)), Err(SelectorError::TooLong(4097)));
    assert_eq!(new("/([^x]?{4000})"), Err(SelectorError::TooComplex));
    assert_eq!(new("/((?:a{1000}){1000})"), Err(SelectorError::TooComplex));
}

#[test]
fn a_bracket_without_another_does_no_harm() {
    for text in ["https://a]/", "https://]:1]/", "https://(]", "https://{[}]/x"] {
        if let Ok(pattern) = UrlPattern::new(text, &UrlBase::default()) {
            assert!(!pattern.matches("https://a/"), "{text}");
        }
    }
}

#[test]
fn the_host_and_the_path_of_a_pattern_are_known_as_far_as_they_are_literal() {
    for (text, host, path) in [
        ("https://example.com/books/:id", Some("example.com"), "/books/"),
        ("https://example.com/books/:id?", Some("example.com"), "/books"),
        ("https://example.com/books", Some("example.com"), "/books"),
        ("https://*.example.com/*", None, "/"),
        ("/books/*", Some("mercure.invalid"), "/books/"),
        ("*", Some("mercure.invalid"), "/.well-known/"),
    ] {
        let pattern = pattern(text);
        assert_eq!((pattern.host(), pattern.path_prefix()), (host, path), "{text}");
    }
}

#[test]
fn equal_patterns_are_compiled_once_and_let_go_of() {
    let text = "/equal_patterns_are_compiled_once/:x";
    let (one, other) = (pattern(text), pattern(text));
    assert!(Arc::ptr_eq(&one.0, &other.0));
    drop(one);
    assert!(SHARED.contains((text, &UrlBase::default())));
    drop(other);
    assert!(!SHARED.contains((text, &UrlBase::default())));
}
