//! The canonical document: two devices in step print the same bytes.

use std::io::{self, Write};

use serde::Serialize;
use verso_graph::{Graph, NodeState};
use verso_identity::WorkspaceId;
use verso_wire::Application as _;

/// Writes all that a workspace shows as one JSON document.
///
/// Everything is sorted: nodes by id, tags alphabetically, edges by source, target and kind, traversals by time and author.
/// Every node and edge has a line of its own, so that `diff` is of use. `digest` is that of the whole state; it tells two states
/// apart that show the same.
pub(crate) fn write_document(out: &mut impl Write, workspace: &WorkspaceId, graph: &Graph) -> io::Result<()> {
    write!(out, "{{\"workspace\":")?;
    let id = workspace.to_hex();
    serde_json::to_writer(&mut *out, &Workspace { id: &id, name: graph.name().unwrap_or_default() })?;
    let nodes = graph.nodes().map(|node| Node {
        id: node.id().to_hyphenated(),
        url: node.url(),
        title: node.title(),
        tags: node.tags(),
        state: if node.state() == NodeState::Ghost { "ghost" } else { "live" },
    });
    write_list(out, "nodes", nodes)?;
    let edges = graph.edges().map(|edge| Edge {
        src: edge.src().to_hyphenated(),
        dst: edge.dst().to_hyphenated(),
        kind: edge.kind(),
    });
    write_list(out, "edges", edges)?;
    let traversals = graph.traversals().into_iter().map(|traversal| Traversal {
        src: traversal.src.to_hyphenated(),
        dst: traversal.dst.to_hyphenated(),
        trigger: traversal.trigger,
        at_ms: traversal.stamp.hlc.millis(),
        device: traversal.stamp.dot.author.device.to_hex(),
    });
    write_list(out, "traversals", traversals)?;
    writeln!(out, ",\n\"digest\":\"{}\"}}", data_encoding::HEXLOWER.encode(&graph.digest()))
}

fn write_list(out: &mut impl Write, name: &str, items: impl Iterator<Item = impl Serialize>) -> io::Result<()> {
    write!(out, ",\n\"{name}\":[")?;
    for (index, item) in items.enumerate() {
        out.write_all(if index == 0 { b"\n" } else { b",\n" })?;
        serde_json::to_writer(&mut *out, &item)?;
    }
    write!(out, "]")
}

#[derive(Serialize)]
struct Workspace<'a> {
    id: &'a str,
    name: &'a str,
}

#[derive(Serialize)]
struct Node<'a> {
    id: String,
    url: &'a str,
    title: &'a str,
    tags: Vec<&'a str>,
    state: &'static str,
}

#[derive(Serialize)]
struct Edge<'a> {
    src: String,
    dst: String,
    kind: &'a str,
}

#[derive(Serialize)]
struct Traversal<'a> {
    src: String,
    dst: String,
    trigger: &'a str,
    at_ms: u64,
    device: String,
}

#[cfg(test)]
mod tests {
    use verso_graph::{Intent, NodeRef};

    use super::*;
    use crate::desk::Desk;

    fn document(desk: &Desk) -> String {
        let mut out = Vec::new();
        write_document(&mut out, &desk.workspace, &desk.graph).unwrap();
        String::from_utf8(out).unwrap()
    }

    fn node(title: &str) -> Intent {
        Intent::AddNode { url: format!("https://example.org/{title}"), title: title.to_owned() }
    }

    #[test]
    fn an_empty_workspace_is_a_whole_document() {
        let desk = Desk::new(1);
        let text = document(&desk);
        let value: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!(value["workspace"], serde_json::json!({"id": desk.workspace.to_hex(), "name": ""}));
        for list in ["nodes", "edges", "traversals"] {
            assert_eq!(value[list], serde_json::json!([]), "{list}");
        }
        assert_eq!(value["digest"].as_str().unwrap().len(), 64);
        assert!(text.ends_with("\"}\n"));
    }

    #[test]
    fn everything_is_there_and_sorted() {
        let mut desk = Desk::new(1);
        let link = |src, dst, kind: &str| Intent::Link {
            src: NodeRef::New(src),
            dst: NodeRef::New(dst),
            kind: kind.to_owned(),
        };
        let tag = |node, tag: &str| Intent::Tag { node: NodeRef::New(node), tag: tag.to_owned() };
        let walk = Intent::Traverse { src: NodeRef::New(1), dst: NodeRef::New(0), trigger: "click".to_owned() };
        let name = Intent::SetWorkspaceName { name: "gar\"den\n".to_owned() };
        let written = desk.commit(&[
            node("b"),
            node("a"),
            node("c"),
            tag(0, "z"),
            tag(0, "ä"),
            tag(0, "y"),
            link(0, 1, "x"),
            link(0, 1, ""),
            link(2, 0, "x"),
            link(1, 1, "self"),
            walk,
            name,
        ]);
        let value: serde_json::Value = serde_json::from_str(&document(&desk)).unwrap();
        assert_eq!(value["workspace"]["name"], "gar\"den\n");
        let nodes = value["nodes"].as_array().unwrap();
        let ids: Vec<&str> = nodes.iter().map(|node| node["id"].as_str().unwrap()).collect();
        let mut expected: Vec<String> = written[..3].iter().map(verso_graph::NodeId::to_hyphenated).collect();
        let b = nodes.iter().find(|node| node["title"] == "b").unwrap();
        assert_eq!(b["id"], expected[0].as_str());
        assert_eq!((&b["url"], &b["state"]), (&"https://example.org/b".into(), &"live".into()));
        assert_eq!(b["tags"], serde_json::json!(["y", "z", "ä"]));
        let walked = serde_json::json!({"src": expected[1], "dst": expected[0], "trigger": "click",
            "at_ms": 1_700_000_000_011_u64, "device": "01".repeat(32)});
        assert_eq!(value["traversals"], serde_json::json!([walked]));
        expected.sort();
        assert_eq!(ids, expected);
        let edges: Vec<[&str; 3]> = value["edges"]
            .as_array()
            .unwrap()
            .iter()
            .map(|edge| ["src", "dst", "kind"].map(|field| edge[field].as_str().unwrap()))
            .collect();
        assert_eq!(edges.len(), 4);
        assert!(edges.is_sorted(), "{edges:?}");
    }

    #[test]
    fn the_bytes_tell_states_apart_and_nothing_else() {
        let mut first = Desk::new(1);
        let mut second = Desk::new(1);
        for desk in [&mut first, &mut second] {
            desk.commit(&[node("a"), node("b")]);
        }
        assert_eq!(document(&first), document(&second));
        let a = second.graph.nodes().next().unwrap().id();
        second.commit(&[Intent::Tag { node: a.into(), tag: "x".to_owned() }]);
        second.commit(&[Intent::Untag { node: a.into(), tag: "x".to_owned() }]);
        let digest = |text: &str| text.lines().last().unwrap().to_owned();
        assert_ne!(
            digest(&document(&first)),
            digest(&document(&second)),
            "they look alike, and differ in what was done"
        );
    }
}
