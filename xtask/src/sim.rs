//! The simulator: a program of `verso-testkit`, built to be fast and with every assertion that tests have.

use crate::ci;

/// Builds the simulator and runs it.
pub(crate) fn run(arguments: &[&str]) -> anyhow::Result<()> {
    const BUILD: [&str; 9] =
        ["run", "--locked", "--quiet", "--profile", "sim", "--package", "verso-testkit", "--bin", "sim"];
    ci::cargo(&[&BUILD[..], &["--"], arguments].concat(), &[])
}
