//! The pairing screen: one offer as a QR code, as words and as a link, and how long it stands.

use std::time::Duration;

use egui::accesskit::Role;
use egui::text::{LayoutJob, TextFormat};
use egui::{CornerRadius, Sense, Ui, UiBuilder, WidgetInfo, vec2};
use verso_trust::PeerRole;

use super::View;
use crate::state::{Screen, Secret};
use crate::text;
use crate::theme::{CONTROL_RADIUS, Tone, fonts, size, space};
use crate::widgets::{Button, Icon, Look, card, chips, notice, qr, say};

/// From this width on, the words stand beside the QR code.
const SIDE_BY_SIDE: f32 = 560.0;
/// Widest QR code, in points: what a phone's camera takes in from an arm's length.
const QR: f32 = 264.0;

impl View<'_> {
    pub(super) fn screen(&mut self, ui: &mut Ui, screen: &Screen) {
        let theme = self.theme;
        let left_ms = screen.expires_ms.saturating_sub(self.state.now_ms);
        // The one thing that changes by itself: the countdown, once a second.
        if left_ms > 0 {
            ui.ctx().request_repaint_after(Duration::from_millis(left_ms % 1000 + 1));
        }
        card(ui, &theme, |ui| {
            if ui.available_width() >= SIDE_BY_SIDE {
                ui.horizontal_top(|ui| {
                    self.code(ui, screen);
                    ui.add_space(space::L);
                    ui.vertical(|ui| {
                        ui.set_width(ui.available_width());
                        self.beside(ui, screen, left_ms);
                    });
                });
            } else {
                ui.vertical_centered(|ui| self.code(ui, screen));
                self.beside(ui, screen, left_ms);
            }
        });
        if let Some(attempt) = &screen.last_attempt {
            let text = format!("{} The code still stands.", text::sentence(&text::shown(attempt)));
            notice(ui, &theme, Tone::Warn, Icon::Warning, &text);
        }
        if let Some(name) = &screen.nearby {
            let text =
                format!("Devices on this network see this one as {} while this screen is open.", text::shown(name));
            notice(ui, &theme, Tone::Plain, Icon::Broadcast, &text);
        }
    }

    fn code(&self, ui: &mut Ui, screen: &Screen) {
        ui.scope_builder(UiBuilder::new(), |ui| {
            if !qr(ui, screen.link.expose(), "QR code of the pairing link", QR) {
                say(ui, self.theme.soft("The link is too long for a QR code."));
            }
        });
    }

    fn beside(&self, ui: &mut Ui, screen: &Screen, left_ms: u64) {
        let theme = self.theme;
        let for_whom = match screen.role {
            PeerRole::Own => "For another device of yours",
            PeerRole::Friend => "For a friend's device",
        };
        say(ui, theme.heading(for_whom));
        self.terms(ui, &screen.workspaces);
        say(ui, theme.soft("Scan the code with the other device, or type the six words there."));
        if let Some(words) = &screen.words {
            self.words(ui, words);
        }
        let (tone, text) = match left_ms {
            0 => (Tone::Bad, "The code has expired.".to_owned()),
            left => (Tone::Plain, format!("Good for one device, {} left", text::countdown(left))),
        };
        ui.horizontal(|ui| {
            ui.label(egui::RichText::new(Icon::Clock.glyph()).font(fonts::icons(15.0)).color(theme.tone(tone)));
            say(ui, theme.toned(tone, text));
        });
        if Button::new(Look::Plain, "Copy the link").icon(Icon::Copy).show(ui, &theme) {
            ui.ctx().copy_text(screen.link.expose().to_owned());
        }
    }

    /// Six words, numbered, so that none is left out.
    fn words(&self, ui: &mut Ui, words: &Secret) {
        let theme = self.theme;
        chips(ui, |ui| {
            for (number, word) in (1_u8..).zip(words.expose().split_whitespace()) {
                let mut job = LayoutJob::default();
                let format = |font, color| TextFormat { font_id: font, color, ..TextFormat::default() };
                job.append(&number.to_string(), 0.0, format(fonts::strong(size::CAPTION), theme.soft));
                job.append(word, 6.0, format(fonts::strong(size::BODY), theme.text));
                let galley = ui.painter().layout_job(job);
                let (rect, response) = ui.allocate_exact_size(galley.size() + vec2(20.0, 10.0), Sense::hover());
                response.widget_info(|| WidgetInfo::labeled(Role::Label, true, format!("Word {number}: {word}")));
                ui.painter().rect_filled(rect, CornerRadius::same(CONTROL_RADIUS), theme.sunken);
                ui.painter().galley(rect.center() - galley.size() / 2.0, galley, theme.text);
            }
        });
    }

    /// A link that was made to be sent.
    pub(super) fn invited(&mut self, ui: &mut Ui, link: &Secret, expires_ms: u64) {
        let theme = self.theme;
        card(ui, &theme, |ui| {
            say(ui, theme.heading("Send this link"));
            let until = self.clock.when(expires_ms);
            say(
                ui,
                theme.soft(format!(
                    "It pairs the first device that comes with it, and ends {until}. Verso has to run here then."
                )),
            );
            say(ui, theme.mono(link.expose()));
            if Button::new(Look::Primary, "Copy the link").icon(Icon::Copy).show(ui, &theme) {
                ui.ctx().copy_text(link.expose().to_owned());
            }
        });
    }
}
