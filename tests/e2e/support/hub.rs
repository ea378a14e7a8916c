//! A hub of the test's own: `tidings serve` with a directory, a port and a configuration that nobody else has.

use std::{
    env,
    fs::{self, File},
    net::{IpAddr, Ipv4Addr, SocketAddr},
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    thread,
    time::Duration,
};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use tempfile::TempDir;

use super::{BOUND, Connection, Listener, Response, program, wait_for};

/// What a hub has of this environment: where programs are, and which way streams take, so that the same tests run over
/// both.
const PASSED_ON: [&str; 2] = ["PATH", "TIDINGS_STREAM_HAND_OVER"];

/// How a hub is started, where it differs from the usual.
#[derive(Default)]
pub(crate) struct Options {
    /// TOML text.
    pub(crate) configuration: String,
    /// Further arguments of `tidings serve`.
    pub(crate) args: Vec<String>,
    /// Instead of a directory within the hub's own.
    pub(crate) data: Option<PathBuf>,
    /// A shell command that ends by running its arguments, which are the program's.
    pub(crate) wrapper: Option<String>,
    /// Where it listens, instead of on a loopback address of its own.
    pub(crate) listen: Option<IpAddr>,
    /// What it finds in its environment.
    pub(crate) environment: Vec<(&'static str, String)>,
}

/// A running hub, killed when it is dropped.
pub(crate) struct Hub {
    directory: TempDir,
    options: Options,
    child: Option<Child>,
    pub(crate) address: SocketAddr,
}

impl Hub {
    /// A hub without a configuration.
    pub(crate) fn start() -> Self {
        Self::with(Options::default())
    }

    /// A hub with this configuration.
    pub(crate) fn configured(configuration: &str) -> Self {
        Self::with(Options { configuration: configuration.to_owned(), ..Options::default() })
    }

    /// A hub with these options.
    pub(crate) fn with(options: Options) -> Self {
        let directory = tempfile::tempdir().unwrap();
        fs::write(directory.path().join("tidings.toml"), &options.configuration).unwrap();
        // An address that is this hub's alone: the port must still be free when it is started again.
        let [.., a, b] = fastrand::u32(..).to_be_bytes();
        let own = Ipv4Addr::new(127, 1, a, b.clamp(1, 254)).into();
        let address = SocketAddr::new(options.listen.unwrap_or(own), 0);
        let mut hub = Self { directory, options, child: None, address };
        hub.launch();
        hub
    }

    /// Starts it, for the first time or again, and waits until it listens.
    pub(crate) fn launch(&mut self) {
        assert!(self.child.is_none(), "it runs");
        let stdout = self.directory.path().join("stdout");
        let (out, err) = (File::create(&stdout).unwrap(), self.stderr_file());
        let mut command = self.command();
        self.child = Some(command.stdout(out).stderr(err).spawn().unwrap());
        self.address = wait_for("the hub listens", || {
            let ended = self.child.as_mut().unwrap().try_wait().unwrap();
            let text = fs::read_to_string(&stdout).unwrap();
            if let Some(line) = text.strip_suffix('\n') {
                let address = line.lines().next()?.strip_prefix("listening on http://");
                return Some(address.unwrap_or_else(|| panic!("it said {line:?}")).parse().unwrap());
            }
            assert!(ended.is_none(), "it ended ({ended:?}): {}", self.stderr());
            None
        });
    }

    /// The command that starts it.
    pub(crate) fn command(&self) -> Command {
        let mut command = match &self.options.wrapper {
            Some(wrapper) => {
                let mut shell = Command::new("sh");
                shell.arg("-c").arg(format!("{wrapper} \"$@\"")).arg("sh").arg(program::path());
                shell
            }
            None => Command::new(program::path()),
        };
        command.args(["serve", "--listen", &self.address.to_string(), "--data"]).arg(self.data());
        command.args(&self.options.args).current_dir(self.directory.path()).stdin(Stdio::null());
        command.env_clear().envs(PASSED_ON.iter().filter_map(|name| Some((name, env::var_os(name)?))));
        command.envs(self.options.environment.iter().cloned());
        command
    }

    /// Writes another configuration, for the next start or reload.
    pub(crate) fn configure(&self, configuration: &str) {
        fs::write(self.directory().join("tidings.toml"), configuration).unwrap();
    }

