#![doc = include_str!("../README.md")]

mod args;
#[cfg(test)]
mod desk;
mod error;
mod export;
mod import;
mod output;
mod progress;
mod prompt;
mod settings;

fn main() {}
