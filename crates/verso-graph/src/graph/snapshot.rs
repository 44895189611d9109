//! The whole [`Graph`] in a snapshot.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use hashbrown::HashTable;
use rustc_hash::FxHashMap;

use super::{Graph, Passage, Watcher};
use crate::chains::{Chains, Name};
use crate::contested::{Contested, Open};
use crate::dots::DotSet;
use crate::intent::Register;
use crate::items::Items;
use crate::labels::Labels;
use crate::node::snapshot::{load_nodes, save_nodes};
use crate::presence::snapshot::{load_vectors, save_vectors};
use crate::snapshot::{In, Out, Sizes, index};
use crate::table::LineIx;

impl Graph {
    pub(super) fn save(&self, out: &mut Vec<u8>) {
        // Every field is named, so that none is forgotten: what isn't written follows from the others.
        let Self {
            chains,
            vectors,
            labels,
            nodes,
            tags,
            edges,
            traversals,
            name,
            titles: _,
            urls: _,
            contested,
            ignored,
            by_id: _,
            expected,
            watched,
            order: _,
        } = self;
        let mut bytes = Out { bytes: std::mem::take(out) };
        let (chain_count, lines) = chains.sizes();
        Sizes { chains: chain_count, lines, labels: labels.len(), vectors: vectors.len(), nodes: nodes.len() }
            .save(&mut bytes);
        chains.save(&mut bytes);
        labels.save(&mut bytes);
        save_vectors(vectors, &mut bytes);
        save_nodes(nodes, &mut bytes);
        tags.save(&mut bytes);
        edges.save(&mut bytes);
        bytes.count(traversals.len());
        bytes.column(|out| traversals.iter().for_each(|passage| passage.save(out)));
        name.save(&mut bytes, |out, name| out.text(name));
        bytes.count(contested.len());
        bytes.column(|out| {
            for (node, open) in contested.iter() {
                out.index(node);
                open.save(out);
            }
        });
        bytes.number(*ignored);
        let expected: BTreeMap<Name, _> = expected.iter().map(|(name, node)| (*name, *node)).collect();
        bytes.count(expected.len());
        for (name, node) in expected {
            bytes.name(name);
            bytes.index(node);
        }
        // Each name says under which entry its watchers wait; their order is kept.
        let watched: BTreeMap<(LineIx, u64), &Vec<(Name, Watcher)>> =
            watched.iter().map(|(place, watchers)| (*place, watchers)).collect();
        bytes.count(watched.values().map(|watchers| watchers.len()).sum());
        for (name, watcher) in watched.into_values().flatten() {
            bytes.name(*name);
            watcher.save(&mut bytes);
        }
        *out = bytes.bytes;
    }

    pub(super) fn load(snapshot: &[u8]) -> Option<Self> {
        let mut input = In::new(snapshot);
        let sizes = Sizes::load(&mut input)?;
        let chains = Chains::load(&mut input, sizes)?;
        let labels = Labels::load(&mut input, sizes)?;
        let vectors = load_vectors(&mut input, sizes)?;
        let nodes = load_nodes(&mut input, sizes)?;
        let tags = Items::load(&mut input, sizes)?;
        let edges = Items::load(&mut input, sizes)?;
        let count = input.count()?;
        let mut column = input.column()?;
        let traversals: Option<Vec<Passage>> = (0..count).map(|_| Passage::load(&mut column, sizes)).collect();
        In::end([column])?;
        let name = DotSet::load(&mut input, sizes, |input| input.text().map(Box::from))?;
        let count = input.count()?;
        let mut column = input.column()?;
        let is_there = |node: &_| nodes[*node].created.is_some();
        let contested: Option<BTreeMap<_, _>> = (0..count)
            .map(|_| Some((sizes.node(column.number()?).filter(is_there)?, Open::load(&mut column)?)))
            .collect();
        In::end([column])?;
        let ignored = input.number()?;
        let mut expected = FxHashMap::default();
        for _ in 0..input.count()? {
            expected.insert(sizes.name(&mut input)?, sizes.node(input.number()?)?);
        }
        let mut watching: FxHashMap<_, Vec<_>> = FxHashMap::default();
        for _ in 0..input.count()? {
            let name = sizes.name(&mut input)?;
            let watcher = Watcher::load(&mut input, sizes, tags.len(), edges.len())?;
            watching.entry((name.line, name.seq)).or_default().push((name, watcher));
        }
        In::end([input])?;
        let mut graph = Self {
            chains,
            vectors,
            labels,
            tags,
            edges,
            traversals: traversals?,
            name,
            titles: OnceLock::new(),
            urls: OnceLock::new(),
            contested: Contested::default(),
            ignored,
            by_id: HashTable::with_capacity(sizes.nodes),
            expected,
            watched: watching,
            order: OnceLock::new(),
            nodes,
        };
        graph.contested = Contested::restored(contested?, graph.naming());
        graph.list_all();
        Some(graph)
    }
}

impl Passage {
    fn save(&self, out: &mut Out) {
        let Self { src, dst, trigger, at } = *self;
        out.index(src);
        out.index(dst);
        out.index(trigger);
        out.at(at);
    }

    fn load(input: &mut In<'_>, sizes: Sizes) -> Option<Self> {
        Some(Self {
            src: sizes.node(input.number()?)?,
            dst: sizes.node(input.number()?)?,
            trigger: sizes.label(input.number()?)?,
            at: sizes.at(input.number()?)?,
        })
    }
}

impl Watcher {
    fn save(self, out: &mut Out) {
        match self {
            Self::Vector(seen) => {
                out.raw(&[0]);
                out.index(seen);
            }
            Self::Tag(item) => {
                out.raw(&[1]);
                out.index(item);
            }
            Self::Edge(item) => {
                out.raw(&[2]);
                out.index(item);
            }
            Self::Register(node, register) => {
                out.raw(&[match register {
                    Register::Title => 3,
                    Register::Url => 4,
                }]);
                out.index(node);
            }
            Self::WorkspaceName => out.raw(&[5]),
        }
    }

    fn load(input: &mut In<'_>, sizes: Sizes, tags: usize, edges: usize) -> Option<Self> {
        Some(match input.byte()? {
            0 => Self::Vector(sizes.vector(input.number()?)?),
            1 => Self::Tag(index(input.number()?, tags)?),
            2 => Self::Edge(index(input.number()?, edges)?),
            3 => Self::Register(sizes.node(input.number()?)?, Register::Title),
            4 => Self::Register(sizes.node(input.number()?)?, Register::Url),
            5 => Self::WorkspaceName,
            _ => return None,
        })
    }
}
