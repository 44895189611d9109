//! A QR code on the screen.

use egui::accesskit::Role;
use egui::{Color32, CornerRadius, Mesh, Rect, Sense, Shape, Ui, WidgetInfo, pos2, vec2};
use qrcode::{Color, EcLevel, QrCode};

/// Modules of the light frame that scanners need (ISO/IEC 18004).
const QUIET_ZONE: usize = 4;

/// Shows text as a QR code: dark on light whatever the theme, since not every scanner reads the reverse. Modules are whole pixels wide.
/// `false` if it is too long for one.
pub(crate) fn qr(ui: &mut Ui, text: &str, name: &str, widest: f32) -> bool {
    // On a screen nothing gets scratched, and a smaller code is read from further away.
    let Ok(code) = QrCode::with_error_correction_level(text.as_bytes(), EcLevel::L) else { return false };
    let modules = code.width() + 2 * QUIET_ZONE;
    let pixels = ui.pixels_per_point();
    let count = f32::from(u16::try_from(modules).unwrap_or(u16::MAX));
    let module = (widest.min(ui.available_width()) * pixels / count).floor().max(1.0) / pixels;
    let side = module * count;
    let (rect, response) = ui.allocate_exact_size(vec2(side, side), Sense::hover());
    response.widget_info(|| WidgetInfo::labeled(Role::Image, true, name));
    if ui.is_rect_visible(rect) {
        let corner = pos2((rect.left() * pixels).round() / pixels, (rect.top() * pixels).round() / pixels);
        ui.painter().rect_filled(Rect::from_min_size(corner, rect.size()), CornerRadius::same(6), Color32::WHITE);
        let mut mesh = Mesh::default();
        for (index, colour) in code.to_colors().into_iter().enumerate() {
            if colour == Color::Dark {
                let place = |at: usize| f32::from(u16::try_from(at + QUIET_ZONE).unwrap_or(u16::MAX)) * module;
                let at = corner + vec2(place(index % code.width()), place(index / code.width()));
                mesh.add_colored_rect(Rect::from_min_size(at, vec2(module, module)), Color32::BLACK);
            }
        }
        ui.painter().add(Shape::mesh(mesh));
    }
    true
}
