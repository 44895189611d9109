//! The language of Graphviz, for programs that draw graphs.

use std::io::{self, Write};

use verso_graph::{Graph, Node, NodeState};
use verso_wire::Application as _;

/// Writes the nodes and edges that a workspace shows, by id. A node's label is its title, else its url; ghosts are dashed.
pub(crate) fn write_dot(out: &mut impl Write, graph: &Graph) -> io::Result<()> {
    writeln!(out, "digraph {} {{", quoted(graph.name().unwrap_or_default()))?;
    for node in graph.nodes() {
        let ghost = if node.state() == NodeState::Ghost { ", style=dashed" } else { "" };
        let (id, label, url) = (id(&node), quoted(label(&node)), quoted(node.url()));
        writeln!(out, "  {id} [label={label}, URL={url}{ghost}];")?;
    }
    for edge in graph.edges() {
        let kind = match edge.kind() {
            "" => String::new(),
            kind => format!(" [label={}]", quoted(kind)),
        };
        writeln!(out, "  {} -> {}{kind};", id(&edge.source()), id(&edge.target()))?;
    }
    writeln!(out, "}}")
}

fn id(node: &Node<'_>) -> String {
    format!("\"{}\"", node.id().to_hyphenated())
}

fn label<'a>(node: &Node<'a>) -> &'a str {
    if node.title().is_empty() { node.url() } else { node.title() }
}

/// A quoted string. Backslashes would begin what Graphviz replaces, and lines would end.
fn quoted(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len().saturating_add(2));
    quoted.push('"');
    for character in text.chars() {
        match character {
            '"' => quoted.push_str("\\\""),
            '\\' => quoted.push_str("\\\\"),
            '\n' | '\r' | '\0' => quoted.push(' '),
            _ => quoted.push(character),
        }
    }
    quoted.push('"');
    quoted
}

#[cfg(test)]
mod tests {
    use verso_graph::{Intent, NodeRef};

    use super::*;
    use crate::desk::Desk;

    #[test]
    fn nodes_and_edges_are_there_whatever_they_are_called() {
        let mut desk = Desk::new(1);
        let node = |url: &str, title: &str| Intent::AddNode { url: url.to_owned(), title: title.to_owned() };
        let link = |kind: &str| Intent::Link { src: NodeRef::New(0), dst: NodeRef::New(1), kind: kind.to_owned() };
        let name = Intent::SetWorkspaceName { name: "a \"garden\"".to_owned() };
        let ids = desk.commit(&[node("u:\\N", "x\"];\n}"), node("u:2", ""), link(""), link("to"), name]);
        let mut out = Vec::new();
        write_dot(&mut out, &desk.graph).unwrap();
        let text = String::from_utf8(out).unwrap();
        let [one, two] = [ids[0], ids[1]].map(|id| id.to_hyphenated());
        for line in [
            "digraph \"a \\\"garden\\\"\" {".to_owned(),
            format!("  \"{one}\" [label=\"x\\\"]; }}\", URL=\"u:\\\\N\"];"),
            format!("  \"{two}\" [label=\"u:2\", URL=\"u:2\"];"),
            format!("  \"{one}\" -> \"{two}\";"),
            format!("  \"{one}\" -> \"{two}\" [label=\"to\"];"),
        ] {
            assert!(text.lines().any(|other| other == line), "{line}\n{text}");
        }
        assert_eq!(text.lines().count(), 6);
    }
}
