//! [`Chains`] in a snapshot.

use std::collections::BTreeMap;

use rustc_hash::FxHashMap;
use verso_identity::DeviceId;
use verso_vv::{Author, AuthorTag, Incarnation};

use super::{Chain, Chains, Entries, Line};
use crate::payload::MAX_SEQ;
use crate::snapshot::{Delta, In, Out, Sizes};
use crate::table::{Ix, LineIx};

impl Chains {
    /// Counts chains and lines.
    pub(crate) fn sizes(&self) -> (usize, usize) {
        (self.all.len(), self.lines.len())
    }

    pub(crate) fn save(&self, out: &mut Out) {
        // What is found by author and tag, and which chains make a line, follows from the rest.
        let Self { all, lines, by_author: _, by_tag: _, latest: _ } = self;
        out.column(|out| lines.iter().for_each(|(_, Line { tag, members: _, trunk: _ })| out.raw(&tag.0)));
        all.iter().for_each(|(_, chain)| chain.save(out));
    }

    pub(crate) fn load(input: &mut In<'_>, sizes: Sizes) -> Option<Self> {
        let mut chains = Self::default();
        let mut tags = input.column()?;
        for _ in 0..sizes.lines {
            chains.line(AuthorTag(tags.array()?));
        }
        In::end([tags])?;
        // A tag that stands twice makes one line, and chains may name only lines that are there.
        (chains.lines.len() == sizes.lines).then_some(())?;
        for _ in 0..sizes.chains {
            let chain = Chain::load(input, sizes, chains.all.len())?;
            let (author, line) = (chain.author, chain.line);
            let ix = chains.all.push(chain);
            let of_author = chains.by_author.insert(author, ix);
            chains.lines[line].join(ix, &author);
            of_author.is_none().then_some(())?;
        }
        Some(chains)
    }
}

impl Chain {
    fn save(&self, out: &mut Out) {
        // The last entry, the first that carries a label and the last that carries a vector follow from the entries' numbers.
        let Self { author, line, parent, last: _, entries, labels, label_entries: _, seens, last_seen: _, waiting } =
            self;
        out.raw(author.device.as_bytes());
        out.number(author.incarnation.0);
        out.index(*line);
        match parent {
            None => out.number(0),
            Some((parent, until)) => {
                out.number(*until);
                out.index(*parent);
            }
        }
        entries.save(out);
        save_map(labels, out);
        save_map(seens, out);
        out.column(|out| {
            for (seq, count) in waiting {
                out.number(*seq);
                out.count(*count);
            }
        });
    }

    /// Reads the chain that comes after `before` others.
    fn load(input: &mut In<'_>, sizes: Sizes, before: usize) -> Option<Self> {
        let device = DeviceId::from_bytes(input.array()?);
        let author = Author { device, incarnation: Incarnation(input.number()?) };
        let line: LineIx = sizes.line(input.number()?)?;
        let parent = match input.number()? {
            0 => None,
            // A chain is known before what branches off it, so no chain is its own ancestor.
            until => Some((Sizes { chains: before, ..sizes }.chain(input.number()?)?, until)),
        };
        let entries = Entries::load(input, sizes)?;
        let last = entries.last_until(MAX_SEQ).unwrap_or(0);
        let labels = load_map(input, |number| sizes.label(number))?;
        let seens = load_map(input, |number| sizes.vector(number))?;
        let mut label_entries = FxHashMap::default();
        let mut last_seen = None;
        for (seq, label) in &labels {
            label_entries.entry(*label).or_insert(*seq);
        }
        for (seq, _) in &seens {
            last_seen = Some(*seq);
        }
        let mut waiting = BTreeMap::new();
        let mut column = input.column()?;
        while In::end([column]).is_none() {
            let (seq, count) = (column.number()?, usize::try_from(column.number()?).ok()?);
            (count > 0 && waiting.insert(seq, count).is_none()).then_some(())?;
        }
        Some(Self {
            author,
            line,
            parent,
            last,
            entries,
            labels: labels.into_iter().collect(),
            label_entries,
            seens: seens.into_iter().collect(),
            last_seen,
            waiting,
        })
    }
}

/// Writes what entries carry, by their numbers.
fn save_map<I: Ix>(map: &FxHashMap<u64, I>, out: &mut Out) {
    let sorted: BTreeMap<u64, I> = map.iter().map(|(seq, index)| (*seq, *index)).collect();
    out.count(sorted.len());
    out.column(|out| {
        let mut delta = Delta::default();
        for (seq, index) in sorted {
            delta.put(out, seq);
            out.index(index);
        }
    });
}

/// Reads what entries carry, ascending by their numbers.
fn load_map<I>(input: &mut In<'_>, index: impl Fn(u64) -> Option<I>) -> Option<Vec<(u64, I)>> {
    let count = input.count()?;
    let mut column = input.column()?;
    let mut delta = Delta::default();
    let mut rows: Vec<(u64, I)> = Vec::new();
    for _ in 0..count {
        let seq = delta.take(&mut column)?;
        if rows.last().is_some_and(|(before, _)| *before >= seq) {
            return None;
        }
        rows.push((seq, index(column.number()?)?));
    }
    In::end([column])?;
    Some(rows)
}
