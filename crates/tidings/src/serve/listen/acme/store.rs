//! Where account and certificate are kept: files that nobody else can read, each of them whole at any time.

use std::{
    fs::{self, DirBuilder, File, OpenOptions},
    io::{self, Write as _},
    os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _},
    path::{Path, PathBuf},
};

use anyhow::Context as _;

use crate::config::Acme;

/// The certificate, with the chain that leads to it, and its key.
pub(super) const CERTIFICATE: &str = Acme::FILE;

/// The directory.
pub(super) struct Store(PathBuf);

impl Store {
    pub(super) fn new(data: &Path) -> Self {
        Self(Acme::directory(data))
    }

    /// What a file holds, if it is there.
    pub(super) async fn read(&self, name: &str) -> anyhow::Result<Option<String>> {
        let file = self.0.join(name);
        match tokio::fs::read_to_string(&file).await {
            Ok(text) => Ok(Some(text)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error).with_context(|| format!("{} cannot be read", file.display())),
        }
    }

    /// Replaces what a file holds; it is on the disk then.
    pub(super) async fn write(&self, name: &str, text: String) -> anyhow::Result<()> {
        let (folder, file) = (self.0.clone(), self.0.join(name));
        let written = tokio::task::spawn_blocking({
            let file = file.clone();
            move || write(&folder, &file, &text)
        });
        written.await?.with_context(|| format!("{} cannot be written", file.display()))
    }

    pub(super) async fn remove(&self, name: &str) -> anyhow::Result<()> {
        let file = self.0.join(name);
        tokio::fs::remove_file(&file).await.with_context(|| format!("{} cannot be removed", file.display()))
    }
}

fn write(folder: &Path, file: &Path, text: &str) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    let new = file.with_extension("new");
    match fs::remove_file(&new) {
        // What a crash left behind.
        Ok(()) => {}
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(error),
    }
    let mut opened = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&new)?;
    opened.write_all(text.as_bytes())?;
    opened.sync_all()?;
    fs::rename(&new, file)?;
    File::open(folder)?.sync_all()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[tokio::test]
    async fn files_are_the_hubs_alone_and_replaced_as_a_whole() {
        let data = tempfile::tempdir().unwrap();
        let store = Store::new(data.path());
        assert_eq!(store.read("account.json").await.unwrap(), None);
        for text in ["one", "another"] {
            store.write("account.json", text.to_owned()).await.unwrap();
            assert_eq!(store.read("account.json").await.unwrap().as_deref(), Some(text));
        }
        let folder = Acme::directory(data.path());
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(&folder), mode(&folder.join("account.json"))), (0o700, 0o600));
        assert_eq!(fs::read_dir(&folder).unwrap().count(), 1);
        store.remove("account.json").await.unwrap();
        assert_eq!(store.read("account.json").await.unwrap(), None);
    }
}
