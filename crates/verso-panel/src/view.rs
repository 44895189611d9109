//! The pages: each a function of the state and of what the person is in the middle of.

mod activity;
mod device;
mod devices;
mod matrix;
mod notes;
mod overview;
mod pairing;
mod remedy;
mod review;
mod screen;
mod workspaces;

use egui::Ui;
use verso_trust::{Access, PeerRole};

use crate::action::PanelAction;
use crate::badge::Badge;
use crate::memory::{Editing, Memory, Page};
use crate::state::{Indicator, Pairing, PanelState};
use crate::text::{self, Clock};
use crate::theme::{Theme, Tone};
use crate::widgets::{Button, Field, Icon, Look, field, notice};

/// What mending a journal does.
pub(crate) const REPAIR: &str = "What is whole of a damaged journal makes a new one, the old one is kept beside it, and what is missing comes from your \
                                 other devices.";

/// All that a page is made from, and where it leaves what is asked for.
pub(crate) struct View<'a> {
    pub(crate) state: &'a PanelState,
    pub(crate) theme: Theme,
    pub(crate) clock: Clock,
    pub(crate) memory: &'a mut Memory,
    pub(crate) actions: &'a mut Vec<PanelAction>,
}

impl View<'_> {
    pub(crate) fn ask(&mut self, action: PanelAction) {
        self.actions.push(action);
    }

    /// The one line for it all, which leads to what it is made of.
    pub(crate) fn badge(&mut self, ui: &mut Ui) {
        if ui.add(Badge::new(&self.state.indicator)).clicked() {
            self.memory.go_to(Page::Overview);
        }
    }

    /// Tells whether the sheet for pairing is what is shown.
    pub(crate) const fn is_pairing(&self) -> bool {
        self.memory.wants_to_pair || (!matches!(self.state.pairing, Pairing::None) && self.memory.aside.is_none())
    }

    /// Leaves the sheet for pairing, if that is wanted: what is under way goes on, and what is over is closed.
    pub(crate) fn put_aside(&mut self) {
        if !std::mem::take(&mut self.memory.leaves_sheet) {
            return;
        }
        match self.state.pairing {
            Pairing::None => {}
            Pairing::Paired { .. } | Pairing::Failed(_) | Pairing::Invited { .. } => {
                self.ask(PanelAction::ClosePairing);
            }
            _ => self.memory.aside = Some(std::mem::discriminant(&self.state.pairing)),
        }
    }

    /// Has the host look for devices nearby while they are shown, and no longer.
    pub(crate) fn look_around(&mut self) {
        let wants = self.memory.wants_to_pair || (self.memory.page == Page::Devices && !self.is_pairing());
        if wants != self.memory.is_looking {
            self.memory.is_looking = wants;
            self.ask(if wants { PanelAction::LookAround } else { PanelAction::StopLooking });
        }
    }

    /// How much waits on a page.
    pub(crate) fn count(&self, page: Page) -> Option<(u64, Tone)> {
        let count = match page {
            Page::Overview => (text::len(&self.state.stops), Tone::Bad),
            Page::Review => {
                let held = text::len(&self.state.held).saturating_add(self.state.more_held);
                let conflicts = text::len(&self.state.conflicts);
                (conflicts.saturating_add(text::len(&self.state.offered)).saturating_add(held), Tone::Warn)
            }
            Page::Devices | Page::Workspaces | Page::Activity => (0, Tone::Plain),
        };
        // Of what passes by itself nobody has to be told on every page.
        let is_urgent = page != Page::Overview || self.state.indicator == Indicator::Attention;
        (count.0 > 0 && is_urgent).then_some(count)
    }

    /// A field for a name, if that name is being written. Returns whether it is.
    pub(crate) fn edit(&mut self, ui: &mut Ui, what: Editing, caption: &str, button: &str) -> bool {
        let Some(edit) = self.memory.edit.as_mut().filter(|edit| edit.what == what) else { return false };
        let (outcome, response) = field(ui, &self.theme, caption, "", &mut edit.text);
        if std::mem::take(&mut edit.is_new) {
            response.request_focus();
        }
        let name = edit.text.trim().to_owned();
        let (mut is_done, mut is_left) = (outcome == Field::Entered, outcome == Field::Left);
        ui.horizontal(|ui| {
            is_done |= Button::new(Look::Primary, button).unless_blank(&name).show(ui, &self.theme);
            is_left |= Button::new(Look::Plain, "Cancel").show(ui, &self.theme);
        });
        if is_done && !name.is_empty() {
            self.ask(match what {
                Editing::ThisDevice => PanelAction::RenameThis { name },
                Editing::Device(device) => PanelAction::Rename { device, name },
                Editing::Workspace(workspace) => PanelAction::RenameWorkspace { workspace, name },
                Editing::NewWorkspace => PanelAction::NewWorkspace { name },
            });
        }
        if is_left || is_done {
            self.memory.edit = None;
        }
        true
    }

    /// Says what can't be taken back, and asks for it once it is agreed to. The answers are yes and no, each with its accessible name.
    pub(crate) fn ask_first(&mut self, ui: &mut Ui, text: &str, answers: [(&str, String); 2], action: PanelAction) {
        let theme = self.theme;
        let [(yes, yes_named), (no, no_named)] = answers;
        notice(ui, &theme, Tone::Bad, Icon::Warning, text);
        ui.horizontal_wrapped(|ui| {
            if Button::new(Look::Danger, yes).named(yes_named).show(ui, &theme) {
                self.memory.asking = None;
                self.ask(action);
            }
            if Button::new(Look::Plain, no).named(no_named).show(ui, &theme) {
                self.memory.asking = None;
            }
        });
    }
}

/// What a device may do, in words.
pub(crate) const fn access_text(access: Access) -> &'static str {
    match access {
        Access::ReadOnly => "read only",
        Access::ReadWrite => "read and write",
    }
}

/// Whose a device is.
pub(crate) const fn role_icon(role: PeerRole) -> Icon {
    match role {
        PeerRole::Own => Icon::Laptop,
        PeerRole::Friend => Icon::Person,
    }
}
