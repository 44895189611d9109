//! Workspaces and devices: who lacks how much of what.

use egui::accesskit::Role;
use egui::{Align2, CornerRadius, Rect, ScrollArea, Sense, Stroke, Ui, WidgetInfo, pos2, vec2};

use super::View;
use crate::state::{Device, Lag, Workspace};
use crate::text;
use crate::theme::{Tone, fonts, size, space};
use crate::widgets::{Icon, card, line, say};

const ROW: f32 = 40.0;
const FIRST: f32 = 132.0;
const NARROWEST: f32 = 92.0;

impl View<'_> {
    /// A row a workspace, a column a device.
    pub(super) fn matrix(&self, ui: &mut Ui) {
        let (theme, state) = (self.theme, self.state);
        card(ui, &theme, |ui| {
            ui.spacing_mut().item_spacing.y = 0.0;
            let room = ui.available_width();
            let columns = f32::from(u16::try_from(state.devices.len()).unwrap_or(u16::MAX)).max(1.0);
            let column = ((room - FIRST) / columns).max(NARROWEST);
            if room < FIRST + NARROWEST * columns.min(3.0) {
                self.list(ui);
                return;
            }
            ScrollArea::horizontal().id_salt("matrix").show(ui, |ui| {
                let (head, _response) = ui.allocate_exact_size(vec2(FIRST + column * columns, 30.0), Sense::hover());
                for (index, device) in (0_u16..).zip(&state.devices) {
                    let cell = cell(head, column, index);
                    text_in(ui, cell, &state.name_of(&device.id), fonts::strong(size::CAPTION), theme.soft);
                }
                for workspace in &state.workspaces {
                    let (row, _response) = ui.allocate_exact_size(vec2(FIRST + column * columns, ROW), Sense::hover());
                    ui.painter().hline(row.x_range(), row.top(), Stroke::new(1.0, theme.line));
                    let first = Rect::from_min_size(row.min, vec2(FIRST, ROW));
                    let name = state.workspace_name(&workspace.id);
                    text_in(ui, first, &name, fonts::regular(size::BODY), theme.text);
                    for (index, device) in (0_u16..).zip(&state.devices) {
                        self.cell(ui, cell(row, column, index), workspace, device);
                    }
                }
            });
            ui.add_space(space::S);
            let legend = "↑ entries that the device has yet to acknowledge, ↓ entries that this one lacks; pale where it is as of the last contact.";
            say(ui, theme.soft(legend));
        });
    }

    /// The same as a list, where there is no room for columns.
    fn list(&self, ui: &mut Ui) {
        let (theme, state) = (self.theme, self.state);
        for (index, workspace) in state.workspaces.iter().enumerate() {
            if index > 0 {
                ui.add_space(space::S);
            }
            line(ui, theme.strong(state.workspace_name(&workspace.id)));
            for device in &state.devices {
                let (row, _response) = ui.allocate_exact_size(vec2(ui.available_width(), 26.0), Sense::hover());
                let half = (row.width() / 2.0).floor();
                let name = row.with_max_x(row.left() + half).translate(vec2(-6.0, 0.0));
                text_in(ui, name, &state.name_of(&device.id), fonts::regular(size::SMALL), theme.soft);
                self.cell(ui, row.with_min_x(row.left() + half), workspace, device);
            }
        }
    }

    fn cell(&self, ui: &Ui, rect: Rect, workspace: &Workspace, device: &Device) {
        let theme = self.theme;
        let lag = self.state.lags.iter().find(|lag| lag.device == device.id && lag.workspace == workspace.id);
        let (who, what) = (self.state.name_of(&device.id), self.state.workspace_name(&workspace.id));
        let response = ui.interact(rect, ui.scope_id().with((workspace.id, device.id)), Sense::hover());
        response.widget_info(|| WidgetInfo::labeled(Role::Label, true, format!("{who} in {what}: {}", words(lag))));
        let centre = pos2(rect.left() + 8.0, rect.center().y);
        let Some(lag) = lag else {
            ui.painter().text(centre, Align2::LEFT_CENTER, "–", fonts::regular(size::BODY), theme.soft);
            return;
        };
        let ink = |tone| if lag.is_live { theme.tone(tone) } else { theme.tone(tone).gamma_multiply(0.55) };
        if lag.to_send == 0 && lag.to_receive == 0 {
            let icon = Icon::Check.glyph();
            ui.painter().text(centre, Align2::LEFT_CENTER, icon, fonts::icons(16.0), ink(Tone::Good));
            return;
        }
        let ground = rect.shrink2(vec2(2.0, (rect.height() - 24.0).max(0.0) / 2.0));
        if lag.is_live {
            ui.painter().rect_filled(ground, CornerRadius::same(6), theme.tint(Tone::Busy));
        }
        text_in(ui, ground, &arrows(lag), fonts::strong(size::SMALL), ink(Tone::Busy));
    }
}

fn cell(row: Rect, column: f32, index: u16) -> Rect {
    let left = row.left() + FIRST + column * f32::from(index);
    Rect::from_min_size(pos2(left, row.top()), vec2(column, row.height()))
}

fn text_in(ui: &Ui, rect: Rect, text: &str, font: egui::FontId, ink: egui::Color32) {
    let mut job = egui::text::LayoutJob::simple_singleline(text.to_owned(), font, ink);
    job.wrap = egui::text::TextWrapping::truncate_at_width(rect.width() - 12.0);
    let galley = ui.painter().layout_job(job);
    ui.painter().galley(pos2(rect.left() + 6.0, rect.center().y - galley.size().y / 2.0), galley, ink);
}

fn arrows(lag: &Lag) -> String {
    let part = |sign: char, count: u64| (count > 0).then(|| format!("{sign} {}", text::grouped(count)));
    [part('↑', lag.to_send), part('↓', lag.to_receive)].into_iter().flatten().collect::<Vec<_>>().join("  ")
}

/// A cell for who can't see it.
fn words(lag: Option<&Lag>) -> String {
    let Some(lag) = lag else { return "not shared".to_owned() };
    let behind = match (lag.to_send, lag.to_receive) {
        (0, 0) => "in step".to_owned(),
        (send, 0) => format!("{} to send", text::grouped(send)),
        (0, receive) => format!("{} to receive", text::grouped(receive)),
        (send, receive) => format!("{} to send, {} to receive", text::grouped(send), text::grouped(receive)),
    };
    if lag.is_live { behind } else { format!("{behind} at the last contact") }
}
