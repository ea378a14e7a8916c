//! What a connection has: the channels it was granted, and what of the log that lets it hear.

use std::{collections::BTreeMap, sync::Arc, time::SystemTime};

use tidings_hub::{Bearer, Change, ReadRights, Selection, Selector, Topic};

use super::{
    channel::{Channel, Kind, RESERVED},
    presence::Member,
    record::Record,
    socket_id::SocketId,
};

/// What a stream begins with, whatever channels come and go.
#[derive(Clone, Debug, Default)]
pub(super) struct Base {
    /// The public channels that it hears without asking for each.
    pub(super) selection: Selection,
    /// Where it may see public events.
    pub(super) public: Selection,
    pub(super) bearer: Option<Arc<Bearer>>,
    pub(super) expires: Option<SystemTime>,
}

/// A channel that was granted.
#[derive(Clone, Debug)]
pub(super) struct Holding {
    /// Whether its public events are seen, and its private ones.
    pub(super) public: bool,
    pub(super) private: bool,
    /// As whom, in a presence channel.
    pub(super) member: Option<Member>,
    pub(super) bearer: Option<Arc<Bearer>>,
    pub(super) expires: Option<SystemTime>,
}

/// All channels of a connection.
pub(super) type Holdings = BTreeMap<Channel, Holding>;

/// What these let a stream hear.
pub(super) fn change(base: &Base, holdings: &Holdings) -> Change {
    let seen = |is_seen: fn(&Holding) -> bool| {
        holdings.iter().filter(move |(_, holding)| is_seen(holding)).map(|(channel, _)| channel.selector())
    };
    let selection: Selection =
        base.selection.selectors().chain(holdings.keys().map(Channel::selector)).collect();
    let public = base.public.selectors().chain(seen(|holding| holding.public)).collect();
    let private = seen(|holding| holding.private).collect();
    // Each whose rights it has can take them back.
    let mut bearers: Vec<Arc<Bearer>> = Vec::new();
    for bearer in base.bearer.iter().chain(holdings.values().filter_map(|holding| holding.bearer.as_ref())) {
        if !bearers.contains(bearer) {
            bearers.push(bearer.clone());
        }
    }
    Change {
        selection: if selection.is_empty() { nothing() } else { selection },
        read: Arc::new(ReadRights { public, private }),
        bearers,
        expires: holdings.values().filter_map(|holding| holding.expires).chain(base.expires).min(),
    }
}

/// Asked for where nothing is yet: nobody publishes to it.
fn nothing() -> Selection {
    Topic::new(format!("{RESERVED}none")).map(Selector::Exact).into_iter().collect()
}

/// What is kept of them.
pub(super) fn record(holdings: &Holdings, former: &[SocketId]) -> Record {
    let guarded = holdings.iter().filter(|(channel, _)| channel.kind() != Kind::Public);
    let channels = guarded.map(|(channel, holding)| (channel.clone(), holding.member.clone())).collect();
    Record { channels, former: former.to_vec(), left: false }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn channel(name: &str) -> Channel {
        Channel::new(name).unwrap()
    }

    fn holding(user: Option<&str>, expires: Option<u64>) -> Holding {
        Holding {
            public: false,
            private: true,
            member: None,
            bearer: Some(Arc::new(Bearer { user: user.map(Into::into), ..Bearer::default() })),
            expires: expires.map(|seconds| SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)),
        }
    }

    fn everything_public() -> Base {
        Base { selection: Selection::all(), public: Selection::all(), ..Base::default() }
    }

    #[test]
    fn private_events_are_seen_in_exactly_the_channels_that_were_granted() {
        let holdings = [(channel("private-a"), holding(None, None))].into();
        let change = change(&everything_public(), &holdings);
        assert!(change.selection.is_all() && change.read.public.is_all());
        let topic = |name: &str| [Topic::new(name).unwrap()];
        assert!(change.read.sees(&topic("private-a"), true));
        assert!(!change.read.sees(&topic("private-b"), true));
        assert!(change.read.sees(&topic("messages"), false));
    }

    #[test]
    fn a_public_channel_is_no_way_to_private_events() {
        let public = Holding { public: true, private: false, ..holding(None, None) };
        let change = change(&Base::default(), &[(channel("messages"), public)].into());
        assert_eq!(change.selection.topics().len(), 1);
        let topics = [Topic::new("messages").unwrap()];
        assert!(change.read.sees(&topics, false) && !change.read.sees(&topics, true));
    }

    #[test]
    fn who_has_nothing_hears_nothing() {
        let change = change(&Base::default(), &Holdings::new());
        assert!(!change.selection.is_empty() && change.read.is_nothing());
    }

    #[test]
    fn the_stream_is_everybodys_whose_rights_it_has_and_ends_with_the_first_grant_that_does() {
        let holdings = [
            (channel("private-a"), holding(None, Some(9))),
            (channel("presence-b"), holding(Some("7"), Some(5))),
            (channel("presence-c"), holding(Some("7"), None)),
        ]
        .into();
        let token = Arc::new(Bearer { token: Some("t".into()), ..Bearer::default() });
        let of = change(&Base { bearer: Some(token.clone()), ..everything_public() }, &holdings);
        let [first, seven, nobody] = &of.bearers[..] else { panic!("{:?}", of.bearers) };
        assert_eq!((first, &**nobody, seven.user.as_deref()), (&token, &Bearer::default(), Some("7")));
        assert_eq!(of.expires, Some(SystemTime::UNIX_EPOCH + Duration::from_secs(5)));
    }

    #[test]
    fn only_channels_that_need_a_right_are_kept() {
        let holdings = [
            (channel("messages"), Holding { public: true, private: false, ..holding(None, None) }),
            (channel("private-a"), holding(None, None)),
        ]
        .into();
        let record = record(&holdings, &[]);
        assert!(record.channels.keys().eq([&channel("private-a")]));
    }
}
