//! `[echo]`: Laravel Echo's channels.

use std::{num::NonZeroU32, time::Duration};

use tidings_http::EchoSettings;
use tidings_hub::Selection;

use super::{keys, section::Section, value};

/// `[echo]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Echo {
    /// Whether the front is served. Default: yes.
    pub(crate) enabled: bool,
    /// The public channels that a stream hears which names none. Default: all.
    pub(crate) channels: Selection,
    /// How long somebody in a presence channel may be away before they have left. Default: 10 s.
    pub(crate) presence_grace: Duration,
    /// How many whispers a second are taken from one connection. Default: 10.
    pub(crate) whisper_rate: NonZeroU32,
    /// The largest data of a whisper. Default: 10 KiB.
    pub(crate) whisper_size: usize,
}

impl Default for Echo {
    fn default() -> Self {
        let EchoSettings { channels, presence_grace, whisper_rate, whisper_size, .. } =
            EchoSettings::default();
        Self { enabled: true, channels, presence_grace, whisper_rate, whisper_size }
    }
}

impl Echo {
    pub(super) fn read(section: &mut Section<'_, '_>) -> Self {
        let default = Self::default();
        Self {
            enabled: section.read("enabled", value::boolean).unwrap_or(default.enabled),
            channels: section.read("channels", value::selection).unwrap_or(default.channels),
            presence_grace: section
                .read("presence_grace", value::duration_or_none)
                .unwrap_or(default.presence_grace),
            whisper_rate: section.read("whisper_rate", keys::rate).unwrap_or(default.whisper_rate),
            whisper_size: section.read("whisper_size", value::memory).unwrap_or(default.whisper_size),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{load, problems};
    use super::*;

    #[test]
    fn it_is_on_and_can_be_set() {
        assert_eq!(load("", &[]).unwrap().echo, Echo::default());
        let text = "[echo]\nchannels = ['news', 'shop.*']\npresence_grace = '0s'\nwhisper_rate = '2/s'\nwhisper_size = '1KiB'\n";
        let echo = load(text, &[("TIDINGS_ECHO_ENABLED", "false")]).unwrap().echo;
        assert_eq!(echo.channels.to_string(), "news, shop.*");
        assert!(!echo.enabled && echo.presence_grace.is_zero());
        assert_eq!((echo.whisper_rate.get(), echo.whisper_size), (2, 1024));
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        for (key, value) in [("whisper_rate", "'0/s'"), ("whisper_rate", "'fast'"), ("whisper_size", "'0B'")]
        {
            let problems = problems(&format!("[echo]\n{key} = {value}"), &[]);
            assert!(problems.contains(&format!("echo.{key}")), "{problems}");
        }
    }
}
