//! Text, chips, discs and bars.

use egui::accesskit::Role;
use egui::{Align2, Color32, CornerRadius, Label, RichText, Sense, Ui, WidgetInfo, pos2, vec2};

use super::{Icon, beside};
use crate::theme::{Theme, Tone, fonts, size, space};

/// From this width on, facts stand in two columns.
const TWO_COLUMNS: f32 = 440.0;

impl Theme {
    /// The title of a page.
    pub(crate) fn title(&self, text: impl Into<String>) -> RichText {
        RichText::new(text).font(fonts::strong(size::TITLE)).color(self.text)
    }

    /// The title of a card.
    pub(crate) fn heading(&self, text: impl Into<String>) -> RichText {
        RichText::new(text).font(fonts::strong(size::HEADING)).color(self.text)
    }

    /// What matters in a line.
    pub(crate) fn strong(&self, text: impl Into<String>) -> RichText {
        RichText::new(text).font(fonts::strong(size::BODY)).color(self.text)
    }

    /// Text.
    pub(crate) fn body(&self, text: impl Into<String>) -> RichText {
        RichText::new(text).font(fonts::regular(size::BODY)).color(self.text)
    }

    /// What explains.
    pub(crate) fn soft(&self, text: impl Into<String>) -> RichText {
        RichText::new(text).font(fonts::regular(size::SMALL)).color(self.soft)
    }

    /// What explains, in a tone.
    pub(crate) fn toned(&self, tone: Tone, text: impl Into<String>) -> RichText {
        RichText::new(text).font(fonts::regular(size::SMALL)).color(self.tone(tone))
    }

    /// The caption of a column.
    pub(crate) fn caption(&self, text: impl Into<String>) -> RichText {
        RichText::new(text).font(fonts::strong(size::CAPTION)).color(self.soft)
    }

    /// What is compared or copied letter by letter.
    pub(crate) fn mono(&self, text: impl Into<String>) -> RichText {
        RichText::new(text).monospace().color(self.text)
    }
}

/// Text that takes as many lines as it needs.
pub(crate) fn say(ui: &mut Ui, text: RichText) {
    ui.add(Label::new(text).wrap());
}

/// Text that takes one line, and is cut where that is too short.
pub(crate) fn line(ui: &mut Ui, text: RichText) {
    ui.add(Label::new(text).truncate());
}

/// Captions and what they are about, in two columns where there is room for them.
pub(crate) fn facts(ui: &mut Ui, theme: &Theme, all: &[(&str, RichText)]) {
    let fact = |ui: &mut Ui, (caption, text): &(&str, RichText)| {
        ui.spacing_mut().item_spacing.y = 1.0;
        say(ui, theme.caption(*caption));
        say(ui, text.clone());
    };
    if ui.available_width() < TWO_COLUMNS {
        for one in all {
            ui.vertical(|ui| fact(ui, one));
        }
        return;
    }
    for row in all.chunks(2) {
        beside(
            ui,
            |ui| row.first().into_iter().for_each(|one| fact(ui, one)),
            |ui| row.get(1).into_iter().for_each(|one| fact(ui, one)),
        );
    }
}

/// A row of chips, as low as they are.
pub(crate) fn chips(ui: &mut Ui, contents: impl FnOnce(&mut Ui)) {
    ui.scope(|ui| {
        ui.spacing_mut().interact_size.y = 20.0;
        ui.spacing_mut().item_spacing = vec2(6.0, 6.0);
        ui.horizontal_wrapped(contents);
    });
}

/// A word or two on a ground of its tone.
pub(crate) fn chip(ui: &mut Ui, theme: &Theme, tone: Tone, text: &str) {
    let ink = if tone == Tone::Plain { theme.soft } else { theme.tone(tone) };
    let mut job = egui::text::LayoutJob::simple_singleline(text.to_owned(), fonts::regular(size::CAPTION), ink);
    job.wrap = egui::text::TextWrapping::truncate_at_width((ui.available_width() - 2.0 * space::S).max(24.0));
    let galley = ui.painter().layout_job(job);
    let (rect, response) = ui.allocate_exact_size(vec2(galley.size().x + 2.0 * space::S, 20.0), Sense::hover());
    response.widget_info(|| WidgetInfo::labeled(Role::Label, true, text));
    if ui.is_rect_visible(rect) {
        ui.painter().rect_filled(rect, CornerRadius::same(6), theme.tint(tone));
        ui.painter().galley(rect.center() - galley.size() / 2.0, galley, ink);
    }
}

/// An icon on a round ground of its tone.
pub(crate) fn disc(ui: &mut Ui, theme: &Theme, tone: Tone, icon: Icon, diameter: f32) {
    let (rect, _response) = ui.allocate_exact_size(vec2(diameter, diameter), Sense::hover());
    if ui.is_rect_visible(rect) {
        ui.painter().circle_filled(rect.center(), diameter / 2.0, theme.tint(tone));
        let font = fonts::icons((diameter * 0.52).round());
        ui.painter().text(rect.center(), Align2::CENTER_CENTER, icon.glyph(), font, theme.tone(tone));
    }
}

/// How much of something is done.
pub(crate) fn progress(ui: &mut Ui, theme: &Theme, done: u64, of: u64, name: &str) {
    let (rect, response) = ui.allocate_exact_size(vec2(ui.available_width(), 6.0), Sense::hover());
    let permille = done.min(of).saturating_mul(1000).checked_div(of).unwrap_or(1000);
    let share = f32::from(u16::try_from(permille).unwrap_or(1000)) / 1000.0;
    response.widget_info(|| {
        let mut info = WidgetInfo::labeled(Role::ProgressIndicator, true, name);
        info.value = Some(f64::from(share));
        info
    });
    let round = CornerRadius::same(3);
    ui.painter().rect_filled(rect, round, theme.sunken);
    let mut filled = rect;
    filled.set_right(rect.left() + (rect.width() * share).max(6.0));
    ui.painter().rect_filled(filled, round, theme.tone(Tone::Busy));
}

/// A dot of a tone before a line.
pub(crate) fn dot(ui: &Ui, at: egui::Pos2, colour: Color32) {
    ui.painter().circle_filled(pos2(at.x, at.y), 4.0, colour);
}
