//! Buttons that show where the keyboard is, and say what they do to who can't see them.

use egui::accesskit::Role;
use egui::{
    Align2, Color32, CornerRadius, CursorIcon, Rect, Response, Sense, Stroke, StrokeKind, Ui, WidgetInfo, pos2, vec2,
};

use super::Icon;
use crate::theme::{CONTROL_HEIGHT, CONTROL_RADIUS, Theme, Tone, fonts, size, space};

/// How much a button asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Look {
    /// The one thing to do here.
    Primary,
    /// One of several.
    Plain,
    /// Beside a text, without a frame.
    Quiet,
    /// The same, where many stand below each other.
    Faint,
    /// What can't be undone.
    Danger,
}

/// Whether all is there that a button takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Readiness {
    Ready,
    Lacking,
}

impl From<bool> for Readiness {
    fn from(is_ready: bool) -> Self {
        if is_ready { Self::Ready } else { Self::Lacking }
    }
}

/// A button that is about to be shown.
#[must_use]
pub(crate) struct Button<'a> {
    text: &'a str,
    icon: Option<Icon>,
    look: Look,
    name: Option<String>,
    is_wide: bool,
    is_flush: bool,
    is_enabled: bool,
}

impl<'a> Button<'a> {
    pub(crate) const fn new(look: Look, text: &'a str) -> Self {
        Self { text, icon: None, look, name: None, is_wide: false, is_flush: false, is_enabled: true }
    }

    pub(crate) const fn icon(mut self, icon: Icon) -> Self {
        self.icon = Some(icon);
        self
    }

    /// Names what it is about, where several buttons of one text stand on a page.
    pub(crate) fn named(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// Takes all the width there is.
    pub(crate) const fn wide(mut self) -> Self {
        self.is_wide = true;
        self
    }

    /// Has the text of a button without a frame begin where all text does, if it comes first in a row that is read from the left.
    pub(crate) const fn flush(mut self) -> Self {
        self.is_flush = true;
        self
    }

    /// Can't be pressed while this is empty.
    pub(crate) const fn unless_blank(mut self, text: &str) -> Self {
        self.is_enabled = !text.is_empty();
        self
    }

    /// Can't be pressed before all is there that it takes.
    pub(crate) fn enabled_if(mut self, readiness: Readiness) -> Self {
        self.is_enabled = readiness == Readiness::Ready;
        self
    }

    /// Shows it and tells whether it was pressed.
    pub(crate) fn show(self, ui: &mut Ui, theme: &Theme) -> bool {
        self.add(ui, theme).clicked()
    }

    pub(crate) fn add(self, ui: &mut Ui, theme: &Theme) -> Response {
        let is_enabled = self.is_enabled && ui.is_enabled();
        let font = if self.look == Look::Primary { fonts::strong(size::BODY) } else { fonts::regular(size::BODY) };
        let padding = match (self.look, self.text.is_empty()) {
            (_, true) => 8.0,
            (Look::Quiet | Look::Faint, false) => 10.0,
            (_, false) => 14.0,
        };
        let icon_width = if self.icon.is_some() { 16.0 } else { 0.0 };
        let gap = if self.icon.is_some() && !self.text.is_empty() { 6.0 } else { 0.0 };
        let room = (ui.available_width() - 2.0 * padding - icon_width - gap).max(24.0);
        let galley = {
            let mut job = egui::text::LayoutJob::simple_singleline(self.text.to_owned(), font, Color32::PLACEHOLDER);
            job.wrap = egui::text::TextWrapping::truncate_at_width(room);
            ui.painter().layout_job(job)
        };
        let content = galley.size().x + icon_width + gap;
        let width = if self.is_wide { ui.available_width() } else { content + 2.0 * padding };
        let sense = if is_enabled { Sense::click() } else { Sense::hover() };
        let hanging = if self.is_flush && !ui.layout().prefer_right_to_left() { padding } else { 0.0 };
        let taken = vec2(width.max(CONTROL_HEIGHT) - hanging, CONTROL_HEIGHT);
        let (rect, response) = ui.allocate_exact_size(taken, sense);
        let rect = rect.with_min_x(rect.left() - hanging);
        let name = self.name.clone().unwrap_or_else(|| self.text.to_owned());
        response.widget_info(|| WidgetInfo::labeled(Role::Button, is_enabled, &name));
        if ui.is_rect_visible(rect) {
            let (fill, line, ink) = self.colours(theme, &response);
            let radius = CornerRadius::same(CONTROL_RADIUS);
            ui.painter().rect(rect, radius, fill, Stroke::new(1.0, line), StrokeKind::Inside);
            let mut left = rect.center().x - content / 2.0;
            if let Some(icon) = self.icon {
                let at = pos2(left + icon_width / 2.0, rect.center().y);
                ui.painter().text(at, Align2::CENTER_CENTER, icon.glyph(), fonts::icons(16.0), ink);
                left += icon_width + gap;
            }
            ui.painter().galley(pos2(left, rect.center().y - galley.size().y / 2.0), galley, ink);
            focus_ring(ui, theme, &response, rect);
        }
        if is_enabled { response.on_hover_cursor(CursorIcon::PointingHand) } else { response }
    }

    /// Fill, line and ink.
    fn colours(&self, theme: &Theme, response: &Response) -> (Color32, Color32, Color32) {
        if !response.sense.senses_click() {
            return (theme.sunken, theme.line, theme.soft.gamma_multiply(0.7));
        }
        let is_near = response.hovered() || response.is_pointer_button_down_on();
        match self.look {
            Look::Primary => {
                let fill = if is_near { theme.accent.lerp_to_gamma(theme.text, 0.14) } else { theme.accent };
                (fill, fill, theme.on_accent)
            }
            Look::Plain => (if is_near { theme.sunken } else { theme.card }, theme.line, theme.text),
            Look::Quiet | Look::Faint => {
                let fill = if is_near { theme.sunken } else { Color32::TRANSPARENT };
                let ink = if self.look == Look::Quiet { theme.accent } else { theme.soft };
                (fill, Color32::TRANSPARENT, ink)
            }
            Look::Danger => {
                let bad = theme.tone(Tone::Bad);
                let fill = if is_near { theme.tint(Tone::Bad) } else { theme.card };
                (fill, bad.gamma_multiply(0.55), bad)
            }
        }
    }
}

/// Shows where the keyboard is.
pub(crate) fn focus_ring(ui: &Ui, theme: &Theme, response: &Response, rect: Rect) {
    if response.has_focus() {
        let radius = CornerRadius::same(CONTROL_RADIUS + 2);
        ui.painter().rect_stroke(rect.expand(2.0), radius, Stroke::new(2.0, theme.accent), StrokeKind::Middle);
    }
}

/// Whether a choice is the one that holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mark {
    Chosen,
    Open,
}

