//! What a pattern says of one component of a URL, in little memory: the crate that parses patterns keeps a dozen strings
//! and two regular expressions of each.

use std::cell::OnceCell;

use urlpattern::{
    RegexSyntax,
    matcher::{InnerMatcher, Matcher},
    regexp::RegExp,
};

use super::super::{
    SelectorError,
    program::{Builder, Program},
};

/// A regular expression that is compiled when it is asked for: most never are, because a simpler matcher will do.
#[derive(Debug)]
pub(super) struct Expression {
    text: String,
    program: OnceCell<Option<Program>>,
}

impl Expression {
    fn compile(&self) -> Result<Program, SelectorError> {
        let mut builder = Builder::default();
        builder.regex(&self.text)?;
        builder.finish()
    }
}

impl RegExp for Expression {
    fn syntax() -> RegexSyntax {
        RegexSyntax::Rust
    }

    fn parse(text: &str, _: &str, _: bool) -> Result<Self, ()> {
        Ok(Self { text: text.into(), program: OnceCell::new() })
    }

    /// While a pattern is parsed, this is asked of its scheme.
    fn matches<'t>(&self, text: &'t str) -> Option<Vec<Option<&'t str>>> {
        let program = self.program.get_or_init(|| self.compile().ok());
        program.as_ref().filter(|program| program.matches(text.bytes())).map(|_| Vec::new())
    }

    fn pattern_string(&self) -> &str {
        &self.text
    }
}

#[derive(Debug)]
pub(super) enum Component {
    Anything,
    Literal(Box<str>),
    Between(Box<Between>),
}

/// Something with literal text around it.
#[derive(Debug)]
pub(super) struct Between {
    prefix: Box<str>,
    suffix: Box<str>,
    inner: Inner,
}

#[derive(Debug)]
enum Inner {
    Anything,
    /// At least one character, and none of this kind.
    Segment(Option<char>),
    Program(Program),
}

impl Component {
    pub(super) fn new(
        component: urlpattern::component::Component<Expression>,
    ) -> Result<Self, SelectorError> {
        let Matcher { prefix, suffix, inner, .. } = component.matcher;
        let inner = match inner {
            InnerMatcher::Literal { literal } => {
                return Ok(Self::Literal([prefix, literal, suffix].concat().into()));
            }
            InnerMatcher::SingleCapture { filter: None, allow_empty: true } => {
                if prefix.is_empty() && suffix.is_empty() {
                    return Ok(Self::Anything);
                }
                Inner::Anything
            }
            InnerMatcher::SingleCapture { filter, .. } => Inner::Segment(filter),
            InnerMatcher::RegExp { regexp: Ok(expression) } => Inner::Program(expression.compile()?),
            InnerMatcher::RegExp { regexp: Err(error) } => {
                return Err(SelectorError::Url(super::problem(&error)));
            }
        };
        Ok(Self::Between(Box::new(Between { prefix: prefix.into(), suffix: suffix.into(), inner })))
    }

    pub(super) fn matches(&self, text: &str) -> bool {
        match self {
            Self::Anything => true,
            Self::Literal(literal) => **literal == *text,
            Self::Between(between) => between.matches(text),
        }
    }

    /// How many branches its program has, if it has one.
    pub(super) fn branches(&self) -> usize {
        match self {
            Self::Between(between) => match &between.inner {
                Inner::Program(program) => program.branches(),
                Inner::Anything | Inner::Segment(_) => 0,
            },
            Self::Anything | Self::Literal(_) => 0,
        }
    }

    /// What every text that it matches begins with.
    pub(super) fn prefix(&self) -> &str {
        match self {
            Self::Anything => "",
            Self::Literal(literal) => literal,
            Self::Between(between) => &between.prefix,
        }
    }

    /// The one text that it matches, if there is only one.
    pub(super) fn literal(&self) -> Option<&str> {
        match self {
            Self::Literal(literal) => Some(literal),
            _ => None,
        }
    }
}

impl Between {
    fn matches(&self, text: &str) -> bool {
        let inner = text.strip_prefix(&*self.prefix).and_then(|rest| rest.strip_suffix(&*self.suffix));
        inner.is_some_and(|text| match &self.inner {
            Inner::Anything => true,
            Inner::Segment(without) => !text.is_empty() && without.is_none_or(|char| !text.contains(char)),
            Inner::Program(program) => program.matches(text.bytes()),
        })
    }
}
