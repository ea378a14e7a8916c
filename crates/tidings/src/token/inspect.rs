//! `tidings token inspect`: what is in a token, and whether the hub would accept it.

use std::{fmt::Write as _, path::PathBuf};

use clap::Args;
use serde::Serialize;
use serde_json::Value;
use tidings_auth::{
    Action, Asked, Authority, Carrier, Dialect, Grant, Grants, Inspection, Presented, Secret, Settings,
    inspect,
};
use tidings_hub::Selection;

use super::{of_client, of_standard_input};
use crate::{
    config::{Config, Overrides},
    exit::Fault,
    standard::{harmless, print},
};

/// The path that tokens of Mercure 1.0 are made out for, where the configuration names no URL.
const MERCURE: &str = "/.well-known/mercure";

/// `tidings token inspect`.
#[derive(Debug, Args)]
#[command(after_help = "Prints what is in the token, without its signature, and what the hub of this
configuration would say to it. Which tokens were revoked only the running hub
knows.

Exit codes: 64 the configuration is wrong; 65 it is no token, or would not be
accepted.

Example:
  tidings token inspect - < token
  tidings token inspect --token-file token --json")]
pub(super) struct InspectArgs {
    /// `-`: the token, or the secret of a key, is on standard input [default: it is in the variable TIDINGS_TOKEN, else on
    /// standard input]
    #[arg(value_name = "-", conflicts_with = "token_file")]
    // Somebody may give the token itself, which clap would quote in its error.
    from: Option<Secret>,
    /// A file that holds the token
    #[arg(long, value_name = "FILE")]
    token_file: Option<PathBuf>,
    /// The hub's URL that a Mercure 1.0 token must be for [default: mercure.url, else what the hub listens on]
    #[arg(long, value_name = "URL")]
    audience: Option<String>,
    /// Print an object of JSON
    #[arg(long)]
    json: bool,
    /// The configuration file [default: tidings.toml, if there is one; env: TIDINGS_CONFIG]
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
}

/// What was found out.
#[derive(Serialize)]
struct Report {
    /// What is in the token. A key has nothing in it.
    #[serde(flatten)]
    contents: Option<Contents>,
    /// What it grants: by its claims, or as the hub knows the key.
    grants: Option<Grants>,
    /// What the hub would say.
    verdict: Verdict,
}

/// What is in a token.
#[derive(Serialize)]
struct Contents {
    header: Value,
    claims: Value,
    dialect: Option<Dialect>,
    id: String,
    expiry: String,
    /// What is wrong with the claims.
    problem: Option<String>,
}

#[derive(Serialize)]
struct Verdict {
    /// That the hub looks at no token, because it is open.
    open: bool,
    publish: Answer,
    subscribe: Answer,
}

/// What the hub would say to one action.
#[derive(Serialize)]
struct Answer {
    accepted: bool,
    reason: String,
    /// What is granted then.
    grants: Option<Grants>,
}

pub(super) async fn run(args: InspectArgs) -> anyhow::Result<()> {
    let token = match args.from {
        Some(from) if from.expose() == "-" => of_standard_input()?,
        Some(_) => {
            return Err(Fault::Data.because(
                "a token is not taken as an argument, for everybody can read those in the list of processes: give it on standard input, in a file (--token-file FILE) or in TIDINGS_TOKEN",
            ));
        }
        None => of_client(args.token_file.as_deref())?.map_or_else(of_standard_input, Ok)?,
    };
    let config = crate::configuration(&Overrides { config: args.config, ..Overrides::default() })?;
    let audience = args.audience.unwrap_or_else(|| audience(&config));
    let verdict = verdict(&config, &token, &audience).await?;
    let report = match inspect(&token) {
        Ok(inspection) => Report::of_token(inspection, verdict),
        // The secret of a key has not the form of a token.
        Err(_) if verdict.is_good() && !verdict.open => Report::of_key(verdict),
        Err(reason) => return Err(Fault::Data.because(reason)),
    };
    match args.json {
        true => print(serde_json::to_string(&report)?)?,
        false => print(report.in_words()?)?,
    }
    match report.verdict.is_good() {
        true => Ok(()),
        false => Err(Fault::Data.because("this hub would not accept it")),
    }
}

