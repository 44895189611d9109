//! A [`View`] in a checkpoint: how far each chain is held and applied. What the entries add up to is kept beside it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use verso_identity::Signature;
use verso_vv::{Author, EntryHash, Hlc, Seq};
use verso_wire::{ChainHead, Seal};

use super::{Applied, Chain, View};
use crate::state::State;

#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct SavedView {
    /// In the order of first appearance.
    chains: Vec<SavedChain>,
    held: u64,
    applied: u64,
}

#[derive(Debug, Serialize, Deserialize)]
struct SavedChain {
    author: Author,
    greatest_hlc: Hlc,
    /// The author that signed, the end of what is held, and the signature there.
    seal: (Author, Seq, EntryHash, Signature),
    applied: Option<Applied>,
}

impl<T: State> View<T> {
    pub(crate) fn save(&self) -> SavedView {
        let Self { state: _, chains, order, held, applied } = self;
        let chain = |author: &Author| {
            let Chain { place: _, greatest_hlc, start: _, head: _, seal, applied } = chains.get(author)?;
            let Seal { author: signer, head: ChainHead { seq, hash }, signature } = (*seal)?;
            let seal = (signer, seq, hash, signature);
            Some(SavedChain { author: *author, greatest_hlc: *greatest_hlc, seal, applied: applied.clone() })
        };
        SavedView { chains: order.iter().filter_map(chain).collect(), held: *held, applied: *applied }
    }

    /// Takes back what [`save`](Self::save) gave, with the state as it was then; `None` if it contradicts itself.
    pub(crate) fn restore(state: T, saved: SavedView) -> Option<Self> {
        let SavedView { chains: saved_chains, held, applied } = saved;
        let (mut chains, mut order) = (BTreeMap::new(), Vec::with_capacity(saved_chains.len()));
        for SavedChain { author, greatest_hlc, seal: (signer, seq, hash, signature), applied } in saved_chains {
            let seal = Seal { author: signer, head: ChainHead { seq, hash }, signature };
            let (place, start, head) = (order.len(), Seq::FIRST, seal.head);
            let chain = Chain { place, greatest_hlc, start, head, seal: Some(seal), applied };
            if chains.insert(author, chain).is_some() {
                return None;
            }
            order.push(author);
        }
        Some(Self { state, chains, order, held, applied })
    }
}

impl SavedView {
    /// Iterates over the ends of all chains that are covered.
    pub(crate) fn heads(&self) -> impl Iterator<Item = (Author, Seq, EntryHash)> {
        self.chains.iter().map(|SavedChain { author, seal: (_, seq, hash, _), .. }| (*author, *seq, *hash))
    }

    /// Iterates over the chains with the greatest stamp of each.
    pub(crate) fn greatest(&self) -> impl Iterator<Item = (Author, Hlc)> {
        self.chains.iter().map(|chain| (chain.author, chain.greatest_hlc))
    }
}
