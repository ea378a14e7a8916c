//! What `tidings top` says of two readings, as lines of text.

use std::fmt::Write as _;

use super::{Reading, sample::Sample};
use crate::standard::harmless;

/// Whether lines have colours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Colours {
    None,
    Ansi,
}

/// How something is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Paint {
    Plain,
    Title,
    Quiet,
    Bad,
}

impl Paint {
    fn code(self) -> &'static str {
        match self {
            Self::Plain => "0",
            Self::Title => "1",
            Self::Quiet => "2",
            Self::Bad => "31",
        }
    }
}

/// A line in the making.
type Line = Vec<(Paint, String)>;

#[derive(Debug)]
pub(super) struct View(Vec<Line>);

impl View {
    /// Of the hub with this title, whose figures were these, of which limits have been counted since `since`.
    pub(super) fn new(title: &str, since: &Sample, former: &Reading, latest: &Reading) -> Self {
        let seconds = latest.at.saturating_duration_since(former.at).as_secs_f64();
        let pair = Pair { then: &former.sample, now: &latest.sample, seconds };
        let mut lines = pair.head(title);
        lines.extend(pair.subscribers());
        lines.extend(pair.events());
        lines.extend(pair.program(since));
        lines.extend(pair.sources());
        Self(lines)
    }

    /// The lines, each cut to the width.
    pub(super) fn lines(&self, width: usize, colours: Colours) -> Vec<String> {
        self.0.iter().map(|line| draw(line, width, colours)).collect()
    }

    /// What stands below: how to end, or what is wrong.
    pub(super) fn last_line(&self, width: usize, trouble: Option<&str>, colours: Colours) -> String {
        let line = match trouble {
            Some(trouble) => (Paint::Bad, harmless(trouble).into_owned()),
            None => (Paint::Quiet, "q ends".to_owned()),
        };
        draw(&[line], width, colours)
    }
}

fn draw(line: &[(Paint, String)], width: usize, colours: Colours) -> String {
    let mut drawn = String::new();
    let mut left = width;
    for (paint, text) in line {
        let text: String = text.chars().take(left).collect();
        left -= text.chars().count();
        match (colours, paint) {
            (Colours::None, _) | (_, Paint::Plain) => drawn += &text,
            // Text of this program's own: writing to a string does not fail.
            (Colours::Ansi, paint) => {
                write!(drawn, "\x1b[{}m{text}\x1b[0m", paint.code()).unwrap_or_default()
            }
        }
    }
    match colours {
        Colours::None => drawn.trim_end().to_owned(),
        Colours::Ansi => drawn,
    }
}

struct Pair<'s> {
    then: &'s Sample,
    now: &'s Sample,
    seconds: f64,
}

