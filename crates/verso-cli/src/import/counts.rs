//! [`ImportCounts`]: what an import did, and what it left out.

use std::io::{self, Write};

use serde::Serialize;
use verso_bookmarks::LeftOut;

use crate::output::{Paint, Report, counted, grouped};

/// What an import did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub(crate) struct ImportCounts {
    /// Nodes that were added.
    pub(crate) nodes: u64,
    /// Tags that were added.
    pub(crate) tags: u64,
    /// Edges that were added.
    pub(crate) edges: u64,
    /// The three of them together.
    pub(crate) intents: u64,
    /// Nodes, tags and edges that were there already.
    pub(crate) skipped: u64,
    /// What the file has and a graph has no place for.
    pub(crate) left_out: LeftOut,
}

impl Report for ImportCounts {
    fn write_text(&self, out: &mut dyn Write, paint: Paint) -> io::Result<()> {
        let Self { nodes, tags, edges, intents, skipped, left_out } = *self;
        if intents > 0 {
            let (nodes, tags, edges) = (counted(nodes, "node"), counted(tags, "tag"), counted(edges, "edge"));
            writeln!(out, "{} {nodes}, {tags} and {edges}", paint.good("imported"))?;
        } else if skipped == 0 {
            writeln!(out, "the file has nothing in it")?;
        } else {
            writeln!(out, "nothing to do: the workspace has it all")?;
        }
        if intents > 0 && skipped > 0 {
            let were = if skipped == 1 { "was" } else { "were" };
            writeln!(out, "{} {were} there already", counted(skipped, "thing"))?;
        }
        let left_out = told(left_out);
        if !left_out.is_empty() {
            writeln!(out, "{} {left_out}: a graph has no place for them", paint.warn("left out"))?;
        }
        Ok(())
    }
}

/// What was left out in words; empty if nothing was.
fn told(left_out: LeftOut) -> String {
    let LeftOut { descriptions, separators, keywords, queries, unusable } = left_out;
    let parts = [
        (descriptions, "description", "descriptions"),
        (separators, "separator", "separators"),
        (keywords, "keyword", "keywords"),
        (queries, "saved search", "saved searches"),
        (unusable, "link or tag that is empty or too long", "links or tags that are empty or too long"),
    ];
    let told = parts.into_iter().filter(|(count, ..)| *count > 0);
    let told = told.map(|(count, one, more)| format!("{} {}", grouped(count), if count == 1 { one } else { more }));
    told.collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counts(nodes: u64, tags: u64, edges: u64, skipped: u64) -> ImportCounts {
        ImportCounts { nodes, tags, edges, intents: nodes + tags + edges, skipped, left_out: LeftOut::default() }
    }

    #[test]
    fn counts_are_told_to_people_and_scripts() {
        let told = |counts: ImportCounts| {
            let mut out = Vec::new();
            counts.write_text(&mut out, Paint::Plain).unwrap();
            String::from_utf8(out).unwrap()
        };
        let some = counts(1_000, 2, 3, 4);
        assert_eq!(told(some), "imported 1,000 nodes, 2 tags and 3 edges\n4 things were there already\n");
        assert_eq!(told(counts(0, 0, 0, 4)), "nothing to do: the workspace has it all\n");
        assert_eq!(told(counts(0, 0, 0, 0)), "the file has nothing in it\n");
        let none = serde_json::json!({"descriptions": 0, "separators": 0, "keywords": 0, "queries": 0, "unusable": 0});
        let json =
            serde_json::json!({"nodes": 1000, "tags": 2, "edges": 3, "intents": 1005, "skipped": 4, "left_out": none});
        assert_eq!(serde_json::to_value(some).unwrap(), json);
    }

    #[test]
    fn what_was_left_out_is_told() {
        let left_out = LeftOut { descriptions: 1, separators: 2_000, unusable: 1, ..LeftOut::default() };
        let mut out = Vec::new();
        ImportCounts { left_out, ..counts(1, 0, 0, 0) }.write_text(&mut out, Paint::Plain).unwrap();
        let told = String::from_utf8(out).unwrap();
        let expected = "left out 1 description, 2,000 separators, 1 link or tag that is empty or too long: a graph has no place for them\n";
        assert!(told.ends_with(expected), "{told}");
    }
}
