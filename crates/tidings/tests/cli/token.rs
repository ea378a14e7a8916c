//! `tidings token`.

use serde_json::{Value, json};

use crate::support::Program;

#[test]
fn a_key_is_long_random_and_fits_the_configuration_that_is_offered() {
    let program = Program::new();
    let first = program.run(&["token", "key", "--name", "back \"end\""]);
    assert_eq!(first.code, Some(0), "{first:?}");
    let secret = first.stdout.trim_end();
    assert!(secret.len() == 64 && secret.bytes().all(|b| b.is_ascii_alphanumeric()), "{secret}");
    assert_ne!(program.run(&["token", "key"]).stdout, first.stdout);
    assert!(!first.stderr.contains(secret), "{first:?}");

    let table = &first.stderr[first.stderr.find("[[keys]]").unwrap()..];
    let table = &table[..table.find("\n\n").unwrap()];
    program.write("back \"end\".key", &first.stdout);
    program.write("tidings.toml", table);
    let answer = program.run(&["check-config"]);
    assert_eq!(answer.code, Some(0), "{answer:?}");
    assert!(answer.stdout.contains("keys      back \"end\"\n"), "{answer:?}");
}

/// What tokens are signed with is no key: shown as one, it would do nothing.
#[test]
fn a_secret_to_sign_with_is_offered_as_an_issuer() {
    let program = Program::new();
    let answer = program.run(&["token", "key", "--name", "app", "--signing"]);
    assert_eq!(answer.code, Some(0), "{answer:?}");
    let table = &answer.stderr[answer.stderr.find("[[jwt]]").unwrap()..];
    program.write("app.key", &answer.stdout);
    program.write("tidings.toml", &table[..table.find("\n\n").unwrap()]);
    let checked = program.run(&["check-config"]);
    assert_eq!(checked.code, Some(0), "{checked:?}");
    assert!(checked.stdout.contains("app") && !checked.stdout.contains("keys      app"), "{checked:?}");
}

/// A shared secret that is long enough for HS256.
const SECRET: &str = "hunter2-hunter2-hunter2-hunter2-hunter2";

/// A program whose configuration believes tokens of both dialects.
fn configured() -> Program {
    let program = Program::new();
    program.write("jwt.key", &format!("{SECRET}\n"));
    program.write(
        "tidings.toml",
        "[[jwt]]\nname = 'set'\njwks = 'file:///nowhere'\nissuer = 'https://set.example'\n\
         [[jwt]]\nname = 'shop'\nissuer = 'https://shop.example'\nkey_file = 'jwt.key'\n\
         [mercure]\nurl = 'https://hub.example/.well-known/mercure'\ndialects = ['1.0', '0.x']\n",
    );
    program
}

/// The token that these arguments make, without its line end.
fn mint(program: &Program, args: &[&str]) -> String {
    let answer = program.run(&[&["token", "mint"], args].concat());
    assert_eq!(answer.code, Some(0), "{answer:?}");
    assert!(answer.stderr.is_empty(), "{answer:?}");
    answer.stdout.trim_end().to_owned()
}

/// What `inspect --json` says.
fn inspect(program: &Program, token: &str) -> Value {
    let answer = program.run_with(&["token", "inspect", "-", "--json"], token.as_bytes());
    serde_json::from_str(&answer.stdout).unwrap_or_else(|_| panic!("{answer:?}"))
}

#[test]
fn tokens_of_every_dialect_are_accepted_by_the_hub_they_were_made_for() {
    let program = configured();
    let common = ["--publish", "orders.7", "--subscribe", "https://shop.example/orders/7", "--user", "42"];
    for (dialect, more) in [("native", &["--admin"][..]), ("0.x", &["--payload", "{\"n\":1}"]), ("1.0", &[])]
    {
        let token = mint(&program, &[&["--dialect", dialect], &common[..], more].concat());
        let report = inspect(&program, &token);
        assert_eq!(report["dialect"], dialect, "{report}");
        assert_eq!(
            (&report["claims"]["iss"], &report["claims"]["sub"]),
            (&json!("https://shop.example"), &json!("42"))
        );
        assert_eq!(report["claims"]["aud"][0], "https://hub.example/.well-known/mercure");
        assert_eq!(report["expiry"], "it expires in 59 minutes", "{report}");
        assert_eq!(report["grants"]["publish"], "orders.7", "{report}");
        assert_eq!(report["verdict"]["publish"]["accepted"], true, "{report}");
        assert_eq!(report["verdict"]["publish"]["grants"]["publish"], "orders.7", "{report}");
        assert_eq!(report["verdict"]["publish"]["grants"]["admin"], dialect == "native", "{report}");
        let subscribe = &report["verdict"]["subscribe"];
        assert_eq!(subscribe["grants"]["private"], "https://shop.example/orders/7", "{report}");
        assert_eq!(subscribe["reason"], "user \"42\"", "{report}");
    }
}

