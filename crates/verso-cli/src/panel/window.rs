//! The window: it shows the last state and hands over what is asked for. It waits for nobody.

use std::io;
use std::thread;

use eframe::egui::{self, Frame, Ui, ViewportBuilder, ViewportCommand};
use eframe::{App, CreationContext, NativeOptions};
use tokio::runtime::Builder;
use verso_panel::{Entrance, Gate, GateAction, PanelAction, PanelState, SyncPanel, Toasts};

use super::seam::{Far, Near};
use crate::when;

/// What the window manager calls it.
const TITLE: &str = "Verso";

/// What is in the window.
#[derive(Debug, Clone)]
pub(super) enum Shown {
    Gate(Gate),
    Panel(Box<PanelState>),
}

/// What is asked for in the window.
#[derive(Debug)]
pub(super) enum Asked {
    Gate(GateAction),
    Panel(PanelAction),
}

/// The end of whoever attends to the window.
pub(super) type Back = Far<Shown, Asked>;

/// Shows the window until it is closed, or nobody attends to it any more.
pub(super) fn show(near: Near<Shown, Asked>) -> Result<(), String> {
    let viewport = ViewportBuilder::default()
        .with_title(TITLE)
        .with_app_id("verso")
        .with_inner_size([1040.0, 760.0])
        .with_min_inner_size([320.0, 420.0]);
    let options = NativeOptions { viewport, ..NativeOptions::default() };
    let create = |created: &CreationContext<'_>| -> Result<Box<dyn App>, Box<dyn std::error::Error + Send + Sync>> {
        wake(&near, created.egui_ctx.clone())?;
        let shown = Shown::Gate(Gate::Opening { what: "Opening this device".to_owned() });
        let (panel, entrance, toasts) = (SyncPanel::new(), Entrance::new(), Toasts::new());
        Ok(Box::new(Window { near, shown, panel, entrance, toasts }))
    };
    eframe::run_native(TITLE, options, Box::new(create)).map_err(|error| without_place(&crate::error::chain(&error)))
}

/// Leaves out of an error of the windowing library where in its source it came up, which means nothing to whoever reads it.
fn without_place(told: &str) -> String {
    let found = told.split_once(" at ").and_then(|(before, rest)| {
        let (place, after) = rest.split_once(": ")?;
        place.contains(".rs:").then(|| format!("{before}: {after}"))
    });
    found.unwrap_or_else(|| told.to_owned()).trim_end_matches('.').to_owned()
}

/// Has the window drawn whenever there is another state, and closed when there will be none. By itself it rests.
fn wake(near: &Near<Shown, Asked>, context: egui::Context) -> io::Result<()> {
    let mut states = near.states.clone();
    let runtime = Builder::new_current_thread().build()?;
    let waking = move || {
        runtime.block_on(async {
            while states.changed().await.is_ok() {
                context.request_repaint();
            }
        });
        context.send_viewport_cmd(ViewportCommand::Close);
        context.request_repaint();
    };
    thread::Builder::new().name("verso-window".into()).spawn(waking).map(drop)
}

struct Window {
    near: Near<Shown, Asked>,
    shown: Shown,
    panel: SyncPanel,
    entrance: Entrance,
    toasts: Toasts,
}

impl App for Window {
    fn ui(&mut self, ui: &mut Ui, _frame: &mut eframe::Frame) {
        if self.near.states.has_changed().unwrap_or(false)
            && let Some(shown) = self.near.states.borrow_and_update().clone()
        {
            self.shown = shown;
        }
        let Self { near, shown, panel, entrance, toasts } = self;
        let whole = egui::CentralPanel::default().frame(Frame::NONE);
        let asked: Vec<Asked> = match shown {
            Shown::Gate(gate) => {
                whole.show(ui, |ui| entrance.ui(ui, gate)).inner.map(Asked::Gate).into_iter().collect()
            }
            Shown::Panel(state) => {
                state.now_ms = when::now_ms();
                let asked = whole.show(ui, |ui| panel.ui(ui, state)).inner;
                // Last, so that the keyboard comes to them last.
                if toasts.show(ui.ctx(), state).is_some() {
                    panel.show_conflicts();
                    ui.ctx().request_repaint();
                }
                asked.into_iter().map(Asked::Panel).collect()
            }
        };
        for asked in asked {
            near.ask(asked);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::without_place;

    #[test]
    fn an_error_tells_no_place_in_a_source() {
        let told = "winit EventLoopError: os error at /build/winit/src/linux/mod.rs:765: DISPLAY is not set.";
        assert_eq!(without_place(told), "winit EventLoopError: os error: DISPLAY is not set");
        assert_eq!(without_place("no luck at all: none"), "no luck at all: none");
    }
}
