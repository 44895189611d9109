//! [`Application`]: what turns intents into payloads and entries into state, for any crate that brings its own intents.

use verso_vv::{Author, AuthorTag, Dot, EntryHash, Hlc, Seen, Seq};

use crate::entry::EntryKind;

/// The state that entries build, generic over what they mean.
///
/// Guaranteed to it: each author's entries come in order, each once, and only those that the membership lets through. The order among
/// authors is arbitrary and differs between devices, so the state must be a function of the set of entries.
pub trait Application: Default + Send + 'static {
    /// What a user does.
    type Intent: Send + 'static;
    /// Why an intent can't be recorded.
    type Rejected: std::error::Error + Send + Sync + 'static;

    /// The version of what [`snapshot`](Self::snapshot) writes; `None` if it writes nothing, so that the state is built from its entries
    /// at every start. To be changed with every change of the bytes, and of what the same entries add up to.
    const SNAPSHOTS: Option<u32> = None;

    /// Encodes a batch of intents into payloads. Their entries get the numbers `context.next` and following. The state doesn't change: what
    /// is recorded comes back through [`apply`](Self::apply).
    ///
    /// # Errors
    /// [`Rejected`](Self::Rejected) if one of them makes no sense; then none is recorded, and what was pushed to `out` is dropped.
    fn encode(&self, intents: &[Self::Intent], context: &Drafting<'_>, out: &mut Drafts) -> Result<(), Self::Rejected>;

    /// Applies one entry. It can't fail: a malformed payload of an admitted author is ignored, by every device alike, and counted.
    fn apply(&mut self, entry: &AppliedEntry<'_>);

    /// Returns the name that the workspace shows, if it has one.
    fn name(&self) -> Option<&str>;

    /// Makes the intent that renames the workspace.
    fn rename(name: &str) -> Self::Intent;

    /// Returns what came to be decided by people, and what no longer is, since this was last asked. An application that has no conflicts leaves it
    /// as it is.
    fn take_conflict_changes(&mut self) -> ConflictChanges {
        ConflictChanges::default()
    }

    /// Describes entries that are held and not applied, for people who decide what becomes of them: as many descriptions as there are entries, in their
    /// order, which is each author's own. They may name one another.
    fn describe(&self, held: &[AppliedEntry<'_>]) -> Vec<Description> {
        let number = |entry: &AppliedEntry<'_>| Description {
            text: format!("entry of kind {}", entry.kind.0),
            needs: Vec::new(),
        };
        held.iter().map(number).collect()
    }

    /// Returns the applied entries that wait for one of these, which are held and not applied: what they did shows once those are there.
    fn waiting_for(&self, _held: &[AppliedEntry<'_>]) -> Vec<Dot> {
        Vec::new()
    }

    /// Digests the canonical state: equal on two devices exactly if they applied the same entries.
    fn digest(&self) -> [u8; 32];

    /// Appends the whole state: all that later entries depend on, not only what is shown.
    fn snapshot(&self, _out: &mut Vec<u8>) {}

    /// Takes back a state that [`snapshot`](Self::snapshot) wrote; what is applied to it from then on has the same effect as on that. `None`
    /// if the bytes are none of this version's; it never panics, and takes memory in proportion to their number.
    fn restore(_snapshot: &[u8]) -> Option<Self> {
        None
    }
}

/// What an entry would do, for people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Description {
    /// In words. It holds what people wrote, so it is to be shown with care.
    pub text: String,
    /// Which entries it makes no sense without: those that made what it is about.
    pub needs: Vec<Dot>,
}

/// Conflicts that opened and that were resolved, by the names that the application gives them. The other layers pass them on and know no
/// more of them. One that opened and was resolved in between is not among them.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ConflictChanges {
    /// What is to be decided and was not before.
    pub opened: Vec<String>,
    /// What was to be decided and is no longer.
    pub resolved: Vec<String>,
}

/// Where and with what knowledge entries are about to be written.
#[derive(Debug, Clone, Copy)]
pub struct Drafting<'a> {
    /// Who writes.
    pub author: Author,
    /// The same as payloads name it.
    pub tag: AuthorTag,
    /// The number that the first entry gets.
    pub next: Seq,
    /// What is applied here at this time.
    pub seen: &'a Seen,
    /// Milliseconds of the clock that will stamp the entries.
    pub hlc_ms: u64,
}

/// Payloads that are about to become entries, in one buffer.
#[derive(Debug, Default)]
pub struct Drafts {
    /// Of each draft its kind and where its payload ends.
    drafts: Vec<(EntryKind, usize)>,
    payloads: Vec<u8>,
}

impl Drafts {
    /// Makes an empty list.
    pub fn new() -> Self {
        Self::default()
    }

    /// Appends a payload.
    pub fn push(&mut self, kind: EntryKind, payload: &[u8]) {
        self.push_with(kind, |out| out.extend_from_slice(payload));
    }

    /// Appends the payload that `write` appends to the buffer it is given. It must only append.
    pub fn push_with(&mut self, kind: EntryKind, write: impl FnOnce(&mut Vec<u8>)) {
        write(&mut self.payloads);
        self.drafts.push((kind, self.payloads.len()));
    }

    /// Counts the payloads.
    pub fn len(&self) -> usize {
        self.drafts.len()
    }

    /// Tells whether there is none.
    pub fn is_empty(&self) -> bool {
        self.drafts.is_empty()
    }

    /// Empties the list and keeps its memory.
    pub fn clear(&mut self) {
        self.drafts.clear();
        self.payloads.clear();
    }

    /// Iterates over kinds and payloads in the order in which they were pushed.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (EntryKind, &[u8])> {
        let mut start = 0;
        self.drafts.iter().map(move |&(kind, end)| {
            // Payloads lie one behind another; one that shrank the buffer would show as an empty payload, never as a panic.
            let payload = self.payloads.get(start..end).unwrap_or_default();
            start = end;
            (kind, payload)
        })
    }
}

/// An entry on its way to the application.
#[derive(Debug, Clone, Copy)]
pub struct AppliedEntry<'a> {
    /// Its address: author (on a branch the derived one) and number.
    pub dot: Dot,
    /// The author that signed it, as payloads name it.
    pub tag: AuthorTag,
    /// Its identity.
    pub hash: EntryHash,
    /// What it is about.
    pub kind: EntryKind,
    /// When it was written.
    pub hlc: Hlc,
    /// What was written.
    pub payload: &'a [u8],
    /// Authors to whom earlier parts of this chain belong, if it was forked; ascending.
    pub ancestors: &'a [Ancestor],
}

/// The author of an earlier part of a forked chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ancestor {
    /// Whose part it is.
    pub author: Author,
    /// The first entry that is no longer part of it.
    pub until: Seq,
}

impl AppliedEntry<'_> {
    /// Returns to whom entry `seq` of this entry's own chain belongs. A payload names entries of its own chain by bare numbers; below a fork
    /// they are the trunk's.
    pub fn author_at(&self, seq: Seq) -> Author {
        self.ancestors.iter().find(|ancestor| seq < ancestor.until).map_or(self.dot.author, |ancestor| ancestor.author)
    }
}
