//! Why somebody is not let in, in words they can act on.

use std::{fmt, time::Duration};

use crate::{grant::Dialect, settings::Action};

/// Why somebody is not let in. The reason is safe to show and to log: it never holds a token, a secret or a claim that
/// is nobody's business.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// What a front makes its answer of.
    pub kind: RefusalKind,
    /// What is wrong, and what to do.
    pub reason: Reason,
}

/// What a front makes its answer of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum RefusalKind {
    /// Nothing was presented, and nothing is not enough.
    Missing,
    /// What was presented has not the form that it must have.
    Malformed,
    /// What was presented is not good: unknown, expired, revoked, for somebody else.
    Invalid,
    /// What was presented is good, and not for this.
    Forbidden,
    /// Too much at once. [`Refusal::retry_after`] says how long to wait.
    TooMany,
    /// It cannot be found out now.
    Unavailable,
}

impl Refusal {
    /// How long to wait, when it is a matter of waiting.
    pub fn retry_after(&self) -> Option<Duration> {
        match self.reason {
            Reason::TooMany { retry_after, .. } => Some(retry_after),
            _ => None,
        }
    }
}

impl From<Reason> for Refusal {
    fn from(reason: Reason) -> Self {
        Self { kind: reason.kind(), reason }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.reason.fmt(f)
    }
}

impl std::error::Error for Refusal {}

