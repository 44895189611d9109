//! Confirmation: a device that was put back to an earlier state trusts nobody with more than the control log, until it knows who is still
//! trusted.

use std::collections::{BTreeMap, BTreeSet};

use verso_identity::{DeviceId, WorkspaceId};
use verso_log::Storage;
use verso_session::Input;
use verso_trust::PeerRole;
use verso_vv::{Author, Seq};
use verso_wire::{Application, Offered, Reason, VectorEntry};

use crate::effect::{ConnectionId, Effect, Event};
use crate::high_water::HighWater;
use crate::local::{Contact, LocalFile, LocalStateError};
use crate::replica::{Now, Replica};
use crate::sync::Stop;

/// What waits on a connection with an own device that is not confirmed.
#[derive(Debug)]
pub(crate) struct Withheld {
    /// What the peer offers, of which nothing is taken yet: no more than a session lets it offer.
    offered: BTreeMap<WorkspaceId, Offered>,
    until: Until,
}

/// What it waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Until {
    /// The control log is level: by that the peer may confirm all. Its offers are answered only then.
    Level,
    /// Another device confirms the peer, or the person does. It shares nothing but the control log meanwhile, and that was told.
    Confirmed,
}

impl Withheld {
    /// Tells whether it shows only later whether the peer is confirmed: its offers are not to be answered yet.
    pub(crate) fn is_undecided(&self) -> bool {
        self.until == Until::Level
    }

    /// Tells whether it was told that the peer is not confirmed.
    pub(crate) fn is_told(&self) -> bool {
        self.until == Until::Confirmed
    }
}

