//! What a subscription asks for, in its query and in the body of a `QUERY` (sections 1.3 and 2).

use std::borrow::Cow;

use http::HeaderMap;
use tidings_auth::Dialects;
use tidings_hub::{Selector, UrlBase};

use super::{
    cursor::Cursor,
    dialect::Dialect,
    matcher::{MatchType, Matcher},
};
use crate::{form, problem::Problem};

/// The most matchers of a subscription of 1.0.
const MAX_MATCHERS: usize = 100;
/// The most topics of a subscription of 0.x.
const MAX_TOPICS: usize = 1000;
/// What the names of 1.0's parameters begin with. Whatever else does, in either case, may be a matcher of another
/// version, and a subscription without it would not be the one that was meant.
const FAMILY: &str = "match";

/// A subscription as it was asked for. The matchers are checked once it is known that somebody may ask.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct SubscribeRequest {
    pub(super) dialect: Dialect,
    pub(super) cursor: Cursor,
    /// As given, but none twice.
    pub(super) matchers: Vec<Matcher>,
    /// How many there were.
    count: usize,
}

impl SubscribeRequest {
    /// Reads the query, the body of a `QUERY`, and the headers. Parameters that mean nothing here are left to other
    /// purposes.
    ///
    /// # Errors
    /// When what is there cannot be read, or the dialect is not clear or off.
    pub(super) fn read(query: &str, body: &[u8], headers: &HeaderMap, on: Dialects) -> Result<Self, Problem> {
        let mut cursor = Cursor::of_header(headers);
        let (mut matchers, mut count) = (Vec::new(), 0);
        for (name, value) in form::fields(query.as_bytes())?.chain(form::fields(body)?) {
            if Cursor::is_parameter(&name) {
                cursor.parameter(&value);
            } else if let Some(kind) = match_type(&name)? {
                count += 1;
                // The rest is too many, in whichever dialect.
                if count <= MAX_TOPICS {
                    matchers.push((kind, value));
                }
            }
        }
        let is_topic = |(kind, _): &(MatchType, Cow<'_, str>)| *kind == MatchType::Topic;
        let topics = matchers.iter().any(is_topic);
        let dialect = Dialect::of_subscription(topics, !matchers.iter().all(is_topic), on)?;
        Ok(Self { dialect, cursor, matchers: distinct(matchers), count })
    }

    /// The hub's selectors, of which there is one at least.
    ///
    /// # Errors
    /// When there is no matcher, too many, or one that is not valid.
    pub(super) fn selectors(&self, base: &UrlBase) -> Result<Vec<Selector>, Problem> {
        match (self.dialect, self.count) {
            (Dialect::V0, 0) => return Err(Problem::bad_request("Missing \"topic\" parameter.")),
            (Dialect::V0, count) if count > MAX_TOPICS => {
                return Err(Problem::bad_request("Too many \"topic\" parameters."));
            }
            (Dialect::V1, 0) => {
                return Err(Problem::bad_request(
                    "the subscription has no matcher: give match, match_exact or match_urlpattern",
                ));
            }
            (Dialect::V1, count) if count > MAX_MATCHERS => {
                return Err(Problem::bad_request(format!(
                    "the subscription has {count} matchers: at most {MAX_MATCHERS} are allowed"
                )));
            }
            _ => {}
        }
        let selectors = self.matchers.iter().filter_map(|matcher| matcher.selector(base).transpose());
        let selectors = selectors.collect::<Result<Vec<_>, _>>()?;
        if selectors.is_empty() {
            return Err(Problem::bad_request("the subscription's matcher is empty, and no topic is"));
        }
        Ok(selectors)
    }
}

/// The matcher that a parameter of this name is, if it is one.
fn match_type(name: &str) -> Result<Option<MatchType>, Problem> {
    match name {
        "topic" => Ok(Some(MatchType::Topic)),
        FAMILY => Ok(Some(MatchType::Exact)),
        _ if !name.get(..FAMILY.len()).is_some_and(|start| start.eq_ignore_ascii_case(FAMILY)) => Ok(None),
        _ => match name.strip_prefix("match_").and_then(MatchType::of_word) {
            Some(kind) => Ok(Some(kind)),
            None => Err(Problem::bad_request(format!(
                "the parameter {:?} is no matcher that this hub knows: use match, match_exact or match_urlpattern",
                name.chars().take(100).collect::<String>()
            ))),
        },
    }
}

fn distinct(matchers: Vec<(MatchType, Cow<'_, str>)>) -> Vec<Matcher> {
    let mut seen = std::collections::HashSet::new();
    let matchers = matchers.into_iter().map(|(kind, text)| Matcher { kind, text: text.into() });
    matchers.filter(|matcher| seen.insert(matcher.clone())).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use tidings_hub::Start;

    use super::*;

    const BOTH: Dialects = Dialects { v1: true, v0: true };

    fn read(query: &str, body: &str) -> Result<SubscribeRequest, Problem> {
        SubscribeRequest::read(query, body.as_bytes(), &HeaderMap::new(), BOTH)
    }

    fn matchers(query: &str, body: &str) -> Vec<(MatchType, String)> {
        let request = read(query, body).unwrap();
        request.matchers.into_iter().map(|one| (one.kind, one.text.to_string())).collect()
    }

    fn is_valid(query: &str) -> bool {
        read(query, "").unwrap().selectors(&UrlBase::default()).is_ok()
    }

    // 1.3
    #[test]
    fn matchers_repeat_and_are_forms() {
        use MatchType::{Exact, UrlPattern};
        assert_eq!(
            matchers("match=a+b&match_exact=c%20d&match_urlpattern=%2Fx%2F*&match=a+b&other=x", ""),
            [(Exact, "a b".into()), (Exact, "c d".into()), (UrlPattern, "/x/*".into())]
        );
        assert_eq!(read("match=a", "").unwrap().dialect, Dialect::V1);
        assert!(read("match=%ff", "").is_err());
    }

    // 1.3
    #[test]
    fn the_body_of_a_query_is_joined_to_the_query() {
        use MatchType::{Exact, UrlPattern};
        assert_eq!(
            matchers("match=a", "match_urlpattern=/b&match=a"),
            [(Exact, "a".into()), (UrlPattern, "/b".into())]
        );
        let start = |query, body| read(query, body).unwrap().cursor.start();
        assert_eq!(start("last_event_id=q", "match=a&last_event_id=b"), Start::After("q".into()));
        assert_eq!(start("", "match=a&last_event_id=b"), Start::After("b".into()));
    }

    // 1.3
    #[test]
    fn unknown_matchers_are_refused_and_other_parameters_ignored() {
        for name in
            ["Match", "MATCH", "matchexact", "match_regexp", "matchURLPattern", "match_", "match_topic"]
        {
            assert!(read(&format!("match=a&{name}=x"), "").is_err(), "{name}");
        }
        for name in ["_", "authorization", "mat", "Topic", "größe", "access_token"] {
            assert!(read(&format!("match=a&{name}=x"), "").is_ok(), "{name}");
        }
    }

    // 1.3
    #[test]
    fn there_is_one_matcher_of_1_0_and_at_most_a_hundred() {
        let many = |count| vec!["match=a"; count].join("&");
        assert!(!is_valid(""));
        assert!(!is_valid("match="));
        assert!(is_valid("match=&match=a"));
        assert!(is_valid(&many(100)));
        assert!(!is_valid(&many(101)));
    }

    // 2 Subscribe
    #[test]
    fn there_is_one_topic_of_0_x_and_at_most_a_thousand() {
        let many = |count| vec!["topic=a"; count].join("&");
        assert!(is_valid(&many(1000)));
        let says = |query: &str, on| {
            let request = SubscribeRequest::read(query, b"", &HeaderMap::new(), on).unwrap();
            format!("{:?}", request.selectors(&UrlBase::default()).unwrap_err())
        };
        assert!(says(&many(1001), BOTH).contains("Too many \\\"topic\\\" parameters."));
        assert!(says("", Dialects { v1: false, v0: true }).contains("Missing \\\"topic\\\" parameter."));
    }

    // 0
    #[test]
    fn each_request_speaks_one_dialect() {
        assert_eq!(read("topic=a&topic=b", "").unwrap().dialect, Dialect::V0);
        assert!(read("topic=a&match=b", "").is_err());
        assert!(read("topic=a", "match=b").is_err());
    }

    proptest! {
        #[test]
        fn any_request_is_read_or_refused(
            query in "((topic|match|match_exact|match_urlpattern|Match|last_event_id)=(\\PC|[{}%*:&]){0,12}&){0,4}",
            body: Vec<u8>,
        ) {
            if let Ok(request) = SubscribeRequest::read(&query, &body, &HeaderMap::new(), BOTH)
                && let Ok(selectors) = request.selectors(&UrlBase::default())
            {
                prop_assert!(!selectors.is_empty());
            }
        }
    }
}
