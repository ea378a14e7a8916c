//! Subscriptions whose rights end, are taken back, or that last only so long.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
    time::{Duration, SystemTime},
};

use tidings_hub::{
    Bearer, Companion, EndReason, Hub, Publication, ReadRights, Selection, Settings, Start, Subscription,
};

use crate::{
    support::{data, hub, publication, read_until, settings, soon, subscription, topic, until},
    transport::Transport,
};

/// Of a tick of 10 ms.
fn brisk() -> Settings {
    Settings { heartbeat: Duration::from_millis(150), ..settings(1) }
}

fn bearers(user: &str) -> Vec<Arc<Bearer>> {
    vec![Arc::new(Bearer { user: Some(user.into()), ..Bearer::default() })]
}

fn ended(hub: &Hub, reason: EndReason) -> u64 {
    hub.stats().ended.iter().find(|(one, _)| *one == reason).map_or(0, |(_, count)| *count)
}

/// All that a stream says until it ends.
async fn all(hub: &Hub, transport: Transport, subscription: Subscription) -> String {
    let mut stream = transport.subscribe(hub, subscription).await.unwrap();
    let mut text = Vec::new();
    while let Some(bytes) = soon("the end of the stream", stream.next()).await {
        text.extend(bytes);
    }
    String::from_utf8(text).unwrap()
}

#[tokio::test]
async fn a_stream_ends_with_its_rights_and_says_so_before() {
    for transport in Transport::ALL {
        let hub = hub(Settings { expiry_notice: Duration::from_millis(200), ..brisk() });
        let expires = SystemTime::now() + Duration::from_millis(600);
        let subscription = Subscription { expires: Some(expires), ..subscription(&["a"], Start::Live) };
        let text = all(&hub, transport, subscription).await;
        assert!(SystemTime::now() <= expires + Duration::from_secs(30), "it ended");
        let notices = text.matches("event: tidings.close\ndata: {\"in_ms\":").count();
        assert_eq!(notices, 1, "{text}");
        assert!(text.contains("\"reason\":\"expiring\""), "{text}");
        until("it is counted", || ended(&hub, EndReason::Expired) == 1).await;
    }
}

#[tokio::test]
async fn rights_that_are_over_begin_nothing() {
    let hub = hub(brisk());
    hub.publish(publication("a", "x")).await.unwrap();
    let expires = Some(SystemTime::UNIX_EPOCH);
    let one = Subscription { expires, ..subscription(&["a"], Start::Live) };
    all(&hub, Transport::Body, one).await;
    until("it is counted", || ended(&hub, EndReason::Expired) == 1).await;
}

#[tokio::test]
async fn a_stream_lasts_as_long_as_it_is_to_and_ends_in_order() {
    for transport in Transport::ALL {
        let hub = hub(brisk());
        let lifetime = Some(Duration::from_millis(50));
        let text = all(&hub, transport, Subscription { lifetime, ..subscription(&["a"], Start::Live) }).await;
        assert!(!text.contains("tidings.close"), "{text}");
        until("it is counted", || ended(&hub, EndReason::Lifetime) == 1).await;
    }
}

#[tokio::test]
async fn the_closed_are_ended_and_kept_out_and_the_others_are_not() {
    for transport in Transport::ALL {
        let hub = hub(brisk());
        let of = |user| Subscription { bearers: bearers(user), ..subscription(&["a"], Start::Live) };
        let mut stays = transport.subscribe(&hub, of("ann")).await.unwrap();
        let mut nobody = transport.subscribe(&hub, subscription(&["a"], Start::Live)).await.unwrap();
        let closed = tokio::spawn({
            let (hub, subscription) = (hub.clone(), of("bob"));
            async move { all(&hub, transport, subscription).await }
        });
        until("all are there", || hub.stats().subscribed == 3).await;
        hub.close(Arc::new(|bearer| bearer.user.as_deref() == Some("bob")));
        let text = closed.await.unwrap();
        assert!(text.ends_with("event: tidings.close\ndata: {\"reason\":\"revoked\"}\n\n"), "{text}");
        let again = all(&hub, transport, of("bob")).await;
        assert!(!again.contains("data: x"), "{again}");
        hub.publish(publication("a", "x")).await.unwrap();
        for stream in [&mut stays, &mut nobody] {
            let mut text = Vec::new();
            while !text.ends_with(b"data: x\n\n") {
                text.extend(soon("the event", stream.next()).await.unwrap());
            }
        }
        until("both are counted", || ended(&hub, EndReason::Revoked) == 2).await;
    }
}

struct Told(Arc<AtomicUsize>);

impl Drop for Told {
    fn drop(&mut self) {
        self.0.fetch_add(1, SeqCst);
    }
}

