//! The layers, what is said about unknown names, and the documented file.

mod pusher;
mod reference_hub;
mod rights;

use std::collections::BTreeSet;

use super::*;

/// The file that documents all keys.
const EXAMPLE: &str = include_str!("../../../../tidings.example.toml");

fn environment(variables: &[(&str, &str)]) -> Environment {
    variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

/// Reads a file's text under the given flags and variables; also what keys were asked for.
fn read(
    text: &str,
    variables: &[(&str, &str)],
    overrides: &Overrides,
) -> (Result<Config, Problems>, BTreeSet<String>) {
    let environment = environment(variables);
    let file = File { name: "t.toml".to_owned(), text: text.to_owned() };
    let layers = Layers::new(overrides.flags(), &environment, Some(&file));
    let config = Config::read(&layers);
    (layers.finish().map(|()| config), layers.known())
}

pub(super) fn load(text: &str, variables: &[(&str, &str)]) -> Result<Config, String> {
    read(text, variables, &Overrides::default()).0.map_err(|problems| problems.to_string())
}

pub(super) fn problems(text: &str, variables: &[(&str, &str)]) -> String {
    load(text, variables).unwrap_err()
}

/// This part of the example with the defaults uncommented, or the indented examples, or both.
fn uncommented(part: &'static str, defaults: bool, examples: bool) -> String {
    let line = |line: &'static str| match line.strip_prefix('#') {
        Some(rest) if defaults && rest.starts_with(|c: char| c.is_ascii_lowercase()) => rest,
        Some(rest) if examples && rest.starts_with("    ") => rest,
        _ => line,
    };
    part.lines().map(|text| line(text).to_owned() + "\n").collect()
}

/// The example, before the tables of sources and from there on. Their defaults mean nothing without a table.
fn parts() -> (&'static str, &'static str) {
    EXAMPLE.split_at(EXAMPLE.find("#    [[source]]\n").unwrap())
}

/// Without the keys that name files, which are not there.
fn without_files(text: &str) -> String {
    let names_a_file = |line: &&str| {
        ["url_file =", "ca_file =", "secret_file =", "key_file =", "certificate =", "key = \"/"]
            .iter()
            .any(|key| line.trim().starts_with(key))
    };
    text.lines().filter(|line| !names_a_file(line)).map(|line| line.to_owned() + "\n").collect()
}

#[test]
fn the_defaults_of_the_documented_file_are_the_defaults() {
    let defaults = format!("{:?}", load("", &[]).unwrap());
    assert_eq!(format!("{:?}", load(EXAMPLE, &[]).unwrap()), defaults);
    assert_eq!(format!("{:?}", load(&uncommented(parts().0, true, false), &[]).unwrap()), defaults);
}

#[test]
fn the_defaults_of_the_documented_sources_are_the_defaults() {
    let sources = |defaults| {
        let text = without_files(&uncommented(parts().1, defaults, true));
        load(&text, &[]).unwrap().sources
    };
    assert_eq!(sources(true), sources(false));
}

/// What an unknown key or kind is told that there is.
fn known_to_sources(table: &str) -> BTreeSet<String> {
    let problems = problems(&format!("[[source]]\n{table}"), &[]);
    let (_, known) = problems.trim_end().split_once("there are ").unwrap();
    known.split(", ").map(str::to_owned).collect()
}

#[test]
fn the_documented_file_has_every_key_of_every_kind_of_source() {
    let table: toml::Table = uncommented(parts().1, true, true).parse().unwrap();
    let mut kinds = BTreeSet::new();
    for source in table["source"].as_array().unwrap() {
        let mut documented: BTreeSet<_> = source.as_table().unwrap().keys().cloned().collect();
        assert!(documented.remove("kind"));
        let kind = source["kind"].as_str().unwrap();
        assert_eq!(documented, known_to_sources(&format!("kind = '{kind}'\n'?' = 1")), "{kind}");
        assert!(kinds.insert(kind.to_owned()), "{kind} is there twice");
    }
    assert_eq!(kinds, known_to_sources("kind = '?'"));
}

