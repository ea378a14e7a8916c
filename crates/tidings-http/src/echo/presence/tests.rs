//! Cases by hand, and any course of events against a simple model.

use std::collections::BTreeSet;

use proptest::{collection::vec, prelude::*};
use serde_json::value::RawValue;

use super::*;

const GRACE: Duration = Duration::from_secs(10);

fn socket(number: usize) -> SocketId {
    SocketId::parse(&format!("{number}.1")).unwrap()
}

fn room(name: &str) -> Channel {
    Channel::new(&format!("presence-{name}")).unwrap()
}

fn member(user: &str) -> Member {
    described(user, &format!("{user:?}"))
}

fn described(user: &str, info: &str) -> Member {
    Member { user: user.into(), info: Info::new(&RawValue::from_string(info.to_owned()).unwrap()) }
}

/// `+ann` or `-ann` for each.
fn said(announcements: impl IntoIterator<Item = Announcement>) -> Vec<String> {
    let word = |one: Announcement| {
        let sign = if one.came { '+' } else { '-' };
        format!("{sign}{}", one.info.get().trim_matches('"'))
    };
    announcements.into_iter().map(word).collect()
}

struct Scene {
    presence: Presence,
    start: Instant,
}

impl Scene {
    fn new() -> Self {
        Self { presence: Presence::new(GRACE), start: Instant::now() }
    }

    fn join(&mut self, number: usize, user: &str) -> Vec<String> {
        self.presence.enter(socket(number));
        said(self.presence.join(&socket(number), &room("a"), &member(user)))
    }

    fn end(&mut self, number: usize, at: Duration) {
        self.presence.end(&socket(number), self.start + at);
    }

    fn expire(&mut self, at: Duration) -> Vec<String> {
        let now = self.start + at;
        let gone = std::iter::from_fn(|| self.presence.expire(now));
        said(gone.flat_map(|gone| gone.announcements))
    }

    fn users(&self) -> Vec<String> {
        self.presence.members(&room("a")).into_iter().map(|member| member.user.to_string()).collect()
    }

    fn is_empty(&self) -> bool {
        self.presence.rooms.is_empty() && self.presence.sockets.is_empty() && self.presence.waits.is_empty()
    }
}

#[test]
fn the_first_connection_of_a_user_comes_and_the_last_one_leaves() {
    let mut scene = Scene::new();
    assert_eq!(scene.join(1, "ann"), ["+ann"]);
    assert_eq!(scene.join(2, "ann"), [""; 0]);
    assert_eq!(scene.join(1, "ann"), [""; 0]);
    assert_eq!(scene.users(), ["ann"]);
    assert_eq!(said(scene.presence.leave(&socket(1), &room("a"))), [""; 0]);
    assert_eq!(said(scene.presence.leave(&socket(1), &room("a"))), [""; 0]);
    assert_eq!(said(scene.presence.leave(&socket(2), &room("a"))), ["-ann"]);
    assert_eq!(scene.users(), [""; 0]);
}

#[test]
fn who_is_back_within_the_grace_time_never_left() {
    let mut scene = Scene::new();
    scene.join(1, "ann");
    scene.end(1, Duration::ZERO);
    assert_eq!(scene.expire(GRACE - Duration::from_millis(1)), [""; 0]);
    assert_eq!(scene.users(), ["ann"]);
    assert_eq!(scene.join(2, "ann"), [""; 0]);
    assert_eq!(said(scene.presence.remove(&socket(1))), [""; 0]);
    assert_eq!(scene.expire(GRACE * 2), [""; 0]);
    scene.end(2, GRACE * 2);
    assert_eq!(scene.expire(GRACE * 3), ["-ann"]);
    assert!(scene.is_empty());
}

#[test]
fn who_comes_back_to_fewer_channels_has_left_the_others() {
    let mut scene = Scene::new();
    scene.join(1, "ann");
    scene.presence.join(&socket(1), &room("b"), &member("ann"));
    scene.end(1, Duration::ZERO);
    scene.presence.enter(socket(2));
    scene.presence.join(&socket(2), &room("b"), &member("ann"));
    assert_eq!(said(scene.presence.remove(&socket(1))), ["-ann"]);
    assert_eq!(scene.presence.members(&room("b")).len(), 1);
}

#[test]
fn another_user_on_the_same_connection_takes_the_place() {
    let mut scene = Scene::new();
    scene.join(1, "ann");
    assert_eq!(scene.join(1, "bob"), ["-ann", "+bob"]);
    assert_eq!(scene.users(), ["bob"]);
}

#[test]
fn the_latest_description_of_a_user_counts() {
    let mut scene = Scene::new();
    scene.join(1, "ann");
    scene.presence.enter(socket(2));
    assert!(scene.presence.join(&socket(2), &room("a"), &described("ann", "\"Ann\"")).is_empty());
    assert_eq!(scene.presence.members(&room("a"))[0].info.get(), "\"Ann\"");
    scene.presence.leave(&socket(2), &room("a"));
    assert_eq!(said(scene.presence.leave(&socket(1), &room("a"))), ["-Ann"]);
}

#[test]
fn those_of_before_the_start_are_there_until_the_grace_time_is_over() {
    let mut scene = Scene::new();
    let before = [(room("a"), member("ann")), (room("a"), member("bob"))];
    for (number, rooms) in before.into_iter().enumerate() {
        scene.presence.restore(&socket(number), [rooms], scene.start);
    }
    assert_eq!(scene.users(), ["ann", "bob"]);
    assert_eq!(scene.join(7, "ann"), [""; 0]);
    scene.presence.remove(&socket(0));
    // What is kept is older than what the application says of one who is back.
    scene.presence.enter(socket(8));
    scene.presence.join(&socket(8), &room("a"), &described("bob", "\"Bob\""));
    scene.presence.restore(&socket(9), [(room("a"), member("bob"))], scene.start);
    assert_eq!(scene.presence.members(&room("a"))[1].info.get(), "\"Bob\"");
    scene.presence.remove(&socket(8));
    scene.presence.remove(&socket(9));
    // One that is back is not put there again.
    scene.presence.restore(&socket(7), [(room("a"), member("cat"))], scene.start);
    assert_eq!(scene.expire(GRACE), ["-Bob"]);
    assert_eq!(scene.users(), ["ann"]);
}

