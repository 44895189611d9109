//! The project's files, read once.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::Context as _;

/// All files of the project by path, `/`-separated and relative to its root.
#[derive(Debug, Default)]
pub(super) struct Tree {
    /// `None` for what is not text.
    files: BTreeMap<String, Option<String>>,
}

impl Tree {
    /// Reads what belongs to the project in `root`: what git tracks or would, or all files where git can't tell.
    pub(super) fn read(root: &Path) -> anyhow::Result<Self> {
        let mut paths = listed_by_git(root).map_or_else(|| walked(root), Ok)?;
        // A file that is deleted and not yet committed is listed, and is no longer there.
        paths.retain(|path| root.join(path).is_file());
        let mut files = BTreeMap::new();
        for path in paths {
            let bytes = fs::read(root.join(&path)).with_context(|| format!("can't read {path}"))?;
            files.insert(path, String::from_utf8(bytes).ok());
        }
        Ok(Self { files })
    }

    /// A project made up for a test.
    #[cfg(test)]
    pub(super) fn of(files: &[(&str, &str)]) -> Self {
        Self { files: files.iter().map(|&(path, text)| (path.to_owned(), Some(text.to_owned()))).collect() }
    }

    /// Text of the file at `path`, if it is there and is text.
    pub(super) fn file(&self, path: &str) -> Option<&str> {
        self.files.get(path)?.as_deref()
    }

    /// All paths, sorted.
    pub(super) fn paths(&self) -> impl Iterator<Item = &str> {
        self.files.keys().map(String::as_str)
    }

    /// All files that are text.
    pub(super) fn texts(&self) -> impl Iterator<Item = (&str, &str)> {
        self.files.iter().filter_map(|(path, text)| Some((path.as_str(), text.as_deref()?)))
    }

    /// All files that are text and whose name ends in `.extension`.
    pub(super) fn texts_of(&self, extension: &str) -> impl Iterator<Item = (&str, &str)> {
        self.texts().filter(move |(path, _)| Path::new(path).extension().is_some_and(|found| found == extension))
    }
}

fn listed_by_git(root: &Path) -> Option<Vec<String>> {
    // A copy inside somebody else's repository is not asked about that one's files.
    if !root.join(".git").exists() {
        return None;
    }
    let output = Command::new("git")
        .arg("-C")
        .arg(root)
        .args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"])
        .output()
        .ok()?;
    if !output.status.success() {
        return None;
    }
    let paths = String::from_utf8(output.stdout).ok()?;
    Some(paths.split_terminator('\0').map(str::to_owned).collect())
}

fn walked(root: &Path) -> anyhow::Result<Vec<String>> {
    let mut paths = Vec::new();
    walk(root, "", &mut paths)?;
    Ok(paths)
}

fn walk(root: &Path, folder: &str, paths: &mut Vec<String>) -> anyhow::Result<()> {
    let shown = root.join(folder);
    for entry in fs::read_dir(&shown).with_context(|| format!("can't list {}", shown.display()))? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        let path = if folder.is_empty() { name.clone() } else { format!("{folder}/{name}") };
        let kind = entry.file_type()?;
        if kind.is_dir() && name != ".git" && name != "target" {
            walk(root, &path, paths)?;
        } else if kind.is_file() {
            paths.push(path);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_git_all_but_build_folders_is_found() {
        let folder = tempfile::tempdir().unwrap();
        for path in ["a.rs", "crates/x/src/lib.rs", "target/debug/b.rs", "fuzz/target/c.rs"] {
            let path = folder.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "//! x").unwrap();
        }
        fs::write(folder.path().join("picture.png"), [0xff, 0xfe]).unwrap();
        let tree = Tree::read(folder.path()).unwrap();
        assert_eq!(tree.paths().collect::<Vec<_>>(), ["a.rs", "crates/x/src/lib.rs", "picture.png"]);
        assert_eq!(tree.file("picture.png"), None, "not text");
        assert_eq!(tree.file("a.rs"), Some("//! x"));
    }
}
