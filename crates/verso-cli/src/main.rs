#![doc = include_str!("../README.md")]

mod args;
mod error;
mod import;
mod output;
mod prompt;
mod settings;

fn main() {}
