//! `docs/api/CRATE.txt`: what each library offers, so that a change of it shows in a change's diff.
//!
//! Made from the sources alone, in no time: items that a crate's `lib.rs` names, with their public parts. What a macro makes is
//! not seen, but for what is written in the macro's call.

mod items;
mod source;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};

const FOLDER: &str = "docs/api";

/// Crates for tests alone.
const NEVER_SHIPPED: [&str; 2] = ["verso-netlab", "verso-testkit"];

/// Writes the listings anew.
pub(crate) fn write() -> anyhow::Result<()> {
    fs::create_dir_all(FOLDER).with_context(|| format!("can't make {FOLDER}"))?;
    let listings = listings()?;
    for path in written()? {
        if !listings.contains_key(&path) {
            fs::remove_file(&path).with_context(|| format!("can't remove {}", path.display()))?;
        }
    }
    for (path, text) in listings {
        fs::write(&path, text).with_context(|| format!("can't write {}", path.display()))?;
    }
    Ok(())
}

/// Fails if a listing is not what the sources say.
pub(crate) fn check() -> anyhow::Result<()> {
    let listings = listings()?;
    let is_current = |path: &Path, text: &str| fs::read_to_string(path).is_ok_and(|written| written == text);
    let mut outdated: Vec<String> = listings
        .iter()
        .filter(|(path, text)| !is_current(path, text))
        .map(|(path, _)| path.display().to_string())
        .collect();
    outdated
        .extend(written()?.iter().filter(|path| !listings.contains_key(*path)).map(|path| path.display().to_string()));
    match outdated.as_slice() {
        [] => Ok(()),
        outdated => bail!("not current: {}", outdated.join(", ")),
    }
}

/// Of each library that is published the path of its listing and what it is to say.
fn listings() -> anyhow::Result<BTreeMap<PathBuf, String>> {
    let mut listings = BTreeMap::new();
    for folder in folders("crates")? {
        let name = folder.file_name().and_then(|name| name.to_str()).unwrap_or_default().to_owned();
        if folder.join("src/lib.rs").is_file() && !NEVER_SHIPPED.contains(&name.as_str()) {
            let text = items::list(&source::Library::read(&folder)?);
            let head = format!("// What {name} offers, without private fields. Made by `cargo xtask api`.\n\n");
            listings.insert(Path::new(FOLDER).join(format!("{name}.txt")), head + &text);
        }
    }
    Ok(listings)
}

/// The listings that are there.
fn written() -> anyhow::Result<Vec<PathBuf>> {
    if !Path::new(FOLDER).is_dir() {
        return Ok(Vec::new());
    }
    folders(FOLDER)
}

fn folders(parent: &str) -> anyhow::Result<Vec<PathBuf>> {
    let entries = fs::read_dir(parent).with_context(|| format!("can't list {parent}"))?;
    let mut paths = entries.map(|entry| Ok(entry?.path())).collect::<std::io::Result<Vec<_>>>()?;
    paths.sort();
    Ok(paths)
}
