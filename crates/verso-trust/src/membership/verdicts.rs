//! What owners decided about entries past a cut: kept, discarded, and given up by all.
//!
//! A keep yields only to a discard that has seen it, so of two that are decided at once the keep wins. That is why content must not go
//! with the first discard: a keep may be on its way. Once every owner's device has discarded the same entries itself, none can be:
//! then they are *given up*, applied nowhere whatever else is in the log, and their content may go.

use std::collections::{BTreeMap, BTreeSet};

use verso_identity::DeviceId;
use verso_vv::Author;

use super::event::{MembershipChange, Run};
use crate::admission::Admissions;
use crate::event::EventContext;
use crate::events::{Event, EventSet};
use crate::ranges::Ranges;

type Record = Event<MembershipChange>;
type ByAuthor = BTreeMap<Author, Ranges>;

/// The verdicts on entries past cuts.
#[derive(Debug, Clone, Default)]
pub(super) struct Verdicts {
    kept: ByAuthor,
    discarded: ByAuthor,
    given_up: ByAuthor,
    /// What each device has discarded, also where its word did not count.
    said: BTreeMap<DeviceId, ByAuthor>,
}

impl Verdicts {
    /// Folds the keeps and discards `by_owners`. `owners` are the devices that own the workspace now, each with the events that vouch for it.
    pub(super) fn fold(
        events: &EventSet<MembershipChange>,
        by_owners: &[&Record],
        owners: &BTreeMap<DeviceId, Vec<EventContext>>,
    ) -> Self {
        let mut keeps: Vec<(&Record, Run)> = Vec::new();
        let mut discards: Vec<(&Record, Run)> = Vec::new();
        for event in by_owners {
            match &event.change {
                MembershipChange::Keep(keep) => keeps.extend(parts(events, keep.run).map(|run| (*event, run))),
                MembershipChange::Discard(discard) => {
                    discards.extend(parts(events, discard.run).map(|run| (*event, run)));
                }
                _ => {}
            }
        }
        let mut verdicts = Self::default();
        for (keep, run) in &keeps {
            let mut left = range(run);
            for (discard, gone) in &discards {
                if gone.author == run.author && events.sees(discard, &keep.context) {
                    left = left.without(gone.first, gone.last);
                }
            }
            add(&mut verdicts.kept, run.author, &left);
        }
        if discards.is_empty() {
            return verdicts;
        }
        for (_, run) in &discards {
            add(&mut verdicts.discarded, run.author, &range(run));
        }
        verdicts.given_up = given_up(events, &discards, owners);
        for event in events.iter() {
            if let MembershipChange::Discard(discard) = &event.change {
                let said = verdicts.said.entry(event.context.author.device).or_default();
                parts(events, discard.run).for_each(|run| add(said, run.author, &range(&run)));
            }
        }
        verdicts
    }

    /// Applies the verdicts to what a chain is admitted with.
    pub(super) fn rule(&self, author: &Author, admissions: &mut Admissions) {
        if let Some(kept) = self.kept.get(author) {
            admissions.applied = admissions.applied.union(kept);
        }
        if let Some(given_up) = self.given_up.get(author) {
            admissions.applied = admissions.applied.minus(given_up);
            admissions.given_up = given_up.clone();
        }
        admissions.discarded = self.discarded.get(author).cloned().unwrap_or_default();
    }

    /// Iterates over the authors of whom something was discarded.
    pub(super) fn authors(&self) -> impl Iterator<Item = &Author> {
        self.discarded.keys()
    }

    /// Iterates over the authors of whom something was given up.
    pub(super) fn given_up(&self) -> impl Iterator<Item = &Author> {
        self.given_up.keys()
    }

    /// Returns what of `author`'s was discarded, is neither kept nor `applied`, and was never discarded by this device.
    pub(super) fn unconfirmed(&self, me: &DeviceId, author: &Author, applied: &Ranges) -> Ranges {
        let none = Ranges::default();
        let of = |by: Option<&ByAuthor>| by.and_then(|by| by.get(author)).unwrap_or(&none).clone();
        let rest = of(Some(&self.discarded)).minus(&of(Some(&self.kept))).minus(applied);
        rest.minus(&of(self.said.get(me)))
    }
}

/// Returns what every owner's device has discarded. One that was vouched for only by who knew of the discards need not say so: whatever it writes
/// is written after them.
fn given_up(
    events: &EventSet<MembershipChange>,
    discards: &[(&Record, Run)],
    owners: &BTreeMap<DeviceId, Vec<EventContext>>,
) -> ByAuthor {
    let authors: BTreeSet<Author> = discards.iter().map(|(_, run)| run.author).collect();
    let all = |author: &Author, is_one: &dyn Fn(&Record) -> bool| -> Ranges {
        let runs = discards.iter().filter(|(discard, run)| run.author == *author && is_one(discard));
        runs.map(|(_, run)| (run.first, run.last)).collect()
    };
    let by_all = |author: Author| {
        let mut ranges = all(&author, &|_| true);
        for (device, vouches) in owners {
            let own = all(&author, &|discard| discard.context.author.device == *device);
            let known = |vouch: &EventContext| {
                let event = events.get(vouch);
                all(&author, &|discard| event.is_some_and(|event| events.sees(event, &discard.context)))
            };
            let known_to_all = vouches.iter().map(known).reduce(|one, other| one.intersection(&other));
            ranges = ranges.intersection(&own.union(&known_to_all.unwrap_or_default()));
        }
        (author, ranges)
    };
    authors.into_iter().map(by_all).filter(|(_, ranges)| !ranges.as_slice().is_empty()).collect()
}

fn range(run: &Run) -> Ranges {
    Ranges::from_iter([(run.first, run.last)])
}

fn add(to: &mut ByAuthor, author: Author, runs: &Ranges) {
    let known = to.entry(author).or_default();
    *known = known.union(runs);
}

/// Returns the parts of a run that belong to different authors since the chain was found to be forked.
fn parts(events: &EventSet<MembershipChange>, run: Run) -> impl Iterator<Item = Run> {
    let mut first = run.first;
    let parts = events.branches.parts(&run.author, run.last, &run.hash).into_iter();
    parts.filter_map(move |(author, last)| {
        let part = Run { author, first, last, ..run };
        first = first.max(last.next());
        (part.first <= last).then_some(part)
    })
}
