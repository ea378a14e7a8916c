//! Keys, tokens, anonymous rights and the callback, and what an open hub is.

use std::{fs, num::NonZeroU32, time::Duration};

use tidings_auth::{Algorithm, CallbackKind, Dialects, JWKS_ALGORITHMS, Roles, Settings};
use tidings_hub::{Selection, Topic};

use super::*;

/// Long enough for a key and for HS256.
const SECRET: &str = "0123456789-hunter2-0123456789-0123456789";

fn settings(text: &str) -> Settings {
    load(text, &[]).unwrap().auth_settings()
}

fn matches(selection: &Selection, topic: &str) -> bool {
    selection.matches(&Topic::new(topic).unwrap())
}

#[test]
fn keys_have_rights_a_rate_and_a_name() {
    let settings = settings(&format!(
        "[[keys]]\nname = 'backend'\nsecret = '{SECRET}'\npublish = ['orders.*', 'https://h/{{id}}']\nrate = '100/s'\n\
         [[keys]]\nname = 'operator'\nsecret = '{SECRET}2'\nadmin = true\nrate = 5"
    ));
    let [backend, operator] = &settings.keys[..] else { panic!("{settings:?}") };
    assert_eq!((&*backend.name, backend.secret.expose(), backend.admin), ("backend", SECRET, false));
    assert_eq!(backend.rate.map(NonZeroU32::get), Some(100));
    assert!(matches(&backend.publish, "orders.7") && matches(&backend.publish, "https://h/7"));
    assert!(!matches(&backend.publish, "prices") && backend.subscribe == Selection::default());
    assert!(operator.admin && operator.publish == Selection::default());
    assert_eq!(operator.rate.map(NonZeroU32::get), Some(5));
    assert!(!settings.is_open());
}

#[test]
fn all_keys_are_one_variable() {
    let keys = format!("[{{name=\"a\",secret=\"{SECRET}\",publish=[\"*\"]}}]");
    let config = load("", &[("TIDINGS_KEYS", &keys), ("TIDINGS_LISTEN", "0.0.0.0:80")]).unwrap();
    assert_eq!(config.keys.len(), 1);
    let variables = [
        ("TIDINGS_ANONYMOUS_SUBSCRIBE", "public.*,news"),
        ("TIDINGS_AUTH_CALLBACK_URL", "http://127.0.0.1:1/auth"),
        ("TIDINGS_AUTH_CALLBACK_KIND", "laravel"),
        ("TIDINGS_AUTH_CALLBACK_HEADERS", "X-Tenant"),
        ("TIDINGS_MERCURE_DIALECTS", "0.x"),
    ];
    let config = load("", &variables).unwrap();
    assert!(matches(&config.anonymous.unwrap().subscribe, "news"));
    let callback = config.auth.callback.unwrap();
    assert_eq!((callback.kind, &*callback.headers), (CallbackKind::Laravel, &["x-tenant".to_owned()][..]));
    assert_eq!(config.mercure.dialects, Dialects { v1: false, v0: true });
}

#[test]
fn issuers_have_a_key_or_a_set_of_keys() {
    let settings = settings(&format!(
        "[[jwt]]\nkey = '{SECRET}'\n\
         [[jwt]]\nissuer = 'https://a.example'\naudience = 'hub'\nkey = '{SECRET}{SECRET}'\nalgorithm = 'HS512'\n\
         actions = ['publish']\nleeway = '5s'\n\
         [[jwt]]\nname = 'set'\nissuer = 'https://b.example'\naudience = ['x', 'y']\njwks = 'https://b.example/jwks'\n\
         [[jwt]]\njwks = 'file:///etc/jwks.json'\nalgorithms = ['EdDSA']"
    ));
    let [plain, full, set, file] = &settings.issuers[..] else { panic!("{settings:?}") };
    assert_eq!((&*plain.name, plain.roles), ("jwt", Roles::default()));
    assert!(matches!(plain.keys, KeySource::Static { algorithm: Algorithm::HS256, .. }));
    assert_eq!((&*full.name, full.issuer.as_deref()), ("https://a.example", Some("https://a.example")));
    assert_eq!(full.roles, Roles { publish: true, subscribe: false });
    assert_eq!((&full.audience[..], full.leeway), (&["hub".to_owned()][..], Duration::from_secs(5)));
    assert!(matches!(full.keys, KeySource::Static { algorithm: Algorithm::HS512, .. }));
    assert_eq!((&*set.name, set.audience.len()), ("set", 2));
    let algorithms = |keys: &KeySource| match keys {
        KeySource::Jwks { algorithms, .. } => algorithms.clone(),
        KeySource::Static { .. } => panic!("{keys:?}"),
    };
    assert_eq!(algorithms(&set.keys), JWKS_ALGORITHMS);
    assert_eq!(algorithms(&file.keys), [Algorithm::EdDSA]);
}

