//! Bookmarks, in the form that all browsers import, and `verso import` with all that they don't know of.

mod forest;

use std::collections::HashMap;
use std::io::{self, Write};

use verso_graph::{Edge, Graph, Node, NodeId};
use verso_wire::Application as _;

use crate::bookmarks::{CONTAINS, Ours, READING_LIST_ID, SPECIAL, folder_url, is_blank, is_query};
use forest::Forest;

/// Writes the nodes that a workspace shows as bookmarks, in the order in which they were made or put into their folders.
///
/// A node whose url says that it is a folder is one, and holds what an edge of the kind [`CONTAINS`] leads to; a link that several folders hold stands in each.
/// What browsers have no place for (other edges, tags with a comma, folders within each other in a circle) stands in an attribute of our own, which they
/// ignore. Some of them read line by line, so every link and every folder has one of its own.
pub(crate) fn write_bookmarks(out: &mut impl Write, graph: &Graph) -> io::Result<()> {
    let name = escaped(graph.name().unwrap_or("Bookmarks"));
    writeln!(out, "<!DOCTYPE NETSCAPE-Bookmark-file-1>")?;
    writeln!(out, "<META HTTP-EQUIV=\"Content-Type\" CONTENT=\"text/html; charset=UTF-8\">")?;
    writeln!(out, "<TITLE>{name}</TITLE>\n<H1>{name}</H1>\n<DL><p>")?;
    let forest = &Forest::of(graph);
    let writer = Writer { graph, forest, ids: ids(graph, forest) };
    // What is still to be written, the next at the end.
    let mut steps: Vec<Step> = writer.forest.top().iter().rev().map(|node| Step::Node(*node)).collect();
    let mut within: Vec<Option<NodeId>> = vec![None];
    while let Some(step) = steps.pop() {
        let indent = "    ".repeat(within.len());
        match step {
            Step::End => {
                within.pop();
                writeln!(out, "{}</DL><p>", "    ".repeat(within.len()))?;
            }
            Step::Node(id) => {
                let Some(node) = graph.node(&id) else { continue };
                let parent = within.last().copied().flatten();
                if writer.forest.is_folder(&id) {
                    writer.folder(out, &indent, &node, parent)?;
                    writeln!(out, "{indent}<DL><p>")?;
                    within.push(Some(id));
                    steps.push(Step::End);
                    steps.extend(writer.forest.within(&node).into_iter().rev().map(Step::Node));
                } else {
                    writer.link(out, &indent, &node)?;
                }
            }
        }
    }
    writeln!(out, "</DL><p>")
}

enum Step {
    Node(NodeId),
    /// The list of the innermost folder ends.
    End,
}

struct Writer<'a> {
    graph: &'a Graph,
    forest: &'a Forest,
    ids: HashMap<NodeId, u64>,
}

/// Edges that lead from this node and that no list says, by target and kind.
fn unsaid<'n>(forest: &Forest, node: &Node<'n>) -> impl Iterator<Item = Edge<'n>> {
    let src = node.id();
    node.outgoing().into_iter().filter(move |edge| edge.kind() != CONTAINS || !forest.lists(&src, &edge.dst()))
}

/// Ids for the nodes to which edges lead that no list says.
fn ids(graph: &Graph, forest: &Forest) -> HashMap<NodeId, u64> {
    let mut ids = HashMap::new();
    for node in graph.nodes() {
        for edge in unsaid(forest, &node) {
            let next = u64::try_from(ids.len()).unwrap_or(u64::MAX);
            ids.entry(edge.dst()).or_insert(next);
        }
    }
    ids
}

impl Writer<'_> {
    fn ours(&self, node: &Node<'_>) -> Ours {
        let links =
            unsaid(self.forest, node).filter_map(|edge| Some((*self.ids.get(&edge.dst())?, edge.kind().to_owned())));
        let tags = node.tags();
        Ours {
            id: self.ids.get(&node.id()).copied(),
            title: (!is_said_by_text(node.title())).then(|| node.title().to_owned()),
            url: None,
            tags: (!tags.iter().all(|tag| is_said_by_list(tag)))
                .then(|| tags.iter().map(ToString::to_string).collect()),
            links: links.collect(),
        }
    }

    fn link(&self, out: &mut impl Write, indent: &str, node: &Node<'_>) -> io::Result<()> {
        let url = node.url();
        let mut ours = self.ours(node);
        if url.is_empty() || is_query(url) || !is_said_by_text(url) {
            ours.url = Some(url.to_owned());
        }
        write!(out, "{indent}<DT><A HREF=\"{}\"", escaped(url))?;
        attributes(out, node, &ours)?;
        writeln!(out, ">{}</A>", escaped(node.title()))
    }

    fn folder(&self, out: &mut impl Write, indent: &str, node: &Node<'_>, parent: Option<NodeId>) -> io::Result<()> {
        let mut ours = self.ours(node);
        let parent = parent.and_then(|parent| self.graph.node(&parent));
        let url = folder_url(parent.as_ref().map(Node::url), node.title());
        if node.url() != url {
            ours.url = Some(node.url().to_owned());
        }
        write!(out, "{indent}<DT><H3")?;
        let is_tagged = |tag| node.tags().binary_search(&tag).is_ok();
        if is_tagged(SPECIAL.toolbar) {
            write!(out, " PERSONAL_TOOLBAR_FOLDER=\"true\"")?;
        }
        if is_tagged(SPECIAL.unfiled) {
            write!(out, " UNFILED_BOOKMARKS_FOLDER=\"true\"")?;
        }
        if is_tagged(SPECIAL.reading_list) {
            write!(out, " id=\"{READING_LIST_ID}\"")?;
        }
        attributes(out, node, &ours)?;
        writeln!(out, ">{}</H3>", escaped(node.title()))
    }
}

fn attributes(out: &mut impl Write, node: &Node<'_>, ours: &Ours) -> io::Result<()> {
    write!(out, " ADD_DATE=\"{}\"", node.created().hlc.millis() / 1000)?;
    let is_special = |tag: &&str| [SPECIAL.toolbar, SPECIAL.unfiled, SPECIAL.reading_list].contains(tag);
    let is_folder = forest::is_folder(node);
    let tags: Vec<&str> = node.tags().into_iter().filter(|tag| !(is_folder && is_special(tag))).collect();
    if !tags.is_empty() {
        write!(out, " TAGS=\"{}\"", escaped(&tags.join(",")))?;
    }
    let Ours { id, title, url, tags, links } = ours;
    if id.is_some() || title.is_some() || url.is_some() || tags.is_some() || !links.is_empty() {
        write!(out, " VERSO=\"{}\"", escaped(&serde_json::to_string(ours)?))?;
    }
    Ok(())
}

/// Whether a text comes back as it is when it stands between tags, on one line.
fn is_said_by_text(text: &str) -> bool {
    text.trim_matches(is_blank) == text && !text.contains(['\n', '\r', '\0', '\u{c}'])
}

/// Whether a tag comes back as it is among others with commas between them.
fn is_said_by_list(tag: &str) -> bool {
    is_said_by_text(tag) && !tag.contains(',')
}

/// Text as it stands in HTML, between tags as well as between double quotes.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            // What would end the line; where that matters our own attribute says it.
            '\n' | '\r' | '\0' | '\u{c}' => escaped.push(' '),
            _ => escaped.push(character),
        }
    }
    escaped
}

#[cfg(test)]
mod tests;
