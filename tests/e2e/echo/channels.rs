//! What laravel-wave does not do: streams that hear exactly what they name, and channels all at once.

use serde_json::json;

use super::{
    Application, Driver, Wave,
    client::{ann, bob},
    hub, publish,
};

#[test]
fn a_stream_hears_the_channels_that_it_names_and_no_others() {
    let application = Application::start(Driver::Redis);
    let hub = hub(&application);
    let mut wave = Wave::query(&hub, "channel=messages&channel=private-orders.7", "ann");
    for (channel, data) in
        [("other", "1"), ("private-orders.8", "2"), ("messages", "3"), ("private-orders.7", "4")]
    {
        publish(&hub, channel, "e", data);
    }
    assert_eq!(wave.heard(), ("messages.e".to_owned(), "3".to_owned()));
    assert_eq!(wave.heard(), ("private-orders.7.e".to_owned(), "4".to_owned()));
}

#[test]
fn a_channel_that_is_refused_is_told_of_and_refuses_nothing_else() {
    let application = Application::start(Driver::Redis);
    let hub = hub(&application);
    let mut wave = Wave::query(&hub, "channel=messages&channel=private-orders.8", "ann");
    let denied = wave.event();
    assert_eq!((&*denied.event, &*denied.id), ("tidings.denied", &*wave.last_id));
    let data: serde_json::Value = serde_json::from_str(&denied.data).unwrap();
    assert_eq!((&data["channel"], &data["status"]), (&json!("private-orders.8"), &json!(403)));
    assert!(data["detail"].as_str().unwrap().contains("private-orders.8"), "{data}");
    publish(&hub, "messages", "e", "1");
    assert_eq!(wave.heard().0, "messages.e");
}

#[test]
fn channels_come_and_go_while_the_stream_runs() {
    let application = Application::start(Driver::Pusher);
    let hub = hub(&application);
    let mut wave = Wave::query(&hub, "channel=marks", "ann");
    publish(&hub, "messages", "e", "too early");
    // What is published has reached the stream some moments later, and it is up to date with what it hears.
    publish(&hub, "marks", "e", "1");
    assert_eq!(wave.heard().0, "marks.e");
    let wanted = ["messages", "private-orders.7", "private-orders.8", "presence-room.1"];
    let answer = wave.post(&hub, "/wave/subscribe", &json!({ "channels": wanted }));
    let answer = answer.json();
    assert_eq!(answer["channels"]["messages"], json!({}));
    assert_eq!(answer["channels"]["private-orders.7"], json!({}));
    assert_eq!(answer["channels"]["private-orders.8"]["status"], 403);
    assert_eq!(answer["channels"]["presence-room.1"], json!({ "users": [ann()] }));
    for (number, channel) in wanted.iter().enumerate() {
        publish(&hub, channel, "e", &number.to_string());
    }
    let heard: Vec<_> = (0..3).map(|_| wave.heard().1).collect();
    assert_eq!(heard, ["0", "1", "3"]);

    let other = Wave::query(&hub, "channel=presence-room.1", "bob");
    assert_eq!(wave.heard(), ("presence-room.1.join".to_owned(), bob().to_string()));
    let gone = json!({ "channels": ["messages", "presence-room.1"] });
    assert_eq!(wave.post(&hub, "/wave/unsubscribe", &gone).json(), json!({}));
    assert_eq!(other.here(&hub, "presence-room.1"), [bob()]);
    for (number, channel) in wanted.iter().enumerate() {
        publish(&hub, channel, "f", &number.to_string());
    }
    assert_eq!(wave.heard(), ("private-orders.7.f".to_owned(), "1".to_owned()));
}

#[test]
fn a_stream_that_names_none_hears_the_public_ones_that_are_configured() {
    let application = Application::start(Driver::Redis);
    let hub = super::with(&application, "channels = ['news', 'shop.*']\n");
    let mut wave = Wave::open(&hub, "");
    for channel in ["other", "news", "shop.1"] {
        publish(&hub, channel, "e", "1");
    }
    assert_eq!([wave.heard().0, wave.heard().0], ["news.e", "shop.1.e"]);
}

#[test]
fn there_is_a_limit_to_what_one_request_asks_the_application() {
    let application = Application::start(Driver::Redis);
    let hub = hub(&application);
    let wave = Wave::query(&hub, "channel=", "ann");
    let many: Vec<_> = (0..103).map(|n| format!("private-{n:03}")).collect();
    let answer = wave.post(&hub, "/wave/subscribe", &json!({ "channels": many })).json();
    let of = |channel: &str| answer["channels"][channel]["status"].clone();
    assert_eq!(
        (of("private-099"), of("private-100"), of("private-102")),
        (json!(403), json!(429), json!(429))
    );
    assert_eq!(application.asked().len(), 100);
    // Nor does it refuse a stream, with all that the application is not asked about.
    let public = (0..150).map(|n| format!("channel=public-{n}&")).collect::<String>();
    let query: String = many.iter().map(|channel| format!("channel={channel}&")).collect();
    let mut wave = Wave::query(&hub, &(public + &query), "ann");
    let statuses: Vec<_> = (0..103)
        .map(|_| serde_json::from_str::<serde_json::Value>(&wave.heard().1).unwrap()["status"].clone())
        .collect();
    assert_eq!(statuses.iter().filter(|status| **status == 429).count(), 3);
    publish(&hub, "public-149", "e", "1");
    assert_eq!(wave.heard().0, "public-149.e");
}

#[test]
fn a_request_asks_for_no_more_than_a_stream_can_have() {
    let application = Application::start(Driver::Redis);
    let hub = super::with(&application, "[limits]\ntopics_per_subscription = 10\n");
    let wave = Wave::query(&hub, "channel=", "ann");
    let many: Vec<_> = (0..11).map(|n| format!("private-{n}")).collect();
    let answer = wave.post(&hub, "/wave/subscribe", &json!({ "channels": many }));
    assert!(answer.problem(400).contains("limits.topics_per_subscription"));
    assert!(application.asked().is_empty());
}

#[test]
fn a_rule_that_fails_takes_its_channel_alone() {
    let application = Application::start(Driver::Redis);
    let hub = hub(&application);
    application.break_rule("private-orders.7");
    let mut wave = Wave::query(&hub, "channel=messages&channel=private-orders.7", "ann");
    let denied = wave.heard();
    assert!(denied.0 == "tidings.denied" && denied.1.contains("503"), "{denied:?}");
    publish(&hub, "messages", "e", "1");
    assert_eq!(wave.heard().0, "messages.e");
    assert_eq!(wave.auth(&hub, "private-orders.7").status(), 503);
}

#[test]
fn the_application_is_not_asked_without_end() {
    let application = Application::start(Driver::Redis);
    let hub = hub(&application);
    let wave = Wave::query(&hub, "channel=", "ann");
    let statuses: Vec<_> = (0..10)
        .map(|round| {
            let channels: Vec<_> = (0..100).map(|n| format!("private-no.{round}.{n}")).collect();
            wave.post(&hub, "/wave/subscribe", &json!({ "channels": channels })).status()
        })
        .collect();
    assert!(statuses[0] == 200 && statuses.contains(&429), "{statuses:?}");
    let asked = application.asked().len();
    assert!(asked < 1000, "{asked}");
}
