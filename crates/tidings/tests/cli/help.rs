use crate::support::Program;

#[test]
fn every_command_helps_with_an_example() {
    let program = Program::new();
    for args in [
        &["--help"][..],
        &["serve", "--help"],
        &["publish", "--help"],
        &["subscribe", "--help"],
        &["check-config", "--help"],
        &["token", "--help"],
        &["token", "mint", "--help"],
        &["token", "inspect", "--help"],
        &["token", "key", "--help"],
    ] {
        let answer = program.run(args);
        assert_eq!(answer.code, Some(0), "{answer:?}");
        assert!(answer.stdout.contains("Example:\n  tidings "), "{args:?}: {}", answer.stdout);
    }
}

#[test]
fn the_version_is_that_of_the_package() {
    let answer = Program::new().run(&["--version"]);
    assert_eq!(answer.stdout, concat!("tidings ", env!("CARGO_PKG_VERSION"), "\n"));
}

#[test]
fn a_wrong_command_line_is_2() {
    let program = Program::new();
    for args in [&["srve"][..], &["serve", "--lisen", "x"], &["publish", "--id", "a", "--lines"]] {
        let answer = program.run(args);
        assert_eq!(answer.code, Some(2), "{answer:?}");
    }
}
