//! The decoders on bytes that nobody vouches for: whatever they are, an answer and no panic. A fuzz target asks the
//! same with coverage in view; this one runs everywhere.

use std::sync::Arc;

use tidings_hub::Publication;

use super::sim::Sim;
use crate::{
    clock::Clock,
    disk::{DiskSettings, fuzz, prepare},
    retention::Retention,
    writer::Store,
};

const ROUNDS: usize = 4000;

#[test]
fn changed_files_are_decoded_or_refused_without_a_panic() {
    let sim = Sim::new(7);
    let settings = DiskSettings {
        retention: Retention::unlimited(),
        segment_bytes: Some(3000),
        clock: Clock::manual(1),
        ..DiskSettings::new("simulated")
    };
    let (mut appender, ..) = prepare(Arc::new(sim.clone()), settings.clone(), None).unwrap();
    for number in 0..60 {
        let topic = tidings_hub::Topic::new(format!("t{}", number % 9)).unwrap();
        let mut event = Publication::new(topic.clone(), "some data".repeat(number % 8));
        event.topics = if number % 3 == 0 {
            Box::new([topic, tidings_hub::Topic::new("all").unwrap()])
        } else {
            Box::new([topic])
        };
        event.id = (number % 2 == 0).then(|| format!("id{number}").into());
        assert!(appender.commit(vec![vec![event]]).answers[0].is_ok());
        appender.settle();
    }
    drop(appender);
    let names = sim.names();
    let mut rng = fastrand::Rng::with_seed(11);
    for _ in 0..ROUNDS {
        let name = &names[rng.usize(..names.len())];
        let mut original = Vec::new();
        sim.tamper(name, |bytes| {
            original = bytes.clone();
            for _ in 0..rng.usize(1..6) {
                let at = rng.usize(..bytes.len());
                match rng.u32(..4) {
                    0 => bytes[at] ^= 1 << rng.u32(..8),
                    1 => bytes[at..].iter_mut().take(4).for_each(|byte| *byte = 0xff),
                    2 => bytes.truncate(at.max(1)),
                    _ => {
                        let tail = bytes[at..].to_vec();
                        bytes.extend(tail.into_iter().take(200));
                    }
                }
            }
            // With the checksum that damage would have to guess, the checks behind it are reached as well.
            if name.ends_with(".idx") && bytes.len() > 4 && rng.bool() {
                let end = bytes.len() - 4;
                let checksum = crc32c::crc32c(&bytes[..end]);
                bytes[end..].copy_from_slice(&checksum.to_le_bytes());
            }
            fuzz(bytes);
        });
        // Opening may succeed, by cutting or making again, or fail; then the files are as they were.
        drop(prepare(Arc::new(sim.clone()), settings.clone(), None));
        sim.tamper(name, |bytes| *bytes = original);
    }
}

#[test]
fn noise_is_refused_without_a_panic() {
    let mut rng = fastrand::Rng::with_seed(5);
    for _ in 0..ROUNDS {
        let mut noise = vec![0; rng.usize(..400)];
        rng.fill(&mut noise);
        for magic in [&b""[..], b"TIDSEG\r\n\x01\0\0\0", b"TIDIDX\r\n\x01\0\0\0", b"FRM\xf5"] {
            fuzz(&[magic, &noise].concat());
        }
    }
}
