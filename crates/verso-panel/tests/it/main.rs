//! The panel as a person meets it: by the names that screen readers hear, by keyboard, and by picture.

#![expect(clippy::similar_names, reason = "a state is shown on a stage, again and again")]
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "helpers of tests may panic as tests do"
)]

mod actions;
mod gates;
mod idle;
mod keyboard;
mod names;
mod pictures;
mod samples;
mod stage;
mod states;
mod stops;
