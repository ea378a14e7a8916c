//! The lines of a Caddyfile, as far as `MERCURE_EXTRA_DIRECTIVES` needs them: words, quotes, comments and blocks.

use std::{iter::Peekable, str::Chars};

/// One directive: a word, and its arguments.
#[derive(PartialEq, Eq)]
#[cfg_attr(test, derive(Debug))]
pub(super) struct Directive {
    /// The line it stands on, from 1.
    pub(super) line: usize,
    pub(super) name: String,
    pub(super) arguments: Vec<String>,
}

/// Text that is no Caddyfile.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Malformed {
    pub(super) line: usize,
    pub(super) what: &'static str,
}

/// A word, and whether it stood in quotes, in which a brace is only a brace.
struct Word {
    line: usize,
    text: String,
    is_quoted: bool,
    /// Whether it is the first of its line.
    is_first: bool,
}

impl Word {
    fn is(&self, brace: &str) -> bool {
        !self.is_quoted && self.text == brace
    }
}

/// The directives at the top of `text`. What is in their blocks is left out: none of those that mean something here has
/// one.
pub(super) fn directives(text: &str) -> Result<Vec<Directive>, Malformed> {
    let mut directives: Vec<Directive> = Vec::new();
    let mut open_blocks: Vec<usize> = Vec::new();
    for word in words(text)? {
        let line = word.line;
        if word.is("{") && !directives.is_empty() {
            open_blocks.push(line);
        } else if word.is("}") {
            if open_blocks.pop().is_none() {
                return Err(Malformed { line, what: "a block ends here that has not begun" });
            }
        } else if open_blocks.is_empty() {
            match directives.last_mut().filter(|_| !word.is_first) {
                Some(directive) => directive.arguments.push(word.text),
                None => directives.push(Directive { line, name: word.text, arguments: Vec::new() }),
            }
        }
    }
    match open_blocks.pop() {
        Some(line) => Err(Malformed { line, what: "the block that begins here does not end" }),
        None => Ok(directives),
    }
}

fn words(text: &str) -> Result<Vec<Word>, Malformed> {
    let mut words = Vec::new();
    let (mut line, mut is_first) = (1, true);
    let mut chars = text.chars().peekable();
    while let Some(char) = chars.next() {
        match char {
            '\n' => (line, is_first) = (line + 1, true),
            // A backslash at the end of a line continues it.
            '\\' if chars.next_if_eq(&'\n').is_some() => line += 1,
            '#' => while chars.next_if(|char| *char != '\n').is_some() {},
            char if char.is_whitespace() => {}
            quote @ ('"' | '`') => {
                let begins = line;
                let Some(text) = quoted(&mut chars, quote, &mut line) else {
                    return Err(Malformed { line: begins, what: "the quote that begins here does not end" });
                };
                words.push(Word { line: begins, text, is_quoted: true, is_first });
                is_first = false;
            }
            first => {
                let mut text = String::from(first);
                while let Some(char) = chars.next_if(|char| !char.is_whitespace()) {
                    text.push(char);
                }
                words.push(Word { line, text, is_quoted: false, is_first });
                is_first = false;
            }
        }
    }
    Ok(words)
}

/// What stands in quotes. `None` if they do not end. In double quotes a backslash takes a quote for a character; in
/// backticks nothing is special.
fn quoted(chars: &mut Peekable<Chars<'_>>, quote: char, line: &mut usize) -> Option<String> {
    let mut text = String::new();
    loop {
        let char = match chars.next()? {
            char if char == quote => return Some(text),
            '\\' if quote == '"' => chars.next_if_eq(&'"').unwrap_or('\\'),
            char => char,
        };
        *line += usize::from(char == '\n');
        text.push(char);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str) -> Vec<(usize, String)> {
        let show = |Directive { line, name, arguments }: Directive| {
            (line, [&[name][..], &arguments].concat().join("|"))
        };
        directives(text).unwrap().into_iter().map(show).collect()
    }

    #[test]
    fn a_directive_is_a_line_of_words() {
        let text = "\n  anonymous\n\tcors_origins https://a.example  https://b.example # for now\n# subscriptions\n\
                    cookie_name \"a \\\"b\\\" \\c\" `d \"e\"`\nheartbeat \\\n 5s\n";
        let expected = [
            (2, "anonymous"),
            (3, "cors_origins|https://a.example|https://b.example"),
            (5, "cookie_name|a \"b\" \\c|d \"e\""),
            (6, "heartbeat|5s"),
        ];
        assert_eq!(shown(text), expected.map(|(line, words)| (line, words.to_owned())));
    }

    #[test]
    fn blocks_are_left_out_and_must_end() {
        let text = "transport bolt {\n  path a.db\n  inner {\n x\n }\n}\nanonymous";
        assert_eq!(shown(text), [(1, "transport|bolt".to_owned()), (7, "anonymous".to_owned())]);
        for (text, line) in [("a\nb {\n c", 2), ("a\n}", 2), ("a\n\"b\n\nc", 2), ("a `b", 1)] {
            assert_eq!(directives(text).unwrap_err().line, line, "{text}");
        }
    }
}
