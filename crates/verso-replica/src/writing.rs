//! What this device writes: what the user did, and what it tells in the control log and of membership.

use verso_identity::WorkspaceId;
use verso_log::Storage;
use verso_trust::{
    ControlChange, ControlEvent, MembershipChange, MembershipEvent, Renamed, Request, Resume, Verdict, decide,
};
use verso_vv::{Author, AuthorTag, Seq};
use verso_wire::{Application, Drafting, Drafts, EntryKind};

use crate::error::{CommitError, JournalError};
use crate::guard;
use crate::incarnation::presentable;
use crate::replica::{Now, Replica};

/// The entries of a commit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Committed {
    /// Whose they are.
    pub author: Author,
    /// The first.
    pub first: Seq,
    /// The last; one before `first` if there were none.
    pub last: Seq,
}

impl<S: Storage, A: Application> Replica<S, A> {
    /// Records what the user did. All of it or nothing; not durable, and not seen by any peer, before [`flush`](Self::flush).
    ///
    /// A power cut before the flush has returned may leave a part: whole units (of 4,096 entries or 256 KiB of payload at most) from the
    /// beginning of the batch.
    ///
    /// # Errors
    /// [`CommitError`] if the workspace is unknown or may not be written, the application rejects an intent, or the log fails.
    pub fn commit(
        &mut self,
        workspace: &WorkspaceId,
        intents: &[A::Intent],
        now: Now,
    ) -> Result<Committed, CommitError<A::Rejected>> {
        self.renew_incarnation(now)?;
        let must_resume = self.may_write(workspace)?;
        let author = self.author();
        let journal = self.workspaces.get(workspace).ok_or(CommitError::UnknownWorkspace)?;
        match (journal.failure(), journal.closed()) {
            (Some(reason), _) => return Err(JournalError::Closed { reason }.into()),
            (None, Some(_damaged)) => return Err(CommitError::ReadOnlyLog),
            (None, None) => {}
        }
        let next = journal.head(&author).seq.next();
        let first = if must_resume { next.next() } else { next };
        let seen = journal.view.seen();
        let context = Drafting { author, tag: AuthorTag::of(&author), next: first, seen: &seen, hlc_ms: now.wall_ms };
        let mut drafts = Drafts::default();
        if must_resume {
            // It was cut and is trusted again: its chain says first that it knows.
            self.draft_event(workspace, Resume {}.into(), &mut drafts)?;
        }
        let application = &journal.view.state.application;
        guard::run("encoding intents", || application.encode(intents, &context, &mut drafts))
            .map_err(|guard::Panicked| JournalError::Crashed)?
            .map_err(CommitError::Rejected)?;
        self.record(workspace, &drafts, now)?;
        let last = self.workspaces.get(workspace).map_or(Seq::ZERO, |journal| journal.head(&author).seq);
        Ok(Committed { author, first, last })
    }

    /// Changes what other devices call this one.
    ///
    /// # Errors
    /// [`JournalError`] if the log fails.
    pub fn rename(&mut self, name: &str, now: Now) -> Result<(), JournalError> {
        self.tell(Renamed { device: self.device(), name: presentable(name) }.into(), now)
    }

    /// Makes sure that this device may write in a workspace. Returns whether its chain has to [resume](Resume) first.
    fn may_write(&self, workspace: &WorkspaceId) -> Result<bool, CommitError<A::Rejected>> {
        let journal = self.workspaces.get(workspace).ok_or(CommitError::UnknownWorkspace)?;
        let request = Request::Write { workspace: *workspace, author: self.author() };
        match decide(&request, self.trust(), Some(&journal.view.state.membership)) {
            Verdict::Allow => Ok(false),
            Verdict::Hold(_) => Ok(true),
            Verdict::Refuse(refusal) => Err(CommitError::Refused(refusal)),
        }
    }

    /// Writes an event into the control log.
    pub(crate) fn tell(&mut self, change: ControlChange, now: Now) -> Result<(), JournalError> {
        self.renew_incarnation(now)?;
        let event = ControlEvent::new(self.trust().seen(), change);
        let mut drafts = Drafts::new();
        drafts.push(EntryKind(event.kind()), &event.encode()?);
        self.record(&WorkspaceId::CONTROL, &drafts, now)
    }

    /// Drafts a membership event of a workspace. What it has seen is what the fold has: an item that names no event counts for nothing.
    pub(crate) fn draft_event(
        &self,
        workspace: &WorkspaceId,
        change: MembershipChange,
        drafts: &mut Drafts,
    ) -> Result<(), JournalError> {
        let journal = self.workspaces.get(workspace).ok_or(JournalError::Missing)?;
        let event = MembershipEvent::new(journal.view.state.membership.seen(), change);
        drafts.push(EntryKind(event.kind()), &event.encode()?);
        Ok(())
    }

    /// Signs drafts into a log, all of them or none.
    pub(crate) fn record(&mut self, workspace: &WorkspaceId, drafts: &Drafts, now: Now) -> Result<(), JournalError> {
        self.renew_incarnation(now)?;
        let author = self.author();
        self.dirty.insert(*workspace);
        let clock = &mut self.clock;
        let stamp = || clock.tick(now.wall_ms);
        let (ingested, runs) = if *workspace == WorkspaceId::CONTROL {
            self.control.commit(&self.key, author, drafts, stamp)?
        } else {
            let journal = self.workspaces.get_mut(workspace).ok_or(JournalError::Missing)?;
            journal.commit(&self.key, author, drafts, stamp)?
        };
        for run in runs {
            self.unreported.advanced(*workspace, None, run, self.connections.len());
        }
        self.took_in(*workspace, ingested, now);
        Ok(())
    }
}
