//! Any devices, intents, clocks and orders: the same entries give the same bytes, and what the slow model says.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use proptest::prelude::*;
use verso_graph::{Choice, Graph, Intent, NodeId, NodeRef, Register};
use verso_testkit::model::{Act, Arrived, Fact, Facts, Picture};
use verso_vv::EntryHash;

use crate::world::{Device, Entry, bytes_of, graph_of, relabel, shuffled};

/// What happens, to be read against whatever is there.
#[derive(Debug, Clone)]
enum Event {
    /// A device writes a batch.
    Write { device: u8, intents: Vec<Wish> },
    /// A device gets the next entries of one chain that another holds.
    Pull { device: u8, other: u8, chain: u8, count: u8 },
    /// A device gets all that another holds.
    Sync { device: u8, other: u8 },
    /// A device's disk is copied, and both go on.
    Clone { device: u8 },
}

/// An intent with numbers that are taken modulo what there is.
#[derive(Debug, Clone)]
struct Wish {
    what: u8,
    node: u8,
    other: u8,
    text: u8,
    choice: Choice,
}

#[derive(Debug, Clone)]
pub(crate) struct Script {
    /// Of each device, of which there are two to five, by how much its clock is wrong, in milliseconds.
    skews: Vec<u64>,
    events: Vec<Event>,
    /// Decide the orders of arrival.
    pub(crate) orders: Vec<Vec<u16>>,
}

fn wish() -> impl Strategy<Value = Wish> {
    let choice = prop_oneof![Just(Choice::Keep), Just(Choice::Ghost), Just(Choice::Delete)];
    (any::<u8>(), 0_u8..4, 0_u8..4, 0_u8..3, choice).prop_map(|(what, node, other, text, choice)| Wish {
        what,
        node,
        other,
        text,
        choice,
    })
}

pub(crate) fn script(clones: u32) -> impl Strategy<Value = Script> {
    let device = || 0_u8..7;
    let event = prop_oneof![
        8 => (device(), prop::collection::vec(wish(), 1..5)).prop_map(|(device, intents)| Event::Write { device, intents }),
        4 => (device(), device(), device(), 1_u8..5)
            .prop_map(|(device, other, chain, count)| Event::Pull { device, other, chain, count }),
        3 => (device(), device()).prop_map(|(device, other)| Event::Sync { device, other }),
        clones => device().prop_map(|device| Event::Clone { device }),
    ];
    let skew = prop_oneof![3 => Just(0), 1 => 0_u64..100, 1 => Just(2_370_908_800_000), 1 => Just(u64::MAX)];
    (
        prop::collection::vec(skew, 2..=5),
        prop::collection::vec(event, 1..40),
        prop::collection::vec(prop::collection::vec(any::<u16>(), 1..40), 3),
    )
        .prop_map(|(skews, events, orders)| Script { skews, events, orders })
}

pub(crate) struct Simulation {
    devices: Vec<Device>,
    facts: Facts,
    /// All that was written.
    entries: BTreeMap<EntryHash, Entry>,
}

impl Simulation {
    pub(crate) fn run(script: &Script) -> Self {
        let new = |(number, skew): (u8, &u64)| {
            let mut device = Device::new(number);
            device.wall = if *skew == u64::MAX { 0 } else { device.wall + skew };
            device
        };
        let devices: Vec<Device> = (1..).zip(&script.skews).map(new).collect();
        let mut simulation = Self { devices, facts: Facts::default(), entries: BTreeMap::new() };
        for event in &script.events {
            simulation.step(event);
        }
        simulation
    }

    /// Returns all that was written, each branch under its author.
    pub(crate) fn entries(&self) -> Vec<Entry> {
        relabel(&self.entries.values().cloned().collect::<Vec<_>>())
    }

    /// Tells whether an entry here was written by somebody who had seen the other branch of a chain that is held here. Until the fork is known
    /// the state is on the safe side then, and not what the model says.
    fn knows_half_a_fork(&self, device: &Device) -> bool {
        let held: BTreeMap<_, _> = device.log.iter().map(|entry| ((entry.signer, entry.seq), entry.hash)).collect();
        let seen = device.log.iter().flat_map(|entry| &*self.facts.get(&entry.hash).saw);
        let mut seen = seen.map(|hash| &self.entries[hash]);
        seen.any(|entry| held.get(&(entry.signer, entry.seq)).is_some_and(|hash| *hash != entry.hash))
    }

    fn step(&mut self, event: &Event) {
        let count = self.devices.len();
        let index = |device: u8| usize::from(device) % count;
        match event {
            Event::Write { device, intents } => self.write(index(*device), intents),
            Event::Pull { device, other, chain, count } => {
                let author = self.devices[index(*chain)].author;
                let (device, other) = (index(*device), index(*other));
                let log: Vec<Entry> =
                    self.devices[other].log.iter().filter(|entry| entry.author == author).cloned().collect();
                let mut left = *count;
                for entry in log {
                    if left > 0 && self.devices[device].receive(&entry) {
                        left -= 1;
                    }
                }
            }
            Event::Sync { device, other } => {
                let log = self.devices[index(*other)].log.clone();
                for entry in log {
                    self.devices[index(*device)].receive(&entry);
                }
            }
            Event::Clone { device } => {
                if count < 7 {
                    let mut clone = self.devices[index(*device)].clone_disk();
                    // Not even equal batches are equal entries then.
                    clone.wall += 7;
                    self.devices.push(clone);
                }
            }
        }
        for device in &mut self.devices {
            device.wall += 1;
        }
    }

