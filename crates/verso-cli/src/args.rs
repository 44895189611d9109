//! The command line: what can be said to `verso`, and the help that teaches it.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::{ArgAction, Args, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;
use verso_identity::KeyStoreKind;
use verso_trust::Access;

use crate::import::FileFormat;

mod conflicts;
mod discovery;
mod help;
mod log;
mod network;
mod node;
mod pair;
mod parse;
mod quarantine;

pub(crate) use conflicts::{ConflictsCommand, ResolveChoice};
pub(crate) use discovery::{DiscoveryChoice, DiscoveryOptions};
pub(crate) use log::LogCommand;
pub(crate) use network::{NetworkChoice, NetworkOptions};
pub(crate) use node::{EdgeCommand, Ends, NodeCommand};
pub(crate) use pair::{PairCommand, PairOptions, Picture, RoleChoice, TermsOptions};
pub(crate) use parse::NoCommand;
pub(crate) use quarantine::{Chosen, QuarantineCommand};

/// How long `up --once` goes on trying peers that don't answer.
const DEFAULT_WAIT: &str = "10s";

/// How long `nearby` looks: a device answers within a second.
const DEFAULT_LOOK: &str = "3s";

/// Keeps workspaces in step between your devices, directly: no server, no account.
#[derive(Debug, Parser)]
#[command(name = "verso", version, after_help = help::FIRST_STEPS, max_term_width = 110, arg_required_else_help = true)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) globals: Globals,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// What can stand before or after any command.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Options for every command")]
pub(crate) struct Globals {
    #[arg(
        long,
        help = "Directory of this device's identity, journals and state [VERSO_DATA_DIR]",
        global = true,
        value_name = "DIR"
    )]
    pub(crate) data_dir: Option<PathBuf>,
    #[arg(
        long,
        help = "Where this device's secret is kept; `init` records it [VERSO_KEYSTORE]",
        global = true,
        value_name = "STORE",
        value_enum
    )]
    pub(crate) keystore: Option<KeyStoreChoice>,
    #[command(flatten)]
    pub(crate) network: NetworkOptions,
    /// Address and UDP port to listen on, instead of the port that `init` chose
    #[arg(long, global = true, value_name = "ADDR")]
    pub(crate) listen: Option<SocketAddr>,
    #[command(flatten)]
    pub(crate) discovery: DiscoveryOptions,
    /// Prints one JSON document instead of text
    #[arg(long, global = true)]
    pub(crate) json: bool,
    /// Logs what happens to standard error; twice for more
    #[arg(short, long, global = true, action = ArgAction::Count)]
    pub(crate) verbose: u8,
    #[arg(long, help = "No colours, as with the variable NO_COLOR", global = true)]
    pub(crate) no_color: bool,
}

/// Where a device's secret is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum KeyStoreChoice {
    /// The system's keychain
    Keychain,
    /// A file in the data directory, encrypted under a passphrase
    File,
}

impl KeyStoreChoice {
    pub(crate) const fn kind(self) -> KeyStoreKind {
        match self {
            Self::Keychain => KeyStoreKind::Keychain,
            Self::File => KeyStoreKind::File,
        }
    }
}

/// Which workspace a command is about.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct WorkspaceOption {
    #[arg(short = 'w', long = "workspace", value_name = "WS", help = help::WHICH_WORKSPACE)]
    pub(crate) workspace: Option<String>,
}

