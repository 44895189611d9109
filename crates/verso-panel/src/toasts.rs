//! [`Toasts`]: short notes at the edge of a window that point into the list of conflicts.

use std::collections::BTreeSet;
use std::time::Duration;

use egui::accesskit::{Live, Role};
use egui::{Align2, Area, Context, CornerRadius, Frame, Id, Margin, Order, Shadow, Stroke, vec2};
use verso_graph::ConflictId;
use verso_identity::WorkspaceId;

use crate::state::PanelState;
use crate::text;
use crate::theme::fonts::{self, Fonts};
use crate::theme::{Theme, Tone, space};
use crate::widgets::{Button, Icon, Look, disc, say};

/// How long a toast stays, in seconds: long enough to be read twice and reached by keyboard.
const STAYS: f64 = 10.0;
/// How many there are at a time. What they point at is in the list.
const MOST: usize = 3;
const WIDTH: f32 = 320.0;

/// Where a person wants to go who pressed a toast.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pointed {
    /// To the list of conflicts: [`SyncPanel::show_conflicts`](crate::SyncPanel::show_conflicts).
    Conflicts,
}

/// Notes about conflicts that have come up since the last frame. The list has them all; a toast only says that there is something new in it.
#[derive(Debug, Default)]
pub struct Toasts {
    /// The conflicts that were there before; `None` before the first frame, whose conflicts are no news.
    known: Option<BTreeSet<(WorkspaceId, ConflictId)>>,
    shown: Vec<Toast>,
    count: u64,
}

#[derive(Debug)]
struct Toast {
    number: u64,
    text: String,
    place: String,
    until: f64,
}

impl Toasts {
    /// Makes a place for toasts.
    pub fn new() -> Self {
        Self::default()
    }

    /// Shows a toast for each conflict that is new in this state, over whatever the host shows. Asks for frames only while there are any.
    pub fn show(&mut self, context: &Context, state: &PanelState) -> Option<Pointed> {
        if fonts::provide(context) == Fonts::Next {
            return None;
        }
        let now = context.time();
        self.take_in(state, now);
        self.shown.retain(|toast| toast.until > now);
        let mut pointed = None;
        let mut below = space::L;
        let mut closed = None;
        for toast in &self.shown {
            let (height, answer) = show(context, toast, below);
            below += height + space::S;
            match answer {
                Some(Answer::Go) => (pointed, closed) = (Some(Pointed::Conflicts), Some(toast.number)),
                Some(Answer::Close) => closed = Some(toast.number),
                None => {}
            }
        }
        self.shown.retain(|toast| Some(toast.number) != closed);
        let next = self.shown.iter().map(|toast| toast.until).reduce(f64::min);
        if let Some(next) = next {
            context.request_repaint_after(Duration::from_secs_f64((next - now).clamp(0.0, STAYS)));
        }
        pointed
    }

    fn take_in(&mut self, state: &PanelState, now: f64) {
        let current: BTreeSet<_> = state.conflicts.iter().map(|conflict| (conflict.workspace, conflict.id)).collect();
        if let Some(known) = &self.known {
            for conflict in &state.conflicts {
                if !known.contains(&(conflict.workspace, conflict.id)) {
                    self.count = self.count.wrapping_add(1);
                    let mut title = text::shown(&conflict.title);
                    text::cut(&mut title, 60);
                    self.shown.push(Toast {
                        number: self.count,
                        text: title,
                        place: state.workspace_name(&conflict.workspace),
                        until: now + STAYS,
                    });
                }
            }
            self.shown.drain(..self.shown.len().saturating_sub(MOST));
        }
        self.known = Some(current);
    }
}

/// What a person did with a toast.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Answer {
    Go,
    Close,
}

fn show(context: &Context, toast: &Toast, below: f32) -> (f32, Option<Answer>) {
    let area = Area::new(Id::unique(("verso toast", toast.number)))
        .order(Order::Foreground)
        .anchor(Align2::RIGHT_BOTTOM, vec2(-space::L, -below))
        .interactable(true);
    let shown = area.show(context, |ui| {
        let theme = Theme::of(ui);
        theme.apply(ui);
        let shadow = Shadow { offset: [0, 6], blur: 20, spread: 0, color: egui::Color32::from_black_alpha(50) };
        let frame = Frame::new()
            .fill(theme.card)
            .stroke(Stroke::new(1.0, theme.line))
            .corner_radius(CornerRadius::same(12))
            .inner_margin(Margin::same(14))
            .shadow(shadow);
        let mut answer = None;
        let width = WIDTH.min(ui.ctx().content_rect().width() - 2.0 * space::L - 30.0);
        frame.show(ui, |ui| {
            ui.set_width(width);
            ui.horizontal_top(|ui| {
                disc(ui, &theme, Tone::Warn, Icon::Merge, 32.0);
                ui.add_space(space::XS);
                ui.vertical(|ui| {
                    ui.spacing_mut().item_spacing.y = 3.0;
                    let news = ui.label(theme.strong("Changed on two devices at once"));
                    let words = format!("Changed on two devices at once: {} in {}", toast.text, toast.place);
                    ui.ctx().accesskit_node_builder(news.id, |node| {
                        node.set_role(Role::Status);
                        node.set_live(Live::Polite);
                        node.set_label(words);
                    });
                    say(ui, theme.soft(format!("{} · {}", toast.text, toast.place)));
                    ui.horizontal(|ui| {
                        let look =
                            Button::new(Look::Plain, "Review").named(format!("Review the conflict: {}", toast.text));
                        if look.show(ui, &theme) {
                            answer = Some(Answer::Go);
                        }
                        let close = Button::new(Look::Quiet, "Later").named(format!("Later: {}", toast.text));
                        if close.show(ui, &theme) {
                            answer = Some(Answer::Close);
                        }
                    });
                });
            });
        });
        answer
    });
    (shown.response.rect.height(), shown.inner)
}
