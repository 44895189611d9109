//! Devices: this one, the person's others, friends', those nearby, and links that were sent.

use egui::Ui;
use verso_trust::PeerRole;

use super::View;
use crate::action::PanelAction;
use crate::memory::{Editing, Page};
use crate::state::{InvitationState, Seen};
use crate::text;
use crate::theme::{Tone, space};
use crate::widgets::{Button, Icon, Look, card, chip, facts, headline, notice, plain_headline, say, section, title};

impl View<'_> {
    pub(crate) fn devices(&mut self, ui: &mut Ui) {
        let theme = self.theme;
        title(ui, &theme, Page::Devices.title(), |ui| {
            if Button::new(Look::Primary, "Pair a device").icon(Icon::Plus).show(ui, &theme) {
                self.memory.wants_to_pair = true;
            }
        });
        self.this_device(ui);
        self.paired(ui, PeerRole::Own, "YOUR OTHER DEVICES", "No other device of yours is paired yet.");
        self.paired(
            ui,
            PeerRole::Friend,
            "FRIENDS",
            "Nobody else's device is paired. A friend gets only the workspaces that you share.",
        );
        self.nearby(ui);
        self.invitations(ui);
    }

    fn this_device(&mut self, ui: &mut Ui) {
        let (theme, device) = (self.theme, &self.state.device);
        let name = text::shown(&device.name);
        card(ui, &theme, |ui| {
            let texts = [theme.heading(&name), theme.soft("This device")];
            headline(ui, &theme, (Tone::Accent, Icon::Laptop, 40.0), texts, |ui| {
                let rename = Button::new(Look::Plain, "Rename").icon(Icon::Pencil).named("Rename this device");
                if rename.show(ui, &theme) {
                    self.memory.begin_edit(Editing::ThisDevice, &device.name);
                }
            });
            self.edit(ui, Editing::ThisDevice, "Name of this device", "Rename");
            ui.add_space(space::XS);
            let addresses = match device.addresses.as_slice() {
                [] => "No network".to_owned(),
                all => all.iter().map(|address| text::shown(address)).collect::<Vec<_>>().join("\n"),
            };
            let all = [
                ("FINGERPRINT", theme.mono(&device.fingerprint)),
                ("LISTENS AT", theme.mono(addresses)),
                ("ID", theme.mono(short(&device.id.to_hex()))),
            ];
            facts(ui, &theme, &all);
            let copy = Button::new(Look::Plain, "Copy id").icon(Icon::Copy).named("Copy the id of this device");
            if copy.show(ui, &theme) {
                ui.ctx().copy_text(device.id.to_hex());
            }
        });
    }

    fn paired(&mut self, ui: &mut Ui, role: PeerRole, heading: &str, empty: &str) {
        let (theme, state) = (self.theme, self.state);
        section(ui, &theme, heading);
        let mut of_role = state.devices.iter().filter(|device| device.role == role).peekable();
        if of_role.peek().is_none() {
            say(ui, theme.soft(empty));
        }
        for device in of_role {
            self.device(ui, device);
        }
    }

    fn nearby(&mut self, ui: &mut Ui) {
        let (theme, state) = (self.theme, self.state);
        section(ui, &theme, "NEARBY");
        match &state.device.discovery {
            Seen::Blocked { what, action } => {
                let text = format!("{} {}", text::sentence(&text::shown(what)), text::sentence(&text::shown(action)));
                notice(ui, &theme, Tone::Warn, Icon::Broadcast, &text);
            }
            Seen::Off => say(ui, theme.soft("Looking for devices on the local network is switched off.")),
            Seen::On { .. } if state.nearby.is_empty() => {
                say(ui, theme.soft("Devices on this network appear here while their pairing screen is open."));
            }
            Seen::On { .. } => {}
        }
        if state.nearby.is_empty() {
            return;
        }
        card(ui, &theme, |ui| {
            for (index, nearby) in state.nearby.iter().enumerate() {
                if index > 0 {
                    ui.separator();
                }
                let name = text::shown(&nearby.name);
                let texts = [theme.strong(&name), theme.mono(&nearby.fingerprint).color(theme.soft)];
                plain_headline(ui, texts, |ui| {
                    let button =
                        Button::new(Look::Plain, "Pair").icon(Icon::Broadcast).named(format!("Pair with {name}"));
                    if button.show(ui, &theme) {
                        self.actions.push(PanelAction::JoinNearby { device: nearby.id });
                    }
                });
            }
            say(ui, theme.soft("Anybody may claim a name: compare the fingerprints when you pair."));
        });
    }

    fn invitations(&mut self, ui: &mut Ui) {
        let (theme, state) = (self.theme, self.state);
        if state.invitations.is_empty() {
            return;
        }
        section(ui, &theme, "LINKS THAT YOU SENT");
        card(ui, &theme, |ui| {
            for (index, invitation) in state.invitations.iter().enumerate() {
                if index > 0 {
                    ui.separator();
                }
                let what = match invitation.role {
                    PeerRole::Own => "For another device of yours".to_owned(),
                    PeerRole::Friend if invitation.workspaces.is_empty() => "For a friend".to_owned(),
                    PeerRole::Friend => {
                        let names = invitation.workspaces.iter().map(|name| text::shown(name)).collect::<Vec<_>>();
                        format!("For a friend: {}", names.join(", "))
                    }
                };
                let ends = theme.soft(format!("Ends {}", self.clock.when(invitation.expires_ms)));
                plain_headline(ui, [theme.strong(what), ends], |ui| match invitation.state {
                    InvitationState::Used => chip(ui, &theme, Tone::Good, "used"),
                    InvitationState::Over => chip(ui, &theme, Tone::Plain, "over"),
                    InvitationState::Open => {
                        let id = text::shown(&invitation.id);
                        let button = Button::new(Look::Plain, "Withdraw").icon(Icon::Cross);
                        if button.named(format!("Withdraw the link {id}")).show(ui, &theme) {
                            self.actions.push(PanelAction::WithdrawInvitation { id: invitation.id.clone() });
                        }
                    }
                });
            }
        });
    }
}

/// Enough of an id to tell two apart.
fn short(hex: &str) -> String {
    hex.get(..16).map_or_else(|| hex.to_owned(), |start| format!("{start}…"))
}
