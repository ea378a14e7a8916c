//! URL patterns.

use tidings_hub::{SelectorError, UrlBase, UrlPattern};
use urlpattern::{
    UrlPatternMatchInput,
    quirks::{StringOrInit, process_construct_pattern_input},
};

/// Panics if the pattern matches otherwise than the crate which parsed it, with the regular expressions that it compiles
/// by itself, or if an error is not a short sentence.
pub(crate) fn check(input: &str) {
    let base = UrlBase::default();
    let mut lines = input.lines();
    let text = lines.next().unwrap_or_default();
    let pattern = match UrlPattern::new(text, &base) {
        Ok(pattern) => pattern,
        Err(error) => {
            assert!(error.to_string().len() < 120 && error != SelectorError::Base, "{error}");
            return;
        }
    };
    assert_eq!(pattern.as_str(), text);
    let init = process_construct_pattern_input(StringOrInit::String(text.into()), Some(base.as_str()));
    let Ok(mut init) = init else { return };
    if init.protocol.is_some() {
        init.base_url = None;
    }
    let Ok(reference) = <urlpattern::UrlPattern>::parse(init, Default::default()) else { return };
    for topic in lines {
        let expected = match base.url().join(topic) {
            Ok(url) => reference.test(UrlPatternMatchInput::Url(url)).unwrap(),
            Err(_) => false,
        };
        assert_eq!(pattern.matches(topic), expected, "{text} on {topic}");
    }
}
