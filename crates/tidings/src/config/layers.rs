//! The layers of a configuration, and how they are read: flags over environment over file.
//!
//! Whoever reads a key (see `section.rs`) makes it known by that, so that there is no second list of keys to keep. What is left over when
//! all has been read is unknown, and is answered with the nearest name that is known.

use std::{
    cell::RefCell,
    collections::{BTreeMap, BTreeSet},
};

use toml::de::DeTable;

use super::{
    environment::{self, Environment},
    nearest::nearest,
    problem::{Place, Problem, Problems},
    section::Section,
    value::Given,
};

/// What a person gave on the command line: the key, the flag's name, and the value.
pub(super) type Flags = BTreeMap<&'static str, (&'static str, Given<'static>)>;

/// A configuration file that has been read. It has no `Debug`, because there may be secrets in it.
pub(super) struct File {
    pub(super) name: String,
    pub(super) text: String,
}

/// All layers, and what was found in them so far.
pub(super) struct Layers<'a> {
    flags: Flags,
    environment: &'a Environment,
    file: Option<&'a File>,
    found: RefCell<Found>,
}

#[derive(Debug, Default)]
struct Found {
    /// The path of each key that was asked for: `listen`, `log.engine`, `topic.pattern`.
    known: BTreeSet<String>,
    /// Tables whose environment variable is the whole table, in TOML.
    whole: BTreeSet<String>,
    /// Keys that nobody asked for.
    unknown: Vec<LeftOver>,
    problems: BTreeSet<Problem>,
}

/// A key that nobody asked for.
#[derive(Debug)]
struct LeftOver {
    table: String,
    key: String,
    /// "unknown key `a` in `[b]`".
    unknown: String,
    place: Place,
}

impl<'a> Layers<'a> {
    pub(super) fn new(flags: Flags, environment: &'a Environment, file: Option<&'a File>) -> Self {
        Self { flags, environment, file, found: RefCell::default() }
    }

    /// The top of the configuration. All of a file's syntax errors are found here.
    pub(super) fn top(&self) -> Section<'_, 'a> {
        let (name, text) = self.file.map_or(("", ""), |file| (&file.name, &file.text));
        let (table, errors) = DeTable::parse_recoverable(text);
        for error in errors {
            let place = self.line(error.span().map_or(0, |span| span.start));
            self.problem(place, error.message().trim_end());
        }
        Section::top(self, table.into_inner(), Place::Named(name.to_owned()))
    }

    /// The paths of all keys that have been asked for.
    #[cfg(test)]
    pub(super) fn known(&self) -> BTreeSet<String> {
        self.found.borrow().known.clone()
    }

    /// All problems, when everything has been read.
    pub(super) fn finish(&self) -> Result<(), Problems> {
        self.unknown_keys();
        self.unknown_variables();
        let problems = std::mem::take(&mut self.found.borrow_mut().problems);
        if problems.is_empty() { Ok(()) } else { Err(Problems(problems)) }
    }

    /// Notes a problem.
    pub(super) fn problem(&self, place: Place, message: impl Into<String>) {
        self.found.borrow_mut().problems.insert(Problem::new(place, message));
    }

    /// Notes that there is a key of this path.
    pub(super) fn key(&self, path: String) {
        self.found.borrow_mut().known.insert(path);
    }

    /// Notes that there are tables of this name, all of which one environment variable holds.
    pub(super) fn whole(&self, table: &str) {
        self.found.borrow_mut().whole.insert(table.to_owned());
    }

    /// Notes a key that nobody asked for; `unknown` says so.
    pub(super) fn left_over(&self, table: &str, key: &str, unknown: String, place: Place) {
        let (table, key) = (table.to_owned(), key.to_owned());
        self.found.borrow_mut().unknown.push(LeftOver { table, key, unknown, place });
    }

