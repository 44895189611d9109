//! [`Device`]: the device in a data directory, opened without any network.

use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use verso_graph::{Graph, Intent};
use verso_identity::{DeviceId, DeviceKey, MarkStore, WorkspaceId};
use verso_log::{DataDirLock, FileStorage};
use verso_replica::{Committed, HighWater, Now, OpenNotices, Replica};
use verso_worker::{HostReplica, Loan, keep_high_water, now_since, read_high_water};

use crate::control::Host;
use crate::error::{CliError, Exit};
use crate::failure;
use crate::home::Unlocked;
use crate::output::Output;

/// A device that a command works on by itself.
///
/// Nothing that was done counts before [`close`](Self::close), or [`flush`](Self::flush), returned.
#[derive(Debug)]
pub(crate) struct Device {
    held: Held,
    notices: OpenNotices,
    started: Instant,
    /// What its high-water mark is kept with.
    keeper: Option<Keeper>,
    /// Released last, when all files are closed.
    lock: Option<DataDirLock>,
}

/// Whose replica it is.
#[derive(Debug)]
enum Held {
    /// This command's own.
    Own(Box<HostReplica<Graph>>),
    /// That of the `verso up` in which the command runs. `None` while it has it back.
    Lent(Option<Loan<Graph>>, Host),
}

/// Where the mark of a device is kept, and what was kept there before.
#[derive(Debug)]
struct Keeper {
    marks: Arc<dyn MarkStore>,
    key: DeviceKey,
    before: Option<HighWater>,
    /// Why it could not be read.
    failure: Option<String>,
}

impl Device {
    /// Opens the device in `dir`, which the caller has locked. `name` is for one that has none yet.
    pub(crate) fn open(dir: &Path, key: DeviceKey, name: &str) -> Result<Self, CliError> {
        Self::open_marked(dir, key, name, None)
    }

    /// Opens the device in `dir` whose identity this is. `name` is for one that has none yet.
    pub(crate) fn open_unlocked(dir: &Path, unlocked: Unlocked, name: &str) -> Result<Self, CliError> {
        let Unlocked { key, marks, lock, .. } = unlocked;
        let twin = DeviceKey::from_secret(&key.to_secret());
        let (before, failure) = match read_high_water(marks.as_ref(), &key) {
            Ok(before) => (before, None),
            Err(error) => (None, Some(crate::error::chain(&error))),
        };
        let device = Self::open_marked(dir, twin, name, before.as_ref())?;
        Ok(Self { keeper: Some(Keeper { marks, key, before, failure }), lock: Some(lock), ..device })
    }

    fn open_marked(dir: &Path, key: DeviceKey, name: &str, mark: Option<&HighWater>) -> Result<Self, CliError> {
        let started = Instant::now();
        let storage = FileStorage::open(dir).map_err(|error| {
            let hint = "see that the directory may be read and written";
            CliError::because(Exit::Failed, format!("can't open {}", dir.display()), &error, hint)
        })?;
        let opened = Replica::open_marked(storage, key, name, mark, now_since(started));
        let (replica, notices) = opened.map_err(|error| failure::open(&error, dir))?;
        Ok(Self { held: Held::Own(Box::new(replica)), notices, started, keeper: None, lock: None })
    }

    /// Borrows the device that a `verso up` has open. Everything else there waits until it is closed or dropped, so nobody is asked and nothing long is
    /// printed meanwhile, but [`apart`](Self::apart) from it.
    pub(crate) fn borrow(host: &Host) -> Result<Self, CliError> {
        let held = Held::Lent(Some(host.lend()?), host.clone());
        Ok(Self { held, notices: host.notices(), started: Instant::now(), keeper: None, lock: None })
    }

    /// Does something that may take long, apart from the device: if that is borrowed, it is given back meanwhile, so it may have changed.
    pub(crate) fn apart<T>(&mut self, work: impl FnOnce() -> T) -> Result<T, CliError> {
        let Held::Lent(loan, host) = &mut self.held else { return Ok(work()) };
        if let Some(loan) = loan.take() {
            loan.give_back();
        }
        let done = work();
        *loan = Some(host.lend()?);
        Ok(done)
    }

    #[expect(clippy::expect_used, reason = "only `apart` gives it back, and nobody can ask for it from there")]
    pub(crate) fn replica(&self) -> &HostReplica<Graph> {
        match &self.held {
            Held::Own(replica) => replica,
            Held::Lent(loan, _) => loan.as_ref().expect("the replica is here unless it could not be borrowed again"),
        }
    }

    /// Whatever no method here is for.
    #[expect(clippy::expect_used, reason = "only `apart` gives it back, and nobody can ask for it from there")]
    pub(crate) fn replica_mut(&mut self) -> &mut HostReplica<Graph> {
        match &mut self.held {
            Held::Own(replica) => replica,
            Held::Lent(loan, _) => loan.as_mut().expect("the replica is here unless it could not be borrowed again"),
        }
    }

    /// What was noticed on opening.
    pub(crate) const fn notices(&self) -> &OpenNotices {
        &self.notices
    }

    /// Why it could not be looked up how far this device had written, if it could not.
    pub(crate) fn mark_failure(&self) -> Option<&str> {
        self.keeper.as_ref().and_then(|keeper| keeper.failure.as_deref())
    }