/// The paths of all keys in a table and those below it.
fn paths(prefix: &str, table: &toml::Table, found: &mut BTreeSet<String>) {
    for (key, value) in table {
        let tables: Vec<_> = match value {
            toml::Value::Table(table) => vec![table],
            toml::Value::Array(items) => items.iter().filter_map(toml::Value::as_table).collect(),
            _ => Vec::new(),
        };
        let path = format!("{prefix}{key}");
        match tables.is_empty() {
            true => drop(found.insert(path)),
            false => tables.into_iter().for_each(|table| paths(&format!("{path}."), table, found)),
        }
    }
}

#[test]
fn the_documented_file_has_every_key_and_no_other() {
    let text = uncommented(EXAMPLE, true, true);
    let valid = without_files(&text);
    let (config, mut known) = read(&valid, &[], &Overrides::default());
    let config = config.unwrap();
    assert_eq!((config.topics.len(), config.keys.len(), config.issuers.len()), (1, 1, 2));
    assert_eq!(config.pusher.apps.len(), 1);

    let mut documented = BTreeSet::new();
    paths("", &text.parse().unwrap(), &mut documented);
    // The keys of sources are their own crate's to know.
    for paths in [&mut documented, &mut known] {
        paths.retain(|path| !path.starts_with("source."));
    }
    assert_eq!(documented, known);
}

/// What stands in both places, because the types differ: a hub that is embedded is set up like one that is run.
#[test]
fn the_defaults_are_those_of_the_libraries() {
    let Config { default_topic, log, history, limits, auth, mercure, .. } = load("", &[]).unwrap();

    let hub = tidings_hub::Settings::default();
    assert_eq!(limits.connections as u64, hub.max_subscribers);
    assert_eq!(auth.expiry_notice, hub.expiry_notice);

    let front = tidings_http::MercureSettings::default();
    assert_eq!((mercure.cookie, mercure.cookie_0x), (front.cookie, front.cookie_v0));

    let native = tidings_http::NativeSettings::new(default_topic);
    assert_eq!((limits.body, limits.body_time), (native.max_body, native.body_time));

    let retention = tidings_log::Retention::default();
    let kept = (Some(history.events), Some(history.age), Some(history.bytes));
    assert_eq!(kept, (retention.events, retention.age, retention.bytes));

    assert_eq!(log.durability, Durability::Always);
    assert_eq!(tidings_log::Durability::default(), tidings_log::Durability::Always);
}

#[test]
fn flags_go_over_variables_those_over_the_file() {
    let text = "listen = '127.0.0.1:1'\ndata = 'file'\ndefault_topic = 'file'\n[limits]\nbody = '2KiB'";
    let variables = [("TIDINGS_LISTEN", "127.0.0.1:2,127.0.0.1:3"), ("TIDINGS_DATA", "variable")];
    let config = load(text, &variables).unwrap();
    assert_eq!(config.listen.iter().map(Address::as_str).collect::<Vec<_>>(), ["127.0.0.1:2", "127.0.0.1:3"]);
    assert_eq!(config.data, Path::new("variable"));
    assert_eq!(config.default_topic.as_str(), "file");
    assert_eq!(config.limits.body, 2048);

    let overrides = Overrides {
        listen: vec!["127.0.0.1:4".to_owned(), "0.0.0.0:5".to_owned()],
        data: Some("flag".into()),
        demo: true,
        insecure_open: true,
        config: None,
    };
    let config = read(text, &variables, &overrides).0.unwrap();
    assert_eq!(config.listen.iter().map(Address::as_str).collect::<Vec<_>>(), ["127.0.0.1:4", "0.0.0.0:5"]);
    assert_eq!(config.data, Path::new("flag"));
    assert!(config.demo && config.insecure_open);
}

