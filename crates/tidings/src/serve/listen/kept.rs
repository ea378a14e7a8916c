//! What keeps the addresses of a hub open while the hub itself is exchanged.

use std::{
    fs, io, mem,
    os::fd::OwnedFd,
    path::{Path, PathBuf},
};

/// All listening sockets of the process a second time, to be given to the program that takes its place. As long as this
/// is there, whoever connects waits to be accepted, also after the server has been shut down; when it is dropped, the
/// addresses are free once the server has been shut down, and files of sockets are removed.
#[derive(Debug, Default)]
pub(crate) struct Kept {
    sockets: Vec<(String, OwnedFd)>,
    files: Vec<PathBuf>,
}

impl Kept {
    /// Keeps a socket under the name by which the next program knows it, and its file, if this hub has made one.
    pub(super) fn keep(&mut self, name: String, socket: OwnedFd, file: Option<PathBuf>) {
        self.sockets.push((name, socket));
        self.files.extend(file);
    }

    /// The sockets with their names, to be passed on as the descriptors from 3 on, with the names, joined with colons,
    /// in `LISTEN_FDNAMES`. They are closed on exec, unless whoever takes them sees to it that they are not. Files of
    /// sockets stay, for the next program.
    ///
    /// # Errors
    /// When a descriptor cannot be duplicated.
    pub(crate) fn hand_over(&mut self) -> io::Result<Vec<(String, OwnedFd)>> {
        let duplicate = |(name, socket): &(String, OwnedFd)| Ok((name.clone(), socket.try_clone()?));
        let sockets = self.sockets.iter().map(duplicate).collect::<io::Result<_>>()?;
        mem::take(&mut self.files);
        Ok(sockets)
    }
}

impl Drop for Kept {
    fn drop(&mut self) {
        self.files.iter().for_each(|file| remove(file));
    }
}

/// Removes the file of a socket.
pub(super) fn remove(file: &Path) {
    if let Err(error) = fs::remove_file(file) {
        tracing::warn!(file = %file.display(), %error, "the socket's file stays");
    }
}
