//! The panel as a person meets it: by the names that screen readers hear, by keyboard, and by picture.

mod actions;
mod idle;
mod keyboard;
mod names;
mod pictures;
mod samples;
mod stage;
mod states;
