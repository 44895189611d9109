#![doc = include_str!("../README.md")]

mod app;
mod args;
mod bookmarks;
mod command;
mod control;
mod counted;
#[cfg(test)]
mod desk;
mod device;
mod discovery;
mod error;
mod export;
mod failure;
mod find;
mod home;
mod import;
mod logging;
mod net;
mod new_file;
mod output;
#[cfg(feature = "panel")]
mod panel;
mod progress;
mod prompt;
mod seat;
mod settings;
mod table;
mod when;

use std::process::ExitCode;

fn main() -> ExitCode {
    app::run()
}