/// What is wrong, and what to do.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Reason {
    /// Nothing was presented.
    #[error("this needs a key or token: send it as \"Authorization: Bearer …\"")]
    Nothing,
    /// The application does not know who this is, or nothing was presented that it could know somebody by.
    #[error("the application does not know who this is: sign in there first")]
    NotSignedIn,

    /// More than one `Authorization` header.
    #[error("there is more than one Authorization header: send one")]
    SeveralHeaders,
    /// The `Authorization` header is no `Bearer` one.
    #[error("the Authorization header is not of the form \"Bearer …\"")]
    NotBearer,
    /// The credential is too short to be one.
    #[error("what was presented is too short to be a key or token")]
    TooShort,
    /// The parameter of the query is there more than once.
    #[error("the query has more than one parameter {0:?}: send one")]
    SeveralParameters(String),
    /// The application would have to be asked about too much.
    #[error(
        "the application that decides is asked about {most} topics and patterns of a request at most: ask for fewer"
    )]
    TooManyQuestions {
        /// How many it is asked about.
        most: usize,
    },
    /// A cookie was used to publish from an origin that may not, or that is not told.
    #[error("{}", foreign_origin(.0.as_deref()))]
    Origin(Option<String>),

    /// It is no key of this hub, and there are no issuers, or it does not look like a token.
    #[error("this is no key of this hub{}", if *.tokens { ", and no JSON Web Token" } else { ", and the hub takes no tokens" })]
    Unknown {
        /// Whether the hub takes tokens.
        tokens: bool,
    },
    /// A part of the token cannot be read.
    #[error("the token cannot be read: {0}")]
    Unreadable(&'static str),
    /// The token's algorithm is not among those accepted.
    #[error("the token is signed with {}, and {} is verified with {}", shown(.algorithm), .issuer, .accepted)]
    Algorithm {
        /// The token's.
        algorithm: String,
        /// The issuer's name.
        issuer: String,
        /// What is accepted of it.
        accepted: String,
    },
    /// No issuer has the token's `iss`.
    #[error("{}, and no [[jwt]] of this hub is for it", match .0 { Some(iss) => format!("the token's iss is {}", shown(iss)), None => "the token has no iss".to_owned() })]
    UnknownIssuer(Option<String>),
    /// The issuer's keys are not for this action.
    #[error("tokens of {issuer} cannot be used to {action}")]
    Role {
        /// The issuer's name.
        issuer: String,
        /// What was to be done.
        action: Action,
    },
    /// The signature is wrong.
    #[error("the token's signature is not one of {0}: it was signed with another key, or changed")]
    Signature(String),
    /// The issuer's JWKS has no key of the token's `kid`.
    #[error("{}", unknown_kid(issuer, kid.as_deref()))]
    UnknownKid {
        /// The issuer's name.
        issuer: String,
        /// The token's `kid`.
        kid: Option<String>,
    },
    /// The token has expired.
    #[error("the token expired {} ago: fetch a new one", in_words(*.0))]
    Expired(Duration),
    /// The token is not valid yet.
    #[error("the token becomes valid in {} (nbf): check the clocks, or set leeway", in_words(*.0))]
    NotYet(Duration),
    /// The token has no `exp`, and needs one.
    #[error("the token has no exp, which a Mercure 1.0 token needs")]
    NoExpiry,
    /// The token is for somebody else.
    #[error("the token's aud is {}; this hub is {}", shown_list(.token), shown_list(.hub))]
    Audience {
        /// The token's.
        token: Vec<String>,
        /// What is accepted.
        hub: Vec<String>,
    },
    /// The token has no `aud`, and needs one.
    #[error("the token has no aud, which must hold {}", shown_list(.0))]
    NoAudience(Vec<String>),
    /// A claim has not the form that it must have.
    #[error("the token's {claim} is wrong: {problem}")]
    Claim {
        /// The claim.
        claim: &'static str,
        /// What is wrong with it.
        problem: String,
    },
    /// The token is of a dialect that is switched off.
    #[error("this is a {0} token, and that dialect is switched off: see dialects in [mercure]")]
    DialectOff(Dialect),
    /// The token is of a dialect that this request does not take.
    #[error("this is a {0} token, which this request does not take")]
    DialectHere(Dialect),
    /// The token, or its user, was revoked.
    #[error("revoked")]
    Revoked,

    /// The token is of no kind that is known here. One of 1.0 has the type of an access token (section 1.6).
    #[error(
        "the token is none for this hub: its typ is not at+jwt, and it has neither the claim mercure nor tidings"
    )]
    NoClaims,
    /// Something is not granted.
    #[error("{holder} may not {action} {}", shown(.what))]
    NotGranted {
        /// Who.
        holder: String,
        /// Does what.
        action: Action,
        /// To which topic or selector.
        what: String,
    },
    /// Only administrators may do this.
    #[error("{0} is no administrator: use a key or token with admin = true")]
    NotAdmin(String),
    /// The application said no.
    #[error("the application does not allow to {action} {}", shown(.what))]
    Refused {
        /// What was to be done.
        action: Action,
        /// To which topic or selector.
        what: String,
    },

    /// The application decides about other things, and there is nobody else to ask.
    #[error(
        "the application decides only who may subscribe to private- and presence- channels, and not who may {action} {}: \
         that needs a key, a token or a right in [anonymous]",
        shown(.what)
    )]
    NotAsked {
        /// What was to be done.
        action: Action,
        /// To which topic or selector.
        what: String,
    },

    /// A key publishes more than its rate.
    #[error("key {key:?} publishes more than its rate allows: wait {} ms", .retry_after.as_millis().max(1))]
    TooMany {
        /// The key's name.
        key: String,
        /// How long to wait.
        retry_after: Duration,
    },

    /// More publications at once than a key may ever publish.
    #[error(
        "key {key:?} may publish {rate} events a second, and these are {publications} at once: send fewer"
    )]
    TooManyAtOnce {
        /// The key's name.
        key: String,
        /// Its rate.
        rate: u32,
        /// How many there were.
        publications: u32,
    },

    /// The keys of an issuer could not be fetched.
    #[error("the keys of {0} cannot be fetched now: try again later")]
    NoKeys(String),
    /// The application could not be asked.
    #[error("the application that decides could not be asked: {0}")]
    NoAnswer(String),
}

