//! `tidings token key`: the secret of an API key.

use std::{
    fmt::Write as _,
    io::{self, IsTerminal as _},
};

use aws_lc_rs::rand;
use clap::Args;

use crate::{
    exit::Fault,
    standard::{print, say},
};

/// The random bytes of a secret: what cannot be guessed in any time.
const BYTES: usize = 32;

/// `tidings token key`.
#[derive(Debug, Args)]
#[command(after_help = "Prints the secret to standard output, and what to write into the
configuration to standard error.

Example:
  tidings token key --name backend > backend.key
  curl -H \"Authorization: Bearer $(cat backend.key)\" -d Hello http://127.0.0.1:8080/topics/greetings")]
pub(super) struct KeyArgs {
    /// How logs call the key
    #[arg(long, default_value = "backend")]
    name: String,
    /// The secret is to sign tokens with, and no key that is shown itself
    #[arg(long)]
    signing: bool,
}

pub(super) fn run(args: &KeyArgs) -> anyhow::Result<()> {
    let mut bytes = [0; BYTES];
    rand::fill(&mut bytes).map_err(|_| Fault::Unavailable.because("the system has no random numbers"))?;
    let secret = bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing to a string cannot fail.
        write!(text, "{byte:02x}").ok();
        text
    });
    print(&secret)?;
    // Where the output goes to a file, the configuration names one too, and the secret is not shown.
    let name = quoted(&args.name);
    let key = |inline: &str| match io::stdout().is_terminal() {
        true => format!("{inline} = {}", quoted(&secret)),
        false => format!("{inline}_file = {}", quoted(&format!("{}.key", args.name))),
    };
    match args.signing {
        true => say(format_args!(
            "\nFor tidings.toml:\n\n[[jwt]]\nname = {name}\n{}\n\n\
             Your application signs tokens with it (HS256), and shows it to nobody; `tidings token mint` makes some.",
            key("key")
        )),
        false => say(format_args!(
            "\nFor tidings.toml; take out what the key is not to do:\n\n[[keys]]\nname = {name}\n{}\npublish = [\"*\"]\nsubscribe = [\"*\"]\n\n\
             Whoever shows it sends the header `Authorization: Bearer SECRET`; `tidings publish` and `tidings subscribe`\n\
             take it from --token-file or TIDINGS_TOKEN.",
            key("secret")
        )),
    }
    Ok(())
}

/// Text as TOML has it.
fn quoted(text: &str) -> String {
    toml::Value::from(text).to_string()
}
