//! The Mercure front, rule by rule, in both its dialects: one file for each section of what is known of 1.0 and each
//! part of 0.x. A test names the rule that it holds the program to (`1.4` and so on).
//!
//! Where this hub differs from the reference hub on purpose, the test says so: a stream's heartbeat and the order of an
//! event's fields are those of all fronts (encoded once, for everybody); an id that is published again adds nothing;
//! headers of the reference that mean nothing are not copied; ids are the hub's own unless they are to be `urn:uuid:`;
//! who comes with an unknown cursor gets everything that is kept.
//!
//! Not here: browsers (`tests/browser`), and what a topic matches in detail (`tidings-hub`).

mod both;
mod client;
mod cors;
mod delivery;
mod metadata;
mod presence;
mod publish;
mod reconnections;
mod reference_environment;
mod reserved;
mod resume;
mod strings;
mod subscribe;
mod terms;
mod token;
mod token_details;
mod token_transport;
mod tokens;
mod urls;
mod v0_delivery;
mod v0_presence;
mod v0_publish;
mod v0_selectors;
mod v0_subscribe;
mod v0_token;
