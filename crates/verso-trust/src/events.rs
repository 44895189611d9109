//! The set of events that a fold is a function of, and the causal order among them.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use verso_vv::{Author, Branches, EntryHash, HashTag, Seen, SeenItem, Seq};

use crate::event::{Cut, EventContext};

/// One event with its place in the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Event<C> {
    pub(crate) context: EventContext,
    pub(crate) seen: Seen,
    pub(crate) change: C,
}

/// A set of events, ordered by chain. The hash is part of the key, so two events that claim one dot are both in the set,
/// whichever came first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct EventSet<C> {
    events: BTreeMap<(Author, Seq, EntryHash), Event<C>>,
    /// Whose chain an item of a `seen` vector means.
    authors: BTreeMap<SeenItem, Author>,
    /// Which authors are branches of forked chains.
    pub(crate) branches: Branches,
}

impl<C> EventSet<C> {
    pub(crate) const fn new() -> Self {
        Self { events: BTreeMap::new(), authors: BTreeMap::new(), branches: Branches::new() }
    }

    /// Adds an event; `false` if it was there.
    pub(crate) fn insert(&mut self, event: Event<C>) -> bool {
        let EventContext { author, seq, hash, tag, .. } = event.context;
        let is_new = !self.events.contains_key(&(author, seq, hash));
        if is_new {
            self.authors.insert(SeenItem { author: tag, seq, tag: hash.tag() }, author);
            self.events.insert((author, seq, hash), event);
        }
        is_new
    }

    pub(crate) fn get(&self, context: &EventContext) -> Option<&Event<C>> {
        self.events.get(&(context.author, context.seq, context.hash))
    }

    pub(crate) fn iter(&self) -> impl DoubleEndedIterator<Item = &Event<C>> {
        self.events.values()
    }

    /// Returns the vector of these events as a new event carries it: for each chain the last event that `counts`.
    pub(crate) fn seen(&self, counts: impl Fn(&EventContext) -> bool) -> Seen {
        let mut heads: BTreeMap<Author, SeenItem> = BTreeMap::new();
        for EventContext { author, seq, hash, tag, .. } in
            self.iter().map(|event| &event.context).filter(|context| counts(context))
        {
            heads.insert(*author, SeenItem { author: *tag, seq: *seq, tag: hash.tag() });
        }
        Seen::new(heads.into_values())
    }

    /// Tells whether the author of `event` had seen `other`. An event has seen itself.
    ///
    /// An item counts only if the event that it names, hash and all, is in the set. So nobody can claim to have seen what
    /// isn't written yet, and on a forked chain an item means the branch that it names.
    pub(crate) fn sees(&self, event: &Event<C>, other: &EventContext) -> bool {
        let own = &event.context;
        let in_chain = own.author == other.author && other.seq <= own.seq;
        in_chain || self.in_line(&own.author, own.seq, other) || {
            let items = event.seen.items();
            let at_least = SeenItem { author: other.tag, seq: other.seq, tag: HashTag([0; 4]) };
            let start = items.partition_point(|item| *item < at_least);
            items.iter().skip(start).take_while(|item| item.author == other.tag).any(|item| {
                let same =
                    |author: &Author| *author == other.author && (item.seq > other.seq || item.tag == other.hash.tag());
                let covers = |author: &Author| same(author) || self.in_line(author, item.seq, other);
                self.authors.get(item).is_some_and(covers)
            })
        }
    }

    /// Returns where chains end by these cuts, under the names that the chains have now.
    pub(crate) fn cuts(&self, cuts: &[Cut]) -> BTreeMap<Author, Seq> {
        let mut ends: BTreeMap<Author, Seq> = BTreeMap::new();
        for (author, seq) in cuts.iter().flat_map(|cut| self.branches.parts(&cut.author, cut.seq, &cut.hash)) {
            let end = ends.entry(author).or_default();
            *end = (*end).max(seq);
        }
        ends
    }

    /// Tells whether `other` lies before entry `seq` of `author`'s chain in the part that is an ancestor's.
    fn in_line(&self, author: &Author, seq: Seq, other: &EventContext) -> bool {
        other.seq < seq && self.branches.until(author, &other.author).is_some_and(|until| other.seq < until)
    }

