//! Small programs that match a text: what URI templates and the complicated parts of URL patterns are compiled to.
//!
//! A program is a nondeterministic automaton of four bytes an instruction, run as a set of threads in step (Thompson's
//! construction, Pike's machine without captures). A general regular expression would do the same with tens of
//! kilobytes each, and hundreds of thousands of selectors must fit. Time is the length of the text times the threads
//! alive, of which the bound on branches allows few; there is no backtracking.
//!
//! "At most n times" is not unrolled, because templates allow n to be 9999: a thread counts its turns. Of two threads at
//! one instruction the one with fewer turns can do all that the other can, so that one is enough, and one count a
//! thread is too as long as counted loops do not nest; those that would are unrolled.

use std::cell::RefCell;

use regex_syntax::{
    ParserBuilder,
    hir::{Class, Hir, HirKind, Look, Repetition},
};

use super::SelectorError;

/// The most instructions of one program.
const MAX_INSTRUCTIONS: usize = 16 * 1024;

/// The most branches of one program. What is alive at once grows with them, and so does the time per byte.
const MAX_BRANCHES: usize = 256;

/// How deep the groups of a regular expression go.
const MAX_NESTING: u32 = 50;

/// Repetitions of at most so many turns are unrolled.
const UNROLLED_TURNS: u32 = 3;

#[derive(Clone, Copy, Debug)]
enum Op {
    /// Takes this byte.
    Byte(u8),
    /// Takes a byte of the class of this number.
    Class(u8),
    /// Goes on with the next instruction and with this one.
    Split(u16),
    Jump(u16),
    /// Takes a turn, if there have been fewer than so many.
    Count(u16),
    /// Forgets the turns.
    Zero,
    /// Goes on at the text's start only.
    Start,
    /// Goes on at the text's end only.
    End,
    Accept,
}

/// A set of ASCII characters, one bit each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Set(u128);

impl Set {
    fn of(class: &Class) -> Self {
        let range = |start: u32, end: u32| (start..=end.min(127)).fold(0, |set, char| set | 1 << char);
        Self(match class {
            Class::Bytes(bytes) => {
                bytes.iter().fold(0, |set, part| set | range(part.start().into(), part.end().into()))
            }
            Class::Unicode(chars) => {
                chars.iter().fold(0, |set, part| set | range(part.start().into(), part.end().into()))
            }
        })
    }

    fn contains(self, byte: u8) -> bool {
        byte < 128 && self.0 >> byte & 1 == 1
    }
}

/// A compiled program.
#[derive(Debug)]
pub(super) struct Program {
    ops: Box<[Op]>,
    sets: Box<[Set]>,
}

impl Program {
    /// How many branches it has: what it costs at most, by the byte of a topic.
    pub(super) fn branches(&self) -> usize {
        self.ops.iter().filter(|op| matches!(op, Op::Split(_))).count()
    }
}

/// An instruction whose target is not known yet.
#[must_use]
#[derive(Debug)]
pub(super) struct Hole(usize);

/// Puts a program together.
#[derive(Debug, Default)]
pub(super) struct Builder {
    ops: Vec<Op>,
    sets: Vec<Set>,
    branches: usize,
    /// Whether the instructions to come are in a loop that counts.
    counting: bool,
}

impl Builder {
    pub(super) fn finish(mut self) -> Result<Program, SelectorError> {
        self.push(Op::Accept)?;
        Ok(Program { ops: self.ops.into(), sets: self.sets.into() })
    }

    fn push(&mut self, op: Op) -> Result<(), SelectorError> {
        if self.ops.len() >= MAX_INSTRUCTIONS {
            return Err(SelectorError::TooComplex);
        }
        self.ops.push(op);
        Ok(())
    }

    /// The number of the next instruction, which [`MAX_INSTRUCTIONS`] keeps within its type.
    fn next(&self) -> u16 {
        self.ops.len() as u16
    }

    /// Goes on with the next instruction, and with the one that the hole is bound to.
    pub(super) fn split(&mut self) -> Result<Hole, SelectorError> {
        self.branches += 1;
        if self.branches > MAX_BRANCHES {
            return Err(SelectorError::TooComplex);
        }
        self.push(Op::Split(0))?;
        Ok(Hole(self.ops.len() - 1))
    }

    /// Goes on where the hole is bound.
    pub(super) fn jump(&mut self) -> Result<Hole, SelectorError> {
        self.push(Op::Jump(0))?;
        Ok(Hole(self.ops.len() - 1))
    }

    /// Binds a hole to the next instruction.
    pub(super) fn bind(&mut self, hole: Hole) {
        let next = self.next();
        if let Some(Op::Split(target) | Op::Jump(target)) = self.ops.get_mut(hole.0) {
            *target = next;
        }
    }

    pub(super) fn literal(&mut self, bytes: impl IntoIterator<Item = u8>) -> Result<(), SelectorError> {
        bytes.into_iter().try_for_each(|byte| self.push(Op::Byte(byte)))
    }

