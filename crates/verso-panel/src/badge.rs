//! [`Badge`]: the one line that says how everything stands, for wherever a host has room for it.

use egui::accesskit::Role;
use egui::{Align2, Color32, CornerRadius, Response, Sense, Shape, Stroke, Ui, Widget, WidgetInfo, pos2, vec2};

use crate::state::Indicator;
use crate::text;
use crate::theme::fonts::{self, Fonts};
use crate::theme::{Theme, Tone, size};
use crate::widgets::focus_ring;

impl Indicator {
    /// The sign before the line: `●`, `◐`, `○` or `!`.
    pub const fn sign(&self) -> char {
        match self {
            Self::Synced { .. } => '●',
            Self::Syncing { .. } => '◐',
            Self::Offline => '○',
            Self::Conflict { .. } | Self::Attention => '!',
        }
    }

    /// The line without its sign: `2 peers · synced`.
    pub fn line(&self) -> String {
        match self {
            Self::Synced { peers } => format!("{} · synced", text::counted(*peers, "peer", "peers")),
            Self::Syncing { peers, done, of } => {
                let peers = text::counted(*peers, "peer", "peers");
                format!("{peers} · syncing {} / {}", text::grouped(*done), text::grouped(*of))
            }
            Self::Offline => "offline".to_owned(),
            Self::Conflict { count: 0 | 1 } => "conflict".to_owned(),
            Self::Conflict { count } => format!("{} conflicts", text::grouped(*count)),
            Self::Attention => "needs you".to_owned(),
        }
    }

    pub(crate) const fn tone(&self) -> Tone {
        match self {
            Self::Synced { .. } => Tone::Good,
            Self::Syncing { .. } => Tone::Busy,
            Self::Offline => Tone::Plain,
            Self::Conflict { .. } => Tone::Warn,
            Self::Attention => Tone::Bad,
        }
    }
}

/// The status indicator as a widget of its own, such as for a host's status bar. Pressed, it should open the panel.
#[derive(Debug, Clone, Copy)]
#[must_use = "a badge is shown by `ui.add`"]
pub struct Badge<'a> {
    indicator: &'a Indicator,
}

impl<'a> Badge<'a> {
    /// Makes a badge of an indicator.
    pub const fn new(indicator: &'a Indicator) -> Self {
        Self { indicator }
    }
}

impl Widget for Badge<'_> {
    fn ui(self, ui: &mut Ui) -> Response {
        if fonts::provide(ui.ctx()) == Fonts::Next {
            return ui.allocate_response(vec2(0.0, 0.0), Sense::hover());
        }
        let theme = Theme::of(ui);
        let tone = self.indicator.tone();
        let line = self.indicator.line();
        let ink = if tone == Tone::Plain { theme.soft } else { theme.tone(tone) };
        let mut job = egui::text::LayoutJob::simple_singleline(line.clone(), fonts::strong(size::SMALL), ink);
        job.wrap = egui::text::TextWrapping::truncate_at_width((ui.available_width() - 36.0).max(24.0));
        let galley = ui.painter().layout_job(job);
        let (rect, response) = ui.allocate_exact_size(vec2(galley.size().x + 36.0, 28.0), Sense::click());
        response.widget_info(|| WidgetInfo::labeled(Role::Button, true, format!("Sync: {line}")));
        if ui.is_rect_visible(rect) {
            ui.painter().rect_filled(rect, CornerRadius::same(14), theme.tint(tone));
            self.paint_sign(ui, pos2(rect.left() + 15.0, rect.center().y), ink);
            ui.painter().galley(pos2(rect.left() + 25.0, rect.center().y - galley.size().y / 2.0), galley, ink);
            focus_ring(ui, &theme, &response, rect);
        }
        response
    }
}

impl Badge<'_> {
    /// The sign, drawn, since a font may lack it.
    fn paint_sign(self, ui: &Ui, at: egui::Pos2, ink: Color32) {
        let painter = ui.painter();
        let (radius, ring) = (4.5, Stroke::new(1.5, ink));
        match self.indicator {
            Indicator::Synced { .. } => _ = painter.circle_filled(at, radius, ink),
            Indicator::Offline => _ = painter.circle_stroke(at, radius - 0.5, ring),
            Indicator::Syncing { .. } => {
                painter.circle_stroke(at, radius - 0.5, ring);
                let angles = (0_u8..=16).map(|step| std::f32::consts::PI * (0.5 + f32::from(step) / 16.0));
                let points = angles.map(|angle| at + radius * vec2(angle.cos(), angle.sin())).collect();
                painter.add(Shape::convex_polygon(points, ink, Stroke::NONE));
            }
            Indicator::Conflict { .. } | Indicator::Attention => {
                _ = painter.text(at, Align2::CENTER_CENTER, "!", fonts::strong(14.0), ink);
            }
        }
    }
}
