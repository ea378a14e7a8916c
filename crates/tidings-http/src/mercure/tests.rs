//! The handlers over a hub with its log in memory, in both dialects. Each test names the rule that it holds.

mod delivery;
mod discovery;
mod presence;
mod publish;
mod subscribe;
mod support;
mod tokens;