    /// Writes what of the wishes makes sense, each judged against what the batch did before.
    fn write(&mut self, device: usize, wishes: &[Wish]) {
        let mut nodes: Vec<(NodeRef, NodeId)> = {
            let graph = &self.devices[device].graph;
            let all: BTreeSet<NodeId> = self.devices[device].log.iter().map(Entry::node).collect();
            all.iter().filter(|id| graph.state(id).is_some()).map(|id| (NodeRef::Id(*id), *id)).collect()
        };
        let mut intents = Vec::new();
        for wish in wishes {
            let intent = intent_of(wish, &nodes);
            intents.push(intent);
            if self.devices[device].drafts(&intents).is_err() {
                intents.pop();
            } else if matches!(intents.last(), Some(Intent::AddNode { .. })) {
                // Its id isn't known until it is written; a place for it.
                nodes.push((NodeRef::New(intents.len() - 1), NodeId::from_bytes([0; 16])));
            }
        }
        let saw: Arc<BTreeSet<EntryHash>> = Arc::new(self.devices[device].log.iter().map(|entry| entry.hash).collect());
        let entries = self.devices[device].write(&intents);
        for (intent, entry) in intents.iter().zip(&entries) {
            let id = |node: &NodeRef| match node {
                NodeRef::Id(id) => *id,
                NodeRef::New(index) => entries[*index].node(),
            };
            self.facts.add(Fact {
                hash: entry.hash,
                previous: self.entries.get(&entry.previous).map(|previous| previous.hash),
                signer: entry.signer,
                seq: entry.seq,
                hlc: entry.hlc,
                act: Act::of(intent, id),
                saw: saw.clone(),
            });
            self.entries.insert(entry.hash, entry.clone());
        }
    }
}

fn intent_of(wish: &Wish, nodes: &[(NodeRef, NodeId)]) -> Intent {
    let text = || ["x", "y", ""][usize::from(wish.text)].to_owned();
    let tag = || ["t", "u", "v"][usize::from(wish.text)].to_owned();
    let pick = |number: u8| nodes[nodes.len() - 1 - usize::from(number) % nodes.len().min(4)].0;
    if nodes.is_empty() || wish.what < 30 {
        return Intent::AddNode { url: text(), title: tag() };
    }
    let (node, other) = (pick(wish.node), pick(wish.other));
    match wish.what % 16 {
        0 | 1 => Intent::SetTitle { node, title: tag() },
        2 => Intent::SetUrl { node, url: text() },
        3 => Intent::SetWorkspaceName { name: tag() },
        4 | 5 => Intent::Tag { node, tag: tag() },
        6 => Intent::Untag { node, tag: tag() },
        7 => Intent::Link { src: node, dst: other, kind: text() },
        8 => Intent::Unlink { src: node, dst: other, kind: text() },
        9 => Intent::Traverse { src: node, dst: other, trigger: text() },
        10 | 11 => Intent::DeleteNode { nodes: vec![node] },
        12 => Intent::DeleteNode { nodes: vec![node, other] },
        13 | 14 => Intent::Resolve { node, register: None, choice: wish.choice },
        _ => Intent::Resolve {
            node,
            register: Some(if wish.text == 0 { Register::Url } else { Register::Title }),
            choice: Choice::Keep,
        },
    }
}

fn arrived(entries: &[Entry]) -> Arrived {
    entries.iter().map(|entry| (entry.hash, entry.author)).collect()
}

fn picture_of(graph: &Graph, entries: &[Entry]) -> Picture {
    Picture::of(graph, entries.iter().map(Entry::node))
}

/// Everything that must hold of a finished script.
fn check(script: &Script) -> Result<(), TestCaseError> {
    let simulation = Simulation::run(script);
    let facts = &simulation.facts;
    for device in &simulation.devices {
        if !simulation.knows_half_a_fork(device) {
            prop_assert_eq!(picture_of(&device.graph, &device.log), facts.picture(&arrived(&device.log)));
        }
        prop_assert_eq!(bytes_of(&device.graph), bytes_of(&graph_of(&device.log)));
        prop_assert_eq!(device.graph.counts().ignored, 0);
    }
    let entries = simulation.entries();
    prop_assert_eq!(entries.len(), facts.len());
    let first = graph_of(&shuffled(&entries, &[0]));
    prop_assert_eq!(picture_of(&first, &entries), facts.picture(&arrived(&entries)));
    for order in &script.orders {
        let arrival = shuffled(&entries, order);
        let mut graph = Graph::new();
        let half = arrival.len() / 2;
        for (number, entry) in arrival.iter().enumerate() {
            if number == half {
                // Half of it is a set of entries like any other, even with what it names missing.
                let same = shuffled(&arrival[..half], &[5, 1, 3]);
                prop_assert_eq!(bytes_of(&graph), bytes_of(&graph_of(&same)));
                if entries.iter().all(|entry| entry.ancestors.is_empty()) {
                    prop_assert_eq!(picture_of(&graph, &arrival[..half]), facts.picture(&arrived(&arrival[..half])));
                }
            }
            entry.apply_to(&mut graph);
        }
        prop_assert_eq!(bytes_of(&graph), bytes_of(&first));
        prop_assert_eq!((graph.counts().waiting, graph.counts().ignored), (0, 0));
    }
    Ok(())
}

/// A few seconds' worth; a long run sets `PROPTEST_CASES`.
pub(crate) fn config() -> ProptestConfig {
    let cases = std::env::var("PROPTEST_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(128);
    ProptestConfig { cases, ..ProptestConfig::default() }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn any_order_gives_the_state_of_the_model(script in script(0)) {
        check(&script)?;
    }

    #[test]
    fn any_order_gives_the_state_of_the_model_also_across_forks(script in script(1)) {
        check(&script)?;
    }
}
