//! [`Counted`]: how much is in graphs, for whoever looks again and again.

use std::collections::BTreeMap;

use verso_graph::{Counts, Graph};
use verso_identity::WorkspaceId;
use verso_worker::HostReplica;

/// What was counted, and what had been recorded then. To count takes time in proportion to a graph, and most of what happens changes none.
#[derive(Debug, Default)]
pub(crate) struct Counted(BTreeMap<WorkspaceId, ((u64, u64), Counts)>);

impl Counted {
    /// Returns how much is in a workspace.
    pub(crate) fn of(&mut self, replica: &HostReplica<Graph>, workspace: &WorkspaceId) -> Counts {
        let Some(graph) = replica.application(workspace) else { return Counts::default() };
        self.again(*workspace, replica.entries(workspace).unwrap_or_default(), graph)
    }

    /// Counts anew if other entries are held or applied than the last time.
    fn again(&mut self, workspace: WorkspaceId, entries: (u64, u64), graph: &Graph) -> Counts {
        let count = || (entries, graph.counts());
        let counted = self.0.entry(workspace).or_insert_with(count);
        if counted.0 != entries {
            *counted = count();
        }
        counted.1
    }
}

#[cfg(test)]
mod tests {
    use verso_graph::Intent;

    use super::*;
    use crate::desk::Desk;

    #[test]
    fn a_graph_is_counted_once_for_what_is_recorded() {
        let add = |url: &str| Intent::AddNode { url: url.to_owned(), title: String::new() };
        let (mut desk, mut counted) = (Desk::new(1), Counted::default());
        let place = WorkspaceId::from_bytes([7; 16]);
        desk.commit(&[add("u:a")]);
        assert_eq!(counted.again(place, (1, 1), &desk.graph).nodes, 1);
        desk.commit(&[add("u:b")]);
        assert_eq!(counted.again(place, (1, 1), &desk.graph).nodes, 1, "nothing was recorded, as it was told");
        for entries in [(2, 1), (2, 2)] {
            assert_eq!(counted.again(place, entries, &desk.graph).nodes, 2);
        }
    }
}
