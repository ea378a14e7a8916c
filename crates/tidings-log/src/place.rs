//! The place of an event in the log, which is known even when the event is gone.

use tidings_hub::Lookup;

/// Where reading goes on behind an event of this log. As long as nothing behind it has been freed, its place is as good
/// as the event: what a topic's rule has let go behind it, a read from there tells (`Page::gap`).
pub(crate) fn behind(offset: u64, oldest: u64) -> Lookup {
    match offset + 1 >= oldest {
        true => Lookup::After(offset + 1),
        false => Lookup::Expired,
    }
}
