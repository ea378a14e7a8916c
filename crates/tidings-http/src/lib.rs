//! HTTP in front of the Tidings hub: the fronts, the listener, and what operators ask.
//!
//! An application that embeds the hub merges [`native()`] (and what else it wants) into its own axum router; the
//! program serves [`app()`] with a [`Server`].

mod access;
mod admin;
mod app;
mod body;
mod challenge;
mod client;
mod cors;
mod echo;
mod fair;
mod form;
#[doc(hidden)]
pub mod fuzz;
mod gate;
mod guard;
mod limit;
mod mercure;
mod metrics;
mod native;
mod networks;
mod origin;
mod probe;
mod problem;
mod pusher;
mod quota;
mod server;
mod status;
mod stream;
mod visitor;

pub use admin::{admin, administrators_only};
pub use app::{Access, app};
pub use client::{Client, ForwardingHeader, Proxies};
pub use echo::{Echo, EchoSettings, echo};
pub use gate::{Gate, GateSettings};
pub use limit::{Limit, LimitHits};
pub use mercure::{Ids, MercureSettings, Presence, mercure, mercure_base};
pub use native::{NativeSettings, native, topics};
pub use networks::{Network, Networks};
pub use probe::{ProbeSettings, probe};
pub use pusher::{Company, PusherApp, PusherSettings, pusher};
pub use quota::{MemoryPressure, QuotaSettings, Quotas};
pub use server::{Limits, Listener, Peer, Routes, Server, ServerFigures, ServerStats, Tls, TlsError};
pub use status::{LoadFigures, Loads, PartStatus, Parts, Status, figures, health};