/// What the hub takes for itself when a request is for its first address.
fn audience(config: &Config) -> String {
    match &config.mercure.url {
        Some(url) => url.to_string(),
        None => format!("http://{}{MERCURE}", config.listen.first().cloned().unwrap_or_default()),
    }
}

async fn verdict(config: &Config, token: &Secret, audience: &str) -> anyhow::Result<Verdict> {
    // The file of revocations is the running hub's, which writes to it.
    let settings = Settings { revocations: None, ..config.auth_settings() };
    let authority = Authority::start(settings).map_err(|error| Fault::Configuration.because(error))?;
    let presented = Presented { token: token.clone(), by: Carrier::Header };
    let dialects = config.mercure.dialects;
    let ask = async |action| {
        let asked = Asked { action, audience, dialects };
        match authority.verify(&presented, &asked).await {
            Ok(grant) => Answer::granted(&grant, action),
            Err(refusal) => Answer { accepted: false, reason: refusal.to_string(), grants: None },
        }
    };
    Ok(Verdict {
        open: authority.is_open(),
        publish: ask(Action::Publish).await,
        subscribe: ask(Action::Subscribe).await,
    })
}

impl Verdict {
    fn is_good(&self) -> bool {
        self.publish.accepted || self.subscribe.accepted
    }
}

impl Answer {
    fn granted(grant: &Grant, action: Action) -> Self {
        let nothing = Selection::default();
        let read = &grant.rights.read;
        let accepted = match action {
            Action::Publish => grant.rights.publish != nothing,
            Action::Subscribe => read.public != nothing || read.private != nothing,
        };
        let reason = match accepted {
            true => grant.holder.to_string(),
            false => format!("{} is granted no topic to {action} to", grant.holder),
        };
        Self { accepted, reason, grants: Some(Grants::of(grant)) }
    }

    fn in_words(&self, action: Action) -> String {
        let verdict = if self.accepted { "yes" } else { "no" };
        format!("{action}: {verdict}: {}", self.reason)
    }
}

impl Report {
    fn of_token(token: Inspection, verdict: Verdict) -> Self {
        let Inspection { header, claims, dialect, expiry, grants, id } = token;
        let (grants, problem) = match grants {
            Ok(grants) => (Some(grants), None),
            Err(problem) => (None, Some(problem)),
        };
        Self { contents: Some(Contents { header, claims, dialect, id, expiry, problem }), grants, verdict }
    }

    fn of_key(verdict: Verdict) -> Self {
        let grants =
            [&verdict.publish, &verdict.subscribe].into_iter().find_map(|answer| answer.grants.clone());
        Self { contents: None, grants, verdict }
    }

    fn in_words(&self) -> serde_json::Result<String> {
        let mut text = String::new();
        // What has several lines stands below itself.
        let mut line = |mut name: &str, value: &str| {
            for part in value.lines() {
                // Writing to a string cannot fail.
                writeln!(text, "{name:<8} {}", harmless(part)).ok();
                name = "";
            }
        };
        if let Some(token) = &self.contents {
            line("header", &serde_json::to_string_pretty(&token.header)?);
            line("claims", &serde_json::to_string_pretty(&token.claims)?);
            let kind = token.dialect.map(|dialect| dialect.to_string());
            line("kind", kind.as_deref().unwrap_or("none that a hub knows"));
            line("id", &token.id);
            line("expiry", &token.expiry);
            if let Some(problem) = &token.problem {
                line("grants", &format!("nothing: {problem}"));
            }
        }
        if let Some(grants) = &self.grants {
            line("grants", &rights(grants));
        }
        let Verdict { open, publish, subscribe } = &self.verdict;
        match open {
            true => line("verdict", "this hub is open: it looks at no token"),
            false => {
                line("verdict", &publish.in_words(Action::Publish));
                line("", &subscribe.in_words(Action::Subscribe));
            }
        }
        text.truncate(text.trim_end().len());
        Ok(text)
    }
}

fn rights(grants: &Grants) -> String {
    let of = |what: &str, selectors: &str| match selectors {
        "" => format!("{what} nothing\n"),
        _ => format!("{what} {selectors}\n"),
    };
    let rights = of("publish to", &grants.publish)
        + &of("read public events of", &grants.public)
        + &of("read private events of", &grants.private);
    if grants.admin { rights + "administer the hub\n" } else { rights }
}
