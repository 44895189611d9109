//! [`Recall`]: what a panel goes on telling of a device that was closed and is opened again.

use verso_identity::WorkspaceId;
use verso_panel::state::{Failure, Happening, HappeningKind};

use super::attendant::told;
use crate::command::log::repair::Repaired;
use crate::error::{CliError, Exit};
use crate::when;

/// What happened before a device was opened again in the same window.
#[derive(Debug, Default)]
pub(super) struct Recall {
    /// The latest first.
    pub(super) activity: Vec<Happening>,
    pub(super) failure: Option<Failure>,
    /// The journals of which a repair could not bring back everything.
    pub(super) missing: Vec<WorkspaceId>,
}

impl Recall {
    /// A repair begins, of a workspace's journal or of all.
    pub(super) fn begin_repair(&mut self, only: Option<WorkspaceId>) {
        *self = Self { activity: std::mem::take(&mut self.activity), ..Self::default() };
        self.remember(HappeningKind::RepairBegun, only);
    }

    /// It has ended.
    pub(super) fn end_repair(&mut self, only: Option<WorkspaceId>, repaired: Result<Repaired, CliError>) {
        let verdict = repaired.and_then(|repaired| {
            self.missing = repaired.missing().collect();
            repaired.verdict()
        });
        match verdict {
            Ok(()) => self.remember(HappeningKind::Repaired, only),
            Err(error) if error.exit == Exit::NoPeer => {
                let hint =
                    "repair them again when another device of yours can be reached; all that is whole works meanwhile";
                self.failure = Some(Failure { hint: hint.to_owned(), ..told(error) });
            }
            Err(error) => self.failure = Some(told(error)),
        }
    }

    fn remember(&mut self, kind: HappeningKind, workspace: Option<WorkspaceId>) {
        self.activity.insert(0, Happening { at_ms: when::now_ms(), kind, device: None, workspace });
    }
}
