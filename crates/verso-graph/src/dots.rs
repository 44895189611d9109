//! [`DotSet`]: what was written and not yet replaced, for registers, tags and edges alike.

mod snapshot;

use crate::chains::{At, Chains, Name};
use crate::table::ChainIx;

/// Contributions, each named by its entry, of which later entries have replaced some.
///
/// Within a set a dot that is named as replaced stands for all earlier ones of its author as well. What was replaced by name goes once
/// the named entry has arrived: an author's entries come in order, so nothing before it can come later. Until then the name
/// is kept, and hides what it covers.
///
/// Of what went, each chain's last dot is remembered with who replaced it: whoever writes next has seen that too and says so, since the entry
/// that replaced it may be cut off for other reasons.
#[derive(Debug, Clone)]
pub(crate) struct DotSet<T> {
    live: Vec<(At, T)>,
    hiding: Vec<(Name, ChainIx)>,
    /// At most one of each chain.
    gone: Vec<(At, ChainIx)>,
}

impl<T> Default for DotSet<T> {
    fn default() -> Self {
        Self { live: Vec::new(), hiding: Vec::new(), gone: Vec::new() }
    }
}

impl<T> DotSet<T> {
    pub(crate) fn of(at: At, value: T) -> Self {
        Self { live: vec![(at, value)], hiding: Vec::new(), gone: Vec::new() }
    }

    /// Adds what the entry `at` wrote. Its author had seen all that it wrote here before, so that goes; naming this entry names it too.
    pub(crate) fn add(&mut self, chains: &Chains, at: At, value: T) {
        let before = |other: At| chains.on_chain(at.chain(), at.seq() - 1, other);
        self.live.retain(|(live, _)| !before(*live));
        self.gone.retain(|(gone, _)| !before(*gone));
        self.live.push((at, value));
    }

    /// Drops what stands before the entry `at` in its own chain.
    pub(crate) fn drop_before(&mut self, chains: &Chains, at: At) {
        self.drop_if(at.chain(), |live| chains.on_chain(at.chain(), at.seq() - 1, live));
    }

    /// Drops what the named entries and those before them in their chains wrote, as the chain `by` says. Adds to `watch` the names that must
    /// be watched: more may arrive that changes what they cover; then [`settle`](Self::settle) is due.
    pub(crate) fn drop_named(&mut self, chains: &Chains, by: ChainIx, names: &[Name], watch: &mut Vec<Name>) {
        for name in names {
            if chains.is_final(*name) {
                self.drop_if(by, |live| chains.covers(*name, live));
            } else if !self.hiding.iter().any(|(other, _)| other == name) {
                self.hiding.push((*name, by));
                watch.push(*name);
            }
        }
    }

    /// Takes into account that a named entry has arrived.
    pub(crate) fn settle(&mut self, chains: &Chains) {
        let (settled, open) = self.hiding.drain(..).partition(|(name, _)| chains.is_final(*name));
        self.hiding = open;
        let settled: Vec<(Name, ChainIx)> = settled;
        for (name, by) in settled {
            self.drop_if(by, |live| chains.covers(name, live));
        }
    }

    fn drop_if(&mut self, by: ChainIx, is_dropped: impl Fn(At) -> bool) {
        let Self { live, gone, .. } = self;
        for (at, last_by) in gone.iter_mut() {
            if is_dropped(*at) {
                *last_by = by;
            }
        }
        live.retain(|(live, _)| {
            let dropped = is_dropped(*live);
            if dropped {
                gone.retain(|(other, _)| other.chain() != live.chain());
                gone.push((*live, by));
            }
            !dropped
        });
    }

    /// Iterates over what is not replaced, in no order that means anything.
    pub(crate) fn iter<'a>(&'a self, chains: &'a Chains) -> impl Iterator<Item = (At, &'a T)> {
        self.live
            .iter()
            .filter(|(live, _)| !self.hiding.iter().any(|(name, _)| chains.covers(*name, *live)))
            .map(|(live, value)| (*live, value))
    }

    /// Iterates over all that whoever writes next in the chain `own` has seen here and must name: not what the chain wrote or named
    /// before.
    pub(crate) fn seen<'a>(&'a self, chains: &'a Chains, own: Option<ChainIx>) -> impl Iterator<Item = At> + 'a {
        let is_own = move |chain: ChainIx| own.is_some_and(|own| chains.is_part(chain, own));
        let is_own_dot = move |at: At| own.is_some_and(|own| chains.on_chain(own, u64::MAX, at));
        let live = self.live.iter().map(|(live, _)| *live);
        let gone = self.gone.iter().filter(move |(_, by)| !is_own(*by)).map(|(gone, _)| *gone);
        live.chain(gone).filter(move |at| !is_own_dot(*at))
    }

    /// Returns the one with the greatest time and author.
    pub(crate) fn greatest<'a>(&'a self, chains: &'a Chains) -> Option<(At, &'a T)> {
        if let ([(at, value)], []) = (self.live.as_slice(), self.hiding.as_slice()) {
            return Some((*at, value));
        }
        self.iter(chains).max_by_key(|(at, _)| chains.stamp(*at))
    }
}
