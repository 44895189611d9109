//! Tests that documents name: each is there. A claim that names its test falls with it.

use super::Problem;
use super::tree::Tree;

/// A name with so many underscores is a test's, since tests are called by sentences.
const SENTENCE: usize = 4;

pub(super) fn check(tree: &Tree) -> Vec<Problem> {
    let tests = Tests::of(tree);
    let mut problems = Vec::new();
    for (path, text) in tree.texts_of("md").filter(|(path, _)| path.starts_with("docs/")) {
        for (index, line) in text.lines().enumerate() {
            // What stands between backticks is every second part.
            for name in line.split('`').skip(1).step_by(2).filter(|name| is_path(name)) {
                if !tests.have(name) {
                    problems.push(Problem::at(path, index, format!("names the test {name}, which is not there")));
                }
            }
        }
    }
    problems
}

fn is_path(name: &str) -> bool {
    let is_word = |part: &str| {
        let is_lower = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"_-".contains(&byte);
        part.bytes().next().is_some_and(|first| first.is_ascii_lowercase()) && part.bytes().all(is_lower)
    };
    name.split("::").all(is_word)
}

/// Every test, with the crate and the file that it is in.
struct Tests<'a>(Vec<(&'a str, &'a str, &'a str)>);

impl<'a> Tests<'a> {
    fn of(tree: &'a Tree) -> Self {
        let mut tests = Vec::new();
        for (path, text) in tree.texts_of("rs") {
            let Some((package, file)) = place(path) else { continue };
            let mut is_test = false;
            for line in text.lines().map(str::trim) {
                is_test |= line.starts_with("#[test]") || line.starts_with("#[tokio::test");
                if let Some(name) = line.trim_start_matches("async ").strip_prefix("fn ").filter(|_| is_test) {
                    tests.extend(name.split('(').next().map(|name| (package, file, name)));
                    is_test = false;
                }
            }
        }
        Self(tests)
    }

    /// Tells whether `name` is a test, or none of this check's business.
    fn have(&self, name: &str) -> bool {
        match name.split("::").collect::<Vec<_>>()[..] {
            [package, file, test] if package.starts_with("verso-") => self.0.contains(&(package, file, test)),
            // A path of a file of tests is one of a test; others are of modules.
            [file, test] => {
                let mut inside = self.0.iter().filter(|(_, other, _)| *other == file).peekable();
                !test.contains('_') || inside.peek().is_none() || inside.any(|(_, _, other)| *other == test)
            }
            [test] if test.matches('_').count() >= SENTENCE => self.0.iter().any(|(_, _, other)| *other == test),
            _ => true,
        }
    }
}

/// The crate and the name of a file of tests or of code with tests.
fn place(path: &str) -> Option<(&str, &str)> {
    let (package, inside) = path.strip_prefix("crates/")?.split_once('/')?;
    let file = inside.rsplit('/').next()?.strip_suffix(".rs")?;
    Some((package, file))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problems_of(document: &str) -> Vec<String> {
        let tests = "#[test]\nfn a_sentence_that_holds_always() {}\n\n#[tokio::test(flavor = \"multi_thread\")]\nasync fn short() {}\n\
            fn no_test_but_a_long_name() {}\n";
        let tree = Tree::of(&[("crates/verso-log/tests/it/damage.rs", tests), ("docs/testing.md", document)]);
        check(&tree).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn tests_that_are_there_pass() {
        let document = "`verso-log::damage::a_sentence_that_holds_always`, `damage::short`, `a_sentence_that_holds_always`\n\
            `std::fs`, `verso_log::SyncLog`, `max_len`, `verso log verify`, `a::b_c`";
        assert_eq!(problems_of(document), [""; 0]);
    }

    #[test]
    fn tests_that_are_not_are_found() {
        for name in [
            "verso-log::damage::gone",
            "verso-vv::damage::short",
            "verso-log::torn::short",
            "damage::a_sentence",
            "no_test_but_a_long_name",
            "some_other_sentence_that_held_once",
        ] {
            let problems = problems_of(&format!("one\ntwo `{name}`"));
            assert_eq!(problems, [format!("docs/testing.md:2: names the test {name}, which is not there")]);
        }
    }
}