#[test]
fn a_connection_that_is_not_there_joins_nothing() {
    let mut presence = Presence::new(GRACE);
    assert!(presence.join(&socket(1), &room("a"), &member("ann")).is_empty());
    presence.end(&socket(1), Instant::now());
    assert!(presence.remove(&socket(1)).is_empty() && presence.next_expiry().is_none());
}

#[test]
fn those_who_are_waited_for_are_bounded() {
    let mut scene = Scene::new();
    for number in 0..MAX_AWAY + 2 {
        scene.presence.enter(socket(number));
        scene.presence.end(&socket(number), scene.start);
    }
    // Those who are back are waited for no longer.
    for number in MAX_AWAY + 2..MAX_AWAY + 9 {
        scene.presence.enter(socket(number));
        scene.presence.end(&socket(number), scene.start);
        scene.presence.remove(&socket(number));
    }
    let gone = std::iter::from_fn(|| scene.presence.expire(scene.start)).count();
    assert_eq!(gone, 2);
}

/// Something that happens.
#[derive(Clone, Debug)]
enum Step {
    Join(usize, &'static str, &'static str),
    Leave(usize, &'static str),
    End(usize),
    /// The first is taken over by the second, which joins this channel.
    Reconnect(usize, usize, &'static str, &'static str),
    Wait,
}

fn step() -> impl Strategy<Value = Step> {
    let number = || 0..5_usize;
    let user = || prop::sample::select(vec!["ann", "bob"]);
    let name = || prop::sample::select(vec!["a", "b"]);
    prop_oneof![
        4 => (number(), user(), name()).prop_map(|(n, u, c)| Step::Join(n, u, c)),
        2 => (number(), name()).prop_map(|(n, c)| Step::Leave(n, c)),
        2 => number().prop_map(Step::End),
        2 => (number(), number(), user(), name()).prop_map(|(a, b, u, c)| Step::Reconnect(a, b, u, c)),
        2 => Just(Step::Wait),
    ]
}

/// Each connection that is there, with the steps until it is waited for no longer, and who it is where.
#[derive(Default)]
struct Model(BTreeMap<usize, (Option<u8>, BTreeMap<&'static str, &'static str>)>);

impl Model {
    fn present(&self) -> BTreeSet<(String, String)> {
        let rooms = self.0.values().flat_map(|(_, rooms)| rooms);
        rooms.map(|(name, user)| (format!("presence-{name}"), (*user).to_owned())).collect()
    }

    fn join(&mut self, number: usize, user: &'static str, name: &'static str) {
        self.0.entry(number).or_default().1.insert(name, user);
    }

    fn wait(&mut self) {
        self.0.values_mut().for_each(|(left, _)| *left = left.map(|left| left.saturating_sub(1)));
        self.0.retain(|_, (left, _)| *left != Some(0));
    }
}

/// Half of it passes at each [`Step::Wait`].
const STEPS_OF_GRACE: u8 = 2;

proptest! {
    /// What was announced is what is listed is what the model has: nobody comes or leaves twice, whatever happens.
    #[test]
    fn whoever_has_come_and_not_left_is_there(steps in vec(step(), 1..80)) {
        let (mut presence, mut model) = (Presence::new(GRACE), Model::default());
        let (mut now, mut heard) = (Instant::now(), BTreeSet::new());
        for step in steps {
            let mut announced = Vec::new();
            match step {
                Step::Join(number, user, name) => {
                    presence.enter(socket(number));
                    announced = presence.join(&socket(number), &room(name), &member(user));
                    model.join(number, user, name);
                }
                Step::Leave(number, name) => {
                    announced.extend(presence.leave(&socket(number), &room(name)));
                    if let Some((_, rooms)) = model.0.get_mut(&number) {
                        rooms.remove(name);
                    }
                }
                Step::End(number) => {
                    presence.end(&socket(number), now);
                    if let Some((left, _)) = model.0.get_mut(&number) {
                        left.get_or_insert(STEPS_OF_GRACE);
                    }
                }
                Step::Reconnect(former, number, user, name) => {
                    presence.enter(socket(number));
                    announced = presence.join(&socket(number), &room(name), &member(user));
                    announced.extend(presence.remove(&socket(former)));
                    model.join(number, user, name);
                    model.0.remove(&former);
                }
                Step::Wait => {
                    now += GRACE / u32::from(STEPS_OF_GRACE);
                    while let Some(gone) = presence.expire(now) {
                        announced.extend(gone.announcements);
                    }
                    model.wait();
                }
            }
            for Announcement { channel, came, info, .. } in announced {
                let who = (channel.name().to_owned(), info.get().trim_matches('"').to_owned());
                let is_new = if came { heard.insert(who.clone()) } else { heard.remove(&who) };
                prop_assert!(is_new, "{who:?} came or left twice");
            }
            let expected = model.present();
            prop_assert_eq!(&heard, &expected);
            let listed = ["a", "b"].iter().flat_map(|name| {
                let of = move |member: Member| (format!("presence-{name}"), member.user.into_string());
                presence.members(&room(name)).into_iter().map(of)
            });
            prop_assert_eq!(listed.collect::<BTreeSet<_>>(), expected);
        }
    }
}
