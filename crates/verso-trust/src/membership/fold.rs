//! From the set of membership events to the state.

use std::collections::{BTreeMap, BTreeSet};

use verso_identity::{DeviceId, WorkspaceId};
use verso_vv::{Author, Seen, Seq};

use super::Member;
use super::event::MembershipChange;
use super::verdicts::Verdicts;
use crate::admission::{Admission, Admissions, HeldReason};
use crate::authority::{Act, Authority, Effect, Need, Power, StandingGrant};
use crate::event::EventContext;
use crate::events::{Event, EventSet};
use crate::peer::Standing;
use crate::ranges::Ranges;

type Record = Event<MembershipChange>;

/// The meaning of a set of membership events.
#[derive(Debug, Clone)]
pub(super) struct State {
    pub(super) authority: Authority,
    pub(super) founder: Option<DeviceId>,
    pub(super) members: BTreeMap<DeviceId, Member>,
    pub(super) seen: Seen,
    verdicts: Verdicts,
}

impl State {
    pub(super) fn fold(workspace: WorkspaceId, events: &EventSet<MembershipChange>) -> Self {
        let founder = events.iter().find_map(|event| founder(&workspace, event));
        let authority = Authority::resolve(
            founder,
            events,
            events.iter().flat_map(|event| acts(events, event)).collect(),
            seniority,
        );
        let grants = authority.grants();
        let devices: BTreeSet<DeviceId> = grants.iter().map(|grant| grant.to).chain(founder).collect();
        let member = |device: DeviceId| {
            let Power { access, standing } = authority.power(&device)?;
            let vouches = grants.iter().filter(|grant| grant.to == device && Some(device) != founder);
            let first = vouches.map(|grant| grant.context).min_by_key(|context| (context.hlc, context.hash));
            let vouched_by = first.map(|context| context.author.device);
            Some((device, Member { device, access, standing, vouched_by }))
        };
        let members = devices.into_iter().filter_map(member).collect();

        let allows = |need: Need| {
            let mut chains: BTreeMap<Author, Ranges> = BTreeMap::new();
            for author in events.iter().map(|event| event.context.author) {
                chains.entry(author).or_insert_with(|| authority.ranges(&author, need));
            }
            move |context: &EventContext| chains.get(&context.author).is_some_and(|runs| runs.contains(context.seq))
        };
        let is_members = allows(Need::Grant);
        let seen = events.seen(|context| is_members(context) || authority.acts_at(context));
        let is_owners = allows(Need::Owner);
        let by_owners: Vec<&Record> = events.iter().filter(|event| is_owners(&event.context)).collect();
        let verdicts = Verdicts::fold(events, &by_owners, &owners(&members, &grants));
        Self { authority, founder, members, seen, verdicts }
    }

    pub(super) fn admissions(&self, author: &Author) -> Admissions {
        let mut admissions = self.admissions_for(author, Need::Write);
        self.verdicts.rule(author, &mut admissions);
        admissions
    }

    /// Returns what others discarded, this device has not, and nobody keeps: the runs that it is to give up, too.
    pub(super) fn unconfirmed(&self, me: &DeviceId) -> Vec<(Author, Seq, Seq)> {
        if self.members.get(me).is_none_or(|member| member.standing != Standing::CoOwner) {
            return Vec::new();
        }
        let open = |author: &Author| {
            let applied = self.admissions_for(author, Need::Write).applied;
            self.verdicts.unconfirmed(me, author, &applied)
        };
        let all = self.verdicts.authors().flat_map(|author| {
            open(author).as_slice().iter().map(move |(first, last)| (*author, *first, *last)).collect::<Vec<_>>()
        });
        all.collect()
    }

    pub(super) fn given_up(&self) -> impl Iterator<Item = &Author> {
        self.verdicts.given_up()
    }

    /// Tells whether a device that has no access any more gave it up itself.
    pub(super) fn has_left(&self, device: &DeviceId) -> bool {
        !self.members.contains_key(device)
            && self.authority.removals(device).any(|removal| removal.author.device == *device)
    }

