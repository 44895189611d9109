//! The overview: how everything stands, what needs somebody, who is there.

use egui::Ui;

use super::View;
use crate::action::PanelAction;
use crate::memory::{Editing, Page};
use crate::state::{Device, Doubt, Indicator, Presence};
use crate::text;
use crate::theme::{Theme, Tone, space};
use crate::widgets::{Button, Icon, Look, banner, card, disc, headline, notice, progress, say, section};

/// Whether a step of the first start is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    Done,
    ToDo,
}

/// Diameter of the disc before a step.
const STEP: f32 = 28.0;
/// How many of the latest happenings the overview has.
const LATEST: usize = 4;

impl View<'_> {
    pub(crate) fn overview(&mut self, ui: &mut Ui) {
        let is_new = self.state.devices.is_empty();
        if is_new {
            self.welcome(ui);
        } else {
            self.hero(ui);
        }
        self.doubt(ui);
        if !self.state.stops.is_empty() {
            section(ui, &self.theme, "WHAT KEEPS DATA FROM MOVING");
            for stop in &self.state.stops {
                self.stop(ui, stop);
            }
        }
        self.waiting(ui);
        if !is_new {
            section(ui, &self.theme, "DEVICES");
            let theme = self.theme;
            card(ui, &theme, |ui| {
                for (index, device) in self.state.devices.iter().enumerate() {
                    if index > 0 {
                        ui.separator();
                    }
                    self.device_line(ui, device);
                }
            });
        }
        if !self.state.activity.is_empty() {
            section(ui, &self.theme, "LATEST");
            let theme = self.theme;
            card(ui, &theme, |ui| {
                for happening in self.state.activity.iter().take(LATEST) {
                    self.happening(ui, happening);
                }
            });
        }
    }

    /// How everything stands.
    fn hero(&mut self, ui: &mut Ui) {
        let theme = self.theme;
        let indicator = self.state.indicator;
        let here = self.state.devices.iter().filter(|device| matches!(device.presence, Presence::Here { .. })).count();
        let of = text::counted(text::len(&self.state.devices), "device", "devices");
        let connected = format!("{here} of {of} connected.");
        let (icon, headline_text, text) = match indicator {
            Indicator::Synced { .. } => (
                Icon::CheckCircle,
                "Everything is in step".to_owned(),
                format!("{connected} All they share has been acknowledged."),
            ),
            Indicator::Syncing { done, of, .. } => {
                let text = format!(
                    "{} of {} have moved. {connected}",
                    text::grouped(done),
                    text::counted(of, "entry", "entries")
                );
                (Icon::Sync, "Syncing".to_owned(), text)
            }
            Indicator::Offline => (
                Icon::CloudSlash,
                "Offline".to_owned(),
                "No device is connected. Go on working: everything is kept here, and moves at the next contact."
                    .to_owned(),
            ),
            Indicator::Conflict { count } => (
                Icon::Merge,
                format!("{} to look at", text::counted(count, "conflict", "conflicts")),
                format!("Nothing is lost and nothing waits; a rule holds until you decide. {connected}"),
            ),
            Indicator::Attention => (
                Icon::Warning,
                "Something needs you".to_owned(),
                format!("Some data can't move until you act. {connected}"),
            ),
        };
        card(ui, &theme, |ui| {
            banner(ui, &theme, (indicator.tone(), icon, 48.0), [theme.title(headline_text), theme.soft(text)]);
            if let Indicator::Syncing { done, of, .. } = indicator {
                ui.add_space(space::XS);
                progress(ui, &theme, done, of, "Sync progress");
            }
            ui.add_space(space::XS);
            ui.horizontal_wrapped(|ui| {
                // Where something else is to be done, that comes first.
                let is_calm = !matches!(indicator, Indicator::Attention | Indicator::Conflict { .. });
                let look = if is_calm { Look::Primary } else { Look::Plain };
                if Button::new(look, "Pair a device").icon(Icon::Plus).show(ui, &theme) {
                    self.memory.wants_to_pair = true;
                }
                if Button::new(Look::Plain, "Sync now").icon(Icon::Sync).show(ui, &theme) {
                    self.actions.push(PanelAction::SyncNow);
                }
            });
        });
    }

    /// What waits for a person's word, and where.
    fn waiting(&mut self, ui: &mut Ui) {
        let conflicts = text::len(&self.state.conflicts);
        let held = text::len(&self.state.held).saturating_add(self.state.more_held);
        let offered = text::len(&self.state.offered);
        let lines = [
            (
                conflicts,
                Icon::Merge,
                text::counted(conflicts, "conflict", "conflicts"),
                "two devices did different things at once",
            ),
            (
                offered,
                Icon::Tray,
                text::counted(offered, "workspace is offered", "workspaces are offered"),
                "a friend wants to share with you",
            ),
            (
                held,
                Icon::Lock,
                text::counted(held, "entry is held", "entries are held"),
                "written after access had ended",
            ),
        ];
        if lines.iter().all(|(count, ..)| *count == 0) {
            return;
        }
        section(ui, &self.theme, "WAITING FOR YOUR WORD");
        let theme = self.theme;
        card(ui, &theme, |ui| {
            for (_, icon, what, why) in lines.iter().filter(|(count, ..)| *count > 0) {
                let texts = [theme.strong(what), theme.soft(text::sentence(why))];
                headline(ui, &theme, (Tone::Warn, *icon, 32.0), texts, |ui| {
                    if Button::new(Look::Plain, "Review").named(format!("Review: {what}")).show(ui, &theme) {
                        self.memory.go_to(Page::Review);
                    }
                });
            }
        });
    }

    /// A device in one line; pressing it shows more.
    fn device_line(&mut self, ui: &mut Ui, device: &Device) {
        let theme = self.theme;
        let name = self.state.name_of(&device.id);
        let (tone, how) = self.presence(device);
        let sign = (tone, super::role_icon(device.role), 32.0);
        headline(ui, &theme, sign, [theme.strong(&name), theme.toned(tone, how)], |ui| {
            if Button::new(Look::Quiet, "Details").named(format!("Details: {name}")).show(ui, &theme) {
                self.memory.go_to(Page::Devices);
                self.memory.open_device = Some(device.id);
            }
        });
    }

    /// What a person does first, one thing after the other.
    fn welcome(&mut self, ui: &mut Ui) {
        let theme = self.theme;
        card(ui, &theme, |ui| {
            say(ui, theme.title("Keep your devices in step"));
            say(
                ui,
                theme.body(
                    "Verso moves your workspaces directly from device to device. No server, no account, and nobody in between \
                     can read anything.",
                ),
            );
            ui.add_space(space::S);
            let has_workspace = !self.state.workspaces.is_empty();
            let first = if has_workspace { Step::Done } else { Step::ToDo };
            self.step(ui, first, "1. Make a workspace", "What you keep and share, under a name of its own.");
            if !has_workspace && !self.edit(ui, Editing::NewWorkspace, "Name of the workspace", "Make it") {
                let button = Button::new(Look::Primary, "New workspace").icon(Icon::Plus);
                if indented(ui, &theme, button) {
                    self.memory.begin_edit(Editing::NewWorkspace, "");
                }
            }
            ui.add_space(space::XS);
            self.step(
                ui,
                Step::ToDo,
                "2. Pair another device",
                "Show a code here and scan or type it there, or the other way round.",
            );
            let look = if has_workspace { Look::Primary } else { Look::Plain };
            if indented(ui, &theme, Button::new(look, "Pair a device").icon(Icon::Qr)) {
                self.memory.wants_to_pair = true;
            }
            ui.add_space(space::XS);
            self.step(
                ui,
                Step::ToDo,
                "3. Leave Verso running",
                "Both devices find each other whenever they share a network.",
            );
        });
    }

    /// That this device has yet to learn whom it still trusts, and what becomes of it.
    fn doubt(&self, ui: &mut Ui) {
        let how = match self.state.device.doubt {
            None => return,
            Some(Doubt::PutBack) => {
                "The data directory of this device was put back to an earlier state. What is missing comes back from your other devices, \
                 and"
            }
            Some(Doubt::Earlier) => {
                "What this device knows of whom it trusts is of an earlier state, as after restoring a backup or mending its journal of \
                 trust. What has changed since comes from your other devices, and"
            }
        };
        let text = format!(
            "{how} until one that was in use since has confirmed it, it trusts nobody with more than its list of devices."
        );
        notice(ui, &self.theme, Tone::Warn, Icon::Shield, &text);
    }

    fn step(&self, ui: &mut Ui, progress: Step, what: &str, how: &str) {
        let theme = self.theme;
        ui.horizontal(|ui| {
            let is_done = progress == Step::Done;
            let (tone, icon) = if is_done { (Tone::Good, Icon::Check) } else { (Tone::Accent, Icon::Right) };
            disc(ui, &theme, tone, icon, STEP);
            ui.add_space(space::XS);
            ui.vertical(|ui| {
                ui.spacing_mut().item_spacing.y = 1.0;
                let state = if is_done { ": done" } else { "" };
                say(ui, theme.strong(format!("{what}{state}")));
                say(ui, theme.soft(how));
            });
        });
    }
}

/// A button below the text of a step.
fn indented(ui: &mut Ui, theme: &Theme, button: Button<'_>) -> bool {
    ui.horizontal(|ui| {
        ui.add_space(STEP + space::M);
        button.show(ui, theme)
    })
    .inner
}
