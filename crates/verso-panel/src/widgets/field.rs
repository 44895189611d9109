//! Fields for text, each with a caption that screen readers hear.

use egui::{Key, Margin, Response, TextEdit, Ui};

use crate::theme::{CONTROL_HEIGHT, Theme, space};

/// Longest text that a field takes, in characters. A link has at most 2,400.
const LONGEST: usize = 4096;

/// What became of a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Field {
    /// It is being written in, or nothing happened.
    Open,
    /// Enter was pressed in it.
    Entered,
    /// Escape was pressed in it.
    Left,
}

/// A line of text with a caption above it. Returns what became of it, and the field, which may be given the keyboard.
pub(crate) fn field(ui: &mut Ui, theme: &Theme, caption: &str, hint: &str, text: &mut String) -> (Field, Response) {
    add(ui, theme, [caption, hint], TextEdit::singleline(text))
}

/// The same for a text that is not shown while it is typed.
pub(crate) fn secret_field(ui: &mut Ui, theme: &Theme, caption: &str, text: &mut String) -> (Field, Response) {
    add(ui, theme, [caption, ""], TextEdit::singleline(text).password(true))
}

fn add(ui: &mut Ui, theme: &Theme, [caption, hint]: [&str; 2], edit: TextEdit<'_>) -> (Field, Response) {
    let caption = ui.label(theme.caption(caption));
    ui.add_space(-space::XS);
    let edit = edit
        .hint_text(theme.body(hint).color(theme.soft.gamma_multiply(0.8)))
        .desired_width(f32::INFINITY)
        .char_limit(LONGEST)
        .margin(Margin::symmetric(10, 7))
        .min_size(egui::vec2(0.0, CONTROL_HEIGHT));
    let response = ui.add(edit).labelled_by(caption.id);
    let pressed = |key| ui.input(|input| input.key_pressed(key));
    let outcome = match response.lost_focus() {
        true if pressed(Key::Enter) => Field::Entered,
        true if pressed(Key::Escape) => Field::Left,
        _ => Field::Open,
    };
    (outcome, response)
}
