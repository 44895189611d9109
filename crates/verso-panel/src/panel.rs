//! [`SyncPanel`]: the pane itself, its pages, and the way between them.

use egui::accesskit::Role;
use egui::{Align2, CornerRadius, CursorIcon, Rect, ScrollArea, Sense, Stroke, Ui, UiBuilder, WidgetInfo, pos2, vec2};

use crate::action::PanelAction;
use crate::memory::{Memory, Page};
use crate::state::PanelState;
use crate::text::{self, Clock};
use crate::theme::fonts::{self, Fonts};
use crate::theme::{Theme, Tone, size, space};
use crate::view::View;
use crate::widgets::{Icon, dot, focus_ring, line};

/// From this width on, the ways to the pages stand at the side and not on top.
const WIDE: f32 = 800.0;
/// Width of the side.
const RAIL: f32 = 248.0;
/// Longest line that is read with ease, with the margins around it.
const COLUMN: f32 = 820.0;
/// Height of the tabs on top.
const TABS: f32 = 54.0;

/// The Sync Panel.
///
/// It keeps what a person is in the middle of (a page, a field that is being written) and nothing else: all that it shows comes in with each
/// frame, and all that a person asks for goes out. It waits for nothing, reads no clock, and asks for no frame by itself but for the countdown of
/// a code that is on the screen.
#[derive(Debug, Default)]
pub struct SyncPanel {
    memory: Memory,
}

impl SyncPanel {
    /// Makes a panel that shows the overview.
    pub fn new() -> Self {
        Self::default()
    }

    /// Goes to the list of conflicts: what a toast points at. A pairing that is under way goes on meanwhile, and there is a way back to it.
    pub fn show_conflicts(&mut self) {
        self.memory.go_to(Page::Review);
        self.memory.leaves_sheet = true;
    }

    /// Opens the sheet on which devices are paired.
    pub fn show_pairing(&mut self) {
        self.memory.wants_to_pair = true;
    }

    /// Shows the panel in all the room there is, and returns what the person asked for, in order.
    pub fn ui(&mut self, ui: &mut Ui, state: &PanelState) -> Vec<PanelAction> {
        if fonts::provide(ui.ctx()) == Fonts::Next {
            return Vec::new();
        }
        let rect = ui.available_rect_before_wrap();
        let mut actions = Vec::new();
        let builder = UiBuilder::new().max_rect(rect).accessibility_label("Sync Panel");
        ui.scope_builder(builder, |ui| {
            let theme = Theme::of(ui);
            theme.apply(ui);
            ui.painter().rect_filled(rect, CornerRadius::ZERO, theme.ground);
            let mut view = View {
                state,
                theme,
                clock: Clock::new(state.now_ms, state.utc_offset_minutes),
                memory: &mut self.memory,
                actions: &mut actions,
            };
            view.memory.follow(state);
            view.put_aside();
            view.look_around();
            if view.is_pairing() {
                page(ui, rect, ("pairing", COLUMN), |ui| view.pairing(ui));
            } else {
                let body = if rect.width() >= WIDE { rail(ui, &mut view, rect) } else { tabs(ui, &mut view, rect) };
                let current = view.memory.page;
                page(ui, body, (current.name(), COLUMN), |ui| {
                    view.notes(ui);
                    match current {
                        Page::Overview => view.overview(ui),
                        Page::Devices => view.devices(ui),
                        Page::Workspaces => view.workspaces(ui),
                        Page::Review => view.review(ui),
                        Page::Activity => view.activity(ui),
                    }
                });
            }
        });
        ui.advance_cursor_after_rect(rect);
        actions
    }
}

/// A page that scrolls, with its name, in a column that is no wider than this.
pub(crate) fn page(ui: &mut Ui, rect: Rect, (name, widest): (&str, f32), contents: impl FnOnce(&mut Ui)) {
    let mut ui = ui.new_child(UiBuilder::new().max_rect(rect).id_salt(name));
    ui.set_clip_rect(rect.intersect(ui.clip_rect()));
    ScrollArea::vertical().id_salt(name).auto_shrink(false).show(&mut ui, |ui| {
        let margin = if rect.width() < 420.0 { space::M } else { space::XL };
        let width = (ui.available_width().min(widest) - 2.0 * margin).max(64.0);
        let left = ((ui.available_width() - width) / 2.0).clamp(margin, f32::INFINITY);
        let top = ui.cursor().top() + margin;
        let column = Rect::from_min_size(pos2(ui.max_rect().left() + left, top), vec2(width, f32::INFINITY));
        ui.scope_builder(UiBuilder::new().max_rect(column), |ui| {
            ui.set_width(width);
            ui.spacing_mut().item_spacing.y = space::M;
            contents(ui);
            ui.add_space(margin);
        });
    });
}

