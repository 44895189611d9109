#![doc = include_str!("../README.md")]

mod args;
#[cfg(test)]
mod desk;
mod error;
mod export;
mod import;
mod output;
mod prompt;
mod settings;

fn main() {}
