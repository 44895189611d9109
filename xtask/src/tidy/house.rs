//! What lies where, and what no file may contain.

use super::Problem;
use super::tree::Tree;

/// The top level, besides files that start with a dot.
const TOP_LEVEL: &[&str] = &[
    "CHANGELOG.md",
    "Cargo.lock",
    "Cargo.toml",
    "LICENSE-APACHE",
    "LICENSE-MIT",
    "README.md",
    "SECURITY.md",
    "benches",
    "crates",
    "deny.toml",
    "docs",
    "fuzz",
    "xtask",
];

/// What must be there for anyone to use the project.
const NEEDED: &[&str] =
    &["CHANGELOG.md", "Cargo.lock", "LICENSE-APACHE", "LICENSE-MIT", "README.md", "deny.toml", "docs/architecture.md"];

/// Text that no file may contain, and why. In two parts, so that this file doesn't contain it either.
const FORBIDDEN: &[(&str, &str, &str)] = &[
    ("TO", "DO", "work that is left is not noted in the code"),
    ("FIX", "ME", "work that is left is not noted in the code"),
    ("/ro", "ot/", "a path of somebody's machine"),
    ("/ho", "me/", "a path of somebody's machine"),
    ("/Use", "rs/", "a path of somebody's machine"),
    ("/wo", "rk/", "a path of somebody's machine"),
    ("<<<", "<<<< ", "a merge that was not finished"),
    (">>>", ">>>> ", "a merge that was not finished"),
];

pub(super) fn check(tree: &Tree) -> Vec<Problem> {
    [stray(tree), missing(tree), forbidden(tree)].concat()
}

fn stray(tree: &Tree) -> Vec<Problem> {
    let mut problems = Vec::new();
    for path in tree.paths() {
        let top = path.split('/').next().unwrap_or(path);
        if !top.starts_with('.') && !TOP_LEVEL.contains(&top) {
            problems.push(Problem::of_file(
                path,
                "lies at the top level, where the project keeps only what tools insist on",
            ));
        }
    }
    problems
}

fn missing(tree: &Tree) -> Vec<Problem> {
    NEEDED
        .iter()
        .filter(|needed| tree.file(needed).is_none())
        .map(|needed| Problem::of_file(needed, "is missing"))
        .collect()
}

fn forbidden(tree: &Tree) -> Vec<Problem> {
    let forbidden: Vec<(String, &str)> =
        FORBIDDEN.iter().map(|(first, second, why)| (format!("{first}{second}"), *why)).collect();
    let mut problems = Vec::new();
    for (path, text) in tree.texts() {
        for (index, line) in text.lines().enumerate() {
            for (word, why) in &forbidden {
                if contains_word(line, word) {
                    problems.push(Problem::at(path, index, format!("contains `{}`: {why}", word.trim_end())));
                }
            }
        }
    }
    problems
}

/// Finds `word` where it is not the end of a longer one, as a folder is in the middle of a url.
fn contains_word(line: &str, word: &str) -> bool {
    line.match_indices(word).any(|(at, _)| {
        let before = line.get(..at).and_then(|before| before.chars().next_back());
        !before.is_some_and(|before| before.is_alphanumeric() || ".~-_}".contains(before))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(problems: &[Problem]) -> Vec<String> {
        problems.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn the_top_level_stays_as_it_is() {
        let good = Tree::of(&[(".clippy.toml", ""), ("Cargo.lock", ""), ("crates/a/b", ""), (".ci/run", "")]);
        assert_eq!(stray(&good), []);
        let problems = shown(&stray(&Tree::of(&[("notes.txt", ""), ("utils/a.rs", "")])));
        assert_eq!(problems.len(), 2);
        assert!(problems[0].starts_with("notes.txt: lies at the top level"), "{problems:?}");
    }

    #[test]
    fn what_everybody_looks_for_is_there() {
        assert_eq!(missing(&Tree::of(&[])).len(), NEEDED.len());
        let all: Vec<(&str, &str)> = NEEDED.iter().map(|path| (*path, "text")).collect();
        assert_eq!(missing(&Tree::of(&all)), []);
    }

    #[test]
    fn every_forbidden_word_is_found() {
        for (first, second, _) in FORBIDDEN {
            let word = format!("{first}{second}");
            for line in [format!("{word}x"), format!("a\n `{word}`")] {
                let problems = forbidden(&Tree::of(&[("a.md", &line)]));
                assert_eq!(problems.len(), 1, "{line:?}");
                assert_eq!(problems[0].line, Some(line.lines().count()));
            }
        }
    }

    #[test]
    fn a_folder_of_a_url_is_no_path_of_a_machine() {
        let url = format!("https://example.org{}{}page", "/ho", "me/");
        assert_eq!(forbidden(&Tree::of(&[("a.md", &url)])), []);
    }
}
