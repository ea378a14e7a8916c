//! SIGUSR2: the program on disk takes the place of the one that runs, in the same process and with the same listening
//! sockets, so that nobody's connection is refused meanwhile.

use std::{
    env,
    ffi::{OsStr, OsString},
    fs,
    os::{fd::OwnedFd, unix::process::CommandExt as _},
    path::{self, Path, PathBuf},
    process::{self, Stdio},
    time::Duration,
};

use anyhow::{Context as _, anyhow};
use command_fds::{CommandFdExt as _, FdMapping};
use tokio::time::timeout;

/// How long the program on disk may take to check the configuration.
const CHECK: Duration = Duration::from_secs(30);
/// The first descriptor that is passed on (sd_listen_fds(3)).
const FIRST: i32 = 3;
/// What the receiver of sockets goes by.
const LISTEN: [&str; 3] = ["LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES"];

/// The program that would be started if the hub were started anew, as it was.
#[derive(Debug)]
pub(crate) struct Successor {
    program: PathBuf,
    args: Vec<OsString>,
}

impl Successor {
    /// That of this process. To be asked for at the start, while the file that was started is there.
    ///
    /// # Errors
    /// When the system does not say which file that is.
    pub(crate) fn of_process() -> anyhow::Result<Self> {
        let running = env::current_exe().context("the program's own file cannot be found")?;
        let mut args = env::args_os();
        let named = args.next().unwrap_or_default();
        Ok(Self { program: as_started(&named, &running), args: args.collect() })
    }

    /// Has the program on disk check the configuration, as it was given to this one.
    ///
    /// # Errors
    /// Why it could not run with it.
    pub(super) async fn check(&self) -> anyhow::Result<()> {
        let mut command = tokio::process::Command::new(&self.program);
        command.args(check_args(&self.args)).stdin(Stdio::null()).kill_on_drop(true);
        for name in LISTEN {
            command.env_remove(name);
        }
        let output = timeout(CHECK, command.output()).await.context("it does not end")?;
        let output = output.with_context(|| format!("{} cannot be run", self.program.display()))?;
        match output.status.success() {
            true => Ok(()),
            false => Err(anyhow!("{}: {}", output.status, String::from_utf8_lossy(&output.stderr).trim())),
        }
    }

    /// Lets the program take the place of this one, with these sockets. It does not return if that works.
    pub(crate) fn take_over(self, sockets: Vec<(String, OwnedFd)>) -> anyhow::Error {
        let names: Vec<&str> = sockets.iter().map(|(name, _)| &**name).collect();
        let (names, count) = (names.join(":"), sockets.len());
        let descriptors = sockets.into_iter().zip(FIRST..);
        let descriptors = descriptors.map(|((_, parent_fd), child_fd)| FdMapping { parent_fd, child_fd });
        let mut command = process::Command::new(&self.program);
        // The process stays the same.
        command.args(&self.args).env("LISTEN_PID", process::id().to_string());
        command.env("LISTEN_FDS", count.to_string()).env("LISTEN_FDNAMES", names);
        match command.fd_mappings(descriptors.collect()) {
            Ok(command) => anyhow!(command.exec()),
            Err(error) => anyhow!(error),
        }
        .context(format!("{} cannot take this program's place", self.program.display()))
    }
}

/// The path by which the program was started, which may be a link to another file by now. If it does not lead to what runs,
/// the file that runs is taken.
fn as_started(named: &OsStr, running: &Path) -> PathBuf {
    let is_path = named.as_encoded_bytes().contains(&b'/');
    let candidates: Vec<PathBuf> = match is_path {
        true => path::absolute(named).into_iter().collect(),
        false => {
            let path = env::var_os("PATH").unwrap_or_default();
            env::split_paths(&path).map(|folder| folder.join(named)).collect()
        }
    };
    let leads_there = |path: &PathBuf| fs::canonicalize(path).is_ok_and(|path| path == running);
    candidates.into_iter().find(leads_there).unwrap_or_else(|| running.to_owned())
}

/// The arguments with which the configuration is checked that these would run with.
fn check_args(args: &[OsString]) -> impl Iterator<Item = &OsStr> {
    let args = args.strip_prefix(&[OsString::from("serve")]).unwrap_or(args);
    [OsStr::new("check-config")].into_iter().chain(args.iter().map(OsString::as_os_str))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_arguments_of_the_hub_are_those_of_the_check() {
        let check = |args: &[&str]| {
            let args: Vec<OsString> = args.iter().map(OsString::from).collect();
            check_args(&args).map(|arg| arg.to_str().unwrap().to_owned()).collect::<Vec<_>>()
        };
        assert_eq!(check(&[]), ["check-config"]);
        assert_eq!(check(&["serve", "--data", "serve"]), ["check-config", "--data", "serve"]);
    }

    #[test]
    fn a_link_stays_a_link_and_a_strange_name_is_not_believed() {
        let folder = tempfile::tempdir().unwrap();
        let folder = fs::canonicalize(folder.path()).unwrap();
        let (file, link) = (folder.join("tidings-1"), folder.join("tidings"));
        fs::write(&file, "").unwrap();
        std::os::unix::fs::symlink(&file, &link).unwrap();
        assert_eq!(as_started(link.as_os_str(), &file), link);
        for strange in ["-tidings", "/bin/sh", "", "tidings"] {
            assert_eq!(as_started(OsStr::new(strange), &file), file, "{strange}");
        }
    }
}