#[test]
fn every_kind_of_key_is_a_variable() {
    let config = load(
        "[[topic]]\npattern = 'file'\nevents = 1",
        &[
            ("TIDINGS_LOG_DURABILITY", "interval"),
            ("TIDINGS_HISTORY_EVENTS", "1_000"),
            ("TIDINGS_HISTORY_AGE", "1h"),
            ("TIDINGS_STREAM_RETRY", "1500ms"),
            ("TIDINGS_DEMO", "true"),
            ("TIDINGS_CORS_ORIGINS", "https://a.example, https://b.example"),
            ("TIDINGS_TOPIC", "[{pattern = \"a.*\", events = 5}]"),
            ("TIDINGS_SOURCE", "[{kind=\"clock\",topic=\"clock\"}]"),
            ("TIDINGS_CONFIG", "t.toml"),
            ("TIDINGS_URL", "http://127.0.0.1:1"),
            ("RUST_LOG", "debug"),
        ],
    )
    .unwrap();
    assert_eq!(config.log.durability, Durability::Interval);
    assert_eq!((config.history.events, config.history.age.as_secs()), (1000, 3600));
    assert_eq!(config.stream.retry.map(|retry| retry.as_millis()), Some(1500));
    assert!(config.demo);
    assert_eq!(config.cors.origins, ["https://a.example", "https://b.example"]);
    assert_eq!(config.topics.iter().map(|rule| rule.pattern.as_str()).collect::<Vec<_>>(), ["a.*"]);
    assert_eq!(config.sources.len(), 1);
    assert_eq!(config.logs.level, "debug");
    assert_eq!(
        load("", &[("RUST_LOG", "debug"), ("TIDINGS_LOGS_LEVEL", "warn")]).unwrap().logs.level,
        "warn"
    );
}

#[test]
fn unknown_keys_are_told_the_nearest_known_one_or_their_table() {
    let text = "lisen = 1\ndurability = 'none'\ncolour = 1\n[limits]\nbdy = 1\ndemo = true\n[[topics]]\npattern = 'a'\n\
                [[topic]]\npattern = 'a'\npatern = 'a'\nage = '1h'\n[[source]]\nkind = 'clock'\ntopic = 'a'\nevry = '1s'\n\
                [[source]]\nkind = 'reddis'\n";
    let expected = [
        "t.toml:1: unknown key `lisen`: did you mean `listen`?",
        "t.toml:2: unknown key `durability`: it belongs in [log]",
        "t.toml:3: unknown key `colour`: tidings.example.toml lists all keys",
        "t.toml:5: unknown key `bdy` in [limits]: did you mean `body`?",
        "t.toml:6: unknown key `demo` in [limits]: it belongs at the top, before the first table such as [log]",
        "t.toml:7: unknown key `topics`: did you mean `topic`?",
        "t.toml:11: unknown key `patern` in [[topic]]: did you mean `pattern`?",
        "t.toml:16: unknown key `evry` in [[source]]: did you mean `every`?",
        "t.toml:18: unknown kind `reddis` in [[source]]: did you mean `redis`?",
    ];
    assert_eq!(problems(text, &[]).lines().collect::<Vec<_>>(), expected);
}

#[test]
fn unknown_variables_are_told_the_nearest_known_one() {
    let variables = [
        ("TIDINGS_LISTN", "x"),
        ("TIDINGS_PUSHER_APS", "x"),
        ("TIDINGS_TOPIC_PATTERN", "x"),
        ("TIDINGS_SOURCE", "[{kind=\"clock\",topic=\"t\",evry=\"1s\"}]"),
        ("TIDINGS_PORT", "tcp://10.0.0.1:80"),
    ];
    let expected = [
        "TIDINGS_LISTN: unknown environment variable: did you mean `TIDINGS_LISTEN`?",
        "TIDINGS_PUSHER_APS: unknown environment variable: did you mean `TIDINGS_PUSHER_APPS`?",
        "TIDINGS_SOURCE: unknown key `evry` in [[source]]: did you mean `every`?",
        "TIDINGS_TOPIC_PATTERN: unknown environment variable: did you mean `TIDINGS_TOPIC`?",
    ];
    assert_eq!(problems("", &variables).lines().collect::<Vec<_>>(), expected);
}

