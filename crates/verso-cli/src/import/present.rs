//! What the workspace has already, as the importer looks for it.

use std::collections::{HashMap, HashSet};

use verso_graph::{Graph, NodeId};

/// Stands for a url and a title: enough of their hash that no two pairs are ever taken for one another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Key([u8; 16]);

impl Key {
    pub(super) fn of(url: &str, title: &str) -> Self {
        let len = u64::try_from(url.len()).unwrap_or(u64::MAX);
        let mut key = [0; 16];
        blake3::Hasher::new()
            .update(&len.to_le_bytes())
            .update(url.as_bytes())
            .update(title.as_bytes())
            .finalize_xof()
            .fill(&mut key);
        Self(key)
    }
}

/// The urls and titles that nodes show.
pub(super) fn keys(graph: &Graph) -> HashSet<Key> {
    graph.nodes().map(|node| Key::of(node.url(), node.title())).collect()
}

/// For each url and title the node that shows them; of several, the one with the smallest id.
pub(super) fn nodes(graph: &Graph) -> HashMap<Key, NodeId> {
    let mut nodes = HashMap::new();
    for node in graph.nodes() {
        nodes.entry(Key::of(node.url(), node.title())).or_insert(node.id());
    }
    nodes
}

/// What remains of `tags` without those that the node carries, each once.
pub(super) fn lacking_tags(graph: &Graph, node: NodeId, mut tags: Vec<String>) -> Vec<String> {
    let Some(node) = graph.node(&node) else { return Vec::new() };
    let present = node.tags();
    tags.sort_unstable();
    tags.dedup();
    tags.retain(|tag| present.binary_search(&tag.as_str()).is_err());
    tags
}

/// What remains of `links`, each a target and a kind, without the edges that lead from the node, each once.
pub(super) fn lacking_links(graph: &Graph, src: NodeId, mut links: Vec<(NodeId, String)>) -> Vec<(NodeId, String)> {
    let Some(src) = graph.node(&src) else { return Vec::new() };
    let present: HashSet<(NodeId, &str)> = src.outgoing().iter().map(|edge| (edge.dst(), edge.kind())).collect();
    links.sort_unstable();
    links.dedup();
    links.retain(|(dst, kind)| !present.contains(&(*dst, kind.as_str())) && graph.node(dst).is_some());
    links
}

/// Whether no such edge leads from one node to another, and both are there.
pub(super) fn lacks_link(graph: &Graph, src: NodeId, dst: NodeId, kind: &str) -> bool {
    let (Some(_), Some(dst)) = (graph.node(&src), graph.node(&dst)) else { return false };
    !dst.incoming().iter().any(|edge| edge.src() == src && edge.kind() == kind)
}
