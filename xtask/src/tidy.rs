//! The rules of the house that no compiler knows. Each check is a function from the project's files to what is wrong
//! with them, so that a test can show it fail on files made up for it.

mod house;
mod layers;
mod links;
mod manifests;
mod purity;
mod sources;
mod tests_named;
mod tree;

use std::fmt;
use std::path::Path;

use anyhow::bail;

use tree::Tree;

/// A rule that a file breaks.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Problem {
    path: String,
    /// From 1; `None` if it is about the file as a whole.
    line: Option<usize>,
    what: String,
}

impl Problem {
    fn of_file(path: &str, what: impl Into<String>) -> Self {
        Self { path: path.to_owned(), line: None, what: what.into() }
    }

    /// `index` counts from 0, as iterators do.
    fn at(path: &str, index: usize, what: impl Into<String>) -> Self {
        Self { path: path.to_owned(), line: Some(index + 1), what: what.into() }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            Some(line) => write!(f, "{}:{line}: {}", self.path, self.what),
            None => write!(f, "{}: {}", self.path, self.what),
        }
    }
}

/// Checks the project that lies in `root`.
pub(crate) fn run(root: &Path) -> anyhow::Result<()> {
    let tree = Tree::read(root)?;
    let members = layers::members(root)?;
    let mut problems = check(&tree);
    problems.extend(layers::check(&members));
    problems.extend(layers::check_fuzzers(root));
    problems.sort();
    for problem in &problems {
        println!("   {problem}");
    }
    match problems.len() {
        0 => Ok(()),
        1 => bail!("tidy found one problem"),
        more => bail!("tidy found {more} problems"),
    }
}

fn check(tree: &Tree) -> Vec<Problem> {
    let checks = [sources::check, manifests::check, house::check, links::check, purity::check, tests_named::check];
    checks.into_iter().flat_map(|check| check(tree)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_very_project_is_tidy() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        let tree = Tree::read(&root).unwrap();
        assert!(tree.file("xtask/src/tidy.rs").is_some(), "the files were found");
        let problems = [check(&tree), layers::check(&layers::members(&root).unwrap())].concat();
        assert_eq!(problems.iter().map(ToString::to_string).collect::<Vec<_>>(), [""; 0]);
    }

    #[test]
    fn a_problem_names_file_and_line() {
        assert_eq!(Problem::at("a/b.rs", 0, "is odd").to_string(), "a/b.rs:1: is odd");
        assert_eq!(Problem::of_file("a/b.rs", "is odd").to_string(), "a/b.rs: is odd");
    }
}
