#![doc = include_str!("../README.md")]

mod error;
mod item;
mod reader;
mod words;
mod writer;

pub use error::{Cause, Fault, ReadError};
pub use item::{Item, Kind, LeftOut};
pub use reader::Reader;
pub use words::{FOLDER, MAX_DEPTH, MAX_LIST, SPECIAL, Special};
pub use writer::{Entry, Writer};
