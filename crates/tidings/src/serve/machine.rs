//! What the machine allows. Looked at once, at the start, so that a limit that would be met by a crowd at night is read
//! by whoever starts the hub, with what to do about it.

use std::fs;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::config::Config;

/// Open files besides connections: the log's segments and their readers, pollers, sources, standard streams, and
/// connections that are told that there is no room.
const OTHER_FILES: u64 = 512;
/// Of a limit so small that those would be most of it, they get one in so many.
const OTHER_SHARE: u64 = 4;
/// How many connections may wait to be accepted: a crowd that comes back at once.
pub(super) const BACKLOG: u32 = 4096;

/// How many connections there is room for, at most those that the configuration asks for. What is less than it asks for
/// is warned of.
pub(super) fn room(config: &Config) -> u64 {
    let wanted = config.limits.connections as u64;
    let (room, warning) = connections(raise_file_limit(), wanted);
    let warnings = warning.into_iter().chain(backlog(kernel("core/somaxconn"))).chain(overflow());
    warnings.for_each(|warning| tracing::warn!("{warning}"));
    room
}

/// Each connection is an open file. The limit that most systems set is the soft one; the hard one is what counts. `None`
/// is no limit.
fn raise_file_limit() -> Option<u64> {
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit { current: limit.maximum, maximum: limit.maximum };
    match setrlimit(Resource::Nofile, raised) {
        Ok(()) => limit.maximum,
        Err(error) => {
            tracing::warn!(%error, ?limit, "the limit of open files stays as it is");
            limit.current
        }
    }
}

/// How many of the connections fit into the limit of open files, and a warning if that is not all.
fn connections(files: Option<u64>, wanted: u64) -> (u64, Option<String>) {
    let Some(files) = files else { return (wanted, None) };
    let needed = wanted.saturating_add(OTHER_FILES);
    if needed <= files {
        return (wanted, None);
    }
    let fits = files.saturating_sub(OTHER_FILES.min(files / OTHER_SHARE)).max(1);
    let warning = format!(
        "only {fits} connections fit into the limit of {files} open files, and limits.connections is {wanted}: for \
         systemd set LimitNOFILE={needed}, for a container --ulimit nofile={needed}, in a shell (as root) run \
         `ulimit -n {needed}` first; or lower limits.connections"
    );
    (fits, Some(warning))
}

fn backlog(allowed: Option<u64>) -> Option<String> {
    let allowed = allowed.filter(|allowed| *allowed < u64::from(BACKLOG))?;
    Some(format!(
        "only {allowed} new connections may wait to be accepted, so that a crowd that comes back at once comes back \
         slowly: `sysctl -w net.core.somaxconn={BACKLOG}`"
    ))
}

fn overflow() -> Option<String> {
    (kernel("ipv4/tcp_abort_on_overflow")? != 0).then(|| {
        "the kernel refuses connections when a crowd comes at once, and some browsers do not come back after that: \
         `sysctl -w net.ipv4.tcp_abort_on_overflow=0`"
            .to_owned()
    })
}

/// A setting of the kernel's network, if this system has it.
fn kernel(name: &str) -> Option<u64> {
    fs::read_to_string(format!("/proc/sys/net/{name}")).ok()?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_not_fit_is_told_with_the_command_that_helps() {
        assert_eq!(connections(None, 100_000), (100_000, None));
        assert_eq!(connections(Some(100_512), 100_000), (100_000, None));
        let (fits, warning) = connections(Some(20_000), 100_000);
        assert_eq!(fits, 19_488);
        assert!(warning.unwrap().contains("ulimit -n 100512"));
        assert_eq!(connections(Some(64), 100_000).0, 48);
    }

    #[test]
    fn a_short_queue_is_told_of() {
        assert_eq!(backlog(None), None);
        assert_eq!(backlog(Some(4096)), None);
        assert!(backlog(Some(128)).unwrap().contains("somaxconn=4096"));
    }
}
