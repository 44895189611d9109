//! The driver of all devices: parcels arrive and timers fire one by one, and what a replica wants is carried out.

use bytes::{BufMut as _, Bytes, BytesMut};
use verso_identity::WorkspaceId;
use verso_replica::{ConnectionId, Effect, Event, Replica, Stream};
use verso_wire::{ChainHead, Message, Reason, SyncUnit, frame_header};

use crate::device::DeviceIndex;
use crate::inventions::invented;
use crate::link::{Link, Parcel, Side};
use crate::merge::Merge;
use crate::mutant::Mutant;
use crate::world::World;

/// How many parcels one run may deliver before it counts as endless. A run of a few devices delivers some hundreds.
const ENDLESS: u64 = 200_000;

/// How often devices may connect anew in one run because they learnt of a fork. Each time one of them knows more.
const RESTARTS: usize = 200;

/// How often a disk that stays full is flushed in vain before it is left alone.
const VAIN: usize = 4;

impl<A: Merge> World<A> {
    /// Delivers parcels until none is on its way and nothing is left to be made durable.
    ///
    /// # Panics
    /// If that never ends.
    pub fn run(&mut self) {
        let start = self.delivered;
        for _ in 0..RESTARTS {
            while self.step() {
                assert!(self.delivered - start < ENDLESS, "devices talk without end");
            }
            if !self.connect_again() {
                return;
            }
        }
        panic!("devices find forks without end");
    }

    /// Lets time pass, with all that happens meanwhile.
    pub fn sleep(&mut self, millis: u64) {
        let until = self.now.monotonic_ms + millis;
        while self.next_moment().is_some_and(|at| at <= until) {
            let arrival = self.next_arrival().map_or(until, |(at, ..)| at);
            self.fire_timers(until.min(arrival));
            if self.next_arrival().is_some_and(|(at, ..)| at <= until) {
                self.step();
            }
        }
        self.pass(until.saturating_sub(self.now.monotonic_ms));
        self.break_links();
    }

    /// Delivers one parcel. `false` if none is on its way.
    pub fn step(&mut self) -> bool {
        if self.cut_at.is_some_and(|at| self.delivered >= at) {
            self.cut();
        }
        if self.next_arrival().is_none() {
            // A driver leaves nothing unflushed, however long it takes in more first.
            self.settle_all();
        }
        let Some((at, ..)) = self.next_arrival() else { return false };
        self.fire_timers(at);
        self.pass(at.saturating_sub(self.now.monotonic_ms));
        self.break_links();
        let Some((_, link, from, stream)) = self.next_arrival() else { return self.step() };
        let Some(parcel) = self.links[link].pop(from, stream) else { return false };
        self.delivered += 1;
        let to = from.other();
        let (device, connection) = (self.links[link].device(to), self.links[link].connection(to));
        self.tick(device);
        match parcel {
            Parcel::Bytes(bytes) => match self.links[link].arrive(from, stream, &bytes) {
                Ok(frames) => frames.iter().for_each(|frame| self.hear(link, from, stream, frame)),
                Err(_too_large) => self.refuse(device, connection),
            },
            Parcel::End => self.end_stream(link, from, stream),
        }
        // Now and then more is taken in before a flush, as a driver under load does.
        if self.rng.below(4) != 0 {
            self.flush(device);
        }
        self.carry_out_all(device);
        true
    }

    /// Gives a device a message that has arrived whole.
    fn hear(&mut self, link: usize, side: Side, stream: Stream, frame: &Bytes) {
        let (from, to) = (self.links[link].device(side), side.other());
        let (device, connection) = (self.links[link].device(to), self.links[link].connection(to));
        let Ok(message) = Message::decode(frame) else {
            self.tell(|| format!("{} → {}  what is no message", self.name(from), self.name(device)));
            return self.refuse(device, connection);
        };
        self.tell(|| {
            let (from, to, place) = (self.name(from), self.name(device), Self::stream(stream));
            format!("{from} → {to}  {place}  {}", self.message(stream, &message))
        });
        if let (Stream::Workspace(workspace), Message::Unit { bytes }) = (stream, &message) {
            let is_friends = [from, device].into_iter().any(|end| self.shares.is_outsider(end));
            self.tally.count(if is_friends { "units of friends" } else { "units" });
            if self.mutant == Mutant::HidesThePast && self.is_by(device, stream, &message) == Some(true) {
                return;
            }
            if let Ok(unit) = SyncUnit::decode(&workspace, bytes)
                && self.is_acknowledged_unseen(device, &workspace, &unit)
            {
                let unit = unit.chain();
                self.promises.make(device, workspace, unit.author(), unit.head());
            }
        }
        let now = self.now_on(device);
        if let Some(replica) = self.devices[device.0].replica_mut() {
            replica.receive(connection, stream, message, now);
        }
    }

