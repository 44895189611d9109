//! Scenario tests, a file each.

mod converge;
mod cost;
mod credit;
mod cut;
mod declines;
mod forks;
mod goodbye;
mod live;
mod net;
mod offers;
mod store;
