//! [`DotSet`]: what was written and not yet replaced, for registers, tags and edges alike.

use crate::chains::{At, Chains, Name};

/// Contributions, each named by its entry, of which later entries have replaced some.
///
/// Within a set a dot that is named as replaced stands for all earlier ones of its author as well. What was replaced by name is forgotten once
/// the named entry has arrived: an author's entries come in order, so nothing before it can come later. Until then the name
/// is kept, and hides what it covers.
#[derive(Debug, Clone)]
pub(crate) struct DotSet<T> {
    live: Vec<(At, T)>,
    hiding: Vec<Name>,
}

impl<T> Default for DotSet<T> {
    fn default() -> Self {
        Self { live: Vec::new(), hiding: Vec::new() }
    }
}

impl<T> DotSet<T> {
    pub(crate) fn of(at: At, value: T) -> Self {
        Self { live: vec![(at, value)], hiding: Vec::new() }
    }

    /// Adds what the entry `at` wrote. Its author had seen all that it wrote here before, so that goes.
    pub(crate) fn add(&mut self, chains: &Chains, at: At, value: T) {
        self.drop_before(chains, at);
        self.live.push((at, value));
    }

    /// Drops what stands before the entry `at` in its own chain.
    pub(crate) fn drop_before(&mut self, chains: &Chains, at: At) {
        self.live.retain(|(live, _)| !chains.on_chain(at.chain(), at.seq() - 1, *live));
    }

    /// Drops what the named entries and those before them in their chains wrote. Adds to `watch` the names that must be watched: more may
    /// arrive that changes what they cover; then [`settle`](Self::settle) is due.
    pub(crate) fn drop_named(&mut self, chains: &Chains, names: &[Name], watch: &mut Vec<Name>) {
        for name in names {
            if chains.is_final(*name) {
                self.live.retain(|(live, _)| !chains.covers(*name, *live));
            } else if !self.hiding.contains(name) {
                self.hiding.push(*name);
                watch.push(*name);
            }
        }
    }

    /// Takes into account that a named entry has arrived.
    pub(crate) fn settle(&mut self, chains: &Chains) {
        let Self { live, hiding } = self;
        hiding.retain(|name| {
            let open = !chains.is_final(*name);
            if !open {
                live.retain(|(live, _)| !chains.covers(*name, *live));
            }
            open
        });
    }

    /// Iterates over what is not replaced, in no order that means anything.
    pub(crate) fn iter<'a>(&'a self, chains: &'a Chains) -> impl Iterator<Item = (At, &'a T)> {
        self.live
            .iter()
            .filter(|(live, _)| !self.hiding.iter().any(|name| chains.covers(*name, *live)))
            .map(|(live, value)| (*live, value))
    }

    /// Returns the one with the greatest time and author.
    pub(crate) fn greatest<'a>(&'a self, chains: &'a Chains) -> Option<(At, &'a T)> {
        if let ([(at, value)], []) = (self.live.as_slice(), self.hiding.as_slice()) {
            return Some((*at, value));
        }
        self.iter(chains).max_by_key(|(at, _)| chains.stamp(*at))
    }
}