/// What is to be done.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Makes this device's identity: the first thing to do
    #[command(after_help = help::INIT)]
    Init {
        /// What other devices call this one; the machine's name if left out
        #[arg(long)]
        name: Option<String>,
    },
    /// Shows this device's id, name and fingerprint
    #[command(after_help = help::ID)]
    Id {
        #[command(subcommand)]
        command: Option<IdCommand>,
    },
    /// Shows where this device's secret is kept, and moves it
    #[command(subcommand, after_help = help::KEYSTORE)]
    Keystore(KeystoreCommand),
    /// Makes and lists workspaces
    #[command(subcommand, after_help = help::WORKSPACE)]
    Workspace(WorkspaceCommand),
    /// Adds a browser's bookmarks, or a graph of JSON lines, from a file, plain or .zst
    #[command(after_help = help::IMPORT)]
    Import {
        /// The file
        file: PathBuf,
        /// What the file is made of
        #[arg(long, value_enum, default_value_t = ImportFormat::Auto)]
        format: ImportFormat,
        #[command(flatten)]
        workspace: WorkspaceOption,
    },
    /// Adds, changes, shows and deletes nodes
    #[command(subcommand, after_help = help::NODE)]
    Node(NodeCommand),
    /// Adds and removes edges
    #[command(subcommand, after_help = help::EDGE)]
    Edge(EdgeCommand),
    /// Shows a workspace: its size, its tags, its newest nodes
    #[command(after_help = help::SHOW)]
    Show {
        #[arg(value_name = "WS", help = help::WHICH_WORKSPACE)]
        workspace: Option<String>,
    },
    /// Prints a whole workspace
    #[command(after_help = help::EXPORT)]
    Export {
        #[arg(value_name = "WS", help = help::WHICH_WORKSPACE)]
        workspace: Option<String>,
        /// What is printed
        #[arg(long, value_enum, default_value_t = ExportFormat::Json)]
        format: ExportFormat,
    },
    /// Shows a link and six words by which another device joins: yours, or a friend's
    #[command(after_help = help::PAIR, args_conflicts_with_subcommands = true)]
    Pair {
        #[command(subcommand)]
        wanted: Option<PairCommand>,
        #[command(flatten)]
        options: PairOptions,
    },
    /// Lists the devices on the local network that show a pairing screen
    #[command(after_help = help::NEARBY)]
    Nearby {
        /// How long to look
        #[arg(long, value_name = "TIME", default_value = DEFAULT_LOOK, value_parser = duration)]
        wait: Duration,
    },
    /// Joins another device by the link or the six words that its `verso pair` shows, or by its name if it is near
    #[command(after_help = help::JOIN)]
    Join {
        /// The link that starts with `verso://pair/`, or the six words; asked for if left out, and - reads them from standard input
        #[arg(value_name = "LINK-OR-WORDS")]
        code: Vec<String>,
        /// The name of a device on the local network that shows a pairing screen, or the start of its id
        #[arg(long, value_name = "NAME", conflicts_with = "code")]
        nearby: Option<String>,
        /// Where the other device can be reached, if it isn't found by itself
        #[arg(long, value_name = "ADDR")]
        at: Vec<SocketAddr>,
        /// Agrees without asking
        #[arg(long)]
        yes: bool,
    },
    /// Lists paired devices: who added them, how and when, and what friends were given
    #[command(after_help = help::PEERS)]
    Peers,
    /// Trusts a peer no longer, on any of your devices
    #[command(after_help = help::FORGET)]
    Forget {
        /// Peer by name, id or start of an id
        peer: String,
    },
    /// Changes what your devices call a peer
    #[command(after_help = help::RENAME)]
    Rename {
        /// Peer by name, id or start of an id
        peer: String,
        /// The new name
        name: String,
    },
    /// Notes where a peer can be reached
    #[command(after_help = help::ADDRESS)]
    Address {
        /// Peer by name, id or start of an id
        peer: String,
        /// Addresses with their ports
        #[arg(required = true, value_name = "ADDR")]
        addresses: Vec<SocketAddr>,
    },
    /// Syncs with all paired devices, until stopped
    #[command(after_help = help::UP)]
    Up {
        /// Ends as soon as every device that can be reached is in step
        #[arg(long)]
        once: bool,
        /// With --once: how long to go on trying devices that don't answer
        #[arg(long, value_name = "TIME", default_value = DEFAULT_WAIT, value_parser = duration, requires = "once")]
        wait: Duration,
    },
    /// Tells how things stand: peers, workspaces, what is in the way
    #[command(after_help = help::STATUS)]
    Status {
        /// Goes on showing it, until stopped
        #[arg(long)]
        watch: bool,
    },
    /// Writes this device into one encrypted file, also while `verso up` runs
    #[command(after_help = help::BACKUP)]
    Backup {
        /// The file, which must not be there yet
        file: PathBuf,
        /// Replaces the file if it is there
        #[arg(long)]
        replace: bool,
    },
    /// Makes the device of a backup again, in an empty data directory
    #[command(after_help = help::RESTORE)]
    Restore {
        /// The file that `verso backup` wrote
        file: PathBuf,
    },
    /// Confirms, on a device that was restored or put back to an earlier state, that a peer is still trusted
    #[command(after_help = help::CONFIRM)]
    Confirm {
        /// Peers, by name, id or start of an id
        #[arg(required = true, value_name = "PEER")]
        peers: Vec<String>,
    },
    /// Examines key store, journals, clock, network, and says what to do about what is wrong
    #[command(after_help = help::DOCTOR)]
    Doctor,
    /// Opens the Sync Panel in a window
    #[cfg(feature = "panel")]
    #[command(after_help = help::PANEL)]
    Panel,
    /// Looks at and after the journals, in which everything is kept
    #[command(subcommand, after_help = help::LOG)]
    Log(LogCommand),
    /// Lists what is to be decided, and decides it
    #[command(after_help = help::CONFLICTS, args_conflicts_with_subcommands = true)]
    Conflicts {
        #[command(subcommand)]
        wanted: Option<ConflictsCommand>,
        #[command(flatten)]
        workspace: WorkspaceOption,
    },
    /// Shows what devices wrote that had lost access, and decides what becomes of it
    #[command(subcommand, after_help = help::QUARANTINE)]
    Quarantine(QuarantineCommand),
    /// Shows everything at once: two devices on this machine, in temporary directories
    #[command(after_help = help::DEMO)]
    Demo {
        /// A file of JSON lines or bookmarks to use instead of the built-in graph
        #[arg(long, value_name = "FILE")]
        import: Option<PathBuf>,
    },
    /// Prints what a shell needs to complete command lines
    #[command(after_help = help::COMPLETIONS)]
    Completions {
        /// The shell
        #[arg(value_enum)]
        shell: Shell,
    },
    /// Prints the manual page, or writes a page for each command into a folder
    #[command(after_help = help::MAN)]
    Man {
        /// Where the pages go; it is made if it isn't there
        #[arg(value_name = "DIR")]
        folder: Option<PathBuf>,
    },
}

