//! From a topic to the values that were put in under selections which match it.
//!
//! What an event costs must not grow with the selectors that it does not match. So an exact topic is one look-up; a
//! pattern or a template is tried only on topics that begin as it does ([`Prefixes`]), and a URL pattern only on URLs
//! whose host and path do. A hundred thousand templates such as `https://example.com/users/42/{event}`, each with a number
//! of its own, are one look-up together. Taking a value out costs what putting it in did.

mod prefixes;
mod values;

use std::{collections::HashMap, hash::Hash};

use url::Url;

use self::{prefixes::Prefixes, values::Values};
use crate::{
    selector::{Matcher, Selection, UrlBase, UrlPattern},
    slim::slim_map,
    topic::Topic,
};

/// Values, found by the topics that their selections match. A value is in under one selection at a time.
#[derive(Debug)]
pub(crate) struct TopicMap<V> {
    for_all: Values<V>,
    by_topic: HashMap<Topic, Values<V>>,
    by_matcher: HashMap<Matcher, Values<V>>,
    /// The patterns and templates among the matchers.
    names: Prefixes<Matcher>,
    /// The URL patterns among the matchers. A topic is another URL for each base; there is one base, as a rule.
    urls: HashMap<UrlBase, Urls>,
}

/// The URL patterns of one base.
#[derive(Debug, Default)]
struct Urls {
    /// Those of one host, by host and path.
    of_host: Prefixes<UrlPattern>,
    /// The others, by path.
    of_any_host: Prefixes<UrlPattern>,
}

impl<V> Default for TopicMap<V> {
    fn default() -> Self {
        Self {
            for_all: Values::default(),
            by_topic: HashMap::new(),
            by_matcher: HashMap::new(),
            names: Prefixes::default(),
            urls: HashMap::new(),
        }
    }
}

impl<V: Copy + Eq + Hash> TopicMap<V> {
    /// Whether nothing is in it.
    #[cfg(test)]
    pub(crate) fn is_empty(&self) -> bool {
        self.for_all.is_empty() && self.by_topic.is_empty() && self.by_matcher.is_empty()
    }

    /// Puts a value in, to be found by every topic that the selection matches.
    pub(crate) fn insert(&mut self, selection: &Selection, value: V) {
        if selection.is_all() {
            self.for_all.add(value);
        }
        for topic in selection.topics() {
            self.by_topic.entry(topic.clone()).or_default().add(value);
        }
        for matcher in selection.matchers() {
            let values = self.by_matcher.entry(matcher.clone()).or_default();
            if values.is_empty() {
                match matcher {
                    Matcher::Pattern(pattern) => self.names.insert([pattern.prefix()], matcher.clone()),
                    Matcher::Template(template) => self.names.insert([template.prefix()], matcher.clone()),
                    Matcher::Url(pattern) => {
                        self.urls.entry(pattern.base().clone()).or_default().insert(pattern);
                    }
                }
            }
            values.add(value);
        }
    }

    /// Takes a value out that was put in under this selection.
    pub(crate) fn remove(&mut self, selection: &Selection, value: V) {
        if selection.is_all() {
            self.for_all.remove(&value);
        }
        for topic in selection.topics() {
            remove(&mut self.by_topic, topic, &value);
        }
        for matcher in selection.matchers() {
            if !remove(&mut self.by_matcher, matcher, &value) {
                continue;
            }
            match matcher {
                Matcher::Pattern(pattern) => self.names.remove([pattern.prefix()], matcher),
                Matcher::Template(template) => self.names.remove([template.prefix()], matcher),
                Matcher::Url(pattern) => {
                    if let Some(urls) = self.urls.get_mut(pattern.base()) {
                        urls.remove(pattern);
                        if urls.is_empty() {
                            self.urls.remove(pattern.base());
                        }
                    }
                }
            }
        }
    }

    /// Calls `f` with each value whose selection matches the topic: more than once with one that matches it in more than
    /// one way.
    pub(crate) fn for_each(&self, topic: &Topic, mut f: impl FnMut(V)) {
        let mut put = |values: Option<&Values<V>>| {
            values.into_iter().flat_map(Values::iter).copied().for_each(&mut f);
        };
        put(Some(&self.for_all));
        put(self.by_topic.get(topic));
        self.names.find([topic.as_str()], |matcher| {
            if matcher.matches(topic.as_str()) {
                put(self.by_matcher.get(matcher));
            }
        });
        for (base, urls) in &self.urls {
            let Some(url) = base.resolve(topic.as_str()) else { continue };
            urls.find(&url, |pattern| {
                if pattern.matches_url(&url) {
                    put(self.by_matcher.get(&Matcher::Url(pattern.clone())));
                }
            });
        }
    }
}

impl Urls {
    fn is_empty(&self) -> bool {
        self.of_host.is_empty() && self.of_any_host.is_empty()
    }

    fn insert(&mut self, pattern: &UrlPattern) {
        match pattern.host() {
            Some(host) => self.of_host.insert([host, pattern.path_prefix()], pattern.clone()),
            None => self.of_any_host.insert([pattern.path_prefix()], pattern.clone()),
        }
    }

    fn remove(&mut self, pattern: &UrlPattern) {
        match pattern.host() {
            Some(host) => self.of_host.remove([host, pattern.path_prefix()], pattern),
            None => self.of_any_host.remove([pattern.path_prefix()], pattern),
        }
    }

    fn find(&self, url: &Url, mut f: impl FnMut(&UrlPattern)) {
        self.of_host.find([url.host_str().unwrap_or_default(), url.path()], &mut f);
        self.of_any_host.find([url.path()], f);
    }
}

/// Whether the key went with its last value.
fn remove<K: Hash + Eq, V: Hash + Eq>(map: &mut HashMap<K, Values<V>>, key: &K, value: &V) -> bool {
    let Some(values) = map.get_mut(key) else { return false };
    values.remove(value);
    let is_last = values.is_empty();
    if is_last {
        map.remove(key);
        slim_map(map);
    }
    is_last
}

#[cfg(test)]
mod tests;
