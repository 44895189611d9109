//! The seam between whoever shows something and whoever attends to it: states one way, what is asked for the other.

use tokio::sync::{mpsc, watch};
use verso_panel::{PanelAction, PanelState};

/// How much that was asked for may wait. Nobody presses as many buttons before anything happens.
const WAITING: usize = 64;

/// The end of whoever shows states.
#[derive(Debug)]
pub(super) struct Near<S, A> {
    /// Of the states only the last counts. Closed when nobody attends any more.
    pub(super) states: watch::Receiver<Option<S>>,
    pub(super) asked: mpsc::Sender<A>,
}

/// The end of whoever attends.
#[derive(Debug)]
pub(super) struct Far<S, A> {
    pub(super) states: watch::Sender<Option<S>>,
    /// Closed when nothing is shown any more.
    pub(super) asked: mpsc::Receiver<A>,
}

/// Makes a seam.
pub(super) fn new<S, A>() -> (Near<S, A>, Far<S, A>) {
    let (states, shown) = watch::channel(None);
    let (sender, asked) = mpsc::channel(WAITING);
    (Near { states: shown, asked: sender }, Far { states, asked })
}

impl<S, A> Near<S, A> {
    /// Asks for something, without waiting: if too much waits already, or nobody attends any more, it is not heard.
    pub(super) fn ask(&self, action: A) {
        if let Err(mpsc::error::TrySendError::Full(_unheard)) = self.asked.try_send(action) {
            tracing::warn!(target: "verso.panel", "too much is asked for at a time");
        }
    }
}

impl Far<PanelState, PanelAction> {
    /// Shows a state, if it differs from the one before in more than the time.
    pub(super) fn show(&self, state: PanelState) {
        self.states.send_if_modified(|shown| {
            let is_news =
                shown.as_ref().is_none_or(|shown| PanelState { now_ms: shown.now_ms, ..state.clone() } != *shown);
            if is_news {
                *shown = Some(state);
            }
            is_news
        });
    }
}
