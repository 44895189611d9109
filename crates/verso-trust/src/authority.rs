//! Whose word counts: the resolution of grants and removals, which both folds share.
//!
//! An event counts if its author's device was granted what the event needs, and every removal of that device that counts either leaves
//! the event in front of its cut, or was answered by a grant that had seen it and that the event's chain had seen in turn. Grants
//! and removals are events themselves. Read as rules this is a logic program: grants support, removals negate. Its *well-founded
//! model* (Van Gelder, Ross, Schlipf 1991), computed by the alternating fixpoint, decides everything but circles of removals
//! that cut each other off. Those are decided by seniority, in [`circles`].

mod circles;

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use verso_identity::DeviceId;
use verso_vv::{Author, Branches, Seq};

use crate::event::EventContext;
use crate::events::{Event, EventSet};
use crate::peer::{Access, PairingSide, Standing};
use crate::ranges::Ranges;
use circles::Rulings;

/// What a grant gives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Power {
    pub(crate) access: Access,
    pub(crate) standing: Standing,
}

impl Power {
    /// What a founder has, and what own devices have over each other in the control log.
    pub(crate) const FULL: Self = Self { access: Access::ReadWrite, standing: Standing::CoOwner };

    fn meets(self, need: Need) -> bool {
        match need {
            Need::Grant => true,
            Need::Write => self.access == Access::ReadWrite,
            Need::Owner => self.standing == Standing::CoOwner,
            Need::Vouch(access) => self.standing == Standing::CoOwner || self.access >= access,
        }
    }
}

/// What an entry needs its author's device to have been granted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Need {
    /// Anything.
    Grant,
    /// Read-write access.
    Write,
    /// A co-owner's standing.
    Owner,
    /// What it takes to vouch a member with this access: a co-owner's standing, or that access oneself.
    Vouch(Access),
}

/// An event's part in deciding whose word counts. One event can have two: a revocation that leaves something removes and grants.
#[derive(Debug, Clone)]
pub(crate) struct Act {
    pub(crate) context: EventContext,
    pub(crate) need: Need,
    pub(crate) effect: Effect,
}

#[derive(Debug, Clone)]
pub(crate) enum Effect {
    Grant { to: DeviceId, power: Power, side: Option<PairingSide> },
    Removal { of: DeviceId, cuts: BTreeMap<Author, Seq> },
}

/// A grant: the root's, which needs no event, or that of an act.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum GrantRef {
    Root,
    Act(usize),
}

/// Who outranks whom, the most senior first, given a log's root and the grants that stand.
pub(crate) type Seniority = fn(Option<DeviceId>, &[StandingGrant]) -> Vec<DeviceId>;

/// A grant that stands, as [`Seniority`] is shown it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct StandingGrant {
    /// The entry that grants; its author is who grants.
    pub(crate) context: EventContext,
    pub(crate) to: DeviceId,
    /// In a pairing, the side that the author was on.
    pub(crate) side: Option<PairingSide>,
}

/// All acts of a log, and which of them stand.
#[derive(Debug, Clone)]
pub(crate) struct Authority {
    root: Option<DeviceId>,
    acts: Vec<Act>,
    /// For each act, whether it counts.
    stands: Vec<bool>,
    by_author: BTreeMap<DeviceId, Vec<usize>>,
    grants: BTreeMap<DeviceId, Vec<usize>>,
    removals: BTreeMap<DeviceId, Vec<usize>>,
    /// Pairs of a grant and a removal of the same device that the grant had seen.
    answered: BTreeSet<(usize, usize)>,
    /// For a grant and a chain of the device it is for: the first entry there that had seen the grant.
    resumed: BTreeMap<(usize, Author), Seq>,
    branches: Branches,
}

/// Which acts follow from the root, and in which order they were found: first what rests on the root itself, then what rests on that.
#[derive(Debug)]
struct Supported {
    acts: Vec<bool>,
    order: Vec<usize>,
}

/// Which acts certainly stand, and which possibly do; they differ where removals go in circles.
#[derive(Debug)]
struct Model {
    certain: Vec<bool>,
    possible: Supported,
}