/// The ways to the pages at the side. Returns the room beside it.
fn rail(ui: &mut Ui, view: &mut View<'_>, rect: Rect) -> Rect {
    let side = rect.with_max_x(rect.left() + RAIL);
    ui.painter().rect_filled(side, CornerRadius::ZERO, view.theme.card);
    ui.painter().vline(side.right(), side.y_range(), Stroke::new(1.0, view.theme.line));
    let inner = side.shrink2(vec2(space::M, space::L));
    ui.scope_builder(UiBuilder::new().max_rect(inner), |ui| {
        ui.spacing_mut().item_spacing.y = space::XS;
        ui.add_space(space::XS);
        view.badge(ui);
        ui.add_space(space::M);
        for page in Page::ALL {
            let (rect, response) = ui.allocate_exact_size(vec2(inner.width(), 36.0), Sense::click());
            let look = TabLook { page, is_current: view.memory.page == page, count: view.count(page) };
            let info = || WidgetInfo::selected(Role::Tab, true, look.is_current, look.name());
            response.widget_info(info);
            let theme = view.theme;
            let ink = look.ink(&theme);
            if look.is_current || response.hovered() {
                let fill = if look.is_current { theme.tint(Tone::Accent) } else { theme.sunken };
                ui.painter().rect_filled(rect, CornerRadius::same(8), fill);
            }
            let icon = pos2(rect.left() + 20.0, rect.center().y);
            ui.painter().text(icon, Align2::CENTER_CENTER, page.icon().glyph(), fonts::icons(18.0), ink);
            let text = pos2(rect.left() + 40.0, rect.center().y);
            ui.painter().text(text, Align2::LEFT_CENTER, page.title(), look.font(size::BODY), ink);
            if let Some((count, tone)) = look.count {
                let at = pos2(rect.right() - 10.0, rect.center().y);
                let font = fonts::strong(size::CAPTION);
                ui.painter().text(at, Align2::RIGHT_CENTER, text::grouped(count), font, theme.tone(tone));
            }
            focus_ring(ui, &theme, &response, rect.shrink(1.0));
            if response.on_hover_cursor(CursorIcon::PointingHand).clicked() {
                view.memory.go_to(page);
            }
        }
        let foot = Rect::from_min_max(pos2(inner.left(), inner.bottom() - 44.0), inner.max);
        if foot.top() > ui.cursor().top() {
            ui.scope_builder(UiBuilder::new().max_rect(foot), |ui| {
                ui.spacing_mut().item_spacing.y = 2.0;
                line(ui, view.theme.strong(text::shown(&view.state.device.name)));
                line(ui, view.theme.soft("This device"));
            });
        }
    });
    rect.with_min_x(side.right())
}

/// The ways to the pages on top. Returns the room below them.
fn tabs(ui: &mut Ui, view: &mut View<'_>, rect: Rect) -> Rect {
    let bar = rect.with_max_y(rect.top() + 44.0 + TABS);
    ui.painter().rect_filled(bar, CornerRadius::ZERO, view.theme.card);
    ui.painter().hline(bar.x_range(), bar.bottom(), Stroke::new(1.0, view.theme.line));
    let top = Rect::from_min_size(rect.min, vec2(rect.width(), 44.0)).shrink2(vec2(space::M, 6.0));
    ui.scope_builder(UiBuilder::new().max_rect(top), |ui| view.badge(ui));
    let row = Rect::from_min_max(pos2(rect.left(), rect.top() + 44.0), bar.max);
    let each = row.width() / 5.0;
    for (index, page) in (0_u8..).zip(Page::ALL) {
        let left = row.left() + each * f32::from(index);
        let rect = Rect::from_min_size(pos2(left, row.top()), vec2(each, row.height()));
        let response = ui.interact(rect, ui.scope_id().with(page.name()), Sense::click());
        let look = TabLook { page, is_current: view.memory.page == page, count: view.count(page) };
        response.widget_info(|| WidgetInfo::selected(Role::Tab, true, look.is_current, look.name()));
        let theme = view.theme;
        let ink = look.ink(&theme);
        let icon = pos2(rect.center().x, rect.top() + 18.0);
        ui.painter().text(icon, Align2::CENTER_CENTER, page.icon().glyph(), fonts::icons(19.0), ink);
        if let Some((_count, tone)) = look.count {
            dot(ui, icon + vec2(12.0, -7.0), theme.tone(tone));
        }
        let text = pos2(rect.center().x, rect.top() + 39.0);
        ui.painter().text(text, Align2::CENTER_CENTER, page.title(), look.font(size::CAPTION), ink);
        if look.is_current {
            let line = Rect::from_min_max(pos2(rect.left() + 6.0, rect.bottom() - 2.0), rect.max - vec2(6.0, 0.0));
            ui.painter().rect_filled(line, CornerRadius::same(1), theme.accent);
        }
        focus_ring(ui, &theme, &response, rect.shrink(4.0));
        if response.on_hover_cursor(CursorIcon::PointingHand).clicked() {
            view.memory.go_to(page);
        }
    }
    rect.with_min_y(bar.bottom())
}

/// How the way to a page looks.
struct TabLook {
    page: Page,
    is_current: bool,
    count: Option<(u64, Tone)>,
}

impl TabLook {
    fn name(&self) -> String {
        match self.count {
            Some((count, _tone)) => format!("{} ({})", self.page.title(), text::grouped(count)),
            None => self.page.title().to_owned(),
        }
    }

    const fn ink(&self, theme: &Theme) -> egui::Color32 {
        if self.is_current { theme.accent } else { theme.soft }
    }

    fn font(&self, size: f32) -> egui::FontId {
        if self.is_current { fonts::strong(size) } else { fonts::regular(size) }
    }
}

impl Page {
    const fn icon(self) -> Icon {
        match self {
            Self::Overview => Icon::House,
            Self::Devices => Icon::Devices,
            Self::Workspaces => Icon::Stack,
            Self::Review => Icon::Merge,
            Self::Activity => Icon::Pulse,
        }
    }
}
