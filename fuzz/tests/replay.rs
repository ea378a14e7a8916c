//! The corpora of all fuzz targets, and seeded mutations of them. A finding of the fuzzer becomes a file in its corpus.

use tidings_fuzz::{TARGETS, TEXT_TARGETS, Target, replay};

#[test]
fn every_corpus_passes() {
    std::thread::scope(|scope| {
        for target in TARGETS {
            scope.spawn(move || {
                replay(target).unwrap_or_else(|error| panic!("fuzz/corpus/{}: {error}", target.name))
            });
        }
    });
}

#[test]
fn texts_pass() {
    for target in TEXT_TARGETS {
        // Mutations of theirs are tried by the hub's tests.
        replay(Target { mutations: 0, ..target }).unwrap();
    }
}
