//! The corpora, and what a few random changes make of them, without a fuzzer.

use std::{fs, io, path::Path};

use fastrand::Rng;

use crate::Target;

const CORPUS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/corpus");
/// Any seed will do, as long as a failure can be repeated.
const SEED: u64 = 7;
/// What mutations put in: what has a meaning in some of the formats.
const MEANINGFUL: &[u8] = b"%&=+{}[]*:/?#\"\\,;.-_ \r\n\0\t09azAZ<>()|^$\xc3\xa9\xff\x80";

/// Checks every file of the target's corpus, and mutations of each.
///
/// # Errors
/// When the corpus cannot be read or is empty.
///
/// # Panics
/// When what must hold does not.
pub fn replay(target: Target) -> io::Result<()> {
    let mut files = fs::read_dir(Path::new(CORPUS).join(target.name))?
        .map(|file| fs::read(file?.path()))
        .collect::<io::Result<Vec<_>>>()?;
    if files.is_empty() {
        return Err(io::Error::other("the corpus is empty"));
    }
    files.sort_unstable();
    let mut random = Rng::with_seed(SEED);
    for file in &files {
        (target.check)(file);
        for _ in 0..target.mutations {
            (target.check)(&mutated(file, &files, &mut random));
        }
    }
    Ok(())
}

fn mutated(file: &[u8], files: &[Vec<u8>], random: &mut Rng) -> Vec<u8> {
    let mut bytes = file.to_vec();
    for _ in 0..random.usize(1..5) {
        let at = random.usize(..=bytes.len());
        let end = (at + random.usize(..9)).min(bytes.len());
        match random.u8(..6) {
            0 => drop(bytes.drain(at..end)),
            1 => bytes[at..end].iter_mut().for_each(|byte| *byte ^= 1 << random.u8(..8)),
            2 => bytes[at..end].fill(random.u8(..)),
            3 => bytes.insert(at, MEANINGFUL[random.usize(..MEANINGFUL.len())]),
            4 => {
                let copy = bytes[at..end].to_vec();
                let to = random.usize(..=bytes.len());
                bytes.splice(to..to, copy);
            }
            _ => {
                let other = &files[random.usize(..files.len())];
                let from = random.usize(..=other.len());
                let piece = &other[from..(from + random.usize(..40)).min(other.len())];
                bytes.splice(at..end, piece.iter().copied());
            }
        }
    }
    bytes
}
