//! Small disks, to fill up.

use std::{
    fs::{self, File},
    io::{ErrorKind, Write as _},
    path::{Path, PathBuf},
    process::Command,
};

use tempfile::TempDir;

use super::wait_until;

/// A file system in memory, gone when this is dropped.
pub(crate) struct SmallDisk(TempDir);

impl SmallDisk {
    /// Of this size, as mount(8) writes it. Whoever may not mount cannot run the test, which then fails.
    pub(crate) fn mount(size: &str) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let mut command = Command::new("mount");
        command.args(["-t", "tmpfs", "-o", &format!("size={size}"), "tidings-e2e"]).arg(directory.path());
        run(&mut command);
        Self(directory)
    }

    pub(crate) fn path(&self) -> &Path {
        self.0.path()
    }

    /// Takes all the room that is left, with a file whose removal gives it back.
    pub(crate) fn fill(&self) -> PathBuf {
        const PIECE: [u8; 4096] = [0; 4096];
        let ballast = self.path().join("ballast");
        let mut file = File::create(&ballast).unwrap();
        let error = std::iter::repeat_with(|| file.write_all(&PIECE)).find_map(Result::err);
        assert_eq!(error.map(|error| error.kind()), Some(ErrorKind::StorageFull));
        ballast
    }

    /// Waits until there is room for so many bytes.
    pub(crate) fn wait_for_room(&self, bytes: usize) {
        let probe = self.path().join("probe");
        wait_until("there is room", || fs::write(&probe, vec![0; bytes]).is_ok());
        fs::remove_file(probe).unwrap();
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        Command::new("umount").arg("--lazy").arg(self.path()).status().ok();
    }
}

/// Runs a command that only root may.
pub(crate) fn run(command: &mut Command) {
    let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "this test cannot run without root: {command:?} said {said}");
}
