//! Review: conflicts side by side, workspaces that are offered, and what is held.

use std::collections::BTreeMap;

use egui::{Color32, CornerRadius, Frame, Margin, Stroke, Ui};
use verso_identity::{DeviceId, WorkspaceId};

use super::{View, access_text};
use crate::action::PanelAction;
use crate::memory::Page;
use crate::state::{Conflict, ConflictKind, Discarding, Held, HeldBecause, HeldId, Offered, Opinion, Verdict};
use crate::text;
use crate::theme::{CONTROL_RADIUS, Tone, space};
use crate::widgets::{
    Button, Icon, Look, banner, boxes_beside, card, chip, marked_card, notice, plain_headline, say, section, title,
};

/// From this width on, two values stand side by side.
const SIDE_BY_SIDE: f32 = 440.0;
/// How many entries that are held are told one by one, by author.
const TOLD: usize = 5;

impl View<'_> {
    pub(crate) fn review(&mut self, ui: &mut Ui) {
        let (theme, state) = (self.theme, self.state);
        title(ui, &theme, Page::Review.title(), |_ui| {});
        if state.conflicts.is_empty() && state.held.is_empty() && state.offered.is_empty() {
            card(ui, &theme, |ui| {
                let about = "Where two devices do different things at once, both are kept and shown here.";
                let texts = [theme.heading("Nothing waits for you"), theme.soft(about)];
                banner(ui, &theme, (Tone::Good, Icon::CheckCircle, 40.0), texts);
            });
            return;
        }
        for offered in &state.offered {
            self.offered(ui, offered);
        }
        if !state.conflicts.is_empty() {
            section(ui, &theme, "CONFLICTS");
            for conflict in &state.conflicts {
                self.conflict(ui, conflict);
            }
        }
        self.held(ui);
    }

    fn offered(&mut self, ui: &mut Ui, offered: &Offered) {
        let theme = self.theme;
        let (name, from) = (text::shown(&offered.name), self.state.name_of(&offered.from));
        marked_card(ui, &theme, Tone::Accent, |ui| {
            let may = theme.soft(format!("You may {} in it.", access_text(offered.access).replace(" only", "")));
            plain_headline(ui, [theme.strong(format!("{from} offers {name}")), may], |ui| {
                let button =
                    Button::new(Look::Primary, "Join").icon(Icon::Check).named(format!("Join {name} of {from}"));
                if button.show(ui, &theme) {
                    let (workspace, from) = (offered.workspace, offered.from);
                    self.actions.push(PanelAction::JoinWorkspace { workspace, from });
                }
            });
        });
    }

    /// One conflict: what stands against each other, and a button under each.
    fn conflict(&mut self, ui: &mut Ui, conflict: &Conflict) {
        let theme = self.theme;
        let what = match conflict.kind {
            ConflictKind::Title => "Two titles",
            ConflictKind::Url => "Two addresses",
            ConflictKind::WorkspaceName => "Two names of the workspace",
            ConflictKind::Deletion => "Deleted while somebody worked on it",
        };
        card(ui, &theme, |ui| {
            let about = theme.soft(format!("{what} · {}", self.state.workspace_name(&conflict.workspace)));
            plain_headline(ui, [theme.heading(text::shown(&conflict.title)), about], |ui| {
                chip(ui, &theme, Tone::Warn, "conflict");
            });
            match conflict.opinions.as_slice() {
                [one, other] if ui.available_width() >= SIDE_BY_SIDE => {
                    let lines = [self.edge(conflict, 0), self.edge(conflict, 1)];
                    let view = std::cell::RefCell::new(&mut *self);
                    boxes_beside(
                        ui,
                        &theme,
                        lines,
                        |ui| view.borrow_mut().opinion(ui, conflict, 0, one),
                        |ui| view.borrow_mut().opinion(ui, conflict, 1, other),
                    );
                }
                all => {
                    for (index, opinion) in all.iter().enumerate() {
                        let frame = Frame::new()
                            .fill(theme.sunken)
                            .stroke(Stroke::new(1.0, self.edge(conflict, index)))
                            .corner_radius(CornerRadius::same(CONTROL_RADIUS))
                            .inner_margin(Margin::same(12));
                        frame.show(ui, |ui| {
                            ui.set_width(ui.available_width());
                            self.opinion(ui, conflict, index, opinion);
                        });
                    }
                }
            }
            say(ui, theme.soft(format!("Until you decide: {}", text::shown(&conflict.rule))));
            if conflict.kind == ConflictKind::Deletion {
                self.verdicts(ui, conflict);
            }
        });
    }

    /// The line around an opinion: the value that is shown meanwhile stands out.
    fn edge(&self, conflict: &Conflict, index: usize) -> Color32 {
        let is_shown = index == 0 && conflict.kind != ConflictKind::Deletion;
        if is_shown { self.theme.tone(Tone::Accent).gamma_multiply(0.5) } else { self.theme.line }
    }

    fn opinion(&mut self, ui: &mut Ui, conflict: &Conflict, index: usize, opinion: &Opinion) {
        let theme = self.theme;
        ui.spacing_mut().item_spacing.y = 4.0;
        let value = text::shown(&opinion.value);
        let who = self.state.name_of(&opinion.device);
        let is_value = conflict.kind != ConflictKind::Deletion;
        say(ui, theme.strong(if is_value { value.clone() } else { text::sentence(&value) }));
        say(ui, theme.soft(format!("{who} · {}", self.clock.when(opinion.at_ms))));
        if is_value {
            ui.add_space(space::XS);
            let label = if index == 0 { "Keep this" } else { "Take this" };
            let button = Button::new(Look::Plain, label).icon(Icon::Check).named(format!("{label}: {value} by {who}"));
            if button.show(ui, &theme) {
                self.ask(PanelAction::Pick {
                    workspace: conflict.workspace,
                    conflict: conflict.id,
                    value: opinion.value.clone(),
                    device: opinion.device,
                });
            }
        }
    }

    /// What may become of a node that was deleted while somebody worked on it.
    fn verdicts(&mut self, ui: &mut Ui, conflict: &Conflict) {
        let theme = self.theme;
        let title = text::shown(&conflict.title);
        ui.horizontal_wrapped(|ui| {
            let choices = [
                (Verdict::Keep, Icon::Check, Look::Plain, "Keep it"),
                (Verdict::Ghost, Icon::Ghost, Look::Plain, "Leave it a ghost"),
                (Verdict::Delete, Icon::Trash, Look::Danger, "Delete it"),
            ];
            for (verdict, icon, look, label) in choices {
                if Button::new(look, label).icon(icon).named(format!("{label}: {title}")).show(ui, &theme) {
                    let (workspace, conflict) = (conflict.workspace, conflict.id);
                    self.actions.push(PanelAction::Resolve { workspace, conflict, verdict });
                }
            }
        });
    }

    /// What is held, by workspace and author.
    fn held(&mut self, ui: &mut Ui) {
        let (theme, state) = (self.theme, self.state);
        if state.held.is_empty() {
            return;
        }
        section(ui, &theme, "HELD AND NOT APPLIED");
        if let Some(discarding) = &state.discarding {
            self.ask_to_discard(ui, discarding);
        }
        let mut groups: BTreeMap<(WorkspaceId, DeviceId), Vec<&Held>> = BTreeMap::new();
        for held in &state.held {
            groups.entry((held.workspace, held.device)).or_default().push(held);
        }
        for ((workspace, device), held) in groups {
            self.held_group(ui, workspace, device, &held);
        }
        if state.more_held > 0 {
            say(ui, theme.soft(format!("And {} more.", text::counted(state.more_held, "entry", "entries"))));
        }
    }

    fn held_group(&mut self, ui: &mut Ui, workspace: WorkspaceId, device: DeviceId, held: &[&Held]) {
        let theme = self.theme;
        let (who, place) = (self.state.name_of(&device), self.state.workspace_name(&workspace));
        let count = text::counted(text::len(held), "entry", "entries");
        let because = held.first().map(|held| self.because(held)).unwrap_or_default();
        card(ui, &theme, |ui| {
            let texts = [theme.heading(format!("{count} of {who} in {place}")), theme.soft(because)];
            banner(ui, &theme, (Tone::Warn, Icon::Lock, 36.0), texts);
            for entry in held.iter().take(TOLD) {
                let when = self.clock.when(entry.at_ms);
                say(ui, theme.body(format!("{} · {when}", text::sentence(&text::shown(&entry.does)))));
            }
            if held.len() > TOLD {
                let more = u64::try_from(held.len() - TOLD).unwrap_or(u64::MAX);
                say(ui, theme.soft(format!("… and {} more", text::grouped(more))));
            }
            let entries: Vec<HeldId> = held.iter().map(|held| held.id).collect();
            ui.horizontal_wrapped(|ui| {
                let keep = Button::new(Look::Plain, "Keep").icon(Icon::Check).named(format!("Keep {count} of {who}"));
                if keep.show(ui, &theme) {
                    self.actions.push(PanelAction::KeepHeld { workspace, entries: entries.clone() });
                }
                let discard = Button::new(Look::Danger, "Discard").icon(Icon::Trash);
                if discard.named(format!("Discard {count} of {who}")).show(ui, &theme) {
                    self.actions.push(PanelAction::AskDiscard { workspace, entries });
                }
            });
        });
    }

    fn because(&self, held: &Held) -> String {
        match held.because {
            HeldBecause::Cut { by: Some(by) } => {
                format!("Written after {} had taken the access away.", self.state.name_of(&by))
            }
            HeldBecause::Cut { by: None } => "Written after the access had been taken away.".to_owned(),
            HeldBecause::ReadOnly => "Written by a device that may only read.".to_owned(),
            HeldBecause::Unvouched => "Written by a device that nobody let in.".to_owned(),
        }
    }

    /// What goes with what is given up, before it is.
    fn ask_to_discard(&mut self, ui: &mut Ui, discarding: &Discarding) {
        let theme = self.theme;
        let count = text::counted(text::len(&discarding.entries), "entry", "entries");
        marked_card(ui, &theme, Tone::Bad, |ui| {
            say(ui, theme.heading(format!("Give {count} up for good?")));
            say(ui, theme.soft("On every device, and nothing brings them back."));
            if discarding.dependents.is_empty() {
                say(ui, theme.body("Nothing depends on them."));
            } else {
                let count = text::counted(text::len(&discarding.dependents), "other entry", "other entries");
                notice(
                    ui,
                    &theme,
                    Tone::Warn,
                    Icon::Warning,
                    &format!("{count} will do nothing, or less, without them:"),
                );
                for dependent in discarding.dependents.iter().take(TOLD) {
                    say(ui, theme.body(text::shown(dependent)));
                }
                if discarding.dependents.len() > TOLD {
                    say(ui, theme.soft("…"));
                }
            }
            ui.horizontal_wrapped(|ui| {
                if Button::new(Look::Danger, "Give up").named(format!("Give up {count}")).show(ui, &theme) {
                    let (workspace, entries) = (discarding.workspace, discarding.entries.clone());
                    self.actions.push(PanelAction::Discard { workspace, entries });
                }
                if Button::new(Look::Plain, "Not now").show(ui, &theme) {
                    self.actions.push(PanelAction::CancelDiscard);
                }
            });
        });
    }
}