impl Model {
    fn is_open(&self, act: usize) -> bool {
        get(&self.possible.acts, act) && !get(&self.certain, act)
    }
}

impl Authority {
    /// Resolves which acts stand. The result depends on the set of events alone.
    pub(crate) fn resolve<C>(
        root: Option<DeviceId>,
        events: &EventSet<C>,
        acts: Vec<Act>,
        seniority: Seniority,
    ) -> Self {
        let mut authority = Self::index(root, events, acts);
        let mut rulings = Rulings::default();
        authority.stands = loop {
            let model = authority.well_founded(&rulings);
            if !authority.break_circle(&model, &mut rulings, seniority) {
                break model.certain;
            }
        };
        authority
    }

    fn index<C>(root: Option<DeviceId>, events: &EventSet<C>, acts: Vec<Act>) -> Self {
        let mut by_author: BTreeMap<DeviceId, Vec<usize>> = BTreeMap::new();
        let mut grants: BTreeMap<DeviceId, Vec<usize>> = BTreeMap::new();
        let mut removals: BTreeMap<DeviceId, Vec<usize>> = BTreeMap::new();
        for (index, act) in acts.iter().enumerate() {
            by_author.entry(act.context.author.device).or_default().push(index);
            match &act.effect {
                Effect::Grant { to, .. } => grants.entry(*to).or_default().push(index),
                Effect::Removal { of, .. } => removals.entry(*of).or_default().push(index),
            }
        }
        let mut chains: BTreeMap<DeviceId, Vec<&Event<C>>> = BTreeMap::new();
        for event in events.iter() {
            chains.entry(event.context.author.device).or_default().push(event);
        }
        let mut answered = BTreeSet::new();
        let mut resumed: BTreeMap<(usize, Author), Seq> = BTreeMap::new();
        for (device, of_device) in &removals {
            for grant in list(&grants, device) {
                let Some(granted) = acts.get(*grant).map(|act| act.context) else { continue };
                let Some(event) = events.get(&granted) else { continue };
                for removal in of_device {
                    if acts.get(*removal).is_some_and(|act| events.sees(event, &act.context)) {
                        answered.insert((*grant, *removal));
                    }
                }
                for event in chains.get(device).into_iter().flatten().filter(|event| events.sees(event, &granted)) {
                    let first = resumed.entry((*grant, event.context.author)).or_insert(event.context.seq);
                    *first = (*first).min(event.context.seq);
                }
            }
        }
        let branches = events.branches.clone();
        Self { root, acts, stands: Vec::new(), by_author, grants, removals, answered, resumed, branches }
    }

    fn well_founded(&self, rulings: &Rulings) -> Model {
        let mut certain = vec![false; self.acts.len()];
        loop {
            let possible = self.supported(&certain, rulings);
            let next = self.supported(&possible.acts, rulings).acts;
            if next == certain {
                return Model { certain, possible };
            }
            certain = next;
        }
    }

    /// Returns the acts that follow from the root if exactly the removals in `removing` count.
    fn supported(&self, removing: &[bool], rulings: &Rulings) -> Supported {
        let mut supported = Supported { acts: vec![false; self.acts.len()], order: vec![usize::MAX; self.acts.len()] };
        let mut found = 0_usize;
        let mut grants: BTreeMap<DeviceId, Vec<GrantRef>> = BTreeMap::new();
        let mut next: VecDeque<DeviceId> = VecDeque::new();
        if let Some(root) = self.root {
            grants.insert(root, vec![GrantRef::Root]);
            next.push_back(root);
        }
        while let Some(device) = next.pop_front() {
            let of_device = grants.get(&device).cloned().unwrap_or_default();
            let mut allowed: BTreeMap<(Author, Need), Ranges> = BTreeMap::new();
            for index in list(&self.by_author, &device) {
                let Some(act) = self.acts.get(*index) else { continue };
                if get(&supported.acts, *index) || rulings.is_void(*index) {
                    continue;
                }
                let Act { context: EventContext { author, seq, .. }, need, effect } = act;
                let ranges = allowed
                    .entry((*author, *need))
                    .or_insert_with(|| self.allowed(author, *need, &of_device, removing));
                let is_spared = || {
                    let rest = rulings.without_spared(*index, removing);
                    rest.is_some_and(|rest| self.allowed(author, *need, &of_device, &rest).contains(*seq))
                };
                if !ranges.contains(*seq) && !is_spared() {
                    continue;
                }
                set(&mut supported.acts, *index, true);
                set(&mut supported.order, *index, found);
                found = found.saturating_add(1);
                if let Effect::Grant { to, .. } = effect {
                    grants.entry(*to).or_default().push(GrantRef::Act(*index));
                    if !next.contains(to) {
                        next.push_back(*to);
                    }
                }
            }
        }
        supported
    }