    /// Whether a driver with the world's defect acknowledges a unit before its replica has seen it.
    fn is_acknowledged_unseen(&self, device: DeviceIndex, workspace: &WorkspaceId, unit: &SyncUnit) -> bool {
        let held = || self.devices[device.0].replica().and_then(|replica| replica.held(workspace));
        match self.mutant {
            Mutant::AcknowledgesUnitEarly => true,
            Mutant::SkipsGaps => held().is_some_and(|held| unit.first_seq() > held.get(&unit.author()).next()),
            _ => false,
        }
    }

    fn refuse(&mut self, device: DeviceIndex, connection: ConnectionId) {
        let now = self.now_on(device);
        if let Some(replica) = self.devices[device.0].replica_mut() {
            replica.refuse(connection, Reason::Malformed, now);
        }
    }

    fn end_stream(&mut self, link: usize, from: Side, stream: Stream) {
        let to = from.other();
        let (device, connection) = (self.links[link].device(to), self.links[link].connection(to));
        if !self.links[link].has_ended_well(from, stream) {
            self.refuse(device, connection);
        }
        let now = self.now_on(device);
        let Some(replica) = self.devices[device.0].replica_mut() else { return };
        match stream {
            Stream::Workspace(workspace) => replica.stream_closed(connection, workspace, now),
            Stream::Control => {
                replica.disconnected(connection);
            }
        }
    }

    /// Fires the timers that are due up to a moment, each at its time.
    fn fire_timers(&mut self, until: u64) {
        while let Some((at, device)) = self.next_timer().filter(|(at, _)| *at <= until) {
            self.pass(at.saturating_sub(self.now.monotonic_ms));
            let now = self.now_on(device);
            if let Some(replica) = self.devices[device.0].replica_mut() {
                replica.tick(now);
                let next = replica.poll_timeout();
                assert!(next.is_none_or(|next| next > now.monotonic_ms), "a timer fires again and again");
            }
            self.settle(device);
        }
    }

    fn next_timer(&self) -> Option<(u64, DeviceIndex)> {
        let devices = self.devices.iter().enumerate();
        devices.filter_map(|(at, device)| Some((device.replica()?.poll_timeout()?, DeviceIndex(at)))).min()
    }

    /// What arrives next: when, on which link, from which side, on which stream. Among several at once the seed decides.
    fn next_arrival(&mut self) -> Option<(u64, usize, Side, Stream)> {
        let links = self.links.iter().enumerate();
        let waiting = links.flat_map(|(at, link)| link.waiting().map(move |(due, from, on)| (due, at, from, on)));
        let now = self.now.monotonic_ms;
        let waiting: Vec<_> = waiting.map(|(due, at, from, on)| (due.max(now), at, from, on)).collect();
        let earliest = waiting.iter().map(|(due, ..)| *due).min()?;
        let first: Vec<_> = waiting.into_iter().filter(|(due, ..)| *due == earliest).collect();
        let chosen = if first.len() > 1 { self.rng.below(first.len()) } else { 0 };
        first.into_iter().nth(chosen)
    }

    fn next_moment(&mut self) -> Option<u64> {
        let arrival = self.next_arrival().map(|(at, ..)| at);
        arrival.into_iter().chain(self.next_timer().map(|(at, _)| at)).min()
    }

    /// Drops the links on which nothing has arrived for too long.
    fn break_links(&mut self) {
        let now = self.now.monotonic_ms;
        if self.links.iter().any(|link| link.breaks_at.is_some_and(|at| at <= now)) {
            self.drop_links(|link| link.breaks_at.is_some_and(|at| at <= now));
            self.settle_all();
        }
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
        for _ in 0..VAIN {
            if !self.devices[device.0].replica().is_some_and(Replica::needs_flush) {
                return;
            }
            self.flush(device);
            self.carry_out_all(device);
        }
    }

    /// Flushes a device. `false` if it failed: the power has gone off, or the disk failed and the logs were opened again.
    pub(crate) fn flush(&mut self, device: DeviceIndex) -> bool {
        let now = self.now_on(device);
        let Some(replica) = self.devices[device.0].replica_mut() else { return false };
        if let Err(error) = replica.flush(now) {
            self.failed(device, error.reason());
            return false;
        }
        self.devices[device.0].write_checkpoints();
        true
    }

