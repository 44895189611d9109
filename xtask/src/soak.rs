//! The soak: devices as processes that are ended in every way, and are equal in the end.

use crate::ci;

/// Builds the example that leads the devices, and runs it.
pub(crate) fn run(minutes: u64, seed: u64) -> anyhow::Result<()> {
    let (minutes, seed) = (minutes.to_string(), seed.to_string());
    let run = ["run", "--locked", "--quiet", "--package", "verso-worker", "--example", "soak", "--"];
    ci::cargo(&[&run[..], &["--minutes", &minutes, "--seed", &seed]].concat(), &[])
}
