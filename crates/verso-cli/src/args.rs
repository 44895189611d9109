//! The command line: what can be said to `verso`, and the help that teaches it.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::{ArgAction, Args, Parser, Subcommand};
use clap_complete::Shell;

mod conflicts;
mod discovery;
mod format;
mod help;
mod identity;
mod log;
mod network;
mod node;
mod pair;
mod parse;
mod quarantine;
mod workspace;

pub(crate) use conflicts::{ConflictsCommand, ResolveChoice};
pub(crate) use discovery::{DiscoveryChoice, DiscoveryOptions};
pub(crate) use format::{ExportFormat, ImportFormat};
pub(crate) use identity::{IdCommand, KeyStoreChoice, KeystoreCommand};
pub(crate) use log::LogCommand;
pub(crate) use network::{NetworkChoice, NetworkOptions};
pub(crate) use node::{EdgeCommand, Ends, NodeCommand};
pub(crate) use pair::{PairCommand, PairOptions, Picture, RoleChoice, TermsOptions};
pub(crate) use parse::NoCommand;
pub(crate) use quarantine::{Chosen, QuarantineCommand};
pub(crate) use workspace::{AccessChoice, WorkspaceCommand, WorkspaceOption};

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
    #[arg(long, global = true, value_name = "ADDR", value_parser = address)]
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
        #[arg(long, value_name = "ADDR", value_parser = address)]
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
        #[arg(required = true, value_name = "ADDR", value_parser = address)]
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

/// Whether something is done once or goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Repetition {
    Once,
    Watch,
}

fn address(text: &str) -> Result<SocketAddr, String> {
    let hint = "it has to be an address with its port, such as 192.168.1.7:4433 or [fe80::1]:4433";
    text.parse().map_err(|_source| hint.to_owned())
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
mod documented;
#[cfg(test)]
mod tests;
