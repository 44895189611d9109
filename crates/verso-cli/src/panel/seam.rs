//! The seam between a window and whoever attends to it: states one way, actions the other.

use std::sync::{Arc, Mutex, PoisonError};

use eframe::egui::{Context, ViewportCommand};
use tokio::sync::{mpsc, watch};
use verso_panel::{PanelAction, PanelState};

/// The window's end.
#[derive(Debug)]
pub(super) struct Near {
    pub(super) states: watch::Receiver<Option<PanelState>>,
    pub(super) actions: mpsc::UnboundedSender<PanelAction>,
    window: Closing,
}

/// The attendant's end.
#[derive(Debug)]
pub(super) struct Far {
    states: watch::Sender<Option<PanelState>>,
    pub(super) actions: mpsc::UnboundedReceiver<PanelAction>,
    window: Closing,
}

/// The window, once there is one.
#[derive(Debug, Clone, Default)]
pub(super) struct Closing(Arc<Mutex<Window>>);

#[derive(Debug, Default)]
struct Window {
    context: Option<Context>,
    is_over: bool,
}

/// Makes a seam.
pub(super) fn new() -> (Near, Far) {
    let (states, shown) = watch::channel(None);
    let (sender, actions) = mpsc::unbounded_channel();
    let window = Closing::default();
    let near = Near { states: shown, actions: sender, window: window.clone() };
    (near, Far { states, actions, window })
}

impl Near {
    /// From now on the window is woken up when there is something new.
    pub(super) fn attach(&self, context: &Context) {
        let mut window = self.window.lock();
        window.context = Some(context.clone());
        if window.is_over {
            context.send_viewport_cmd(ViewportCommand::Close);
        }
    }
}

impl Far {
    /// Shows a state, and wakes the window up if it differs from the one before in more than the time.
    pub(super) fn show(&self, state: PanelState) {
        let is_news = self.states.send_if_modified(|shown| {
            let is_news =
                shown.as_ref().is_none_or(|shown| PanelState { now_ms: shown.now_ms, ..state.clone() } != *shown);
            if is_news {
                *shown = Some(state);
            }
            is_news
        });
        if is_news && let Some(context) = &self.window.lock().context {
            context.request_repaint();
        }
    }

    pub(super) fn closing(&self) -> Closing {
        self.window.clone()
    }
}

impl Closing {
    /// Closes the window, now or as soon as there is one.
    pub(super) fn close(&self) {
        let mut window = self.lock();
        window.is_over = true;
        if let Some(context) = &window.context {
            context.send_viewport_cmd(ViewportCommand::Close);
            context.request_repaint();
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Window> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
