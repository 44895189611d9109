//! Whole devices in memory.

mod crashes;
mod cuts;
mod meeting;
