//! Links between documents: each leads to a file or folder of the project.

use super::Problem;
use super::tree::Tree;

pub(super) fn check(tree: &Tree) -> Vec<Problem> {
    let mut problems = Vec::new();
    for (path, text) in tree.texts_of("md") {
        for (index, line) in text.lines().enumerate() {
            for target in targets(line) {
                if resolve(path, target).is_none_or(|target| !exists(tree, &target)) {
                    problems.push(Problem::at(path, index, format!("links to {target}, which is not there")));
                }
            }
        }
    }
    problems
}

/// What a line links to, but for other sites, places on the same page, and items that rustdoc resolves.
fn targets(line: &str) -> impl Iterator<Item = &str> {
    line.split("](").skip(1).filter_map(|rest| rest.split([')', '#', ' ']).next()).filter(|target| {
        let is_file = target.contains('/') || target.contains('.') || target.starts_with("LICENSE");
        is_file && !target.contains(':')
    })
}

/// The path that `target` means in the document at `path`; `None` if it leaves the project.
fn resolve(path: &str, target: &str) -> Option<String> {
    let mut parts: Vec<&str> = path.split('/').collect();
    parts.pop();
    for part in target.trim_end_matches('/').split('/') {
        match part {
            "." => {}
            ".." => {
                parts.pop()?;
            }
            part => parts.push(part),
        }
    }
    Some(parts.join("/"))
}

fn exists(tree: &Tree, target: &str) -> bool {
    tree.paths().any(|path| path == target || path.strip_prefix(target).is_some_and(|rest| rest.starts_with('/')))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problems_of(path: &str, text: &str) -> Vec<String> {
        let tree = Tree::of(&[(path, text), ("docs/formats/unit.md", ""), ("LICENSE-MIT", "")]);
        check(&tree).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn links_that_lead_somewhere_pass() {
        let text = "[a](formats/unit.md), [b](formats), [`c`](formats/unit.md#layout) and [d](../LICENSE-MIT)\n\
            [e](https://example.org/x.md) [f](#below) [g](crate::Unit) [h]: no";
        assert_eq!(problems_of("docs/architecture.md", text), [""; 0]);
    }

    #[test]
    fn links_that_lead_nowhere_are_found() {
        let problems = problems_of("docs/architecture.md", "fine\n[a](formats/old.md) and [b](../../out.md)");
        let expected = [
            "docs/architecture.md:2: links to formats/old.md, which is not there",
            "docs/architecture.md:2: links to ../../out.md, which is not there",
        ];
        assert_eq!(problems, expected);
        assert_eq!(problems_of("README.md", "[a](LICENSE-BSD)").len(), 1);
    }
}
