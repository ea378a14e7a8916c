//! The variables of the reference Mercure hub.

use std::time::Duration;

use tidings_auth::{Algorithm, Dialects, Roles};
use tidings_hub::Selection;

use super::*;

const PUBLISHER: (&str, &str) = ("MERCURE_PUBLISHER_JWT_KEY", "!ChangeThisMercureHubJWTSecretKey!");
const SUBSCRIBER: (&str, &str) = ("MERCURE_SUBSCRIBER_JWT_KEY", "!ChangeThisMercureHubJWTSecretKey2!");

fn directives(text: &str) -> Config {
    load("", &[PUBLISHER, ("MERCURE_EXTRA_DIRECTIVES", text)]).unwrap()
}

#[test]
fn its_keys_make_a_hub_like_it() {
    let algorithm = ("MERCURE_SUBSCRIBER_JWT_ALG", "HS384");
    let config = load("listen = ['0.0.0.0:80']", &[PUBLISHER, SUBSCRIBER, algorithm]).unwrap();
    let [publisher, subscriber] = &config.issuers[..] else { panic!("{:?}", config.issuers) };
    assert_eq!(publisher.roles, Roles { publish: true, subscribe: false });
    assert_eq!((&*publisher.name, publisher.issuer.as_deref()), (PUBLISHER.0, None));
    assert_eq!(subscriber.roles, Roles { publish: false, subscribe: true });
    let KeySource::Static { key, algorithm: Algorithm::HS384 } = &subscriber.keys else {
        panic!("{:?}", subscriber.keys)
    };
    assert_eq!(key.expose(), SUBSCRIBER.1);
    assert!(!config.is_open && config.anonymous.is_none());
    assert_eq!(config.mercure.dialects, Dialects { v1: true, v0: true });
    assert_eq!(config.mercure.ids, Ids::UrnUuid);
}

#[test]
fn its_issuers_are_those_of_both_roles() {
    let issuers = ("MERCURE_TRUSTED_ISSUERS", "https://a.example https://b.example");
    let config = load("", &[PUBLISHER, SUBSCRIBER, issuers]).unwrap();
    let named: Vec<_> = config.issuers.iter().map(|issuer| issuer.issuer.as_deref().unwrap()).collect();
    assert_eq!(named, ["https://a.example", "https://b.example", "https://a.example", "https://b.example"]);
    assert!(load("", &[issuers]).unwrap().is_open);
}

#[test]
fn our_own_keys_go_over_them() {
    let extra = ("MERCURE_EXTRA_DIRECTIVES", "anonymous\nheartbeat 20s\ncookie_name theirs\nsubscriptions");
    let text = "[anonymous]\n[stream]\nheartbeat = '3s'\n[mercure]\ncookie = 'ours'\nids = 'hub'\n\
                dialects = ['1.0']\nsubscriptions = false";
    let config = load(text, &[PUBLISHER, extra]).unwrap();
    assert_eq!(config.anonymous, Some(Anonymous::default()));
    assert_eq!(config.stream.heartbeat, Duration::from_secs(3));
    let Mercure { cookie, cookie_0x, ids, dialects, subscriptions, .. } = config.mercure;
    assert_eq!((&*cookie, &*cookie_0x, ids, subscriptions), ("ours", "theirs", Ids::Hub, false));
    assert_eq!(dialects, Dialects { v1: true, v0: false });

    let jwt = "[[jwt]]\nname = 'ours'\nkey = '0123456789012345678901234567890123456789'";
    let config = load(jwt, &[PUBLISHER]).unwrap();
    assert_eq!(config.issuers.iter().map(|issuer| &*issuer.name).collect::<Vec<_>>(), ["ours"]);
    assert_eq!(config.mercure.dialects, Dialects { v1: true, v0: false });
    assert_eq!(config.mercure.ids, Ids::Hub);
    assert!(config.warnings[0].starts_with("MERCURE_PUBLISHER_JWT_KEY is not used"), "{:?}", config.warnings);
}

