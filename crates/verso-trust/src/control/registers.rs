//! What the control events that count say: peers, names, workspaces, exclusions, grants, secrets.
//!
//! The rules are three. A value is replaced by who has seen it, and among values that nobody has replaced the latest is shown.
//! What gives trust or access has to have seen every removal of the device it is for, so removal wins over what is concurrent. Of
//! two opposite words of which neither has seen the other, the one that gives less access holds.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use verso_identity::{DeviceId, WorkspaceId};

use super::event::{Admitted, ControlChange, FurtherDevices, GenerationId, Granted, WorkspaceKnown};
use super::further::{Further, Introduction};
use super::{Generation, HeldPairing, Intended, Intention, KnownWorkspace, Removal};
use crate::authority::Authority;
use crate::event::{EventContext, Sealed};
use crate::events::{Event, EventSet};
use crate::peer::{Grant, PairingWay, PeerRole, TrustedPeer};

pub(super) type Record = Event<ControlChange>;

/// The events that count, and what is known about their authors.
pub(super) struct Registers<'a> {
    pub(super) me: DeviceId,
    pub(super) events: &'a EventSet<ControlChange>,
    pub(super) authority: &'a Authority,
    pub(super) own: &'a [DeviceId],
    pub(super) applied: Vec<&'a Record>,
    /// Events past a cut whose grant stands all the same.
    pub(super) spared: Vec<&'a Record>,
}

impl<'a> Registers<'a> {
    /// Selects events by what they say, grouped by what they say it about.
    pub(super) fn group<K: Ord, T>(
        &self,
        about: impl Fn(&'a Record) -> Option<(K, T)>,
    ) -> BTreeMap<K, Vec<(&'a Record, T)>> {
        group(&self.applied, about)
    }

    /// Tells whether an event was written with knowledge of every removal of `device`.
    pub(super) fn answers_removals(&self, event: &Record, device: &DeviceId) -> bool {
        self.authority.removals(device).all(|removal| self.events.sees(event, removal))
    }

    /// Returns the pairings that hold, by device: each removal of the device has to be answered by one of them, and one that a removal
    /// has seen is over.
    fn pairings(&self) -> BTreeMap<DeviceId, Vec<(&'a Record, &'a Admitted)>> {
        let about = |event: &'a Record| match &event.change {
            ControlChange::Admitted(admitted) => Some((admitted.device, admitted)),
            _ => None,
        };
        // A spared pairing is only known for certain to who rests on it, so others' word for the same device goes first.
        let mut pairings = group(&self.spared, about);
        pairings.extend(self.group(about));
        pairings.retain(|device, pairings| {
            let removals: Vec<_> = self.authority.removals(device).collect();
            let is_answered =
                |removal: &&EventContext| pairings.iter().any(|(event, _)| self.events.sees(event, removal));
            let all_answered = removals.iter().all(is_answered);
            let removals: Vec<_> = removals.into_iter().filter_map(|removal| self.events.get(removal)).collect();
            pairings.retain(|(event, _)| !removals.iter().any(|removal| self.events.sees(removal, &event.context)));
            all_answered && !pairings.is_empty()
        });
        pairings
    }

    pub(super) fn peers(
        &self,
        intentions: &BTreeMap<(DeviceId, WorkspaceId), Intended>,
    ) -> BTreeMap<DeviceId, TrustedPeer> {
        let addresses = self.addresses();
        let renamed = self.renamed();
        let mut peers = BTreeMap::new();
        for (device, pairings) in self.pairings() {
            let first = pairings.iter().min_by_key(|(event, _)| (event.context.hlc, event.context.hash));
            let (Some((first, added)), Some((_, pairing))) = (first, self.newest_of(&pairings)) else { continue };
            if device == self.me {
                continue;
            }
            let role = if self.own.contains(&device) { PeerRole::Own } else { PeerRole::Friend };
            let grants = |role| match role {
                PeerRole::Own => Vec::new(),
                PeerRole::Friend => grants_of(&device, intentions),
            };
            peers.insert(
                device,
                TrustedPeer {
                    device,
                    noise_key: pairing.noise_key,
                    display_name: renamed.get(&device).map_or(&pairing.name, |name| *name).clone(),
                    role,
                    added_at: first.context.hlc,
                    added_by: first.context.author.device,
                    way: added.way,
                    last_seen: None,
                    grants: grants(role),
                    addresses: addresses.get(&device).map(|addresses| addresses.to_vec()).unwrap_or_default(),
                },
            );
        }
        peers
    }

