//! What people do in a life.

use verso_graph::{Choice, ConflictId, Graph, Intent, NodeId, NodeRef};

use crate::device::DeviceIndex;
use crate::life::Life;
use crate::merge::Merge;
use crate::rng::Rng;
use crate::undo::Step;

/// Few, so that people tag and link the same.
const LABELS: [&str; 4] = ["read", "later", "work", "x"];

impl<A: Merge> Life<A> {
    /// Somebody does something, on a device that holds a workspace.
    pub(super) fn write_something(&mut self) {
        // Friends write, too, less often.
        let is_guest = !self.guests.is_empty() && self.rng.once_in(5);
        let device = if is_guest { self.guests[self.rng.below(self.guests.len())] } else { self.any() };
        self.write_as(device);
    }

    /// Somebody does something on a device, if it holds a workspace.
    pub(super) fn write_as(&mut self, device: DeviceIndex) {
        let Some(workspace) = self.rng.pick(&self.workspaces).copied() else { return };
        if self.world.devices[device.0].is_rotten {
            return;
        }
        let Some(replica) = self.world.device(device).replica() else { return };
        let Some(state) = replica.application(&workspace) else { return };
        if self.rng.once_in(8) {
            let step = if self.rng.once_in(3) { Step::Again } else { Step::Back };
            self.world.step_back(device, workspace, step);
            return;
        }
        let count = match self.rng.below(40) {
            0 => 300,
            1..=4 => 20,
            more => 1 + more % 4,
        };
        let nodes: Vec<NodeId> = state.graph().nodes().map(|node| node.id()).take(50).collect();
        let mut scribe = Scribe { rng: &mut self.rng, graph: state.graph(), nodes: &nodes, texts: &mut self.texts };
        let mut batch = Vec::new();
        while batch.len() < count {
            batch.push(scribe.intent());
            // A node may be deleted once in a batch, and after that nothing is done to it.
            if matches!(batch.last(), Some(Intent::DeleteNode { .. } | Intent::Untag { .. } | Intent::Unlink { .. })) {
                break;
            }
        }
        self.world.commit_step(device, workspace, batch);
    }
}

/// Makes up intents that fit a graph.
struct Scribe<'a> {
    rng: &'a mut Rng,
    graph: &'a Graph,
    nodes: &'a [NodeId],
    texts: &'a mut usize,
}

impl Scribe<'_> {
    fn intent(&mut self) -> Intent {
        if self.nodes.is_empty() {
            return self.add();
        }
        let node = NodeRef::from(self.node());
        match self.rng.below(20) {
            0..=4 => self.add(),
            5 | 6 => Intent::SetTitle { node, title: self.text() },
            7 => Intent::SetUrl { node, url: format!("https://example.org/{}", self.text()) },
            8 => Intent::SetWorkspaceName { name: self.text() },
            9 | 10 => Intent::Tag { node, tag: self.label() },
            11 => self.untag(),
            12 | 13 => Intent::Link { src: node, dst: self.node().into(), kind: self.label() },
            14 => self.unlink(),
            15 => Intent::Traverse { src: node, dst: self.node().into(), trigger: self.label() },
            16 | 17 => Intent::DeleteNode { nodes: vec![node] },
            _ => self.resolve(),
        }
    }

    fn add(&mut self) -> Intent {
        let title = self.text();
        Intent::AddNode { url: format!("https://example.org/{title}"), title }
    }

    fn untag(&mut self) -> Intent {
        let id = self.node();
        let tags = self.graph.node(&id).map(|node| node.tags()).unwrap_or_default();
        match self.rng.pick(&tags) {
            Some(tag) => Intent::Untag { node: id.into(), tag: (*tag).to_owned() },
            None => Intent::Tag { node: id.into(), tag: self.label() },
        }
    }

    fn unlink(&mut self) -> Intent {
        let id = self.node();
        let edges = self.graph.node(&id).map(|node| node.outgoing()).unwrap_or_default();
        match self.rng.pick(&edges) {
            Some(edge) => {
                Intent::Unlink { src: edge.src().into(), dst: edge.dst().into(), kind: edge.kind().to_owned() }
            }
            None => Intent::Link { src: id.into(), dst: self.node().into(), kind: self.label() },
        }
    }

    /// Settles what is open, if anything is.
    fn resolve(&mut self) -> Intent {
        let conflicts = self.graph.conflicts();
        let choice = [Choice::Keep, Choice::Ghost, Choice::Delete][self.rng.below(3)];
        match self.rng.pick(&conflicts).map(|conflict| conflict.id) {
            Some(ConflictId::Register(node, register)) => {
                Intent::Resolve { node: node.into(), register: Some(register), choice: Choice::Keep }
            }
            Some(ConflictId::Deletion(node)) => Intent::Resolve { node: node.into(), register: None, choice },
            Some(ConflictId::WorkspaceName) => Intent::SetWorkspaceName { name: self.text() },
            None => Intent::Resolve { node: self.node().into(), register: None, choice },
        }
    }

    fn node(&mut self) -> NodeId {
        self.nodes[self.rng.below(self.nodes.len())]
    }

    fn label(&mut self) -> String {
        LABELS[self.rng.below(LABELS.len())].to_owned()
    }

    fn text(&mut self) -> String {
        *self.texts += 1;
        // Some are the same, so that the same is written in two places.
        if self.rng.once_in(6) { self.label() } else { format!("text {}", self.texts) }
    }
}
