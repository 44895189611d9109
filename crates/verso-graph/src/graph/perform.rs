//! What each kind of entry does.

use verso_wire::AppliedEntry;

use super::{Graph, Passage, Watcher};
use crate::chains::At;
use crate::items::{EdgeKey, Removal, TagKey};
use crate::node::Created;
use crate::node_id::NodeId;
use crate::payload::{Malformed, Payload};
use crate::presence::Mark;
use crate::table::NodeIx;

impl Graph {
    /// Does what a payload says. All that it names is looked up first, so that a malformed one changes nothing. Returns the node that it
    /// is about.
    pub(super) fn perform(
        &mut self,
        at: At,
        entry: &AppliedEntry<'_>,
        payload: Payload<'_>,
    ) -> Result<Option<NodeIx>, Malformed> {
        match payload {
            Payload::AddNode { url, title } => {
                let created = Created::new(NodeId::of(&entry.hash), at, url, title);
                Ok(Some(self.create(created)))
            }
            Payload::Set { register, node, replaces, value } => {
                let (node, replaced) = (self.find(at, node)?, self.names(at, &replaces));
                let node = self.reach(at, node);
                self.rewrite(node, register, |writes, chains, watch| {
                    writes.drop_named(chains, at.chain(), &replaced, watch);
                    writes.add(chains, at, value.into());
                });
                self.act(node, at);
                Ok(Some(node))
            }
            Payload::SetWorkspaceName { replaces, name } => {
                let replaced = self.names(at, &replaces);
                let mut watch = Vec::new();
                self.name.drop_named(&self.chains, at.chain(), &replaced, &mut watch);
                self.name.add(&self.chains, at, name.into());
                self.watch(&watch, Watcher::WorkspaceName);
                Ok(None)
            }
            Payload::Tag { node, tag } => {
                let (node, tag) = (self.find(at, node)?, self.label(at, tag)?);
                let node = self.reach(at, node);
                self.tags.add(&self.chains, TagKey { node, tag }, at);
                self.act(node, at);
                Ok(Some(node))
            }
            Payload::Untag { node, removes, tag } => {
                let (node, removed) = (self.find(at, node)?, self.names(at, &removes));
                let tag = self.label(at, tag)?;
                let node = self.reach(at, node);
                let mut watch = Vec::new();
                let removal = Removal { at, names: &removed };
                let item = self.tags.remove(&self.chains, TagKey { node, tag }, removal, &mut watch);
                self.watch(&watch, Watcher::Tag(item));
                Ok(Some(node))
            }
            Payload::Link { src, dst, kind } => {
                let (src, dst) = (self.find(at, src)?, self.find(at, dst)?);
                let kind = self.label(at, kind)?;
                let (src, dst) = (self.reach(at, src), self.reach(at, dst));
                self.edges.add(&self.chains, EdgeKey { src, dst, kind }, at);
                self.act(src, at);
                self.act(dst, at);
                Ok(Some(src))
            }
            Payload::Unlink { src, dst, removes, kind } => {
                let (src, dst) = (self.find(at, src)?, self.find(at, dst)?);
                let removed = self.names(at, &removes);
                let kind = self.label(at, kind)?;
                let (src, dst) = (self.reach(at, src), self.reach(at, dst));
                let mut watch = Vec::new();
                let removal = Removal { at, names: &removed };
                let item = self.edges.remove(&self.chains, EdgeKey { src, dst, kind }, removal, &mut watch);
                self.watch(&watch, Watcher::Edge(item));
                Ok(Some(src))
            }
            Payload::Traverse { src, dst, trigger } => {
                let (src, dst) = (self.find(at, src)?, self.find(at, dst)?);
                let trigger = self.label(at, trigger)?;
                let (src, dst) = (self.reach(at, src), self.reach(at, dst));
                self.traversals.push(Passage { src, dst, trigger, at });
                self.act(src, at);
                self.act(dst, at);
                Ok(Some(src))
            }
            Payload::DeleteNode { seen, nodes } => {
                let nodes = nodes.iter().map(|node| self.find(at, *node)).collect::<Result<Vec<_>, _>>()?;
                let seen = self.vector(at, seen)?;
                let mut about = None;
                for node in nodes {
                    let node = self.reach_with(at, node, seen);
                    self.nodes[node].marks_mut().delete(Mark { at, seen });
                    self.review(node);
                    about.get_or_insert(node);
                }
                Ok(about)
            }
            Payload::Resolve { choice, seen, node } => {
                let node = self.find(at, node)?;
                let seen = self.vector(at, seen)?;
                let node = self.reach_with(at, node, seen);
                self.nodes[node].marks_mut().decide(choice, Mark { at, seen });
                self.review(node);
                Ok(Some(node))
            }
            Payload::ResolveRegister { register, node, drops } => {
                let (node, dropped) = (self.find(at, node)?, self.names(at, &drops));
                let node = self.reach(at, node);
                self.rewrite(node, register, |writes, chains, watch| {
                    writes.drop_named(chains, at.chain(), &dropped, watch);
                });
                self.act(node, at);
                Ok(Some(node))
            }
        }
    }
}