    /// What the command line or the environment says about the key of this path, and where.
    pub(super) fn above_the_file(
        &self,
        path: &str,
        second_variable: Option<&str>,
    ) -> Option<(Place, Given<'a>)> {
        if let Some((flag, given)) = self.flags.get(path) {
            return Some((Place::Named((*flag).to_owned()), given.clone()));
        }
        let own = environment::name_of(path);
        let names = [Some(own.as_str()), second_variable];
        let (name, text) =
            names.into_iter().flatten().find_map(|name| Some((name, self.environment.get(name)?)))?;
        Some((Place::Named(name.to_owned()), Given::Text(text.into())))
    }

    /// The environment variable of this path: its name, and its text if it is set.
    pub(super) fn variable(&self, path: &str) -> (String, Option<&'a str>) {
        let name = environment::name_of(path);
        let text = self.environment.get(&name);
        (name, text)
    }

    /// A variable of the environment that is no key of ours, by its whole name.
    pub(super) fn foreign_variable(&self, name: &str) -> Option<&'a str> {
        self.environment.get(name)
    }

    /// The line of the file at this byte.
    pub(super) fn line(&self, offset: usize) -> Place {
        let (file, text) = self.file.map_or(("", ""), |file| (&file.name, &file.text));
        let before = text.as_bytes().get(..offset).unwrap_or_default();
        Place::Line { file: file.to_owned(), line: 1 + before.iter().filter(|byte| **byte == b'\n').count() }
    }

    fn unknown_keys(&self) {
        let unknown = std::mem::take(&mut self.found.borrow_mut().unknown);
        for key in unknown {
            let message = self.unknown_key(&key);
            self.problem(key.place, message);
        }
    }

    fn unknown_key(&self, LeftOver { table, key, unknown, .. }: &LeftOver) -> String {
        let found = self.found.borrow();
        let within = |path: &'_ str| match path.rsplit_once('.') {
            Some((parent, _)) => parent == table,
            None => table.is_empty(),
        };
        let name = |path: &'_ str| path.rfind('.').map_or(0, |dot| dot + 1);
        let siblings = found.known.iter().filter(|path| within(path)).map(|path| &path[name(path)..]);
        // The tables in a table are names too.
        let prefix = if table.is_empty() { String::new() } else { format!("{table}.") };
        let below = |path: &'_ str| Some(path.strip_prefix(&prefix)?.split_once('.')?.0.to_owned());
        let paths = found.known.iter().chain(&found.whole);
        let tables: BTreeSet<String> = paths.filter_map(|path| below(path)).collect();
        let whole = found.whole.iter().filter(|path| within(path)).map(|path| &path[name(path)..]);
        let tables = tables.iter().map(String::as_str).chain(whole);
        if let Some(meant) = nearest(key, siblings.chain(tables)) {
            return format!("{unknown}: did you mean `{meant}`?");
        }
        // In TOML a key belongs to the last table header above it, which is easily forgotten.
        match found.known.iter().find(|path| &path[name(path)..] == key).map(|path| path.rsplit_once('.')) {
            Some(Some((home, _))) => format!("{unknown}: it belongs in [{home}]"),
            Some(None) => format!("{unknown}: it belongs at the top, before the first table such as [log]"),
            None => format!("{unknown}: tidings.example.toml lists all keys"),
        }
    }

    fn unknown_variables(&self) {
        let known: Vec<String> = {
            let found = self.found.borrow();
            let is_below =
                |path: &str, table: &str| path.strip_prefix(table).is_some_and(|rest| rest.starts_with('.'));
            let of_whole = |path: &str| found.whole.iter().any(|table| is_below(path, table));
            let keys = found.known.iter().filter(|path| !of_whole(path)).chain(&found.whole);
            keys.map(|path| environment::name_of(path))
                .chain(environment::OTHERS.map(str::to_owned))
                .collect()
        };
        for name in self.environment.names().filter(|name| !known.iter().any(|known| known == name)) {
            let message = if let Some(meant) = nearest(name, known.iter().map(String::as_str)) {
                format!("unknown environment variable: did you mean `{meant}`?")
            } else {
                "unknown environment variable: tidings.example.toml lists all keys".to_owned()
            };
            self.problem(Place::Named(name.to_owned()), message);
        }
    }
}
