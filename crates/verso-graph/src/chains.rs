//! [`Chains`]: whose entries were applied, how chains branch, and which entry a payload means.

mod entries;
mod snapshot;

use std::collections::BTreeMap;

use rustc_hash::FxHashMap;
use verso_vv::{Author, AuthorTag, Dot, HashTag, Hlc, Seq};
use verso_wire::AppliedEntry;

use crate::payload::{MAX_SEQ, OtherRef};
use crate::read::Stamp;
use crate::table::{ChainIx, Ix as _, LabelIx, LineIx, NodeIx, SeenIx, Table};

use entries::Entries;
pub(crate) use entries::Known;

/// A dot in 8 bytes: 23 bits of chain, 40 of number; the highest bit is free for whoever stores it, and it is never 0.
/// The order is that of memory and differs between devices.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct At(std::num::NonZeroU64);

impl At {
    const SEQ_BITS: u32 = 40;
    const MAX_CHAINS: usize = 1 << 23;

    fn new(chain: ChainIx, seq: u64) -> Option<Self> {
        if chain.position() >= Self::MAX_CHAINS || !(1..=MAX_SEQ).contains(&seq) {
            return None;
        }
        let chain = u64::try_from(chain.position()).ok()?;
        std::num::NonZeroU64::new(chain << Self::SEQ_BITS | seq).map(Self)
    }

    pub(crate) fn chain(self) -> ChainIx {
        ChainIx::at(usize::try_from(self.0.get() >> Self::SEQ_BITS).unwrap_or(usize::MAX))
    }

    pub(crate) const fn seq(self) -> u64 {
        self.0.get() & MAX_SEQ
    }

    /// The bits, the highest of which is 0.
    pub(crate) const fn bits(self) -> std::num::NonZeroU64 {
        self.0
    }

    /// Takes back what [`bits`](Self::bits) gave.
    pub(crate) const fn from_bits(bits: std::num::NonZeroU64) -> Self {
        Self(bits)
    }
}

/// Names an entry as payloads do, see [`OtherRef`], with the author's tag interned.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Name {
    pub(crate) line: LineIx,
    pub(crate) seq: u64,
    pub(crate) hash: HashTag,
}

impl Name {
    /// Returns the least name of an entry at this place.
    pub(crate) const fn first_at(line: LineIx, seq: u64) -> Self {
        Self { line, seq, hash: HashTag([0; 4]) }
    }
}

/// What becomes of an entry that arrives.
pub(crate) enum Arrival {
    /// It is recorded.
    New(At),
    /// It was applied before.
    Held,
    /// It exceeds what can be referred to.
    Beyond,
}

/// What is known of one author.
pub(crate) struct Chain {
    pub(crate) author: Author,
    line: LineIx,
    /// The chain that this one branches off, and the first number that is its own.
    parent: Option<(ChainIx, u64)>,
    /// The last entry applied, 0 if none.
    last: u64,
    entries: Entries,
    /// Own entries that carry the text of a label.
    labels: FxHashMap<u64, LabelIx>,
    /// The first of them for each label.
    label_entries: FxHashMap<LabelIx, u64>,
    /// Own entries that carry a vector.
    seens: FxHashMap<u64, SeenIx>,
    /// The last of them.
    last_seen: Option<u64>,
    /// Entries that name nodes which haven't arrived, with how many.
    waiting: BTreeMap<u64, usize>,
}

/// All chains that one author signed.
struct Line {
    tag: AuthorTag,
    members: Vec<ChainIx>,
    trunk: Option<ChainIx>,
}

impl Line {
    /// Takes a chain in.
    fn join(&mut self, chain: ChainIx, author: &Author) {
        self.members.push(chain);
        if AuthorTag::of(author) == self.tag {
            self.trunk = Some(chain);
        }
    }
}

