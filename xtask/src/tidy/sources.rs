//! What every Rust file keeps to: it says what it is, it has one subject, and it is found by its name.

use super::Problem;
use super::tree::Tree;

/// Longest file. One of more lines has two subjects, or a table that belongs into data.
const MAX_LINES: usize = 600;

pub(super) fn check(tree: &Tree) -> Vec<Problem> {
    let mut problems = Vec::new();
    for (path, text) in tree.texts_of("rs") {
        if !says_what_it_is(text) {
            problems.push(Problem::at(path, 0, "has to start with `//!`: one sentence on what is in it"));
        }
        let lines = text.lines().count();
        if lines > MAX_LINES {
            problems
                .push(Problem::of_file(path, format!("has {lines} lines, at most {MAX_LINES}: split it by subject")));
        }
        if path.ends_with("/mod.rs") {
            problems
                .push(Problem::of_file(path, "is called after its folder: `foo.rs` beside `foo/`, never `foo/mod.rs`"));
        }
    }
    problems
}

fn says_what_it_is(text: &str) -> bool {
    text.strip_prefix("//!").is_some_and(|rest| !rest.lines().next().unwrap_or_default().trim().is_empty())
        || text.starts_with("#![doc = include_str!(")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problems_of(path: &str, text: &str) -> Vec<String> {
        check(&Tree::of(&[(path, text)])).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_file_says_what_it_is() {
        assert_eq!(problems_of("a/b.rs", "//! Bees.\n"), [""; 0]);
        assert_eq!(problems_of("a/lib.rs", "#![doc = include_str!(\"../README.md\")]\n"), [""; 0]);
        for silent in ["", "//!\nuse a;\n", "use a;\n", "// Bees.\n", "\n//! Late.\n"] {
            let problems = problems_of("a/b.rs", silent);
            assert_eq!(problems.len(), 1, "{silent:?}");
            assert!(problems[0].starts_with("a/b.rs:1: has to start with"), "{problems:?}");
        }
        assert_eq!(problems_of("a/b.txt", ""), [""; 0], "only Rust is asked");
    }

    #[test]
    fn a_file_has_an_end() {
        let longest = format!("//! Long.\n{}", "\n".repeat(MAX_LINES - 1));
        assert_eq!(problems_of("b.rs", &longest), [""; 0]);
        let problems = problems_of("b.rs", &format!("{longest}\n"));
        assert_eq!(problems, ["b.rs: has 601 lines, at most 600: split it by subject"]);
    }

    #[test]
    fn a_module_is_never_called_mod() {
        assert_eq!(problems_of("src/foo/mod.rs", "//! Foo.").len(), 1);
        assert_eq!(problems_of("src/model.rs", "//! Foo."), [""; 0]);
    }
}
