//! [`Line`]: one thing that happened while `up` runs, for scripts and for people.

use std::io::{self, Write};

use serde::Serialize;
use verso_wire::Reason;

use crate::command::status::RelayRow;
use crate::discovery::Discovery;
use crate::output::{Paint, Report, shown};

/// A device.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Who {
    pub(super) device: String,
    pub(super) name: String,
}

impl Who {
    pub(super) fn text(&self) -> String {
        if self.name.is_empty() { self.device.get(..10).unwrap_or_default().to_owned() } else { shown(&self.name) }
    }
}

/// A workspace.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Place {
    pub(super) id: String,
    pub(super) name: String,
}

/// Why data does not move.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub(super) struct Why {
    pub(super) code: &'static str,
    pub(super) what: &'static str,
    pub(super) action: &'static str,
}

impl Why {
    pub(super) const fn of(reason: Reason) -> Self {
        Self { code: reason.code(), what: reason.what(), action: reason.action() }
    }
}

/// One thing that happened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "event", rename_all = "kebab-case")]
pub(super) enum Line {
    /// This device listens and dials.
    Started { device: String, addresses: Vec<String>, peers: usize },
    /// A connection with a peer is up.
    PeerOnline {
        #[serde(flatten)]
        who: Who,
    },
    /// Both acknowledged all they share. The figures are those of this connection.
    InStep {
        #[serde(flatten)]
        who: Who,
        entries_sent: u64,
        entries_received: u64,
    },
    /// Entries of others are durable and shown.
    Received {
        #[serde(flatten)]
        who: Who,
        workspace: Place,
        entries: u64,
    },
    /// A friend offers a workspace, which the person may join.
    WorkspaceOffered {
        #[serde(flatten)]
        who: Who,
        workspace: Place,
    },
    /// A workspace was taken over from another device of this person.
    WorkspaceAdopted {
        #[serde(flatten)]
        who: Who,
        workspace: String,
    },
    /// A device gave up its access to a workspace.
    MemberLeft {
        #[serde(flatten)]
        who: Who,
        workspace: Place,
    },
    /// What a workspace shows was worked out anew, because who may write in it changed.
    Rebuilt { workspace: Place },
    /// A device wrote two histories, which are branches from now on.
    Forked {
        #[serde(flatten)]
        who: Who,
        workspace: Place,
    },
    /// This device had been rolled back, and writes on as a new author.
    RolledBack { workspace: Place },
    /// How far this device has written could not be noted apart from its data.
    MarkNotKept { what: String },
    /// Devices on the local network are found, or can't be.
    Discovery {
        #[serde(flatten)]
        how: Discovery,
    },
    /// It stands otherwise with the relay by which others reach this device.
    Relay {
        #[serde(flatten)]
        how: RelayRow,
    },
    /// This device has no network.
    Offline { reason: Why },
    /// The connection is gone.
    PeerOffline {
        #[serde(flatten)]
        who: Who,
        reason: Option<Why>,
    },
    /// Something keeps data from moving.
    Blocked {
        #[serde(flatten)]
        who: Who,
        reason: Why,
    },
    /// This device has ended.
    Stopped {},
}

impl Report for Line {
    fn write_text(&self, out: &mut dyn Write, paint: Paint) -> io::Result<()> {
        let place = |place: &Place| shown(if place.name.is_empty() { &place.id } else { &place.name });
        match self {
            Self::Started { addresses, peers, .. } => {
                let at = if addresses.is_empty() { "no network yet".to_owned() } else { addresses.join(", ") };
                writeln!(out, "{} listening at {at}; {peers} paired; Ctrl-C ends it", paint.faint("○"))?;
                if *peers == 0 {
                    writeln!(out, "No device is paired yet: end this, and run `verso pair`.")?;
                }
                Ok(())
            }
            Self::PeerOnline { who } => writeln!(out, "{} {} is here", paint.faint("◐"), paint.strong(who.text())),
            Self::InStep { who, entries_sent, entries_received } => writeln!(
                out,
                "{} {} is in step: sent {}, received {}",
                paint.good("●"),
                paint.strong(who.text()),
                crate::output::entries(*entries_sent),
                crate::output::entries(*entries_received)
            ),
            Self::Received { who, workspace, entries } => {
                let (from, place) = (who.text(), place(workspace));
                writeln!(out, "  {} of {place} from {from}", crate::output::entries(*entries))
            }
            Self::WorkspaceOffered { who, workspace } => {
                let name = place(workspace);
                writeln!(out, "  {} offers {name}: take it with `verso workspace join {name}`", who.text())
            }
            Self::WorkspaceAdopted { who, workspace } => {
                writeln!(out, "  a workspace of {}: {workspace}", who.text())
            }
            Self::MemberLeft { who, workspace } => writeln!(out, "  {} left {}", who.text(), place(workspace)),
            Self::Rebuilt { workspace } => writeln!(out, "  {} was worked out anew", place(workspace)),
            Self::Forked { who, workspace } => writeln!(
                out,
                "{} {} wrote two histories of {}, as after a restored backup or a copied disk; both are kept",
                paint.warn("!"),
                paint.strong(who.text()),
                place(workspace)
            ),
            Self::RolledBack { workspace } => writeln!(
                out,
                "{} this device was rolled back, as {} shows; it goes on as a new author, and nothing is lost",
                paint.warn("!"),
                place(workspace)
            ),
            Self::MarkNotKept { what } => {
                writeln!(out, "{} the key store does not keep the high-water mark: {}", paint.warn("!"), shown(what))
            }
            Self::Discovery { how: Discovery { obstacle: Some(obstacle), .. } } => {
                writeln!(out, "{} {}", paint.warn("○"), obstacle.what)?;
                writeln!(out, "  {}", paint.faint(obstacle.action))
            }
            Self::Discovery { how: Discovery { interfaces, .. } } => {
                writeln!(out, "{}", paint.faint(format!("  devices find each other on {}", interfaces.join(", "))))
            }
            Self::Relay { how } => match (how.trouble(), &how.relay) {
                (Some((what, action)), _) => {
                    writeln!(out, "{} {}", paint.warn("○"), shown(&what))?;
                    writeln!(out, "  {}", paint.faint(action))
                }
                (None, Some(relay)) => writeln!(out, "{}", paint.faint(format!("  at the relay {}", shown(relay)))),
                (None, None) => writeln!(out, "{}", paint.faint("  looking for a relay")),
            },
            Self::Offline { reason } => {
                writeln!(out, "{} {}", paint.warn("○"), reason.what)?;
                writeln!(out, "  {}", paint.faint(reason.action))
            }
            Self::PeerOffline { who, reason } => {
                let why = reason.map_or_else(String::new, |why| format!(": {}", why.what));
                writeln!(out, "{} {} is gone{why}", paint.faint("○"), paint.strong(who.text()))
            }
            Self::Blocked { who, reason } => {
                writeln!(out, "{} {}: {}", paint.warn("○"), paint.strong(who.text()), reason.what)?;
                writeln!(out, "  {}", paint.faint(reason.action))
            }
            Self::Stopped {} => writeln!(out, "{} ended", paint.faint("○")),
        }
    }
}
