//! What friends say which further devices they have: [`Further`].
//!
//! A list replaces those that its writer had seen, as any register. In lists that were written down without knowledge of each other a device has to be in
//! each, since of two opposite words the one that gives less holds. What a list gives is trust at second hand, so whatever is known at first hand goes
//! before it: it makes no peer of this person's own devices, of one that went through a pairing, or of one that was ever removed. Only who went through a
//! pairing is believed, so there is no third hand; and of two friends who claim the same device it belongs to whoever claimed it first.

use std::collections::{BTreeMap, BTreeSet};

use verso_identity::DeviceId;
use verso_vv::{EntryHash, Hlc};

use super::Removal;
use super::event::{ControlChange, FurtherDevice, FurtherDevices};
use super::registers::{Record, Registers};
use crate::peer::{PeerRole, TrustedPeer};

/// The further devices of friends, as the friends told of them.
#[derive(Debug, Clone, Default)]
pub(super) struct Further {
    /// By the friend's device that told of them: those that it tells of now, whatever else is known of them.
    pub(super) lists: BTreeMap<DeviceId, Vec<FurtherDevice>>,
    /// Those that are peers by it.
    pub(super) current: BTreeMap<DeviceId, Introduction>,
    /// Those that a friend once told of and doesn't any more, or isn't believed any more.
    pub(super) gone: BTreeMap<DeviceId, Gone>,
}

/// A device that is a peer because a friend told of it.
#[derive(Debug, Clone)]
pub(super) struct Introduction {
    /// Which friend's device.
    pub(super) by: DeviceId,
    /// What it told.
    pub(super) device: FurtherDevice,
    /// When that was first written down.
    pub(super) first: (Hlc, EntryHash),
    /// By which own device.
    pub(super) added_by: DeviceId,
}

/// A device that was a peer because a friend told of it, and is none any more.
#[derive(Debug, Clone, Copy)]
pub(super) struct Gone {
    /// Which friend's device had told of it.
    pub(super) friend: DeviceId,
    /// When it ceased, and which own device wrote that down.
    pub(super) removal: Removal,
}

impl Further {
    /// Reads what friends told, given the peers that went through a pairing.
    pub(super) fn of(registers: &Registers<'_>, paired: &BTreeMap<DeviceId, TrustedPeer>) -> Self {
        let told = registers.group(|event| match &event.change {
            ControlChange::FurtherDevices(told) => Some((told.friend, told)),
            _ => None,
        });
        let is_free = |device: &DeviceId| {
            *device != registers.me
                && !registers.own.contains(device)
                && !paired.contains_key(device)
                && registers.authority.removals(device).next().is_none()
        };
        let mut further = Self::default();
        let mut gone = Vec::new();
        for (friend, lists) in &told {
            let is_friend = paired.get(friend).is_some_and(|peer| peer.role == PeerRole::Friend);
            // What was told before a removal is over with it.
            let holds = |event: &Record| is_friend && registers.answers_removals(event, friend);
            let valid: Vec<_> = lists.iter().copied().filter(|(event, _)| holds(event)).collect();
            let told_now = further.read(registers, *friend, &valid);
            let Some(removal) = registers.end_of(friend, lists) else { continue };
            let told_once = lists.iter().flat_map(|(_, told)| &told.devices).map(|further| further.device);
            let is_gone = |device: &DeviceId| !told_now.contains(device) && is_free(device);
            gone.extend(told_once.filter(is_gone).map(|device| (device, Gone { friend: *friend, removal })));
        }
        further.current.retain(|device, _| is_free(device));
        gone.retain(|(device, _)| !further.current.contains_key(device));
        further.gone = gone.into_iter().collect();
        further
    }

    /// Reads the lists of one friend. Returns all devices that it tells of in some list that nobody has replaced.
    fn read(
        &mut self,
        registers: &Registers<'_>,
        friend: DeviceId,
        lists: &[(&Record, &FurtherDevices)],
    ) -> BTreeSet<DeviceId> {
        let newest = registers.events.newest(lists.iter().map(|(event, _)| *event));
        let is_newest = |event: &Record| newest.iter().any(|other| other.context == event.context);
        let mut newest: Vec<_> = lists.iter().filter(|(event, _)| is_newest(event)).collect();
        newest.sort_by_key(|(event, _)| (event.context.hlc, event.context.hash));
        let Some((_, shown)) = newest.last() else { return BTreeSet::new() };
        let tells_of = |told: &FurtherDevices, device: &DeviceId| {
            told.devices.binary_search_by(|further| further.device.cmp(device)).is_ok()
        };
        let agreed =
            shown.devices.iter().filter(|further| newest.iter().all(|(_, told)| tells_of(told, &further.device)));
        let agreed: Vec<FurtherDevice> = agreed.cloned().collect();
        for further in &agreed {
            let claims =
                lists.iter().filter(|(_, told)| tells_of(told, &further.device)).map(|(event, _)| event.context);
            let Some(first) = claims.min_by_key(|context| (context.hlc, context.hash)) else { continue };
            let introduction = Introduction {
                by: friend,
                device: further.clone(),
                first: (first.hlc, first.hash),
                added_by: first.author.device,
            };
            if self.current.get(&further.device).is_none_or(|other| introduction.first < other.first) {
                self.current.insert(further.device, introduction);
            }
        }
        self.lists.insert(friend, agreed);
        newest.iter().flat_map(|(_, told)| &told.devices).map(|further| further.device).collect()
    }
}