    /// Returns the peers that a friend told of: each has what the friend has.
    pub(super) fn introduced(
        &self,
        further: &Further,
        intentions: &BTreeMap<(DeviceId, WorkspaceId), Intended>,
    ) -> Vec<TrustedPeer> {
        let renamed = self.renamed();
        let relocated = self.show(self.group(|event| match &event.change {
            ControlChange::Relocated(relocated) => Some((relocated.device, relocated.addresses.as_slice())),
            _ => None,
        }));
        let peer = |Introduction { by, device: further, first, added_by }: &Introduction| {
            let device = further.device;
            // Where a person said that it is, then where the friend says.
            let mut addresses = relocated.get(&device).map(|addresses| addresses.to_vec()).unwrap_or_default();
            addresses.extend(
                further.addresses.iter().filter(|address| !addresses.contains(address)).cloned().collect::<Vec<_>>(),
            );
            TrustedPeer {
                device,
                noise_key: further.noise_key,
                display_name: renamed.get(&device).map_or(&further.name, |name| *name).clone(),
                role: PeerRole::Friend,
                added_at: first.0,
                added_by: *added_by,
                way: PairingWay::Introduced { by: *by },
                last_seen: None,
                grants: grants_of(by, intentions),
                addresses,
            }
        };
        further.current.values().map(peer).collect()
    }

    /// Returns how what a friend told came to its end: with the removal of the friend, or by the last that was told.
    pub(super) fn end_of(&self, friend: &DeviceId, lists: &[(&Record, &FurtherDevices)]) -> Option<Removal> {
        let last_removal = self.authority.removals(friend).copied().max_by_key(|removal| (removal.hlc, removal.hash));
        let last_list = self.events.latest(lists.iter().map(|(event, _)| *event)).map(|event| event.context);
        let is_over = lists.iter().all(|(event, _)| !self.answers_removals(event, friend));
        let end = if is_over { last_removal.or(last_list) } else { last_list };
        end.map(|end| Removal { by: end.author.device, at: end.hlc })
    }

    /// Returns the names of peers and of this device.
    pub(super) fn names(&self, peers: &BTreeMap<DeviceId, TrustedPeer>) -> BTreeMap<DeviceId, String> {
        let mut names: BTreeMap<DeviceId, String> =
            peers.values().map(|peer| (peer.device, peer.display_name.clone())).collect();
        if let Some(name) = self.renamed().get(&self.me) {
            names.insert(self.me, (*name).clone());
        }
        names
    }