#[test]
fn a_private_key_signs_what_its_public_key_verifies() {
    macro_rules! key {
        ($name:literal) => {
            include_str!(concat!("../../../tidings-auth/tests/keys/", $name, ".pem"))
        };
    }
    for (algorithm, private, public) in [
        ("EdDSA", key!("ed25519"), key!("ed25519.pub")),
        ("ES256", key!("p256"), key!("p256.pub")),
        ("ES384", key!("p384"), key!("p384.pub")),
        ("RS256", key!("rsa"), key!("rsa.pub")),
        ("PS512", key!("rsa"), key!("rsa.pub")),
    ] {
        let program = Program::new();
        program.write("private.pem", private);
        program.write("public.pem", public);
        let table = |file| format!("[[jwt]]\nkey_file = '{file}'\nalgorithm = '{algorithm}'\n");
        program.write("tidings.toml", &table("public.pem"));
        program.write("signer.toml", &table("private.pem"));
        for signer in
            [&["--key-file", "private.pem", "--algorithm", algorithm][..], &["--config", "signer.toml"]]
        {
            let token = mint(&program, &[&["--subscribe", "a", "--kid", "k1"], signer].concat());
            let report = inspect(&program, &token);
            assert_eq!(report["header"], json!({ "alg": algorithm, "kid": "k1", "typ": "JWT" }));
            assert_eq!(report["verdict"]["subscribe"]["accepted"], true, "{report}");
        }
        // A public key verifies, and cannot sign.
        let answer = program.run(&["token", "mint", "--subscribe", "a"]);
        assert_eq!(answer.code, Some(64), "{answer:?}");
    }
}

#[test]
fn a_token_is_explained_to_people_without_its_signature() {
    let program = configured();
    let token = mint(&program, &["--subscribe", "orders.*", "--user", "a\u{9b}b", "--expires", "never"]);
    let output = program.command(&["token", "inspect"]).env("TIDINGS_TOKEN", &token).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(0), "{text}");
    for part in [
        "header   {\n           \"alg\": \"HS256\"",
        "\nkind     native\n",
        "\nexpiry   it does not expire\n",
        "\ngrants   publish to nothing\n         read public events of orders.*\n         read private events of orders.*\n",
        "\nverdict  publish: no: user \"a\\u{9b}b\" is granted no topic to publish to\n",
        "\n         subscribe: yes: user \"a\\u{9b}b\"\n",
    ] {
        assert!(text.contains(part), "{part:?}: {text}");
    }
    let signature = token.rsplit_once('.').unwrap().1;
    assert!(!text.contains(signature) && !text.contains('\u{9b}'), "{text}");
    program.write("token", &format!("{token}\n"));
    assert_eq!(program.run(&["token", "inspect", "--token-file", "token"]).stdout, text);
}

#[test]
fn a_token_is_no_argument() {
    let program = configured();
    let token = mint(&program, &["--subscribe", "a"]);
    for args in [&["token", "inspect", &token][..], &["token", "inspect", &token, "--json"]] {
        let answer = program.run_with(args, token.as_bytes());
        assert_eq!((answer.code, &*answer.stdout), (Some(65), ""), "{answer:?}");
        assert!(answer.stderr.contains("list of processes") && !answer.stderr.contains(&token), "{answer:?}");
    }
    let answer = program.run(&["token", "inspect", "-", "--token-file", "token"]);
    assert_eq!(answer.code, Some(2), "{answer:?}");
}

#[test]
fn what_is_wrong_with_a_token_is_said_and_the_code_is_65() {
    let program = configured();
    program.write("other.key", &SECRET.replace('h', "H"));
    let token = mint(&program, &["--subscribe", "a"]);
    let foreign =
        mint(&program, &["--subscribe", "a", "--key-file", "other.key", "--issuer", "https://shop.example"]);
    let stranger =
        mint(&program, &["--subscribe", "a", "--key-file", "jwt.key", "--issuer", "https://else.example"]);
    let audience = ["token", "inspect", "-", "--audience", "https://other.example/.well-known/mercure"];
    let v1 = mint(&program, &["--dialect", "1.0", "--subscribe", "a"]);
    for (args, token, says) in [
        (&["token", "inspect", "-"][..], &foreign, "no: the token's signature"),
        (&["token", "inspect", "-"], &stranger, "no: the token's iss is \"https://else.example\""),
        (&audience, &v1, "no: the token's aud is \"https://hub.example/.well-known/mercure\""),
    ] {
        let answer = program.run_with(args, token.as_bytes());
        assert_eq!(answer.code, Some(65), "{answer:?}");
        assert!(answer.stdout.contains(&format!("subscribe: {says}")), "{says}: {}", answer.stdout);
        assert_eq!(answer.stderr, "tidings: this hub would not accept it\n");
    }
    program.write("v1.toml", "[[jwt]]\nkey_file = 'jwt.key'\n");
    let v0 = mint(&program, &["--dialect", "0.x", "--publish", "*"]);
    let answer = program.run_with(&["token", "inspect", "-", "--config", "v1.toml"], v0.as_bytes());
    assert_eq!(answer.code, Some(65), "{answer:?}");
    assert!(answer.stdout.contains("see dialects in [mercure]"), "{}", answer.stdout);

    for nonsense in ["", "nonsense", "a.b.c"] {
        let answer = program.run_with(&["token", "inspect", "-"], nonsense.as_bytes());
        assert_eq!((answer.code, &*answer.stdout), (Some(65), ""), "{answer:?}");
    }
    assert_eq!(inspect(&program, &token)["verdict"]["open"], false);
    // The open hub of no configuration takes everything, and says so.
    let answer = Program::new().run_with(&["token", "inspect", "-"], token.as_bytes());
    assert_eq!(answer.code, Some(0), "{answer:?}");
    assert!(
        answer.stdout.ends_with("verdict  this hub is open: it looks at no token\n"),
        "{}",
        answer.stdout
    );
}

