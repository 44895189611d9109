//! What goes to the peer, read in pieces and within its credit: [`Sending`].

use std::collections::VecDeque;

use verso_identity::WorkspaceId;
use verso_vv::{Author, Seq};
use verso_wire::limits::{IN_FLIGHT, IN_FLIGHT_IN_ALL, MAX_UNIT_BYTES};
use verso_wire::{Message, MessageTag};

use crate::chains::Chains;
use crate::error::SessionError;
use crate::input::EncodedRun;
use crate::outbox::Outbox;
use crate::output::Output;

/// Most bytes that one read asks for: 1 MiB, so that what is read ahead of the transport stays small against the credit, while the cost
/// of asking vanishes against that of the bytes.
const READ_BYTES: usize = 1024 * 1024;

/// Sends what the peer lacks of one workspace.
///
/// 1. The next author who has something to send is read, from where it was sent to, no more than the credit has room for. One read is
///    open at a time.
/// 2. What comes back is sent as it is. What the credit has no room for waits; nothing is read while something waits.
/// 3. Again, until the peer was sent everything. Something new at the end of a chain that the peer has goes out without a read.
///
/// Guaranteed: the bytes of units sent never exceed the peer's credit; what waits is one answer at most. All streams of a session together have no more than
/// [`IN_FLIGHT_IN_ALL`] on their way, and one unit a stream beyond it.
#[derive(Debug)]
pub(crate) struct Sending {
    workspace: WorkspaceId,
    /// All bytes of units that may have been sent on this stream.
    credit: u64,
    /// All bytes of units that were sent on this stream.
    sent: u64,
    /// The read that the replica has yet to answer.
    reading: Option<Reading>,
    waiting: VecDeque<(Author, EncodedRun)>,
}

#[derive(Debug, Clone, Copy)]
struct Reading {
    author: Author,
    from: Seq,
    max_bytes: u64,
}

impl Sending {
    pub(crate) const fn new(workspace: WorkspaceId) -> Self {
        Self { workspace, credit: IN_FLIGHT, sent: 0, reading: None, waiting: VecDeque::new() }
    }

    /// Takes the peer's new credit. Returns whether it grew.
    ///
    /// # Errors
    /// [`SessionError::Contradiction`] if it takes back what it gave, or gives more than its window over what it got.
    pub(crate) fn grant(&mut self, credit: u64) -> Result<bool, SessionError> {
        let contradiction = |why| SessionError::Contradiction { message: MessageTag::Ack, why };
        if credit < self.credit {
            return Err(contradiction("the credit is below an earlier one"));
        }
        if credit > self.sent.saturating_add(IN_FLIGHT) {
            return Err(contradiction("the credit is for bytes that were never sent"));
        }
        let grew = credit > self.credit;
        self.credit = credit;
        Ok(grew)
    }

    /// Takes the replica's answer to a read.
    ///
    /// # Errors
    /// [`SessionError::Unreadable`] if the log gave nothing of what its head promised.
    pub(crate) fn answer(
        &mut self,
        author: Author,
        runs: Vec<EncodedRun>,
        chains: &mut Chains,
    ) -> Result<(), SessionError> {
        let Some(Reading { from, .. }) = self.reading.take_if(|reading| reading.author == author) else {
            return Ok(());
        };
        let mut taken = false;
        for run in runs {
            // Meanwhile the peer may have got some of it elsewhere, declined it, or asked for what comes before.
            let next = chains.sent_until(&author).next();
            // A branch of a forked chain has no entry before the one that begins it.
            let follows = run.first <= next || (!taken && next == from);
            if follows && next <= run.last && next <= chains.send_until(&author) {
                chains.sent(author, run.last)?;
                self.waiting.push_back((author, run));
                taken = true;
            }
        }
        if !taken && chains.sent_until(&author).next() == from && from <= chains.send_until(&author) {
            return Err(SessionError::Unreadable { workspace: self.workspace, author, from });
        }
        Ok(())
    }

