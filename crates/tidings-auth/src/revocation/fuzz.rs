//! What must be true of any line in the file of revocations, and of what is to be revoked: the check of the fuzz target
//! `revocations`.

use super::{id, journal::Entry};

/// Takes bytes for a line of the file, and for the name of a token.
pub fn fuzz(bytes: &[u8]) {
    if let Ok(entry) = serde_json::from_slice::<Entry>(bytes) {
        let written = serde_json::to_string(&entry);
        let Ok(written) = written else { panic!("{entry:?} cannot be written: {written:?}") };
        assert!(!written.contains('\n'), "two lines would be read for one");
        let again = serde_json::from_str::<Entry>(&written).map(|entry| format!("{entry:?}"));
        assert_eq!(again.ok(), Some(format!("{entry:?}")));
    }
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    if let Ok(id) = id(text) {
        assert!(id.len() <= text.len().max(64), "{id:?}");
    }
}
