//! Opening a log: what is there, whether it is whole, and where it goes on.

use std::{collections::VecDeque, io, sync::Arc};

use tidings_hub::Epoch;

use super::{
    Cut, OpenError, OpenReport,
    files::{
        UNSYNCED, create_segment, segment_name, segment_of_name, sidecar_name, sidecar_of_name, write_sidecar,
    },
    index::{Active, Base, Index, Sealed},
    scan::{Scan, is_blank, scan, was_durable},
    segment::{Head, Life, MAX_HEAD_LEN},
    sidecar,
    state::State,
    vfs::{TEMPORARY, Vfs, VfsFile, write_whole},
};

/// How much of a head is read at first.
const USUAL_HEAD_LEN: usize = 256;

/// A log as it was found and made ready.
pub(crate) struct Recovered {
    pub(crate) state: State,
    pub(crate) report: OpenReport,
}

/// Reads the log, cuts a torn tail off, and makes it ready to be appended to. `marks` says whether the log will be run
/// with less than full durability, which is then noted.
pub(crate) fn recover(vfs: &dyn Vfs, marks: bool, max_tail_bytes: usize) -> Result<Recovered, OpenError> {
    // The names that are there now may only be so until the power goes.
    let names = vfs.sync_dir().and_then(|()| vfs.list()).map_err(io_error("listing the directory"))?;
    let mut report = OpenReport::default();
    let mut firsts: Vec<u64> = names.iter().filter_map(|name| segment_of_name(name)).collect();
    firsts.sort_unstable();
    tidy(vfs, &names, &firsts)?;
    let lossy = names.iter().any(|name| name == UNSYNCED);

    let mut sealed = VecDeque::new();
    let mut last = None;
    for (number, &first) in firsts.iter().enumerate() {
        let (base, head_len) = open_segment(vfs, first)?;
        match firsts.get(number + 1) {
            Some(&next) => sealed.push_back(open_sealed(vfs, base, head_len, next, &mut report)?),
            None => last = Some(open_last(base, head_len, &mut report)?),
        }
    }
    let newest = match last.as_ref().and_then(|scan| scan.last.clone()) {
        Some(entry) => Some(entry),
        None => newest_of(sealed.back())?,
    };

    let active = match last {
        Some(scan) if !lossy => scan.active,
        found => {
            let (next, mut lives) = match &found {
                Some(scan) => (scan.active.next(), scan.active.base().head.lives.clone()),
                None => (0, Vec::new()),
            };
            report.new_epoch = true;
            // A life of which nothing is left has no ids to resolve.
            lives.retain(|life| life.first < next);
            lives.push(Life { epoch: Epoch::random(), first: next });
            if let Some(scan) = found.filter(|scan| scan.active.count() > 0) {
                let mut complete = scan.active.seal();
                make_sidecar(vfs, &mut complete);
                sealed.push_back(Arc::new(complete));
            }
            let (base, head_len) = create_segment(vfs, next, lives)
                .and_then(|created| vfs.sync_dir().map(|()| created))
                .map_err(io_error(&segment_name(next)))?;
            Active::new(base, head_len)
        }
    };
    if marks && !lossy {
        write_whole(vfs, UNSYNCED, b"").and_then(|_| vfs.sync_dir()).map_err(io_error(UNSYNCED))?;
    } else if lossy && !marks {
        vfs.unlink(UNSYNCED).and_then(|()| vfs.sync_dir()).map_err(io_error(UNSYNCED))?;
    }
    let lives = active.base().head.lives.clone();
    report.segments = sealed.len() + 1;
    let mut state = State::new(lives, sealed, active, max_tail_bytes);
    report.entries = state.next() - state.oldest();
    if let Some(newest) = newest.filter(|_| report.entries > 0) {
        state.remember(Arc::new(newest));
    }
    // Set by the first entry that comes; until then by whoever reads the oldest.
    state.oldest_id = None;
    Ok(Recovered { state, report })
}

/// Removes what an interrupted run has left behind.
fn tidy(vfs: &dyn Vfs, names: &[String], firsts: &[u64]) -> Result<(), OpenError> {
    for name in names {
        let orphan = sidecar_of_name(name).is_some_and(|first| firsts.binary_search(&first).is_err());
        if name.ends_with(TEMPORARY) || orphan {
            vfs.unlink(name).map_err(io_error(name))?;
        }
    }
    Ok(())
}

fn open_segment(vfs: &dyn Vfs, first: u64) -> Result<(Arc<Base>, u32), OpenError> {
    let name = segment_name(first);
    let file = vfs.open(&name).map_err(io_error(&name))?;
    let len = file.len().map_err(io_error(&name))?;
    let decode = |most: usize| {
        let mut bytes = vec![0; len.min(most as u64) as usize];
        file.read_exact_at(&mut bytes, 0).map(|()| Head::decode(&bytes))
    };
    // Few logs have had many lives.
    let decoded = match decode(USUAL_HEAD_LEN) {
        Ok(Err(_)) => decode(MAX_HEAD_LEN),
        decoded => decoded,
    };
    let (head, head_len) = decoded.map_err(io_error(&name))?.map_err(|reason| damaged(&name, 0, reason))?;
    if head.first != first {
        return Err(damaged(&name, 0, "it has the name of another segment"));
    }
    Ok((Arc::new(Base { head, name, file }), head_len as u32))
}