/// What is to be done with this device's name.
#[derive(Debug, Subcommand)]
pub(crate) enum IdCommand {
    /// Changes what other devices call this one
    Rename {
        /// The new name
        name: String,
    },
}

/// What is to be done with the key store.
#[derive(Debug, Subcommand)]
pub(crate) enum KeystoreCommand {
    /// Tells where the secret is
    Show,
    /// Moves the secret to the other store
    Move {
        /// Where to
        #[arg(value_enum)]
        to: KeyStoreChoice,
    },
    /// Changes the passphrase of the key file
    Passphrase,
}

/// What is to be done with workspaces.
#[derive(Debug, Subcommand)]
pub(crate) enum WorkspaceCommand {
    /// Makes a workspace
    New {
        /// What people call it
        name: String,
    },
    /// Lists workspaces with their ids and sizes, and what friends offer
    List,
    /// Changes what a workspace is called, for everybody who has it
    Rename {
        #[arg(value_name = "WS", help = "Workspace by name, id or start of an id")]
        workspace: String,
        /// The new name
        name: String,
    },
    /// Gives a workspace to a friend, or back to a device of yours
    Share {
        #[arg(value_name = "WS", help = "Workspace by name, id or start of an id")]
        workspace: String,
        /// Peer by name, id or start of an id
        peer: String,
        /// Whether the friend may read, or read and write
        #[arg(long, value_enum, default_value_t = AccessChoice::Rw)]
        access: AccessChoice,
    },
    /// Takes a workspace away from a friend or a device of yours
    Unshare {
        #[arg(value_name = "WS", help = "Workspace by name, id or start of an id")]
        workspace: String,
        /// Peer by name, id or start of an id
        peer: String,
    },
    /// Takes a workspace that a friend offers, or takes one back that this device left
    Join {
        /// The workspace by name, id or start of an id
        #[arg(value_name = "WS")]
        workspace: String,
    },
    /// Leaves a workspace, with this device alone: nothing more of it comes or goes
    Leave {
        #[arg(value_name = "WS", help = "Workspace by name, id or start of an id")]
        workspace: String,
        /// Leaves without asking
        #[arg(long)]
        yes: bool,
    },
}

/// What a peer may do in a workspace.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum AccessChoice {
    /// To read
    Ro,
    /// To read and to write
    Rw,
}

impl AccessChoice {
    pub(crate) const fn access(self) -> Access {
        match self {
            Self::Ro => Access::ReadOnly,
            Self::Rw => Access::ReadWrite,
        }
    }
}

/// The forms in which a workspace is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum ExportFormat {
    /// One canonical JSON document: devices in step print the same bytes
    Json,
    /// JSON lines that `verso import` reads
    Jsonl,
    /// Bookmarks that browsers import, and `verso import` reads, too
    Bookmarks,
    /// What Graphviz draws
    Dot,
}

