//! Which of Mercure's two dialects a request speaks. Both are served on one URL, so each request says it by itself.

use http::StatusCode;
use tidings_auth::Dialects;

use crate::problem::Problem;

/// A dialect of Mercure.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Dialect {
    /// 0.x, what released hubs speak.
    V0,
    /// 1.0.
    V1,
}

impl Dialect {
    /// Of a subscription: `topic` is 0.x's parameter, those that begin with `match` are 1.0's. With neither, there is
    /// nothing that tells, and what is missing is said in the newest dialect that is on.
    ///
    /// # Errors
    /// When there are both, or the dialect is switched off.
    pub(super) fn of_subscription(topics: bool, matchers: bool, on: Dialects) -> Result<Self, Problem> {
        match (topics, matchers) {
            (true, true) => Err(Problem::bad_request(
                "the subscription mixes two dialects of Mercure: use topic (0.x) or match and match_urlpattern (1.0)",
            )),
            (true, false) if !on.v0 => Err(Problem::bad_request(
                "the parameter topic is Mercure 0.x's, which is off on this hub: use match or match_urlpattern, or \
                 add \"0.x\" to [mercure] dialects",
            )),
            (false, true) if !on.v1 => Err(Problem::bad_request(
                "the parameters match and match_urlpattern are Mercure 1.0's, which is off on this hub: use topic, or \
                 add \"1.0\" to [mercure] dialects",
            )),
            (true, false) => Ok(Self::V0),
            (false, true) => Ok(Self::V1),
            (false, false) => Ok(if on.v1 { Self::V1 } else { Self::V0 }),
        }
    }

    /// Of a publication: 1.0 if its token is, else 0.x if that is on. Nothing else in it tells, and 0.x allows more.
    pub(super) fn of_publication(token: Option<tidings_auth::Dialect>, on: Dialects) -> Self {
        match token {
            Some(tidings_auth::Dialect::V1) => Self::V1,
            _ if on.v0 => Self::V0,
            _ => Self::V1,
        }
    }

    /// The dialects whose tokens a request of this one takes. Tokens of 1.0 are checked more, and so are good for both.
    pub(super) fn tokens(self, on: Dialects) -> Dialects {
        match self {
            Self::V0 => on,
            Self::V1 => Dialects { v1: on.v1, v0: false },
        }
    }

    /// The status of what is not granted to a good token.
    pub(super) fn forbidden(self) -> StatusCode {
        match self {
            Self::V0 => StatusCode::UNAUTHORIZED,
            Self::V1 => StatusCode::FORBIDDEN,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BOTH: Dialects = Dialects { v1: true, v0: true };
    const V1: Dialects = Dialects { v1: true, v0: false };
    const V0: Dialects = Dialects { v1: false, v0: true };

    // 0
    #[test]
    fn a_subscription_tells_by_its_parameters() {
        for (topics, matchers, on, expected) in [
            (true, false, BOTH, Some(Dialect::V0)),
            (false, true, BOTH, Some(Dialect::V1)),
            (true, true, BOTH, None),
            (true, false, V1, None),
            (false, true, V0, None),
            (false, false, BOTH, Some(Dialect::V1)),
            (false, false, V0, Some(Dialect::V0)),
        ] {
            let dialect = Dialect::of_subscription(topics, matchers, on);
            assert_eq!(dialect.as_ref().ok(), expected.as_ref(), "{topics} {matchers} {on:?}");
            if let Err(problem) = dialect
                && !(topics && matchers)
            {
                assert!(format!("{problem:?}").contains("[mercure] dialects"), "{problem:?}");
            }
        }
    }

    // 0
    #[test]
    fn a_publication_tells_by_its_token() {
        use tidings_auth::Dialect as Token;
        for (token, on, expected) in [
            (Some(Token::V1), BOTH, Dialect::V1),
            (Some(Token::V0), BOTH, Dialect::V0),
            (Some(Token::Native), BOTH, Dialect::V0),
            (None, BOTH, Dialect::V0),
            (None, V1, Dialect::V1),
            (Some(Token::Native), V1, Dialect::V1),
        ] {
            assert_eq!(Dialect::of_publication(token, on), expected, "{token:?} {on:?}");
        }
    }

    // 0
    #[test]
    fn tokens_of_0_x_are_for_requests_of_0_x() {
        assert_eq!(Dialect::V0.tokens(BOTH), BOTH);
        assert_eq!(Dialect::V1.tokens(BOTH), V1);
        assert_eq!(Dialect::V0.tokens(V0), V0);
    }
}
