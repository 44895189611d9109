//! [`Neighbours`]: who is near, as far as anybody can know who does not dial.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use verso_identity::{DeviceId, Name};

/// How many announcements of one peer are kept: on a few interfaces one each, and one before that of which no goodbye was heard.
const MAX_SIGHTINGS: usize = 4;

/// How many open pairing screens are listed: more than a person reads.
const MAX_SCREENS: usize = 32;

/// Who is near.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Neighbours {
    /// Peers, and where each can be dialled, the address that was heard last first.
    pub peers: BTreeMap<DeviceId, Vec<SocketAddr>>,
    /// Devices whose pairing screen is open, in the order in which they were heard.
    pub screens: Vec<NearbyScreen>,
}

/// A device that says it wants to be paired. Nothing of it is proven.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NearbyScreen {
    /// The id that it claims.
    pub device: DeviceId,
    /// The name that it claims.
    pub name: Name,
    /// Where it can be dialled.
    pub addresses: Vec<SocketAddr>,
}

/// Under which name an announcement goes on which interface.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) interface: String,
    pub(crate) instance: String,
}

/// Whom an announcement is from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Whose {
    Peer(DeviceId),
    Screen(DeviceId, Name),
}

#[derive(Debug)]
struct Sighting {
    place: Place,
    whose: Whose,
    addresses: Vec<SocketAddr>,
    /// When it counts no more, unless it is heard again.
    until_ms: u64,
}

/// The announcements that mean something to this device, the newest last. All others are forgotten at once, so a flood costs no memory.
#[derive(Debug, Default)]
pub(crate) struct Sightings {
    known: Vec<Sighting>,
}

impl Sightings {
    /// Takes in one of what an announcement says. It may say two things, that it is a peer's and that a pairing screen is open.
    pub(crate) fn add(&mut self, until_ms: u64, place: Place, whose: Whose, addresses: Vec<SocketAddr>) {
        if addresses.is_empty() {
            return;
        }
        let (is_same, most): (fn(&Whose, &Whose) -> bool, usize) = match whose {
            Whose::Peer(_) => (|one, other| one == other, MAX_SIGHTINGS),
            Whose::Screen(..) => (|one, _other| matches!(one, Whose::Screen(..)), MAX_SCREENS),
        };
        let same = self.known.iter().filter(|known| is_same(&known.whose, &whose)).count();
        if same >= most {
            let oldest = self.known.iter().position(|known| is_same(&known.whose, &whose));
            oldest.map(|oldest| self.known.remove(oldest));
        }
        self.known.push(Sighting { place, whose, addresses, until_ms });
    }

    /// Forgets an announcement.
    pub(crate) fn remove(&mut self, place: &Place) {
        self.known.retain(|known| known.place != *place);
    }

    /// Forgets all that was heard on an interface.
    pub(crate) fn leave(&mut self, interface: &str) {
        self.known.retain(|known| known.place.interface != interface);
    }

    /// Forgets peers that are peers no longer.
    pub(crate) fn keep_peers(&mut self, is_peer: impl Fn(&DeviceId) -> bool) {
        self.known.retain(|known| !matches!(&known.whose, Whose::Peer(device) if !is_peer(device)));
    }

    /// What was heard on an interface counts until then at most, unless it is heard again.
    pub(crate) fn doubt(&mut self, interface: &str, until_ms: u64) {
        for known in self.known.iter_mut().filter(|known| known.place.interface == interface) {
            known.until_ms = known.until_ms.min(until_ms);
        }
    }

    /// Forgets what counts no more.
    pub(crate) fn pass_time(&mut self, now_ms: u64) {
        self.known.retain(|known| known.until_ms > now_ms);
    }

    /// Returns when the next counts no more.
    pub(crate) fn next_ms(&self) -> Option<u64> {
        self.known.iter().map(|known| known.until_ms).min()
    }

    pub(crate) fn neighbours(&self) -> Neighbours {
        let mut neighbours = Neighbours::default();
        for known in self.known.iter().rev() {
            if let Whose::Peer(device) = &known.whose {
                extend(neighbours.peers.entry(*device).or_default(), &known.addresses);
            }
        }
        for known in &self.known {
            let Whose::Screen(device, name) = &known.whose else { continue };
            // Who claims the same id under another name stands beside it, and people see both.
            let listed = neighbours.screens.iter_mut().find(|listed| (&listed.device, &listed.name) == (device, name));
            match listed {
                Some(listed) => extend(&mut listed.addresses, &known.addresses),
                None => neighbours.screens.push(NearbyScreen {
                    device: *device,
                    name: name.clone(),
                    addresses: known.addresses.clone(),
                }),
            }
        }
        neighbours
    }
}

fn extend(addresses: &mut Vec<SocketAddr>, more: &[SocketAddr]) {
    for address in more {
        if !addresses.contains(address) {
            addresses.push(*address);
        }
    }
}
