#![doc = include_str!("../README.md")]

mod action;
mod badge;
mod by_text;
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
pub use panel::SyncPanel;
pub use state::PanelState;
pub use toasts::{Pointed, Toasts};
