//! The file of revocations: a line of JSON for each, and for each that is lifted; appended to while the hub runs. A line
//! is on the disk before it is acknowledged.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Write as _},
    path::Path,
};

use serde::{Deserialize, Serialize};

use super::{Revocation, RevocationError, Target};

/// A line of the file.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Entry {
    Revoke(Revocation),
    Lift(Target),
}

/// The file, open for more.
#[derive(Debug)]
pub(super) struct Journal {
    file: File,
    /// How much of the file is whole lines. What an append that failed left behind it is cut before the next.
    length: u64,
}

impl Journal {
    /// Opens the file, which is made if it is not there, and hands over what it holds. A last line that a crash tore is
    /// cut: it was not acknowledged.
    pub(super) fn open(path: &Path, mut each: impl FnMut(Entry)) -> Result<Self, RevocationError> {
        let file = options().create(true).open(path)?;
        sync_folder(path)?;
        let text = fs::read(path)?;
        let whole = text.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
        for (index, line) in text[..whole].split_inclusive(|byte| *byte == b'\n').enumerate() {
            each(serde_json::from_slice(line).map_err(|_| RevocationError::Line(index + 1))?);
        }
        let mut journal = Self { file, length: whole as u64 };
        let rest = &text[whole..];
        match serde_json::from_slice(rest) {
            _ if rest.is_empty() => {}
            // Somebody edited the file and left the end of the line out.
            Ok(entry) => {
                journal.length = write(&journal.file, text.len() as u64, b"\n")?;
                each(entry);
            }
            Err(_) => {
                tracing::warn!(path = %path.display(), bytes = rest.len(), "the last line of the revocations was torn by a crash, and is cut");
                cut(&journal.file, journal.length)?;
            }
        }
        Ok(journal)
    }

    /// Puts a file in the place of this one that holds these lines alone. Where that cannot be done, as with a file that
    /// is mounted by itself, the old one is as good, and stays.
    pub(super) fn rewrite(&mut self, path: &Path, entries: impl Iterator<Item = Entry>) -> io::Result<()> {
        // Not a link to it: whoever made the link wants the file there.
        let path = fs::canonicalize(path)?;
        let lines = entries.map(|entry| line(&entry)).collect::<io::Result<Vec<_>>>()?.concat();
        match replace(&path, &lines) {
            Ok(file) => {
                *self = Self { file, length: lines.len() as u64 };
                // Else a crash could bring the old one back, without what is appended from now on.
                sync_folder(&path)
            }
            Err(error) => {
                tracing::warn!(path = %path.display(), %error, "revocations that are over could not be taken out of their file, which grows");
                Ok(())
            }
        }
    }

    /// Appends a line, and returns when it is on the disk.
    pub(super) fn append(&mut self, entry: &Entry) -> io::Result<()> {
        self.length = write(&self.file, self.length, &line(entry)?)?;
        Ok(())
    }
}

fn options() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.read(true).append(true);
    // Who is revoked is nobody else's business.
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}

fn line(entry: &Entry) -> io::Result<Vec<u8>> {
    let mut line = serde_json::to_vec(entry)?;
    line.push(b'\n');
    Ok(line)
}

/// Makes a file of these lines and gives it this name, which is another's so far. The new one is on the disk before: at
/// no time has the name a file that lacks something.
fn replace(path: &Path, lines: &[u8]) -> io::Result<File> {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".new");
    let new = path.with_file_name(name);
    match fs::remove_file(&new) {
        // What a crash left behind.
        Ok(()) => {}
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(error),
    }
    let mut file = options().create_new(true).open(&new)?;
    let replaced = file.write_all(lines).and_then(|()| file.sync_all()).and_then(|()| fs::rename(&new, path));
    if replaced.is_err() {
        // It is the first error that counts.
        fs::remove_file(&new).ok();
    }
    replaced.map(|()| file)
}

/// Writes behind the first `length` bytes, and says how long the file is then.
fn write(mut file: &File, length: u64, line: &[u8]) -> io::Result<u64> {
    if file.metadata()?.len() > length {
        cut(file, length)?;
    }
    file.write_all(line)?;
    file.sync_data()?;
    Ok(length + line.len() as u64)
}

fn cut(file: &File, length: u64) -> io::Result<()> {
    file.set_len(length)?;
    file.sync_data()
}

/// Makes the file's name last, as a new one's must be.
fn sync_folder(path: &Path) -> io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    File::open(folder.unwrap_or(Path::new(".")))?.sync_all()
}
