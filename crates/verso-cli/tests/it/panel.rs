//! `verso panel`: at the far end of the control socket, and in a window on a display that nobody sees.

mod attended;
mod decided;
mod display;
mod far;
mod story;
mod window;
