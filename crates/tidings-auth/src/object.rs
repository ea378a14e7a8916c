//! Reads JSON objects, and nothing else: serde would take a list for a struct, its items in the order of the fields.

use serde::Deserialize;

/// The bytes are no JSON object of the form that is wanted. Nothing of them is told.
#[derive(Debug)]
pub(crate) struct NoObject;

/// Reads an object.
pub(crate) fn object<'de, T: Deserialize<'de>>(json: &'de [u8]) -> Result<T, NoObject> {
    if !json.trim_ascii_start().starts_with(b"{") {
        return Err(NoObject);
    }
    serde_json::from_slice(json).map_err(|_| NoObject)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Deserialize)]
    struct Pair {
        #[serde(default)]
        first: u8,
    }

    #[test]
    fn a_list_is_no_object() {
        assert_eq!(object::<Pair>(br#" {"first": 7}"#).unwrap().first, 7);
        for json in ["[7]", "[]", "7", "", "{", r#"{"first": "7"}"#, "{} {}"] {
            assert!(object::<Pair>(json.as_bytes()).is_err(), "{json}");
        }
    }
}
