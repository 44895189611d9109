//! The panel as a person meets it: by the names that screen readers hear, by keyboard, and by picture.

#![allow(
    clippy::similar_names,
    clippy::filter_map_next,
    clippy::redundant_closure_for_method_calls,
    clippy::indexing_slicing,
    clippy::fn_params_excessive_bools,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::needless_for_each,
    clippy::cloned_ref_to_slice_refs,
    clippy::as_conversions,
    clippy::cast_possible_truncation,
    reason = "a state is shown on a stage, again and again"
)]

mod actions;
mod idle;
mod keyboard;
mod names;
mod pictures;
mod samples;
mod stage;
mod states;
