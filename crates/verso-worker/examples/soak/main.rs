//! Devices as processes on this machine that commit, rest, sleep, are killed and come back, for as long as it is wanted: `cargo xtask soak`.
//!
//! In the end all must show the same, nothing may be missing that was said to be durable, and the one that was never down must hold no more memory, files,
//! threads and tasks than early on. `soak device NUMBER DIRECTORY` is one of the devices.

#![expect(clippy::print_stdout, reason = "an example shows what it does")]

mod conduct;
mod device;
mod process;

use std::path::Path;

use crate::process::Failure;

fn main() -> Result<(), Failure> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match *words {
        ["device", number, directory] => {
            let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
            runtime.block_on(device::serve(number.parse()?, Path::new(directory)))
        }
        ["--minutes", minutes, "--seed", seed] => conduct::live(minutes.parse()?, seed.parse()?),
        _ => Err("soak --minutes N --seed S".into()),
    }
}
