//! The program under test: where it is, and running it to its end.

use std::{
    env, fs,
    io::Write as _,
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
    sync::OnceLock,
};

use tempfile::TempDir;

/// The program, built once for all tests of this process.
pub(crate) fn path() -> &'static Path {
    static PATH: OnceLock<PathBuf> = OnceLock::new();
    PATH.get_or_init(|| match env::var_os("HUB_PROGRAM") {
        Some(program) => program.into(),
        None => build(),
    })
}

/// Builds the program as this test was built, so that no stale one is tested, and answers where it is. Where there is
/// no cargo (the test was copied elsewhere) the program beside the test is taken.
fn build() -> PathBuf {
    let test = env::current_exe().unwrap();
    // target/PROFILE/deps/e2e-HASH
    let folder = test.parent().and_then(Path::parent).unwrap();
    if let Some(cargo) = env::var_os("CARGO") {
        let profile = folder.file_name().and_then(|name| name.to_str()).unwrap();
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        let mut command = Command::new(cargo);
        command.args(["build", "--quiet", "--package", "tidings"]).current_dir(root);
        command.arg("--target-dir").arg(folder.parent().unwrap());
        match profile {
            "debug" => command.args(["--profile", "dev"]),
            // The profile of `./test` has a file of its own.
            "suite" => command.args(["--config", "tests/suite-profile.toml", "--profile", "suite"]),
            other => command.args(["--profile", other]),
        };
        assert!(command.status().unwrap().success(), "the program could not be built");
    }
    folder.join("tidings")
}

/// The program in an empty directory of its own, where nothing of the surroundings reaches it.
pub(crate) struct Program {
    directory: TempDir,
}

impl Program {
    pub(crate) fn new() -> Self {
        Self { directory: tempfile::tempdir().unwrap() }
    }

    pub(crate) fn directory(&self) -> &Path {
        self.directory.path()
    }

    pub(crate) fn write(&self, file: &str, text: &str) {
        fs::write(self.directory().join(file), text).unwrap();
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(path());
        command.args(args).current_dir(self.directory());
        command.env_clear().envs(env::var_os("PATH").map(|path| ("PATH", path)));
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    /// Starts it, with pipes to all that it reads and writes.
    pub(crate) fn start(&self, args: &[&str]) -> Running {
        Running(self.command(args).stdin(Stdio::piped()).spawn().unwrap())
    }

    /// Runs it to its end.
    pub(crate) fn run(&self, args: &[&str]) -> Answer {
        self.run_with(args, b"")
    }

    /// Runs it to its end, in this environment.
    pub(crate) fn run_in(&self, args: &[&str], environment: &[(&str, &str)]) -> Answer {
        self.command(args).envs(environment.iter().copied()).output().unwrap().into()
    }

    /// Runs it to its end, with this standard input.
    pub(crate) fn run_with(&self, args: &[&str], input: &[u8]) -> Answer {
        let mut child = self.command(args).stdin(Stdio::piped()).spawn().unwrap();
        // It may end without reading all of it, or any.
        child.stdin.take().unwrap().write_all(input).ok();
        child.wait_with_output().unwrap().into()
    }
}

/// A running program, killed when this is dropped, so that a test that fails leaves nothing behind.
pub(crate) struct Running(pub(crate) Child);

impl Drop for Running {
    fn drop(&mut self) {
        self.0.kill().ok();
        self.0.wait().ok();
    }
}

/// What a run came to.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl From<Output> for Answer {
    fn from(output: Output) -> Self {
        Self {
            code: output.status.code(),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }
}