    /// Returns which of `author`'s entries that need `need` count, given the grants of its device and which removals do.
    fn allowed(&self, author: &Author, need: Need, grants: &[GrantRef], removing: &[bool]) -> Ranges {
        let grants: Vec<GrantRef> = grants.iter().copied().filter(|grant| self.meets(*grant, need)).collect();
        if grants.is_empty() {
            return Ranges::default();
        }
        let mut allowed = Ranges::from_iter([(Seq::FIRST, Seq(u64::MAX))]);
        for removal in list(&self.removals, &author.device).iter().filter(|index| get(removing, **index)) {
            let answers = grants.iter().filter(|grant| self.answers(**grant, *removal));
            let resumed = answers.filter_map(|grant| self.resumed(*grant, author)).min();
            let cut = self.cut(*removal, author);
            if cut < Seq(u64::MAX) {
                allowed = allowed.without(cut.next(), resumed.map_or(Seq(u64::MAX), Seq::previous));
            }
        }
        allowed
    }

    fn meets(&self, grant: GrantRef, need: Need) -> bool {
        match grant {
            GrantRef::Root => true,
            GrantRef::Act(index) => match self.acts.get(index).map(|act| &act.effect) {
                Some(Effect::Grant { power, .. }) => power.meets(need),
                _ => false,
            },
        }
    }

    fn answers(&self, grant: GrantRef, removal: usize) -> bool {
        match grant {
            GrantRef::Root => false,
            GrantRef::Act(index) => self.answered.contains(&(index, removal)),
        }
    }

    fn resumed(&self, grant: GrantRef, author: &Author) -> Option<Seq> {
        match grant {
            GrantRef::Root => None,
            GrantRef::Act(index) => {
                let own = self.resumed.get(&(index, *author)).copied();
                // What was resumed before a fork goes on in both branches.
                let before = self.branches.line(author).filter_map(|(ancestor, until)| {
                    self.resumed.get(&(index, ancestor)).copied().filter(|seq| *seq < until)
                });
                own.into_iter().chain(before).min()
            }
        }
    }

    /// Returns the last entry of `author` that a removal leaves. A chain it doesn't name ends before its first entry;
    /// the chain that it stands in itself ends with it, since no event can name its own hash.
    fn cut(&self, removal: usize, author: &Author) -> Seq {
        let Some(Act { context, effect: Effect::Removal { cuts, .. }, .. }) = self.acts.get(removal) else {
            return Seq(u64::MAX);
        };
        let named = cuts.get(author).copied().unwrap_or(Seq::ZERO);
        let own = (context.author == *author).then_some(context.seq);
        // It stands behind a fork: what is before that is of its chain, too.
        let before = || self.branches.until(&context.author, author).map(Seq::previous);
        named.max(own.or_else(before).unwrap_or_default())
    }

    /// Returns the grants of `device` that are among `acts`.
    fn grants_in(&self, device: &DeviceId, acts: &[bool]) -> Vec<GrantRef> {
        let root = (self.root == Some(*device)).then_some(GrantRef::Root);
        let by_acts = list(&self.grants, device).iter().filter(|index| get(acts, **index));
        root.into_iter().chain(by_acts.map(|index| GrantRef::Act(*index))).collect()
    }

    /// Selects the grants among `acts`.
    fn all_grants_in(&self, acts: &[bool]) -> Vec<StandingGrant> {
        let standing = self.acts.iter().zip(acts).filter(|(_, stands)| **stands).map(|(act, _)| act);
        let grant = |act: &Act| match act.effect {
            Effect::Grant { to, side, .. } => Some(StandingGrant { context: act.context, to, side }),
            Effect::Removal { .. } => None,
        };
        standing.filter_map(grant).collect()
    }
}