#[test]
fn what_later_versions_have_is_said_clearly() {
    for (text, says) in [
        ("[log]\nengine = 'redis'", "this version does not have the engine \"redis\" yet"),
        ("[log]\nengine = 'nats'", "this version does not have the engine \"nats\" yet"),
        ("[log]\nurl = 'redis://h'", "this version does not have the shared engines"),
    ] {
        let problems = problems(text, &[]);
        assert!(problems.contains(says) && problems.lines().count() == 1, "{problems}");
    }
}

#[test]
fn values_that_make_no_sense_are_named_with_their_place() {
    for (text, says) in [
        ("listen = []", "t.toml:1: listen: it names no address"),
        ("listen = ['a:1', 'a:1']", "a:1 is named twice"),
        ("\nlisten = '0.0.0.0:80'", "t.toml:2: listen: 0.0.0.0:80 is not a loopback address"),
        ("listen = 8080", "listen: 8080 is not a list"),
        ("[admin]\nlisten = ['127.0.0.1:8080']", "t.toml:2: admin.listen: 127.0.0.1:8080 is named twice"),
        ("[admin]\nlisten = ['[::]:9']", "admin.listen: [::]:9 is not a loopback address"),
        ("unix_mode = '0999'", "unix_mode: \"0999\" is not a mode"),
        ("listen = ['unix:hub.sock']", "a unix socket needs the whole path"),
        ("[tls]\nlisten = ['127.0.0.1:1']", "tls.certificate: it is missing"),
        ("[tls]\ncertificate = 'a'", "tls.key: it is missing"),
        (
            "[tls]\ncertificate = 'a'\nkey = 'b'\nlisten = ['127.0.0.1:8080']",
            "t.toml:4: tls.listen: 127.0.0.1:8080 is named twice",
        ),
        ("[tls.acme]\nterms = true", "t.toml:1: tls.acme.domains: it is missing"),
        ("[tls.acme]\ndomains = ['a.example']", "t.toml:1: tls.acme.terms: the authority gives"),
        ("[tls.acme]\ndomains = ['a.example']\nterms = false", "t.toml:3: tls.acme.terms: the authority"),
        ("[tls.acme]\nterms = true\ndomains = ['*.a.example']", "\"*.a.example\" is a wildcard"),
        ("[tls.acme]\nterms = true\ndomains = ['127.0.0.1']", "is not the name of a domain"),
        (
            "[tls.acme]\nterms = true\ndomains = ['a.example']\ncontact = 'a@a.example'",
            "is not the URL of a mailbox",
        ),
        (
            "[tls.acme]\nterms = true\ndomains = ['a.example']\ndirectory = 'http://a.example'",
            "t.toml:4: tls.acme.directory: its scheme is not one of https",
        ),
        (
            "[tls]\nkey = 'a'\n[tls.acme]\nterms = true\ndomains = ['a.example']",
            "t.toml:2: tls.key: [tls.acme] obtains",
        ),
        ("data = ''", "data: it is empty"),
        ("default_topic = \"a\\nb\"", "default_topic: a topic name holds the control character"),
        ("demo = 'true'", "demo: \"true\" is neither true nor false"),
        ("log = 'disk'", "log is a table: write [log]"),
        ("[log]\nengine = 'tape'", "log.engine: \"tape\" is not one of \"disk\", \"memory\""),
        ("[log]\ndurability = 'some'", "is not one of \"always\", \"interval\", \"none\""),
        ("[history]\nevents = 0", "history.events: it is zero"),
        ("[history]\nbytes = '0KiB'", "history.bytes: it is zero"),
        ("[history]\nage = 7", "history.age: 7 is not a duration"),
        ("[topic]\npattern = 'a'", "topic is a list of tables: write [[topic]]"),
        ("topic = [1]", "topic is a list of tables"),
        ("[[topic]]\nevents = 1", "t.toml:1: [[topic]]: it has no pattern"),
        ("[[topic]]\npattern = ''", "t.toml:2: topic.pattern: a topic name is empty"),
        (
            "[history]\nevents = 5\n[[topic]]\npattern = 'a'\nevents = 6",
            "t.toml:5: topic.events: it is more than history",
        ),
        ("[[topic]]\npattern = 'a'\nage = '8d'", "topic.age: it is more than history.age"),
        ("[[topic]]\npattern = 'a'\ngreeting = ''", "topic.greeting: it is empty"),
        ("[[topic]]\npattern = 'a'", "t.toml:1: [[topic]]: it sets nothing"),
        ("[cors]\norigins = ['*', 'https://a.example']", "cors.origins: \"*\" is every origin"),
        ("[cors]\norigins = ['https://a.example/']", "is not an origin"),
        ("[limits]\nhead = '1KiB'", "limits.head: 1024 bytes are too few"),
        ("[stream]\nretry = '2d'", "stream.retry: it is longer than a day"),
        ("[stream]\nretry = '1us'", "stream.retry: it is not a whole number of milliseconds"),
        ("[logs]\nlevel = 'inof'", "logs.level: \"inof\" is not a log level"),
        ("[[source]]\nkind = 'redis'\nurl = 'redis://h'", "t.toml:1: [[source]]: source"),
        (
            "[[source]]\nkind = 'redis'\nchannels = ['a']",
            "t.toml:1: [[source]]: it has no url: give it one, or url_file",
        ),
        ("a = [", "t.toml:1: "),
        ("data = 'a'\ndata = 'b'", "t.toml:2: duplicate key"),
    ] {
        let problems = problems(text, &[]);
        assert!(problems.contains(says), "{text:?} was answered {problems}");
    }
    assert!(problems("", &[("TIDINGS_TOPIC", "x")]).contains("TIDINGS_TOPIC: it is not TOML"));
    assert!(problems("", &[("TIDINGS_TOPIC", "1")]).contains("TIDINGS_TOPIC: topic is a list of tables"));
    assert!(
        problems("", &[("TIDINGS_HISTORY_AGE", "soon")])
            .contains("TIDINGS_HISTORY_AGE: history.age: \"soon\"")
    );
}

