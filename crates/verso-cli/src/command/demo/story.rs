//! [`Plot`]: what both do to the same nodes while apart, and how it turned out.

use verso_graph::{Conflict, Graph, Intent, NodeId, NodeState, Register, What};

use crate::output::shown;

/// How many titles are looked for in the files.
const SEARCHED: usize = 50;
/// Longest title that is told whole.
const LONG: usize = 48;

/// What each does, with how it is told.
type Acts = Vec<(Intent, String)>;

/// Two nodes, the most linked ones, and what becomes of them.
pub(super) struct Plot {
    /// Gets two titles at once, and two tags.
    renamed: NodeId,
    /// Gets a tag on one device, and is deleted on the other.
    deleted: NodeId,
    titles: [String; 2],
}

/// How it turned out.
pub(super) struct Outcome {
    /// What about, and what.
    pub(super) lines: Vec<(&'static str, String)>,
    pub(super) conflicts: Vec<Told>,
    /// What must be found in no file.
    pub(super) secrets: Vec<String>,
}

/// A conflict, for the figures.
#[derive(Debug, Clone, serde::Serialize)]
pub(super) struct Told {
    id: String,
    kind: &'static str,
    rule: &'static str,
    values: Vec<String>,
}

impl Plot {
    /// Chooses the nodes; `None` if there are not two with a title.
    pub(super) fn new(graph: &Graph) -> Option<Self> {
        let mut most: Vec<(usize, &str, NodeId)> = Vec::new();
        for node in graph.nodes().filter(|node| !node.title().is_empty()) {
            let degree = node.outgoing().len().saturating_add(node.incoming().len());
            most.push((degree, node.title(), node.id()));
            most.sort_unstable_by(|a, b| (b.0, a.1, a.2).cmp(&(a.0, b.1, b.2)));
            most.truncate(2);
        }
        let [(_, renamed, first), (_, deleted, second)] = most.as_slice() else { return None };
        Some(Self { renamed: *first, deleted: *second, titles: [brief(renamed), brief(deleted)] })
    }

    pub(super) fn at_desk(&self) -> Acts {
        let [renamed, deleted] = &self.titles;
        vec![
            self.rename(format!("{renamed}, revisited")),
            (tag(self.renamed, "reread"), "tags it `reread`".to_owned()),
            (tag(self.deleted, "keep"), format!("tags \"{deleted}\" `keep`")),
        ]
    }

    pub(super) fn at_laptop(&self) -> Acts {
        let [renamed, deleted] = &self.titles;
        let delete = Intent::DeleteNode { nodes: vec![self.deleted.into()] };
        vec![
            self.rename(format!("{renamed} (annotated)")),
            (tag(self.renamed, "annotated"), "tags it `annotated`".to_owned()),
            (delete, format!("deletes \"{deleted}\", not knowing of that tag")),
        ]
    }

    fn rename(&self, title: String) -> (Intent, String) {
        let told = format!("renames \"{}\" to \"{title}\"", self.titles[0]);
        (Intent::SetTitle { node: self.renamed.into(), title }, told)
    }

    /// Looks at the nodes after both have met.
    pub(super) fn outcome(&self, graph: &Graph) -> Outcome {
        let mut lines = Vec::new();
        if let Some(node) = graph.node(&self.renamed) {
            let values = node.values(Register::Title);
            if let [shown_now, others @ ..] = values.as_slice() {
                lines.push(("title", format!("\"{}\" is shown, the later one", brief(shown_now.value))));
                for other in others {
                    lines.push(("", format!("\"{}\" is kept beside it until somebody decides", brief(other.value))));
                }
            }
            let both = ["reread", "annotated"].into_iter().filter(|tag| node.tags().contains(tag)).count();
            lines.push(("tags", format!("{both} of 2 are there: tags and edges add up")));
        }
        if let Some(node) = graph.node(&self.deleted).filter(|node| node.state() == NodeState::Ghost) {
            let edges = node.outgoing().len().saturating_add(node.incoming().len());
            let title = brief(node.title());
            lines.push(("ghost", format!("\"{title}\" is deleted, and yet here, with its {edges} edges,")));
            lines.push(("", "until somebody decides: the deletion had not seen the tag".to_owned()));
        }
        let conflicts: Vec<Told> = graph.conflicts().iter().map(Told::new).collect();
        let secrets = graph.nodes().map(|node| node.title().to_owned()).filter(|title| title.len() > 8).take(SEARCHED);
        let secrets = secrets.chain(["reread".to_owned(), "annotated".to_owned()]).collect();
        Outcome { lines, conflicts, secrets }
    }
}

fn tag(node: NodeId, tag: &str) -> Intent {
    Intent::Tag { node: node.into(), tag: tag.to_owned() }
}

impl Told {
    fn new(conflict: &Conflict<'_>) -> Self {
        let value = |what: &What<'_>| match what {
            What::Value(value) => (*value).to_owned(),
            What::Deleted => "deleted".to_owned(),
            What::Activity(kind) => (*kind).to_owned(),
            What::Decided(_) => "decided".to_owned(),
        };
        Self {
            id: conflict.id.to_string(),
            kind: conflict.id.kind(),
            rule: conflict.rule.code(),
            values: conflict.sides.iter().map(|side| value(&side.what)).collect(),
        }
    }
}

/// A title as it is told in a line.
fn brief(title: &str) -> String {
    let mut text: String = shown(title).chars().take(LONG).collect();
    if title.chars().count() > LONG {
        text.push('…');
    }
    text
}