    /// Returns what devices were renamed to, or else called themselves in the control log.
    fn renamed(&self) -> BTreeMap<DeviceId, &'a String> {
        let renames = self.group(|event| match &event.change {
            ControlChange::Renamed(renamed) => Some((renamed.device, &renamed.name)),
            _ => None,
        });
        let introductions = self.group(|event| match &event.change {
            ControlChange::Introduced(introduced) => Some((event.context.author.device, &introduced.name)),
            _ => None,
        });
        let mut names = self.show(introductions);
        names.extend(self.show(renames));
        names
    }

    fn addresses(&self) -> BTreeMap<DeviceId, &'a [String]> {
        self.show(self.group(|event| match &event.change {
            ControlChange::Relocated(relocated) => Some((relocated.device, relocated.addresses.as_slice())),
            ControlChange::Introduced(introduced) => {
                Some((event.context.author.device, introduced.addresses.as_slice()))
            }
            ControlChange::Admitted(admitted) => Some((admitted.device, admitted.addresses.as_slice())),
            _ => None,
        }))
    }

    pub(super) fn sealing_keys(&self) -> BTreeMap<DeviceId, [u8; 32]> {
        self.show(self.group(|event| match &event.change {
            ControlChange::Introduced(introduced) => Some((event.context.author.device, introduced.sealing_key)),
            ControlChange::Admitted(admitted) => Some((admitted.device, admitted.sealing_key)),
            _ => None,
        }))
    }

    /// Returns for each peer the pairings that hold, the latest first.
    pub(super) fn pairings_in_order(&self) -> BTreeMap<DeviceId, Vec<HeldPairing>> {
        let held = |(event, admitted): (&Record, &Admitted)| HeldPairing {
            by: event.context.author.device,
            admitted: admitted.clone(),
        };
        let in_order = |mut pairings: Vec<(&'a Record, &'a Admitted)>| {
            pairings.sort_by_key(|(event, _)| Reverse((event.context.hlc, event.context.hash)));
            pairings.into_iter().map(held).collect()
        };
        self.pairings().into_iter().map(|(device, pairings)| (device, in_order(pairings))).collect()
    }

    /// Returns for each device that was removed and is no peer any more its latest removal.
    pub(super) fn removals(&self, peers: &BTreeMap<DeviceId, TrustedPeer>) -> BTreeMap<DeviceId, Removal> {
        let gone = self.authority.removed().filter(|device| !peers.contains_key(device) && !self.own.contains(device));
        gone.filter_map(|device| {
            let last = self.authority.removals(device).max_by_key(|removal| (removal.hlc, removal.hash))?;
            Some((*device, Removal { by: last.author.device, at: last.hlc }))
        })
        .collect()
    }

    /// Returns the workspaces that were made known and not forgotten by who knew of it.
    pub(super) fn workspaces(&self) -> BTreeMap<WorkspaceId, KnownWorkspace> {
        let forgotten = self.group(|event| match &event.change {
            ControlChange::WorkspaceForgotten(forgotten) => Some((forgotten.workspace, ())),
            _ => None,
        });
        let known = self.group(|event| match &event.change {
            ControlChange::WorkspaceKnown(known) if !self.is_seen(event, forgotten.get(&known.workspace)) => {
                Some((known.workspace, known))
            }
            _ => None,
        });
        let show = |WorkspaceKnown { workspace, name, origin }: &WorkspaceKnown| KnownWorkspace {
            workspace: *workspace,
            name: name.clone(),
            origin: *origin,
        };
        known.iter().filter_map(|(id, known)| self.newest_of(known).map(|(_, known)| (*id, show(known)))).collect()
    }

    /// Returns what was excluded and not included again by who knew of it, and which device excluded it first.
    pub(super) fn excluded(&self) -> BTreeMap<(WorkspaceId, DeviceId), DeviceId> {
        let included = self.group(|event| match &event.change {
            ControlChange::Included(included) => Some(((included.workspace, included.device), ())),
            _ => None,
        });
        let excluded = self.applied.iter().filter_map(|event| match &event.change {
            ControlChange::Excluded(excluded) => Some((*event, (excluded.workspace, excluded.device))),
            _ => None,
        });
        let mut standing: Vec<_> = excluded.filter(|(event, key)| !self.is_seen(event, included.get(key))).collect();
        standing.sort_by_key(|(event, _)| Reverse((event.context.hlc, event.context.hash)));
        standing.into_iter().map(|(event, key)| (key, event.context.author.device)).collect()
    }

    pub(super) fn intentions(&self) -> BTreeMap<(DeviceId, WorkspaceId), Intended> {
        let withdrawn = self.group(|event| match &event.change {
            ControlChange::Withdrawn(withdrawn) => Some(((withdrawn.device, withdrawn.workspace), ())),
            _ => None,
        });
        let granted = self.group(|event| match &event.change {
            ControlChange::Granted(granted) => Some(((granted.device, granted.workspace), granted)),
            _ => None,
        });
        let answers = |event: &Record, key: &(DeviceId, WorkspaceId)| {
            self.answers_removals(event, &key.0)
                && withdrawn
                    .get(key)
                    .into_iter()
                    .flatten()
                    .all(|(withdrawn, ())| self.events.sees(event, &withdrawn.context))
        };
        let latest_by = |events: &mut dyn Iterator<Item = &'a Record>| {
            let last = events.max_by_key(|event| (event.context.hlc, event.context.hash));
            last.map_or(self.me, |event| event.context.author.device)
        };
        let intention = |key: &(DeviceId, WorkspaceId), grants: &[(&'a Record, &'a Granted)]| {
            let valid = grants.iter().filter(|(event, _)| answers(event, key)).map(|(event, _)| *event);
            let newest: BTreeSet<_> = self.events.newest(valid).iter().map(|event| event.context).collect();
            let newest = grants.iter().filter(|(event, _)| newest.contains(&event.context));
            newest.map(|(_, granted)| granted.access).min().map_or(Intention::Withdrawn, Intention::Granted)
        };
        let keys: BTreeSet<_> = withdrawn.keys().chain(granted.keys()).copied().collect();
        let intended = |key: (DeviceId, WorkspaceId)| {
            let (withdrawn, granted) = (withdrawn.get(&key), granted.get(&key));
            let intention = granted.map_or(Intention::Withdrawn, |grants| intention(&key, grants));
            let withdrawn = withdrawn.into_iter().flatten().map(|(event, ())| *event);
            let granted = granted.into_iter().flatten().map(|(event, _)| *event);
            (key, Intended { intention, by: latest_by(&mut withdrawn.chain(granted)) })
        };
        keys.into_iter().map(intended).collect()
    }

    pub(super) fn generations(&self) -> BTreeMap<GenerationId, Generation> {
        let mut generations = BTreeMap::new();
        for event in &self.applied {
            let ControlChange::SecretRenewed(renewed) = &event.change else { continue };
            generations.entry(renewed.id).or_insert_with(|| Generation {
                id: renewed.id,
                made_by: event.context.author.device,
                made_at: event.context.hlc,
                unaware_of: self.unaware_of(event),
                sealed: sealed_by_device(&renewed.sealed),
            });
        }
        for event in &self.applied {
            if let ControlChange::SecretShared(shared) = &event.change
                && let Some(generation) = generations.get_mut(&shared.id)
            {
                generation.sealed.extend(sealed_by_device(&shared.sealed));
            }
        }
        generations
    }

    pub(super) fn current_generation(&self, generations: &BTreeMap<GenerationId, Generation>) -> Option<GenerationId> {
        let sound = self.applied.iter().copied().filter(|event| match &event.change {
            ControlChange::SecretRenewed(renewed) => {
                generations.get(&renewed.id).is_some_and(|known| known.unaware_of.is_empty())
            }
            _ => false,
        });
        self.events.latest(sound).and_then(|event| match &event.change {
            ControlChange::SecretRenewed(renewed) => Some(renewed.id),
            _ => None,
        })
    }

    /// Shows each group's latest.
    fn show<K: Ord, T: Copy>(&self, groups: BTreeMap<K, Vec<(&'a Record, T)>>) -> BTreeMap<K, T> {
        groups.into_iter().filter_map(|(key, group)| self.newest_of(&group).map(|(_, found)| (key, found))).collect()
    }

    fn newest_of<T: Copy>(&self, group: &[(&'a Record, T)]) -> Option<(&'a Record, T)> {
        let shown = self.events.latest(group.iter().map(|(event, _)| *event))?;
        group.iter().find(|(event, _)| event.context == shown.context).copied()
    }

    /// Tells whether one of the events in `by` has seen `event`.
    fn is_seen(&self, event: &Record, by: Option<&Vec<(&Record, ())>>) -> bool {
        by.into_iter().flatten().any(|(other, ())| self.events.sees(other, &event.context))
    }

    /// Returns the devices, once own, of whose removal the author of an event didn't know.
    fn unaware_of(&self, event: &Record) -> BTreeSet<DeviceId> {
        let once_own = self.authority.removed().filter(|device| self.authority.was_granted(device));
        once_own.filter(|device| !self.answers_removals(event, device)).copied().collect()
    }
}

fn group<'a, K: Ord, T>(
    events: &[&'a Record],
    about: impl Fn(&'a Record) -> Option<(K, T)>,
) -> BTreeMap<K, Vec<(&'a Record, T)>> {
    let mut groups: BTreeMap<K, Vec<(&'a Record, T)>> = BTreeMap::new();
    for event in events {
        if let Some((key, found)) = about(event) {
            groups.entry(key).or_default().push((event, found));
        }
    }
    groups
}

fn grants_of(friend: &DeviceId, intentions: &BTreeMap<(DeviceId, WorkspaceId), Intended>) -> Vec<Grant> {
    let granted = intentions.iter().filter_map(|((device, workspace), intended)| match &intended.intention {
        Intention::Granted(access) if device == friend => Some(Grant { workspace: *workspace, access: *access }),
        _ => None,
    });
    granted.collect()
}

fn sealed_by_device(sealed: &[Sealed]) -> BTreeMap<DeviceId, Sealed> {
    sealed.iter().map(|copy| (copy.device, copy.clone())).collect()
}
