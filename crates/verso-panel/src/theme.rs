//! How the panel looks: colours, sizes of type, and spaces, for light and for dark.

use egui::style::{Selection, WidgetVisuals};
use egui::{Color32, CornerRadius, FontFamily, FontId, Margin, Stroke, Style, TextStyle, Ui, Vec2, Visuals, vec2};

pub(crate) mod fonts;

/// Spaces are multiples of four points.
pub(crate) mod space {
    /// Between things that are one.
    pub(crate) const XS: f32 = 4.0;
    /// Between things that belong together.
    pub(crate) const S: f32 = 8.0;
    /// Between rows.
    pub(crate) const M: f32 = 12.0;
    /// Within cards.
    pub(crate) const L: f32 = 16.0;
    /// Between sections.
    pub(crate) const XL: f32 = 24.0;
}

/// Sizes of type, in points.
pub(crate) mod size {
    /// The title of a page.
    pub(crate) const TITLE: f32 = 20.0;
    /// The title of a card.
    pub(crate) const HEADING: f32 = 15.0;
    /// Text.
    pub(crate) const BODY: f32 = 13.5;
    /// What explains.
    pub(crate) const SMALL: f32 = 12.0;
    /// Captions of columns and tabs.
    pub(crate) const CAPTION: f32 = 11.0;
}

/// Corners of cards.
pub(crate) const CARD_RADIUS: u8 = 12;
/// Corners of buttons and fields.
pub(crate) const CONTROL_RADIUS: u8 = 8;
/// Height of buttons and fields: no less can be hit with a finger.
pub(crate) const CONTROL_HEIGHT: f32 = 32.0;

/// What a colour says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tone {
    /// All is well.
    Good,
    /// Something is under way.
    Busy,
    /// Something is to be decided, and nothing waits for it.
    Warn,
    /// Something goes on only when a person acts.
    Bad,
    /// Nothing in particular.
    Plain,
    /// What can be done here first.
    Accent,
}

/// The colours.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Theme {
    pub(crate) ground: Color32,
    pub(crate) card: Color32,
    /// Fields, and rows within cards.
    pub(crate) sunken: Color32,
    pub(crate) line: Color32,
    pub(crate) text: Color32,
    /// What explains. Readable on all grounds (WCAG AA).
    pub(crate) soft: Color32,
    pub(crate) accent: Color32,
    pub(crate) on_accent: Color32,
    good: Color32,
    busy: Color32,
    warn: Color32,
    bad: Color32,
    is_dark: bool,
}

const LIGHT: Theme = Theme {
    ground: Color32::from_rgb(0xf5, 0xf6, 0xf8),
    card: Color32::from_rgb(0xff, 0xff, 0xff),
    sunken: Color32::from_rgb(0xf3, 0xf4, 0xf7),
    line: Color32::from_rgb(0xe2, 0xe5, 0xea),
    text: Color32::from_rgb(0x17, 0x1a, 0x21),
    soft: Color32::from_rgb(0x5a, 0x63, 0x72),
    accent: Color32::from_rgb(0x43, 0x49, 0xc9),
    on_accent: Color32::from_rgb(0xff, 0xff, 0xff),
    good: Color32::from_rgb(0x17, 0x7a, 0x48),
    busy: Color32::from_rgb(0x1f, 0x66, 0xc7),
    warn: Color32::from_rgb(0x93, 0x5f, 0x00),
    bad: Color32::from_rgb(0xbb, 0x2d, 0x2a),
    is_dark: false,
};

const DARK: Theme = Theme {
    ground: Color32::from_rgb(0x11, 0x13, 0x17),
    card: Color32::from_rgb(0x1a, 0x1d, 0x23),
    sunken: Color32::from_rgb(0x22, 0x26, 0x2d),
    line: Color32::from_rgb(0x2c, 0x31, 0x3a),
    text: Color32::from_rgb(0xec, 0xee, 0xf2),
    soft: Color32::from_rgb(0xa2, 0xab, 0xb9),
    accent: Color32::from_rgb(0x93, 0x98, 0xff),
    on_accent: Color32::from_rgb(0x14, 0x16, 0x2b),
    good: Color32::from_rgb(0x4f, 0xc6, 0x8c),
    busy: Color32::from_rgb(0x6f, 0xac, 0xff),
    warn: Color32::from_rgb(0xe6, 0xb4, 0x4c),
    bad: Color32::from_rgb(0xff, 0x86, 0x7e),
    is_dark: true,
};

