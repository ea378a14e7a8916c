//! `tidings token mint`: makes a token and signs it.

use std::{path::PathBuf, time::SystemTime};

use clap::{Args, ValueEnum};
use serde_json::value::RawValue;
use tidings_auth::{Algorithm, Dialect, Issuer, KeySource, Mint, Secret};
use tidings_sources::HumanDuration;

use super::from_file;
use crate::{
    config::{Overrides, is_hmac},
    exit::Fault,
    standard::{print, say},
};

/// `tidings token mint`.
#[derive(Debug, Args)]
#[command(after_help = "Prints the token to standard output. It is signed with the key of --key-file, or
else with that of the first [[jwt]] of the configuration that can sign for what
is asked: one with a shared secret, or with a private key.

Exit codes: 64 the configuration is wrong, or has no such key; 65 no such token
can be made.

Example:
  tidings token mint --subscribe 'orders.*' --user 42 --expires 8h
  tidings token mint --dialect 0.x --publish '*' --expires never --key-file jwt.key
  tidings token mint --dialect 1.0 --subscribe 'https://shop.example/books/:id' \\
    --issuer https://auth.example --audience https://hub.example/.well-known/mercure \\
    --key-file private.pem --algorithm EdDSA")]
pub(super) struct MintArgs {
    /// The kind of the token: of Tidings itself, or of a dialect of Mercure
    #[arg(long, value_enum, default_value_t = Kind::Native)]
    dialect: Kind,
    /// Topics it may publish to; may be given several times. `*` is every topic. Native: a topic, a pattern
    /// (`orders.*`) or a URI template; 0.x: a topic or a URI template; 1.0: a topic or a URL pattern
    #[arg(long, value_name = "SELECTOR")]
    publish: Vec<String>,
    /// Topics whose private events it may see, likewise
    #[arg(long, value_name = "SELECTOR")]
    subscribe: Vec<String>,
    /// Whose token it is (sub), by which it can be revoked
    #[arg(long)]
    user: Option<String>,
    /// How long it is good for, or `never`
    #[arg(long, value_name = "TIME", default_value = "1h")]
    expires: Expires,
    /// What presence says about the bearer (Mercure only)
    #[arg(long, value_name = "JSON")]
    payload: Option<String>,
    /// Who made it (iss) [default: that of the configured key]
    #[arg(long)]
    issuer: Option<String>,
    /// Whom it is for (aud); may be given several times [default: that of the configured key, else
    /// mercure.url]
    #[arg(long)]
    audience: Vec<String>,
    /// Let it administer the hub (native only)
    #[arg(long)]
    admin: bool,
    /// A file with the key to sign with: a shared secret, or a private key in PEM
    #[arg(long, value_name = "FILE")]
    key_file: Option<PathBuf>,
    /// The algorithm to sign with [default: that of the configured key; HS256 with a shared secret]
    #[arg(long, value_parser = algorithm)]
    algorithm: Option<Algorithm>,
    /// The id of the key in a key set (kid)
    #[arg(long)]
    kid: Option<String>,
    /// The configuration file [default: tidings.toml, if there is one; env: TIDINGS_CONFIG]
    #[arg(long, value_name = "FILE", conflicts_with = "key_file")]
    config: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Kind {
    Native,
    #[value(name = "1.0")]
    V1,
    #[value(name = "0.x")]
    V0,
}

impl From<Kind> for Dialect {
    fn from(kind: Kind) -> Self {
        match kind {
            Kind::Native => Self::Native,
            Kind::V1 => Self::V1,
            Kind::V0 => Self::V0,
        }
    }
}

/// How long a token is good for; `None` for ever.
#[derive(Debug, Clone, Copy)]
struct Expires(Option<HumanDuration>);

impl std::str::FromStr for Expires {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "never" => Ok(Self(None)),
            _ => text
                .parse()
                .map(|duration| Self(Some(duration)))
                .map_err(|error: tidings_sources::NotADuration| error.to_string()),
        }
    }
}

fn algorithm(text: &str) -> Result<Algorithm, String> {
    tidings_auth::algorithm(text).map_err(|error| error.to_string())
}

