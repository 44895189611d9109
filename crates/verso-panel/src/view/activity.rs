//! Activity, and what is stored.

use egui::Ui;

use super::View;
use crate::memory::Page;
use crate::state::{Happening, HappeningKind};
use crate::text;
use crate::theme::{Tone, fonts, space};
use crate::widgets::{Icon, card, ends, line, say, section, title};

impl View<'_> {
    pub(crate) fn activity(&mut self, ui: &mut Ui) {
        let (theme, state) = (self.theme, self.state);
        title(ui, &theme, Page::Activity.title(), |_ui| {});
        if state.activity.is_empty() {
            card(ui, &theme, |ui| {
                say(ui, theme.heading("Nothing has happened yet"));
                say(ui, theme.soft("What comes and goes is told here while Verso runs."));
            });
        }
        let mut rest = state.activity.as_slice();
        while let Some(first) = rest.first() {
            let day = self.clock.day(first.at_ms);
            let end = rest.iter().position(|happening| self.clock.day(happening.at_ms) != day).unwrap_or(rest.len());
            let (today, later) = rest.split_at(end);
            section(ui, &theme, &day.to_uppercase());
            card(ui, &theme, |ui| today.iter().for_each(|happening| self.happening(ui, happening)));
            rest = later;
        }
        self.storage(ui);
    }

    /// One line of what happened.
    pub(super) fn happening(&self, ui: &mut Ui, happening: &Happening) {
        let theme = self.theme;
        let (icon, tone, what) = self.told(happening);
        ends(
            ui,
            20.0,
            |ui| {
                ui.label(egui::RichText::new(icon.glyph()).font(fonts::icons(16.0)).color(theme.tone(tone)));
                line(ui, theme.body(what));
            },
            |ui| line(ui, theme.soft(self.clock.time(happening.at_ms))),
        );
    }

    fn told(&self, happening: &Happening) -> (Icon, Tone, String) {
        let who = happening.device.map_or_else(|| "A device".to_owned(), |device| self.state.name_of(&device));
        let place = happening.workspace.map_or_else(|| "a workspace".to_owned(), |it| self.state.workspace_name(&it));
        let journals =
            happening.workspace.map_or_else(|| "Every journal".to_owned(), |_one| format!("The journal of {place}"));
        match happening.kind {
            HappeningKind::Online => (Icon::Broadcast, Tone::Plain, format!("{who} connected")),
            HappeningKind::Offline => (Icon::CloudSlash, Tone::Plain, format!("{who} is gone")),
            HappeningKind::Received { entries } => {
                let count = text::counted(entries, "entry", "entries");
                (Icon::Tray, Tone::Busy, format!("{count} of {place} from {who}"))
            }
            HappeningKind::InStep => (Icon::CheckCircle, Tone::Good, format!("In step with {who}")),
            HappeningKind::Paired => (Icon::Handshake, Tone::Good, format!("Paired with {who}")),
            HappeningKind::Forgotten => (Icon::Trash, Tone::Plain, format!("{who} is trusted no longer")),
            HappeningKind::Offered => (Icon::Tray, Tone::Accent, format!("{who} offers {place}")),
            HappeningKind::Adopted => (Icon::Stack, Tone::Plain, format!("{place} came from {who}")),
            HappeningKind::Left => (Icon::Leave, Tone::Plain, format!("{who} left {place}")),
            HappeningKind::Rebuilt => (Icon::Sync, Tone::Plain, format!("{place} was worked out anew")),
            HappeningKind::Forked => {
                (Icon::Merge, Tone::Warn, format!("{who} wrote two histories of {place}; both are kept"))
            }
            HappeningKind::RolledBack => {
                (Icon::Merge, Tone::Warn, format!("This device had been put back, as {place} shows; nothing is lost"))
            }
            HappeningKind::ConflictOpened => (Icon::Merge, Tone::Warn, format!("A conflict in {place}")),
            HappeningKind::RepairBegun => (Icon::Wrench, Tone::Busy, format!("{journals} is being repaired")),
            HappeningKind::Repaired => (Icon::Wrench, Tone::Good, format!("{journals} is whole again")),
            HappeningKind::ConflictResolved => (Icon::Check, Tone::Good, format!("A conflict in {place} was settled")),
        }
    }

    /// What lies on the disk, by journal and by who wrote it.
    fn storage(&self, ui: &mut Ui) {
        let (theme, state) = (self.theme, self.state);
        if state.workspaces.is_empty() {
            return;
        }
        let total = state.workspaces.iter().fold(0_u64, |sum, workspace| sum.saturating_add(workspace.bytes));
        section(ui, &theme, "STORED ON THIS DEVICE");
        card(ui, &theme, |ui| {
            say(ui, theme.heading(format!("{}, encrypted", text::bytes(total))));
            for workspace in &state.workspaces {
                let name = self.state.workspace_name(&workspace.id);
                let amount = format!(
                    "{} · {}",
                    text::counted(workspace.entries, "entry", "entries"),
                    text::bytes(workspace.bytes)
                );
                self.line(ui, &name, &amount);
            }
            if !state.devices.is_empty() {
                ui.add_space(space::XS);
                say(ui, theme.caption("BY WHO WROTE IT"));
            }
            for device in &state.devices {
                let amount = text::counted(device.entries_stored, "entry", "entries");
                self.line(ui, &self.state.name_of(&device.id), &amount);
            }
        });
    }

    fn line(&self, ui: &mut Ui, name: &str, amount: &str) {
        let theme = self.theme;
        ends(ui, 20.0, |ui| line(ui, theme.body(name)), |ui| line(ui, theme.soft(amount)));
    }
}