#[test]
fn secrets_come_from_files_without_their_last_line_end() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("key");
    let read = |text: &str| {
        fs::write(&path, text).unwrap();
        let path = path.display();
        load(&format!("[[keys]]\nname = 'a'\npublish = ['*']\nsecret_file = '{path}'"), &[])
    };
    for end in ["", "\n", "\r\n"] {
        assert_eq!(read(&format!("{SECRET}{end}")).unwrap().keys[0].secret.expose(), SECRET);
    }
    let empty = read("\n").unwrap_err();
    assert!(
        empty.starts_with("t.toml:4: keys.secret_file: the file ") && empty.ends_with("is empty"),
        "{empty}"
    );
    // Two line ends are a mistake, which the rule for headers finds.
    let error = read(&format!("{SECRET}\n\n")).unwrap_err();
    assert!(error.contains("header") && !error.contains("hunter2"), "{error}");
    fs::remove_file(&path).unwrap();
    let path = path.display();
    for (text, says) in [
        (format!("key_file = '{path}'"), "jwt.key_file: the file "),
        (format!("key_file = '{path}'\nkey = '{SECRET}'"), "jwt.key_file: give key or key_file, not both"),
    ] {
        let error = problems(&format!("[[jwt]]\n{text}"), &[]);
        assert!(error.starts_with("t.toml:2: ") && error.contains(says), "{error}");
        assert_eq!(error.lines().count(), 1, "{error}");
    }
}

#[test]
fn the_table_of_anonymous_rights_counts_even_when_it_is_empty() {
    let config = load("[anonymous]", &[]).unwrap();
    assert!(!config.is_open && config.anonymous == Some(Anonymous::default()));
    assert!(load("[auth]", &[]).unwrap().is_open);
    assert!(load("", &[]).unwrap().auth_settings().is_open());
}

#[test]
fn a_hub_that_is_not_open_listens_anywhere() {
    let anywhere = "listen = ['0.0.0.0:80']";
    assert!(problems(anywhere, &[]).contains("`tidings token key` makes one"));
    assert!(load(&format!("{anywhere}\ninsecure_open = true"), &[]).is_ok());
    for table in [
        &format!("[[keys]]\nname = 'a'\nsecret = '{SECRET}'\nadmin = true"),
        &format!("[[jwt]]\nkey = '{SECRET}'"),
        "[anonymous]",
        "[auth.callback]\nurl = 'http://127.0.0.1:1'",
        &format!("[[pusher.apps]]\nid = 1\nkey = 'k'\nsecret = '{SECRET}'"),
    ] {
        let config = load(&format!("{anywhere}\n[admin]\nlisten = ['[::]:9']\n{table}"), &[]).unwrap();
        assert!(
            !config.is_open && !config.is_loopback_only() && !config.auth_settings().is_open(),
            "{table}"
        );
        let error = problems(&format!("{anywhere}\ninsecure_open = true\n{table}"), &[]);
        assert!(error.starts_with("t.toml:2: insecure_open: it does nothing"), "{error}");
        assert_eq!(error.lines().count(), 1, "{error}");
    }
    // A wrong key is one problem: that the hub is not meant to be open is clear.
    for wrong in ["[[keys]]\nname = 'a'", "[[jwt]]\nkey = ''", "[auth.callback]\ncache = '1s'", "[pusher]"] {
        let error = problems(&format!("{anywhere}\n{wrong}"), &[]);
        assert!(!error.contains("loopback"), "{error}");
    }
    assert!(!problems("listen = ['0.0.0.0:80']", &[("TIDINGS_KEYS", "[")]).contains("loopback"));
}

#[test]
fn the_application_is_spoken_to_in_json_or_as_laravel() {
    for (kind, expected) in [
        ("", CallbackKind::Json),
        ("kind = 'json'", CallbackKind::Json),
        ("kind = 'laravel'", CallbackKind::Laravel),
    ] {
        let settings = settings(&format!("[auth.callback]\nurl = 'http://127.0.0.1:1'\n{kind}"));
        assert_eq!(settings.callback.unwrap().kind, expected, "{kind}");
    }
}

#[test]
fn what_is_trusted_follows_the_pages_that_are_named() {
    let config = load("[cors]\norigins = ['https://a.example']", &[]).unwrap();
    assert_eq!(config.auth.publish_origins, ["https://a.example"]);
    assert_eq!(config.mercure.publish_origins, ["https://a.example"]);
    // All pages may read, which is no reason to let them publish with a visitor's cookie.
    assert!(load("[cors]\norigins = ['*']", &[]).unwrap().auth.publish_origins.is_empty());
    let config = load("[auth]\npublish_origins = ['https://*.a.example']", &[]).unwrap();
    assert_eq!(config.mercure.publish_origins, ["https://*.a.example"]);
    let config = load("[auth]\npublish_origins = ['*']\n[mercure]\npublish_origins = []", &[]).unwrap();
    assert!(config.mercure.publish_origins.is_empty());
}