impl Theme {
    /// The colours that fit what the host has chosen.
    pub(crate) fn of(ui: &Ui) -> Self {
        if ui.visuals().dark_mode { DARK } else { LIGHT }
    }

    /// The colour of text and icons of a tone.
    pub(crate) const fn tone(&self, tone: Tone) -> Color32 {
        match tone {
            Tone::Good => self.good,
            Tone::Busy => self.busy,
            Tone::Warn => self.warn,
            Tone::Bad => self.bad,
            Tone::Plain => self.soft,
            Tone::Accent => self.accent,
        }
    }

    /// The ground on which a tone's text stands.
    pub(crate) fn tint(&self, tone: Tone) -> Color32 {
        if tone == Tone::Plain {
            return self.sunken;
        }
        let strength = if self.is_dark { 0.16 } else { 0.09 };
        self.card.lerp_to_gamma(self.tone(tone), strength)
    }

    /// Gives everything within `ui` this look, and nothing outside.
    pub(crate) fn apply(&self, ui: &mut Ui) {
        let mut style = Style::clone(ui.style());
        style.visuals = self.visuals(&style.visuals);
        style.text_styles = [
            (TextStyle::Heading, fonts::strong(size::HEADING)),
            (TextStyle::Body, fonts::regular(size::BODY)),
            (TextStyle::Button, fonts::regular(size::BODY)),
            (TextStyle::Small, fonts::regular(size::SMALL)),
            (TextStyle::Monospace, FontId::new(size::SMALL, FontFamily::Monospace)),
        ]
        .into();
        style.override_font_id = None;
        style.override_text_style = None;
        style.spacing.item_spacing = vec2(space::S, space::S);
        style.spacing.button_padding = vec2(space::M, 6.0);
        style.spacing.interact_size = Vec2::new(CONTROL_HEIGHT, CONTROL_HEIGHT);
        style.spacing.menu_margin = Margin::same(6);
        // Motion says nothing here, and costs frames.
        style.animation_time = 0.0;
        style.scroll_animation = egui::style::ScrollAnimation::none();
        style.interaction.selectable_labels = false;
        ui.set_style(style);
    }

    fn visuals(&self, host: &Visuals) -> Visuals {
        let mut visuals = host.clone();
        visuals.override_text_color = None;
        visuals.weak_text_color = Some(self.soft);
        visuals.panel_fill = self.ground;
        visuals.window_fill = self.card;
        visuals.window_stroke = Stroke::new(1.0, self.line);
        visuals.extreme_bg_color = self.sunken;
        visuals.faint_bg_color = self.sunken;
        visuals.text_edit_bg_color = Some(self.sunken);
        visuals.hyperlink_color = self.accent;
        visuals.menu_corner_radius = CornerRadius::same(CONTROL_RADIUS);
        visuals.button_frame = true;
        // A cursor that blinks draws twice a second.
        visuals.text_cursor.blink = false;
        visuals.text_cursor.stroke = Stroke::new(1.5, self.accent);
        visuals.selection =
            Selection { bg_fill: self.accent.gamma_multiply(0.30), stroke: Stroke::new(1.5, self.accent) };
        let control = |fill: Color32, line: Color32, text: Color32| WidgetVisuals {
            bg_fill: fill,
            weak_bg_fill: fill,
            bg_stroke: Stroke::new(1.0, line),
            corner_radius: CornerRadius::same(CONTROL_RADIUS),
            fg_stroke: Stroke::new(1.0, text),
            expansion: 0.0,
        };
        visuals.widgets.noninteractive = control(self.card, self.line, self.text);
        visuals.widgets.inactive = control(self.card, self.line, self.text);
        visuals.widgets.hovered = control(self.sunken, self.soft.gamma_multiply(0.6), self.text);
        visuals.widgets.active = control(self.tint(Tone::Accent), self.accent, self.text);
        visuals.widgets.open = control(self.sunken, self.line, self.text);
        visuals
    }
}