/// With what a token is signed, and what is known about who signs.
#[derive(Debug)]
struct Signer {
    key: Secret,
    algorithm: Algorithm,
    issuer: Option<String>,
    audience: Vec<String>,
}

pub(super) fn run(args: MintArgs) -> anyhow::Result<()> {
    if args.publish.is_empty() && args.subscribe.is_empty() && !args.admin {
        return Err(
            Fault::Data.because("the token would grant nothing: give --publish, --subscribe or --admin")
        );
    }
    let signer = match &args.key_file {
        Some(path) => of_file(from_file("--key-file", path)?, args.algorithm)?,
        None => of_configuration(&args)?,
    };
    let payload = args.payload.map(RawValue::from_string).transpose();
    let payload =
        payload.map_err(|error| Fault::Data.because(format_args!("--payload is not JSON: {error}")))?;
    let expires = args.expires.0.map(|HumanDuration(duration)| SystemTime::now().checked_add(duration));
    if expires == Some(None) {
        return Err(Fault::Data.because("--expires is too long: write `never`"));
    }
    let token = Mint {
        publish: args.publish,
        subscribe: args.subscribe,
        user: args.user,
        expires: expires.flatten(),
        payload,
        issuer: args.issuer.or(signer.issuer),
        audience: if args.audience.is_empty() { signer.audience } else { args.audience },
        admin: args.admin,
        kid: args.kid,
        ..Mint::new(args.dialect.into())
    };
    let token = tidings_auth::mint(&token, &signer.key, signer.algorithm)
        .map_err(|error| Fault::Data.because(error))?;
    print(token.expose())
}

fn of_file(key: Secret, algorithm: Option<Algorithm>) -> anyhow::Result<Signer> {
    let algorithm = match algorithm {
        Some(algorithm) => algorithm,
        None if key.expose().contains("-----BEGIN ") => {
            return Err(Fault::Data.because(
                "--key-file is a PEM document: say what it signs with, such as --algorithm EdDSA, ES256 or RS256",
            ));
        }
        None => Algorithm::HS256,
    };
    Ok(Signer { key, algorithm, issuer: None, audience: Vec::new() })
}

/// The first issuer of the configuration that can sign the token and whose tokens are good for what it is to allow.
fn of_configuration(args: &MintArgs) -> anyhow::Result<Signer> {
    let overrides = Overrides { config: args.config.clone(), ..Overrides::default() };
    let config = crate::configuration(&overrides)?;
    let fits = |issuer: &&Issuer| {
        (args.publish.is_empty() || issuer.roles.publish)
            && (args.subscribe.is_empty() || issuer.roles.subscribe)
            && (!args.admin || (issuer.roles.publish && issuer.roles.subscribe))
            && (args.issuer.is_none() || args.issuer == issuer.issuer)
    };
    let signer = config.issuers.iter().filter(fits).find_map(|issuer| match &issuer.keys {
        KeySource::Static { key, algorithm }
            if can_sign(key, *algorithm) && args.algorithm.is_none_or(|wanted| wanted == *algorithm) =>
        {
            Some((issuer, key, *algorithm))
        }
        _ => None,
    });
    let Some((issuer, key, algorithm)) = signer else {
        return Err(Fault::Configuration.because(
            "no [[jwt]] of the configuration has a key that can sign this (a shared secret or a private key, for what \
             is asked): give --key-file",
        ));
    };
    let is_believed = match args.dialect {
        Kind::Native => true,
        Kind::V1 => config.mercure.dialects.v1,
        Kind::V0 => config.mercure.dialects.v0,
    };
    if !is_believed {
        say(format_args!(
            "this hub will not accept the token: dialects in [mercure] does not name {}",
            Dialect::from(args.dialect)
        ));
    }
    let audience = match &config.mercure.url {
        Some(url) if issuer.audience.is_empty() => vec![url.to_string()],
        _ => issuer.audience.clone(),
    };
    Ok(Signer { key: key.clone(), algorithm, issuer: issuer.issuer.clone(), audience })
}

fn can_sign(key: &Secret, algorithm: Algorithm) -> bool {
    is_hmac(algorithm) || key.expose().contains("PRIVATE KEY-----")
}
