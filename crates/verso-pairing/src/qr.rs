//! A link as a QR code: drawn with half blocks for terminals, and as a picture.

use qrcode::render::svg;
use qrcode::render::unicode::Dense1x2;
use qrcode::{Color, EcLevel, QrCode};
use zeroize::Zeroizing;

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

/// Side of a module in a picture, in pixels. Less is hard to scan from a screen, more makes the largest code wider than one.
const MODULE_PIXELS: u32 = 8;
/// Modules of the light frame that scanners need (ISO/IEC 18004).
const QUIET_ZONE: usize = 4;

/// Draws a link as a QR code: lines of half blocks, the quiet zone of four modules included. A usual link takes about 30 lines of 60
/// columns.
pub fn terminal_qr(link: &PairingLink, background: Background) -> String {
    let (dark, light) = match background {
        Background::Dark => (Dense1x2::Light, Dense1x2::Dark),
        Background::Light => (Dense1x2::Dark, Dense1x2::Light),
    };
    code(link).render::<Dense1x2>().dark_color(dark).light_color(light).module_dimensions(1, 1).build()
}

/// Draws a link as a QR code in SVG: a document of its own, dark on light, the quiet zone included.
pub fn svg_qr(link: &PairingLink) -> Zeroizing<String> {
    Zeroizing::new(code(link).render::<svg::Color<'_>>().module_dimensions(MODULE_PIXELS, MODULE_PIXELS).build())
}

/// Draws a link as a QR code in PNG: one bit a pixel, dark on light, 8 pixels a module, the quiet zone included.
#[expect(clippy::missing_panics_doc, reason = "it cannot: see the expectation below")]
pub fn png_qr(link: &PairingLink) -> Zeroizing<Vec<u8>> {
    let code = code(link);
    let modules = code.width() + 2 * QUIET_ZONE;
    let is_dark = |x: usize, y: usize| {
        let inside = |at: usize| at.checked_sub(QUIET_ZONE).filter(|at| *at < code.width());
        inside(x).zip(inside(y)).is_some_and(|at| code[at] == Color::Dark)
    };
    // A module is a byte wide, since a pixel is a bit.
    let mut pixels = Zeroizing::new(Vec::new());
    for y in 0..modules {
        let row: Zeroizing<Vec<u8>> =
            Zeroizing::new((0..modules).map(|x| if is_dark(x, y) { 0x00 } else { 0xff }).collect());
        for _ in 0..MODULE_PIXELS {
            pixels.extend_from_slice(&row);
        }
    }
    let mut file = Zeroizing::new(Vec::new());
    #[expect(
        clippy::expect_used,
        reason = "the largest code has 185 modules with its frame, and a Vec takes all bytes"
    )]
    write_png(&mut file, modules, &pixels).expect("a QR code is a small picture");
    file
}

fn write_png(file: &mut Vec<u8>, modules: usize, pixels: &[u8]) -> Result<(), png::EncodingError> {
    let side = u32::try_from(modules).unwrap_or(u32::MAX).saturating_mul(MODULE_PIXELS);
    let mut encoder = png::Encoder::new(file, side, side);
    encoder.set_color(png::ColorType::Grayscale);
    encoder.set_depth(png::BitDepth::One);
    let mut writer = encoder.write_header()?;
    writer.write_image_data(pixels)?;
    writer.finish()
}

/// The level of error correction is the lowest: on a screen nothing gets scratched, and a smaller code is read from further away.
fn code(link: &PairingLink) -> QrCode {
    let text = Zeroizing::new(link.to_string());
    #[expect(
        clippy::expect_used,
        reason = "a link has at most 2,400 bytes, and the largest code of this level holds 2,953"
    )]
    QrCode::with_error_correction_level(text.as_bytes(), EcLevel::L).expect("a link fits into a QR code")
}