#[test]
fn any_free_port_may_be_asked_for_twice() {
    assert_eq!(load("listen = ['127.0.0.1:0', '127.0.0.1:0']", &[]).unwrap().listen.len(), 2);
}

#[test]
fn a_url_can_come_from_a_file() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("redis.url");
    std::fs::write(&path, "redis://:hunter2@127.0.0.1:6379\n").unwrap();
    let source = |more: &str| {
        let path = path.display();
        load(&format!("[[source]]\nkind = 'redis'\nchannels = ['a']\nurl_file = '{path}{more}"), &[])
    };
    let config = source("'").unwrap();
    let [SourceConfig::Redis(redis)] = &config.sources[..] else { panic!("{:?}", config.sources) };
    assert_eq!(redis.url.expose(), "redis://:hunter2@127.0.0.1:6379");

    let error = source(".gone'").unwrap_err();
    assert!(error.starts_with("t.toml:4: source.url_file: ") && error.contains("cannot be read"), "{error}");
    assert_eq!(error.lines().count(), 1, "{error}");
    let error = source("'\nurl = 'redis://h'").unwrap_err();
    assert!(error.contains("give url or url_file, not both"), "{error}");

    for (text, says) in [
        (
            "kind = 'redis'\nurl_fiel = 'x'",
            "t.toml:3: unknown key `url_fiel` in [[source]]: did you mean `url_file`?",
        ),
        (
            &format!("kind = 'clock'\ntopic = 'a'\nurl_file = '{}'", path.display()),
            "t.toml:4: unknown key `url_file` in [[source]]: there are ",
        ),
    ] {
        let error = problems(&format!("[[source]]\n{text}"), &[]);
        assert!(error.starts_with(says) && !error.contains("hunter2"), "{error}");
    }
}
