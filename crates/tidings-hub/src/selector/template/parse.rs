//! The syntax of URI templates (RFC 6570, section 2).

use super::super::{SelectorError, uri::is_octet};

#[derive(Debug, PartialEq, Eq)]
pub(super) enum Part<'t> {
    Literal(&'t str),
    Expression(Operator, Vec<Variable<'t>>),
}

/// What stands behind the opening brace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Operator {
    Simple,
    Reserved,
    Fragment,
    Label,
    Path,
    Parameter,
    Query,
    Continuation,
}

#[derive(Debug, PartialEq, Eq)]
pub(super) struct Variable<'t> {
    pub(super) name: &'t str,
    pub(super) modifier: Modifier,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Modifier {
    None,
    /// At most so many characters.
    Prefix(u16),
    Explode,
}

pub(super) fn parse(text: &str) -> Result<Vec<Part<'_>>, SelectorError> {
    let mut parts = Vec::new();
    let mut at = 0;
    while at < text.len() {
        let rest = &text[at..];
        let length = if let Some(inner) = rest.strip_prefix('{') {
            let length = inner.find('}').ok_or_else(|| wrong(at, "an expression is not closed"))?;
            parts.push(expression(&inner[..length], at + 1)?);
            length + 2
        } else {
            let length = rest.find('{').unwrap_or(rest.len());
            check_literal(&rest[..length], at)?;
            parts.push(Part::Literal(&rest[..length]));
            length
        };
        at += length;
    }
    Ok(parts)
}

fn wrong(at: usize, problem: &'static str) -> SelectorError {
    SelectorError::Template { at, problem }
}

/// Section 2.1, with the apostrophe, which the grammar leaves out and the erratum 6937 puts in.
fn check_literal(text: &str, start: usize) -> Result<(), SelectorError> {
    for (index, char) in text.char_indices() {
        let at = start + index;
        match char {
            '%' if !begins_octet(&text[index..]) => {
                return Err(wrong(at, "a percent sign must have two hexadecimal digits behind it"));
            }
            '}' => return Err(wrong(at, "a closing brace has no opening one")),
            ' ' | '"' | '<' | '>' | '\\' | '^' | '`' | '|' => {
                return Err(wrong(at, "a character that a URI cannot hold must be percent-encoded"));
            }
            _ if char.is_control() => return Err(wrong(at, "a control character is not allowed")),
            _ => {}
        }
    }
    Ok(())
}

fn begins_octet(text: &str) -> bool {
    matches!(*text.as_bytes(), [b'%', high, low, ..] if is_octet(high, low))
}

/// Sections 2.2 and 2.3.
fn expression(inner: &str, at: usize) -> Result<Part<'_>, SelectorError> {
    let operator = match inner.bytes().next() {
        Some(b'+') => Operator::Reserved,
        Some(b'#') => Operator::Fragment,
        Some(b'.') => Operator::Label,
        Some(b'/') => Operator::Path,
        Some(b';') => Operator::Parameter,
        Some(b'?') => Operator::Query,
        Some(b'&') => Operator::Continuation,
        Some(b'=' | b',' | b'!' | b'@' | b'|') => {
            return Err(wrong(at, "this operator is reserved and has no meaning yet"));
        }
        _ => Operator::Simple,
    };
    let skipped = usize::from(operator != Operator::Simple);
    let mut at = at + skipped;
    let mut variables = Vec::new();
    for specification in inner[skipped..].split(',') {
        variables.push(variable(specification, at)?);
        at += specification.len() + 1;
    }
    Ok(Part::Expression(operator, variables))
}

/// Sections 2.3 and 2.4.
fn variable(specification: &str, at: usize) -> Result<Variable<'_>, SelectorError> {
    let (name, modifier) = if let Some(name) = specification.strip_suffix('*') {
        (name, Modifier::Explode)
    } else if let Some((name, length)) = specification.split_once(':') {
        let is_number = (1..=4).contains(&length.len())
            && length.bytes().all(|digit| digit.is_ascii_digit())
            && !length.starts_with('0');
        let length = length.parse().ok().filter(|_| is_number);
        let length = length
            .ok_or_else(|| wrong(at + name.len(), "a prefix is as long as a number from 1 to 9999 says"))?;
        (name, Modifier::Prefix(length))
    } else {
        (specification, Modifier::None)
    };
    check_name(name, at)?;
    Ok(Variable { name, modifier })
}

fn check_name(name: &str, start: usize) -> Result<(), SelectorError> {
    if name.is_empty() {
        return Err(wrong(start, "a variable has no name"));
    }
    for (index, char) in name.char_indices() {
        let is_allowed = match char {
            '%' => begins_octet(&name[index..]),
            '.' => index > 0 && index + 1 < name.len() && name.as_bytes()[index - 1] != b'.',
            _ => char.is_ascii_alphanumeric() || char == '_',
        };
        if !is_allowed {
            return Err(wrong(start + index, "this cannot stand in the name of a variable"));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn templates_have_parts() {
        let variable = |name, modifier| Variable { name, modifier };
        assert_eq!(parse(""), Ok(vec![]));
        assert_eq!(
            parse("a'%2f{?x.y,%41_1*,z:9999}{b}c"),
            Ok(vec![
                Part::Literal("a'%2f"),
                Part::Expression(
                    Operator::Query,
                    vec![
                        variable("x.y", Modifier::None),
                        variable("%41_1", Modifier::Explode),
                        variable("z", Modifier::Prefix(9999)),
                    ]
                ),
                Part::Expression(Operator::Simple, vec![variable("b", Modifier::None)]),
                Part::Literal("c"),
            ])
        );
    }

    #[test]
    fn what_is_no_template_is_refused_where_it_is_wrong() {
        for (text, expected) in [
            ("a{", 1),
            ("a{b", 1),
            ("a}b", 1),
            ("{a}}", 3),
            ("{}", 1),
            ("{?}", 2),
            ("{a,}", 3),
            ("{,a}", 1),
            ("{=a}", 1),
            ("{!a}", 1),
            ("{a b}", 2),
            ("{a{b}", 2),
            ("{a-b}", 2),
            ("{é}", 1),
            ("{.a.}", 3),
            ("{a..b}", 3),
            ("{a:}", 2),
            ("{a:0}", 2),
            ("{a:01}", 2),
            ("{a:+1}", 2),
            ("{a:10000}", 2),
            ("{a:3*}", 2),
            ("{a**}", 2),
            ("{%4}", 1),
            ("a b{c}", 1),
            ("%zz{c}", 0),
            ("{c}%4", 3),
            ("é<{c}", 2),
            ("a\u{85}{c}", 1),
        ] {
            match parse(text) {
                Err(SelectorError::Template { at, .. }) => assert_eq!(at, expected, "{text}"),
                other => panic!("{text}: {other:?}"),
            }
        }
    }
}
