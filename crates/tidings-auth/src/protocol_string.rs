//! The characters that Mercure 1.0 allows in topics, matchers, ids and types ("protocol strings"): those that are seen,
//! so that two texts that look the same are the same.

use std::ops::RangeInclusive;

/// Unicode's category Cf, characters that only format others (Unicode 17): zero-width ones, marks of direction, tags.
const FORMAT: [RangeInclusive<char>; 21] = [
    '\u{ad}'..='\u{ad}',
    '\u{600}'..='\u{605}',
    '\u{61c}'..='\u{61c}',
    '\u{6dd}'..='\u{6dd}',
    '\u{70f}'..='\u{70f}',
    '\u{890}'..='\u{891}',
    '\u{8e2}'..='\u{8e2}',
    '\u{180e}'..='\u{180e}',
    '\u{200b}'..='\u{200f}',
    '\u{202a}'..='\u{202e}',
    '\u{2060}'..='\u{2064}',
    '\u{2066}'..='\u{206f}',
    '\u{feff}'..='\u{feff}',
    '\u{fff9}'..='\u{fffb}',
    '\u{110bd}'..='\u{110bd}',
    '\u{110cd}'..='\u{110cd}',
    '\u{13430}'..='\u{1343f}',
    '\u{1bca0}'..='\u{1bca3}',
    '\u{1d173}'..='\u{1d17a}',
    '\u{e0001}'..='\u{e0001}',
    '\u{e0020}'..='\u{e007f}',
];

/// A text holds a character that is not allowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("it holds {0:?}, and neither control nor format characters are allowed: remove it")]
pub struct ForbiddenCharacter(pub char);

/// Whether a text is a protocol string.
///
/// # Errors
/// The first character that is not allowed: U+0000 to U+001F, U+007F to U+009F, or of category Cf.
pub fn check(text: &str) -> Result<(), ForbiddenCharacter> {
    match text.chars().find(|c| c.is_control() || is_format(*c)) {
        Some(c) => Err(ForbiddenCharacter(c)),
        None => Ok(()),
    }
}

fn is_format(c: char) -> bool {
    // Nearly every text is ASCII.
    !c.is_ascii() && FORMAT.iter().any(|range| range.contains(&c))
}

#[cfg(test)]
mod tests {
    use super::*;

    // Mercure 1.2
    #[test]
    fn control_and_format_characters_are_refused() {
        for text in ["", "https://example.com/a", "a topic with spaces", "消息", "é", "🙂", "a%00b", "\u{a0}"]
        {
            assert_eq!(check(text), Ok(()), "{text:?}");
        }
        for c in [
            '\0',
            '\t',
            '\n',
            '\r',
            '\u{1f}',
            '\u{7f}',
            '\u{80}',
            '\u{85}',
            '\u{9f}',
            '\u{ad}',
            '\u{200b}',
            '\u{200d}',
            '\u{202e}',
            '\u{2060}',
            '\u{2066}',
            '\u{feff}',
            '\u{e0041}',
        ] {
            assert_eq!(check(&format!("a{c}b")), Err(ForbiddenCharacter(c)), "{c:?}");
        }
    }

    #[test]
    fn the_table_is_sorted_and_holds_the_whole_category() {
        assert!(FORMAT.windows(2).all(|pair| pair[0].end() < pair[1].start()));
        // As many as Unicode 17 counts.
        assert_eq!(FORMAT.iter().map(|range| range.clone().count()).sum::<usize>(), 170);
    }
}