/// What a resolved log tells.
impl Authority {
    /// Tells whether an act of the event at `context` stands. A grant may stand past a cut, see [`circles`].
    pub(crate) fn acts_at(&self, context: &EventContext) -> bool {
        let standing = list(&self.by_author, &context.author.device).iter().filter(|index| get(&self.stands, **index));
        standing.filter_map(|index| self.acts.get(*index)).any(|act| act.context == *context)
    }

    /// Returns all grants that stand.
    pub(crate) fn grants(&self) -> Vec<StandingGrant> {
        self.all_grants_in(&self.stands)
    }

    /// Returns the grants that stand and aren't past a cut: those on which all who trust each other agree.
    pub(crate) fn uncut_grants(&self) -> Vec<StandingGrant> {
        let is_uncut = |act: &Act| self.ranges(&act.context.author, act.need).contains(act.context.seq);
        let uncut: Vec<bool> =
            self.acts.iter().zip(&self.stands).map(|(act, stands)| *stands && is_uncut(act)).collect();
        self.all_grants_in(&uncut)
    }

    /// Returns the entries of removals of `device` that stand.
    pub(crate) fn removals(&self, device: &DeviceId) -> impl Iterator<Item = &EventContext> {
        self.standing_removals(device).filter_map(|index| self.acts.get(index)).map(|act| &act.context)
    }

    /// Returns all devices with a removal that stands.
    pub(crate) fn removed(&self) -> impl Iterator<Item = &DeviceId> {
        self.removals.keys().filter(|device| self.removals(device).next().is_some())
    }

    /// Tells whether `device` was ever granted anything that stands.
    pub(crate) fn was_granted(&self, device: &DeviceId) -> bool {
        !self.grants_in(device, &self.stands).is_empty()
    }

    /// Returns what `device` may do now. Every removal of it has to be answered by a grant, so what it may do is the least of what the
    /// answers give.
    pub(crate) fn power(&self, device: &DeviceId) -> Option<Power> {
        let grants = self.grants_in(device, &self.stands);
        let has = |need: Need| {
            let mut meeting = grants.iter().filter(|grant| self.meets(**grant, need)).peekable();
            let any = meeting.peek().is_some();
            let meeting: Vec<_> = meeting.collect();
            any && self
                .standing_removals(device)
                .all(|removal| meeting.iter().any(|grant| self.answers(**grant, removal)))
        };
        if has(Need::Owner) {
            Some(Power::FULL)
        } else if has(Need::Write) {
            Some(Power { access: Access::ReadWrite, standing: Standing::Member })
        } else {
            has(Need::Grant).then_some(Power { access: Access::ReadOnly, standing: Standing::Member })
        }
    }

    /// Returns which of `author`'s entries that need `need` count.
    pub(crate) fn ranges(&self, author: &Author, need: Need) -> Ranges {
        self.allowed(author, need, &self.grants_in(&author.device, &self.stands), &self.stands)
    }

    /// Returns the entry of the removal that cuts `author`'s chain first.
    pub(crate) fn cut_by(&self, author: &Author) -> Option<&EventContext> {
        let first = self.standing_removals(&author.device).min_by_key(|removal| self.cut(*removal, author))?;
        self.acts.get(first).map(|act| &act.context)
    }

    fn standing_removals(&self, device: &DeviceId) -> impl Iterator<Item = usize> {
        list(&self.removals, device).iter().copied().filter(|index| get(&self.stands, *index))
    }
}

fn get(flags: &[bool], index: usize) -> bool {
    flags.get(index).copied().unwrap_or(false)
}

fn set<T>(values: &mut [T], index: usize, value: T) {
    if let Some(slot) = values.get_mut(index) {
        *slot = value;
    }
}

fn list<'a>(map: &'a BTreeMap<DeviceId, Vec<usize>>, device: &DeviceId) -> &'a [usize] {
    map.get(device).map_or(&[], Vec::as_slice)
}
