//! One paired device: how it is reached, what it has, and what can be done about it.

use egui::Ui;
use verso_trust::{Access, PeerRole};

use super::{View, access_text, role_icon};
use crate::action::PanelAction;
use crate::memory::{Asking, Editing};
use crate::state::{Device, Doubt, Path, Presence, Trust};
use crate::text;
use crate::theme::{Tone, space};
use crate::widgets::{Button, Icon, Look, card, chip, chips, facts, headline, notice, say};

impl View<'_> {
    pub(super) fn device(&mut self, ui: &mut Ui, device: &Device) {
        let theme = self.theme;
        let name = self.state.name_of(&device.id);
        let is_open = self.memory.open_device == Some(device.id);
        let (tone, how) = self.presence(device);
        card(ui, &theme, |ui| {
            let sign = (tone, role_icon(device.role), 36.0);
            headline(ui, &theme, sign, [theme.strong(&name), theme.toned(tone, how)], |ui| {
                let (icon, text) = if is_open { (Icon::Down, "Less") } else { (Icon::Right, "More") };
                let button = Button::new(Look::Quiet, text).icon(icon).named(format!("{text} about {name}"));
                if button.show(ui, &theme) {
                    self.memory.open_device = (!is_open).then_some(device.id);
                }
            });
            self.behind(ui, device);
            match device.trust {
                Trust::Firm => {}
                Trust::Provisional { lapses_ms } => {
                    let until = self.clock.when(lapses_ms);
                    let text = format!("Paired, and not met since. The pairing lapses {until} unless the two meet.");
                    notice(ui, &theme, Tone::Warn, Icon::Clock, &text);
                }
                Trust::Unconfirmed => {
                    let since = match self.state.device.doubt {
                        Some(Doubt::PutBack) => "Not confirmed since this device was put back to an earlier state.",
                        Some(Doubt::Earlier) | None => "Not confirmed since this device was restored or put back.",
                    };
                    notice(ui, &theme, Tone::Warn, Icon::Shield, since);
                }
            }
            if is_open {
                self.details_of(ui, device, &name);
            }
        });
    }

    /// Whether it is there, in a tone and in words.
    pub(super) fn presence(&self, device: &Device) -> (Tone, String) {
        match device.presence {
            Presence::Here { path, is_in_step } => {
                let (tone, state) = if is_in_step { (Tone::Good, "In step") } else { (Tone::Busy, "Connected") };
                let path = match path {
                    Some(Path::Direct { round_trip_us }) => format!(" · direct, {}", text::round_trip(round_trip_us)),
                    Some(Path::Relayed { round_trip_us }) => {
                        format!(" · by relay, {}", text::round_trip(round_trip_us))
                    }
                    None => String::new(),
                };
                (tone, format!("{state}{path}"))
            }
            Presence::Away => match device.last_seen_ms {
                Some(at) => (Tone::Plain, format!("Last seen {}", self.clock.when(at))),
                None => (Tone::Plain, "Not met yet".to_owned()),
            },
        }
    }

    /// How far it is behind, over all workspaces.
    fn behind(&self, ui: &mut Ui, device: &Device) {
        let lags = self.state.lags.iter().filter(|lag| lag.device == device.id);
        let (to_send, to_receive) = lags.fold((0_u64, 0_u64), |(send, receive), lag| {
            (send.saturating_add(lag.to_send), receive.saturating_add(lag.to_receive))
        });
        if to_send == 0 && to_receive == 0 {
            return;
        }
        let theme = self.theme;
        chips(ui, |ui| {
            if to_send > 0 {
                chip(ui, &theme, Tone::Busy, &format!("{} to send", text::counted(to_send, "entry", "entries")));
            }
            if to_receive > 0 {
                chip(ui, &theme, Tone::Busy, &format!("{} to receive", text::counted(to_receive, "entry", "entries")));
            }
        });
    }

    fn details_of(&mut self, ui: &mut Ui, device: &Device, name: &str) {
        let theme = self.theme;
        ui.add_space(space::XS);
        let paired = device.added.as_ref().map_or_else(
            || "Not confirmed by a contact yet".to_owned(),
            |way| {
                let (by, how) = (text::shown(&way.by), text::shown(&way.how));
                format!("{} {how}, on {by}", text::sentence(&self.clock.when(way.at_ms)))
            },
        );
        let traffic =
            format!("{} sent, {} received", text::bytes(device.bytes_sent), text::bytes(device.bytes_received));
        let stored = format!("{} that it wrote", text::counted(device.entries_stored, "entry", "entries"));
        let all = [
            ("FINGERPRINT", theme.mono(&device.fingerprint)),
            ("PAIRED", theme.body(paired)),
            ("MOVED SINCE THE START", theme.body(traffic)),
            ("STORED HERE", theme.body(stored)),
        ];
        facts(ui, &theme, &all);
        self.access_of(ui, device);
        if self.edit(ui, Editing::Device(device.id), &format!("New name of {name}"), "Rename") {
            return;
        }
        if self.memory.asking == Some(Asking::Forget(device.id)) {
            self.ask_to_forget(ui, device, name);
            return;
        }
        ui.horizontal_wrapped(|ui| {
            if device.trust == Trust::Unconfirmed {
                let confirm = Button::new(Look::Plain, "Confirm").icon(Icon::Shield).named(format!("Confirm {name}"));
                if confirm.show(ui, &theme) {
                    self.actions.push(PanelAction::ConfirmPeer { device: device.id });
                }
            }
            let retry = Button::new(Look::Plain, "Sync now").icon(Icon::Sync).named(format!("Sync with {name} now"));
            if retry.show(ui, &theme) {
                self.actions.push(PanelAction::Retry { device: device.id });
            }
            if Button::new(Look::Plain, "Rename").icon(Icon::Pencil).named(format!("Rename {name}")).show(ui, &theme) {
                self.memory.begin_edit(Editing::Device(device.id), &device.name);
            }
            if Button::new(Look::Danger, "Forget").icon(Icon::Trash).named(format!("Forget {name}")).show(ui, &theme) {
                self.memory.edit = None;
                self.memory.asking = Some(Asking::Forget(device.id));
            }
        });
    }

    /// What it may do, and where.
    fn access_of(&self, ui: &mut Ui, device: &Device) {
        let theme = self.theme;
        ui.vertical(|ui| {
            ui.spacing_mut().item_spacing.y = 3.0;
            say(ui, theme.caption("ACCESS"));
            match device.role {
                PeerRole::Own => say(ui, theme.body("All workspaces that are not taken away from it")),
                PeerRole::Friend if device.grants.is_empty() => say(ui, theme.body("No workspace")),
                PeerRole::Friend => {
                    chips(ui, |ui| {
                        for grant in &device.grants {
                            let tone = if grant.access == Access::ReadWrite { Tone::Accent } else { Tone::Plain };
                            let name = self.state.workspace_name(&grant.workspace);
                            chip(ui, &theme, tone, &format!("{name}: {}", access_text(grant.access)));
                        }
                    });
                }
            }
        });
    }

    fn ask_to_forget(&mut self, ui: &mut Ui, device: &Device, name: &str) {
        let text = match device.role {
            PeerRole::Own => format!(
                "{name} will lose all workspaces, and your devices agree on a new secret. What it has received stays readable there."
            ),
            PeerRole::Friend => format!(
                "{name} will lose all that you share with it. What it has received stays readable there, and devices that it introduced go with it."
            ),
        };
        let answers = [("Forget it", format!("Forget {name} for good")), ("Keep it", format!("Keep {name}"))];
        self.ask_first(ui, &text, answers, PanelAction::Forget { device: device.id });
    }
}
