//! What stands above every page: what did not work, and a pairing whose sheet was left.

use egui::Ui;

use super::View;
use crate::action::PanelAction;
use crate::state::Pairing;
use crate::text;
use crate::theme::{CONTROL_HEIGHT, Tone};
use crate::widgets::{Button, Icon, Look, ends, line, marked_card, say, split};

impl View<'_> {
    pub(crate) fn notes(&mut self, ui: &mut Ui) {
        self.failure(ui);
        self.pairing_aside(ui);
    }

    /// The way back to a pairing that is under way.
    fn pairing_aside(&mut self, ui: &mut Ui) {
        if matches!(self.state.pairing, Pairing::None) {
            return;
        }
        let theme = self.theme;
        marked_card(ui, &theme, Tone::Accent, |ui| {
            ends(
                ui,
                CONTROL_HEIGHT,
                |ui| line(ui, theme.strong("A pairing is under way")),
                |ui| {
                    if Button::new(Look::Plain, "Back to it")
                        .icon(Icon::Handshake)
                        .named("Back to the pairing")
                        .show(ui, &theme)
                    {
                        self.memory.aside = None;
                    }
                },
            );
        });
    }

    /// What did not work, until the person has read it.
    fn failure(&mut self, ui: &mut Ui) {
        let Some(failure) = &self.state.failure else { return };
        let theme = self.theme;
        marked_card(ui, &theme, Tone::Bad, |ui| {
            split(
                ui,
                190.0,
                |ui| {
                    ui.spacing_mut().item_spacing.y = 3.0;
                    say(ui, theme.strong(text::sentence(&text::shown(&failure.what))));
                    say(ui, theme.soft(text::sentence(&text::shown(&failure.why))));
                    say(ui, theme.soft(text::sentence(&text::shown(&failure.hint))));
                },
                |ui| {
                    if Button::new(Look::Plain, "Dismiss").show(ui, &theme) {
                        self.actions.push(PanelAction::DismissFailure);
                    }
                },
            );
        });
    }
}
