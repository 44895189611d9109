//! The panel's own fonts, in families of their own: what a host has chosen for itself stays as it is.

use std::sync::Arc;

use egui::{Context, FontData, FontDefinitions, FontFamily, FontId};

const REGULAR: &str = "verso-text";
const STRONG: &str = "verso-strong";
const ICONS: &str = "verso-icons";

static INTER: &[u8] = include_bytes!("../../assets/Inter-Regular.ttf");
static INTER_SEMI_BOLD: &[u8] = include_bytes!("../../assets/Inter-SemiBold.ttf");
static PHOSPHOR: &[u8] = include_bytes!("../../assets/Phosphor.ttf");

/// Text.
pub(crate) fn regular(size: f32) -> FontId {
    FontId::new(size, FontFamily::Name(REGULAR.into()))
}

/// Headings, and what matters in a line.
pub(crate) fn strong(size: f32) -> FontId {
    FontId::new(size, FontFamily::Name(STRONG.into()))
}

/// Icons.
pub(crate) fn icons(size: f32) -> FontId {
    FontId::new(size, FontFamily::Name(ICONS.into()))
}

/// Whether the fonts can be used in this pass.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fonts {
    /// They are there.
    Ready,
    /// They were handed over, and are there in the next pass, which has been asked for.
    Next,
}

/// Adds the fonts, unless they are there. A host that replaces all fonts later gets them again.
pub(crate) fn provide(context: &Context) -> Fonts {
    let families = [REGULAR, STRONG, ICONS];
    let mut definitions = context.fonts(|fonts| fonts.definitions().clone());
    if families.iter().all(|name| definitions.families.contains_key(&FontFamily::Name((*name).into()))) {
        return Fonts::Ready;
    }
    add(&mut definitions);
    context.set_fonts(definitions);
    context.request_discard("the fonts of the Sync Panel come with the next pass");
    Fonts::Next
}

/// What Inter has no glyph for, such as names in other scripts, comes from the fonts that the host has.
fn add(definitions: &mut FontDefinitions) {
    let host =
        [FontFamily::Proportional, FontFamily::Monospace].map(|family| definitions.families.get(&family).cloned());
    let fallback: Vec<String> = host.into_iter().flatten().flatten().collect();
    for (name, bytes) in [(REGULAR, INTER), (STRONG, INTER_SEMI_BOLD), (ICONS, PHOSPHOR)] {
        definitions.font_data.insert(name.to_owned(), Arc::new(FontData::from_static(bytes)));
        let faces = std::iter::once(name.to_owned()).chain(fallback.iter().cloned()).collect();
        definitions.families.insert(FontFamily::Name(name.into()), faces);
    }
}