    /// A regular expression, over ASCII.
    pub(super) fn regex(&mut self, text: &str) -> Result<(), SelectorError> {
        let mut parser = ParserBuilder::new().unicode(false).utf8(false).nest_limit(MAX_NESTING).build();
        let hir = parser.parse(text);
        self.hir(&hir.map_err(|_| SelectorError::Url("a regular expression is not valid"))?)
    }

    pub(super) fn hir(&mut self, hir: &Hir) -> Result<(), SelectorError> {
        match hir.kind() {
            HirKind::Empty => Ok(()),
            HirKind::Literal(literal) => self.literal(literal.0.iter().copied()),
            HirKind::Class(class) => self.set(Set::of(class)),
            HirKind::Look(Look::Start) => self.push(Op::Start),
            HirKind::Look(Look::End) => self.push(Op::End),
            HirKind::Look(_) => Err(SelectorError::Url("boundaries of words and lines are not supported")),
            HirKind::Repetition(repetition) => self.repetition(repetition),
            HirKind::Capture(capture) => self.hir(&capture.sub),
            HirKind::Concat(parts) => parts.iter().try_for_each(|part| self.hir(part)),
            HirKind::Alternation(choices) => self.alternation(choices),
        }
    }

    fn set(&mut self, set: Set) -> Result<(), SelectorError> {
        let known = self.sets.iter().position(|other| *other == set);
        let at = known.unwrap_or_else(|| {
            self.sets.push(set);
            self.sets.len() - 1
        });
        let at = u8::try_from(at).map_err(|_| SelectorError::TooComplex)?;
        self.push(Op::Class(at))
    }

    fn alternation(&mut self, choices: &[Hir]) -> Result<(), SelectorError> {
        let mut ends = Vec::new();
        for (index, choice) in choices.iter().enumerate() {
            if index + 1 == choices.len() {
                self.hir(choice)?;
            } else {
                let other = self.split()?;
                self.hir(choice)?;
                ends.push(self.jump()?);
                self.bind(other);
            }
        }
        ends.into_iter().for_each(|end| self.bind(end));
        Ok(())
    }

    fn repetition(&mut self, repetition: &Repetition) -> Result<(), SelectorError> {
        let Repetition { min, max, sub, .. } = repetition;
        for _ in 0..*min {
            self.hir(sub)?;
        }
        let Some(max) = max else {
            return self.turns(|this| this.hir(sub));
        };
        let more = max.saturating_sub(*min);
        match u16::try_from(more) {
            Ok(limit) if more > UNROLLED_TURNS && !self.counting => {
                self.counting = true;
                self.push(Op::Zero)?;
                self.turns(|this| {
                    this.push(Op::Count(limit))?;
                    this.hir(sub)
                })?;
                self.counting = false;
                self.push(Op::Zero)
            }
            _ => {
                let mut ends = Vec::new();
                for _ in 0..more {
                    ends.push(self.split()?);
                    self.hir(sub)?;
                }
                ends.into_iter().for_each(|end| self.bind(end));
                Ok(())
            }
        }
    }

    /// Any number of turns.
    fn turns(
        &mut self,
        turn: impl FnOnce(&mut Self) -> Result<(), SelectorError>,
    ) -> Result<(), SelectorError> {
        let start = self.next();
        let end = self.split()?;
        turn(self)?;
        self.push(Op::Jump(start))?;
        self.bind(end);
        Ok(())
    }
}

impl Program {
    #[cfg(test)]
    pub(super) fn bytes(&self) -> usize {
        size_of::<Self>() + size_of_val(&*self.ops) + size_of_val(&*self.sets)
    }

    /// Whether the program takes the whole text.
    pub(super) fn matches(&self, text: impl IntoIterator<Item = u8>) -> bool {
        SCRATCH.with_borrow_mut(|[now, next]| {
            now.begin(self.ops.len());
            now.add(self, 0, 0, true);
            let mut is_start = true;
            for byte in text {
                is_start = false;
                next.begin(self.ops.len());
                for index in 0..now.waiting.len() {
                    let at = now.waiting[index];
                    let takes = match self.ops[usize::from(at)] {
                        Op::Byte(wanted) => wanted == byte,
                        Op::Class(set) => self.sets[usize::from(set)].contains(byte),
                        _ => false,
                    };
                    if takes {
                        next.add(self, at + 1, now.places[usize::from(at)].turns, false);
                    }
                }
                if next.waiting.is_empty() {
                    return false;
                }
                std::mem::swap(now, next);
            }
            now.accepts(self, is_start)
        })
    }
}

thread_local! {
    /// The threads at a byte, and those at the next: kept, because matching must not allocate.
    static SCRATCH: RefCell<[Threads; 2]> = const { RefCell::new([Threads::new(), Threads::new()]) };
}

/// The threads of a program at one place of the text.
struct Threads {
    /// Per instruction, what has been there.
    places: Vec<Place>,
    /// The instructions that wait for a byte or the end.
    waiting: Vec<u16>,
    round: u64,
    /// What is left to follow.
    stack: Vec<(u16, u16)>,
}

