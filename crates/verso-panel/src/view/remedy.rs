//! What keeps data from moving, what it means, and the button that does something about it.

use egui::Ui;
use verso_identity::DeviceId;
use verso_wire::Reason;

use super::{REPAIR, View};
use crate::action::PanelAction;
use crate::memory::{Asking, Page};
use crate::state::{Doubt, Stop, Trust};
use crate::text;
use crate::theme::{Theme, Tone, space};
use crate::widgets::{Button, Icon, Look, disc, marked_card, say};

/// What a button can do about a reason.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Remedy {
    /// It passes by itself.
    None,
    /// Ask the host for something.
    Ask(Icon, &'static str, PanelAction),
    /// Go where it can be settled.
    Go(Icon, &'static str, Page),
    /// Pair anew.
    Pair,
    /// Mend a journal, which is asked about first.
    Repair,
    /// Take along what a person needs to report or repair it elsewhere.
    Copy,
}

/// Which of two devices does not know whether the other one is still trusted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Doubts {
    /// This one.
    Here,
    /// The other one.
    There,
}

impl View<'_> {
    /// One thing that keeps data from moving.
    pub(super) fn stop(&mut self, ui: &mut Ui, stop: &Stop) {
        let theme = self.theme;
        let tone = tone(stop.reason);
        let about = self.about(stop);
        let [what, hint] = self.telling(stop);
        marked_card(ui, &theme, tone, |ui| {
            ui.horizontal_top(|ui| {
                disc(ui, &theme, tone, icon(stop.reason), 32.0);
                ui.add_space(space::XS);
                ui.vertical(|ui| {
                    ui.spacing_mut().item_spacing.y = 3.0;
                    say(ui, theme.strong(what));
                    say(ui, theme.soft(hint));
                    say(ui, theme.soft(&about));
                    self.remedy(ui, &theme, stop, &about);
                });
            });
        });
    }

    fn remedy(&mut self, ui: &mut Ui, theme: &Theme, stop: &Stop, about: &str) {
        let remedy = remedy(stop, self.doubts(stop));
        if remedy == Remedy::Repair && self.memory.asking == Some(Asking::Repair(stop.workspace)) {
            self.ask_to_repair(ui, stop, about);
            return;
        }
        let (icon, label) = match &remedy {
            Remedy::None => return,
            Remedy::Ask(icon, label, _) | Remedy::Go(icon, label, _) => (*icon, *label),
            Remedy::Pair => (Icon::Handshake, "Pair again"),
            Remedy::Repair => (Icon::Wrench, "Repair"),
            Remedy::Copy => (Icon::Copy, "Copy details"),
        };
        ui.add_space(space::XS);
        if !Button::new(Look::Plain, label).icon(icon).named(format!("{label}: {about}")).show(ui, theme) {
            return;
        }
        match remedy {
            Remedy::None => {}
            Remedy::Ask(_, _, action) => self.ask(action),
            Remedy::Go(_, _, page) => self.memory.go_to(page),
            Remedy::Pair => self.memory.wants_to_pair = true,
            Remedy::Repair => self.memory.asking = Some(Asking::Repair(stop.workspace)),
            Remedy::Copy => ui.ctx().copy_text(self.details(stop)),
        }
    }

    /// What mending does, before it is done.
    fn ask_to_repair(&mut self, ui: &mut Ui, stop: &Stop, about: &str) {
        let text =
            format!("{REPAIR} Until that is done nothing can be recorded, and this device is closed for others.");
        let answers =
            [("Repair it", format!("Repair now: {about}")), ("Not now", format!("Leave it as it is: {about}"))];
        self.ask_first(ui, &text, answers, PanelAction::Repair { workspace: stop.workspace });
    }

    /// Between whom, where, and since when.
    fn about(&self, stop: &Stop) -> String {
        let device = stop.device.map_or_else(|| "this device".to_owned(), |device| self.state.name_of(&device));
        let workspace = stop.workspace.map(|workspace| self.state.workspace_name(&workspace));
        let since = stop.since_ms.map(|since| format!("since {}", self.clock.when(since).replace("at ", "")));
        [Some(device), workspace, since].into_iter().flatten().collect::<Vec<_>>().join(" · ")
    }

    /// What is the matter, and what to do, in the words of a person before this panel: where the reason's own words name a command, the button is
    /// named instead, and where they leave open which device is meant, that is said.
    fn telling(&self, stop: &Stop) -> [String; 2] {
        let [what, action] = [stop.reason.what(), stop.reason.action()].map(str::to_owned);
        let name = stop.device.map(|device| self.state.name_of(&device));
        match (stop.reason, name, stop.clock_ahead_ms) {
            (Reason::ClockSkew, Some(name), Some(ahead)) => {
                let way = if ahead < 0 { "behind" } else { "ahead of" };
                let span = text::span(ahead.unsigned_abs());
                let hint =
                    format!("Set the clock of {name} or of this device, whichever is wrong. Sync goes on meanwhile.");
                [format!("The clock of {name} is {span} {way} this device's."), hint]
            }
            (Reason::LogDamaged, ..) => {
                [what, "What is damaged can be fetched again from your other devices.".to_owned()]
            }
            (Reason::Gap, None, _) => {
                let hint = "They come when a device of yours is met that has them; repair the journal once more then.";
                ["Entries are missing that this device had.".to_owned(), hint.to_owned()]
            }
            (Reason::Gap, Some(_), _) => {
                let hint = "Nothing to do if it passes; otherwise fetch what is missing from your other devices.";
                [what, hint.to_owned()]
            }
            (Reason::Unconfirmed, name, _) => {
                let name = name.unwrap_or_else(|| "the other device".to_owned());
                self.unconfirmed(&name, self.doubts(stop))
            }
            _ => [what, action],
        }
    }

    /// Who has yet to learn whether the other one is still trusted, why, and what to do about it.
    fn unconfirmed(&self, name: &str, doubts: Doubts) -> [String; 2] {
        if doubts == Doubts::There {
            let what = format!(
                "{name} was restored from a backup or put back to an earlier state, and has yet to learn whether this device is still trusted."
            );
            let hint = format!(
                "It settles itself when {name} meets another device of its person that was in use since; or confirm this device there."
            );
            return [what, hint];
        }
        let how = match self.state.device.doubt {
            Some(Doubt::PutBack) => "The data directory of this device was put back to an earlier state",
            Some(Doubt::Earlier) | None => "This device was restored from a backup or put back to an earlier state",
        };
        let hint = "It settles itself when this device meets another of yours that was in use since. Confirm only if you know that \
                    you did not remove that device meanwhile.";
        [format!("{how}, and it has yet to learn whether {name} is still trusted."), hint.to_owned()]
    }

    /// Which of the two devices does not know whether the other one is still trusted, if that is what it is about.
    fn doubts(&self, stop: &Stop) -> Doubts {
        let device = stop.device.and_then(|device| self.state.device(&device));
        if device.is_some_and(|device| device.trust == Trust::Unconfirmed) { Doubts::Here } else { Doubts::There }
    }

    fn details(&self, stop: &Stop) -> String {
        let id = |device: &DeviceId| device.to_hex();
        let device = stop.device.as_ref().map_or_else(|| id(&self.state.device.id), id);
        let workspace = stop.workspace.map(|workspace| format!("\nworkspace: {}", workspace.to_hex()));
        let clock = stop.clock_ahead_ms.map(|ahead| format!("\nclock ahead: {ahead} ms"));
        let more = [workspace, clock].into_iter().flatten().collect::<String>();
        format!("{}: {}\ndevice: {device}{more}", stop.reason, stop.reason.what())
    }
}

