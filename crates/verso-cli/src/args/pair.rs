//! What can be said to `pair`.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Subcommand, ValueEnum};
use verso_trust::PeerRole;

use super::{AccessChoice, duration};

/// How long `pair` shows its offer, unless told otherwise: long enough to walk to the other device, short enough that a
/// link left on a screen is worth nothing soon.
const DEFAULT_PAIRING: Duration = Duration::from_secs(verso_pairing::PAIR_SECONDS);
/// How long an invitation stands: until tomorrow, since the other person may sleep.
const DEFAULT_INVITATION: Duration = Duration::from_secs(verso_pairing::INVITE_SECONDS);

/// What is to be done with invitations.
#[derive(Debug, Subcommand)]
pub(crate) enum PairCommand {
    /// Lists the invitations that were made with --invite
    List,
    /// Takes an invitation back: its link is void
    Withdraw {
        /// Invitation by its id or the start of it
        id: String,
    },
}

/// How an offer is made.
#[derive(Debug, Args)]
pub(crate) struct PairOptions {
    /// Makes a link that stays good when this command ends, and is served whenever `verso up` runs
    #[arg(long)]
    pub(crate) invite: bool,
    /// How long the link is good for, as in 5m or 90s [default: 5m; with --invite 24h]
    #[arg(long, value_name = "TIME", value_parser = duration)]
    ttl: Option<Duration>,
    /// Writes the link as a QR code into a picture, whose name ends in .svg or .png; it replaces one that is there
    #[arg(long, value_name = "FILE", value_parser = Picture::parse)]
    pub(crate) qr: Option<Picture>,
    #[command(flatten)]
    pub(crate) terms: TermsOptions,
    /// Agrees without asking
    #[arg(long)]
    pub(crate) yes: bool,
}

impl PairOptions {
    /// How long the offer stands.
    pub(crate) fn ttl(&self) -> Duration {
        self.ttl.unwrap_or(if self.invite { DEFAULT_INVITATION } else { DEFAULT_PAIRING })
    }
}

/// What the other device becomes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum RoleChoice {
    /// Another device of yours: it has everything
    Own,
    /// A friend's: it has the workspaces that are named
    Friend,
}

impl RoleChoice {
    pub(crate) const fn role(self) -> PeerRole {
        match self {
            Self::Own => PeerRole::Own,
            Self::Friend => PeerRole::Friend,
        }
    }
}

/// What is offered to whom.
#[derive(Debug, Clone, Args)]
pub(crate) struct TermsOptions {
    /// What the other device becomes
    #[arg(long, value_enum, default_value_t = RoleChoice::Own)]
    pub(crate) role: RoleChoice,
    /// With --role friend: a workspace to share, by name, id or start of an id; may be given several times
    #[arg(long, short = 'w', value_name = "WS")]
    pub(crate) workspace: Vec<String>,
    /// With --role friend: whether the friend may read, or read and write
    #[arg(long, value_enum, default_value_t = AccessChoice::Rw)]
    pub(crate) access: AccessChoice,
}

/// A picture of a QR code, and in which form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Picture {
    /// One bit a pixel.
    Png(PathBuf),
    /// Any size.
    Svg(PathBuf),
}

impl Picture {
    fn parse(text: &str) -> Result<Self, String> {
        let path = PathBuf::from(text);
        match path.extension().and_then(|ending| ending.to_str()).map(str::to_ascii_lowercase).as_deref() {
            Some("png") => Ok(Self::Png(path)),
            Some("svg") => Ok(Self::Svg(path)),
            _ => Err("has to end in .svg or .png".to_owned()),
        }
    }
}
