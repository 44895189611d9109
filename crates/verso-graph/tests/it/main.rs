//! Scenario tests, a file each.

mod converge;
mod model;
mod presence;
mod registers;
mod sets;
mod world;
