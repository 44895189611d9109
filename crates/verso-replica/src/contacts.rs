//! What is kept of contacts with peers: when they were met and were level, and why nothing moves.

use verso_identity::{DeviceId, WorkspaceId};
use verso_log::Storage;
use verso_trust::PeerRole;
use verso_wire::{Application, Reason};

use crate::effect::{ConnectionId, Effect, Event};
use crate::local::LocalFile;
use crate::replica::{Now, Replica};
use crate::sync::Stop;

impl<S: Storage, A: Application> Replica<S, A> {
    /// Notes why nothing moves between this device and a peer, in any workspace, or that nothing keeps it from moving. Of strangers nothing is kept.
    pub fn note_reason(&mut self, peer: DeviceId, reason: Option<Reason>, now: Now) {
        if !self.is_known(&peer) {
            return;
        }
        let contact = self.local.contacts.entry(peer).or_default();
        if change(&mut contact.reason, reason, now) {
            self.local_file = LocalFile::Due;
        }
    }

    /// Tells the person what keeps data from moving, and keeps it: of a workspace that this device has, with that workspace, and of the peer otherwise.
    pub(crate) fn stopped(&mut self, stop: Stop, now: Now) {
        let Stop { peer, workspace, entries, reason } = stop;
        match workspace.filter(|workspace| self.workspaces.contains_key(workspace)) {
            Some(workspace) => {
                let contact = self.local.contacts.entry(peer).or_default();
                if change(&mut contact.workspaces.entry(workspace).or_default().reason, Some(reason), now) {
                    self.local_file = LocalFile::Due;
                }
            }
            None => self.note_reason(peer, Some(reason), now),
        }
        self.effects.push_back(Effect::Event(Event::Stopped { peer, workspace, entries, reason }));
    }

    /// Notes that both have acknowledged all that either takes of a workspace.
    pub(crate) fn note_level(&mut self, id: ConnectionId, workspace: WorkspaceId, now: Now) {
        let Some(connection) = self.connections.get_mut(&id).filter(|_| workspace != WorkspaceId::CONTROL) else {
            return;
        };
        connection.level.insert(workspace);
        let contact = self.local.contacts.entry(connection.peer).or_default();
        if contact.shared.insert(workspace) {
            contact.shared.retain(|known| *known == workspace || self.workspaces.contains_key(known));
            contact.workspaces.retain(|known, _| self.workspaces.contains_key(known));
            self.local_file.save_later();
        }
        let kept = contact.workspaces.entry(workspace).or_default();
        kept.level_ms = Some(now.wall_ms);
        if !connection.stops(&workspace) && change(&mut kept.reason, None, now) {
            self.local_file = LocalFile::Due;
        }
    }

    /// Notes that both are level in all that either takes. Returns whether something is left that one of them doesn't take: that it is stays the last word.
    pub(crate) fn note_all_level(&mut self, id: ConnectionId, now: Now) -> bool {
        let Some(connection) = self.connections.get(&id) else { return false };
        let (peer, is_stopped, is_withheld) = (connection.peer, connection.is_stopped(), connection.is_withheld());
        if !is_withheld {
            self.note_reason(peer, None, now);
        }
        if !is_stopped {
            if self.trust().role(&peer) == Some(PeerRole::Own) {
                self.note_heard_all();
            }
            let contact = self.local.contacts.entry(peer).or_default();
            for kept in contact.workspaces.values_mut() {
                if change(&mut kept.reason, None, now) {
                    self.local_file = LocalFile::Due;
                }
            }
        }
        is_stopped
    }

    /// Notes that those who are connected still are, and what is level still is. The file says so once they are gone: nobody asks it before.
    pub(crate) fn keep_in_touch(&mut self, now: Now) {
        for connection in self.connections.values() {
            let contact = self.local.contacts.entry(connection.peer).or_default();
            contact.last_seen_ms = Some(now.wall_ms);
            for workspace in &connection.level {
                contact.workspaces.entry(*workspace).or_default().level_ms = Some(now.wall_ms);
            }
        }
    }
}

/// Notes a reason; one that stays has been there since it came. Returns whether it is another.
fn change(noted: &mut Option<(String, u64)>, reason: Option<Reason>, now: Now) -> bool {
    let code = reason.map(Reason::code);
    if noted.as_ref().map(|(code, _since)| code.as_str()) == code {
        return false;
    }
    *noted = code.map(|code| (code.to_owned(), now.wall_ms));
    true
}