impl Pair<'_> {
    fn now(&self, name: &str) -> f64 {
        self.now.get(name).unwrap_or_default()
    }

    /// A counter's increase per second. One that fell is of a hub that was started anew.
    fn rate(&self, name: &str) -> f64 {
        let increase = self.now(name) - self.then.get(name).unwrap_or_default();
        if self.seconds > 0.0 { increase.max(0.0) / self.seconds } else { 0.0 }
    }

    /// The middle and the slow end of a histogram's last second.
    fn times(&self, name: &str) -> String {
        let added = self.now.added(self.then, name);
        match (added.quantile(0.5), added.quantile(0.99)) {
            (Some(middle), Some(slow)) => format!("p50 {}  p99 {}", time(middle), time(slow)),
            _ => "–".to_owned(),
        }
    }

    fn head(&self, title: &str) -> Vec<Line> {
        let version = self.now.labels("tidings_info", "version").first().copied().unwrap_or("?").to_owned();
        let state = match (self.now("tidings_log_healthy"), self.now("tidings_draining")) {
            (0.0, _) => (Paint::Bad, "  the log takes no events"),
            (_, draining) if draining > 0.0 => (Paint::Bad, "  draining"),
            _ => (Paint::Plain, ""),
        };
        let title = format!("Tidings {} at {}", harmless(&version), harmless(title));
        let up = format!("  up {}", span(self.now("tidings_uptime_seconds")));
        vec![vec![(Paint::Title, title), (Paint::Plain, up), (state.0, state.1.to_owned())], Vec::new()]
    }

    fn subscribers(&self) -> Vec<Line> {
        let fronts = self.now.by("tidings_streams", "front");
        let fronts = fronts.iter().map(|(front, count)| format!("  {front} {}", number(*count)));
        let states = self.now.by("tidings_streams", "state");
        let state = |name| states.get(name).copied().unwrap_or_default();
        let (behind, blocked) = (state("catching_up"), state("blocked"));
        let paint = if blocked > 0.0 { Paint::Bad } else { Paint::Plain };
        vec![
            row(
                "subscribers",
                format!("{:>9}{}", number(self.now("tidings_subscribers")), fronts.collect::<String>()),
            ),
            vec![
                label(""),
                (Paint::Plain, format!("{:>9} live  {} catching up", number(state("live")), number(behind))),
                (paint, format!("  {} blocked", number(blocked))),
                (
                    Paint::Plain,
                    format!(
                        "  behind by {}, at most {}",
                        number(self.now("tidings_lag_events")),
                        number(self.now("tidings_lag_events_max"))
                    ),
                ),
            ],
            row(
                "per second",
                format!(
                    "{:>9} begin  {} end  {} connections accepted",
                    number(self.rate("tidings_subscriptions_total")),
                    number(self.rate("tidings_subscriptions_ended_total")),
                    number(self.rate("tidings_connections_accepted_total")),
                ),
            ),
            Vec::new(),
        ]
    }

    fn events(&self) -> Vec<Line> {
        vec![
            row(
                "events/s",
                format!(
                    "{:>9} in  {} out",
                    number(self.rate("tidings_events_published_total")),
                    number(self.rate("tidings_events_delivered_total"))
                ),
            ),
            row(
                "bytes/s",
                format!(
                    "{:>9} in  {} out",
                    size(self.rate("tidings_published_bytes_total")),
                    size(self.rate("tidings_delivered_bytes_total"))
                ),
            ),
            row("publish", format!("   {}", self.times("tidings_publish_seconds"))),
            row("delivery", format!("   {}", self.times("tidings_delivery_seconds"))),
            row("flush", format!("   {}", self.times("tidings_log_flush_seconds"))),
            row(
                "replay",
                format!(
                    "{:>9} reads/s  {}",
                    number(self.rate("tidings_replay_reads_total")),
                    self.times("tidings_replay_seconds")
                ),
            ),
            row(
                "shards",
                format!(
                    "{:>9} events wait, {}, for {}",
                    number(self.now("tidings_shard_waiting_events")),
                    size(self.now("tidings_shard_waiting_bytes")),
                    time(self.now.max("tidings_shard_lag_seconds"))
                ),
            ),
            Vec::new(),
        ]
    }

    fn program(&self, since: &Sample) -> Vec<Line> {
        let then = since.by("tidings_limit_hits_total", "limit");
        let hits =
            self.now.by("tidings_limit_hits_total", "limit").into_iter().filter_map(|(limit, count)| {
                let hits = count - then.get(limit).copied().unwrap_or_default();
                (hits > 0.0).then(|| format!("  {} +{}", harmless(limit), number(hits)))
            });
        let hits: String = hits.collect();
        let hits = match hits.is_empty() {
            true => (Paint::Quiet, "        –".to_owned()),
            false => (Paint::Bad, hits),
        };
        vec![
            row(
                "log",
                format!(
                    "{:>9} events  {}  oldest {}",
                    number(self.now("tidings_log_events")),
                    size(self.now("tidings_log_size_bytes")),
                    span(self.now("tidings_log_oldest_age_seconds"))
                ),
            ),
            row(
                "process",
                format!(
                    "{:>9} memory  {:.0} % CPU  {} of {} files",
                    size(self.now("process_resident_memory_bytes")),
                    self.rate("process_cpu_seconds_total") * 100.0,
                    number(self.now("process_open_fds")),
                    number(self.now("process_max_fds"))
                ),
            ),
            vec![label("limits hit"), hits],
        ]
    }

    fn sources(&self) -> Vec<Line> {
        let up = self.now.by("tidings_source_up", "source");
        let events = self.now.by("tidings_source_events_total", "source");
        let before = self.then.by("tidings_source_events_total", "source");
        let failures = self.now.by("tidings_source_failures_total", "source");
        let of = |values: &std::collections::BTreeMap<&str, f64>, name: &str| {
            values.get(name).copied().unwrap_or_default()
        };
        let sources = up.iter().map(|(name, up)| {
            let (paint, state) = if *up > 0.0 { (Paint::Plain, "up") } else { (Paint::Bad, "down") };
            let increase = (of(&events, name) - of(&before, name)).max(0.0);
            let rate = if self.seconds > 0.0 { increase / self.seconds } else { 0.0 };
            let name: String = harmless(name).chars().take(24).collect();
            vec![
                label("source"),
                (Paint::Plain, format!("   {name:<24} ")),
                (paint, format!("{state:<4}")),
                (
                    Paint::Plain,
                    format!("  {} events/s  {} failures", number(rate), number(of(&failures, &name))),
                ),
            ]
        });
        sources.collect()
    }
}