    /// Carries out what a device wants. A device whose power went off wants nothing more.
    pub(crate) fn carry_out_all(&mut self, device: DeviceIndex) {
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
                        let replica = self.devices[device.0].replica().expect("it has just acknowledged");
                        // What was acknowledged by a name that a fork has taken since is told by the new one.
                        if let Some(hash) = replica.identity_of(&workspace, author, *seq) {
                            self.promises.make(device, workspace, *author, ChainHead { seq: *seq, hash });
                        }
                    }
                }
                if matches!(message, Message::Decline { .. }) {
                    self.tally.count("declines");
                }
                let Some((link, side)) = self.link_of(device, connection) else { return };
                let Some(message) = self.mutant.pass(message) else { return };
                if self.mutant == Mutant::ForwardsNothing && self.is_by(device, stream, &message) == Some(false) {
                    return;
                }
                let message = self.retold(device, stream, message);
                let forks = matches!(message, Message::Vector { .. }).then_some(self.devices[device.0].inventions);
                let body = message.encode().expect("what a replica says can be encoded");
                let said = match &mut self.devices[device.0].liar {
                    None => vec![body],
                    Some(liar) => liar.distort(&mut self.rng, stream, body),
                };
                for body in said {
                    self.send(link, side, stream, &body);
                }
                if let (Stream::Workspace(workspace), Some(forks)) = (stream, forks) {
                    for _ in 0..forks {
                        let proof = Message::Proof(invented(&mut self.rng, workspace));
                        self.send(link, side, stream, &proof.encode().expect("a small proof is a message"));
                        self.tally.count("forks invented");
                    }
                }
            }
            Effect::CloseStream { connection, workspace } => {
                if let Some((link, side)) = self.link_of(device, connection) {
                    self.push(link, side, Stream::Workspace(workspace), Parcel::End);
                }
            }
            Effect::Close { connection, reason } => {
                if let Some((link, side)) = self.link_of(device, connection) {
                    self.tell(|| format!("{} closes: {reason:?}", self.name(device)));
                    if reason == Some(Reason::Fork) {
                        self.ended_by_forks.insert(self.links[link].devices.into());
                    }
                    self.push(link, side, Stream::Control, Parcel::End);
                    self.links[link].close(side);
                }
            }
            Effect::Event(event) => self.note(device, event),
            // A stream is there as soon as something is sent on it.
            _ => {}
        }
    }

    /// Puts a frame on its way, in one piece or in two.
    fn send(&mut self, link: usize, side: Side, stream: Stream, body: &Bytes) {
        let header = frame_header(body).expect("a message fits a frame");
        let mut frame = BytesMut::with_capacity(header.len() + body.len());
        frame.put_slice(&header);
        frame.put_slice(body);
        let mut frame = frame.freeze();
        if self.rng.below(8) == 0 {
            let head = frame.split_to(self.rng.below(frame.len()));
            self.push(link, side, stream, Parcel::Bytes(head));
        }
        self.push(link, side, stream, Parcel::Bytes(frame));
    }

    fn push(&mut self, link: usize, side: Side, stream: Stream, parcel: Parcel) {
        let jitter = u64::from(self.rng.byte() % 4);
        let at = self.now.monotonic_ms + self.links[link].delay_ms + jitter;
        self.links[link].push(side, stream, at, parcel);
    }

    fn note(&mut self, device: DeviceIndex, event: Event) {
        self.tell(|| format!("{} {}", self.name(device), self.event(&event)));
        if self.mutant.swallows(&event) {
            return;
        }
        match &event {
            Event::AllLevel { peer, .. } => {
                let met = self.links.iter().filter(|link| link.devices.contains(&device)).flat_map(|link| link.devices);
                let peer = met.into_iter().find(|other| self.devices[other.0].id() == *peer);
                let is_read = |peer: &DeviceIndex| !self.devices[peer.0].is_rotten && self.ledger.is_unaware(device);
                if let Some(peer) = peer.filter(is_read) {
                    let disk = self.devices[peer.0].storage().crash(0);
                    let logs = self.devices[peer.0].read_logs(&disk);
                    self.ledger.shown_to(device, |safe| logs.holds(&safe.workspace, &safe.hash));
                }
            }
            Event::Stopped { reason, .. } => self.tally.count(reason.code()),
            Event::Rebuilt { workspace } => {
                self.forget_steps(device, workspace);
                self.tally.count("rebuilds");
            }
            Event::RolledBack { .. } => self.tally.count("rollbacks noticed"),
            Event::Forked { .. } => self.tally.count("forks learnt"),
            _ => {}
        }
        self.events.push((device, event));
    }

    /// Whether a unit of a workspace was written by a device; `None` if the message brings no such unit.
    fn is_by(&self, device: DeviceIndex, stream: Stream, message: &Message) -> Option<bool> {
        let (Stream::Workspace(workspace), Message::Unit { bytes }) = (stream, message) else { return None };
        let unit = SyncUnit::decode(&workspace, bytes).ok().filter(|_| workspace != WorkspaceId::CONTROL)?;
        Some(unit.author().device == self.devices[device.0].id())
    }

    pub(crate) fn link_of(&self, device: DeviceIndex, connection: ConnectionId) -> Option<(usize, Side)> {
        let mut links = self.links.iter().enumerate();
        links.find_map(|(at, link)| link.side_of(device, connection).map(|side| (at, side)))
    }

    /// Tells whether nothing is on its way.
    pub fn is_quiet(&self) -> bool {
        self.links.iter().all(Link::is_quiet)
    }
}
