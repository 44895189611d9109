//! A link as a QR code, drawn with half blocks for terminals.

use qrcode::render::unicode::Dense1x2;
use qrcode::{EcLevel, QrCode};

use crate::link::PairingLink;

/// What a terminal's text stands on. A QR code is dark on light, so on a dark terminal its light modules are drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Background {
    /// Light text on a dark ground, as most terminals have it.
    #[default]
    Dark,
    /// Dark text on a light ground.
    Light,
}

/// Draws a link as a QR code: lines of half blocks, the quiet zone of four modules included. A usual link takes about 30 lines of 60
/// columns.
///
/// The level of error correction is the lowest: on a screen nothing gets scratched, and a smaller code is read from further away.
#[expect(clippy::missing_panics_doc, reason = "it cannot: see the expectation below")]
pub fn terminal_qr(link: &PairingLink, background: Background) -> String {
    let text = zeroize::Zeroizing::new(link.to_string());
    #[expect(
        clippy::expect_used,
        reason = "a link has at most 2,400 bytes, and the largest code of this level holds 2,953"
    )]
    let code = QrCode::with_error_correction_level(text.as_bytes(), EcLevel::L).expect("a link fits into a QR code");
    let (dark, light) = match background {
        Background::Dark => (Dense1x2::Light, Dense1x2::Dark),
        Background::Light => (Dense1x2::Dark, Dense1x2::Light),
    };
    code.render::<Dense1x2>().dark_color(dark).light_color(light).module_dimensions(1, 1).build()
}
