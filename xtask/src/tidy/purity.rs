//! The pure crates: their clippy settings forbid clocks and files, and repeat the workspace's, which they replace.

use super::Problem;
use super::tree::Tree;

/// Crates that decide and do nothing else. Time and randomness come in as arguments.
const PURE: &[&str] = &[
    "verso-bookmarks",
    "verso-discovery",
    "verso-graph",
    "verso-log",
    "verso-noise",
    "verso-pairing",
    "verso-panel",
    "verso-replica",
    "verso-session",
    "verso-trust",
    "verso-vv",
    "verso-wire",
];

/// What every one of them forbids, at least.
const FORBIDDEN: &[&str] =
    &["std::time::Instant::now", "std::time::SystemTime::now", "std::thread::sleep", "std::fs::"];

const SETTINGS: &str = ".clippy.toml";

pub(super) fn check(tree: &Tree) -> Vec<Problem> {
    let mut problems = Vec::new();
    let workspace = tree.file(SETTINGS).unwrap_or_default();
    for (path, text) in tree.texts_of("toml") {
        if path != SETTINGS && path.ends_with("/.clippy.toml") {
            let missing = settings(workspace).find(|setting| !settings(text).any(|found| found == *setting));
            if let Some(missing) = missing {
                problems.push(Problem::of_file(
                    path,
                    format!("replaces the workspace's file, and has to repeat `{missing}`"),
                ));
            }
        }
    }
    for name in PURE {
        let folder = format!("crates/{name}");
        if tree.file(&format!("{folder}/Cargo.toml")).is_none() {
            continue;
        }
        let path = format!("{folder}/{SETTINGS}");
        let text = tree.file(&path).unwrap_or_default();
        if let Some(method) = FORBIDDEN.iter().find(|method| !text.contains(&format!("path = \"{method}"))) {
            problems.push(Problem::of_file(
                &path,
                format!("has to forbid {method} in `disallowed-methods`: the crate is pure"),
            ));
        }
    }
    problems
}

fn settings(text: &str) -> impl Iterator<Item = &str> {
    text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'))
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROOT: (&str, &str) = (SETTINGS, "# why\nallow-unwrap-in-tests = true\nmax-fn-params-bools = 0\n");
    const MANIFEST: (&str, &str) = ("crates/verso-vv/Cargo.toml", "");
    const GOOD: &str = r#"
        allow-unwrap-in-tests = true
        max-fn-params-bools = 0
        disallowed-methods = [
            { path = "std::time::Instant::now", reason = "" },
            { path = "std::time::SystemTime::now", reason = "" },
            { path = "std::thread::sleep", reason = "" },
            { path = "std::fs::read", reason = "" },
        ]"#;

    fn problems_of(files: &[(&str, &str)]) -> Vec<String> {
        check(&Tree::of(files)).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_pure_crate_in_order_passes() {
        assert_eq!(problems_of(&[ROOT, MANIFEST, ("crates/verso-vv/.clippy.toml", GOOD)]), [""; 0]);
        assert_eq!(problems_of(&[ROOT, ("crates/verso-worker/Cargo.toml", "")]), [""; 0], "the worker is not pure");
    }

    #[test]
    fn a_clock_that_is_not_forbidden_is_found() {
        assert_eq!(problems_of(&[ROOT, MANIFEST]).len(), 1, "no settings at all");
        for method in FORBIDDEN {
            let settings = GOOD.replace(method, "std::other::");
            let problems = problems_of(&[ROOT, MANIFEST, ("crates/verso-vv/.clippy.toml", &settings)]);
            assert_eq!(problems.len(), 1, "{method}: {problems:?}");
            assert!(problems[0].contains(method), "{problems:?}");
        }
    }

    #[test]
    fn a_setting_that_is_not_repeated_is_found() {
        let settings = GOOD.replace("max-fn-params-bools = 0", "max-fn-params-bools = 9");
        let problems = problems_of(&[ROOT, MANIFEST, ("crates/verso-vv/.clippy.toml", &settings)]);
        let expected =
            "crates/verso-vv/.clippy.toml: replaces the workspace's file, and has to repeat `max-fn-params-bools = 0`";
        assert_eq!(problems, [expected]);
    }
}