#[tokio::test]
async fn a_companion_goes_with_its_subscription() {
    for transport in Transport::ALL {
        let hub = hub(brisk());
        let told = Arc::new(AtomicUsize::new(0));
        let with = |selection| Subscription {
            companion: Some(Companion::new(Told(told.clone()))),
            ..Subscription::new(selection, Start::Live)
        };
        assert!(transport.subscribe(&hub, with(Selection::default())).await.is_err());
        assert_eq!(told.load(SeqCst), 1, "it was not accepted");
        let stream = transport.subscribe(&hub, with(Selection::all())).await.unwrap();
        until("it is there", || hub.stats().subscribers == 1).await;
        assert_eq!(told.load(SeqCst), 1);
        drop(stream);
        until("it is told of the end", || told.load(SeqCst) == 2).await;
        let _drained = transport.subscribe(&hub, with(Selection::all())).await.unwrap();
        hub.drain(Duration::ZERO);
        until("it is told of a drain", || told.load(SeqCst) == 3).await;
    }
}

/// Everybody listens to the same, with a token of their own: a private event is for one of them, and each sees the same
/// order.
#[tokio::test]
async fn a_private_event_among_public_ones_reaches_its_reader_in_its_place() {
    let hub = hub(settings(1));
    let mut streams = Vec::new();
    for user in ["ann", "bob"] {
        let private = Selection::topic(topic(user));
        let read = Arc::new(ReadRights { public: Selection::all(), private });
        let subscription = Subscription { read, ..subscription(&["books"], Start::Live) };
        streams.push(hub.subscribe(subscription).await.unwrap());
    }
    for round in 0..2 {
        let event = |data: &str, private, topics: &[&str]| Publication {
            private,
            topics: topics.iter().map(|name| topic(name)).collect(),
            ..publication("books", format!("{data}{round}"))
        };
        let batch = vec![
            event("first", false, &["books"]),
            event("anns", true, &["books", "ann"]),
            event("second", false, &["books"]),
            event("nobodys", true, &["books"]),
            event("bobs", true, &["bob", "books"]),
            event("last", false, &["books"]),
        ];
        hub.publish_all(batch).await.unwrap();
        for (stream, own) in streams.iter_mut().zip(["ann", "bob"]) {
            let last = format!("data: last{round}\n\n");
            let text = crate::support::read_until(stream, &last).await;
            let data: Vec<&str> = text.lines().filter_map(|line| line.strip_prefix("data: ")).collect();
            let of = |name: &str| format!("{name}{round}");
            let expected = match own {
                "ann" => [of("first"), of("anns"), of("second"), of("last")],
                _ => [of("first"), of("second"), of("bobs"), of("last")],
            };
            assert_eq!(data, expected);
        }
        until("both are up to date", || hub.stats().subscribers_behind == 0).await;
    }
}

/// Whatever waits for a shard: who is closed is closed first.
#[tokio::test]
async fn nothing_published_after_a_revocation_reaches_the_revoked() {
    const CROWD: usize = 50;
    let hub = hub(brisk());
    for round in 0..20 {
        let user = format!("user {round}");
        let subscribe = || Subscription { bearers: bearers(&user), ..subscription(&["a"], Start::Live) };
        let streams = (0..CROWD).map(|_| hub.subscribe(subscribe()));
        let streams = futures_util::future::try_join_all(streams).await.unwrap();
        until("all are up to date", || hub.stats().subscribers_behind == 0).await;
        // So that the shard has something else to do.
        hub.publish_all((0..200).map(|_| publication("a", "before")).collect()).await.unwrap();
        let closed = user.clone();
        hub.close(Arc::new(move |bearer| bearer.user.as_deref() == Some(&closed)));
        hub.publish(publication("a", "after")).await.unwrap();
        for mut stream in streams {
            let mut text = Vec::new();
            while let Some(bytes) = soon("the end of the stream", stream.next()).await {
                text.extend(bytes);
            }
            assert!(!String::from_utf8(text).unwrap().contains("data: after"), "round {round}");
        }
    }
}

/// The name of a channel is enough: those who publish it may not know of rights.
#[tokio::test]
async fn what_is_published_to_a_private_channel_is_private() {
    let hub = hub(settings(1));
    let public = Arc::new(ReadRights { public: Selection::all(), private: Selection::default() });
    let subscribe = |read: Arc<ReadRights>| {
        hub.subscribe(Subscription { read, ..Subscription::new(Selection::all(), Start::Live) })
    };
    let mut stranger = subscribe(public).await.unwrap();
    let mut all = subscribe(ReadRights::everything()).await.unwrap();
    for name in ["private-a", "presence-a", "#server-to-user-7"] {
        let topics = [topic("a"), topic(name)].into();
        hub.publish(Publication { topics, ..publication("a", name) }).await.unwrap();
    }
    hub.publish(publication("a", "end")).await.unwrap();
    assert_eq!(data(&read_until(&mut stranger, "data: end\n\n").await), ["end"]);
    assert_eq!(data(&read_until(&mut all, "data: end\n\n").await).len(), 4);
}
