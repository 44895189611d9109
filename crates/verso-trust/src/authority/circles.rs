//! Removals that cut each other off: mutual revocations, and longer circles.
//!
//! First, a removal never cuts off a grant that it rests on itself (*"you let me in; now you are out, as if you had never said
//! anything"*): that grant is spared. Then, of the removals in a circle the one by the most senior author counts, and those
//! that stand in its way are void: whatever cuts off its own entry, or a grant that it rests on. Only who is trusted for reasons
//! outside the circle has a rank, so who was only let in by one of those in dispute is the junior of all others.

use std::collections::{BTreeMap, BTreeSet};

use verso_identity::DeviceId;
use verso_vv::{EntryHash, Hlc};

use crate::event::EventContext;

use super::{Act, Authority, Effect, GrantRef, Model, Seniority, get, list};

/// What was ruled to break circles.
#[derive(Debug, Default)]
pub(super) struct Rulings {
    /// Removals that stood in the way of a senior's.
    void: BTreeSet<usize>,
    /// Pairs of a grant and a removal that rests on it and would cut it off: it doesn't.
    spared: BTreeSet<(usize, usize)>,
}

impl Rulings {
    pub(super) fn is_void(&self, act: usize) -> bool {
        self.void.contains(&act)
    }

    /// Returns `removing` without the removals that a grant is spared from; `None` if there are none.
    pub(super) fn without_spared(&self, grant: usize, removing: &[bool]) -> Option<Vec<bool>> {
        let mut spared_from =
            self.spared.range((grant, 0)..=(grant, usize::MAX)).map(|(_, removal)| *removal).peekable();
        spared_from.peek()?;
        let mut rest = removing.to_vec();
        spared_from.for_each(|removal| super::set(&mut rest, removal, false));
        Some(rest)
    }
}

/// What one open act depends on among the open acts.
#[derive(Debug)]
struct Needs {
    /// Grants by which it was found to be possible.
    grants: BTreeSet<usize>,
    /// Removals that cut it off.
    removals: BTreeSet<usize>,
}

/// The open acts and what they depend on.
#[derive(Debug)]
struct Dispute {
    needs: BTreeMap<usize, Needs>,
}

impl Dispute {
    /// Returns everything that `act` depends on; itself only if that leads back to it.
    fn behind(&self, act: usize) -> BTreeSet<usize> {
        reached(act, |act| {
            let needs = self.needs.get(&act).into_iter();
            needs.flat_map(|needs| needs.grants.iter().chain(&needs.removals)).copied().collect()
        })
    }

    /// Returns what stands in a removal's way: pairs of itself or a grant that it rests on, and a removal that cuts that off.
    fn against(&self, removal: usize) -> Vec<(usize, usize)> {
        let grants = |act| self.needs.get(&act).map(|needs| needs.grants.clone()).unwrap_or_default();
        let mut rests_on = reached(removal, grants);
        rests_on.insert(removal);
        let needs = rests_on.into_iter().filter_map(|act| self.needs.get(&act).map(|needs| (act, needs)));
        needs.flat_map(|(act, needs)| needs.removals.iter().map(move |removal| (act, *removal))).collect()
    }
}

impl Authority {
    /// Rules on one circle; `false` if nothing is open.
    ///
    /// Every ruling leaves less open: were none of the grants by which an open act was found cut off by an open removal, nor the
    /// act itself, it would be certain.
    pub(super) fn break_circle(&self, model: &Model, rulings: &mut Rulings, seniority: Seniority) -> bool {
        let open = (0..self.acts.len()).filter(|act| model.is_open(*act));
        let needs =
            |act| Needs { grants: self.found_by(act, model), removals: self.open_removals(act, model, rulings) };
        let dispute = Dispute { needs: open.map(|act| (act, needs(act))).collect() };
        // The removal with the fewest others behind it lies in a circle that waits for nothing outside itself.
        let removals = dispute.needs.keys().copied().filter(|act| self.is_removal(*act));
        let Some(mut circle) = removals.map(|act| dispute.behind(act)).min_by_key(BTreeSet::len) else { return false };
        circle.retain(|act| self.is_removal(*act));

        let mut spared: BTreeSet<(usize, usize)> = BTreeSet::new();
        for removal in &circle {
            spared.extend(dispute.against(*removal).into_iter().filter(|(_, against)| against == removal));
        }
        if !spared.is_empty() {
            rulings.spared.extend(spared);
            return true;
        }

        let line = seniority(self.root, &self.all_grants_in(&model.certain));
        let ranks: BTreeMap<DeviceId, usize> =
            line.into_iter().enumerate().map(|(rank, device)| (device, rank)).collect();
        let rank = |act: &usize| self.acts.get(*act).map(|act| rank_of(act, &ranks));
        let Some(senior) = circle.into_iter().min_by_key(rank) else { return false };
        let overruled: BTreeSet<usize> = dispute.against(senior).into_iter().map(|(_, removal)| removal).collect();
        let is_progress = !overruled.is_empty();
        rulings.void.extend(overruled);
        is_progress
    }