    /// Sends a run at once that was just appended, if the peer has all before it, nothing else is on its way to the wire, and the session has that
    /// much to `spare`.
    pub(crate) fn push(
        &mut self,
        (author, run): (Author, EncodedRun),
        spare: u64,
        chains: &mut Chains,
        out: &mut Outbox,
    ) -> Result<(), SessionError> {
        let follows = chains.sent_until(&author).next() == run.first && run.last <= chains.send_until(&author);
        let is_spared = self.on_the_way() == 0 || len(&run) <= spare;
        if follows && self.waiting.is_empty() && self.reading.is_none() && is_spared && self.has_room(&run) {
            chains.sent(author, run.last)?;
            self.send(run, out);
        }
        Ok(())
    }

    /// Sends what waits, as far as the credit goes.
    pub(crate) fn flush(&mut self, out: &mut Outbox) {
        while self.waiting.front().is_some_and(|(_, run)| self.has_room(run)) {
            if let Some((_, run)) = self.waiting.pop_front() {
                self.send(run, out);
            }
        }
    }

    /// Asks for the next piece to send, if there is one and room for it, here and in what the session has to `spare`.
    pub(crate) fn read_next(&mut self, chains: &Chains, spare: u64, out: &mut Outbox) {
        let room = usize::try_from(self.credit - self.sent).unwrap_or(usize::MAX);
        if self.reading.is_some() || !self.waiting.is_empty() || room < MAX_UNIT_BYTES {
            return;
        }
        let spare = usize::try_from(spare).unwrap_or(usize::MAX);
        let max_bytes = if spare >= MAX_UNIT_BYTES {
            room.min(READ_BYTES).min(spare)
        } else if self.on_the_way() == 0 {
            // One unit, however large.
            1
        } else {
            return;
        };
        if let Some((author, from)) = chains.next_to_send() {
            self.reading = Some(Reading { author, from, max_bytes: u64::try_from(max_bytes).unwrap_or(u64::MAX) });
            out.push(Output::Read { workspace: self.workspace, author, from, max_bytes });
        }
    }

    /// Bytes of units that were sent, or are about to be, and that the peer has not settled.
    pub(crate) fn on_the_way(&self) -> u64 {
        let settled = self.credit.saturating_sub(IN_FLIGHT);
        let waiting: u64 = self.waiting.iter().map(|(_, run)| len(run)).sum();
        self.sent.saturating_sub(settled) + waiting + self.reading.map_or(0, |reading| reading.max_bytes)
    }

    /// Drops what waits of `author`, because where it goes on has changed.
    pub(crate) fn forget(&mut self, author: Author) {
        self.waiting.retain(|(other, _)| *other != author);
    }

    /// Whether an answer of the replica is awaited.
    pub(crate) const fn is_reading(&self) -> bool {
        self.reading.is_some()
    }

    /// Whether something is read or about to be: nothing but the peer's credit holds it back otherwise.
    pub(crate) fn is_busy(&self, chains: &Chains) -> bool {
        let blocked = usize::try_from(self.credit - self.sent).is_ok_and(|room| room < MAX_UNIT_BYTES);
        self.is_reading() || (!blocked && chains.next_to_send().is_some())
    }

    /// Whether nothing waits for credit.
    pub(crate) fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    fn has_room(&self, run: &EncodedRun) -> bool {
        len(run) <= self.credit - self.sent
    }

    fn send(&mut self, run: EncodedRun, out: &mut Outbox) {
        self.sent = self.sent.saturating_add(len(&run));
        out.send(self.workspace, Message::Unit { bytes: run.bytes });
    }
}

/// What a session whose streams have that much on their way has left.
pub(crate) const fn spare(on_the_way: u64) -> u64 {
    IN_FLIGHT_IN_ALL.saturating_sub(on_the_way)
}

fn len(run: &EncodedRun) -> u64 {
    u64::try_from(run.bytes.len()).unwrap_or(u64::MAX)
}
