//! Workspaces: what is in them, who is in them, and how far everybody is.

use egui::Ui;
use verso_trust::{Access, PeerRole, Standing};

use super::{View, access_text};
use crate::action::PanelAction;
use crate::memory::{Asking, Editing, Page};
use crate::state::{Member, Workspace};
use crate::text;
use crate::theme::{CONTROL_HEIGHT, Tone, space};
use crate::widgets::{Button, Icon, Look, card, chip, ends, headline, line, say, section, segment, split, title};

impl View<'_> {
    pub(crate) fn workspaces(&mut self, ui: &mut Ui) {
        let (theme, state) = (self.theme, self.state);
        title(ui, &theme, Page::Workspaces.title(), |ui| {
            if Button::new(Look::Primary, "New workspace").icon(Icon::Plus).show(ui, &theme) {
                self.memory.begin_edit(Editing::NewWorkspace, "");
            }
        });
        if self.memory.edit.as_ref().is_some_and(|edit| edit.what == Editing::NewWorkspace) {
            card(ui, &theme, |ui| _ = self.edit(ui, Editing::NewWorkspace, "Name of the workspace", "Make it"));
        }
        if state.workspaces.is_empty() {
            card(ui, &theme, |ui| {
                say(ui, theme.heading("No workspace yet"));
                say(
                    ui,
                    theme.soft("A workspace is what you keep and share: pages, their tags, and how they are linked. Make one, or \
                                pair with a device that has some."),
                );
            });
        }
        for workspace in &state.workspaces {
            self.workspace(ui, workspace);
        }
        if !state.workspaces.is_empty() && !state.devices.is_empty() {
            section(ui, &theme, "HOW FAR EACH DEVICE IS");
            self.matrix(ui);
        }
    }

    fn workspace(&mut self, ui: &mut Ui, workspace: &Workspace) {
        let theme = self.theme;
        let name = self.state.workspace_name(&workspace.id);
        card(ui, &theme, |ui| {
            let texts = [theme.heading(&name), theme.soft(contents(workspace))];
            headline(ui, &theme, (Tone::Accent, Icon::Stack, 36.0), texts, |ui| {
                let tone = if workspace.access == Access::ReadWrite { Tone::Accent } else { Tone::Plain };
                chip(ui, &theme, tone, access_text(workspace.access));
            });
            self.members(ui, workspace, &name);
            self.workspace_buttons(ui, workspace, &name);
        });
    }

    fn members(&mut self, ui: &mut Ui, workspace: &Workspace, name: &str) {
        let theme = self.theme;
        if workspace.members.is_empty() {
            say(ui, theme.soft("Only on this device."));
        }
        for member in &workspace.members {
            ui.separator();
            self.member(ui, workspace, *member, name);
        }
    }

    fn member(&mut self, ui: &mut Ui, workspace: &Workspace, member: Member, name: &str) {
        let theme = self.theme;
        let who = self.state.name_of(&member.device);
        let is_own = self.state.device(&member.device).is_some_and(|device| device.role == PeerRole::Own);
        let can_decide = workspace.standing == Standing::CoOwner;
        let what = match (member.has_left, is_own) {
            (true, _) => "left by itself".to_owned(),
            (false, true) => "your device".to_owned(),
            (false, false) => access_text(member.access).to_owned(),
        };
        if self.memory.asking == Some(Asking::Unshare(workspace.id, member.device)) {
            let text = format!("{who} will get nothing more of {name}. What it has received stays readable there.");
            let answers = [
                ("Take away", format!("Take {name} away from {who}")),
                ("Leave it", format!("Leave {name} with {who}")),
            ];
            self.ask_first(ui, &text, answers, PanelAction::Unshare { workspace: workspace.id, device: member.device });
            return;
        }
        split(
            ui,
            360.0,
            |ui| {
                ui.spacing_mut().item_spacing.y = 1.0;
                line(ui, theme.body(&who));
                say(ui, theme.soft(text::sentence(&what)));
            },
            |ui| {
                if !can_decide {
                    return;
                }
                let stop = Button::new(Look::Faint, "Stop sharing").named(format!("Stop sharing {name} with {who}"));
                if stop.flush().show(ui, &theme) {
                    self.memory.asking = Some(Asking::Unshare(workspace.id, member.device));
                }
                if is_own || member.has_left {
                    return;
                }
                let (other, label) = match member.access {
                    Access::ReadOnly => (Access::ReadWrite, "Let it write"),
                    Access::ReadWrite => (Access::ReadOnly, "Make read only"),
                };
                if Button::new(Look::Faint, label).named(format!("{label}: {who} in {name}")).show(ui, &theme) {
                    let (workspace, device) = (workspace.id, member.device);
                    self.actions.push(PanelAction::Share { workspace, device, access: other });
                }
            },
        );
    }

    fn workspace_buttons(&mut self, ui: &mut Ui, workspace: &Workspace, name: &str) {
        let theme = self.theme;
        if self.edit(ui, Editing::Workspace(workspace.id), &format!("New name of {name}"), "Rename") {
            return;
        }
        if self.memory.asking == Some(Asking::Leave(workspace.id)) {
            let text =
                format!("This device will get nothing more of {name}, and what it has of it is not shown any more.");
            let answers = [("Leave it", format!("Leave {name} for good")), ("Stay", format!("Stay in {name}"))];
            self.ask_first(ui, &text, answers, PanelAction::LeaveWorkspace { workspace: workspace.id });
            return;
        }
        if self.memory.sharing.is_some_and(|(shared, _access)| shared == workspace.id) {
            self.share_with(ui, workspace, name);
            return;
        }
        ui.add_space(space::XS);
        ui.horizontal_wrapped(|ui| {
            let can_decide = workspace.standing == Standing::CoOwner;
            if can_decide
                && Button::new(Look::Plain, "Share").icon(Icon::Share).named(format!("Share {name}")).show(ui, &theme)
            {
                self.memory.sharing = Some((workspace.id, Access::ReadWrite));
            }
            let can_write = workspace.access == Access::ReadWrite;
            if can_write
                && Button::new(Look::Plain, "Rename")
                    .icon(Icon::Pencil)
                    .named(format!("Rename {name}"))
                    .show(ui, &theme)
            {
                self.memory.begin_edit(Editing::Workspace(workspace.id), &workspace.name);
            }
            let leave = Button::new(Look::Plain, "Leave").icon(Icon::Leave).named(format!("Leave {name}"));
            if !can_decide && leave.show(ui, &theme) {
                self.memory.asking = Some(Asking::Leave(workspace.id));
            }
        });
    }

    /// With whom a workspace can be shared that isn't in it yet.
    fn share_with(&mut self, ui: &mut Ui, workspace: &Workspace, name: &str) {
        let (theme, state) = (self.theme, self.state);
        let Some((_, access)) = self.memory.sharing else { return };
        let is_in = |device: &crate::state::Device| {
            workspace.members.iter().any(|member| member.device == device.id && !member.has_left)
        };
        let others: Vec<_> = state.devices.iter().filter(|device| !is_in(device)).collect();
        ui.separator();
        if others.is_empty() {
            say(
                ui,
                theme.soft(
                    "All devices that are paired have it. Pair a friend's device to share it with somebody else.",
                ),
            );
        } else {
            say(ui, theme.caption("WHAT THEY MAY DO"));
            ui.horizontal_wrapped(|ui| {
                if segment(ui, &theme, "Read and write", (access == Access::ReadWrite).into()) {
                    self.memory.sharing = Some((workspace.id, Access::ReadWrite));
                }
                if segment(ui, &theme, "Read only", (access == Access::ReadOnly).into()) {
                    self.memory.sharing = Some((workspace.id, Access::ReadOnly));
                }
            });
        }
        for device in others {
            let who = state.name_of(&device.id);
            // Own devices read and write, as everywhere.
            let access = if device.role == PeerRole::Own { Access::ReadWrite } else { access };
            ends(
                ui,
                CONTROL_HEIGHT,
                |ui| line(ui, theme.body(&who)),
                |ui| {
                    let button =
                        Button::new(Look::Plain, "Share").icon(Icon::Share).named(format!("Share {name} with {who}"));
                    if button.show(ui, &theme) {
                        self.memory.sharing = None;
                        self.actions.push(PanelAction::Share { workspace: workspace.id, device: device.id, access });
                    }
                },
            );
        }
        if Button::new(Look::Quiet, "Done").named(format!("Done sharing {name}")).show(ui, &theme) {
            self.memory.sharing = None;
        }
    }
}

/// What is in a workspace, and what that takes.
fn contents(workspace: &Workspace) -> String {
    format!(
        "{}, {} · {} in {}",
        text::counted(workspace.nodes, "node", "nodes"),
        text::counted(workspace.edges, "edge", "edges"),
        text::counted(workspace.entries, "entry", "entries"),
        text::bytes(workspace.bytes)
    )
}
