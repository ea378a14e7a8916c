//! What the ordinary tests and the fuzz target share.

pub(crate) mod check;
pub(crate) mod model;
