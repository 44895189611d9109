//! Benches of the hot paths.
