//! The tools beside cargo's own: where they are looked for, and how they get there.

use std::env;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
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

/// A program that tests run: a message bus, a keychain, the kernel's keyrings, networks, routers, what slows a disk down, a display that nobody sees, its
/// camera and its keyboard. Name, and Debian's package.
const PROGRAMS: [(&str, &str); 10] = [
    ("dbus-run-session", "dbus-daemon"),
    ("dbus-send", "dbus-bin"),
    ("gnome-keyring-daemon", "gnome-keyring"),
    ("keyctl", "keyutils"),
    ("ip", "iproute2"),
    ("nft", "nftables"),
    ("strace", "strace"),
    ("Xvfb", "xvfb"),
    ("import", "imagemagick"),
    ("xdotool", "xdotool"),
];

/// Libraries that tests load: drawing without a graphics card, keyboards of a window. Files of which one is there, and Debian's package.
const LIBRARIES: [(&[&str], &str); 2] = [
    (
        &[
            "/usr/share/vulkan/icd.d/lvp_icd.x86_64.json",
            "/usr/share/vulkan/icd.d/lvp_icd.aarch64.json",
            "/usr/share/vulkan/icd.d/lvp_icd.json",
        ],
        "mesa-vulkan-drivers",
    ),
    (
        &["/usr/lib/x86_64-linux-gnu/libxkbcommon-x11.so.0", "/usr/lib/aarch64-linux-gnu/libxkbcommon-x11.so.0"],
        "libxkbcommon-x11-0",
    ),
];

/// Debian's package with Python and what makes environments for it.
const PYTHON: &str = "python3-venv";

/// Installs the programs that tests run, where that can be done: on Debian, as root. Elsewhere it says what is missing.
fn install_programs() -> anyhow::Result<()> {
    let missing = || {
        let programs = PROGRAMS.iter().filter(|(program, _)| !is_on_path(program)).map(|(_, package)| *package);
        let is_there = |files: &[&str]| files.iter().any(|file| Path::new(file).exists());
        programs.chain(LIBRARIES.iter().filter(move |(files, _)| !is_there(files)).map(|(_, package)| *package))
    };
    if !cfg!(target_os = "linux") || missing().next().is_none() {
        return Ok(());
    }
    let packages: Vec<&str> = missing().collect();
    if !can_install() {
        println!(
            "some tests will fail or be left out without these packages (by Debian's names): {}",
            packages.join(" ")
        );
        return Ok(());
    }
    install_packages(&packages)?;
    ensure!(missing().next().is_none(), "installed, and still missing: {}", missing().collect::<Vec<_>>().join(" "));
    Ok(())
}

/// Installs Python and its environments, where they are missing and that can be done.
pub(crate) fn install_python() -> anyhow::Result<()> {
    let is_there = || is_on_path("python3") && run("python3", &["-c", "import ensurepip, venv"]).is_ok();
    if !is_there() && can_install() {
        install_packages(&[PYTHON])?;
    }
    ensure!(is_there(), "Python 3 with its modules venv and ensurepip is missing (Debian's package is {PYTHON})");
    Ok(())
}

/// Tells whether packages of the system can be installed: on Debian, as root.
fn can_install() -> bool {
    is_on_path("apt-get") && run("id", &["-u"]).is_ok_and(|id| id.trim() == "0")
}

fn install_packages(packages: &[&str]) -> anyhow::Result<()> {
    println!("   installing {}", packages.join(" "));
    run("apt-get", &["update", "--quiet"])?;
    let options = ["install", "--yes", "--quiet", "--no-install-recommends"];
    run("apt-get", &[options.as_slice(), packages].concat())?;
    Ok(())
}

fn is_on_path(program: &str) -> bool {
    let path = env::var_os("PATH").unwrap_or_default();
    env::split_paths(&path).any(|folder| folder.join(program).is_file())
}

/// Runs a program of the system that asks nothing, and returns what it says.
fn run(program: &str, arguments: &[&str]) -> anyhow::Result<String> {
    let output = Command::new(program)
        .args(arguments)
        .env("DEBIAN_FRONTEND", "noninteractive")
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .output()
        .with_context(|| format!("can't start {program}"))?;
    ensure!(output.status.success(), "{program} {} ended with {}", arguments.join(" "), output.status);
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// Installs whatever is missing.
pub(crate) fn install_all() -> anyhow::Result<()> {
    install_programs()?;
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
pub(crate) fn folder() -> anyhow::Result<PathBuf> {
    if let Some(folder) = env::var_os("VERSO_TOOLS") {
        return Ok(PathBuf::from(folder));
    }
    match env::var_os("HOME").or_else(|| env::var_os("USERPROFILE")) {
        Some(home) => Ok(PathBuf::from(home).join(".cache").join("verso-tools")),
        None => bail!("HOME is not set: say with VERSO_TOOLS where tools are to be installed"),
    }
}
