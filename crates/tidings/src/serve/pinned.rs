//! The settings that stay while the hub runs, whatever the configuration says: what listeners, log and presence were
//! started with.

use crate::config::Config;

/// Puts back what cannot change while the hub runs, and answers the names of what the configuration would change.
pub(super) fn pin(config: &mut Config, started: &Config) -> Vec<&'static str> {
    let mut waiting = Vec::new();
    macro_rules! pin {
        ($($name:literal: $($field:ident).+;)+) => {
            $(if config.$($field).+ != started.$($field).+ {
                waiting.push($name);
                config.$($field).+ = started.$($field).+.clone();
            })+
        };
    }
    pin! {
        "listen": listen;
        "admin.listen": admin.listen;
        "tls": tls;
        "unix_mode": unix_mode;
        "data": data;
        "demo": demo;
        "insecure_open": insecure_open;
        "log": log;
        "history": history;
        "limits.page_bytes": limits.page_bytes;
        "stream.hand_over": stream.hand_over;
        "mercure.subscriptions": mercure.subscriptions;
        "mercure.presence_debounce": mercure.presence_debounce;
        "echo.enabled": echo.enabled;
        "logs.format": logs.format;
    }
    let kept = |config: &Config| -> Vec<_> {
        config.topics.iter().map(|rule| (rule.pattern.clone(), rule.events, rule.age)).collect()
    };
    if kept(config) != kept(started) {
        // Their greetings are obeyed.
        waiting.push("how much is kept of each [[topic]]");
    }
    waiting
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Overrides;

    fn config(variables: &[(&str, &str)]) -> Config {
        let variables = variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        Config::load(&Overrides::default(), &variables.collect()).unwrap()
    }

    #[test]
    fn what_needs_a_restart_is_named_and_put_back() {
        let started = config(&[]);
        let mut changed = config(&[
            ("TIDINGS_LISTEN", "127.0.0.1:1"),
            ("TIDINGS_LOG_ENGINE", "memory"),
            ("TIDINGS_LIMITS_BODY", "1KiB"),
            ("TIDINGS_TOPIC", r#"[{pattern="a.*",events=5}]"#),
        ]);
        assert_eq!(pin(&mut changed, &started), ["listen", "log", "how much is kept of each [[topic]]"]);
        assert_eq!((&changed.listen, &changed.log), (&started.listen, &started.log));
        assert_eq!(changed.limits.body, 1 << 10);
        assert!(pin(&mut config(&[]), &started).is_empty());
    }
}