/// All chains, and what names them.
///
/// An entry is named by the tag of the author that signed it, its number and the first bytes of its hash. While nobody
/// forked, tag and number say it all, and even an entry that hasn't arrived is known to stand in the author's one chain. Once
/// there are branches the hash tells which one is meant, so the entry must be there.
#[derive(Default)]
pub(crate) struct Chains {
    all: Table<ChainIx, Chain>,
    lines: Table<LineIx, Line>,
    by_author: FxHashMap<Author, ChainIx>,
    by_tag: FxHashMap<AuthorTag, LineIx>,
    /// Whose entry arrived last: mostly the next one is of the same chain.
    latest: Option<ChainIx>,
}

impl Chains {
    /// Records the entry's kind, time and hash tag.
    pub(crate) fn record(&mut self, entry: &AppliedEntry<'_>) -> Arrival {
        let ix = self.chain_of(entry);
        let chain = &mut self.all[ix];
        if entry.dot.seq.0 <= chain.last {
            return Arrival::Held;
        }
        let Some(at) = At::new(ix, entry.dot.seq.0) else { return Arrival::Beyond };
        chain.last = entry.dot.seq.0;
        chain.entries.push(entry.dot.seq.0, Known { hash: entry.hash.tag(), kind: entry.kind, about: None }, entry.hlc);
        Arrival::New(at)
    }

    /// Returns where the entry stands, whichever branch it is on.
    pub(crate) fn place_of(&mut self, entry: &AppliedEntry<'_>) -> (LineIx, u64) {
        let chain = self.chain_of(entry);
        (self.all[chain].line, entry.dot.seq.0)
    }

    /// Notes which node the entry is about.
    pub(crate) fn set_about(&mut self, at: At, node: NodeIx) {
        self.all[at.chain()].entries.set_about(at.seq(), node);
    }

    fn chain_of(&mut self, entry: &AppliedEntry<'_>) -> ChainIx {
        if let Some(latest) = self.latest
            && self.all[latest].author == entry.dot.author
        {
            return latest;
        }
        let ix = if let Some(ix) = self.by_author.get(&entry.dot.author) {
            *ix
        } else {
            let mut parent = None;
            for ancestor in entry.ancestors {
                let ix = self.intern(ancestor.author, entry.tag, parent);
                parent = Some((ix, ancestor.until.0));
            }
            self.intern(entry.dot.author, entry.tag, parent)
        };
        self.latest = Some(ix);
        ix
    }

    fn intern(&mut self, author: Author, tag: AuthorTag, parent: Option<(ChainIx, u64)>) -> ChainIx {
        if let Some(ix) = self.by_author.get(&author) {
            return *ix;
        }
        let line = self.line(tag);
        let ix = self.all.push(Chain {
            author,
            line,
            parent,
            last: 0,
            entries: Entries::default(),
            labels: FxHashMap::default(),
            label_entries: FxHashMap::default(),
            seens: FxHashMap::default(),
            last_seen: None,
            waiting: BTreeMap::new(),
        });
        self.by_author.insert(author, ix);
        self.lines[line].join(ix, &author);
        ix
    }

    /// Returns the line of a tag, which need not have any chain yet.
    pub(crate) fn line(&mut self, tag: AuthorTag) -> LineIx {
        *self.by_tag.entry(tag).or_insert_with(|| self.lines.push(Line { tag, members: Vec::new(), trunk: None }))
    }

    /// Returns the line of a tag, if anything is known about it.
    pub(crate) fn find_line(&self, tag: AuthorTag) -> Option<LineIx> {
        self.by_tag.get(&tag).copied()
    }

