//! The second reader of the formats, `docs/formats/check`: Python with two packages, in a folder of their own.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context as _, ensure};

use crate::tools;

const FOLDER: &str = "docs/formats/check";

/// Runs the reader over every vector and golden file.
pub(crate) fn check() -> anyhow::Result<()> {
    let python = environment()?;
    run(Command::new(python).args(["-B", FOLDER]), "a format is not what its document says")
}

/// Returns the Python that has the packages; makes it first if it is not there, or has others.
fn environment() -> anyhow::Result<PathBuf> {
    let wanted = Path::new(FOLDER).join("requirements.txt");
    let wanted_text = fs::read_to_string(&wanted).with_context(|| format!("can't read {}", wanted.display()))?;
    let folder = tools::folder()?.join("python-formats");
    let python = folder.join(if cfg!(windows) { "Scripts/python.exe" } else { "bin/python" });
    // Written last, so an installation that broke off is made anew.
    let installed = folder.join("requirements.txt");
    if fs::read_to_string(&installed).is_ok_and(|text| text == wanted_text) && python.is_file() {
        return Ok(python);
    }
    tools::install_python()?;
    println!("   installing Python's packages into {}: a few seconds, once", folder.display());
    run(Command::new("python3").args(["-m", "venv", "--clear"]).arg(&folder), "can't make an environment for Python")?;
    let pip = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--requirement"];
    run(Command::new(&python).args(pip).arg(&wanted), "can't install Python's packages")?;
    fs::write(&installed, wanted_text).with_context(|| format!("can't write {}", installed.display()))?;
    Ok(python)
}

fn run(command: &mut Command, what_failed: &'static str) -> anyhow::Result<()> {
    let program = command.get_program().to_owned();
    let status = command.stdin(Stdio::null()).status();
    let status = status.with_context(|| format!("can't start {}", program.display()))?;
    ensure!(status.success(), "{what_failed} ({} ended with {status})", program.display());
    Ok(())
}
