//! One table of a configuration, read key by key.

use std::collections::BTreeMap;

use toml::{
    Spanned,
    de::{DeTable, DeValue},
};

use super::{
    layers::Layers,
    problem::Place,
    value::{Given, Parsed},
};

/// Lists of tables that close a hub: one with nothing in it would leave it open, and look as if it were closed.
const NEVER_EMPTY: [&str; 3] = ["keys", "jwt", "pusher.apps"];

/// One table of the configuration, or the top of it. Reading a key takes it out, so that what is left at
/// [`close`](Self::close) is unknown. It has no `Debug`, because values may be secrets.
pub(super) struct Section<'l, 'a> {
    layers: &'l Layers<'a>,
    /// Empty for the top.
    path: String,
    /// What is left of the table.
    table: DeTable<'a>,
    /// Where the table stands.
    place: Place,
    /// Where each key that was found stands.
    places: BTreeMap<String, Place>,
    /// Whether this is one of several tables (`[[topic]]`), about whose keys no flag or variable speaks.
    is_item: bool,
    /// Whether the table stands in the file, be it empty.
    is_there: bool,
}

impl<'l, 'a> Section<'l, 'a> {
    /// The top of the configuration.
    pub(super) fn top(layers: &'l Layers<'a>, table: DeTable<'a>, place: Place) -> Self {
        Self {
            layers,
            path: String::new(),
            table,
            place,
            places: BTreeMap::new(),
            is_item: false,
            is_there: true,
        }
    }

