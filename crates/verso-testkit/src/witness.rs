//! [`Witness`]: what people wrote and what was there when they did, so that what is shown in the end can be held against the model of the merge.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use verso_graph::{Intent, NodeId, NodeRef, kinds};
use verso_identity::WorkspaceId;
use verso_vv::EntryHash;
use verso_wire::{ChainHead, EntryKind};

use crate::device::{DeviceIndex, SimReplica};
use crate::logs::{Logs, Written};
use crate::merge::Merge;
use crate::model::{Act, Arrived, Fact, Facts, Picture};
use crate::world::World;

/// All commits, and what workspaces were called when they were founded.
#[derive(Debug, Default)]
pub(crate) struct Witness {
    commits: Vec<Commit>,
    founded: BTreeMap<WorkspaceId, String>,
}

#[derive(Debug)]
struct Commit {
    workspace: WorkspaceId,
    intents: Vec<Intent>,
    /// Its last entry.
    head: EntryHash,
    saw: Sight,
}

/// What was there at a moment: the last entries of all chains. `None` if not all of it was applied: the model knows no quarantine.
pub(crate) type Sight = Option<Vec<EntryHash>>;

impl Witness {
    pub(crate) fn founded(&mut self, workspace: WorkspaceId, name: &str) {
        self.founded.insert(workspace, name.to_owned());
    }

    pub(crate) fn was_founded(&self, workspace: &WorkspaceId) -> bool {
        self.founded.contains_key(workspace)
    }

    pub(crate) fn committed(&mut self, workspace: WorkspaceId, intents: &[Intent], head: EntryHash, saw: Sight) {
        self.commits.push(Commit { workspace, intents: intents.to_vec(), head, saw });
    }

    /// Puts together what was written of a workspace's entries in a log. `None` if not all is known that would have to be: something that somebody
    /// had seen is nowhere any more, or was written by a device that lost power before it could say so.
    fn facts(&self, workspace: &WorkspaceId, logs: &Logs) -> Option<Facts> {
        let log = Log(logs.entries(workspace));
        let mut facts = Facts::default();
        for commit in
            self.commits.iter().filter(|commit| commit.workspace == *workspace && log.0.contains_key(&commit.head))
        {
            let saw = Arc::new(log.upto(commit.saw.as_ref()?)?);
            let mut batch: Vec<EntryHash> =
                log.chain(commit.head).take(commit.intents.len()).map(|(hash, _)| hash).collect();
            batch.reverse();
            let id = |node: &NodeRef| match node {
                NodeRef::Id(id) => *id,
                NodeRef::New(index) => NodeId::of(&batch[*index]),
            };
            for (intent, hash) in commit.intents.iter().zip(&batch) {
                facts.add(log.fact(*hash, Act::of(intent, id), Arc::clone(&saw)));
            }
        }
        let known: BTreeSet<EntryHash> = facts.iter().map(|fact| fact.hash).collect();
        let mut unknown = log.0.iter().filter(|(hash, written)| is_intent(written) && !known.contains(*hash));
        if let Some((hash, _)) = unknown.next() {
            // Founding gives a name, and nothing else is written that nobody committed.
            let name = self.founded.get(workspace).filter(|_| log.kind(hash) == Some(kinds::SET_WORKSPACE_NAME))?;
            facts.add(log.fact(*hash, Act::Name { value: name.clone() }, Arc::default()));
        }
        unknown.next().is_none().then_some(facts)
    }
}

/// The entries of a workspace.
struct Log<'a>(&'a BTreeMap<EntryHash, Written>);

impl Log<'_> {
    fn kind(&self, hash: &EntryHash) -> Option<EntryKind> {
        self.0.get(hash)?.says.map(|(kind, _)| kind)
    }

    /// Iterates over a chain, from an entry back to its first.
    fn chain(&self, from: EntryHash) -> impl Iterator<Item = (EntryHash, &Written)> {
        let mut next = from;
        std::iter::from_fn(move || {
            let (hash, written) = self.0.get_key_value(&next)?;
            next = written.previous;
            Some((*hash, written))
        })
    }

    /// Returns all intents up to some entries, `None` if one of these is not there.
    fn upto(&self, heads: &[EntryHash]) -> Option<BTreeSet<EntryHash>> {
        let is_there = heads.iter().all(|head| self.0.contains_key(head));
        let all = heads.iter().flat_map(|head| self.chain(*head)).filter(|(_, written)| is_intent(written));
        is_there.then(|| all.map(|(hash, _)| hash).collect())
    }

    fn fact(&self, hash: EntryHash, act: Act, saw: Arc<BTreeSet<EntryHash>>) -> Fact {
        let Written { signer, seq, says, .. } = self.0[&hash];
        let (_, hlc) = says.expect("what was committed was not discarded");
        let previous = self.chain(hash).skip(1).find(|(_, written)| is_intent(written)).map(|(hash, _)| hash);
        Fact { hash, previous, signer, seq, hlc, act, saw }
    }
}

fn is_intent(written: &Written) -> bool {
    written.says.is_some_and(|(kind, _)| !kind.is_membership())
}

/// Returns what a replica has of a workspace.
pub(crate) fn sight<A: Merge>(replica: &SimReplica<A>, workspace: &WorkspaceId) -> Sight {
    let (held, applied) = replica.entries(workspace)?;
    let authors = replica.held(workspace)?;
    let heads = authors.iter().filter_map(|(author, _)| replica.head(workspace, &author));
    (held == applied).then(|| heads.map(|head| head.hash).collect())
}

impl<A: Merge> World<A> {
    /// Checks that a device shows what the model of the merge says of the entries that it holds.
    ///
    /// # Panics
    /// If it shows something else.
    pub(crate) fn check_merge(&mut self, device: DeviceIndex) {
        let seed = self.rng.next();
        let device = &self.devices[device.0];
        let replica = device.replica().expect("it is on");
        let logs = device.read_logs(&device.storage().crash(seed));
        for workspace in replica.workspaces() {
            let facts = sight(replica, &workspace).and_then(|_| self.witness.facts(&workspace, &logs));
            self.tally.count(if facts.is_some() { "merges checked" } else { "merges not checked" });
            let Some(facts) = facts else { continue };
            let is_forked = !replica.forks(&workspace).is_empty();
            let author = |fact: &Fact| {
                let head = ChainHead { seq: fact.seq, hash: fact.hash };
                // The log has entries of a forked chain under the name that it had when they came.
                let renamed = is_forked.then(|| replica.author_of(&workspace, &head).expect("what is stored is held"));
                renamed.unwrap_or(logs.entries(&workspace)[&fact.hash].author)
            };
            let arrived: Arrived = facts.iter().map(|fact| (fact.hash, author(fact))).collect();
            let graph = replica.application(&workspace).expect("it is held").graph();
            let shown = Picture::of(graph, arrived.keys().map(NodeId::of));
            assert_eq!(shown, facts.picture(&arrived), "{} shows something else than the model", device.name);
        }
    }
}
