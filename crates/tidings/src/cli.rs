//! The command line. Each command's help ends with an example.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};
use tidings_bench::BenchArgs;

use crate::{
    config::Overrides, doctor::DoctorArgs, publish::PublishArgs, subscribe::SubscribeArgs, token::TokenArgs,
    top::TopArgs,
};

/// A server-sent events hub: any backend publishes, any browser listens, nothing is lost.
#[derive(Debug, Parser)]
#[command(
    version,
    after_help = "Without a command it is `tidings serve`.

Example:
  tidings serve &
  tidings subscribe greetings &
  tidings publish --topic greetings 'Hello'"
)]
pub(crate) struct Cli {
    /// What to do.
    #[command(subcommand)]
    command: Option<Command>,
}

/// What the program can do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run the hub
    Serve(ServeArgs),
    /// Publish events
    Publish(PublishArgs),
    /// Print events as they arrive
    Subscribe(SubscribeArgs),
    /// Watch what a hub does, in the terminal
    Top(TopArgs),
    /// Make keys and tokens, and tell what is in one
    Token(TokenArgs),
    /// Check the configuration, without running anything
    CheckConfig(CheckConfigArgs),
    /// See what a proxy in front of a hub does to its streams, and how to put it right
    Doctor(DoctorArgs),
    /// Put a hub, or another server, under load and count every event
    Bench(BenchArgs),
}

/// `tidings serve`.
#[derive(Debug, Default, Args)]
#[command(after_help = "Flags go over environment variables (TIDINGS_LISTEN, TIDINGS_LOG_ENGINE, …),
those over the configuration file, that over the defaults.

Exit code 64: the configuration is wrong.

Example:
  tidings serve --listen 127.0.0.1:9000 --data /var/lib/tidings")]
pub(crate) struct ServeArgs {
    #[command(flatten)]
    settings: SettingArgs,
}

// No comment of documentation: clap would take it for the command's.
#[derive(Debug, Default, Args)]
pub(crate) struct SettingArgs {
    /// The configuration file [default: tidings.toml, if there is one; env: TIDINGS_CONFIG]
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// An address to listen on, port 0 for any free one; may be given several times [default: 127.0.0.1:8080]
    #[arg(long, value_name = "ADDR")]
    listen: Vec<String>,
    /// The directory that keeps the history [default: ./tidings-data]
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// Serve the demo pages, with events to see on them
    #[arg(long)]
    demo: bool,
    /// Listen on other addresses than this machine's own although there are no keys: everybody who reaches the hub can
    /// publish and read everything
    #[arg(long)]
    insecure_open: bool,
}

/// `tidings check-config`.
#[derive(Debug, Args)]
#[command(after_help = "Prints \"ok\" and a summary, or every problem with its place.

Exit code 64: there are problems.

Example:
  tidings check-config --config /etc/tidings.toml")]
pub(crate) struct CheckConfigArgs {
    #[command(flatten)]
    settings: SettingArgs,
}

impl Cli {
    /// The command, which is to serve if none was given.
    pub(crate) fn into_command(self) -> Command {
        self.command.unwrap_or_else(|| Command::Serve(ServeArgs::default()))
    }
}

impl From<SettingArgs> for Overrides {
    fn from(args: SettingArgs) -> Self {
        let SettingArgs { config, listen, data, demo, insecure_open } = args;
        Self { config, listen, data, demo, insecure_open }
    }
}

impl From<ServeArgs> for Overrides {
    fn from(args: ServeArgs) -> Self {
        args.settings.into()
    }
}

impl From<CheckConfigArgs> for Overrides {
    fn from(args: CheckConfigArgs) -> Self {
        args.settings.into()
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_definitions_are_consistent_and_every_command_has_an_example() {
        let mut cli = <Cli as CommandFactory>::command();
        cli.build();
        cli.clone().debug_assert();
        let mut commands = vec![&cli];
        while let Some(command) = commands.pop() {
            let help = command.get_after_help().map(ToString::to_string).unwrap_or_default();
            assert!(help.contains("Example:\n  tidings "), "{}", command.get_name());
            let is_for_people =
                |command: &&clap::Command| command.get_name() != "help" && !command.is_hide_set();
            commands.extend(command.get_subcommands().filter(is_for_people));
        }
    }

    #[test]
    fn no_command_means_serve() {
        assert!(matches!(Cli::parse_from(["tidings"]).into_command(), Command::Serve(_)));
    }
}