    /// The graph of a workspace that this device holds.
    pub(crate) fn graph(&self, workspace: &WorkspaceId) -> Result<&Graph, CliError> {
        self.replica().application(workspace).ok_or_else(|| {
            let why = "this device does not hold it";
            CliError::new(Exit::Failed, "can't read the workspace", why, "see `verso workspace list`")
        })
    }

    pub(crate) fn now(&self) -> Now {
        match &self.held {
            Held::Lent(Some(loan), _) => loan.now(),
            Held::Lent(None, _) | Held::Own(_) => now_since(self.started),
        }
    }

    /// Makes a workspace.
    pub(crate) fn found(&mut self, name: &str) -> Result<WorkspaceId, CliError> {
        let now = self.now();
        let founded = self.replica_mut().found_workspace(name, now);
        founded.map_err(|error| failure::commit(&error, "can't make the workspace"))
    }

    /// Does what the user wants, all of it or nothing.
    pub(crate) fn commit(
        &mut self,
        workspace: &WorkspaceId,
        intents: &[Intent],
        what: &str,
    ) -> Result<Committed, CliError> {
        let now = self.now();
        self.replica_mut().commit(workspace, intents, now).map_err(|error| failure::commit(&error, what))
    }

    /// Changes what other devices call this one.
    pub(crate) fn rename(&mut self, name: &str) -> Result<(), CliError> {
        let now = self.now();
        self.replica_mut().rename(name, now).map_err(|error| {
            let hint = "see that the disk has room and the data directory may be written";
            CliError::because(Exit::Failed, "can't rename the device", &error, hint)
        })
    }

    /// Takes a peer for trusted, though this device was restored.
    pub(crate) fn confirm(&mut self, peer: DeviceId) -> Result<(), CliError> {
        let now = self.now();
        self.replica_mut().confirm(peer, now).map_err(|error| {
            let hint = "see that the disk has room and the data directory may be written";
            CliError::because(Exit::Failed, "can't confirm the peer", &error, hint)
        })
    }

    /// Makes everything durable.
    pub(crate) fn flush(&mut self) -> Result<(), CliError> {
        let now = self.now();
        self.replica_mut().flush(now).map_err(|error| failure::flush(&error))
    }

    /// Makes everything durable and closes the files. Last, how far the device has written is kept apart from them. A device that was borrowed is given
    /// back.
    pub(crate) fn close(mut self) -> Result<(), CliError> {
        if matches!(self.held, Held::Lent(None, _)) {
            return Ok(());
        }
        self.flush()?;
        let mut replica = match self.held {
            Held::Own(replica) => replica,
            Held::Lent(loan, _) => {
                loan.into_iter().for_each(Loan::give_back);
                return Ok(());
            }
        };
        compact_if_due(&mut replica);
        let mark = replica.high_water().clone();
        let closed = replica.close().map_err(|error| failure::flush(&error));
        if let Some(Keeper { marks, key, before, .. }) = self.keeper
            && before.as_ref() != Some(&mark)
            && let Err(error) = keep_high_water(marks.as_ref(), &key, &mark)
        {
            // Nothing depends on it alone.
            tracing::warn!(target: "verso.sync", error = %crate::error::chain(&error), "the high-water mark is not kept");
        }
        drop(self.lock);
        closed
    }

    /// Tells a person what was noticed on opening.
    pub(crate) fn tell_notices(&self, output: &Output) {
        tell_notices(&self.notices, output);
        if let Some(failure) = self.mark_failure() {
            output.note(format_args!("How far this device had written could not be looked up: {failure}."));
        }
    }
}

/// Every command leaves a small file, so one in so many joins them: a step, which is some milliseconds. What goes wrong with it changes
/// nothing, and the next one tries again.
fn compact_if_due(replica: &mut HostReplica<Graph>) {
    let Some(workspace) = replica.compactions_due().next() else { return };
    let step = replica.begin_compaction(&workspace).and_then(|step| {
        let Some(step) = step else { return Ok(None) };
        replica.finish_compaction(step.run()?)
    });
    match step {
        Ok(report) => tracing::debug!(target: "verso.sync", %workspace, ?report, "compacted"),
        Err(error) => tracing::warn!(target: "verso.sync", %workspace, %error, "a journal was not compacted"),
    }
}

/// Tells a person what was noticed when a device was opened.
pub(crate) fn tell_notices(notices: &OpenNotices, output: &Output) {
    if notices.local_state_lost {
        output.note("This device's own state could not be read and was put aside: pair its peers again.");
    }
    if notices.rolled_back.is_some() {
        output.note("This data directory was put back to an earlier state. The device goes on as a new author; what it lacks comes back from its peers.");
        output.note("Whoever you have removed since may still be trusted in it. So its peers have to be confirmed first: by another device of yours that was in use since, or by `verso confirm`; `verso status` names them.");
    }
    for (workspace, report) in &notices.logs {
        let whose = if *workspace == WorkspaceId::CONTROL {
            "this device's control journal".to_owned()
        } else {
            format!("the journal of workspace {workspace}")
        };
        if let Some(torn) = &report.torn {
            output.note(format_args!(
                "The end of {whose} was cut off: {} bytes of a change that had never been completed.",
                torn.bytes
            ));
        }
        for corrupt in &report.damage {
            output.note(format_args!("In {whose}, {corrupt}."));
        }
        if report.loses_records() {
            output.note(format_args!("{whose} is damaged and can only be read."));
        }
    }
}
