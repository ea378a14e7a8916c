//! A subscription that asks for something else while it runs, while it is behind and while it is live, against what each of
//! its requests should have brought it.

use std::{sync::Arc, time::Duration};

use fastrand::Rng;
use tidings_hub::{
    Bearer, Change, Hub, Naming, Opening, Publication, ReadRights, Selection, Settings, Start, Subscription,
};

use crate::support::{
    data, hub, memory, publication, publish_numbers, read_to_end, read_until, selection, settings, soon,
    subscription,
};

/// In every selection.
const ALWAYS: &str = "always";
const OTHERS: [&str; 3] = ["a", "b", "c"];
/// JSON, which is the same under every naming.
const LAST: &str = "\"last\"";

/// One request of the subscription, and between which offsets it began to count.
struct Asked {
    selection: Selection,
    before: u64,
    after: u64,
}

fn some_selection(rng: &mut Rng) -> Selection {
    let others = rng.choose_multiple(OTHERS, 2).into_iter().take(rng.usize(..3));
    selection(&others.chain([ALWAYS]).collect::<Vec<_>>())
}

fn everything(selection: Selection) -> Change {
    Change { selection, read: ReadRights::everything(), bearers: Vec::new(), expires: None }
}

async fn run(mut rng: Rng) {
    let settings = Settings {
        subscriber_bytes: rng.usize(1..400),
        page_bytes: rng.usize(1..400),
        ..settings(rng.usize(1..=2))
    };
    let log = memory(None);
    let hub = Hub::start(log.clone(), settings).unwrap();
    let first = some_selection(&mut rng);
    let naming = rng.choice([Naming::Own, Naming::Channel]).unwrap();
    let subscription = Subscription { naming, ..Subscription::new(first.clone(), Start::Live) };
    let accepted = hub.accept(subscription).await.unwrap();
    let handle = accepted.handle();
    let mut stream = accepted.stream();
    let mut asked = vec![Asked { selection: first, before: 0, after: 0 }];
    let mut published: Vec<&str> = Vec::new();
    let pace = rng.u64(..3);
    let reader = tokio::spawn(async move {
        let mut text = String::new();
        while !text.ends_with(&format!("data: {LAST}\n\n")) {
            tokio::time::sleep(Duration::from_millis(pace)).await;
            let bytes = soon("the last event", stream.next()).await.unwrap();
            text.push_str(std::str::from_utf8(&bytes).unwrap());
        }
        text
    });
    for _ in 0..rng.usize(5..40) {
        let topics: Vec<&str> = (0..rng.usize(1..9))
            .map(|_| if rng.bool() { ALWAYS } else { rng.choice(OTHERS).unwrap() })
            .collect();
        let number = |at: usize| (published.len() + at).to_string();
        let batch = topics.iter().enumerate().map(|(at, name)| publication(name, number(at))).collect();
        hub.publish_all(batch).await.unwrap();
        published.extend(topics);
        if rng.u8(..3) == 0 {
            let (selection, before) = (some_selection(&mut rng), log.status().next);
            handle.change(everything(selection.clone())).unwrap();
            asked.push(Asked { selection, before, after: log.status().next });
        }
        if rng.u8(..4) == 0 {
            tokio::time::sleep(Duration::from_millis(rng.u64(..4))).await;
        }
    }
    hub.publish(publication(ALWAYS, LAST)).await.unwrap();

    let text = reader.await.unwrap();
    let mut seen: Vec<usize> = data(&text).iter().filter_map(|data| data.parse().ok()).collect();
    assert!(seen.is_sorted_by(|one, other| one < other), "{seen:?}");
    seen.reverse();
    for (number, name) in published.iter().enumerate() {
        let was_seen = seen.last() == Some(&number);
        if was_seen {
            seen.pop();
        }
        let matches = |one: &Asked| one.selection.matches(&crate::support::topic(name));
        let counting = asked.iter().rposition(|one| one.after <= number as u64).unwrap_or_default();
        let from_then_on = asked[counting..].iter().filter(|one| one.before > number as u64);
        let must = matches(&asked[counting]) && from_then_on.clone().all(matches);
        let may = matches(&asked[counting]) || from_then_on.into_iter().any(matches);
        assert!(was_seen || !must, "{number} of {name} was left out");
        assert!(!was_seen || may, "{number} of {name} was not asked for");
    }
    assert!(seen.is_empty(), "{seen:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_changed_subscription_misses_and_doubles_nothing() {
    for _ in 0..60 {
        let seed = fastrand::u64(..);
        let world = tokio::spawn(run(Rng::with_seed(seed))).await;
        assert!(world.is_ok(), "see above; the seed was {seed}");
    }
}

#[tokio::test]
async fn what_is_published_once_a_change_has_returned_is_delivered() {
    let hub = hub(settings(2));
    let accepted = hub.accept(subscription(&["a"], Start::Live)).await.unwrap();
    let handle = accepted.handle();
    let mut stream = accepted.stream();
    publish_numbers(&hub, "a", 0..1).await;
    read_until(&mut stream, "data: 0\n\n").await;
    for number in 0..200 {
        let name = format!("t{number}");
        handle.change(everything(selection(&[&name]))).unwrap();
        publish_numbers(&hub, &name, number..number + 1).await;
        read_until(&mut stream, &format!("data: {number}\n\n")).await;
    }
    let topics = hub.topics(Selection::all(), None, usize::MAX).await.unwrap();
    let heard: Vec<_> = topics.iter().filter(|one| one.subscribers > 0).map(|one| &one.topic).collect();
    assert_eq!(heard, [&crate::support::topic("t199")]);
    handle.end();
    read_to_end(&mut stream).await;
    // There is nobody left to be changed.
    handle.change(everything(selection(&["a"]))).unwrap();
    assert!(handle.change(everything(Selection::default())).is_err());
}

#[tokio::test]
async fn rights_and_bearers_change_with_it() {
    let hub = hub(settings(1));
    let nothing_private = ReadRights { public: Selection::all(), private: Selection::default() };
    let wanted = Subscription { read: Arc::new(nothing_private), ..subscription(&["mine"], Start::Live) };
    let accepted = hub.accept(wanted).await.unwrap();
    let handle = accepted.handle();
    let mut stream = accepted.stream();
    let private = |data: &str| Publication { private: true, ..publication("mine", data.to_owned()) };
    hub.publish(private("unseen")).await.unwrap();
    // What it has not been sent yet, it would be sent by the new rights.
    hub.publish(publication("mine", "public")).await.unwrap();
    read_until(&mut stream, "data: public\n\n").await;
    let ann = Arc::new(Bearer { user: Some("ann".into()), ..Bearer::default() });
    let change = Change { bearers: vec![ann], ..everything(selection(&["mine"])) };
    handle.change(change).unwrap();
    hub.publish(private("seen")).await.unwrap();
    let text = read_until(&mut stream, "data: seen\n\n").await;
    assert_eq!(data(&text), ["seen"]);
    let is_ann = |bearer: &Bearer| bearer.user.as_deref() == Some("ann");
    hub.disconnect(Arc::new(is_ann));
    assert_eq!(data(&read_to_end(&mut stream).await), ["tidings.close"]);
    // Once: who comes again is let in.
    let bearers = vec![Arc::new(Bearer { user: Some("ann".into()), ..Bearer::default() })];
    let again = Subscription { bearers, ..subscription(&["mine"], Start::Live) };
    let mut stream = hub.subscribe(again).await.unwrap();
    hub.publish(publication("mine", "hello")).await.unwrap();
    read_until(&mut stream, "data: hello\n\n").await;
}

/// Who has come in is meant, also if the shard hears of both at once, as it does in some of so many rounds.
#[tokio::test]
async fn who_has_just_come_in_is_disconnected() {
    let hub = hub(settings(1));
    for _ in 0..300 {
        let bearers = vec![Arc::new(Bearer { user: Some("ann".into()), ..Bearer::default() })];
        let mut stream =
            hub.subscribe(Subscription { bearers, ..subscription(&["a"], Start::Live) }).await.unwrap();
        hub.disconnect(Arc::new(|_: &Bearer| true));
        read_to_end(&mut stream).await;
    }
}

#[tokio::test]
async fn an_earlier_end_of_rights_ends_the_stream() {
    let hub = hub(settings(1));
    let accepted = hub.accept(subscription(&["a"], Start::Live)).await.unwrap();
    let handle = accepted.handle();
    let mut stream = accepted.stream();
    publish_numbers(&hub, "a", 0..1).await;
    read_until(&mut stream, "data: 0\n\n").await;
    let expires = Some(std::time::SystemTime::now());
    handle.change(Change { expires, ..everything(selection(&["a"])) }).unwrap();
    read_to_end(&mut stream).await;
}

#[tokio::test]
async fn a_change_moves_the_cursor_past_what_was_not_asked_for_until_then() {
    let hub = hub(settings(1));
    let subscribe =
        |names: &[&str], start| Subscription { naming: Naming::Channel, ..subscription(names, start) };
    publish_numbers(&hub, "a", 0..1).await;
    let accepted = hub.accept(subscribe(&["a"], Start::Earliest)).await.unwrap();
    let handle = accepted.handle();
    let mut stream = accepted.stream();
    read_until(&mut stream, "data: 0\n\n").await;
    let mut other = hub.subscribe(subscribe(&["b"], Start::Live)).await.unwrap();
    publish_numbers(&hub, "b", 1..4).await;
    // The one shard has handed it out.
    read_until(&mut other, "data: 3\n\n").await;
    handle.change(everything(selection(&["a", "b"]))).unwrap();
    publish_numbers(&hub, "b", 4..5).await;
    let epoch = hub.log().status().epoch;
    let text = read_until(&mut stream, "data: 4\n\n").await;
    assert!(text.starts_with(&format!("id: {epoch}-3\nevent: general.ping\ndata: []\n\n")), "{text}");
    // Whoever comes back with it gets what was published since the change, and nothing older.
    let again = subscribe(&["a", "b"], Start::After(format!("{epoch}-3")));
    let mut stream = hub.subscribe(again).await.unwrap();
    assert_eq!(data(&read_until(&mut stream, "data: 4\n\n").await), ["4"]);
}

#[tokio::test]
async fn an_opening_carries_the_cursor_and_a_farewell_is_the_last() {
    let hub = hub(settings(1));
    publish_numbers(&hub, "a", 0..2).await;
    let epoch = hub.log().status().epoch;
    let opening = |start: Start| Subscription {
        opening: Some(Opening { event: "hello".into(), data: "1.2".into(), retry: Some(500) }),
        farewell: "event: end\ndata: bye\n\n".into(),
        naming: Naming::Channel,
        ..subscription(&["a"], start)
    };
    let first = |id: &str| format!(":\n{id}event: hello\nretry: 500\ndata: 1.2\n\n");
    let start = |start| hub.subscribe(opening(start));
    let id = |at: u64| format!("{epoch}-{at}");
    for (begin, cursor, end) in [
        (Start::Live, format!("id: {}\n", id(1)), "1.2\n\n"),
        (Start::After(id(0)), format!("id: {}\n", id(0)), "data: 1\n\n"),
        (Start::Earliest, "id: earliest\n".to_owned(), "data: 1\n\n"),
        (Start::After("gone".into()), "id: earliest\n".to_owned(), "data: 1\n\n"),
        (Start::Newest(1), String::new(), "data: 1\n\n"),
    ] {
        let mut stream = start(begin.clone()).await.unwrap();
        let text = read_until(&mut stream, end).await;
        assert!(text.starts_with(&first(&cursor)), "{begin:?}: {text}");
    }
    let mut stream = start(Start::Live).await.unwrap();
    hub.drain(Duration::ZERO);
    let text = read_to_end(&mut stream).await;
    assert!(text.ends_with("1.2\n\nevent: end\ndata: bye\n\n"), "{text}");
}
