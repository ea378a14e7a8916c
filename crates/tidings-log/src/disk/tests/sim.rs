//! A disk that does what disks may do: it keeps unsynced writes, or some pages of them, or none, and shows what stood
//! there before in their place; it forgets names that were not synced; it fills up, fails to flush and then takes the
//! pages for clean; and its power goes at any moment.

use std::{
    collections::{BTreeMap, BTreeSet},
    io,
    sync::{Arc, Mutex},
};

use crate::{
    disk::vfs::{Vfs, VfsFile},
    sync::lock,
};

/// Small, so that every write is torn in many ways.
const PAGE: usize = 64;

#[derive(Default)]
struct Inode {
    current: Vec<u8>,
    durable: Vec<u8>,
    dirty: BTreeSet<usize>,
}

impl Inode {
    fn mark(&mut self, from: usize, to: usize) {
        if from < to {
            self.dirty.extend(from / PAGE..=(to - 1) / PAGE);
        }
    }

    /// Lets these pages reach the disk, as far as it is long enough.
    fn persist(&mut self, page: usize) {
        let end = ((page + 1) * PAGE).min(self.current.len()).min(self.durable.len());
        let start = (page * PAGE).min(end);
        self.durable[start..end].copy_from_slice(&self.current[start..end]);
    }
}

/// A change of names, whole or not at all.
type Renaming = Vec<(String, Option<usize>)>;

struct World {
    rng: fastrand::Rng,
    inodes: Vec<Inode>,
    names: BTreeMap<String, usize>,
    durable_names: BTreeMap<String, usize>,
    pending: Vec<Renaming>,
    /// The changing operations until the power goes.
    until_off: Option<u32>,
    off: bool,
    /// Chances, in percent, of a write or a flush to fail.
    full: u32,
    bad_flush: u32,
    /// The bytes that all files together may have.
    capacity: Option<usize>,
    bytes_read: u64,
}

impl World {
    /// Says whether the power goes within this operation.
    fn goes_off(&mut self) -> io::Result<bool> {
        if self.off {
            return Err(io::Error::other("no power"));
        }
        match &mut self.until_off {
            Some(0) => {
                self.off = true;
                Ok(true)
            }
            Some(left) => {
                *left -= 1;
                Ok(false)
            }
            None => Ok(false),
        }
    }

    fn chance(&mut self, percent: u32) -> bool {
        percent > 0 && self.rng.u32(..100) < percent
    }

    fn held(&self) -> usize {
        self.names.values().map(|&inode| self.inodes[inode].current.len()).sum()
    }

    /// How many of these bytes the disk takes.
    fn takes(&mut self, inode: usize, start: usize, bytes: usize) -> usize {
        let len = self.inodes[inode].current.len();
        let growth = (start + bytes).saturating_sub(len);
        let room = self.capacity.map_or(growth, |capacity| capacity.saturating_sub(self.held()));
        if growth > room {
            return bytes - (growth - room);
        }
        if self.full > 0 && self.chance(self.full) { self.rng.usize(..bytes.max(1)) } else { bytes }
    }

    /// Bytes that some file once had.
    fn stale(&mut self) -> Vec<u8> {
        let inode = self.rng.usize(..self.inodes.len().max(1));
        let mut bytes = self.inodes.get(inode).map_or(Vec::new(), |inode| inode.current.clone());
        let shift = self.rng.usize(..=bytes.len());
        bytes.rotate_left(shift);
        bytes
    }

    fn rename(&mut self, change: Renaming) -> io::Result<()> {
        let off = self.goes_off()?;
        for (name, inode) in &change {
            match inode {
                Some(inode) => self.names.insert(name.clone(), *inode),
                None => self.names.remove(name),
            };
        }
        self.pending.push(change);
        if off { Err(io::Error::other("no power")) } else { Ok(()) }
    }
}

/// The simulated directory. Clones are the same one.
#[derive(Clone)]
pub(super) struct Sim(Arc<Mutex<World>>);

