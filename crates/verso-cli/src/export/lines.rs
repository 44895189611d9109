//! JSON lines: a node each, in the form that the importer reads.

use std::collections::HashMap;
use std::io::{self, Write};

use serde::Serialize;
use verso_graph::{Graph, NodeId};

/// Writes a line for every node that a workspace shows, by id, with its tags and the edges that lead from it. A line's own
/// id is its number, from 0.
pub(crate) fn write_lines(out: &mut impl Write, graph: &Graph) -> io::Result<()> {
    let numbers: HashMap<NodeId, u64> = graph.nodes().map(|node| node.id()).zip(0..).collect();
    for (node, id) in graph.nodes().zip(0..) {
        let outgoing = node.outgoing();
        let links = outgoing.iter().filter_map(|edge| Some((*numbers.get(&edge.dst())?, edge.kind()))).collect();
        let line = Line { id, title: node.title(), url: node.url(), tags: node.tags(), links };
        serde_json::to_writer(&mut *out, &line)?;
        writeln!(out)?;
    }
    Ok(())
}

#[derive(Serialize)]
struct Line<'a> {
    id: u64,
    title: &'a str,
    url: &'a str,
    tags: Vec<&'a str>,
    links: Vec<(u64, &'a str)>,
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::desk::Desk;
    use crate::import::{FileFormat, Import};

    fn lines(graph: &Graph) -> String {
        let mut out = Vec::new();
        write_lines(&mut out, graph).unwrap();
        String::from_utf8(out).unwrap()
    }

    fn imported(number: u8, text: &str) -> Desk {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file.jsonl");
        fs::write(&path, text).unwrap();
        let mut desk = Desk::new(number);
        let mut import = Import::check(&path, FileFormat::Auto, &mut |_progress| ()).unwrap();
        while let Some(batch) = import.next_batch(&desk.graph).unwrap() {
            desk.commit(&batch);
        }
        desk
    }

    /// The lines with titles for ids, sorted: ids differ from device to device.
    fn by_title(text: &str) -> Vec<serde_json::Value> {
        let mut lines: Vec<serde_json::Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        let titles: Vec<serde_json::Value> = lines.iter().map(|line| line["title"].clone()).collect();
        for line in &mut lines {
            line["id"] = line["title"].clone();
            let mut targets: Vec<(String, String)> = line["links"]
                .as_array()
                .unwrap()
                .iter()
                .map(|link| {
                    let target = usize::try_from(link[0].as_u64().unwrap()).unwrap();
                    (titles[target].to_string(), link[1].to_string())
                })
                .collect();
            targets.sort();
            line["links"] = serde_json::json!(targets);
            let mut tags: Vec<String> =
                line["tags"].as_array().unwrap().iter().map(|tag| tag.as_str().unwrap().to_owned()).collect();
            tags.sort();
            line["tags"] = serde_json::json!(tags);
        }
        lines.sort_by_key(|line| line["title"].to_string());
        lines
    }

    #[test]
    fn what_is_exported_is_imported_again() {
        let sample = include_str!("../../assets/sample.jsonl");
        let first = imported(1, sample);
        let exported = lines(&first.graph);
        assert_eq!(by_title(&exported), by_title(sample));
        let second = imported(2, &exported);
        assert_eq!(by_title(&lines(&second.graph)), by_title(sample));
        assert_eq!(second.graph.counts(), first.graph.counts());
    }

    #[test]
    fn difficult_text_survives() {
        let text = "{\"id\":0,\"title\":\"\\\"\\\\ \\n\\u0000 \u{1f578}\",\"url\":\"\",\"tags\":[\" \",\"a,b\"],\"links\":[[0,\"\\t\"]]}";
        let exported = lines(&imported(1, text).graph);
        assert_eq!(exported.lines().count(), 1, "line breaks are escaped");
        assert_eq!(by_title(&exported), by_title(text));
    }

    #[test]
    fn an_empty_workspace_has_no_lines() {
        assert_eq!(lines(&Desk::new(1).graph), "");
    }
}