/// A segment that others follow: complete and durable, so anything amiss is damage.
fn open_sealed(
    vfs: &dyn Vfs,
    base: Arc<Base>,
    head_len: u32,
    next: u64,
    report: &mut OpenReport,
) -> Result<Arc<Sealed>, OpenError> {
    let len = base.file.len().map_err(io_error(&base.name))?;
    if let Some(sealed) = from_sidecar(vfs, &base, len).filter(|sealed| sealed.next() == next) {
        return Ok(Arc::new(sealed));
    }
    let name = base.name.clone();
    let scan = scan(base, head_len).map_err(io_error(&name))?;
    if scan.goes_on() {
        return Err(damaged(&name, scan.active.end(), "what stands there is not what was written"));
    }
    if scan.active.next() != next {
        let reason = "the events between its end and the next file are missing; that file, or a whole one, was removed or cut";
        return Err(damaged(&name, scan.active.end(), reason));
    }
    let mut sealed = scan.active.seal();
    make_sidecar(vfs, &mut sealed);
    tracing::info!(
        file = name,
        "the index of a segment of the event log was missing or damaged and has been made again"
    );
    report.rebuilt.push(name);
    Ok(Arc::new(sealed))
}

/// Makes a sidecar if the disk takes it. A full disk must not keep the log from being opened and read.
fn make_sidecar(vfs: &dyn Vfs, sealed: &mut Sealed) {
    if let Err(error) = write_sidecar(vfs, sealed) {
        tracing::warn!(%error, file = sidecar_name(sealed.first()), "could not write the index of a segment");
    }
}

/// The index as the sidecar has it, if that is there and whole.
fn from_sidecar(vfs: &dyn Vfs, base: &Arc<Base>, len: u64) -> Option<Sealed> {
    let file = vfs.open(&sidecar_name(base.head.first)).ok()?;
    let mut bytes = vec![0; usize::try_from(file.len().ok()?).ok()?];
    file.read_exact_at(&mut bytes, 0).ok()?;
    let parts = sidecar::decode(&bytes, base.head.first, base.head.key)?;
    if u64::from(parts.end) != len {
        return None;
    }
    let mut sealed = Sealed::new(base.clone(), parts);
    sealed.sidecar_len = bytes.len() as u64;
    Some(sealed)
}

/// The segment that was written to last. Its end may be torn, and what is whole there may not be durable yet.
fn open_last(base: Arc<Base>, head_len: u32, report: &mut OpenReport) -> Result<Scan, OpenError> {
    let name = base.name.clone();
    let found = scan(base.clone(), head_len).map_err(io_error(&name))?;
    let end = found.active.end();
    if found.goes_on() {
        if !is_blank(&base, end).map_err(io_error(&name))? {
            if was_durable(&base, end).map_err(io_error(&name))? {
                return Err(damaged(&name, end, "acknowledged events stood there, and whole ones follow"));
            }
            report.cut = Some(torn(&found));
        }
        base.file.truncate(end.into()).map_err(io_error(&name))?;
    }
    settle(&*base.file, found.synced.max(head_len), end).map_err(io_error(&name))?;
    Ok(found)
}

fn torn(found: &Scan) -> Cut {
    let (base, end) = (found.active.base(), found.active.end());
    let bytes = found.len - u64::from(end);
    tracing::warn!(
        file = base.name,
        offset = found.active.next(),
        position = end,
        bytes,
        "cut the torn end of the event log off"
    );
    Cut { file: base.name.clone(), position: end.into(), bytes }
}

/// Makes durable what may not be, before anybody is shown it. It is written again and not only flushed: after a flush
/// that failed, the system may take the pages for clean although they never reached the disk.
fn settle(file: &dyn VfsFile, from: u32, to: u32) -> io::Result<()> {
    const PIECE: u32 = 1 << 20;
    let mut bytes = Vec::new();
    for start in (from..to).step_by(PIECE as usize) {
        bytes.resize((to - start).min(PIECE) as usize, 0);
        file.read_exact_at(&mut bytes, start.into())?;
        file.write_all_at(&bytes, start.into())?;
    }
    file.sync()
}

/// The newest entry of a sealed segment.
fn newest_of(sealed: Option<&Arc<Sealed>>) -> Result<Option<tidings_hub::Entry>, OpenError> {
    let Some((sealed, place)) = sealed.and_then(|sealed| Some((sealed, sealed.count().checked_sub(1)?)))
    else {
        return Ok(None);
    };
    let base = sealed.base();
    let (from, to) = sealed.extent(place);
    let mut bytes = vec![0; (to - from) as usize];
    base.file.read_exact_at(&mut bytes, from.into()).map_err(io_error(&base.name))?;
    let offset = sealed.first() + u64::from(place);
    match super::record::decode(&mut super::bytes::Taker(&bytes), base.head.epoch(), offset, base.head.key) {
        Some(entry) => Ok(Some(entry)),
        None => Err(damaged(&base.name, from, "what stands there is not what was written")),
    }
}

fn io_error(what: &str) -> impl Fn(io::Error) -> OpenError {
    move |source| OpenError::Io { what: what.to_owned(), source }
}

fn damaged(file: &str, position: u32, reason: &str) -> OpenError {
    OpenError::Damaged { file: file.to_owned(), position: position.into(), reason: reason.to_owned() }
}
