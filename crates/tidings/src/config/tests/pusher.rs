//! `[[pusher.apps]]`.

use std::fs;

use super::*;

const SECRET: &str = "0123456789-hunter2";

fn app(more: &str) -> String {
    format!("[[pusher.apps]]\nid = '100'\nkey = 'key'\nsecret = '{SECRET}'\n{more}\n")
}

#[test]
fn apps_have_an_id_a_key_and_a_secret_and_may_publish_everywhere_unless_it_is_said() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("secret");
    fs::write(&path, format!("{SECRET}2\n")).unwrap();
    let text = format!(
        "{}[[pusher.apps]]\nid = 200\nkey = 'a-B_c.1'\nsecret_file = '{}'\npublish = ['orders.*']",
        app(""),
        path.display()
    );
    let config = load(&text, &[]).unwrap();
    assert!(!config.is_open && !config.auth_settings().is_open());
    assert!(!format!("{config:?}").contains("hunter2"));
    let [first, second] = &config.pusher.apps[..] else { panic!("{config:?}") };
    assert_eq!((&*first.id, &*first.key, first.secret.expose()), ("100", "key", SECRET));
    assert_eq!((&*second.id, second.secret.expose()), ("200", "0123456789-hunter22"));
    assert!(first.publish.is_all());
    let may = |topic| second.publish.matches(&Topic::new(topic).unwrap());
    assert!(may("orders.7") && !may("messages"));
}

#[test]
fn all_apps_are_one_variable() {
    let apps = format!("[{{id=\"1\",key=\"k\",secret=\"{SECRET}\"}}]");
    let config = load(&app(""), &[("TIDINGS_PUSHER_APPS", &apps)]).unwrap();
    assert_eq!(config.pusher.apps.iter().map(|app| &*app.id).collect::<Vec<_>>(), ["1"]);
}

#[test]
fn what_is_wrong_with_an_app_is_named_and_its_secret_is_not() {
    let app = app("");
    let double = |from: &str, to: &str| format!("{app}{}", app.replace(from, to));
    for (text, says) in [
        (&*double("key'", "other'"), "t.toml:7: pusher.apps.id: there are two apps of the id \"100\""),
        (&double("100", "200"), "t.toml:8: pusher.apps.key: the app \"100\" has the same key"),
        (
            &app.replace("id = '100'\n", ""),
            "t.toml:1: [[pusher.apps]]: it has no id: publishers have one, such as REVERB_APP_ID",
        ),
        (
            &app.replace("key = 'key'\n", ""),
            "[[pusher.apps]]: it has no key: publishers have one, such as REVERB_APP_KEY",
        ),
        (
            &app.replace("secret = ", "secrte = "),
            "unknown key `secrte` in [[pusher.apps]]: did you mean `secret`?",
        ),
        (&app.replace(SECRET, "hunter2"), "pusher.apps.secret: it has 7 bytes, and could be guessed"),
        (&app.replace("100", "a/b"), "pusher.apps.id: it has other characters"),
        (&app.replace("'100'", "1.5"), "pusher.apps.id: 1.5 is not text"),
        (&app.replace("'100'", "''"), "pusher.apps.id: it is empty"),
        (&format!("{app}publish = 'a'"), "pusher.apps.publish: \"a\" is not a list"),
        (
            &app.replace("[[pusher.apps]]", "[pusher.apps]"),
            "pusher.apps is a list of tables: write [[pusher.apps]]",
        ),
        ("[pusher]", "pusher.apps: there are none: write [[pusher.apps]]"),
        ("[pusher]\napps = []", "pusher.apps is given, and there is none in it"),
        ("[pusher]\nappz = 1", "unknown key `appz` in [pusher]: did you mean `apps`?"),
        ("[[pushr.apps]]\nid = 1", "unknown key `pushr`: did you mean `pusher`?"),
        ("pusher = 1", "pusher is a table: write [pusher]"),
    ] {
        let problems = problems(text, &[]);
        assert!(problems.contains(says) && !problems.contains("hunter2"), "{text}: {problems}");
    }
    assert!(problems("", &[("TIDINGS_PUSHER_APPS", "x")]).contains("TIDINGS_PUSHER_APPS: it is not TOML"));
}
