//! Scenario tests, a file each.

mod converge;
mod forks;
mod hostile;
mod model;
mod presence;
mod references;
mod registers;
mod rejections;
mod sets;
mod world;