#[test]
fn tokens_of_0x_are_believed_only_where_that_was_said() {
    let dialects = |text: &str| load(text, &[]).unwrap().mercure.dialects;
    let (both, v1) = (Dialects { v1: true, v0: true }, Dialects { v1: true, v0: false });
    assert_eq!(dialects(""), both);
    assert_eq!(dialects("[mercure]\ndialects = ['1.0']"), v1);
    assert_eq!(dialects("[anonymous]"), v1);
    assert_eq!(dialects("[anonymous]\n[mercure]\ndialects = ['1.0', '0.x']"), both);
    assert_eq!(dialects("[mercure]\ndialects = []"), Dialects::default());
}

#[test]
fn the_hubs_addresses_are_urls() {
    let config = load(
        "[mercure]\nurl = 'https://hub.example/.well-known/mercure'\npublic_urls = ['https://hub.example:443/x']\n\
         [log]\nengine = 'memory'",
        &[],
    )
    .unwrap();
    assert_eq!(config.mercure.public_urls, ["https://hub.example"]);
    let settings = config.auth_settings();
    assert_ne!(settings.base, Settings::default().base);
    assert_eq!(settings.revocations, None);
    let revocations = load("data = 'd'", &[]).unwrap().auth_settings().revocations;
    assert_eq!(revocations, Some(Path::new("d").join("revocations.jsonl")));
}

#[test]
fn rights_that_make_no_sense_are_named_with_their_place() {
    let key = format!("name = 'a'\nsecret = '{SECRET}'\n");
    let pem = "-----BEGIN PUBLIC KEY-----\\nAAAA\\n-----END PUBLIC KEY-----";
    for (text, says) in [
        ("[keys]\nname = 'a'", "keys is a list of tables: write [[keys]]"),
        ("[[keys]]\nname = 'a'\npublish = ['*']", "t.toml:1: [[keys]]: it has no secret"),
        (&format!("[[keys]]\nsecret = '{SECRET}'\nadmin = true"), "t.toml:1: [[keys]]: it has no name"),
        (&format!("[[keys]]\n{key}"), "t.toml:1: [[keys]]: it may do nothing"),
        ("[[keys]]\nname = 'a'\nadmin = true\nsecret = 'hunter2'", "t.toml:4: keys.secret: it has 7 bytes"),
        ("[[keys]]\nname = 'a'\nadmin = true\nsecret = 10000000000000001", "keys.secret: it is not text"),
        (
            &format!("[[keys]]\n{key}admin = true\n[[keys]]\n{key}admin = true"),
            "t.toml:6: keys.name: there are two keys of the name \"a\"\nt.toml:7: keys.secret: the key \"a\" has the same",
        ),
        (&format!("[[keys]]\n{key}publish = ['']"), "t.toml:4: keys.publish: \"\": "),
        (&format!("[[keys]]\n{key}publish = ['a{{']"), "t.toml:4: keys.publish: \"a{\": "),
        (&format!("[[keys]]\n{key}admin = true\nrate = '5/min'"), "keys.rate: \"5/min\" is not a rate"),
        (
            &format!("[[keys]]\n{key}publsh = ['*']"),
            "unknown key `publsh` in [[keys]]: did you mean `publish`?",
        ),
        ("[[jwt]]\nissuer = 'a'", "t.toml:1: [[jwt]]: it has nothing to verify tokens with"),
        (&format!("[[jwt]]\nkey = '{SECRET}'\njwks = 'https://a'"), "t.toml:3: jwt.jwks: give key"),
        ("[[jwt]]\njwks = 'ftp://a'", "t.toml:2: jwt.jwks: its scheme is not one of https, http, file"),
        (
            "[[jwt]]\njwks = 'https://a'\nalgorithm = 'ES256'",
            "t.toml:3: jwt.algorithm: a key set has several",
        ),
        ("[[jwt]]\njwks = 'https://a'\nalgorithms = ['HS256']", "HS256 takes a shared secret"),
        ("[[jwt]]\njwks = 'https://a'\nalgorithms = []", "jwt.algorithms: it names no algorithm"),
        (
            &format!("[[jwt]]\nkey = '{SECRET}'\nalgorithms = ['HS256']"),
            "jwt.algorithms: a key has one algorithm",
        ),
        (
            &format!("[[jwt]]\nkey = '{SECRET}'\nalgorithm = 'HS257'"),
            "jwt.algorithm: \"HS257\" is no algorithm",
        ),
        (&format!("[[jwt]]\nkey = '{SECRET}'\nalgorithm = 'none'"), "jwt.algorithm: the algorithm \"none\""),
        (
            &format!("[[jwt]]\nkey = '{SECRET}'\nalgorithm = 'RS256'"),
            "t.toml:2: jwt.key: it is no PEM document",
        ),
        (
            &format!("[[jwt]]\nkey = \"{pem}\""),
            "t.toml:2: jwt.key: it is a PEM document, and its algorithm is not told",
        ),
        (
            &format!("[[jwt]]\nkey = \"{pem}\"\nalgorithm = 'HS256'"),
            "jwt.key: it is a PEM document, and HS256",
        ),
        (&format!("[[jwt]]\nkey = \"{pem}\"\nalgorithm = 'ES256'"), "jwt.key: the PEM document holds no key"),
        (
            &format!("[[jwt]]\nkey = '{SECRET}'\nactions = ['read']"),
            "\"read\" is not one of \"publish\", \"subscribe\"",
        ),
        (&format!("[[jwt]]\nkey = '{SECRET}'\nactions = []"), "jwt.actions: it names no action"),
        ("[auth.callback]\ntimeout = '1s'", "t.toml:1: auth.callback.url: it is missing"),
        ("[auth.callback]\nurl = '/auth'", "t.toml:2: auth.callback.url: it is not a URL"),
        ("[auth.callback]\nurl = 'http://a'\nheaders = ['a b']", "\"a b\" is not the name of a header"),
        (
            "[auth.callback]\nurl = 'http://a'\nkind = 'Laravel'",
            "t.toml:3: auth.callback.kind: \"Laravel\" is not one of \"json\", \"laravel\"",
        ),
        ("[auth]\ncalback = 1", "t.toml:2: unknown key `calback` in [auth]: did you mean `callback`?"),
        ("[auth]\ncallback = 'http://a'", "auth.callback is a table: write [auth.callback]"),
        ("[auth]\ncookie = 'a b'", "auth.cookie: \"a b\" is not the name of a cookie"),
        (
            "[auth]\npublish_origins = ['https://*.*']",
            "auth.publish_origins: \"https://*.*\" has two wildcards",
        ),
        ("[mercure]\ndialects = ['2.0']", "mercure.dialects: \"2.0\" is not one of \"1.0\", \"0.x\""),
        ("[mercure]\nurl = 'hub.example'", "mercure.url: it is not a URL"),
        ("[mercure]\nids = 'uuid'", "mercure.ids: \"uuid\" is not one of \"hub\", \"urn:uuid\""),
        ("[mercure]\nunknown_cursor = 'x'", "is not one of \"everything\", \"reset\""),
        ("[stream]\nlifetime = '0s'", "stream.lifetime: it is zero"),
    ] {
        let problems = problems(text, &[]);
        assert!(problems.contains(says), "{text:?} was answered {problems}");
        assert!(!problems.contains("hunter2") && !problems.contains("1000000000000"), "{problems}");
    }
}

