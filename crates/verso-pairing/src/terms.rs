//! What a pairing grants, in the form that both people see before they say yes.

use serde::{Deserialize, Serialize};
use verso_identity::{DeviceId, Name, WorkspaceId};
use verso_trust::{Access, PairingSide, PeerRole};

/// One workspace that an offer opens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WorkspaceTerms {
    /// Which workspace.
    pub id: WorkspaceId,
    /// Its name, for the person who joins.
    pub name: Name,
    /// What the joining device may do in it.
    pub access: Access,
}

/// What an offer grants. It is the showing side's; the joining side takes it or leaves it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "RawTerms", try_from = "RawTerms")]
pub struct Terms {
    role: PeerRole,
    workspaces: Vec<WorkspaceTerms>,
}

impl Terms {
    /// Most workspaces in one offer: as many as a session offers, so no pairing promises what no session can open.
    pub const MAX_WORKSPACES: usize = 256;

    /// Makes the terms of an offer.
    ///
    /// For a friend the workspaces are the grant. An own device gets every workspace that is not excluded for it, with
    /// read and write; what is listed for one is for people to see.
    ///
    /// # Errors
    /// [`TermsError`] if they contradict themselves.
    pub fn new(role: PeerRole, workspaces: Vec<WorkspaceTerms>) -> Result<Self, TermsError> {
        if workspaces.len() > Self::MAX_WORKSPACES {
            return Err(TermsError::TooMany { count: workspaces.len() });
        }
        for (at, workspace) in workspaces.iter().enumerate() {
            if workspace.id == WorkspaceId::CONTROL {
                return Err(TermsError::Control);
            }
            if workspaces.iter().take(at).any(|earlier| earlier.id == workspace.id) {
                return Err(TermsError::Twice { workspace: workspace.id });
            }
            if role == PeerRole::Own && workspace.access != Access::ReadWrite {
                return Err(TermsError::OwnReadOnly { workspace: workspace.id });
            }
        }
        Ok(Self { role, workspaces })
    }

    /// Returns what the two devices will be to each other.
    pub const fn role(&self) -> PeerRole {
        self.role
    }

    /// Returns the workspaces, in the order in which they were given.
    pub fn workspaces(&self) -> &[WorkspaceTerms] {
        &self.workspaces
    }
}

/// Why terms are refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TermsError {
    /// Too many workspaces.
    #[error("{count} workspaces in one offer: at most {} are allowed", Terms::MAX_WORKSPACES)]
    TooMany {
        /// How many.
        count: usize,
    },
    /// One workspace stands twice.
    #[error("workspace {workspace} stands twice in an offer")]
    Twice {
        /// Which.
        workspace: WorkspaceId,
    },
    /// The log of the own devices is nobody's to offer.
    #[error("the control log can't be offered")]
    Control,
    /// An own device reads and writes.
    #[error("an own device can't be read-only on workspace {workspace}")]
    OwnReadOnly {
        /// Which workspace.
        workspace: WorkspaceId,
    },
    /// A number that stands for no role or access.
    #[error("an unknown role or access")]
    Unknown,
}

/// [`Terms`] as they travel: numbers of this format's own, so that the names of enum variants elsewhere may change.
#[derive(Clone, Serialize, Deserialize)]
struct RawTerms {
    role: u8,
    workspaces: Vec<(WorkspaceId, u8, Name)>,
}

impl From<Terms> for RawTerms {
    fn from(terms: Terms) -> Self {
        let workspaces = terms.workspaces.into_iter();
        Self {
            role: match terms.role {
                PeerRole::Own => 1,
                PeerRole::Friend => 2,
            },
            workspaces: workspaces
                .map(|workspace| (workspace.id, access_number(workspace.access), workspace.name))
                .collect(),
        }
    }
}

impl TryFrom<RawTerms> for Terms {
    type Error = TermsError;

    fn try_from(raw: RawTerms) -> Result<Self, TermsError> {
        let role = match raw.role {
            1 => PeerRole::Own,
            2 => PeerRole::Friend,
            _ => return Err(TermsError::Unknown),
        };
        let workspace = |(id, access, name)| Ok(WorkspaceTerms { id, name, access: access_of(access)? });
        Self::new(role, raw.workspaces.into_iter().map(workspace).collect::<Result<_, _>>()?)
    }
}

const fn access_number(access: Access) -> u8 {
    match access {
        Access::ReadOnly => 1,
        Access::ReadWrite => 2,
    }
}

const fn access_of(number: u8) -> Result<Access, TermsError> {
    match number {
        1 => Ok(Access::ReadOnly),
        2 => Ok(Access::ReadWrite),
        _ => Err(TermsError::Unknown),
    }
}

/// Which way access goes, seen from this device.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Direction {
    /// The other device gets access to workspaces of this one.
    Gives,
    /// This device gets access to workspaces of the other.
    Receives,
    /// Each gets access to all of the other's: they are one person's.
    Both,
    /// Nobody gets access to anything yet: friends without a workspace.
    Nothing,
}

/// What a person is asked to confirm.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Summary {
    /// The side that this device is on.
    pub side: PairingSide,
    /// The other device, whose key has signed this pairing.
    pub peer: DeviceId,
    /// What it calls itself.
    pub name: Name,
    /// What the two people compare if they want to be sure.
    pub fingerprint: String,
    /// What will be granted.
    pub terms: Terms,
    /// Which way access will go.
    pub direction: Direction,
}

impl Summary {
    pub(crate) fn new(side: PairingSide, peer: DeviceId, name: Name, terms: Terms) -> Self {
        let direction = match (terms.role, side) {
            (PeerRole::Own, _) => Direction::Both,
            (PeerRole::Friend, _) if terms.workspaces.is_empty() => Direction::Nothing,
            (PeerRole::Friend, PairingSide::Showing) => Direction::Gives,
            (PeerRole::Friend, PairingSide::Joining) => Direction::Receives,
        };
        Self { side, peer, name, fingerprint: peer.fingerprint(), terms, direction }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn raw(role: u8, accesses: &[u8]) -> Result<Terms, TermsError> {
        let workspace = |(number, access): (u8, &u8)| {
            (WorkspaceId::from_bytes([number; 16]), *access, Name::new("Reading").unwrap())
        };
        RawTerms { role, workspaces: (1..).zip(accesses).map(workspace).collect() }.try_into()
    }

    #[test]
    fn numbers_that_stand_for_nothing_are_refused() {
        assert_eq!(raw(1, &[2]).unwrap().role(), PeerRole::Own);
        let friend = raw(2, &[1, 2]).unwrap();
        let accesses: Vec<Access> = friend.workspaces().iter().map(|workspace| workspace.access).collect();
        assert_eq!((friend.role(), accesses), (PeerRole::Friend, vec![Access::ReadOnly, Access::ReadWrite]));
        for unknown in [0, 3, 255] {
            assert!(matches!(raw(unknown, &[2]), Err(TermsError::Unknown)), "role {unknown}");
            assert!(matches!(raw(2, &[1, unknown]), Err(TermsError::Unknown)), "access {unknown}");
        }
    }
}
