//! From a template to the program that matches its expansions (RFC 6570, section 3 and the table of appendix A).
//!
//! Programs see topics as [`AsUri`] does.

use regex_syntax::hir::{Class, ClassBytes, ClassBytesRange, Hir, Repetition};

use super::{
    super::{
        SelectorError,
        program::{Builder, Program},
        uri::AsUri,
    },
    parse::{Modifier, Operator, Part, Variable},
};

/// A column of appendix A's table.
struct Rule {
    first: &'static str,
    separator: u8,
    named: Named,
    /// Whether values hold reserved characters as they are.
    reserved: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Named {
    No,
    /// An empty value leaves the equals sign out.
    Short,
    Always,
}

impl Operator {
    fn rule(self) -> Rule {
        let rule = |first, separator, named, reserved| Rule { first, separator, named, reserved };
        match self {
            Self::Simple => rule("", b',', Named::No, false),
            Self::Reserved => rule("", b',', Named::No, true),
            Self::Fragment => rule("#", b',', Named::No, true),
            Self::Label => rule(".", b'.', Named::No, false),
            Self::Path => rule("/", b'/', Named::No, false),
            Self::Parameter => rule(";", b';', Named::Short, false),
            Self::Query => rule("?", b'&', Named::Always, false),
            Self::Continuation => rule("&", b'&', Named::Always, false),
        }
    }
}

/// How many bytes of the template begin every expansion, byte for byte: up to the first expression, octet or character
/// outside of ASCII, because topics may write those in more than one way.
pub(super) fn prefix(parts: &[Part<'_>]) -> usize {
    match parts.first() {
        Some(Part::Literal(text)) => {
            let other = text.bytes().position(|byte| byte == b'%' || !byte.is_ascii());
            other.unwrap_or(text.len())
        }
        _ => 0,
    }
}

/// Compiles the template but for its first so many bytes.
pub(super) fn compile(parts: &[Part<'_>], mut skipped: usize) -> Result<Program, SelectorError> {
    let mut builder = Builder::default();
    for part in parts {
        match part {
            Part::Literal(text) => {
                builder.literal(AsUri::new(&text.as_bytes()[skipped..]))?;
                skipped = 0;
            }
            Part::Expression(operator, variables) => expression(&mut builder, &operator.rule(), variables)?,
        }
    }
    builder.finish()
}

/// Each variable may be missing. The first that is there comes behind the operator's character, the others behind a
/// separator. Of a variable's value there is one copy, whatever came before it: the program is as long as the template.
fn expression(builder: &mut Builder, rule: &Rule, variables: &[Variable<'_>]) -> Result<(), SelectorError> {
    // From where nothing was there so far, and from where something was.
    let mut without = None;
    let mut with = Vec::new();
    for (index, variable) in variables.iter().enumerate() {
        without.into_iter().for_each(|hole| builder.bind(hole));
        without = Some(builder.split()?);
        builder.literal(rule.first.bytes())?;
        let mut missing = None;
        if index > 0 {
            let value = builder.jump()?;
            with.drain(..).for_each(|hole| builder.bind(hole));
            missing = Some(builder.split()?);
            builder.literal([rule.separator])?;
            builder.bind(value);
        }
        builder.hir(&item(rule, variable))?;
        with.extend(missing);
        if index + 1 < variables.len() {
            with.push(builder.jump()?);
        }
    }
    without.into_iter().chain(with).for_each(|hole| builder.bind(hole));
    Ok(())
}

/// What a defined variable expands to, without what comes before it.
fn item(rule: &Rule, variable: &Variable<'_>) -> Hir {
    let plain = if rule.reserved { RESERVED } else { UNRESERVED };
    let (char, most) = match variable.modifier {
        // The values of a list have commas between them.
        Modifier::None => (char(&[plain, &[(b',', b',')]].concat()), None),
        Modifier::Prefix(most) => (counted_char(plain), Some(most.into())),
        Modifier::Explode => (char(plain), None),
    };
    let value = |min| {
        let (max, sub) = (most, Box::new(char.clone()));
        Hir::repetition(Repetition { min, max, greedy: true, sub })
    };
    let assigned = match rule.named {
        Named::No => Hir::empty(),
        Named::Short => optional(Hir::concat(vec![literal("="), value(1)])),
        Named::Always => Hir::concat(vec![literal("="), value(0)]),
    };
    match (variable.modifier, rule.named) {
        // Commas and equals signs are among the characters then.
        (Modifier::Explode, Named::No) if rule.reserved => value(0),
        // A list, or an associative array.
        (Modifier::Explode, Named::No) => Hir::alternation(vec![
            separated(rule, &value(0)),
            separated(rule, &Hir::concat(vec![value(0), literal("="), value(0)])),
        ]),
        // The names of an associative array can be anything, that of the variable included.
        (Modifier::Explode, _) => separated(rule, &Hir::concat(vec![value(0), assigned])),
        (_, Named::No) => value(0),
        (_, _) => {
            let name = Hir::literal(AsUri::new(variable.name.as_bytes()).collect::<Vec<_>>());
            Hir::concat(vec![name, assigned])
        }
    }
}

type Ranges = [(u8, u8)];

/// Section 1.5.
const UNRESERVED: &Ranges =
    &[(b'A', b'Z'), (b'a', b'z'), (b'0', b'9'), (b'-', b'-'), (b'.', b'.'), (b'_', b'_'), (b'~', b'~')];

/// Both the unreserved and the reserved.
const RESERVED: &Ranges = &[
    (b'!', b'!'),
    (b'#', b'$'),
    (b'&', b';'),
    (b'=', b'='),
    (b'?', b'['),
    (b']', b']'),
    (b'_', b'_'),
    (b'a', b'z'),
    (b'~', b'~'),
];

const HEX: &Ranges = &[(b'0', b'9'), (b'A', b'F')];

fn class(ranges: &Ranges) -> Hir {
    let ranges = ranges.iter().map(|&(start, end)| ClassBytesRange::new(start, end));
    Hir::class(Class::Bytes(ClassBytes::new(ranges)))
}

fn literal(text: &str) -> Hir {
    Hir::literal(text.as_bytes())
}

fn octet(high: &Ranges) -> Hir {
    Hir::concat(vec![literal("%"), class(high), class(HEX)])
}

fn char(plain: &Ranges) -> Hir {
    Hir::alternation(vec![class(plain), octet(HEX)])
}

/// A character, whose octets in UTF-8 are one that leads and those that continue it (RFC 3629, section 3).
fn counted_char(plain: &Ranges) -> Hir {
    let following = octet(&[(b'8', b'9'), (b'A', b'B')]);
    Hir::alternation(vec![
        class(plain),
        octet(&[(b'0', b'7')]),
        Hir::concat(vec![octet(&[(b'C', b'F')]), any(following)]),
    ])
}

fn any(of: Hir) -> Hir {
    Hir::repetition(Repetition { min: 0, max: None, greedy: true, sub: Box::new(of) })
}

fn optional(of: Hir) -> Hir {
    Hir::repetition(Repetition { min: 0, max: Some(1), greedy: true, sub: Box::new(of) })
}

/// One or more, with separators between them.
fn separated(rule: &Rule, item: &Hir) -> Hir {
    let separator = Hir::literal([rule.separator]);
    Hir::concat(vec![item.clone(), any(Hir::concat(vec![separator, item.clone()]))])
}