#[test]
fn its_directives_are_obeyed() {
    let config = directives(
        "anonymous\ncors_origins https://a.example https://b.example\npublish_origins https://*.a.example\n\
         cookie_name jar\nsubscriptions\nheartbeat 20s\nwrite_timeout 1m30s\npublic_urls https://hub.example/\n\
         resource_identifier https://hub.example/.well-known/mercure\n\
         subscriber_jwt \"a secret of more than thirty-two bytes\" HS512",
    );
    assert_eq!(config.anonymous.unwrap(), Anonymous { subscribe: Selection::all(), ..Anonymous::default() });
    assert_eq!(config.cors.origins, ["https://a.example", "https://b.example"]);
    assert_eq!(config.stream.heartbeat, Duration::from_secs(20));
    assert_eq!(config.stream.lifetime, Some(Duration::from_secs(90)));
    let mercure = config.mercure;
    assert_eq!(mercure.publish_origins, ["https://*.a.example"]);
    assert_eq!(config.auth.publish_origins, config.cors.origins);
    assert_eq!((&*mercure.cookie, &*mercure.cookie_0x, mercure.subscriptions), ("jar", "jar", true));
    assert_eq!(mercure.public_urls, ["https://hub.example"]);
    assert_eq!(mercure.url.unwrap().path(), "/.well-known/mercure");
    let names: Vec<_> = config.issuers.iter().map(|issuer| &*issuer.name).collect();
    assert_eq!(names, [PUBLISHER.0, "subscriber_jwt"]);
}

#[test]
fn zero_is_its_word_for_never() {
    let config = directives("write_timeout 0\nheartbeat 0");
    assert_eq!(config.stream.lifetime, None);
    assert_eq!(config.stream.heartbeat, Duration::from_secs(15));
    assert!(config.warnings[0].contains("they stay on"), "{:?}", config.warnings);
}

#[test]
fn directives_without_a_meaning_are_named_and_passed_over() {
    let config = directives("demo\ntransport bolt {\n path /data/mercure.db\n size 10\n}\nui");
    let named: Vec<_> =
        config.warnings.iter().map(|warning| warning.split(' ').nth(1).unwrap_or_default()).collect();
    assert_eq!(named, ["demo", "transport", "ui"]);
    assert!(
        load("", &[("MERCURE_LICENSE", "x"), ("MERCURE_URL", "http://hub")]).unwrap().warnings.is_empty()
    );
}

#[test]
fn what_is_wrong_is_said_without_showing_a_secret() {
    for (variables, says) in [
        (
            &[("MERCURE_EXTRA_DIRECTIVES", "\nanonymos")][..],
            "MERCURE_EXTRA_DIRECTIVES, line 2: unknown directive anonymos",
        ),
        (
            &[("MERCURE_EXTRA_DIRECTIVES", "Hunter2+/=")],
            "MERCURE_EXTRA_DIRECTIVES, line 1: this is no directive",
        ),
        (&[("MERCURE_EXTRA_DIRECTIVES", "a {\n")], "line 1: the block that begins here does not end"),
        (
            &[("MERCURE_EXTRA_DIRECTIVES", "publisher_jwt HS256 hunter2")],
            "publisher_jwt: its second argument is no algorithm",
        ),
        (
            &[("MERCURE_EXTRA_DIRECTIVES", "publisher_jwt {env.KEY}")],
            "publisher_jwt: placeholders such as {env.NAME}",
        ),
        (&[("MERCURE_EXTRA_DIRECTIVES", "publisher_jwt")], "publisher_jwt: it takes a key"),
        (&[("MERCURE_EXTRA_DIRECTIVES", "anonymous yes")], "anonymous: it takes no argument"),
        (&[("MERCURE_EXTRA_DIRECTIVES", "heartbeat soon")], "heartbeat: \"soon\""),
        (&[("MERCURE_EXTRA_DIRECTIVES", "cors_origins null")], "cors_origins: \"null\" is not an origin"),
        (
            &[("MERCURE_EXTRA_DIRECTIVES", "issuer https://a {\n publisher {\n }\n}")],
            "issuer: write a [[jwt]] table",
        ),
        (
            &[PUBLISHER, ("MERCURE_PUBLISHER_JWT_ALG", "RS256")],
            "MERCURE_PUBLISHER_JWT_KEY: it is no PEM document",
        ),
        (
            &[PUBLISHER, ("MERCURE_PUBLISHER_JWT_ALG", "HS1")],
            "MERCURE_PUBLISHER_JWT_ALG: \"HS1\" is no algorithm",
        ),
    ] {
        let problems = problems("listen = ['127.0.0.1:80']", variables);
        assert!(problems.contains(says), "{variables:?} was answered {problems}");
        assert_eq!(problems.lines().count(), 1, "{problems}");
        assert!(
            !problems.to_lowercase().contains("hunter2") && !problems.contains(PUBLISHER.1),
            "{problems}"
        );
    }
    // A wrong key is one problem: that the hub is not meant to be open is clear.
    let wrong = [PUBLISHER, ("MERCURE_PUBLISHER_JWT_ALG", "RS256")];
    assert_eq!(problems("listen = ['0.0.0.0:80']", &wrong).lines().count(), 1);
}
