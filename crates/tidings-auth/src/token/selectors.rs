//! How many selectors a token may have that lists them as texts.

/// How many selectors one list may have.
const MAX_SELECTORS: usize = 1000;

/// How many of them all may be more than exact topics. Those are compiled, and held against every topic.
const MAX_MATCHERS: usize = 1000;

/// Looks at the lists before anything is compiled. `is_matcher` says of a text that it is no exact topic.
pub(super) fn check(
    publish: &[String],
    subscribe: &[String],
    is_matcher: impl Fn(&str) -> bool,
) -> Result<(), String> {
    for (list, texts) in [("publish", publish), ("subscribe", subscribe)] {
        if texts.len() > MAX_SELECTORS {
            return Err(format!(
                "{list} has {} selectors, and at most {MAX_SELECTORS} are allowed",
                texts.len()
            ));
        }
    }
    let matchers = publish.iter().chain(subscribe).filter(|text| is_matcher(text)).count();
    if matchers > MAX_MATCHERS {
        return Err(format!(
            "{matchers} of its selectors are no exact topics, and at most {MAX_MATCHERS} are allowed"
        ));
    }
    Ok(())
}
