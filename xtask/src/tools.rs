//! The tools beside cargo's own: where they are looked for, and how they get there.

use std::env;
use std::ffi::OsString;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use anyhow::{Context as _, bail, ensure};

/// A subcommand of cargo that has to be installed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Tool {
    /// Its name after `cargo`.
    pub(crate) subcommand: &'static str,
    package: &'static str,
    /// What gets installed; a version that is already there may be another.
    version: &'static str,
}

/// Runs tests in parallel, a process a test.
pub(crate) const NEXTEST: Tool = Tool { subcommand: "nextest", package: "cargo-nextest", version: "^0.9" };
/// Checks licences, sources and bans of all dependencies.
pub(crate) const DENY: Tool = Tool { subcommand: "deny", package: "cargo-deny", version: "^0.20" };
/// Builds fuzzers.
pub(crate) const FUZZ: Tool = Tool { subcommand: "fuzz", package: "cargo-fuzz", version: "^0.13" };

impl Tool {
    /// Tells whether `cargo <subcommand>` works.
    pub(crate) fn is_installed(self) -> bool {
        cargo()
            .and_then(|mut cargo| {
                let status = cargo
                    .args([self.subcommand, "--version"])
                    .stdin(Stdio::null())
                    .stdout(Stdio::null())
                    .stderr(Stdio::null())
                    .status()?;
                Ok(status.success())
            })
            .unwrap_or(false)
    }

    /// Installs the tool from its source, unless it is there. Takes some minutes.
    pub(crate) fn install(self) -> anyhow::Result<()> {
        if self.is_installed() {
            return Ok(());
        }
        let folder = folder()?;
        println!("   installing {} into {}: a few minutes, once", self.package, folder.display());
        let status = cargo()?
            .args(["install", "--locked", "--version", self.version, "--root"])
            .arg(&folder)
            .arg(self.package)
            .status()
            .context("can't start cargo")?;
        ensure!(status.success(), "can't install {0}; install it by hand: cargo install --locked {0}", self.package);
        ensure!(self.is_installed(), "{} is installed and does not start", self.package);
        Ok(())
    }
}

/// Installs whatever is missing.
pub(crate) fn install_all() -> anyhow::Result<()> {
    for tool in [NEXTEST, DENY, FUZZ] {
        tool.install()?;
        println!("cargo {} is there", tool.subcommand);
    }
    Ok(())
}

/// `cargo`, the same that started this program, which finds the tools installed here.
pub(crate) fn cargo() -> anyhow::Result<Command> {
    let mut command = Command::new(env::var_os("CARGO").unwrap_or_else(|| OsString::from("cargo")));
    let own = folder()?.join("bin");
    let path = env::var_os("PATH").unwrap_or_default();
    let path =
        env::join_paths(std::iter::once(own).chain(env::split_paths(&path))).context("PATH can't be extended")?;
    command.env("PATH", path);
    Ok(command)
}

/// Where tools are installed: apart from the user's own, kept between runs.
fn folder() -> anyhow::Result<PathBuf> {
    if let Some(folder) = env::var_os("VERSO_TOOLS") {
        return Ok(PathBuf::from(folder));
    }
    match env::var_os("HOME").or_else(|| env::var_os("USERPROFILE")) {
        Some(home) => Ok(PathBuf::from(home).join(".cache").join("verso-tools")),
        None => bail!("HOME is not set: say with VERSO_TOOLS where tools are to be installed"),
    }
}
