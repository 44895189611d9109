//! The control socket: how the other commands run in a `verso up` that has their device open.
//!
//! A [`client`] hands over the words of its command line, and what of its surroundings matters. The [`server`], in `up`, runs the very same command, whose
//! seat is a [`Guest`]: what it prints, asks and shows goes through the socket as [`frame`]s, and its exit code comes last.

#[cfg(unix)]
pub(crate) mod client;
mod frame;
mod guest;
mod host;
mod outbox;
#[cfg(unix)]
pub(crate) mod server;
#[cfg(unix)]
mod socket;

pub(crate) use guest::Guest;
pub(crate) use host::{Host, Screen, Shared, ended};