    /// Returns those of the events that none of the others has seen: of one register, the values that nobody has replaced.
    pub(crate) fn newest<'a>(&self, events: impl IntoIterator<Item = &'a Event<C>>) -> Vec<&'a Event<C>>
    where
        C: 'a,
    {
        let heads = heads(events);
        heads.iter().filter(|event| !self.is_replaced(event, &heads)).copied().collect()
    }

    /// Returns the one event that a register shows: of those that nobody has replaced the latest by clock, and by hash where
    /// clocks tie. As a rule that is the first that is looked at, so it costs a comparison for each chain, and not for each two.
    pub(crate) fn latest<'a>(&self, events: impl IntoIterator<Item = &'a Event<C>>) -> Option<&'a Event<C>>
    where
        C: 'a,
    {
        let mut heads = heads(events);
        heads.sort_by_key(|event| Reverse((event.context.hlc, event.context.hash)));
        heads.iter().find(|event| !self.is_replaced(event, &heads)).copied()
    }

    /// Tells whether another of the events has seen this one.
    fn is_replaced(&self, event: &Event<C>, by: &[&Event<C>]) -> bool {
        by.iter().any(|other| other.context != event.context && self.sees(other, &event.context))
    }
}

/// Of each chain the last of the events: within a chain it stands for all before it, which keeps the comparison of each with each small.
fn heads<'a, C>(events: impl IntoIterator<Item = &'a Event<C>>) -> Vec<&'a Event<C>> {
    let mut heads: BTreeMap<Author, &Event<C>> = BTreeMap::new();
    for event in events {
        let head = heads.entry(event.context.author).or_insert(event);
        if (event.context.seq, event.context.hash) > (head.context.seq, head.context.hash) {
            *head = event;
        }
    }
    heads.into_values().collect()
}

#[cfg(test)]
mod tests {
    use verso_identity::DeviceId;
    use verso_vv::{AuthorTag, Hlc, Incarnation};

    use super::*;

    fn author(incarnation: u64) -> Author {
        Author { device: DeviceId::from_bytes([1; 32]), incarnation: Incarnation(incarnation) }
    }

    fn context(author: Author, tag: AuthorTag, seq: u64, hash: u8) -> EventContext {
        EventContext { author, seq: Seq(seq), hash: EntryHash([hash; 32]), hlc: Hlc::default(), tag }
    }

    fn item(tag: AuthorTag, seq: u64, hash: u8) -> SeenItem {
        SeenItem { author: tag, seq: Seq(seq), tag: HashTag([hash; 4]) }
    }

    fn set(contexts: &[EventContext]) -> EventSet<()> {
        let mut set = EventSet::new();
        for context in contexts {
            set.insert(Event { context: *context, seen: Seen::default(), change: () });
        }
        set
    }

    fn event(seen: impl IntoIterator<Item = SeenItem>) -> Event<()> {
        let writer = author(99);
        Event { context: context(writer, AuthorTag::of(&writer), 1, 99), seen: Seen::new(seen), change: () }
    }

    #[test]
    fn an_item_covers_the_chain_before_it() {
        let (chain, tag) = (author(1), AuthorTag::of(&author(1)));
        let contexts = [1, 2, 3].map(|seq| context(chain, tag, seq, u8::try_from(seq).unwrap()));
        let set = set(&contexts);
        let seen = contexts.map(|context| set.sees(&event([item(tag, 2, 2)]), &context));
        assert_eq!(seen, [true, true, false]);
    }

    #[test]
    fn an_item_that_names_no_event_counts_for_nothing() {
        let (chain, tag) = (author(1), AuthorTag::of(&author(1)));
        let set = set(&[context(chain, tag, 1, 1), context(chain, tag, 2, 2)]);
        for claim in [item(tag, u64::MAX, 1), item(tag, 2, 9), item(tag, 3, 3)] {
            assert!(!set.sees(&event([claim]), &context(chain, tag, 1, 1)), "{claim:?}");
        }
    }

    #[test]
    fn on_a_forked_chain_an_item_means_the_branch_that_it_names() {
        // A chain whose second entry exists twice: both branches are authors of their own, under the tag of who signed.
        let (trunk, left, right, tag) = (author(1), author(2), author(3), AuthorTag::of(&author(1)));
        let [root, one, other] = [context(trunk, tag, 1, 1), context(left, tag, 2, 2), context(right, tag, 2, 3)];
        let mut set = set(&[root, one, other]);
        for branch in [left, right] {
            set.branches.insert(branch, trunk, Seq(2));
        }
        let by_left = event([item(tag, 2, 2)]);
        assert!(set.sees(&by_left, &root) && set.sees(&by_left, &one) && !set.sees(&by_left, &other));
        let on_branch = Event { context: context(right, tag, 3, 4), seen: Seen::default(), change: () };
        assert!(set.sees(&on_branch, &root) && set.sees(&on_branch, &other) && !set.sees(&on_branch, &one));
    }

    #[test]
    fn of_two_events_at_one_dot_an_item_means_the_one_with_its_hash() {
        let (chain, tag) = (author(1), AuthorTag::of(&author(1)));
        let [one, other] = [context(chain, tag, 1, 1), context(chain, tag, 1, 2)];
        let set = set(&[one, other]);
        assert!(set.sees(&event([item(tag, 1, 1)]), &one) && !set.sees(&event([item(tag, 1, 1)]), &other));
    }
}
