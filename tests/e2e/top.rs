//! `tidings top` against a real hub, without a terminal and in one of its own (`script`, which every Debian has).

use std::{
    io::{Read as _, Write as _},
    process::{Command, Stdio},
    sync::{Arc, Mutex},
    thread,
};

use crate::support::{Hub, Program, program, wait_until};

#[test]
fn without_a_terminal_it_says_everything_once_and_plainly() {
    let hub = Hub::configured("[[source]]\nkind = 'clock'\nname = 'ticks'\ntopic = 'a'\nevery = '10ms'");
    let mut listener = hub.listen("topic=a");
    listener.event();
    let answer = Program::new().run(&["top", "--url", &hub.url()]);
    assert_eq!(answer.code, Some(0), "{answer:?}");
    let said = &answer.stdout;
    for part in
        ["subscribers         1", "native 1", "events/s", "publish", "p50", "ticks", "up   ", "events wait"]
    {
        assert!(said.contains(part), "{part} is not in\n{said}");
    }
    assert!(!said.contains('\x1b') && said.lines().all(|line| line.chars().count() <= 80), "{said}");
}

#[test]
fn who_is_no_administrator_is_told_what_helps() {
    let hub = Hub::configured(
        "[[keys]]\nname = 'reader'\nsecret = 'reader-secret-0123456789'\nsubscribe = ['*']\n\
         [[keys]]\nname = 'admin'\nsecret = 'admin-secret-0123456789'\nadmin = true",
    );
    let (program, url) = (Program::new(), hub.url());
    let with = |token: &str| program.run_in(&["top", "--once", "--url", &url], &[("TIDINGS_TOKEN", token)]);
    for token in ["", "reader-secret-0123456789"] {
        let answer = with(token);
        assert_eq!(answer.code, Some(65), "{answer:?}");
        assert!(answer.stderr.contains("administrator"), "{answer:?}");
    }
    assert_eq!(with("admin-secret-0123456789").code, Some(0));

    // Where operators have a listener of their own, the public one has no metrics.
    let hub = Hub::configured("[admin]\nlisten = ['127.0.0.1:0']");
    let answer = program.run(&["top", "--once", "--url", &hub.url()]);
    assert_eq!(answer.code, Some(65), "{answer:?}");
    assert!(answer.stderr.contains("admin.listen"), "{answer:?}");

    let gone = hub.url();
    drop(hub);
    let answer = program.run(&["top", "--once", "--url", &gone]);
    assert_eq!(answer.code, Some(69), "{answer:?}");
    assert!(answer.stderr.contains("cannot reach the hub"), "{answer:?}");
}

/// Runs it in a terminal, says how that was afterwards, and answers all that was written to it.
fn in_a_terminal(hub: &Hub, environment: &[(&str, &str)], end: &[u8]) -> String {
    // The shell goes on when Ctrl-C has ended the program.
    let command = format!("{} top --url {}; stty -a", program::path().display(), hub.url());
    let mut child = Command::new("script")
        .args([
            "--quiet",
            "--return",
            "--command",
            &format!("trap : INT; stty cols 80 rows 24; {command}"),
            "/dev/null",
        ])
        .env_remove("NO_COLOR")
        .envs(environment.iter().copied())
        .env("TERM", "xterm")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let (written, mut stdout) = (Arc::<Mutex<Vec<u8>>>::default(), child.stdout.take().unwrap());
    let reader = thread::spawn({
        let written = written.clone();
        move || {
            let mut bytes = [0; 4096];
            while let Ok(read @ 1..) = stdout.read(&mut bytes) {
                written.lock().unwrap().extend_from_slice(&bytes[..read]);
            }
        }
    });
    let text = || String::from_utf8_lossy(&written.lock().unwrap()).into_owned();
    wait_until("it has drawn twice", || text().matches("subscribers").count() >= 2);
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(end).unwrap();
    stdin.flush().unwrap();
    wait_until("it has ended", || child.try_wait().unwrap().is_some());
    drop(stdin);
    reader.join().unwrap();
    text()
}

#[test]
fn in_a_terminal_it_draws_anew_and_gives_the_terminal_back() {
    let hub = Hub::start();
    let ctrl_c = b"\x03";
    for (end, environment) in [(&b"q"[..], &[][..]), (ctrl_c, &[("NO_COLOR", "1")])] {
        let text = in_a_terminal(&hub, environment, end);
        let (drawn, after) = text.split_once("\x1b[?25h\x1b[?1049l").unwrap();
        assert!(drawn.contains("\x1b[?1049h\x1b[?25l"), "{drawn:?}");
        // Bold, as the title is.
        assert_eq!(drawn.contains("\x1b[1m"), environment.is_empty(), "{drawn:?}");
        let last = drawn.rsplit("\x1b[H").next().unwrap();
        assert!(last.matches("\r\n").count() < 24, "{last:?}");
        for mode in [" icanon", " echo "] {
            assert!(after.contains(mode), "{mode:?} is not in {after:?}");
        }
    }
}
