//! The few file operations that the log stands on, as a trait, so that tests can put a disk under it that tears, drops
//! and refuses.

use std::{
    fs::{self, File, OpenOptions},
    io,
    os::unix::fs::FileExt,
    path::{Path, PathBuf},
    sync::Arc,
};

/// One flat directory of files.
pub(crate) trait Vfs: Send + Sync + 'static {
    /// The names of all files.
    fn list(&self) -> io::Result<Vec<String>>;
    /// Makes an empty file, or empties the one of this name.
    fn create(&self, name: &str) -> io::Result<Arc<dyn VfsFile>>;
    fn open(&self, name: &str) -> io::Result<Arc<dyn VfsFile>>;
    /// Gives a file another name, in place of the one that had it.
    fn rename(&self, from: &str, to: &str) -> io::Result<()>;
    fn unlink(&self, name: &str) -> io::Result<()>;
    /// Makes creations, renames and removals so far survive a loss of power.
    fn sync_dir(&self) -> io::Result<()>;
}

/// An open file. It stays readable after its name is gone.
pub(crate) trait VfsFile: Send + Sync + 'static {
    fn len(&self) -> io::Result<u64>;
    fn read_exact_at(&self, buffer: &mut [u8], position: u64) -> io::Result<()>;
    /// Writes all; an error may leave a part written.
    fn write_all_at(&self, bytes: &[u8], position: u64) -> io::Result<()>;
    fn truncate(&self, length: u64) -> io::Result<()>;
    /// Makes the contents and the length survive a loss of power.
    fn sync(&self) -> io::Result<()>;
}

/// A directory of the system.
pub(crate) struct Directory {
    path: PathBuf,
    handle: File,
}

impl Directory {
    /// Opens the directory, making it when there is none.
    pub(crate) fn open(path: &Path) -> io::Result<Self> {
        if !path.is_dir() {
            fs::create_dir_all(path)?;
            // A directory that was just made must not vanish with what is in it.
            for parent in path.ancestors().skip(1) {
                let parent = if parent.as_os_str().is_empty() { Path::new(".") } else { parent };
                match File::open(parent) {
                    Ok(parent) => parent.sync_all()?,
                    // One that may not be read has not been made just now.
                    Err(error) if error.kind() == io::ErrorKind::PermissionDenied => break,
                    Err(error) => return Err(error),
                }
            }
        }
        Ok(Self { path: path.to_owned(), handle: File::open(path)? })
    }
}

impl Vfs for Directory {
    fn list(&self) -> io::Result<Vec<String>> {
        let mut names = Vec::new();
        for entry in fs::read_dir(&self.path)? {
            // The log's own names are ASCII; any other file is not its business.
            names.extend(entry?.file_name().into_string());
        }
        Ok(names)
    }

    fn create(&self, name: &str) -> io::Result<Arc<dyn VfsFile>> {
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(true)
            .open(self.path.join(name))?;
        Ok(Arc::new(file))
    }

    fn open(&self, name: &str) -> io::Result<Arc<dyn VfsFile>> {
        Ok(Arc::new(OpenOptions::new().read(true).write(true).open(self.path.join(name))?))
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        fs::rename(self.path.join(from), self.path.join(to))
    }

    fn unlink(&self, name: &str) -> io::Result<()> {
        fs::remove_file(self.path.join(name))
    }

    fn sync_dir(&self) -> io::Result<()> {
        self.handle.sync_all()
    }
}

impl VfsFile for File {
    fn len(&self) -> io::Result<u64> {
        Ok(self.metadata()?.len())
    }

    fn read_exact_at(&self, buffer: &mut [u8], position: u64) -> io::Result<()> {
        FileExt::read_exact_at(self, buffer, position)
    }

    fn write_all_at(&self, bytes: &[u8], position: u64) -> io::Result<()> {
        FileExt::write_all_at(self, bytes, position)
    }

    fn truncate(&self, length: u64) -> io::Result<()> {
        self.set_len(length)
    }

    fn sync(&self) -> io::Result<()> {
        self.sync_data()
    }
}

/// Writes a whole file so that after a loss of power there is either all of it or what had its name before. Which of
/// them is certain only once the directory has been synced, which is left to the caller.
pub(crate) fn write_whole(vfs: &dyn Vfs, name: &str, bytes: &[u8]) -> io::Result<Arc<dyn VfsFile>> {
    let temporary = format!("{name}{TEMPORARY}");
    let written: io::Result<_> = (|| {
        let file = vfs.create(&temporary)?;
        file.write_all_at(bytes, 0)?;
        file.sync()?;
        vfs.rename(&temporary, name)?;
        Ok(file)
    })();
    if written.is_err() {
        // What is left of it would also be removed at the next start.
        vfs.unlink(&temporary).ok();
    }
    written
}

/// The end of the name of a file that is still being written.
pub(crate) const TEMPORARY: &str = ".tmp";
