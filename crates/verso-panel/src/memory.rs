//! What a person is in the middle of.

use std::collections::BTreeMap;
use std::mem::Discriminant;

use verso_identity::{DeviceId, WorkspaceId};
use verso_trust::{Access, PeerRole};

use crate::action::OfferTerms;
use crate::state::{Pairing, PanelState};

/// A page of the panel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Page {
    #[default]
    Overview,
    Devices,
    Workspaces,
    Review,
    Activity,
}

impl Page {
    pub(crate) const ALL: [Self; 5] = [Self::Overview, Self::Devices, Self::Workspaces, Self::Review, Self::Activity];

    pub(crate) const fn title(self) -> &'static str {
        match self {
            Self::Overview => "Overview",
            Self::Devices => "Devices",
            Self::Workspaces => "Workspaces",
            Self::Review => "Review",
            Self::Activity => "Activity",
        }
    }

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Overview => "overview",
            Self::Devices => "devices",
            Self::Workspaces => "workspaces",
            Self::Review => "review",
            Self::Activity => "activity",
        }
    }
}

/// A text that is being written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Edit {
    pub(crate) what: Editing,
    pub(crate) text: String,
    /// The field has yet to get the keyboard.
    pub(crate) is_new: bool,
}

/// What is being named.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Editing {
    ThisDevice,
    Device(DeviceId),
    Workspace(WorkspaceId),
    NewWorkspace,
}

/// What a person is asked before it is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Asking {
    Forget(DeviceId),
    Leave(WorkspaceId),
    Unshare(WorkspaceId, DeviceId),
    /// Of all workspaces if none is named.
    Repair(Option<WorkspaceId>),
}

/// What a person is in the middle of.
#[derive(Debug)]
pub(crate) struct Memory {
    pub(crate) page: Page,
    /// The sheet for pairing is open, though none is under way yet.
    pub(crate) wants_to_pair: bool,
    /// The sheet is to be left for a page.
    pub(crate) leaves_sheet: bool,
    /// The step of a pairing whose sheet was left. At the next step the sheet is there again.
    pub(crate) aside: Option<Discriminant<Pairing>>,
    /// The host was asked to look for devices nearby.
    pub(crate) is_looking: bool,
    pub(crate) open_device: Option<DeviceId>,
    pub(crate) edit: Option<Edit>,
    pub(crate) asking: Option<Asking>,
    /// The workspace for which somebody to share with is being chosen, and what they would get.
    pub(crate) sharing: Option<(WorkspaceId, Access)>,
    pub(crate) code: String,
    pub(crate) typed: String,
    pub(crate) role: PeerRole,
    pub(crate) chosen: BTreeMap<WorkspaceId, Access>,
}

impl Default for Memory {
    fn default() -> Self {
        Self {
            page: Page::Overview,
            wants_to_pair: false,
            leaves_sheet: false,
            aside: None,
            is_looking: false,
            open_device: None,
            edit: None,
            asking: None,
            sharing: None,
            code: String::new(),
            typed: String::new(),
            role: PeerRole::Own,
            chosen: BTreeMap::new(),
        }
    }
}

impl Memory {
    /// Goes to a page, and leaves what was begun on another.
    pub(crate) fn go_to(&mut self, page: Page) {
        self.page = page;
        self.wants_to_pair = false;
        (self.edit, self.asking, self.sharing) = (None, None, None);
    }

    /// Begins to write a name.
    pub(crate) fn begin_edit(&mut self, what: Editing, text: &str) {
        self.edit = Some(Edit { what, text: text.to_owned(), is_new: true });
        self.asking = None;
    }

    /// Forgets what is about something that is gone.
    pub(crate) fn follow(&mut self, state: &PanelState) {
        let has_device = |id: &DeviceId| state.device(id).is_some();
        let has_workspace = |id: &WorkspaceId| state.workspace(id).is_some();
        self.open_device = self.open_device.filter(has_device);
        self.sharing = self.sharing.filter(|(workspace, _access)| has_workspace(workspace));
        self.chosen.retain(|workspace, _access| has_workspace(workspace));
        self.asking = self.asking.filter(|asking| match asking {
            Asking::Forget(device) => has_device(device),
            Asking::Leave(workspace) => has_workspace(workspace),
            Asking::Unshare(workspace, device) => has_device(device) && has_workspace(workspace),
            Asking::Repair(meant) => state.stops.iter().any(|stop| stop.workspace == *meant),
        });
        self.aside = self.aside.filter(|step| *step == std::mem::discriminant(&state.pairing));
        let edited_is_gone = self.edit.as_ref().is_some_and(|edit| match &edit.what {
            Editing::Device(device) => !has_device(device),
            Editing::Workspace(workspace) => !has_workspace(workspace),
            Editing::ThisDevice | Editing::NewWorkspace => false,
        });
        if edited_is_gone {
            self.edit = None;
        }
        if !matches!(state.pairing, Pairing::None) {
            // What was entered has been taken, and is worth something to whoever reads it.
            self.code.clear();
        }
        if !matches!(state.pairing, Pairing::Comparing { .. }) {
            self.typed.clear();
        }
    }

    /// What would be offered.
    pub(crate) fn terms(&self) -> OfferTerms {
        let workspaces = match self.role {
            PeerRole::Own => Vec::new(),
            PeerRole::Friend => self.chosen.iter().map(|(workspace, access)| (*workspace, *access)).collect(),
        };
        OfferTerms { role: self.role, workspaces }
    }
}