fn remedy(stop: &Stop, doubts: Doubts) -> Remedy {
    let retry = |label| match stop.device {
        Some(device) => Remedy::Ask(Icon::Sync, label, PanelAction::Retry { device }),
        None => Remedy::Ask(Icon::Sync, label, PanelAction::SyncNow),
    };
    match stop.reason {
        Reason::Offline | Reason::Busy | Reason::Fork | Reason::RolledBack => Remedy::None,
        Reason::NotTrusted | Reason::Revoked | Reason::HandshakeFailed => Remedy::Pair,
        Reason::NoGrant | Reason::ReadOnly => Remedy::Go(Icon::Share, "See who has access", Page::Workspaces),
        Reason::Declined => Remedy::Go(Icon::Merge, "Review what is held", Page::Review),
        Reason::DiskFull => retry("Check again"),
        Reason::Unreachable | Reason::LogLocked | Reason::KeyMissing | Reason::KeychainLocked => retry("Try again"),
        Reason::Gap | Reason::LogDamaged => Remedy::Repair,
        Reason::Unconfirmed => match stop.device {
            Some(device) if doubts == Doubts::Here => {
                Remedy::Ask(Icon::Shield, "Confirm this device", PanelAction::ConfirmPeer { device })
            }
            Some(_) => retry("Try again"),
            None => Remedy::None,
        },
        Reason::Version
        | Reason::Downgrade
        | Reason::ClockSkew
        | Reason::Limit
        | Reason::WorkerCrash
        | Reason::Malformed => Remedy::Copy,
    }
}

const fn tone(reason: Reason) -> Tone {
    match reason {
        Reason::Offline | Reason::Unreachable | Reason::Busy | Reason::Fork | Reason::RolledBack | Reason::Gap => {
            Tone::Plain
        }
        Reason::ClockSkew | Reason::Unconfirmed | Reason::NoGrant | Reason::ReadOnly | Reason::Declined => Tone::Warn,
        _ => Tone::Bad,
    }
}

const fn icon(reason: Reason) -> Icon {
    match reason {
        Reason::Offline | Reason::Unreachable => Icon::CloudSlash,
        Reason::NotTrusted | Reason::Revoked | Reason::HandshakeFailed | Reason::Declined => Icon::Prohibit,
        Reason::NoGrant | Reason::ReadOnly | Reason::KeychainLocked | Reason::KeyMissing | Reason::LogLocked => {
            Icon::Lock
        }
        Reason::DiskFull | Reason::LogDamaged | Reason::Gap => Icon::Drive,
        Reason::ClockSkew | Reason::Busy => Icon::Clock,
        Reason::Unconfirmed => Icon::Shield,
        Reason::Fork | Reason::RolledBack => Icon::Merge,
        _ => Icon::Warning,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stop(reason: Reason) -> Stop {
        Stop::new(reason, Some(DeviceId::from_bytes([7; 32])))
    }

    #[test]
    fn whatever_asks_for_a_person_has_a_button() {
        for reason in Reason::ALL {
            let is_nothing = reason.action().starts_with("Nothing to do");
            for doubts in [Doubts::Here, Doubts::There] {
                let button = remedy(&stop(*reason), doubts);
                if is_nothing && *reason != Reason::Gap {
                    assert_eq!(button, Remedy::None, "{reason}: nothing is to be done");
                } else {
                    assert_ne!(button, Remedy::None, "{reason}: {}", reason.action());
                }
            }
        }
    }
}
