//! The driver of all devices: parcels are delivered one by one, and what a replica wants is carried out.

use verso_identity::WorkspaceId;
use verso_replica::{Effect, Replica, Stream};
use verso_wire::{Message, Reason};

use crate::device::DeviceIndex;
use crate::link::{Parcel, Side};
use crate::world::World;

/// How many parcels one run may deliver before it counts as endless. A run of a few devices delivers some hundreds.
const ENDLESS: u64 = 200_000;

impl World {
    /// Delivers parcels until none is on its way and nothing is left to be made durable.
    ///
    /// # Panics
    /// If that never ends.
    pub fn run(&mut self) {
        let start = self.delivered;
        while self.step() {
            assert!(self.delivered - start < ENDLESS, "devices talk without end");
        }
    }

    /// Delivers one parcel. `false` if none is on its way.
    pub fn step(&mut self) -> bool {
        if self.cut_at.is_some_and(|at| self.delivered >= at) {
            self.cut();
        }
        if self.waiting().is_empty() {
            // A driver leaves nothing unflushed, however long it takes in more first.
            self.settle_all();
        }
        let waiting = self.waiting();
        let Some(&(link, from, stream)) = waiting.get(self.rng.below(waiting.len())) else { return false };
        let Some(parcel) = self.links[link].pop(from, stream) else { return false };
        self.delivered += 1;
        let to = from.other();
        let (device, connection) = (self.links[link].device(to), self.links[link].connection(to));
        let now = self.tick(device);
        self.tell(|| match &parcel {
            Parcel::Message(body) => format!("→ {} {stream:?} {:?}", device.0, Message::decode(body)),
            Parcel::End => format!("→ {} {stream:?} ends", device.0),
        });
        if let Some(replica) = self.devices[device.0].replica_mut() {
            match (parcel, stream) {
                (Parcel::Message(body), _) => match Message::decode(&body) {
                    Ok(message) => replica.receive(connection, stream, message, now),
                    Err(_) => replica.refuse(connection, Reason::Malformed, now),
                },
                (Parcel::End, Stream::Workspace(workspace)) => replica.stream_closed(connection, workspace, now),
                (Parcel::End, Stream::Control) => {
                    replica.disconnected(connection);
                }
            }
        }
        // Now and then more is taken in before a flush, as a driver under load does.
        if self.rng.below(4) != 0 {
            self.flush(device);
        }
        self.carry_out_all(device);
        true
    }

    /// Flushes all devices and carries out what they want, until they want nothing more.
    pub(crate) fn settle_all(&mut self) {
        for device in 0..self.devices.len() {
            self.settle(DeviceIndex(device));
        }
    }

    /// Flushes a device and carries out what it wants, until it wants nothing more.
    pub(crate) fn settle(&mut self, device: DeviceIndex) {
        self.carry_out_all(device);
        // A disk that stays full keeps the device from ever being done.
        for _ in 0..4 {
            if !self.devices[device.0].replica().is_some_and(Replica::needs_flush) {
                return;
            }
            self.flush(device);
            self.carry_out_all(device);
        }
    }

    /// Flushes a device. `false` if it failed: the power has gone off, or the disk failed and the logs were opened again.
    pub(crate) fn flush(&mut self, device: DeviceIndex) -> bool {
        let now = self.devices[device.0].now(self.now);
        let Some(replica) = self.devices[device.0].replica_mut() else { return false };
        let Err(error) = replica.flush(now) else { return true };
        self.failed(device, error.reason());
        false
    }

    /// Carries out what a device wants. A device whose power went off wants nothing more.
    fn carry_out_all(&mut self, device: DeviceIndex) {
        loop {
            if self.devices[device.0].has_lost_power() {
                self.stop(device);
            }
            let Some(effect) = self.devices[device.0].replica_mut().and_then(Replica::poll) else { return };
            self.carry_out(device, effect);
        }
    }

    fn carry_out(&mut self, device: DeviceIndex, effect: Effect) {
        match effect {
            Effect::Send { connection, stream, message } => {
                if let (Stream::Workspace(workspace), Message::Ack { held, .. }) = (stream, &message) {
                    for (author, seq) in held {
                        self.promises.make(device, workspace, *author, *seq);
                    }
                }
                let Some(at) = self.link_of(device, connection) else { return };
                let body = message.encode().expect("what a replica says can be encoded");
                let said = match &mut self.devices[device.0].liar {
                    None => vec![body],
                    Some(liar) => liar.distort(&mut self.rng, stream, body),
                };
                for body in said {
                    self.links[at.0].push(at.1, stream, Parcel::Message(body));
                }
            }
            Effect::CloseStream { connection, workspace } => {
                if let Some((link, side)) = self.link_of(device, connection) {
                    self.links[link].push(side, Stream::Workspace(workspace), Parcel::End);
                }
            }
            Effect::Close { connection, .. } => {
                if let Some((link, side)) = self.link_of(device, connection) {
                    self.links[link].push(side, Stream::Control, Parcel::End);
                    self.links[link].close(side);
                }
            }
            Effect::Event(event) => {
                self.tell(|| format!("  {} tells {event:?}", device.0));
                self.events.push((device, event));
            }
            // A stream is there as soon as something is sent on it.
            _ => {}
        }
    }

    /// Prints a line of the trace.
    #[expect(clippy::print_stderr, reason = "a trace is printed, where the test's other output is")]
    pub(crate) fn tell(&self, line: impl FnOnce() -> String) {
        if self.is_traced {
            eprintln!("{:>5} {}", self.delivered, line());
        }
    }

    fn link_of(&self, device: DeviceIndex, connection: verso_replica::ConnectionId) -> Option<(usize, Side)> {
        let mut links = self.links.iter().enumerate();
        links.find_map(|(at, link)| link.side_of(device, connection).map(|side| (at, side)))
    }

    /// The queues in which something is on its way.
    fn waiting(&self) -> Vec<(usize, Side, Stream)> {
        let links = self.links.iter().enumerate();
        links.flat_map(|(link, queues)| queues.waiting().map(move |(from, stream)| (link, from, stream))).collect()
    }

    /// Tells whether nothing is on its way.
    pub fn is_quiet(&self) -> bool {
        self.waiting().is_empty()
    }

    /// Tells whether devices may be asked about a workspace: they are on and hold it.
    pub fn holds(&self, device: DeviceIndex, workspace: WorkspaceId) -> bool {
        self.devices[device.0].replica().is_some_and(|replica| replica.application(&workspace).is_some())
    }
}
