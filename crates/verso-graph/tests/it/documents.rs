//! What `docs/formats/graph.md` says is what the code does.

use verso_graph::{MAX_DELETED, MAX_LABEL, MAX_TITLE, MAX_URL, kinds};
use verso_wire::EntryKind;

const DOCUMENT: &str = include_str!("../../../../docs/formats/graph.md");
const GOLDEN: &str = include_str!("../golden/payloads-v1.txt");

fn rows() -> impl Iterator<Item = Vec<&'static str>> {
    let cells = |line: &'static str| line.trim_matches('|').split('|').map(str::trim).collect();
    DOCUMENT.lines().filter(|line| line.starts_with('|')).map(cells)
}

fn limit(text: &str) -> usize {
    let row = rows().find(|row| row[0] == text).unwrap_or_else(|| panic!("no row {text}"));
    row[1].replace(',', "").parse().expect("a number")
}

#[test]
fn the_limits_are_the_codes() {
    assert_eq!((limit("url"), limit("title")), (MAX_URL, MAX_TITLE));
    assert_eq!(limit("tag, edge's kind, trigger, workspace's name"), MAX_LABEL);
    assert!(DOCUMENT.contains("1 to 1,024 |") && MAX_DELETED == 1024);
}

#[test]
fn every_kind_has_its_row() {
    for kind in 0..=u8::MAX {
        let row = rows().find(|row| row[0] == kind.to_string());
        assert_eq!(row.is_some(), kinds::name(EntryKind(kind)).is_some(), "kind {kind}");
    }
}

#[test]
fn the_examples_are_the_golden_files() {
    let examples: Vec<&str> = rows()
        .filter_map(|row| row.last()?.strip_prefix('`')?.strip_suffix('`'))
        .filter(|cell| cell.len() > 3 && cell.bytes().all(|byte| byte.is_ascii_hexdigit()))
        .collect();
    assert_eq!(examples.len(), 8);
    for example in examples {
        assert!(GOLDEN.lines().any(|line| line.ends_with(&format!(" {example}"))), "{example}");
    }
}
