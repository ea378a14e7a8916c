//! The limit of open files, which is what a connection costs first.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::error::Error;

/// Files that a process has open besides connections: standard streams, the poller, pipes to workers.
const OTHERS: u64 = 64;

/// Raises the limit as far as it goes, and checks that so many connections fit.
///
/// # Errors
/// [`Error::TooManyFiles`].
pub(crate) fn make_room(connections: usize) -> Result<(), Error> {
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit { current: limit.maximum, maximum: limit.maximum };
    let room = match setrlimit(Resource::Nofile, raised) {
        Ok(()) => limit.maximum,
        Err(_) => limit.current,
    };
    // None means without limit.
    let fits = room.unwrap_or(u64::MAX).saturating_sub(OTHERS);
    if connections as u64 > fits {
        return Err(Error::TooManyFiles {
            connections,
            fits,
            processes: (connections as u64).div_ceil(fits.max(1)),
        });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_not_fit_is_told_with_what_would_help() {
        make_room(10).unwrap();
        let limit = getrlimit(Resource::Nofile);
        assert_eq!(limit.current, limit.maximum);
        let Some(room) = limit.maximum else { return };
        let too_many = usize::try_from(room).unwrap() * 2;
        let text = make_room(too_many).unwrap_err().to_string();
        assert!(text.contains("--processes 3"), "{text}");
    }
}