    /// Reads a key. `None` if it is given nowhere, or if what is given is a problem, which is noted.
    pub(super) fn read<T>(&mut self, key: &str, parse: impl Fn(&Given<'_>) -> Parsed<T>) -> Option<T> {
        self.read_also(key, None, parse)
    }

    /// [`read`](Self::read), with a second environment variable that is honoured after the key's own.
    pub(super) fn read_also<T>(
        &mut self,
        key: &str,
        second_variable: Option<&str>,
        parse: impl Fn(&Given<'_>) -> Parsed<T>,
    ) -> Option<T> {
        let (place, given) = self.take(key, second_variable)?;
        self.places.insert(key.to_owned(), place);
        parse(&given).map_err(|message| self.reject(key, message)).ok()
    }

    /// Whether a key that was read, or a list of tables, was given, rightly or wrongly.
    pub(super) fn has(&self, key: &str) -> bool {
        self.places.contains_key(key)
    }

    /// Whether the table is in the file, or a key that was read was given elsewhere.
    pub(super) fn is_given(&self) -> bool {
        self.is_there || !self.places.is_empty()
    }

    /// Notes a problem with a key, at the place it was read from, or at the table's if it was given nowhere.
    pub(super) fn reject(&self, key: &str, message: impl AsRef<str>) {
        self.reject_at(key, format!("{}: {}", self.path_of(key), message.as_ref()));
    }

    /// [`reject`](Self::reject), with a message that names the key itself.
    pub(super) fn reject_at(&self, key: &str, message: impl Into<String>) {
        self.layers.problem(self.places.get(key).unwrap_or(&self.place).clone(), message);
    }

    /// Notes a problem with the table as a whole.
    pub(super) fn reject_all(&self, message: impl AsRef<str>) {
        self.layers.problem(self.place.clone(), format!("[[{}]]: {}", self.path, message.as_ref()));
    }

    /// A table in this one. It is empty if it is not there.
    pub(super) fn section(&mut self, key: &str) -> Section<'l, 'a> {
        let found = self.table.remove_entry(key);
        let is_there = found.is_some();
        let place = found.as_ref().map_or_else(|| self.place.clone(), |(name, _)| self.place_of(name));
        let table = match found.map(|(_, value)| value.into_inner()) {
            Some(DeValue::Table(table)) => table,
            Some(_) => {
                let path = self.path_of(key);
                let message = format!("{path} is a table: write [{path}], and its keys below");
                self.layers.problem(place.clone(), message);
                DeTable::new()
            }
            None => DeTable::new(),
        };
        let path = self.path_of(key);
        Section { path, table, place, places: BTreeMap::new(), is_item: false, is_there, ..*self }
    }

    /// The tables of an array of tables, such as `[[topic]]`. Its environment variable holds all of them, in TOML.
    pub(super) fn sections(&mut self, key: &str) -> Vec<Section<'l, 'a>> {
        let path = self.path_of(key);
        self.layers.whole(&path);
        let in_file = self.table.remove_entry(key);
        let (variable, text) = self.layers.variable(&path);
        let (named, value) = match (text, in_file) {
            (Some(text), _) => match DeValue::parse(text) {
                Ok(value) => (Some(Place::Named(variable)), value),
                Err(error) => {
                    let message = format!("it is not TOML ({}): write '[{{ … }}, {{ … }}]'", error.message());
                    self.places.insert(key.to_owned(), Place::Named(variable.clone()));
                    self.layers.problem(Place::Named(variable), message);
                    return Vec::new();
                }
            },
            (None, Some((_, value))) => (None, value),
            (None, None) => return Vec::new(),
        };
        let place_of = |value: &Spanned<DeValue<'_>>| match &named {
            Some(place) => place.clone(),
            None => self.layers.line(value.span().start),
        };
        let complain = |place| {
            let message =
                format!("{path} is a list of tables: write [[{path}]], and its keys below, for each of them");
            self.layers.problem(place, message);
        };
        let place = place_of(&value);
        self.places.insert(key.to_owned(), place.clone());
        let DeValue::Array(items) = value.into_inner() else {
            complain(place);
            return Vec::new();
        };
        if items.is_empty() && NEVER_EMPTY.contains(&&*path) {
            let message = format!("{path} is given, and there is none in it: give one, or take it out");
            self.layers.problem(place, message);
        }
        let mut sections = Vec::new();
        for item in items {
            let place = place_of(&item);
            let DeValue::Table(table) = item.into_inner() else {
                complain(place);
                continue;
            };
            let path = path.clone();
            sections.push(Section { path, table, place, places: BTreeMap::new(), is_item: true, ..*self });
        }
        sections
    }

    /// Whether the table still holds this key.
    pub(super) fn holds(&self, key: &str) -> bool {
        self.table.contains_key(key)
    }

    /// Notes a problem with a key that is not to be read.
    pub(super) fn refuse(&mut self, key: &str, message: &str) {
        if let Some((name, _)) = self.table.remove_entry(key) {
            self.places.insert(key.to_owned(), self.place_of(&name));
            self.reject(key, message);
        }
    }

    /// Takes the whole table, with an addition, for a reader that knows its keys itself.
    pub(super) fn take_all(&mut self, addition: Option<(&'static str, String)>) -> Spanned<DeValue<'a>> {
        for (key, _) in &self.table {
            self.places.insert(key.get_ref().to_string(), self.place_of(key));
        }
        let mut table = std::mem::take(&mut self.table);
        if let Some((key, text)) = addition {
            table.insert(Spanned::new(0..0, key.into()), Spanned::new(0..0, DeValue::String(text.into())));
        }
        Spanned::new(0..0, DeValue::Table(table))
    }

    /// Notes what nobody asked for as unknown.
    pub(super) fn close(self) {
        for (key, _) in &self.table {
            let header = match (self.path.as_str(), self.is_item) {
                ("", _) => String::new(),
                (path, false) => format!(" in [{path}]"),
                (path, true) => format!(" in [[{path}]]"),
            };
            let unknown = format!("unknown key `{}`{header}", key.get_ref());
            self.layers.left_over(&self.path, key.get_ref(), unknown, self.place_of(key));
        }
    }

    fn take(&mut self, key: &str, second_variable: Option<&str>) -> Option<(Place, Given<'a>)> {
        let path = self.path_of(key);
        self.layers.key(path.clone());
        let in_file = self.table.remove_entry(key);
        let above = if self.is_item { None } else { self.layers.above_the_file(&path, second_variable) };
        above.or_else(|| in_file.map(|(name, value)| (self.place_of(&name), Given::Toml(value.into_inner()))))
    }

    fn path_of(&self, key: &str) -> String {
        if self.path.is_empty() { key.to_owned() } else { format!("{}.{key}", self.path) }
    }

    /// Where a key of this table stands: on its line, or in the environment variable that holds the whole table.
    fn place_of<T>(&self, at: &Spanned<T>) -> Place {
        match (&self.place, self.is_item) {
            (Place::Named(_), true) => self.place.clone(),
            _ => self.layers.line(at.span().start),
        }
    }
}
