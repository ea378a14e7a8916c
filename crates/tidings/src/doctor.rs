//! `tidings doctor`: opens streams through whatever stands in front of a hub, and says what that does to them.
//!
//! Looking and judging are apart: [`examine`] makes the requests and notes what happened, [`judge`] makes findings of the
//! notes and touches no network, and [`fix`] knows the lines that help, by proxy.

mod dial;
mod examine;
mod finding;
mod fix;
mod hear;
mod judge;
mod notes;
mod proxy;

use std::{path::PathBuf, time::Duration};

use clap::Args;
use reqwest::Url;

use self::{examine::Plan, finding::Diagnosis, proxy::Proxy};
use crate::{
    exit::Fault,
    standard::{print, say},
    token,
};

/// The longest silence that the hub's probe offers.
const MAX_IDLE: Duration = Duration::from_secs(600);
/// The most streams at once: the hub's probe serves a few doctors, not a crowd.
const MAX_STREAMS: u16 = 48;

/// `tidings doctor`.
#[derive(Debug, Args)]
#[command(after_help = "Nothing is published. What needs no right is tested without one; a token is
taken from --token-file or TIDINGS_TOKEN, and never shown to a server whose
certificate is wrong.

Exit codes: 0 all is well, 1 there are problems, 2 the arguments are wrong.

Example:
  tidings doctor https://hub.example --origin https://app.example --idle 75s")]
pub(crate) struct DoctorArgs {
    /// The hub's public address, as browsers have it, with the path it is mounted at, if any
    #[arg(value_name = "URL")]
    url: String,
    /// How long a stream is left silent, in whole seconds; `75s` is longer than the usual patience of proxies
    #[arg(long, value_name = "TIME", default_value = "5s", value_parser = humantime::parse_duration)]
    idle: Duration,
    /// Ask as a page of this origin does
    #[arg(long, value_name = "ORIGIN")]
    origin: Option<String>,
    /// That page sends cookies (`withCredentials`)
    #[arg(long, requires = "origin")]
    credentials: bool,
    /// How many streams are opened at once
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u16).range(1..=i64::from(MAX_STREAMS)))]
    streams: u16,
    /// What stands in front, if it does not say so itself: the fixes are for this one
    #[arg(long, value_name = "NAME")]
    proxy: Option<Proxy>,
    /// Print the findings as JSON
    #[arg(long)]
    json: bool,
    /// A file that holds the token or the key's secret to show the hub [env: TIDINGS_TOKEN holds the token itself]
    #[arg(long, value_name = "FILE")]
    token_file: Option<PathBuf>,
}

/// Examines, and prints the findings. Answers whether all is well.
///
/// # Errors
/// When the arguments are wrong, or standard output fails.
pub(crate) async fn run(args: DoctorArgs) -> anyhow::Result<bool> {
    let plan = plan(&args)?;
    if !args.json {
        say(format_args!("examining {} …", plan.base));
    }
    let notes = examine::examine(&plan).await;
    let diagnosis = Diagnosis {
        url: plan.base.to_string(),
        proxy: notes.proxy(args.proxy),
        findings: judge::judge(&notes, args.proxy),
    };
    print(if args.json { diagnosis.to_json() } else { diagnosis.to_text() })?;
    Ok(diagnosis.is_well())
}

fn plan(args: &DoctorArgs) -> anyhow::Result<Plan> {
    let wrong = |text: String| Fault::Arguments.because(text);
    let url = Url::parse(&args.url).ok().filter(|url| url.has_host());
    let Some(base) = url.filter(|url| matches!(url.scheme(), "http" | "https")) else {
        return Err(wrong(format!("{}: write an address such as https://hub.example", args.url)));
    };
    if !base.username().is_empty() || base.password().is_some() {
        return Err(wrong("a password in the address is not understood".to_owned()));
    }
    if args.idle > MAX_IDLE {
        return Err(wrong(format!("--idle: {} at most", humantime::format_duration(MAX_IDLE))));
    }
    if let Some(origin) = &args.origin {
        let parsed = Url::parse(origin).ok().filter(|url| url.origin().ascii_serialization() == *origin);
        if parsed.is_none() {
            return Err(wrong(format!(
                "--origin {origin}: write it as browsers do, such as https://app.example"
            )));
        }
    }
    Ok(Plan {
        base: without_stream(base),
        idle: args.idle,
        origin: args.origin.clone(),
        credentials: args.credentials,
        streams: usize::from(args.streams),
        token: token::of_client(args.token_file.as_deref())?,
    })
}

/// The address of the hub, of which the address of its streams may have been given.
fn without_stream(mut url: Url) -> Url {
    url.set_query(None);
    url.set_fragment(None);
    let path = url.path().trim_end_matches('/');
    let path = ["/events", "/sse"].iter().find_map(|end| path.strip_suffix(end)).unwrap_or(path).to_owned();
    url.set_path(&path);
    url
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_address_of_the_streams_will_do() {
        for (given, expected) in [
            ("https://hub.example", "https://hub.example/"),
            ("https://app.example/hub/", "https://app.example/hub"),
            ("https://app.example/hub/events?topic=a", "https://app.example/hub"),
            ("http://127.0.0.1:8080/sse", "http://127.0.0.1:8080/"),
        ] {
            assert_eq!(without_stream(given.parse().unwrap()).as_str(), expected);
        }
    }
}