impl Sim {
    pub(super) fn new(seed: u64) -> Self {
        Self(Arc::new(Mutex::new(World {
            rng: fastrand::Rng::with_seed(seed),
            inodes: Vec::new(),
            names: BTreeMap::new(),
            durable_names: BTreeMap::new(),
            pending: Vec::new(),
            until_off: None,
            off: false,
            full: 0,
            bad_flush: 0,
            capacity: None,
            bytes_read: 0,
        })))
    }

    /// What goes wrong from now on: the power after so many operations, writes and flushes with these chances.
    pub(super) fn trouble(&self, until_off: Option<u32>, full: u32, bad_flush: u32) {
        let world = &mut *lock(&self.0);
        (world.until_off, world.full, world.bad_flush) = (until_off, full, bad_flush);
    }

    /// Leaves room for so many bytes more, or for any number.
    pub(super) fn leave_room(&self, bytes: Option<usize>) {
        let world = &mut *lock(&self.0);
        world.capacity = bytes.map(|bytes| world.held() + bytes);
    }

    pub(super) fn is_off(&self) -> bool {
        lock(&self.0).off
    }

    /// The program ends, and with it the trouble; the system lives on, with all it has not written yet.
    pub(super) fn kill(&self) {
        let world = &mut *lock(&self.0);
        (world.until_off, world.off, world.full, world.bad_flush) = (None, false, 0, 0);
    }

    /// The power goes and comes back: of what was not synced, anything may be left.
    pub(super) fn power_cycle(&self) {
        self.kill();
        let world = &mut *lock(&self.0);
        let stale = world.stale();
        let World { rng, inodes, names, durable_names, pending, .. } = world;
        let odds = [0, 20, 50, 80, 100][rng.usize(..5)];
        for change in pending.drain(..) {
            if rng.u32(..100) < odds {
                for (name, inode) in change {
                    match inode {
                        Some(inode) => durable_names.insert(name, inode),
                        None => durable_names.remove(&name),
                    };
                }
            }
        }
        *names = durable_names.clone();
        for inode in inodes {
            let (shorter, longer) =
                (inode.durable.len().min(inode.current.len()), inode.durable.len().max(inode.current.len()));
            let length = match rng.u32(..4) {
                0 => inode.durable.len(),
                1 => inode.current.len(),
                _ => rng.usize(shorter..=longer),
            };
            // Where the length reached the disk and the bytes did not.
            let never_written = inode.durable.len()..length;
            inode.durable.resize(length, 0);
            if rng.u32(..4) == 0 {
                let bytes = stale.iter().cycle();
                inode
                    .durable
                    .get_mut(never_written)
                    .into_iter()
                    .flatten()
                    .zip(bytes)
                    .for_each(|(to, from)| *to = *from);
            }
            for page in std::mem::take(&mut inode.dirty) {
                if rng.u32(..100) < odds {
                    inode.persist(page);
                }
            }
            inode.current = inode.durable.clone();
        }
    }

    pub(super) fn bytes_read(&self) -> u64 {
        lock(&self.0).bytes_read
    }

    /// The sum of the files' lengths.
    pub(super) fn bytes_held(&self) -> u64 {
        lock(&self.0).held() as u64
    }

    /// Whether a segment has zeros behind what was written to it.
    pub(super) fn has_space_ahead(&self) -> bool {
        let world = lock(&self.0);
        let mut segments = world.names.iter().filter(|(name, _)| name.ends_with(".log"));
        segments.any(|(_, &inode)| world.inodes[inode].current.ends_with(&[0; 16]))
    }

    pub(super) fn names(&self) -> Vec<String> {
        lock(&self.0).names.keys().cloned().collect()
    }

    /// Changes a file behind the log's back.
    pub(super) fn tamper(&self, name: &str, change: impl FnOnce(&mut Vec<u8>)) {
        let world = &mut *lock(&self.0);
        let inode = &mut world.inodes[world.names[name]];
        change(&mut inode.current);
        inode.durable = inode.current.clone();
    }

    fn file(&self, inode: usize) -> Arc<dyn VfsFile> {
        Arc::new(SimFile { world: self.0.clone(), inode })
    }
}

fn not_found() -> io::Error {
    io::Error::from(io::ErrorKind::NotFound)
}

