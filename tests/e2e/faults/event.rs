//! The events of these tests: each says by its data which it is, so that whoever gets it can tell.

use std::fmt;

/// The topics, in two families, so that patterns can choose.
pub(crate) const TOPICS: [&str; 8] =
    ["even.0", "odd.1", "even.2", "odd.3", "even.4", "odd.5", "even.6", "odd.7"];
/// The publisher of what is not judged, and of the event that everybody waits for at the end.
const NOBODY: u8 = u8::MAX;

/// Which event it is: of this publisher, the one of this number.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Key {
    /// Its place in [`TOPICS`].
    pub(crate) topic: u8,
    pub(crate) publisher: u8,
    pub(crate) number: u32,
}

impl Key {
    /// The last event of all, which is on every topic.
    pub(crate) const END: Self = Self { topic: 0, publisher: NOBODY, number: 0 };

    /// An event that a test published besides, which the oracle does not ask after.
    pub(crate) const ASIDE: Self = Self { topic: 0, publisher: NOBODY, number: 1 };
    /// How the data of such events begins.
    pub(crate) const ASIDE_BEGINS: &str = "aside ";

    /// Its data, with so many bytes more.
    pub(crate) fn data(self, padding: usize) -> String {
        let Self { topic, publisher, number } = self;
        format!("{topic} {publisher} {number} {padding} {}", "x".repeat(padding))
    }

    /// Which event has this data, every byte of which is looked at.
    pub(crate) fn of(data: &str) -> Self {
        Self::parse(data).unwrap_or_else(|| {
            let begin: String = data.chars().take(100).collect();
            panic!("{} bytes that nobody published: {begin:?}", data.len())
        })
    }

    fn parse(data: &str) -> Option<Self> {
        if data.starts_with(Self::ASIDE_BEGINS) {
            return Some(Self::ASIDE);
        }
        let mut parts = data.splitn(5, ' ');
        let mut next = || parts.next();
        let key = Self {
            topic: next()?.parse().ok()?,
            publisher: next()?.parse().ok()?,
            number: next()?.parse().ok()?,
        };
        let (length, padding): (usize, &str) = (next()?.parse().ok()?, next()?);
        (padding.len() == length && padding.bytes().all(|byte| byte == b'x')).then_some(key)
    }

    /// The id of an event whose publisher gives it one.
    pub(crate) fn id(self) -> String {
        format!("{}:{}", self.publisher, self.number)
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::END => formatter.write_str("the end"),
            Self::ASIDE => formatter.write_str("an event aside"),
            Self { topic, publisher, number } => {
                write!(formatter, "{publisher}:{number} on {}", TOPICS[usize::from(topic)])
            }
        }
    }
}

/// What a subscriber asks for.
#[derive(Clone, Debug)]
pub(crate) struct Selection {
    /// The query of `/events`.
    pub(crate) query: String,
    topics: [bool; TOPICS.len()],
}

impl Selection {
    pub(crate) fn all() -> Self {
        Self { query: "pattern=*".into(), topics: [true; TOPICS.len()] }
    }

    /// Some topics by name or pattern, never none.
    pub(crate) fn random(random: &mut fastrand::Rng) -> Self {
        let mut topics = [false; TOPICS.len()];
        let mut query = Vec::new();
        match random.u8(..8) {
            0 => return Self::all(),
            family @ 1..=3 => {
                let prefix = if family == 1 { "even" } else { "odd" };
                query.push(format!("pattern={prefix}.*"));
                for (is_chosen, topic) in topics.iter_mut().zip(TOPICS) {
                    *is_chosen = topic.starts_with(prefix);
                }
            }
            _ => {}
        }
        for _ in 0..random.usize(1..4) {
            let topic = random.usize(..TOPICS.len());
            topics[topic] = true;
            query.push(format!("topic={}", TOPICS[topic]));
        }
        Self { query: query.join("&"), topics }
    }

    pub(crate) fn matches(&self, key: Key) -> bool {
        key == Key::END || key != Key::ASIDE && self.topics[usize::from(key.topic)]
    }
}
