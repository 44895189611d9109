#![doc = include_str!("../README.md")]

mod action;
mod badge;
mod by_text;
mod entrance;
mod gate;
mod memory;
mod panel;
pub mod state;
mod text;
mod theme;
mod toasts;
mod view;
mod widgets;

pub use action::{OfferTerms, PanelAction};
pub use badge::Badge;
pub use entrance::Entrance;
pub use gate::{FirstRun, Gate, GateAction, Keep, KeyPlace};
pub use panel::SyncPanel;
pub use state::PanelState;
pub use toasts::{Pointed, Toasts};