#[test]
fn secrets_are_in_no_debug_and_no_error() {
    let text = format!("[[keys]]\nname = 'a'\nsecret = '{SECRET}'\nadmin = true\n[[jwt]]\nkey = '{SECRET}'");
    let config = load(&text, &[]).unwrap();
    assert!(!format!("{config:?}").contains("hunter2"));
    for value in ["[{name=\"a\",secret=\"hunter2\"", "[{secret='hunter2' 'x'}]", "hunter2", "\"hunter2\""] {
        let problems = problems("", &[("TIDINGS_KEYS", value)]);
        assert!(!problems.contains("hunter2"), "{problems}");
    }
    let variables = environment(&[("TIDINGS_TOKEN", "hunter2")]);
    assert!(!format!("{variables:?}").contains("hunter2"));
}

#[test]
fn a_shared_secret_that_can_be_found_is_warned_about() {
    let warnings = load("[[jwt]]\nname = 'old'\nkey = 'hunter2'", &[]).unwrap().warnings;
    let [warning] = &warnings[..] else { panic!("{warnings:?}") };
    assert!(warning.starts_with("the key of \"old\" has 7 bytes, and HS256 wants 32"), "{warning}");
    assert!(load(&format!("[[jwt]]\nkey = '{SECRET}'"), &[]).unwrap().warnings.is_empty());
}

/// What is there and empty would leave a hub open that is meant to be closed.
#[test]
fn a_list_with_nothing_in_it_closes_no_hub() {
    for text in ["keys = []", "jwt = []"] {
        assert!(problems(text, &[]).contains("there is none in it"), "{text}");
    }
    for variable in ["TIDINGS_KEYS", "TIDINGS_JWT"] {
        assert!(problems("", &[(variable, "[]")]).contains("there is none in it"), "{variable}");
    }
}
