//! A hub whose listeners are what the test is about.

use std::{
    env,
    fs::{self, File},
    net::SocketAddr,
    path::{Path, PathBuf},
    process::{Command, ExitStatus, Stdio},
};

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

use crate::support::{Running, program, wait_for};

const ACTIVATE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/listeners/activate.py");

/// A running hub in a directory of its own.
pub(super) struct Serving {
    directory: TempDir,
    running: Option<Running>,
}

impl Serving {
    /// Starts a hub with this configuration, in which `DIR` stands for its directory.
    pub(super) fn start(configuration: &str) -> Self {
        Self::activated(&[], configuration)
    }

    /// Starts it with such sockets: `NAME=ADDRESS`, in which `DIR` stands for its directory.
    pub(super) fn activated(sockets: &[&str], configuration: &str) -> Self {
        let mut serving = Self { directory: tempfile::tempdir().unwrap(), running: None };
        serving.launch(sockets, configuration);
        serving
    }

    /// A hub that has not been started, in a directory that has been made ready for it.
    pub(super) fn prepared(prepare: impl FnOnce(&Path)) -> Self {
        let directory = tempfile::tempdir().unwrap();
        prepare(directory.path());
        Self { directory, running: None }
    }

    /// Starts it, for the first time or again.
    pub(super) fn launch(&mut self, sockets: &[&str], configuration: &str) {
        let directory = self.directory.path().to_str().unwrap();
        fs::write(self.path("tidings.toml"), configuration.replace("DIR", directory)).unwrap();
        let mut command = match sockets.is_empty() {
            true => Command::new(program::path()),
            false => {
                let mut command = Command::new("python3");
                command.arg(ACTIVATE).args(sockets.iter().map(|socket| socket.replace("DIR", directory)));
                command.arg("--").arg(program::path());
                command
            }
        };
        command.arg("serve").current_dir(directory).stdin(Stdio::null());
        command.env_clear().envs(env::var_os("PATH").map(|path| ("PATH", path)));
        command.stdout(File::create(self.path("stdout")).unwrap());
        command.stderr(File::create(self.path("stderr")).unwrap());
        self.running = Some(Running(command.spawn().unwrap()));
    }

    pub(super) fn path(&self, file: &str) -> PathBuf {
        self.directory.path().join(file)
    }

    pub(super) fn directory(&self) -> &Path {
        self.directory.path()
    }

    /// Where it says that it listens, once it does.
    pub(super) fn places(&mut self) -> Vec<String> {
        let child = &mut self.running.as_mut().unwrap().0;
        let (stdout, stderr) = (self.directory.path().join("stdout"), self.directory.path().join("stderr"));
        let text = wait_for("the hub listens", || {
            let ended = child.try_wait().unwrap();
            let text = fs::read_to_string(&stdout).unwrap();
            assert!(ended.is_none(), "it ended: {}", fs::read_to_string(&stderr).unwrap());
            text.ends_with('\n').then_some(text)
        });
        let place = |line: &str| line.strip_prefix("listening on ").unwrap().to_owned();
        text.lines().map(place).collect()
    }

    /// The address of its only listener for plain HTTP over TCP.
    pub(super) fn address(&mut self) -> SocketAddr {
        let places = self.places();
        let mut plain = places.iter().filter_map(|place| place.strip_prefix("http://"));
        let address = plain.next().unwrap_or_else(|| panic!("{places:?}")).parse().unwrap();
        assert_eq!(plain.next(), None, "{places:?}");
        address
    }

    pub(super) fn stderr(&self) -> String {
        fs::read_to_string(self.path("stderr")).unwrap()
    }

    pub(super) fn signal(&self, signal: Signal) {
        let pid = self.running.as_ref().unwrap().0.id();
        kill_process(Pid::from_raw(pid.try_into().unwrap()).unwrap(), signal).unwrap();
    }

    /// Waits until it has ended by itself.
    pub(super) fn ended(&mut self) -> ExitStatus {
        let mut running = self.running.take().unwrap();
        wait_for("the hub ends", || running.0.try_wait().unwrap())
    }

    /// `kill -9`, and waits until it is gone.
    pub(super) fn kill(&mut self) {
        self.running = None;
    }
}

/// Runs curl with these arguments, and answers what it printed.
pub(super) fn curl(args: &[&str]) -> Result<String, String> {
    let output =
        Command::new("curl").args(["--silent", "--show-error", "--max-time", "60"]).args(args).output();
    let output = output.unwrap();
    match output.status.success() {
        true => Ok(String::from_utf8(output.stdout).unwrap()),
        false => Err(String::from_utf8_lossy(&output.stderr).into_owned()),
    }
}
