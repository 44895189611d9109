//! Further devices: a friend is told which other devices of this person are to serve it, and what it tells of its own is written down for all of this
//! person's devices.

use std::collections::BTreeSet;

use verso_identity::{DeviceId, WorkspaceId};
use verso_log::Storage;
use verso_session::Input;
use verso_trust::{
    FurtherDevices, Intention, MAX_ADDRESS_BYTES, MAX_FURTHER_ADDRESSES, PeerRole, Request, Verdict, decide,
};
use verso_vv::Hlc;
use verso_wire::limits::{MAX_FURTHER_ADDRESS, MAX_FURTHER_DEVICES};
use verso_wire::{Application, FurtherDevice};

use crate::effect::{ConnectionId, Effect, Event};
use crate::error::JournalError;
use crate::incarnation::{presentable, storable};
use crate::replica::{Now, Replica};
use crate::sync::TELL_AGAIN_MS;

/// How often in [`WITHIN_MS`] it is written down that a friend tells of other devices, or of other addresses of them, by all of this person's devices together:
/// 24 times. Each is an entry of up to 38 KiB that all of them keep, so a hostile friend costs them at most 1 MB a day. That a device is gone is always
/// written down.
const MAX_NOTED: usize = 24;

/// A day, in milliseconds.
const WITHIN_MS: u64 = 24 * 60 * 60 * 1000;

// What may be written down may be told, and what a friend tells may be written down.
const _: () = assert!(MAX_ADDRESS_BYTES <= MAX_FURTHER_ADDRESS);
const _: () = assert!(MAX_FURTHER_DEVICES <= verso_trust::MAX_FURTHER_DEVICES);

/// What a friend was told of this person's further devices on a connection, by tags of the lists.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct ToldDevices {
    /// What it knows, as far as this device knows.
    known: Option<u64>,
    /// What it was sent before all else: once both are level, it has read that.
    sent_first: Option<u64>,
}

impl<S: Storage, A: Application> Replica<S, A> {
    /// Tells a friend at the beginning of a connection which further devices it may meet, if that is news, or was told long ago: before anything by which
    /// both become level.
    pub(crate) fn tell_devices_first(&mut self, id: ConnectionId, now: Now) {
        let Some(connection) = self.connections.get(&id) else { return };
        let peer = connection.peer;
        let Some(devices) = self.devices_for(&peer) else { return };
        let (tag, told) = (tag_of(&devices), self.local.contacts.get(&peer).and_then(|contact| contact.told_devices));
        let is_known = match told {
            None => devices.is_empty(),
            Some((told, at)) => told == tag && now.wall_ms.saturating_sub(at) < TELL_AGAIN_MS,
        };
        if let Some(connection) = self.connections.get_mut(&id) {
            connection.devices = ToldDevices { known: Some(tag), sent_first: (!is_known).then_some(tag) };
        }
        if !is_known {
            self.handle(id, now, Input::Devices(devices));
        }
    }

    /// Tells a friend what has changed since. Whether that is read nobody says, so it is told once more at the next contact.
    pub(crate) fn tell_devices_again(&mut self, id: ConnectionId, now: Now) {
        let Some(connection) = self.connections.get(&id) else { return };
        let (peer, known) = (connection.peer, connection.devices.known);
        let Some(devices) = self.devices_for(&peer) else { return };
        let tag = tag_of(&devices);
        if known == Some(tag) || (known.is_none() && devices.is_empty()) {
            return;
        }
        if let Some(connection) = self.connections.get_mut(&id) {
            connection.devices = ToldDevices { known: Some(tag), sent_first: None };
        }
        // Told, and nobody knows when.
        self.local.contacts.entry(peer).or_default().told_devices = Some((tag, 0));
        self.local_file.save_later();
        self.handle(id, now, Input::Devices(devices));
    }

    /// Notes that both are level: what a friend was told at the beginning it has read.
    pub(crate) fn devices_are_told(&mut self, id: ConnectionId, now: Now) {
        let Some(connection) = self.connections.get_mut(&id) else { return };
        if let Some(tag) = connection.devices.sent_first.take() {
            let peer = connection.peer;
            self.local.contacts.entry(peer).or_default().told_devices = Some((tag, now.wall_ms));
            self.local_file.save_later();
        }
    }