    pub(super) fn membership_admissions(&self, author: &Author) -> Admissions {
        self.admissions_for(author, Need::Grant)
    }

    fn admissions_for(&self, author: &Author, need: Need) -> Admissions {
        let otherwise = match self.authority.cut_by(author) {
            _ if !self.authority.was_granted(&author.device) => Admission::Unknown,
            Some(removal) => Admission::Held(HeldReason::Cut { by: removal.author.device, at: removal.hlc }),
            // Nothing is cut, so either everything is applied or write access is what lacks.
            None => Admission::Held(HeldReason::ReadOnly),
        };
        Admissions { applied: self.authority.ranges(author, need), otherwise, ..Admissions::none() }
    }
}

/// Returns the device that an event proves to be the founder. A workspace's id is a hash of its founder, so there can't be two.
fn founder(workspace: &WorkspaceId, event: &Record) -> Option<DeviceId> {
    let device = event.context.author.device;
    match &event.change {
        MembershipChange::Found(found) if workspace.is_founded_by(&device, &found.nonce) => Some(device),
        _ => None,
    }
}

/// Returns an event's part in deciding whose word counts.
fn acts(events: &EventSet<MembershipChange>, event: &Record) -> Vec<Act> {
    let context = event.context;
    let author = context.author.device;
    match &event.change {
        MembershipChange::Vouch(vouch) => {
            let need = match vouch.standing {
                Standing::CoOwner => Need::Owner,
                Standing::Member => Need::Vouch(vouch.access),
            };
            let power = Power { access: vouch.access, standing: vouch.standing };
            vec![Act { context, need, effect: Effect::Grant { to: vouch.device, power, side: None } }]
        }
        MembershipChange::Revoke(revoke) => {
            // Everybody may leave.
            let need = if revoke.device == author { Need::Grant } else { Need::Owner };
            let cuts = events.cuts(&revoke.cuts);
            let mut acts = vec![Act { context, need, effect: Effect::Removal { of: revoke.device, cuts } }];
            if let Some(access) = revoke.keeps {
                let power = Power { access, standing: Standing::Member };
                let effect = Effect::Grant { to: revoke.device, power, side: None };
                acts.push(Act { context, need: Need::Vouch(access), effect });
            }
            acts
        }
        _ => Vec::new(),
    }
}

/// Lines up the devices, the most senior first: the founder, then whom it vouched for, then whom those did; among equals by the time
/// of the vouch. A device can't move up by what it writes itself.
fn seniority(founder: Option<DeviceId>, grants: &[StandingGrant]) -> Vec<DeviceId> {
    let mut line: Vec<DeviceId> = founder.into_iter().collect();
    let mut ranked: BTreeSet<DeviceId> = line.iter().copied().collect();
    let mut level = ranked.clone();
    while !level.is_empty() {
        let by_level = grants.iter().filter(|grant| level.contains(&grant.context.author.device));
        let mut vouched: Vec<&StandingGrant> = by_level.filter(|grant| !ranked.contains(&grant.to)).collect();
        vouched.sort_unstable_by_key(|grant| (grant.context.hlc, grant.context.hash));
        level = vouched.iter().map(|grant| grant.to).collect();
        line.extend(vouched.iter().map(|grant| grant.to).filter(|device| ranked.insert(*device)));
    }
    line
}

/// Returns the devices that own the workspace, each with the events that vouch for it.
fn owners(members: &BTreeMap<DeviceId, Member>, grants: &[StandingGrant]) -> BTreeMap<DeviceId, Vec<EventContext>> {
    let owners = members.values().filter(|member| member.standing == Standing::CoOwner).map(|member| member.device);
    let vouches = |device| grants.iter().filter(move |grant| grant.to == device).map(|grant| grant.context).collect();
    owners.map(|device| (device, vouches(device))).collect()
}