impl<S: Storage, A: Application> Replica<S, A> {
    /// Iterates over the peers that are still trusted only as far as an earlier state goes: this device was restored from a backup, its control
    /// log was repaired, or its high-water mark told that its data had been put back. Empty once an own device that knew at least as much has brought
    /// its control log, or all were confirmed.
    pub fn unconfirmed(&self) -> impl Iterator<Item = DeviceId> + '_ {
        self.trust().peers().map(|peer| peer.device).filter(|peer| self.trust().is_unconfirmed(peer))
    }

    /// Takes a peer for trusted, because the person says so. Durable when it returns.
    ///
    /// # Errors
    /// [`LocalStateError`] if the state can't be written.
    pub fn confirm(&mut self, peer: DeviceId, now: Now) -> Result<(), LocalStateError> {
        let Some(unconfirmed) = &mut self.local.unconfirmed else { return Ok(()) };
        unconfirmed.confirmed.insert(peer);
        self.local_file = LocalFile::Due;
        self.save_local()?;
        self.follow_confirmations();
        if self.unconfirmed().next().is_none() {
            return self.confirm_all(now);
        }
        self.release(now);
        Ok(())
    }

    /// Takes nobody for trusted any more than was so when the state that this device opened with was made: it lies behind the mark. In which log
    /// that showed says little, since a mark knows nothing of what others had told.
    ///
    /// What the mark says that this device had told of its peers counts, too: a removal may be in it that reached nobody.
    pub(crate) fn doubt_trust(&mut self, mark: &HighWater) {
        let mut heads: BTreeMap<Author, Seq> =
            self.control.heads().into_iter().map(|(author, head)| (author, head.seq)).collect();
        let author = Author { device: self.device(), incarnation: mark.incarnation() };
        for (_, head) in mark.heads().filter(|(workspace, _)| *workspace == WorkspaceId::CONTROL) {
            let known = heads.entry(author).or_insert(head.seq);
            *known = (*known).max(head.seq);
        }
        self.local.put_back(heads);
        // Pairings that were under way are over: who was met and removed since would be confirmed by being met again.
        for peer in std::mem::take(&mut self.local.provisional).into_keys() {
            self.control.view.state.control.drop_provisional(&peer);
        }
        self.local_file = LocalFile::Due;
        self.follow_confirmations();
    }

    /// Tells the fold who is confirmed. Nothing happens on a device whose trust was never put back.
    pub(crate) fn follow_confirmations(&mut self) {
        let control = &mut self.control.view.state.control;
        match &self.local.unconfirmed {
            Some(unconfirmed) => control.confirm_only(unconfirmed.confirmed.clone()),
            None => control.confirm_all(),
        }
        self.trust_revision += 1;
        self.offers_changed = true;
    }

    /// Returns what is to be withheld on a new connection with a peer.
    pub(crate) fn withheld(&self, peer: &DeviceId, role: PeerRole) -> Option<Withheld> {
        let is_withheld = role == PeerRole::Own && self.trust().is_unconfirmed(peer);
        is_withheld.then_some(Withheld { offered: BTreeMap::new(), until: Until::Level })
    }

    /// Takes what a peer offers now and what it no longer offers, or keeps it until any of it may be taken. Returns the answer, if one is due.
    pub(crate) fn take_offer(&mut self, id: ConnectionId, add: Vec<Offered>, remove: &[WorkspaceId]) -> Option<Input> {
        let connection = self.connections.get_mut(&id)?;
        let peer = connection.peer;
        let Some(withheld) = &mut connection.withheld else { return Some(self.consider_offer(peer, &add)) };
        withheld.offered.retain(|workspace, _| !remove.contains(workspace));
        withheld.offered.extend(add.into_iter().map(|offered| (offered.workspace, offered)));
        withheld.is_told().then(|| Input::Offers(self.offers_for(&peer)))
    }

    /// Notes what a peer lacks, as its vector shows, of what the control log had when this device was put back: then it knows less than that, and
    /// confirms nobody, whatever it is given now. Of the signers in `renames` its vector shows nothing yet. Durable when it returns, so before
    /// the peer is given anything.
    pub(crate) fn note_lacks(
        &mut self,
        peer: DeviceId,
        vector: &[VectorEntry],
        renames: &BTreeSet<Author>,
    ) -> Result<(), LocalStateError> {
        let Some(unconfirmed) = &self.local.unconfirmed else { return Ok(()) };
        let (control, mut lacked) = (&self.control, BTreeSet::new());
        for (name, last) in &unconfirmed.heads {
            // Forks may have been learnt since: then any chain of the same signer counts.
            let signer = control.lineage.signer(name);
            let is_lacking = |chain: Author| {
                let until = control.head(&chain).seq.min(*last);
                let shown =
                    vector.binary_search_by(|entry| entry.author.cmp(&chain)).ok().and_then(|at| vector.get(at));
                control.lineage.first(&chain) <= until && shown.is_none_or(|shown| shown.seq < until)
            };
            if !renames.contains(&signer) && control.names(&signer).any(is_lacking) {
                lacked.insert((peer, signer));
            }
        }
        self.note_behind(lacked)
    }

    /// Notes that a peer doesn't take a chain of the control log from an entry on: what was there when this device was put back it lacks for good.
    pub(crate) fn note_declined(&mut self, peer: DeviceId, author: &Author, from: Seq) -> Result<(), LocalStateError> {
        let Some(unconfirmed) = &self.local.unconfirmed else { return Ok(()) };
        let lineage = &self.control.lineage;
        let signer = lineage.signer(author);
        let was_there = unconfirmed.heads.iter().any(|(name, last)| lineage.signer(name) == signer && from <= *last);
        self.note_behind(was_there.then_some((peer, signer)))
    }

    /// Forgets what a peer lacked of a signer's chains: it shows a fork of them, so it calls them by names that this device did not know. What it
    /// lacks shows anew at the next contact. Durable when it returns.
    pub(crate) fn forget_lacks(&mut self, peer: &DeviceId, signer: &Author) -> Result<(), LocalStateError> {
        let unconfirmed = self.local.unconfirmed.as_mut();
        if unconfirmed.is_some_and(|unconfirmed| unconfirmed.behind.remove(&(*peer, *signer))) {
            self.local_file = LocalFile::Due;
            self.save_local()?;
        }
        Ok(())
    }

    fn note_behind(&mut self, lacked: impl IntoIterator<Item = (DeviceId, Author)>) -> Result<(), LocalStateError> {
        let Some(unconfirmed) = &mut self.local.unconfirmed else { return Ok(()) };
        let before = unconfirmed.behind.len();
        unconfirmed.behind.extend(lacked);
        if unconfirmed.behind.len() > before {
            self.local_file = LocalFile::Due;
            self.save_local()?;
        }
        Ok(())
    }

    /// Tells whether an own device, with which the control log is level, confirms all: it had what there was when this device was put back,
    /// and so has this device again.
    fn is_confirmed_by(&self, peer: &DeviceId) -> bool {
        let Some(unconfirmed) = &self.local.unconfirmed else { return false };
        let control = &self.control;
        let is_back = |(name, last): (&Author, &Seq)| {
            control.names(&control.lineage.signer(name)).any(|chain| *last <= control.head(&chain).seq)
        };
        self.trust().role(peer) == Some(PeerRole::Own)
            && unconfirmed.behind.iter().all(|(device, _)| device != peer)
            && unconfirmed.heads.iter().all(is_back)
    }

    /// Considers that the control log is level with a peer. If it is an own device that knew all that this one did when it was put back, and
    /// what came since with it, then trust is as new as that device's. Returns what the session is to be told.
    pub(crate) fn control_is_level(&mut self, id: ConnectionId, now: Now) -> Option<Input> {
        let peer = self.connections.get(&id)?.peer;
        if self.is_confirmed_by(&peer) {
            // What the peer brought is made durable before anything follows from it.
            let confirmed = self.sync_log(&WorkspaceId::CONTROL).is_ok() && self.confirm_all(now).is_ok();
            if !confirmed {
                return Some(Input::Refused(self.failure(&WorkspaceId::CONTROL).unwrap_or(Reason::DiskFull)));
            }
        }
        // What it brought may have removed the peer itself: then the session ends with the next flush.
        let is_confirmed = self.trust().role(&peer) == Some(PeerRole::Own) && !self.trust().is_unconfirmed(&peer);
        let connection = self.connections.get_mut(&id)?;
        let withheld = connection.withheld.take_if(|withheld| withheld.is_undecided())?;
        if is_confirmed {
            return Some(self.decide(peer, withheld));
        }
        connection.withheld = Some(Withheld { until: Until::Confirmed, ..withheld });
        self.stopped(Stop { peer, workspace: None, entries: None, reason: Reason::Unconfirmed }, now);
        Some(Input::Offers(self.offers_for(&peer)))
    }

    /// Gives up all reserve. Durable when it returns.
    fn confirm_all(&mut self, now: Now) -> Result<(), LocalStateError> {
        let Some(before) = self.local.unconfirmed.take() else { return Ok(()) };
        self.local_file = LocalFile::Due;
        if let Err(error) = self.save_local() {
            self.local.unconfirmed = Some(before);
            return Err(error);
        }
        self.follow_confirmations();
        self.folds_changed.insert(WorkspaceId::CONTROL);
        self.effects.push_back(Effect::Event(Event::Confirmed));
        self.release(now);
        Ok(())
    }

    /// Goes on with peers that are confirmed now: nothing keeps anything from moving, and what they offered is decided. Where the control log is
    /// not level yet that comes first.
    fn release(&mut self, now: Now) {
        let was_kept = |contact: &Contact| {
            contact.reason.as_ref().is_some_and(|(code, _since)| code == Reason::Unconfirmed.code())
        };
        let kept = self
            .local
            .contacts
            .iter()
            .filter(|(peer, contact)| was_kept(contact) && !self.trust().is_unconfirmed(peer));
        for peer in kept.map(|(peer, _)| *peer).collect::<Vec<_>>() {
            self.note_reason(peer, None, now);
        }
        for id in self.connection_ids() {
            let Some(peer) = self.connections.get(&id).map(|connection| connection.peer) else { continue };
            if self.trust().is_unconfirmed(&peer) {
                continue;
            }
            let connection = self.connections.get_mut(&id);
            let told = connection.and_then(|connection| connection.withheld.take_if(|withheld| withheld.is_told()));
            if let Some(withheld) = told {
                let answer = self.decide(peer, withheld);
                self.handle(id, now, answer);
            }
        }
    }

    fn decide(&mut self, peer: DeviceId, withheld: Withheld) -> Input {
        let offered: Vec<Offered> = withheld.offered.into_values().collect();
        self.consider_offer(peer, &offered)
    }
}
