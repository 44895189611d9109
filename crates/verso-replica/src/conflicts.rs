//! What came to be decided by people and what no longer is, told once it is durable.

use verso_identity::WorkspaceId;
use verso_log::Storage;
use verso_wire::{Application, ConflictChanges};

use crate::effect::{Effect, Event};
use crate::guard;
use crate::replica::Replica;
use crate::state::Soundness;

impl<S: Storage, A: Application> Replica<S, A> {
    /// Tells which conflicts of a workspace opened and which were resolved since that was last told, by what was made durable.
    pub(crate) fn tell_conflicts(&mut self, workspace: WorkspaceId) {
        let ConflictChanges { opened, resolved } = self.take_conflict_changes(&workspace);
        if !opened.is_empty() {
            self.effects.push_back(Effect::Event(Event::ConflictOpened { workspace, conflicts: opened }));
        }
        if !resolved.is_empty() {
            self.effects.push_back(Effect::Event(Event::ConflictResolved { workspace, conflicts: resolved }));
        }
    }

    /// Takes what changed about conflicts. After a start or a rebuild it means nothing: everything looks new.
    pub(crate) fn take_conflict_changes(&mut self, workspace: &WorkspaceId) -> ConflictChanges {
        let Some(journal) = self.workspaces.get_mut(workspace) else { return ConflictChanges::default() };
        let state = &mut journal.view.state;
        if state.soundness == Soundness::Broken {
            return ConflictChanges::default();
        }
        let application = &mut state.application;
        guard::run("telling conflicts", || application.take_conflict_changes()).unwrap_or_else(|guard::Panicked| {
            journal.break_down();
            ConflictChanges::default()
        })
    }
}
