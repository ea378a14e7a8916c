//! What is allowed by one or by the other.

use tidings_hub::{Matcher, Selection, Selector};

/// Everything that one of two selections holds.
pub(crate) fn union(one: &Selection, other: &Selection) -> Selection {
    selectors(one).chain(selectors(other)).collect()
}

fn selectors(selection: &Selection) -> impl Iterator<Item = Selector> {
    let all = selection.is_all().then_some(Selector::All);
    let topics = selection.topics().iter().cloned().map(Selector::Exact);
    topics.chain(selection.matchers().iter().filter_map(selector)).chain(all)
}

fn selector(matcher: &Matcher) -> Option<Selector> {
    match matcher {
        Matcher::Pattern(pattern) => Some(Selector::Pattern(pattern.clone())),
        Matcher::Template(template) => Some(Selector::Template(template.clone())),
        Matcher::Url(pattern) => Some(Selector::Url(pattern.clone())),
        // A kind that is not known here is not widened to.
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use tidings_hub::{UrlBase, UrlPattern};

    use super::*;

    fn selection(texts: &[&str]) -> Selection {
        texts.iter().map(|text| Selector::from_text(text).unwrap()).collect()
    }

    #[test]
    fn a_union_holds_what_one_of_them_holds() {
        let url = Selector::Url(UrlPattern::new("/a/:b", &UrlBase::default()).unwrap());
        let one: Selection = [Selector::from_text("a").unwrap(), url.clone()].into_iter().collect();
        let expected: Selection = ["a", "b.*", "/c/{d}"]
            .iter()
            .map(|text| Selector::from_text(text).unwrap())
            .chain([url])
            .collect();
        assert_eq!(union(&one, &selection(&["b.*", "/c/{d}", "a"])), expected);
        assert_eq!(union(&one, &Selection::all()), Selection::all());
        assert_eq!(union(&one, &Selection::default()), one);
    }
}