impl From<bool> for Mark {
    fn from(is_chosen: bool) -> Self {
        if is_chosen { Self::Chosen } else { Self::Open }
    }
}

/// One of a few choices of which one holds. Returns whether it was chosen now.
pub(crate) fn segment(ui: &mut Ui, theme: &Theme, text: &str, mark: Mark) -> bool {
    named_segment(ui, theme, text, mark, text)
}

/// The same, with a name for who can't see what it belongs to.
pub(crate) fn named_segment(ui: &mut Ui, theme: &Theme, text: &str, mark: Mark, name: &str) -> bool {
    let is_chosen = mark == Mark::Chosen;
    let font = if is_chosen { fonts::strong(size::SMALL) } else { fonts::regular(size::SMALL) };
    let galley = ui.painter().layout_no_wrap(text.to_owned(), font, Color32::PLACEHOLDER);
    let (rect, response) = ui.allocate_exact_size(vec2(galley.size().x + 2.0 * space::M, 28.0), Sense::click());
    response.widget_info(|| WidgetInfo::selected(Role::RadioButton, true, is_chosen, name));
    if ui.is_rect_visible(rect) {
        let (fill, line, ink) = if is_chosen {
            (theme.tint(Tone::Accent), theme.accent, theme.accent)
        } else if response.hovered() {
            (theme.sunken, theme.line, theme.text)
        } else {
            (theme.card, theme.line, theme.soft)
        };
        ui.painter().rect(rect, CornerRadius::same(14), fill, Stroke::new(1.0, line), StrokeKind::Inside);
        ui.painter().galley(rect.center() - galley.size() / 2.0, galley, ink);
        focus_ring(ui, theme, &response, rect);
    }
    response.on_hover_cursor(CursorIcon::PointingHand).clicked() && !is_chosen
}
