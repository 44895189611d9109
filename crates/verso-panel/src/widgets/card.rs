//! Cards, sections and rows.

use egui::epaint::RectShape;
use egui::{
    Align, Color32, CornerRadius, Frame, Layout, Margin, Rect, RichText, Shape, Sides, Stroke, StrokeKind, Ui,
    UiBuilder, pos2, vec2,
};

use super::{
    Icon,
    label::{disc, line, say},
};
use crate::theme::{CARD_RADIUS, CONTROL_HEIGHT, CONTROL_RADIUS, Theme, Tone, fonts, space};

/// The title of a page, with what can be done there at its end.
pub(crate) fn title(ui: &mut Ui, theme: &Theme, text: &str, actions: impl FnOnce(&mut Ui)) {
    ends(ui, CONTROL_HEIGHT, |ui| line(ui, theme.title(text)), actions);
    ui.add_space(space::XS);
}

/// The title of a group of cards.
pub(crate) fn section(ui: &mut Ui, theme: &Theme, text: &str) {
    ui.add_space(space::S);
    say(ui, theme.caption(text));
}

/// What belongs together.
pub(crate) fn card<R>(ui: &mut Ui, theme: &Theme, contents: impl FnOnce(&mut Ui) -> R) -> R {
    frame(theme, theme.line).show(ui, |ui| in_width(ui, contents)).inner
}

/// A card that says by its edge how urgent it is.
pub(crate) fn marked_card<R>(ui: &mut Ui, theme: &Theme, tone: Tone, contents: impl FnOnce(&mut Ui) -> R) -> R {
    let line = theme.line.lerp_to_gamma(theme.tone(tone), 0.45);
    let shown = frame(theme, line).show(ui, |ui| in_width(ui, contents));
    let edge = shown.response.rect.with_max_x(shown.response.rect.left() + 4.0);
    let radius = CornerRadius { nw: CARD_RADIUS, sw: CARD_RADIUS, ne: 0, se: 0 };
    let painter = ui.painter().with_clip_rect(edge.intersect(ui.clip_rect()));
    // The card's own corner, of which only the edge is seen.
    painter.rect_filled(
        shown.response.rect.with_max_x(edge.left() + f32::from(CARD_RADIUS) * 2.0),
        radius,
        theme.tone(tone),
    );
    shown.inner
}

fn frame(theme: &Theme, line: Color32) -> Frame {
    Frame::new()
        .fill(theme.card)
        .stroke(Stroke::new(1.0, line))
        .corner_radius(CornerRadius::same(CARD_RADIUS))
        .inner_margin(Margin::same(16))
}

fn in_width<R>(ui: &mut Ui, contents: impl FnOnce(&mut Ui) -> R) -> R {
    ui.set_width(ui.available_width());
    contents(ui)
}

/// A line of text on a ground of its tone, with an icon.
pub(crate) fn notice(ui: &mut Ui, theme: &Theme, tone: Tone, icon: Icon, text: &str) {
    let (fill, edge) =
        if tone == Tone::Plain { (theme.card, theme.line) } else { (theme.tint(tone), theme.tint(tone)) };
    let frame = Frame::new()
        .fill(fill)
        .stroke(Stroke::new(1.0, edge))
        .corner_radius(CornerRadius::same(8))
        .inner_margin(Margin::symmetric(12, 9));
    frame.show(ui, |ui| {
        ui.set_width(ui.available_width());
        ui.horizontal_top(|ui| {
            let ink = theme.tone(tone);
            ui.label(RichText::new(icon.glyph()).font(fonts::icons(16.0)).color(ink));
            let text_width = ui.available_width();
            ui.scope_builder(UiBuilder::new(), |ui| {
                ui.set_max_width(text_width);
                say(ui, theme.soft(text).color(if tone == Tone::Plain { theme.soft } else { theme.text }));
            });
        });
    });
}

/// What a row says and, at its end, what can be done. Where there is less room than `needs`, one stands above the other.
pub(crate) fn split(ui: &mut Ui, needs: f32, left: impl FnOnce(&mut Ui), right: impl FnOnce(&mut Ui)) {
    if ui.available_width() < needs {
        ui.vertical(|ui| {
            left(ui);
            ui.horizontal_wrapped(right);
        });
    } else {
        Sides::new().shrink_left().truncate().show(ui, |ui| ui.vertical(left), right);
    }
}

/// The sign before a headline: what it says by colour and picture, and its diameter.
pub(crate) type Sign = (Tone, Icon, f32);

