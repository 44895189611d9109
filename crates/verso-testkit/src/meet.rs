//! Connections of a world: made, cut, stalled.

use verso_replica::{Greeting, PeerSecret};
use verso_session::Mode;
use verso_trust::Access;
use verso_wire::Reason;

use crate::device::DeviceIndex;
use crate::link::{Link, Side};
use crate::merge::Merge;
use crate::mutant::Mutant;
use crate::world::World;

/// How long a transport waits for anything to arrive before it gives a connection up, as the real one does.
const IDLE_MS: u64 = 30_000;

impl<A: Merge> World<A> {
    /// Connects two devices, and stays connected.
    pub fn connect(&mut self, dialer: DeviceIndex, acceptor: DeviceIndex) -> bool {
        self.connect_for(dialer, acceptor, Mode::StayOpen)
    }

    /// Connects two devices, unless they are connected. `false` if one of them is off, or refuses the other.
    pub fn connect_for(&mut self, dialer: DeviceIndex, acceptor: DeviceIndex, mode: Mode) -> bool {
        if self.devices[dialer.0].id() == self.devices[acceptor.0].id() {
            return false;
        }
        let joins = |link: &Link| link.devices.contains(&dialer) && link.devices.contains(&acceptor);
        if self.links.iter().any(|link| joins(link) && link.is_open()) {
            return true;
        }
        // Of two connections with one device the older gives way, and a copy is the same device to whom it meets.
        for (one, other) in [(dialer, acceptor), (acceptor, dialer)] {
            let copies = self.copies_of(one);
            self.drop_links(|link| {
                link.devices.contains(&other) && copies.iter().any(|copy| link.devices.contains(copy))
            });
        }
        let events_before = self.events.len();
        let proven = self.proven(dialer, acceptor);
        let ends = (self.end_of(dialer, acceptor, proven, mode), self.end_of(acceptor, dialer, proven, mode));
        let (Some(first), Some(second)) = ends else {
            for (device, connection) in [(dialer, ends.0), (acceptor, ends.1)] {
                if let (Some(connection), Some(replica)) = (connection, self.devices[device.0].replica_mut()) {
                    replica.disconnected(connection);
                }
                self.flush(device);
                self.settle(device);
            }
            return false;
        };
        let mut link = Link::new([dialer, acceptor], [first, second], mode);
        link.delay_ms = [0, 1, 5, 40][self.rng.below(4)];
        link.events_before = events_before;
        link.is_honest = [dialer, acceptor].iter().all(|device| self.devices[device.0].is_honest());
        self.tell(|| format!("{} and {} are connected ({} ms)", self.name(dialer), self.name(acceptor), link.delay_ms));
        self.tally.count("connections");
        self.links.push(link);
        self.settle(dialer);
        self.settle(acceptor);
        if self.mutant == Mutant::GivesEverything {
            self.give_everything(dialer, acceptor);
        }
        true
    }

    /// Gives a friend all that a device has, behind the person's back.
    fn give_everything(&mut self, friend: DeviceIndex, from: DeviceIndex) {
        if !self.shares.is_outsider(friend) {
            return;
        }
        let id = self.devices[friend.0].id();
        let Some(replica) = self.devices[from.0].replica() else { return };
        for workspace in replica.workspaces().collect::<Vec<_>>() {
            self.decide(from, |replica, now| replica.share(&workspace, id, Access::ReadWrite, now).ok());
        }
    }

    /// Connects again whose connections ended because one of them learnt of a fork. Returns whether any did.
    pub(crate) fn connect_again(&mut self) -> bool {
        let ended = std::mem::take(&mut self.ended_by_forks);
        let mode = |dialer, acceptor| {
            let mut links = self.links.iter().rev();
            links.find(|link| link.devices == [dialer, acceptor]).map(|link| link.mode)
        };
        let ended: Vec<_> = ended.into_iter().filter_map(|(a, b)| Some((a, b, mode(a, b)?))).collect();
        ended.into_iter().fold(false, |any, (dialer, acceptor, mode)| self.connect_for(dialer, acceptor, mode) || any)
    }

    /// The generation of the first of the dialer's secrets that the acceptor holds as well, as the transport's proof finds it.
    fn proven(&self, dialer: DeviceIndex, acceptor: DeviceIndex) -> Option<u64> {
        let secrets = |one: DeviceIndex, other: DeviceIndex| {
            let replica = self.devices[one.0].replica()?;
            Some(replica.secrets(&self.devices[other.0].id(), self.now_on(one)))
        };
        let (mine, theirs) = (secrets(dialer, acceptor)?, secrets(acceptor, dialer)?);
        let is_same =
            |a: &PeerSecret, b: &PeerSecret| a.generation == b.generation && a.secret.expose() == b.secret.expose();
        mine.iter().find(|a| theirs.iter().any(|b| is_same(a, b))).map(|secret| secret.generation)
    }

    /// One end of a connection. `proven` is the generation that both have proven to hold; if there is none, only those two connect of which one refuses
    /// the other before that.
    fn end_of(
        &mut self,
        device: DeviceIndex,
        peer: DeviceIndex,
        proven: Option<u64>,
        mode: Mode,
    ) -> Option<verso_replica::ConnectionId> {
        let (now, peer) = (self.tick(device), self.devices[peer.0].id());
        let replica = self.devices[device.0].replica_mut()?;
        let Some(proven) = proven else {
            let reason = replica.admits(&peer).err().unwrap_or(Reason::HandshakeFailed);
            self.failed(device, reason);
            return None;
        };
        let connected = replica.connect_proven(peer, proven, Greeting { addresses: Vec::new(), mode }, now);
        connected.inspect_err(|error| self.failed(device, error.reason())).ok()
    }

    /// Cuts all links when `parcels` more have been delivered: in the middle of a frame, as often as not.
    pub const fn cut_after(&mut self, parcels: u64) {
        self.cut_at = Some(self.delivered + parcels);
    }

    /// Cuts all links at once. What was on its way is lost.
    pub fn cut(&mut self) {
        self.cut_at = None;
        self.drop_links(|_| true);
        self.settle_all();
    }

    /// Cuts the links of one device.
    pub fn isolate(&mut self, device: DeviceIndex) {
        self.drop_links(|link| link.devices.contains(&device));
        self.settle_all();
    }

    /// Lets nothing arrive between two groups of devices for a while. What is on its way waits; after 30 s the transport gives up.
    pub fn part(&mut self, group: &[DeviceIndex], millis: u64) {
        let until = self.now.monotonic_ms + millis;
        for link in &mut self.links {
            let sides = Side::BOTH.map(|side| group.contains(&link.device(side)));
            if sides[0] != sides[1] {
                link.stalled_until = link.stalled_until.max(until);
                link.breaks_at = (millis > IDLE_MS).then(|| self.now.monotonic_ms + IDLE_MS);
            }
        }
    }

    /// Forgets links, and tells those at their ends.
    pub(crate) fn drop_links(&mut self, is_dropped: impl Fn(&Link) -> bool) {
        let (gone, kept) = std::mem::take(&mut self.links).into_iter().partition(is_dropped);
        self.links = kept;
        for link in gone {
            self.tell(|| {
                let [a, b] = link.devices.map(|device| self.name(device));
                format!("{a} and {b} are no longer connected")
            });
            for side in Side::BOTH {
                if let Some(replica) = self.devices[link.device(side).0].replica_mut() {
                    replica.disconnected(link.connection(side));
                }
            }
        }
    }
}