    pub(crate) fn find(&self, author: &Author) -> Option<ChainIx> {
        self.by_author.get(author).copied()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (ChainIx, &Chain)> {
        self.all.iter()
    }

    /// Returns the last entry applied of a chain, 0 if none.
    pub(crate) fn last(&self, chain: ChainIx) -> u64 {
        self.all[chain].last
    }

    /// Returns the chain that entry `seq` of this chain belongs to: itself, or below a fork an ancestor.
    fn owner(&self, chain: ChainIx, seq: u64) -> ChainIx {
        let mut owner = chain;
        while let Some((parent, until)) = self.all[owner].parent
            && seq < until
        {
            owner = parent;
        }
        owner
    }

    /// Tells whether the entry lies on this chain or what it branched off, at `upto` or before.
    pub(crate) fn on_chain(&self, chain: ChainIx, upto: u64, at: At) -> bool {
        at.seq() <= upto && self.owner(chain, at.seq()) == at.chain()
    }

    /// Returns what is known about entry `seq` of this chain.
    pub(crate) fn own(&self, chain: ChainIx, seq: u64) -> Option<Known> {
        self.all[self.owner(chain, seq)].entries.get(seq)
    }

    pub(crate) fn known(&self, at: At) -> Option<Known> {
        self.all[at.chain()].entries.get(at.seq())
    }

    /// Returns the name by which other authors' payloads mean this entry.
    pub(crate) fn name(&self, at: At) -> Option<Name> {
        let hash = self.known(at)?.hash;
        Some(Name { line: self.all[at.chain()].line, seq: at.seq(), hash })
    }

    /// Returns the name of entry `seq` of this chain.
    pub(crate) fn own_name(&self, chain: ChainIx, seq: u64) -> Option<Name> {
        let hash = self.own(chain, seq)?.hash;
        Some(Name { line: self.all[chain].line, seq, hash })
    }

    pub(crate) fn other_ref(&self, at: At) -> Option<OtherRef> {
        self.name(at).map(|name| OtherRef { author: self.lines[name.line].tag, seq: name.seq, hash: name.hash })
    }

    pub(crate) fn line_of(&self, at: At) -> LineIx {
        self.all[at.chain()].line
    }

    pub(crate) fn is_forked(&self, line: LineIx) -> bool {
        self.lines[line].members.len() > 1
    }

    /// Iterates over the entries that have this name: one at most, unless an author forged two branches with equal hash tags.
    pub(crate) fn named(&self, name: Name) -> impl Iterator<Item = (At, Known)> {
        self.lines[name.line].members.iter().filter_map(move |&chain| {
            let known = self.all[chain].entries.get(name.seq)?;
            if known.hash == name.hash { Some((At::new(chain, name.seq)?, known)) } else { None }
        })
    }

    /// Tells whether whoever names this entry as the last it saw had seen the entry `at`.
    ///
    /// If the named entry is there: all of its chain up to it. If it is not: all of the trunk up to its number, unless the
    /// trunk's entry of that number is another one, so that a branch is meant which isn't known here.
    pub(crate) fn covers(&self, name: Name, at: At) -> bool {
        if at.seq() > name.seq || self.all[at.chain()].line != name.line {
            return false;
        }
        let mut named = self.named(name).peekable();
        if named.peek().is_some() {
            return named.any(|(last, _)| self.on_chain(last.chain(), last.seq(), at));
        }
        self.lines[name.line].trunk == Some(at.chain()) && self.all[at.chain()].entries.get(name.seq).is_none()
    }

    /// Tells whether nothing that may still arrive changes what this name [covers](Self::covers): the named entry stands on the trunk.
    /// On a branch another branch may turn up whose author forged an equal name.
    pub(crate) fn is_final(&self, name: Name) -> bool {
        let trunk = self.lines[name.line].trunk;
        trunk.and_then(|trunk| self.all[trunk].entries.get(name.seq)).is_some_and(|known| known.hash == name.hash)
    }

    pub(crate) fn hlc(&self, at: At) -> Hlc {
        self.all[at.chain()].entries.hlc(at.seq())
    }

    pub(crate) fn stamp(&self, at: At) -> Stamp {
        let author = self.all[at.chain()].author;
        Stamp { hlc: self.hlc(at), dot: Dot { author, seq: Seq(at.seq()) } }
    }

    /// Notes that this entry carries the text of a label.
    pub(crate) fn carry_label(&mut self, at: At, label: LabelIx) {
        let chain = &mut self.all[at.chain()];
        chain.labels.insert(at.seq(), label);
        chain.label_entries.entry(label).or_insert(at.seq());
    }

    /// Returns the label whose text the own entry `seq` carries.
    pub(crate) fn label_at(&self, chain: ChainIx, seq: u64) -> Option<LabelIx> {
        self.all[self.owner(chain, seq)].labels.get(&seq).copied()
    }

    /// Returns the own entry that carries the text of this label. Those below a fork are not looked for: nobody goes on writing a branch.
    pub(crate) fn label_entry(&self, chain: ChainIx, label: LabelIx) -> Option<u64> {
        self.all[chain].label_entries.get(&label).copied()
    }

    /// Notes that this entry carries a vector.
    pub(crate) fn carry_seen(&mut self, at: At, seen: SeenIx) {
        let chain = &mut self.all[at.chain()];
        chain.seens.insert(at.seq(), seen);
        chain.last_seen = Some(at.seq());
    }

    /// Returns the vector that the own entry `seq` carries.
    pub(crate) fn seen_at(&self, chain: ChainIx, seq: u64) -> Option<SeenIx> {
        self.all[self.owner(chain, seq)].seens.get(&seq).copied()
    }

    /// Returns the last own entry that carries a vector.
    pub(crate) fn last_seen(&self, chain: ChainIx) -> Option<(u64, SeenIx)> {
        let seq = self.all[chain].last_seen?;
        Some((seq, self.seen_at(chain, seq)?))
    }

    /// Notes that the entry names one more node that hasn't arrived.
    pub(crate) fn wait(&mut self, at: At) {
        *self.all[at.chain()].waiting.entry(at.seq()).or_insert(0) += 1;
    }

    /// Notes that one node that the entry names has arrived.
    pub(crate) fn arrived(&mut self, at: At) {
        if let std::collections::btree_map::Entry::Occupied(mut entry) = self.all[at.chain()].waiting.entry(at.seq()) {
            *entry.get_mut() -= 1;
            if *entry.get() == 0 {
                entry.remove();
            }
        }
    }

    pub(crate) fn count_waiting(&self) -> usize {
        self.all.iter().map(|(_, chain)| chain.waiting.len()).sum()
    }

    /// Returns the chain on which the named entry stands; if it isn't there, the trunk.
    pub(crate) fn chain_named(&self, name: Name) -> Option<ChainIx> {
        self.named(name).next().map(|(at, _)| at.chain()).or(self.lines[name.line].trunk)
    }

    /// Tells whether `part` is this chain or one that it branched off.
    pub(crate) fn is_part(&self, part: ChainIx, chain: ChainIx) -> bool {
        let parents = std::iter::successors(Some(chain), |chain| self.all[*chain].parent.map(|(parent, _)| parent));
        parents.into_iter().any(|one| one == part)
    }

    /// Returns the number of the first waiting entry of this chain at `upto` or before.
    pub(crate) fn first_waiting(&self, chain: ChainIx, upto: u64) -> Option<u64> {
        let own = self.all[chain].waiting.first_key_value().map(|(seq, _)| *seq).filter(|seq| *seq <= upto);
        let below = self.all[chain]
            .parent
            .and_then(|(parent, until)| self.first_waiting(parent, upto.min(until.saturating_sub(1))));
        below.or(own)
    }

    /// Returns the last entry of this chain that is there, at `upto` or before.
    pub(crate) fn last_until(&self, chain: ChainIx, upto: u64) -> Option<At> {
        if let Some(seq) = self.all[chain].entries.last_until(upto) {
            return At::new(chain, seq);
        }
        let (parent, until) = self.all[chain].parent?;
        self.last_until(parent, upto.min(until.saturating_sub(1)))
    }
}