    /// Where it runs.
    pub(crate) fn directory(&self) -> &Path {
        self.directory.path()
    }

    /// The directory of its log.
    pub(crate) fn data(&self) -> PathBuf {
        self.options.data.clone().unwrap_or_else(|| self.directory.path().join("data"))
    }

    fn stderr_file(&self) -> File {
        File::options().append(true).create(true).open(self.directory.path().join("stderr")).unwrap()
    }

    /// All that it has written to standard error, over all its runs.
    pub(crate) fn stderr(&self) -> String {
        fs::read_to_string(self.directory.path().join("stderr")).unwrap_or_default()
    }

    /// What it has written to standard output in this run.
    pub(crate) fn stdout(&self) -> String {
        fs::read_to_string(self.directory.path().join("stdout")).unwrap()
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.as_ref().unwrap().id()
    }

    /// What the kernel says about its memory, in bytes: `VmRSS`, what it has now, or `VmHWM`, the most that it had.
    pub(crate) fn memory(&self, which: &str) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.pid())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix(which)?.strip_prefix(':')).unwrap();
        line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() << 10
    }

    /// `kill -9`, and waits until it is gone.
    pub(crate) fn kill(&mut self) {
        let mut child = self.child.take().unwrap();
        child.kill().unwrap();
        child.wait().unwrap();
    }

    /// Starts it and kills it after this time, wherever its start has got to.
    pub(crate) fn kill_while_it_starts(&self, time: Duration) {
        let mut child = self.command().stdout(Stdio::null()).stderr(self.stderr_file()).spawn().unwrap();
        // Not to wait for anything: the time is what the test is about.
        thread::sleep(time);
        child.kill().unwrap();
        child.wait().unwrap();
    }

    pub(crate) fn signal(&self, signal: Signal) {
        kill_process(Pid::from_raw(self.pid().try_into().unwrap()).unwrap(), signal).unwrap();
    }

    /// Waits until it has ended by itself.
    pub(crate) fn ended(&mut self) -> ExitStatus {
        let mut child = self.child.take().unwrap();
        wait_for("the hub ends", || child.try_wait().unwrap())
    }

    pub(crate) fn connect(&self) -> Connection {
        Connection::open(self.address, BOUND).unwrap()
    }

    /// A request on a connection of its own.
    pub(crate) fn request(
        &self,
        method: &str,
        target: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> Response {
        self.connect().request(method, target, headers, body).unwrap()
    }

    pub(crate) fn get(&self, target: &str) -> Response {
        self.request("GET", target, &[], b"")
    }

    /// Publishes and answers the receipt.
    pub(crate) fn publish(&self, topic: &str, data: impl AsRef<[u8]>) -> Value {
        self.request("POST", &format!("/topics/{topic}"), &[], data.as_ref()).receipt()
    }

    /// Subscribes; the query is that of `/events`.
    pub(crate) fn listen(&self, query: &str) -> Listener {
        Listener::open(self.address, query, "").unwrap()
    }

    pub(crate) fn stats(&self) -> Value {
        self.get("/stats").json()
    }

    /// The value of a metric: the sum of all that have the labels that it is written with.
    pub(crate) fn metric(&self, wanted: &str) -> f64 {
        let text = self.get("/metrics").text();
        let (name, labels) = wanted.trim_end_matches('}').split_once('{').unwrap_or((wanted, ""));
        let values = text.lines().filter_map(|line| {
            let (series, value) = line.rsplit_once(' ')?;
            let (own, its) = series.split_once('{').unwrap_or((series, ""));
            let is_meant = own == name && labels.split(',').all(|label| its.contains(label));
            is_meant.then(|| value.parse::<f64>().unwrap())
        });
        let values: Vec<f64> = values.collect();
        assert!(!values.is_empty(), "no {wanted} in\n{text}");
        values.iter().sum()
    }
}

impl Drop for Hub {
    fn drop(&mut self) {
        if let Some(mut child) = self.child.take() {
            child.kill().ok();
            child.wait().ok();
        }
        if thread::panicking() {
            eprintln!("--- the hub's standard error:\n{}", last_lines(&self.stderr()));
        }
    }
}

/// Enough of a log to see what went wrong.
fn last_lines(text: &str) -> String {
    const LINES: usize = 60;
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(LINES)..].join("\n")
}
