//! What must hold of every selector that a stranger can send. Each fuzz target runs one of the checks on what the fuzzer
//! invents; here they run over its corpus, and seeded mutations of it.
//!
//! A file of the corpus is a selector, and behind it topics, a line each.

// Clippy knows tests by their attribute, and does not see that the helpers here are only called by tests.
#![allow(clippy::unwrap_used)]

mod template;
mod url_pattern;

use std::fs;

use fastrand::Rng;

const CORPUS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../fuzz/corpus");

/// Any seed will do, as long as a failure can be repeated.
const SEED: u64 = 0x7469_6469_6E67_7321;

/// What a mutation inserts: what has a meaning in selectors and URLs.
const TOKENS: [&str; 40] = [
    "{",
    "}",
    "{x}",
    "{+x*}",
    "{?x,y:3}",
    "{;x}",
    "{/x*}",
    "{.x}",
    ":",
    ":1",
    ":x",
    "*",
    "?",
    "+",
    "#",
    "&",
    ";",
    ",",
    "=",
    "/",
    "//",
    "..",
    ".",
    "%",
    "%4",
    "%C3%A9",
    "é",
    "日",
    "\\",
    "(",
    ")",
    "(a|b)",
    "(\\d{2,9})",
    "(?:[^/]",
    "[::1]",
    "@",
    "\n",
    " ",
    "http",
    "\u{7f}",
];

#[test]
fn templates_pass() {
    replay("template", 20_000, template::check);
}

#[test]
fn url_patterns_pass() {
    // Few, because regular expressions take their time to compile when their compiler is not optimised.
    replay("url_pattern", 1_000, url_pattern::check);
}

fn replay(corpus: &str, mutations: usize, check: fn(&str)) {
    let mut files: Vec<_> =
        fs::read_dir(format!("{CORPUS}/{corpus}")).unwrap().map(|file| file.unwrap().path()).collect();
    files.sort();
    let seeds: Vec<String> = files.iter().map(|file| fs::read_to_string(file).unwrap()).collect();
    assert!(!seeds.is_empty());
    seeds.iter().for_each(|seed| check(seed));
    let mut random = Rng::with_seed(SEED);
    for _ in 0..mutations {
        let mut input: Vec<char> = seeds[random.usize(..seeds.len())].chars().collect();
        for _ in 0..random.usize(1..5) {
            mutate(&mut input, &mut random);
        }
        check(&input.into_iter().collect::<String>());
    }
}

fn mutate(input: &mut Vec<char>, random: &mut Rng) {
    let at = random.usize(..=input.len());
    let end = (at + random.usize(..6)).min(input.len());
    match random.u8(..3) {
        0 => drop(input.drain(at..end)),
        1 => drop(input.splice(at..at, TOKENS[random.usize(..TOKENS.len())].chars())),
        _ => {
            let copy: Vec<char> = input[at..end].to_vec();
            let to = random.usize(..=input.len());
            drop(input.splice(to..to, copy));
        }
    }
}