#[test]
fn the_secret_of_a_key_is_known_for_what_it_is() {
    let program = Program::new();
    program.write(
        "tidings.toml",
        &format!("[[keys]]\nname = 'backend'\nsecret = '{SECRET}'\npublish = ['orders.*']\n"),
    );
    let answer = program.run_with(&["token", "inspect", "-"], format!("{SECRET}\n").as_bytes());
    assert_eq!(answer.code, Some(0), "{answer:?}");
    assert!(answer.stdout.starts_with("grants   publish to orders.*\n"), "{}", answer.stdout);
    assert!(answer.stdout.contains("verdict  publish: yes: key \"backend\"\n"), "{}", answer.stdout);
    assert!(!answer.stdout.contains(SECRET));
}

#[test]
fn a_token_that_cannot_be_made_says_why() {
    let program = configured();
    program.write("pem", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n");
    program.write("none.toml", "");
    program.write("publisher.toml", "[[jwt]]\nkey_file = 'jwt.key'\nactions = ['publish']\n");
    program.write("wrong.toml", "[[jwt]]\n");
    let v1 = ["--dialect", "1.0", "--subscribe", "a", "--key-file", "jwt.key"];
    for (args, code, says) in [
        (&[][..], 65, "would grant nothing"),
        (&["--publish", "a", "--key-file", "gone"], 65, "--key-file: the file \"gone\" cannot be read"),
        (&["--publish", "a", "--key-file", "pem"], 65, "--algorithm EdDSA"),
        (&["--publish", "a", "--key-file", "pem", "--algorithm", "EdDSA"], 65, "no private key"),
        (&["--publish", "a", "--key-file", "jwt.key", "--algorithm", "ES256"], 65, "no PEM document"),
        (&["--publish", "a", "--payload", "{"], 65, "--payload is not JSON"),
        (&["--publish", "a", "--payload", "{}"], 65, "no payload"),
        (&v1, 65, "needs an issuer"),
        (&["--dialect", "1.0", "--subscribe", "a", "--expires", "never"], 65, "needs an expiry"),
        (&["--dialect", "0.x", "--admin"], 65, "only a native token"),
        (&["--publish", "a", "--issuer", "https://else.example"], 64, "no [[jwt]] of the configuration"),
        (&["--publish", "a", "--algorithm", "HS512"], 64, "no [[jwt]] of the configuration"),
        (&["--publish", "a", "--config", "none.toml"], 64, "give --key-file"),
        (&["--subscribe", "a", "--config", "publisher.toml"], 64, "no [[jwt]] of the configuration"),
        (&["--admin", "--config", "publisher.toml"], 64, "no [[jwt]] of the configuration"),
        (&["--publish", "a", "--config", "wrong.toml"], 64, "wrong.toml:1: [[jwt]]: it has nothing"),
        (&["--publish", "a", "--expires", "soon"], 2, "soon"),
        (&["--publish", "a", "--algorithm", "none"], 2, "never believed"),
        (&["--publish", "a", "--dialect", "2.0"], 2, "native"),
    ] {
        let answer = program.run(&[&["token", "mint"], args].concat());
        assert_eq!(answer.code, Some(code), "{args:?}: {answer:?}");
        assert!(answer.stderr.contains(says), "{args:?}: {}", answer.stderr);
        assert!(answer.stdout.is_empty() && !answer.stderr.contains("hunter2"), "{args:?}: {answer:?}");
    }
}

#[test]
fn who_makes_a_token_that_the_hub_does_not_believe_is_told() {
    let program = configured();
    program.write("v1.toml", "[[jwt]]\nkey_file = 'jwt.key'\n");
    let answer = program.run(&["token", "mint", "--dialect", "0.x", "--publish", "*", "--config", "v1.toml"]);
    assert_eq!(answer.code, Some(0), "{answer:?}");
    assert!(answer.stderr.contains("dialects in [mercure] does not name Mercure 0.x"), "{}", answer.stderr);
}
