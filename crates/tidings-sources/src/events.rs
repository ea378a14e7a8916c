//! What can happen to a source. Each happening is a function that counts it and logs it, so that the log and the
//! metrics cannot drift apart.

use std::{fmt, sync::atomic::Ordering::Relaxed, time::Duration};

use tracing::{debug, error, info, warn};

use crate::status::Tracker;

/// Where events come from has been reached, or works again.
pub(crate) fn works(source: &Tracker) {
    if source.origin_works() {
        info!(source = source.name, kind = source.kind, "source works");
    }
}

/// Where events come from does not work; the source tries again after `pause`.
pub(crate) fn failed(source: &Tracker, why: &dyn fmt::Display, pause: Duration) {
    source.failures.fetch_add(1, Relaxed);
    let why = why.to_string();
    warn!(
        source = source.name,
        kind = source.kind,
        pause_ms = pause.as_millis() as u64,
        "source does not work: {why}"
    );
    source.origin_fails(why);
}

/// The log has accepted events.
pub(crate) fn accepted(source: &Tracker, events: usize) {
    source.events.fetch_add(events as u64, Relaxed);
    if source.log_trouble(None) {
        info!(source = source.name, "the event log takes this source's events again");
    }
}

/// The log cannot take events now. They are kept, and offered again after `pause`.
pub(crate) fn log_away(source: &Tracker, why: &dyn fmt::Display, pause: Duration) {
    source.failures.fetch_add(1, Relaxed);
    let why = why.to_string();
    if source.log_trouble(Some(why.clone())) {
        warn!(source = source.name, pause_ms = pause.as_millis() as u64, "events of this source wait: {why}");
    } else {
        debug!(
            source = source.name,
            pause_ms = pause.as_millis() as u64,
            "events of this source still wait: {why}"
        );
    }
}

/// The log has been away for so long that the oldest waiting event had to make room.
pub(crate) fn overflowed(source: &Tracker) {
    source.dropped.fetch_add(1, Relaxed);
    if source.once("overflow") {
        error!(
            source = source.name,
            "too many events wait for the event log: the oldest are dropped (this is said once; the metrics count on)"
        );
    }
}

/// The hub or the log refuses an event for good.
pub(crate) fn refused(source: &Tracker, why: &dyn fmt::Display) {
    source.dropped.fetch_add(1, Relaxed);
    warn!(source = source.name, "an event of this source is dropped: {why}");
}

/// Events were still waiting when the program had to stop.
pub(crate) fn abandoned(source: &Tracker, events: usize) {
    source.dropped.fetch_add(events as u64, Relaxed);
    error!(
        source = source.name,
        events, "events of this source are dropped: the event log did not take them before the end"
    );
}

/// Data was not UTF-8; what is not was replaced by U+FFFD.
pub(crate) fn altered(source: &Tracker) {
    source.altered.fetch_add(1, Relaxed);
    if source.once("altered") {
        warn!(
            source = source.name,
            "data is not UTF-8, the only encoding that an event stream has: other bytes are replaced by U+FFFD \
             (this is said once; the metrics count on)"
        );
    }
}

/// A line is longer than the source's limit.
pub(crate) fn line_too_long(source: &Tracker, limit: usize) {
    source.dropped.fetch_add(1, Relaxed);
    if source.once("line") {
        warn!(
            source = source.name,
            limit, "a line is longer than max_line and is dropped (this is said once; the metrics count on)"
        );
    }
}

/// A channel's name cannot be a topic's.
pub(crate) fn bad_channel(source: &Tracker, channel: &str, why: &dyn fmt::Display) {
    source.dropped.fetch_add(1, Relaxed);
    if source.once("channel") {
        warn!(
            source = source.name,
            channel,
            "a message is dropped, its channel cannot be a topic: {why}; set topic, or topics for this channel \
             (this is said once; the metrics count on)"
        );
    }
}

/// The name of an event cannot be its type.
pub(crate) fn untyped(source: &Tracker, why: &dyn fmt::Display) {
    source.altered.fetch_add(1, Relaxed);
    if source.once("untyped") {
        warn!(
            source = source.name,
            "an event is published without a type, its name cannot be one: {why} (this is said once; the metrics count \
             on)"
        );
    }
}

/// A channel looks as if an application's prefix was before its name, and none of the configuration takes all of it off.
pub(crate) fn prefixed(source: &Tracker, channel: &str, prefix: &str) {
    if source.once_for("prefix", prefix) {
        warn!(
            source = source.name,
            channel,
            "a channel's name begins with what looks like an application's prefix, and is published with it or a part of it: \
             add {prefix:?} to strip_prefixes, before the others (this is said once for each prefix)"
        );
    }
}

/// An entry of a stream cannot be published.
pub(crate) fn bad_entry(source: &Tracker, stream: &str, id: &dyn fmt::Display, why: &dyn fmt::Display) {
    source.dropped.fetch_add(1, Relaxed);
    if source.once_for("entry", stream) {
        warn!(
            source = source.name,
            stream,
            entry = %id,
            "an entry of a stream is dropped: {why}; add entries with the fields topic, event and data (this is said once \
             for each stream; the metrics count on)"
        );
    }
}

/// Entries were deleted from their stream before they could be published.
pub(crate) fn deleted_entries(source: &Tracker, stream: &str, entries: u64) {
    source.dropped.fetch_add(entries, Relaxed);
    error!(
        source = source.name,
        stream,
        entries,
        "entries were deleted from their stream before they were published: keep more of it (MAXLEN, MINID)"
    );
}

/// The consumer group was gone, or its stream, and has been made again.
pub(crate) fn group_remade(source: &Tracker, stream: &str, group: &str, from: &dyn fmt::Display) {
    warn!(
        source = source.name,
        stream,
        group,
        "the consumer group was gone and has been made again: reading goes on behind entry {from}"
    );
}

/// The program of a command source wrote to its standard error.
pub(crate) fn complained(source: &Tracker, line: &str) {
    info!(source = source.name, "standard error: {line}");
}