#[derive(Clone, Copy, Default)]
struct Place {
    /// The last round in which a thread was here.
    round: u64,
    /// The fewest turns of the threads that were here in it.
    turns: u16,
}

impl Threads {
    const fn new() -> Self {
        Self { places: Vec::new(), waiting: Vec::new(), round: 0, stack: Vec::new() }
    }

    fn begin(&mut self, instructions: usize) {
        self.round += 1;
        self.waiting.clear();
        if self.places.len() < instructions {
            self.places.resize(instructions, Place::default());
        }
    }

    /// Adds a thread, and all that it becomes without taking a byte.
    fn add(&mut self, program: &Program, at: u16, turns: u16, is_start: bool) {
        self.stack.push((at, turns));
        while let Some((at, turns)) = self.stack.pop() {
            let place = &mut self.places[usize::from(at)];
            let is_new = place.round != self.round;
            if !is_new && place.turns <= turns {
                continue;
            }
            *place = Place { round: self.round, turns };
            match program.ops[usize::from(at)] {
                Op::Jump(target) => self.stack.push((target, turns)),
                Op::Split(target) => self.stack.extend([(target, turns), (at + 1, turns)]),
                Op::Count(limit) if turns < limit => self.stack.push((at + 1, turns + 1)),
                Op::Zero => self.stack.push((at + 1, 0)),
                Op::Start if is_start => self.stack.push((at + 1, turns)),
                Op::Count(_) | Op::Start => {}
                Op::Byte(_) | Op::Class(_) | Op::End | Op::Accept if is_new => self.waiting.push(at),
                Op::Byte(_) | Op::Class(_) | Op::End | Op::Accept => {}
            }
        }
    }

    /// Whether a thread gets through at the text's end.
    fn accepts(&mut self, program: &Program, is_start: bool) -> bool {
        let mut index = 0;
        while let Some(&at) = self.waiting.get(index) {
            match program.ops[usize::from(at)] {
                Op::Accept => return true,
                Op::End => self.add(program, at + 1, self.places[usize::from(at)].turns, is_start),
                _ => {}
            }
            index += 1;
        }
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn compile(pattern: &str) -> Result<Program, SelectorError> {
        let mut builder = Builder::default();
        builder.regex(pattern)?;
        builder.finish()
    }

    #[test]
    fn an_instruction_is_four_bytes() {
        assert_eq!(size_of::<Op>(), 4);
    }

    #[test]
    fn programs_match_whole_texts() {
        for (pattern, matching, others) in [
            ("", &[""][..], &["a"][..]),
            ("ab|c", &["ab", "c"], &["", "a", "abc"]),
            ("[^/]+?/x", &["a/x", "abc/x"], &["/x", "a/b/x", "a/xx"]),
            ("^(?:a|^b|c$)*$", &["", "aa", "baa", "aac"], &["ab", "ca"]),
            ("(?:a$|ab)(?:$)b*", &["a", "ab"], &["abb"]),
            ("(?:(?:(){9999}){9999}){9999}", &[""], &["a"]),
            ("(?:(?:)*)*a{2}", &["aa"], &["a", "aaa"]),
            ("$^|^a{1,9}$", &["", "a", "aaaaaaaaa"], &["b", "aaaaaaaaaa"]),
        ] {
            let program = compile(pattern).unwrap();
            for text in matching {
                assert!(program.matches(text.bytes()), "{pattern} matches {text:?}");
            }
            for text in others {
                assert!(!program.matches(text.bytes()), "{pattern} does not match {text:?}");
            }
        }
    }

    #[test]
    fn turns_are_counted_whatever_the_way_through_the_loop() {
        for (pattern, fewest, most) in [
            ("a{0,9999}", 0, 9999),
            ("a{2,40}", 2, 40),
            ("(?:a|aa){0,10}", 0, 20),
            ("a*(?:aa|a){0,5}b?", 0, 100),
            ("(?:a{0,5}){0,6}", 0, 30),
            ("a{0,7}a{0,8}", 0, 15),
        ] {
            let program = compile(pattern).unwrap();
            let matches = |length: usize| program.matches(std::iter::repeat_n(b'a', length));
            assert!(matches(fewest) && matches(most), "{pattern}");
            assert!(fewest == 0 || !matches(fewest - 1), "{pattern}");
            assert!(most == 100 || !matches(most + 1), "{pattern}");
        }
    }

    #[test]
    fn what_is_not_supported_is_refused() {
        for pattern in [r"a\b", "(?=a)", "(", r"\p{L}", r"(a)\1", &"(".repeat(99)] {
            assert!(matches!(compile(pattern), Err(SelectorError::Url(_))), "{pattern}");
        }
    }

    #[test]
    fn what_would_be_costly_is_refused() {
        for pattern in ["(?:a{500}){500}", "(?:[^x]?){4000}", "a{4000000000}"] {
            assert_eq!(compile(pattern).unwrap_err(), SelectorError::TooComplex, "{pattern}");
        }
    }
}