fn label(name: &str) -> (Paint, String) {
    (Paint::Quiet, format!("{name:<12}"))
}

fn row(name: &str, text: String) -> Line {
    vec![label(name), (Paint::Plain, text)]
}

/// A number in at most six characters.
fn number(value: f64) -> String {
    const STEPS: [(f64, &str); 3] = [(1e9, "G"), (1e6, "M"), (1e4, "k")];
    match STEPS.iter().find(|(least, _)| value >= *least) {
        Some((1e4, unit)) => format!("{:.1}{unit}", value / 1e3),
        Some((least, unit)) => format!("{:.1}{unit}", value / least),
        None if value.fract() == 0.0 || value >= 100.0 => format!("{value:.0}"),
        None => format!("{value:.1}"),
    }
}

fn size(bytes: f64) -> String {
    const STEPS: [(f64, &str); 4] = [
        ((1_u64 << 40) as f64, "TiB"),
        ((1_u64 << 30) as f64, "GiB"),
        ((1_u64 << 20) as f64, "MiB"),
        ((1_u64 << 10) as f64, "KiB"),
    ];
    match STEPS.iter().find(|(least, _)| bytes >= *least) {
        Some((least, unit)) => format!("{:.1} {unit}", bytes / least),
        None => format!("{bytes:.0} B"),
    }
}

/// A short time.
fn time(seconds: f64) -> String {
    match seconds {
        0.0 => "0 s".to_owned(),
        ..1e-3 => format!("{:.0} µs", seconds * 1e6),
        ..1.0 => format!("{:.1} ms", seconds * 1e3),
        _ => format!("{seconds:.1} s"),
    }
}

/// A long time, in its two largest units.
fn span(seconds: f64) -> String {
    let seconds = seconds as u64;
    let (days, hours, minutes) = (seconds / 86_400, seconds / 3600 % 24, seconds / 60 % 60);
    match (days, hours, minutes) {
        (0, 0, 0) => format!("{seconds} s"),
        (0, 0, _) => format!("{minutes} min {} s", seconds % 60),
        (0, ..) => format!("{hours} h {minutes} min"),
        _ => format!("{days} d {hours} h"),
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::*;

    fn readings(then: &str, now: &str) -> (Reading, Reading) {
        let at = Instant::now();
        let reading = |text, at| Reading { sample: Sample::parse(text), at };
        (reading(then, at), reading(now, at + Duration::from_secs(2)))
    }

    #[test]
    fn rates_are_of_the_time_between_and_a_restart_is_no_negative_one() {
        let (then, now) = readings(
            "tidings_events_published_total{front=\"native\"} 100\ntidings_events_delivered_total 900\n",
            "tidings_events_published_total{front=\"native\"} 110\ntidings_events_published_total{front=\"echo\"} 4\n\
             tidings_events_delivered_total 3\n",
        );
        let lines = View::new("here", &then.sample, &then, &now).lines(80, Colours::None);
        assert!(lines.iter().any(|line| line == "events/s            7 in  0 out"), "{lines:#?}");
    }

    #[test]
    fn it_fits_and_what_a_hub_says_does_nothing_to_the_terminal() {
        let now = "tidings_info{version=\"\x1b[2J\"} 1\ntidings_source_up{source=\"\x1b]0;x\x07\",kind=\"redis\"} 0\n\
            tidings_limit_hits_total{limit=\"stall\"} 12345\n";
        let (then, now) = readings("", now);
        let view = View::new("http://here", &then.sample, &then, &now);
        for width in [20, 80] {
            let lines = view.lines(width, Colours::None);
            assert!(lines.len() < 24);
            assert!(
                lines.iter().all(|line| line.chars().count() <= width && !line.contains('\x1b')),
                "{lines:#?}"
            );
        }
        assert!(view.lines(80, Colours::Ansi).iter().any(|line| line.contains("\x1b[31m")));
        assert!(!view.last_line(80, Some("\x1b[2J"), Colours::None).contains('\x1b'));
    }

    #[test]
    fn numbers_are_short() {
        assert_eq!(
            [0.0, 7.25, 9999.0, 12_345.0, 1.5e6, 2e9].map(number),
            ["0", "7.2", "9999", "12.3k", "1.5M", "2.0G"]
        );
        assert_eq!([12.0, 2048.0].map(size), ["12 B", "2.0 KiB"]);
        assert_eq!([5e-5, 0.0123, 2.0].map(time), ["50 µs", "12.3 ms", "2.0 s"]);
        assert_eq!([5.0, 65.0, 3700.0, 90_000.0].map(span), ["5 s", "1 min 5 s", "1 h 1 min", "1 d 1 h"]);
    }
}
