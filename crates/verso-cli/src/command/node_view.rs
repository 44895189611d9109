//! [`NodeView`]: a node with all that is known of it, the values that lost included.

use std::io::{self, Write};

use serde::Serialize;
use verso_graph::{Edge, Graph, Node, NodeState, Register, Stamp, Topic, What, Written};

use super::author::Made;
use super::conflicts::said;
use crate::device::Device;
use crate::output::{Paint, Report, shown};

/// A node as `node show` tells it.
#[derive(Debug, Serialize)]
pub(super) struct NodeView {
    node: String,
    url: String,
    title: String,
    tags: Vec<String>,
    state: &'static str,
    created: Made,
    /// All titles that stand, the shown one first: there are several if they were written concurrently.
    titles: Vec<Value>,
    urls: Vec<Value>,
    outgoing: Vec<Link>,
    incoming: Vec<Link>,
    /// Whether it is to be decided what becomes of the node.
    conflicts: Vec<String>,
    /// Who added each tag, and when.
    tagged: Vec<Tagged>,
    /// The rule that makes it live or a ghost.
    rule: &'static str,
    /// Why it is as it is: who deleted it, what that had not seen, what was decided. Empty where nobody ever deleted it.
    because: Vec<Reason>,
}

#[derive(Debug, Serialize)]
struct Tagged {
    tag: String,
    by: Vec<Made>,
}

#[derive(Debug, Serialize)]
struct Reason {
    what: String,
    #[serde(flatten)]
    made: Made,
}

#[derive(Debug, Serialize)]
struct Value {
    value: String,
    #[serde(flatten)]
    made: Made,
}

#[derive(Debug, Serialize)]
struct Link {
    node: String,
    title: String,
    kind: String,
    by: Vec<Made>,
}

impl NodeView {
    pub(super) fn new(device: &Device, graph: &Graph, node: &Node<'_>) -> Self {
        let made = |stamp: Stamp| Made::new(device, stamp);
        let value = |written: Written<'_>| Value { value: written.value.to_owned(), made: made(written.stamp) };
        let conflicts = graph.conflicts().into_iter().filter(|conflict| conflict.id.node() == Some(node.id()));
        let tagged = node
            .tags()
            .into_iter()
            .map(|tag| Tagged { tag: tag.to_owned(), by: node.tagged(tag).into_iter().map(made).collect() });
        let explained = graph.explain(&Topic::Node(node.id()));
        let rule = explained.as_ref().map_or("", |explained| explained.rule.code());
        let explained = explained.map(|explained| explained.because).unwrap_or_default();
        // Activities say something only against a deletion.
        let is_disputed = explained.iter().any(|side| !matches!(side.what, What::Activity(_)));
        let told = explained.iter().filter(|_| is_disputed);
        let because = told.map(|side| Reason { what: said(side), made: made(side.stamp) });
        Self {
            node: node.id().to_hyphenated(),
            url: node.url().to_owned(),
            title: node.title().to_owned(),
            tags: node.tags().into_iter().map(str::to_owned).collect(),
            state: if node.state() == NodeState::Ghost { "ghost" } else { "live" },
            created: made(node.created()),
            titles: node.values(Register::Title).into_iter().map(value).collect(),
            urls: node.values(Register::Url).into_iter().map(value).collect(),
            outgoing: node.outgoing().iter().map(|edge| Link::to(&edge.target(), edge, device)).collect(),
            incoming: node.incoming().iter().map(|edge| Link::to(&edge.source(), edge, device)).collect(),
            conflicts: conflicts.map(|conflict| conflict.id.kind().to_owned()).collect(),
            tagged: tagged.collect(),
            rule,
            because: because.collect(),
        }
    }
}

impl Link {
    fn to(other: &Node<'_>, edge: &Edge<'_>, device: &Device) -> Self {
        let title = if other.title().is_empty() { other.url() } else { other.title() };
        let by = edge.linked().into_iter().map(|stamp| Made::new(device, stamp)).collect();
        Self { node: other.id().to_hyphenated(), title: title.to_owned(), kind: edge.kind().to_owned(), by }
    }

    fn text(&self, arrow: &str, paint: Paint) -> String {
        let kind = if self.kind.is_empty() { String::new() } else { format!(" {}", paint.faint(shown(&self.kind))) };
        format!("{arrow}{kind} {}  {}", shown(&self.title), paint.faint(all(&self.by)))
    }
}

impl Report for NodeView {
    fn write_text(&self, out: &mut dyn Write, paint: Paint) -> io::Result<()> {
        let state = if self.state == "ghost" { format!("  {}", paint.warn("ghost")) } else { String::new() };
        writeln!(out, "{}{state}", paint.strong(shown(&self.title)))?;
        writeln!(out, "  url      {}", shown(&self.url))?;
        writeln!(out, "  id       {}", self.node)?;
        for Tagged { tag, by } in &self.tagged {
            writeln!(out, "  tag      {}  {}", shown(tag), paint.faint(all(by)))?;
        }
        let created = self.created.text();
        writeln!(out, "  created  {created}")?;
        for (what, values) in [("title", &self.titles), ("url", &self.urls)] {
            if let Some(made) = values.first().map(|value| value.made.text()).filter(|made| *made != created) {
                writeln!(out, "  changed  {what}  {}", paint.faint(made))?;
            }
            for other in values.iter().skip(1) {
                let made = other.made.text();
                writeln!(out, "  {} {what} `{}` {}", paint.warn("also:"), shown(&other.value), paint.faint(made))?;
            }
        }
        for link in &self.outgoing {
            writeln!(out, "  {}", link.text("→", paint))?;
        }
        for link in &self.incoming {
            writeln!(out, "  {}", link.text("←", paint))?;
        }
        for reason in &self.because {
            writeln!(out, "  because  {}  {}", reason.what, paint.faint(reason.made.text()))?;
        }
        if self.conflicts.iter().any(|kind| kind == "deletion") {
            let why = "it was deleted by somebody who had not seen all that was done to it";
            writeln!(out, "  {} {why}; see `verso conflicts`", paint.warn("open:"))?;
        }
        Ok(())
    }
}

/// Tells of several who did the same.
fn all(made: &[Made]) -> String {
    made.iter().map(Made::text).collect::<Vec<_>>().join(", ")
}
