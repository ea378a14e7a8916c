//! URI templates.

use tidings_hub::{Selector, SelectorError, UriTemplate};

/// Panics if the template does not match what it expands to when no variable is defined, if it takes two ways of writing a
/// URI for two URIs, or if it is another selector as a text.
pub(crate) fn check(input: &str) {
    let mut lines = input.lines();
    let text = lines.next().unwrap_or_default();
    let template = match UriTemplate::new(text) {
        Ok(template) => template,
        Err(SelectorError::Template { at, .. }) => return assert!(at <= text.len()),
        Err(_) => return,
    };
    assert_eq!(template.as_str(), text);
    assert_eq!(text.contains('{'), Selector::from_text(text) == Ok(Selector::Template(template.clone())));
    assert!(template.matches(&without_expressions(text)), "undefined variables expand to nothing");
    for topic in lines {
        assert_eq!(template.matches(topic), template.matches(&encoded(topic)), "{topic}");
    }
}

fn without_expressions(text: &str) -> String {
    let pieces = text.split('{').enumerate();
    pieces.map(|(index, piece)| if index > 0 { piece.split_once('}').unwrap().1 } else { piece }).collect()
}

fn encoded(topic: &str) -> String {
    let encode =
        |byte: u8| if byte.is_ascii() { char::from(byte).to_string() } else { format!("%{byte:02x}") };
    topic.bytes().map(encode).collect()
}
