//! Incarnations: a device that was rolled back, restored or cloned goes on as a new author, so that no number is ever used twice.

use verso_identity::WorkspaceId;
use verso_log::Storage;
use verso_trust::Introduced;
use verso_vv::Seq;
use verso_wire::{Application, Seal};

use crate::effect::{Effect, Event};
use crate::error::JournalError;
use crate::high_water::HighWater;
use crate::local::LocalFile;
use crate::replica::{Now, Replica};

/// How far the change to a new incarnation has come. Nothing is written before it is complete.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Renewal {
    /// The incarnation is good.
    None,
    /// Numbers of the incarnation were used that this device doesn't know of.
    Due,
    /// There is a new one, which is not durable yet: a crash would bring the old one back.
    Unsaved,
}

impl<S: Storage, A: Application> Replica<S, A> {
    /// Considers the seal that a peer holds of this device's newest chain. If it verifies and lies beyond what is held, or over other entries,
    /// this device was rolled back or cloned. It fetches the old tail like any other author's. A claim that doesn't verify is worth nothing.
    pub(crate) fn consider_seal(&mut self, workspace: WorkspaceId, seal: &Seal, now: Now) -> Result<(), JournalError> {
        if seal.author != self.author() {
            return Ok(());
        }
        let is_known = self.holder(&workspace, &seal.author, &seal.head)?.is_some();
        if is_known || seal.verify(&workspace).is_err() {
            return Ok(());
        }
        self.begin_incarnation(workspace, now)
    }

    /// Goes on from a state that lies behind the high-water mark: as a new author, and with trust that has yet to be confirmed. Both are durable
    /// with one write, so a start that is cut short leaves it to the next.
    pub(crate) fn go_on_from_behind(
        &mut self,
        mark: &HighWater,
        workspace: WorkspaceId,
        now: Now,
    ) -> Result<(), JournalError> {
        // Should no later mark be kept, this one is not answered again.
        self.local.leave(mark.incarnation());
        self.doubt_trust(mark);
        self.begin_incarnation(workspace, now)
    }

    /// Starts a new incarnation, because the current one was used in a way that this device doesn't remember.
    pub(crate) fn begin_incarnation(&mut self, workspace: WorkspaceId, now: Now) -> Result<(), JournalError> {
        self.renewal = Renewal::Due;
        self.effects.push_back(Effect::Event(Event::RolledBack { workspace }));
        self.renew_incarnation(now)
    }

    /// Completes the change to a new incarnation, if one has begun: durable before anything is written under it.
    pub(crate) fn renew_incarnation(&mut self, now: Now) -> Result<(), JournalError> {
        if self.renewal == Renewal::None {
            return Ok(());
        }
        if self.renewal == Renewal::Due {
            self.local.renew(&self.storage)?;
            self.local_file = LocalFile::Due;
            self.renewal = Renewal::Unsaved;
        }
        self.save_local()?;
        self.renewal = Renewal::None;
        let name = self.name().to_owned();
        self.introduce(&name, now)
    }

    /// Introduces this device in the control log at the start of each of its chains.
    pub(crate) fn introduce(&mut self, name: &str, now: Now) -> Result<(), JournalError> {
        let is_introduced = self.control.head(&self.author()).seq != Seq::ZERO;
        if is_introduced || self.control.closed().is_some() {
            return Ok(());
        }
        // A new incarnation keeps the name that the device had.
        let name = presentable(if self.name().is_empty() { name } else { self.name() });
        let (noise_key, sealing_key, addresses) = (self.noise_key(), self.sealing_key(), Vec::new());
        self.tell(Introduced { name, noise_key, sealing_key, addresses }.into(), now)?;
        self.sync_log(&WorkspaceId::CONTROL)?;
        Ok(())
    }
}

/// A name as an event may carry it: without control characters, and not too long.
pub(crate) fn presentable(name: &str) -> String {
    let name: String = name.chars().filter(|character| !character.is_control()).collect();
    name.get(..name.floor_char_boundary(verso_trust::MAX_NAME_BYTES)).unwrap_or_default().to_owned()
}

/// Addresses as an event may carry them: none that is empty or too long, and not too many.
pub(crate) fn storable(addresses: &[String]) -> Vec<String> {
    let fits = |address: &&String| !address.is_empty() && address.len() <= verso_trust::MAX_ADDRESS_BYTES;
    addresses.iter().filter(fits).take(verso_trust::MAX_ADDRESSES).cloned().collect()
}
