use crate::support::Program;

#[test]
fn without_a_file_the_defaults_are_ok() {
    let answer = Program::new().run(&["check-config"]);
    assert_eq!(answer.code, Some(0), "{answer:?}");
    assert!(answer.stdout.starts_with("ok: no configuration file"), "{answer:?}");
    assert!(answer.stdout.contains("127.0.0.1:8080"), "{answer:?}");
}

#[test]
fn the_file_here_is_read_and_the_environment_goes_over_it() {
    let program = Program::new();
    program.write("tidings.toml", "listen = '127.0.0.1:9000'\n[[source]]\nkind = 'clock'\ntopic = 'time'\n");
    let answer = program.run(&["check-config"]);
    assert_eq!(answer.code, Some(0), "{answer:?}");
    assert!(answer.stdout.starts_with("ok: tidings.toml\n"), "{answer:?}");
    assert!(answer.stdout.contains("127.0.0.1:9000") && answer.stdout.contains("clock"), "{answer:?}");

    let mut command = program.command(&["check-config"]);
    let output = command.env("TIDINGS_LISTEN", "127.0.0.1:9001,127.0.0.1:9002").output().unwrap();
    let stdout = String::from_utf8(output.stdout).unwrap();
    assert!(stdout.contains("127.0.0.1:9001, 127.0.0.1:9002"), "{stdout}");
}

#[test]
fn all_problems_are_listed_with_their_place_and_the_code_is_64() {
    let program = Program::new();
    program.write("my.toml", "lisen = 'x'\n[log]\nengine = 'redis'\n");
    let output = program
        .command(&["check-config", "--config", "my.toml"])
        .env("TIDINGS_DAT", "x")
        .env("TIDINGS_HISTORY_AGE", "soon")
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(64));
    assert!(output.stdout.is_empty());
    let stderr = String::from_utf8(output.stderr).unwrap();
    for says in [
        "my.toml:1: unknown key `lisen`: did you mean `listen`?",
        "my.toml:3: log.engine: this version does not have the engine \"redis\" yet",
        "TIDINGS_DAT: unknown environment variable: did you mean `TIDINGS_DATA`?",
        "TIDINGS_HISTORY_AGE: history.age: \"soon\" is not a duration",
    ] {
        assert!(stderr.contains(says), "{stderr}");
    }
}

#[test]
fn a_file_that_is_named_must_be_there() {
    let answer = Program::new().run(&["check-config", "--config", "gone.toml"]);
    assert_eq!(answer.code, Some(64), "{answer:?}");
    assert!(answer.stderr.contains("gone.toml: the configuration cannot be read"), "{answer:?}");
}

#[test]
fn serve_refuses_a_wrong_configuration_before_anything_else() {
    let program = Program::new();
    for args in [&["serve", "--listen", "nowhere"][..], &["serve", "--listen", "0.0.0.0:0"]] {
        let answer = program.run(args);
        assert_eq!(answer.code, Some(64), "{answer:?}");
        assert!(answer.stderr.contains(args[1]), "{answer:?}");
    }
    assert_eq!(std::fs::read_dir(program.directory()).unwrap().count(), 0, "something was written");
}

#[test]
fn the_summary_names_who_has_rights_and_shows_no_secret() {
    let program = Program::new();
    let secret = "hunter2-hunter2-hunter2-hunter2-hunter2";
    program.write("secret", &format!("{secret}\n"));
    program.write(
        "tidings.toml",
        &format!(
            "[[keys]]\nname = 'backend'\nsecret_file = 'secret'\npublish = ['*']\n\
             [[keys]]\nname = 'operator'\nsecret = '{secret}-2'\nadmin = true\n\
             [[jwt]]\nissuer = 'https://shop.example'\nkey = 'hunter2'\n\
             [anonymous]\nsubscribe = ['public.*']\n\
             [auth.callback]\nurl = 'http://user:hunter2@127.0.0.1:8000/auth?k=hunter2'\n\
             [mercure]\ndialects = ['1.0', '0.x']\n"
        ),
    );
    let answer = program.run(&["check-config"]);
    assert_eq!(answer.code, Some(0), "{answer:?}");
    for line in [
        "  keys      backend, operator\n",
        "  jwt       https://shop.example\n",
        "  anonymous may read public.*\n",
        "  callback  http://127.0.0.1:8000\n",
        "  mercure   1.0 and 0.x\n",
        "  warning   the key of \"https://shop.example\" has 7 bytes",
    ] {
        assert!(answer.stdout.contains(line), "{line:?}: {}", answer.stdout);
    }
    assert!(!answer.stdout.contains("hunter2") && !answer.stderr.contains("hunter2"), "{answer:?}");
}

#[test]
fn the_reference_hubs_variables_are_understood() {
    let program = Program::new();
    let output = program
        .command(&["check-config"])
        .env("MERCURE_PUBLISHER_JWT_KEY", "!ChangeThisMercureHubJWTSecretKey!")
        .env("MERCURE_EXTRA_DIRECTIVES", "anonymous\nui")
        .env("MERCURE_LICENSE", "none")
        .output()
        .unwrap();
    let stdout = String::from_utf8(output.stdout).unwrap();
    for line in [
        "  jwt       MERCURE_PUBLISHER_JWT_KEY\n",
        "  anonymous may read *\n",
        "  mercure   1.0 and 0.x\n",
        "  warning   MERCURE_EXTRA_DIRECTIVES: ui means nothing here",
    ] {
        assert!(stdout.contains(line), "{line:?}: {stdout}");
    }
}
