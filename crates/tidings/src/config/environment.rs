//! The environment variables that concern the configuration: `TIDINGS_` and the key's path in capitals, with `_` for
//! each dot. `log.durability` is `TIDINGS_LOG_DURABILITY`.

use std::{collections::BTreeMap, fmt};

/// What the names of all variables begin with.
pub(super) const PREFIX: &str = "TIDINGS_";

/// The variable that tracing programs share, honoured beside `TIDINGS_LOGS_LEVEL`.
pub(super) const RUST_LOG: &str = "RUST_LOG";

/// What the names of the reference Mercure hub's variables begin with; `mercure_env.rs` says which are read.
const MERCURE_PREFIX: &str = "MERCURE_";

/// Variables that are no keys of the configuration: where it is, and the hub that `tidings publish` and
/// `tidings subscribe` speak to, with the token that they show it.
pub(super) const OTHERS: [&str; 3] = ["TIDINGS_CONFIG", "TIDINGS_URL", "TIDINGS_TOKEN"];

/// The variables that are set. An empty one counts as not set, which is how a container's template leaves one out.
#[derive(Default)]
pub(crate) struct Environment(BTreeMap<String, String>);

/// The names only: values may be secrets.
impl fmt::Debug for Environment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

impl Environment {
    /// The variables of this process.
    pub(crate) fn of_process() -> Self {
        let variables = std::env::vars_os().filter_map(|(name, value)| {
            // A value that is not UTF-8 has no meaning for any key; parsing what is left of it says so.
            Some((name.into_string().ok()?, value.to_string_lossy().into_owned()))
        });
        variables.collect()
    }

    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str).filter(|name| name.starts_with(PREFIX))
    }
}

impl FromIterator<(String, String)> for Environment {
    fn from_iter<I: IntoIterator<Item = (String, String)>>(variables: I) -> Self {
        let ours =
            |name: &str| name.starts_with(PREFIX) || name.starts_with(MERCURE_PREFIX) || name == RUST_LOG;
        let kept =
            |(name, value): &(String, String)| ours(name) && !value.is_empty() && !is_link(name, value);
        Self(variables.into_iter().filter(kept).collect())
    }
}

/// The variable of a key, by its path (`log.durability`).
pub(super) fn name_of(path: &str) -> String {
    format!("{PREFIX}{}", path.replace('.', "_").to_ascii_uppercase())
}

/// Whether a container platform set this variable, to say where a service is. Kubernetes does so in every pod for each
/// service of the namespace, so that a service called "tidings" gives `TIDINGS_PORT` and `TIDINGS_SERVICE_HOST`.
fn is_link(name: &str, value: &str) -> bool {
    const SCHEMES: [&str; 3] = ["tcp://", "udp://", "sctp://"];
    let is_address = SCHEMES.iter().any(|scheme| value.starts_with(scheme));
    let of_port =
        name.split_once("_PORT_").is_some_and(|(_, rest)| rest.starts_with(|c: char| c.is_ascii_digit()));
    name.ends_with("_SERVICE_HOST")
        || name.ends_with("_SERVICE_PORT")
        || name.contains("_SERVICE_PORT_")
        || (name.ends_with("_PORT") && is_address)
        || of_port
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_kubernetes_sets_for_a_service_called_tidings_is_not_ours() {
        let links = [
            ("TIDINGS_SERVICE_HOST", "10.0.0.1"),
            ("TIDINGS_SERVICE_PORT", "8080"),
            ("TIDINGS_SERVICE_PORT_HTTP", "8080"),
            ("TIDINGS_PORT", "tcp://10.0.0.1:8080"),
            ("TIDINGS_PORT_8080_TCP", "tcp://10.0.0.1:8080"),
            ("TIDINGS_PORT_8080_TCP_ADDR", "10.0.0.1"),
            ("TIDINGS_REDIS_PORT_6379_TCP_PROTO", "tcp"),
            ("PATH", "/bin"),
            ("TIDINGS_DATA", ""),
            ("TIDINGS_LISTEN", "127.0.0.1:1"),
            ("TIDINGS_PORT_", "1"),
        ];
        let environment: Environment =
            links.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        assert_eq!(environment.names().collect::<Vec<_>>(), ["TIDINGS_LISTEN", "TIDINGS_PORT_"]);
    }
}
