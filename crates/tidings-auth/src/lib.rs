//! Who may publish and see what: the authorisation core of Tidings.
//!
//! No front and no HTTP server is in it. A front finds what a request presents ([`credentials`]), has it verified by the
//! [`Authority`], and gets a [`Grant`] with the rights that the hub checks, or a [`Refusal`] with a reason to show.
//!
//! ```
//! # #[tokio::main]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use http::{HeaderMap, HeaderValue, header::AUTHORIZATION};
//! use tidings_auth::{Action, Asked, Authority, Dialects, Key, Settings, credentials};
//! use tidings_hub::{Selection, Selector, Topic};
//!
//! let key = Key {
//!     name: "backend".to_owned(),
//!     secret: "a-long-random-secret".into(),
//!     publish: Selection::from_iter([Selector::from_text("orders.*")?]),
//!     subscribe: Selection::default(),
//!     rate: None,
//!     admin: false,
//! };
//! let authority = Authority::start(Settings { keys: vec![key], ..Settings::default() })?;
//!
//! let mut headers = HeaderMap::new();
//! headers.insert(AUTHORIZATION, HeaderValue::from_static("Bearer a-long-random-secret"));
//! let presented = credentials::bearer(&headers)?.ok_or("there is one")?;
//! let asked = Asked { action: Action::Publish, audience: "https://hub.example", dialects: Dialects::default() };
//! let grant = authority.verify(&presented, &asked).await?;
//! assert!(grant.rights.may_publish(&[Topic::new("orders.7")?]).is_ok());
//! assert!(grant.rights.may_publish(&[Topic::new("news")?]).is_err());
//! # Ok(())
//! # }
//! ```

mod algorithm;
mod authority;
mod callback;
pub mod credentials;
mod digest;
mod explain;
mod fetch;
#[doc(hidden)]
pub mod fuzz;
mod generations;
mod grant;
mod inspect;
mod issuers;
mod jwks;
mod keys;
mod mint;
mod object;
mod origin;
mod pem;
pub mod protocol_string;
mod refusal;
mod revocation;
mod rules;
mod secret;
mod settings;
mod time;
mod token;
mod verified;

pub use algorithm::{Algorithm, JWKS_ALGORITHMS, UnknownAlgorithm, algorithm};
pub use authority::{Asked, Authority, Prepared, StartError};
pub use credentials::{Carrier, Presented};
pub use explain::{Explanation, Grants, Question};
pub use grant::{Dialect, Grant, Holder, Payload};
pub use inspect::{Inspection, inspect};
pub use mint::{Mint, MintError, mint};
pub use origin::{check_origin, is_allowed, origin_of};
pub use pem::KeyError;
pub use refusal::{Reason, Refusal, RefusalKind};
pub use revocation::{Revocation, RevocationError, Target, TargetError};
pub use secret::Secret;
pub use settings::{
    Action, Anonymous, Callback, CallbackKind, Dialects, Issuer, Key, KeySource, Roles, Settings,
};