impl Vfs for Sim {
    fn list(&self) -> io::Result<Vec<String>> {
        Ok(self.names())
    }

    fn create(&self, name: &str) -> io::Result<Arc<dyn VfsFile>> {
        let inode = {
            let world = &mut *lock(&self.0);
            world.inodes.push(Inode::default());
            let inode = world.inodes.len() - 1;
            world.rename(vec![(name.to_owned(), Some(inode))])?;
            inode
        };
        Ok(self.file(inode))
    }

    fn open(&self, name: &str) -> io::Result<Arc<dyn VfsFile>> {
        let inode = *lock(&self.0).names.get(name).ok_or_else(not_found)?;
        Ok(self.file(inode))
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        let world = &mut *lock(&self.0);
        let inode = *world.names.get(from).ok_or_else(not_found)?;
        world.rename(vec![(from.to_owned(), None), (to.to_owned(), Some(inode))])
    }

    fn unlink(&self, name: &str) -> io::Result<()> {
        let world = &mut *lock(&self.0);
        if !world.names.contains_key(name) {
            return Err(not_found());
        }
        world.rename(vec![(name.to_owned(), None)])
    }

    fn sync_dir(&self) -> io::Result<()> {
        let world = &mut *lock(&self.0);
        let off = world.goes_off()?;
        if off || world.bad_flush > 0 && world.chance(world.bad_flush) {
            return Err(io::Error::other("the directory could not be flushed"));
        }
        world.pending.clear();
        world.durable_names = world.names.clone();
        Ok(())
    }
}

struct SimFile {
    world: Arc<Mutex<World>>,
    inode: usize,
}

impl VfsFile for SimFile {
    fn len(&self) -> io::Result<u64> {
        Ok(lock(&self.world).inodes[self.inode].current.len() as u64)
    }

    fn read_exact_at(&self, buffer: &mut [u8], position: u64) -> io::Result<()> {
        let world = &mut *lock(&self.world);
        world.bytes_read += buffer.len() as u64;
        let start = position as usize;
        let bytes = world.inodes[self.inode].current.get(start..start + buffer.len());
        buffer.copy_from_slice(bytes.ok_or(io::ErrorKind::UnexpectedEof)?);
        Ok(())
    }

    fn write_all_at(&self, bytes: &[u8], position: u64) -> io::Result<()> {
        let world = &mut *lock(&self.world);
        let off = world.goes_off()?;
        let taken = world.takes(self.inode, position as usize, bytes.len());
        let full = taken < bytes.len();
        let length = if off { world.rng.usize(..=bytes.len()) } else { taken };
        let (start, end) = (position as usize, position as usize + length);
        let inode = &mut world.inodes[self.inode];
        if inode.current.len() < end {
            inode.current.resize(end, 0);
        }
        inode.current[start..end].copy_from_slice(&bytes[..length]);
        inode.mark(start, end);
        match () {
            () if off => Err(io::Error::other("no power")),
            () if full => Err(io::Error::from(io::ErrorKind::StorageFull)),
            () => Ok(()),
        }
    }

    fn truncate(&self, length: u64) -> io::Result<()> {
        let world = &mut *lock(&self.world);
        let off = world.goes_off()?;
        let inode = &mut world.inodes[self.inode];
        inode.current.resize(length as usize, 0);
        inode.dirty.retain(|&page| page * PAGE < length as usize);
        if off { Err(io::Error::other("no power")) } else { Ok(()) }
    }

    fn sync(&self) -> io::Result<()> {
        let world = &mut *lock(&self.world);
        let off = world.goes_off()?;
        let bad = off || world.bad_flush > 0 && world.chance(world.bad_flush);
        let inode = &mut world.inodes[self.inode];
        if !bad || world.rng.bool() {
            inode.durable.resize(inode.current.len(), 0);
        }
        for page in std::mem::take(&mut inode.dirty) {
            // After a failure the system takes all pages for clean.
            if !bad || world.rng.bool() {
                inode.persist(page);
            }
        }
        if bad { Err(io::Error::other("the flush failed")) } else { Ok(()) }
    }
}