/// Whether something is done once or goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Repetition {
    Once,
    Watch,
}

/// What a file to import is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum ImportFormat {
    /// What its first words say
    Auto,
    /// Bookmarks, as browsers export them
    Bookmarks,
    /// JSON lines, a node each
    Jsonl,
}

impl From<ImportFormat> for FileFormat {
    fn from(format: ImportFormat) -> Self {
        match format {
            ImportFormat::Auto => Self::Auto,
            ImportFormat::Bookmarks => Self::Bookmarks,
            ImportFormat::Jsonl => Self::Lines,
        }
    }
}

fn duration(text: &str) -> Result<Duration, String> {
    let hint = "a time like 90s, 5m or 24h";
    let parsed: jiff::SignedDuration = text.parse().map_err(|_source| format!("not {hint}"))?;
    if parsed.is_zero() || parsed.is_negative() {
        return Err(format!("has to be more than nothing: {hint}"));
    }
    Duration::try_from(parsed).map_err(|_source| format!("not {hint}"))
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;
    use clap::error::ErrorKind;

    use super::*;

    fn parse(line: &str) -> Result<Cli, clap::Error> {
        Cli::try_parse_from(line.split_whitespace())
    }

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    /// Every example in the help is one that works.
    #[test]
    fn examples_parse() {
        let mut count = 0;
        let examples = help::ALL.iter().flat_map(|text| text.lines()).map(str::trim);
        for line in examples.filter(|line| line.starts_with("verso ")) {
            // Two spaces end the command and start its explanation.
            let command = line.split("  ").next().unwrap_or(line).replace('\'', "");
            parse(&command).unwrap_or_else(|error| panic!("{command}\n{error}"));
            count += 1;
        }
        assert!(count > 15, "only {count} examples were found");
    }

    /// Whoever asks a command for help sees how it is used.
    #[test]
    fn every_command_teaches_by_examples() {
        for command in Cli::command().get_subcommands() {
            let help = command.get_after_help().map(ToString::to_string).unwrap_or_default();
            let example = format!("\n  verso {}", command.get_name());
            assert!(help.contains(&example), "{}: {help}", command.get_name());
        }
    }

    #[test]
    fn global_options_stand_anywhere() {
        let before = parse("verso --json --data-dir d --network loopback -vv id").unwrap();
        let after = parse("verso id --json --data-dir d --network loopback -vv").unwrap();
        for cli in [before, after] {
            assert!(cli.globals.json);
            assert_eq!(cli.globals.data_dir, Some("d".into()));
            assert_eq!(cli.globals.network.network, Some(NetworkChoice::Loopback));
            assert_eq!(cli.globals.verbose, 2);
        }
    }

    #[test]
    fn times() {
        assert_eq!(duration("90s"), Ok(Duration::from_secs(90)));
        assert_eq!(duration("5m"), Ok(Duration::from_mins(5)));
        assert_eq!(duration("24h"), Ok(Duration::from_hours(24)));
        assert_eq!(duration("500ms"), Ok(Duration::from_millis(500)));
        for bad in ["", "soon", "0s", "-5m", "10", "5 parsecs"] {
            assert!(duration(bad).is_err(), "{bad}");
        }
        let ttl = |line: &str| match parse(line).unwrap().command {
            Command::Pair { options, .. } => options.ttl(),
            _ => panic!("another command"),
        };
        assert_eq!(ttl("verso pair"), Duration::from_mins(5));
        assert_eq!(ttl("verso pair --invite"), Duration::from_hours(24));
        assert_eq!(ttl("verso pair --invite --ttl 1h"), Duration::from_hours(1));
        let Command::Up { wait, .. } = parse("verso up --once").unwrap().command else { panic!("another command") };
        assert_eq!(wait, Duration::from_secs(10));
    }

    #[test]
    fn nonsense_is_usage() {
        for line in [
            "verso frobnicate",
            "verso pair --qr code.gif",
            "verso pair --invite list",
            "verso pair withdraw",
            "verso quarantine",
            "verso quarantine keep",
            "verso quarantine keep 0123 --all",
            "verso up --wait 5s",
            "verso import",
            "verso id --network mars",
            "verso id --network relay=relay.example",
            "verso id --lookup dns.example",
            "verso node rm",
        ] {
            let error = parse(line).unwrap_err();
            assert_eq!(error.exit_code(), 2, "{line}: {error}");
        }
        assert_eq!(parse("verso").unwrap_err().kind(), ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand);
    }
}