impl Reason {
    /// The kind of refusal that it is a reason for.
    pub fn kind(&self) -> RefusalKind {
        match self {
            Self::Nothing | Self::NotSignedIn => RefusalKind::Missing,
            Self::SeveralHeaders
            | Self::NotBearer
            | Self::TooShort
            | Self::SeveralParameters(_)
            | Self::TooManyQuestions { .. }
            | Self::Origin(_) => RefusalKind::Malformed,
            Self::Unknown { .. }
            | Self::Unreadable(_)
            | Self::Algorithm { .. }
            | Self::UnknownIssuer(_)
            | Self::Role { .. }
            | Self::Signature(_)
            | Self::UnknownKid { .. }
            | Self::Expired(_)
            | Self::NotYet(_)
            | Self::NoExpiry
            | Self::Audience { .. }
            | Self::NoAudience(_)
            | Self::Claim { .. }
            | Self::DialectOff(_)
            | Self::DialectHere(_)
            | Self::NoClaims
            | Self::Revoked => RefusalKind::Invalid,
            Self::NotGranted { .. } | Self::NotAdmin(_) | Self::Refused { .. } | Self::NotAsked { .. } => {
                RefusalKind::Forbidden
            }
            Self::TooMany { .. } | Self::TooManyAtOnce { .. } => RefusalKind::TooMany,
            Self::NoKeys(_) | Self::NoAnswer(_) => RefusalKind::Unavailable,
        }
    }
}

/// How much of a text that a stranger chose is shown, in characters.
const SHOWN: usize = 200;

/// A text that a stranger chose, in quotes, escaped and not too long.
fn shown(text: &str) -> String {
    match text.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{:?}…", &text[..end]),
        None => format!("{text:?}"),
    }
}

/// How many texts of a list are shown.
const SHOWN_TEXTS: usize = 3;

fn shown_list(texts: &[String]) -> String {
    let mut list = texts.iter().take(SHOWN_TEXTS).map(|text| shown(text)).collect::<Vec<_>>().join(" or ");
    if texts.len() > SHOWN_TEXTS {
        list.push_str(" or …");
    }
    if list.is_empty() { "empty".to_owned() } else { list }
}

fn unknown_kid(issuer: &str, kid: Option<&str>) -> String {
    match kid {
        Some(kid) => format!("the JWKS of {issuer} has no key with the token's kid, {}", shown(kid)),
        None => format!("the token has no kid, and the JWKS of {issuer} has no key for its algorithm"),
    }
}

fn foreign_origin(origin: Option<&str>) -> String {
    match origin {
        Some(origin) => format!(
            "a cookie does not authorise to publish from {}: add it to publish_origins, or send the token as \"Authorization: Bearer …\"",
            shown(origin)
        ),
        None => "a cookie authorises to publish only together with an Origin or Referer header".to_owned(),
    }
}

/// A duration in its largest whole unit: "5 minutes".
pub(crate) fn in_words(duration: Duration) -> String {
    let seconds = duration.as_secs();
    let (count, unit) = match seconds {
        0..60 => (seconds.max(1), "second"),
        60..3_600 => (seconds / 60, "minute"),
        3_600..86_400 => (seconds / 3_600, "hour"),
        _ => (seconds / 86_400, "day"),
    };
    format!("{count} {unit}{}", if count == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_is_a_sentence_to_act_on() {
        assert_eq!(
            Reason::Expired(Duration::from_secs(301)).to_string(),
            "the token expired 5 minutes ago: fetch a new one"
        );
        let audience = Reason::Audience { token: vec!["a".into(), "b".into()], hub: vec!["c".into()] };
        assert_eq!(audience.to_string(), r#"the token's aud is "a" or "b"; this hub is "c""#);
    }

    #[test]
    fn what_a_stranger_chose_is_escaped_and_cut() {
        let reason = Reason::UnknownIssuer(Some(format!("\n{}", "x".repeat(1000)))).to_string();
        assert!(reason.starts_with(r#"the token's iss is "\nxxx"#) && reason.len() < 300, "{reason}");
    }

    #[test]
    fn durations_are_told_in_their_largest_unit() {
        for (seconds, words) in
            [(0, "1 second"), (59, "59 seconds"), (60, "1 minute"), (7_200, "2 hours"), (172_801, "2 days")]
        {
            assert_eq!(in_words(Duration::from_secs(seconds)), words);
        }
    }
}
