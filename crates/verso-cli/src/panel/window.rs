//! The window: it shows the last state and hands over what is asked for. It waits for nobody.

use eframe::egui::{self, Frame, Ui, ViewportBuilder};
use eframe::{App, CreationContext, NativeOptions};
use verso_panel::{PanelAction, PanelState, SyncPanel, Toasts};

use super::seam::Near;
use crate::when;

/// What the window manager calls it.
const TITLE: &str = "Verso";

/// Shows the window until it is closed.
pub(super) fn show(near: Near, first: PanelState) -> Result<(), String> {
    let viewport = ViewportBuilder::default()
        .with_title(TITLE)
        .with_app_id("verso")
        .with_inner_size([1040.0, 760.0])
        .with_min_inner_size([320.0, 420.0]);
    let options = NativeOptions { viewport, ..NativeOptions::default() };
    let create = |created: &CreationContext<'_>| -> Result<Box<dyn App>, Box<dyn std::error::Error + Send + Sync>> {
        near.attach(&created.egui_ctx);
        Ok(Box::new(Window { near, state: first, panel: SyncPanel::new(), toasts: Toasts::new() }))
    };
    eframe::run_native(TITLE, options, Box::new(create)).map_err(|error| crate::error::chain(&error))
}

struct Window {
    near: Near,
    state: PanelState,
    panel: SyncPanel,
    toasts: Toasts,
}

impl App for Window {
    fn ui(&mut self, ui: &mut Ui, _frame: &mut eframe::Frame) {
        if self.near.states.has_changed().unwrap_or(false)
            && let Some(state) = self.near.states.borrow_and_update().clone()
        {
            self.state = state;
        }
        self.state.now_ms = when::now_ms();
        let shown = egui::CentralPanel::default().frame(Frame::NONE);
        let actions: Vec<PanelAction> = shown.show(ui, |ui| self.panel.ui(ui, &self.state)).inner;
        // Last, so that the keyboard comes to them last.
        if self.toasts.show(ui.ctx(), &self.state).is_some() {
            self.panel.show_conflicts();
            ui.ctx().request_repaint();
        }
        for action in actions {
            // At its end the attendant closes the window.
            drop(self.near.actions.send(action));
        }
    }
}