    /// Returns this person's devices that a friend may meet beside this one; `None` if it is not for this device to say. They are those that hold what
    /// was agreed with the friend and aren't excluded from all that it is given: of others the friend learns nothing.
    fn devices_for(&self, friend: &DeviceId) -> Option<Vec<FurtherDevice>> {
        let (trust, me, principal) = (self.trust(), self.device(), self.trust().principal(friend));
        let is_mine = trust.pairings(&principal).any(|pairing| pairing.by == me);
        if trust.role(friend) != Some(PeerRole::Friend) || !is_mine || self.local.unconfirmed.is_some() {
            return None;
        }
        let pairings = trust.pairings(&principal);
        let with_secret: BTreeSet<DeviceId> =
            pairings.flat_map(|pairing| &pairing.admitted.pair_secret).map(|sealed| sealed.device).collect();
        let shared = self.shared_with(friend);
        let serves = |device: &DeviceId| {
            *device != me
                && with_secret.contains(device)
                && shared.iter().any(|workspace| !trust.is_excluded(workspace, device))
        };
        let further = |device: DeviceId| {
            let known = trust.peer(&device)?;
            let mut addresses = storable(&self.addresses(&device));
            addresses.truncate(MAX_FURTHER_ADDRESSES);
            // In another order they are no news.
            addresses.sort_unstable();
            Some(FurtherDevice {
                device,
                noise_key: known.noise_key,
                name: presentable(&known.display_name),
                addresses,
            })
        };
        // The most senior first, as far as there is room.
        let mut devices: Vec<_> =
            trust.own_devices().filter(serves).filter_map(further).take(MAX_FURTHER_DEVICES).collect();
        devices.sort_by_key(|further| further.device);
        Some(devices)
    }

    /// Returns the workspaces that a friend is given.
    fn shared_with(&self, friend: &DeviceId) -> BTreeSet<WorkspaceId> {
        let trust = self.trust();
        let granted = trust.peer(friend).map(|peer| peer.grants).unwrap_or_default();
        let granted = granted.into_iter().map(|grant| grant.workspace);
        let offered = self.workspaces.iter().filter(|(workspace, journal)| {
            let request = Request::Offer { peer: *friend, workspace: **workspace };
            decide(&request, trust, Some(&journal.view.state.membership)) == Verdict::Allow
        });
        let offered = offered.map(|(workspace, _)| *workspace);
        let is_withdrawn = |workspace: &WorkspaceId| trust.intention(friend, workspace) == Some(Intention::Withdrawn);
        granted.chain(offered).filter(|workspace| !is_withdrawn(workspace)).collect()
    }

    /// Writes down which further devices a friend tells of, if that is news. Only one that went through a pairing is believed.
    pub(crate) fn note_devices(
        &mut self,
        friend: DeviceId,
        devices: Vec<FurtherDevice>,
        now: Now,
    ) -> Result<(), JournalError> {
        let trust = self.trust();
        let is_paired = trust.role(&friend) == Some(PeerRole::Friend) && trust.introduced_by(&friend).is_none();
        if !is_paired || self.local.unconfirmed.is_some() || self.control.closed().is_some() {
            return Ok(());
        }
        let known = trust.further_devices(&friend);
        let mut told: Vec<_> = devices.into_iter().map(as_event).collect();
        let was_known = |device: &DeviceId| {
            let known = known.unwrap_or_default();
            known.binary_search_by(|known| known.device.cmp(device)).ok().and_then(|at| known.get(at))
        };
        let since = Hlc::from_millis(now.wall_ms.saturating_sub(WITHIN_MS));
        if trust.further_devices_told(&friend, since) >= MAX_NOTED {
            // What is new waits for another day; what is gone is gone.
            told = told.iter().filter_map(|further| was_known(&further.device).cloned()).collect();
        }
        if known.map_or(told.is_empty(), |known| known == told) {
            return Ok(());
        }
        self.tell(FurtherDevices { friend, devices: told }.into(), now)?;
        self.effects.push_back(Effect::Event(Event::FurtherDevices { friend }));
        Ok(())
    }
}

/// As it may be written down.
fn as_event(FurtherDevice { device, noise_key, name, addresses }: FurtherDevice) -> verso_trust::FurtherDevice {
    let mut addresses = storable(&addresses);
    addresses.truncate(MAX_FURTHER_ADDRESSES);
    verso_trust::FurtherDevice { device, noise_key, name: presentable(&name), addresses }
}

/// Tells lists of devices apart.
fn tag_of(devices: &[FurtherDevice]) -> u64 {
    let mut hasher = blake3::Hasher::new();
    for FurtherDevice { device, noise_key, name, addresses } in devices {
        let addresses = addresses.join("\n");
        hasher.update(device.as_bytes()).update(noise_key);
        for text in [name, &addresses] {
            hasher.update(&u64::try_from(text.len()).unwrap_or(u64::MAX).to_le_bytes()).update(text.as_bytes());
        }
    }
    u64::from_le_bytes(hasher.finalize().as_bytes().first_chunk().copied().unwrap_or_default())
}
