//! What every member's `Cargo.toml` keeps to: it inherits what the workspace settles once.

use super::Problem;
use super::tree::Tree;

pub(super) fn check(tree: &Tree) -> Vec<Problem> {
    let mut problems = Vec::new();
    let msrv = tree.file("Cargo.toml").and_then(|root| value(root, "workspace.package", "rust-version"));
    if msrv.is_none() {
        problems.push(Problem::of_file("Cargo.toml", "[workspace.package] has to name the rust-version"));
    }
    for (path, text) in tree.texts_of("toml") {
        let Some(folder) = member(path) else { continue };
        if value(text, "lints", "workspace") != Some("true") {
            problems.push(Problem::of_file(path, "gets no lints: it needs `[lints]` and under it `workspace = true`"));
        }
        for key in ["version", "edition", "rust-version", "license", "publish"] {
            if value(text, "package", &format!("{key}.workspace")) != Some("true") {
                problems.push(Problem::of_file(path, format!("[package] needs `{key}.workspace = true`")));
            }
        }
        problems.extend(readme(tree, folder));
    }
    problems.extend(msrv.into_iter().flat_map(|msrv| told_twice(tree, msrv)));
    problems
}

/// The folder of the member whose manifest `path` is.
fn member(path: &str) -> Option<&str> {
    let folder = path.strip_suffix("/Cargo.toml")?;
    (folder.starts_with("crates/") || folder == "benches" || folder == "xtask").then_some(folder)
}

/// A crate's README is its documentation, so that what it shows is compiled.
fn readme(tree: &Tree, folder: &str) -> Option<Problem> {
    if !folder.starts_with("crates/") {
        return None;
    }
    if tree.file(&format!("{folder}/README.md")).is_none() {
        return Some(Problem::of_file(folder, "has no README.md"));
    }
    let root = ["src/lib.rs", "src/main.rs"].map(|root| format!("{folder}/{root}"));
    let root = root.iter().find(|root| tree.file(root).is_some())?;
    let included = tree.file(root)?.contains("#![doc = include_str!(\"../README.md\")]");
    (!included).then(|| Problem::of_file(root, "has to include its README: `#![doc = include_str!(\"../README.md\")]`"))
}

/// The oldest Rust that compiles this is named in the root manifest; a second place would be forgotten.
fn told_twice(tree: &Tree, msrv: &str) -> Vec<Problem> {
    let msrv = msrv.trim_matches('"');
    let mut problems = Vec::new();
    let readmes = tree.texts().filter(|(path, _)| path.ends_with("README.md"));
    let settings = tree.texts_of("toml").filter(|(path, _)| *path != "Cargo.toml");
    for (path, text) in readmes.chain(settings) {
        for (index, line) in text.lines().enumerate() {
            let is_setting = line.trim_start().starts_with("rust-version =") || line.trim_start().starts_with("msrv =");
            if is_setting || line.contains(&format!("Rust {msrv}")) {
                problems.push(Problem::at(path, index, "names the Rust version again; Cargo.toml has it"));
            }
        }
    }
    problems
}

/// The value of `key` under `[section]`, as it is written. Enough of TOML for manifests in the usual form.
fn value<'a>(manifest: &'a str, section: &str, key: &str) -> Option<&'a str> {
    let mut here = false;
    for line in manifest.lines().map(str::trim) {
        if let Some(name) = line.strip_prefix('[').and_then(|line| line.strip_suffix(']')) {
            here = name == section;
        } else if here
            && let Some((name, value)) = line.split_once('=')
            && name.trim() == key
        {
            return Some(value.trim());
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROOT: (&str, &str) = ("Cargo.toml", "[workspace.package]\nrust-version = \"1.2\"\n");
    const README: (&str, &str) = ("crates/a/README.md", "# a");
    const LIB: (&str, &str) = ("crates/a/src/lib.rs", "#![doc = include_str!(\"../README.md\")]\n");
    const GOOD: &str = "[package]\nname = \"a\"\nversion.workspace = true\nedition.workspace = true\n\
        rust-version.workspace = true\nlicense.workspace = true\npublish.workspace = true\n[lints]\nworkspace = true\n";

    fn problems_of(files: &[(&str, &str)]) -> Vec<String> {
        check(&Tree::of(files)).iter().map(ToString::to_string).collect()
    }

    fn problems_of_manifest(manifest: &str) -> Vec<String> {
        problems_of(&[ROOT, README, LIB, ("crates/a/Cargo.toml", manifest)])
    }

    #[test]
    fn a_member_in_order_passes() {
        assert_eq!(problems_of_manifest(GOOD), [""; 0]);
    }

    #[test]
    fn a_member_without_lints_is_found() {
        for bad in [GOOD.replace("[lints]\nworkspace = true\n", ""), GOOD.replace("[lints]", "[other]")] {
            let problems = problems_of_manifest(&bad);
            assert_eq!(problems.len(), 1, "{problems:?}");
            assert!(problems[0].contains("gets no lints"), "{problems:?}");
        }
    }

    #[test]
    fn a_member_inherits_the_rust_version() {
        let problems = problems_of_manifest(&GOOD.replace("rust-version.workspace = true", "rust-version = \"1.2\""));
        assert_eq!(problems.len(), 2, "{problems:?}");
        assert_eq!(problems[0], "crates/a/Cargo.toml: [package] needs `rust-version.workspace = true`");
        assert_eq!(problems[1], "crates/a/Cargo.toml:5: names the Rust version again; Cargo.toml has it");
    }

    #[test]
    fn the_rust_version_is_told_once() {
        let told = [("README.md", "Needs Rust 1.2."), (".clippy.toml", "msrv = \"1.2\"")];
        assert_eq!(problems_of(&[&[ROOT], &told[..]].concat()).len(), 2);
        let other = [("README.md", "See chapter 1.2."), ("docs/performance.md", "Measured with Rust 1.2.")];
        assert_eq!(problems_of(&[&[ROOT], &other[..]].concat()), [""; 0]);
        assert_eq!(problems_of(&[("Cargo.toml", "[workspace]\n")]).len(), 1);
    }

    #[test]
    fn a_readme_is_there_and_compiled() {
        let manifest = ("crates/a/Cargo.toml", GOOD);
        assert_eq!(problems_of(&[ROOT, LIB, manifest]), ["crates/a: has no README.md"]);
        let problems = problems_of(&[ROOT, README, manifest, ("crates/a/src/lib.rs", "//! A.\n")]);
        assert_eq!(problems.len(), 1, "{problems:?}");
        assert!(problems[0].starts_with("crates/a/src/lib.rs: has to include"), "{problems:?}");
    }
}
