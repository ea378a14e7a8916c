//! "Did you mean": the known name that is nearest to an unknown one.

/// How alike two names must be (Jaro-Winkler, 0 to 1) for one to be offered for the other. Below this, words that only
/// share a few letters are offered, which sends an operator the wrong way.
const ALIKE: f64 = 0.8;

/// The known name that is most like `name`, if any is like it at all.
pub(super) fn nearest<'k>(name: &str, known: impl IntoIterator<Item = &'k str>) -> Option<&'k str> {
    known
        .into_iter()
        .map(|known| (strsim::jaro_winkler(name, known), known))
        .filter(|(likeness, _)| *likeness >= ALIKE)
        .max_by(|(one, _), (other, _)| one.total_cmp(other))
        .map(|(_, known)| known)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_of_the_finger_is_understood() {
        let known = ["listen", "data", "default_topic", "demo", "insecure_open"];
        for (slip, meant) in
            [("lisen", "listen"), ("listne", "listen"), ("default-topic", "default_topic"), ("dat", "data")]
        {
            assert_eq!(nearest(slip, known), Some(meant));
        }
    }

    #[test]
    fn a_word_of_its_own_is_not_corrected() {
        assert_eq!(nearest("colour", ["listen", "data", "demo"]), None);
    }
}