/// Width from which buttons stand beside a headline.
const HEADLINE: f32 = 190.0;

/// A sign, what something is called, a line about it, and at its end what can be done.
pub(crate) fn headline(ui: &mut Ui, theme: &Theme, sign: Sign, texts: [RichText; 2], actions: impl FnOnce(&mut Ui)) {
    let (tone, icon, diameter) = sign;
    ui.horizontal(|ui| {
        disc(ui, theme, tone, icon, diameter);
        ui.add_space(space::XS);
        plain_headline(ui, texts, actions);
    });
}

/// The same without a sign.
pub(crate) fn plain_headline(ui: &mut Ui, [name, about]: [RichText; 2], actions: impl FnOnce(&mut Ui)) {
    let told = |ui: &mut Ui| {
        ui.spacing_mut().item_spacing.y = 2.0;
        line(ui, name);
        say(ui, about);
    };
    split(ui, HEADLINE, told, actions);
}

/// A sign and what a card is about, over as many lines as it takes.
pub(crate) fn banner(ui: &mut Ui, theme: &Theme, sign: Sign, texts: [RichText; 2]) {
    let (tone, icon, diameter) = sign;
    ui.horizontal(|ui| {
        disc(ui, theme, tone, icon, diameter);
        ui.add_space(if diameter < BIG { space::XS } else { space::S });
        ui.vertical(|ui| {
            ui.spacing_mut().item_spacing.y = 2.0;
            for text in texts {
                say(ui, text);
            }
        });
    });
}

/// From this diameter on, a sign keeps more distance.
const BIG: f32 = 48.0;

/// Two short things in one line, one at each end.
pub(crate) fn ends(ui: &mut Ui, height: f32, left: impl FnOnce(&mut Ui), right: impl FnOnce(&mut Ui)) {
    Sides::new().height(height).shrink_left().truncate().show(ui, left, right);
}

/// Two columns of equal width.
pub(crate) fn beside(ui: &mut Ui, left: impl FnOnce(&mut Ui), right: impl FnOnce(&mut Ui)) {
    columns(ui, Margin::ZERO, left, right);
}

/// Two boxes of equal width and height, each with a line around it.
pub(crate) fn boxes_beside(
    ui: &mut Ui,
    theme: &Theme,
    lines: [Color32; 2],
    left: impl FnOnce(&mut Ui),
    right: impl FnOnce(&mut Ui),
) {
    let margin = Margin::same(12);
    let grounds = lines.map(|line| (ui.painter().add(Shape::Noop), line));
    let rects = columns(ui, margin, left, right);
    let height = rects.iter().map(Rect::height).fold(0.0, f32::max);
    for (rect, (place, line)) in rects.into_iter().zip(grounds) {
        let rect = Rect::from_min_size(rect.min, vec2(rect.width(), height));
        let radius = CornerRadius::same(CONTROL_RADIUS);
        let shape = RectShape::new(rect, radius, theme.sunken, Stroke::new(1.0, line), StrokeKind::Inside);
        ui.painter().set(place, shape);
    }
}

fn columns(ui: &mut Ui, margin: Margin, left: impl FnOnce(&mut Ui), right: impl FnOnce(&mut Ui)) -> [Rect; 2] {
    let area = ui.available_rect_before_wrap();
    let width = ((area.width() - space::M) / 2.0).floor();
    let mut rects = [Rect::NOTHING; 2];
    let column = |ui: &mut Ui, index: u8, contents: &mut dyn FnMut(&mut Ui)| {
        let corner = area.min + vec2(f32::from(index) * (width + space::M), 0.0);
        let outer = Rect::from_min_size(corner, vec2(width, area.height()));
        let builder = UiBuilder::new().max_rect(outer - margin).layout(Layout::top_down(Align::Min)).id_salt(index);
        let mut child = ui.new_child(builder);
        child.set_width((outer - margin).width());
        contents(&mut child);
        Rect::from_min_max(corner, pos2(outer.right(), child.min_rect().bottom() + margin.bottomf()))
    };
    let (mut left, mut right) = (Some(left), Some(right));
    rects[0] = column(ui, 0, &mut |ui| {
        if let Some(left) = left.take() {
            left(ui);
        }
    });
    rects[1] = column(ui, 1, &mut |ui| {
        if let Some(right) = right.take() {
            right(ui);
        }
    });
    let bottom = rects[0].bottom().max(rects[1].bottom());
    ui.advance_cursor_after_rect(Rect::from_min_max(area.min, pos2(area.right(), bottom)));
    rects
}