    /// Returns the open removals that cut an act off and aren't certainly answered.
    fn open_removals(&self, act: usize, model: &Model, rulings: &Rulings) -> BTreeSet<usize> {
        let Some(Act { context, need, .. }) = self.acts.get(act) else { return BTreeSet::new() };
        let certain = self.grants_in(&context.author.device, &model.certain);
        let open = list(&self.removals, &context.author.device).iter().copied();
        open.filter(|removal| model.is_open(*removal) && !rulings.spared.contains(&(act, *removal)))
            .filter(|removal| {
                let mut alone = vec![false; self.acts.len()];
                super::set(&mut alone, *removal, true);
                // Without a certain grant nothing is answered, and only the cut tells.
                let is_cut = context.seq > self.cut(*removal, &context.author);
                is_cut && !self.allowed(&context.author, *need, &certain, &alone).contains(context.seq)
            })
            .collect()
    }

    /// Returns the open grants by which an act was first found to be possible: the first that gives what it needs, and for each certain
    /// removal the first that answers it.
    fn found_by(&self, act: usize, model: &Model) -> BTreeSet<usize> {
        let order = |act: usize| model.possible.order.get(act).copied().unwrap_or(usize::MAX);
        let Some(Act { context, need, .. }) = self.acts.get(act) else { return BTreeSet::new() };
        let EventContext { author, seq, .. } = context;
        let mut earlier: Vec<GrantRef> = self.grants_in(&author.device, &model.possible.acts);
        earlier.retain(|grant| {
            let is_earlier = match grant {
                GrantRef::Root => true,
                GrantRef::Act(index) => order(*index) < order(act),
            };
            is_earlier && self.meets(*grant, *need)
        });
        earlier.sort_unstable_by_key(|grant| match grant {
            GrantRef::Root => None,
            GrantRef::Act(index) => Some(order(*index)),
        });
        let removals = list(&self.removals, &author.device).iter().filter(|removal| get(&model.certain, **removal));
        let answers = removals.filter(|removal| *seq > self.cut(**removal, author)).filter_map(|removal| {
            let resumes = |grant: &&GrantRef| self.resumed(**grant, author).is_some_and(|resumed| *seq >= resumed);
            earlier.iter().filter(|grant| self.answers(**grant, *removal)).find(resumes)
        });
        let first = earlier.first();
        let found_by = first.into_iter().chain(answers).filter_map(|grant| match grant {
            GrantRef::Root => None,
            GrantRef::Act(index) => Some(*index),
        });
        found_by.filter(|grant| model.is_open(*grant)).collect()
    }

    fn is_removal(&self, act: usize) -> bool {
        self.acts.get(act).is_some_and(|act| matches!(act.effect, Effect::Removal { .. }))
    }
}

/// Returns everything that is reached from `act` by steps.
fn reached(act: usize, step: impl Fn(usize) -> BTreeSet<usize>) -> BTreeSet<usize> {
    let mut found: BTreeSet<usize> = BTreeSet::new();
    let mut next = vec![act];
    while let Some(act) = next.pop() {
        next.extend(step(act).into_iter().filter(|other| found.insert(*other)));
    }
    found
}

/// Orders removals, the most senior author's first; among those of no rank or the same author by time.
fn rank_of(act: &Act, ranks: &BTreeMap<DeviceId, usize>) -> (usize, Hlc, EntryHash) {
    let rank = ranks.get(&act.context.author.device).copied().unwrap_or(usize::MAX);
    (rank, act.context.hlc, act.context.hash)
}
