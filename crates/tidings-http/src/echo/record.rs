//! What the hub keeps of a connection, as a private event of a topic of its own in the log: so that a client which names its
//! channels only after it is connected goes on without a gap, also when the hub was restarted meanwhile, and so that a
//! restart announces nobody twice.
//!
//! It grants nothing: whoever comes back is asked for their rights again.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use tidings_hub::{Pattern, Publication, Topic};

use super::{
    channel::{Channel, RESERVED},
    info::Info,
    presence::Member,
    socket_id::SocketId,
};

/// What a connection had.
#[derive(Clone, Debug, Default)]
pub(super) struct Record {
    /// The channels that need a right, and as whom it was in those with presence.
    pub(super) channels: BTreeMap<Channel, Option<Member>>,
    /// The socket ids that the client had before.
    pub(super) former: Vec<SocketId>,
    /// Whether the connection is over, and that is announced or needs not be.
    pub(super) left: bool,
}

/// As it is written.
#[derive(Serialize, Deserialize)]
struct Document {
    channels: BTreeMap<String, Option<Person>>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    former: Vec<String>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    left: bool,
}

#[derive(Serialize, Deserialize)]
struct Person {
    user_id: Box<str>,
    user_info: Info,
}

impl Record {
    /// The event that keeps it. `None` if it cannot be one, for which there is no reason.
    pub(super) fn publication(&self, socket: &SocketId) -> Option<Publication> {
        let person =
            |member: &Member| Person { user_id: member.user.clone(), user_info: member.info.clone() };
        let channels = self.channels.iter();
        let document = Document {
            channels: channels
                .map(|(channel, member)| (channel.name().to_owned(), member.as_ref().map(person)))
                .collect(),
            former: self.former.iter().filter_map(|socket| socket.text().map(str::to_owned)).collect(),
            left: self.left,
        };
        let data = serde_json::to_string(&document).ok()?;
        Some(Publication { private: true, ..Publication::new(topic(socket)?, data) })
    }

    /// Reads what was kept. What is no record, because somebody else has written it, is none.
    pub(super) fn read(data: &[u8]) -> Option<Self> {
        let document: Document = serde_json::from_slice(data).ok()?;
        let member = |Person { user_id, user_info }| Member { user: user_id, info: user_info };
        let channels = document.channels.into_iter();
        Some(Self {
            channels: channels
                .filter_map(|(name, person)| Some((Channel::new(&name).ok()?, person.map(member))))
                .collect(),
            former: document.former.iter().filter_map(|text| SocketId::parse(text)).collect(),
            left: document.left,
        })
    }

    /// Where it was in presence channels, and as whom.
    pub(super) fn rooms(&self) -> impl Iterator<Item = (Channel, Member)> {
        self.channels.iter().filter_map(|(channel, member)| Some((channel.clone(), member.clone()?)))
    }
}

/// Where a connection's record is.
pub(super) fn topic(socket: &SocketId) -> Option<Topic> {
    Topic::new(format!("{RESERVED}{}", socket.mark())).ok()
}

/// Where all records are.
pub(super) fn topics() -> Option<Pattern> {
    Pattern::new(format!("{RESERVED}*")).ok()
}

/// Whose record is there.
pub(super) fn socket_of(topic: &Topic) -> Option<SocketId> {
    SocketId::marked(topic.as_str().strip_prefix(RESERVED)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_survives_the_log() {
        let socket = SocketId::parse("1.2").unwrap();
        let info = serde_json::from_str("{\"name\":\"Ann\"}").unwrap();
        let channels = [
            (Channel::new("private-orders.7").unwrap(), None),
            (Channel::new("presence-room.1").unwrap(), Some(Member { user: "7".into(), info })),
        ];
        let record = Record { channels: channels.into(), former: vec![SocketId::random()], left: true };
        let kept = record.publication(&socket).unwrap();
        assert!(kept.private && kept.check().is_ok());
        assert!(!kept.topics[0].as_str().contains("1.2"));
        assert_eq!(socket_of(&kept.topics[0]), Some(socket));
        let read = Record::read(&kept.data).unwrap();
        assert!(read.left && read.former == record.former);
        assert!(read.channels.keys().eq(record.channels.keys()));
        let rooms: Vec<_> = read.rooms().map(|(channel, member)| (channel, member.user)).collect();
        assert_eq!(rooms, [(Channel::new("presence-room.1").unwrap(), "7".into())]);
    }

    #[test]
    fn a_plain_record_is_as_plain_as_can_be() {
        let channels = [(Channel::new("private-a").unwrap(), None)].into();
        let record = Record { channels, ..Record::default() };
        let kept = record.publication(&SocketId::random()).unwrap();
        assert_eq!(kept.data, "{\"channels\":{\"private-a\":null}}");
    }

    #[test]
    fn what_others_wrote_there_does_no_harm() {
        for data in ["", "x", "[]", "{\"channels\":[]}", "{\"channels\":{\"presence-a\":{\"user_id\":7}}}"] {
            assert!(Record::read(data.as_bytes()).is_none(), "{data}");
        }
        let odd =
            Record::read(b"{\"channels\":{\"\":null,\"tidings/echo/1.2\":null},\"former\":[\"x\"]}").unwrap();
        assert!(odd.channels.is_empty() && odd.former.is_empty());
    }
}
