//! [`Upkeep`]: checkpoints and compaction, on threads of their own while the engine goes on.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use verso_identity::WorkspaceId;
use verso_log::FileStorage;
use verso_replica::{Checkpoint, Compacted, JournalError, Moment};
use verso_wire::Application;

use crate::engine::{HostReplica, chain};

/// How often it is looked whether checkpoints are due. A crash in between costs a longer replay and nothing else; what is recorded in one
/// go, such as an import, is not slowed down by copies that the next one replaces.
const CHECKPOINTS: Duration = Duration::from_secs(10);

/// How often it is looked whether compaction is due. What is not yet compacted costs some disk and a slower start, nothing else.
const COMPACTION: Duration = Duration::from_secs(10);

/// How long a log is left alone that could not be compacted: its disk is full, say, and a step writes as much again before it frees anything.
const REST: Duration = Duration::from_mins(10);

/// What is done for the files now and then, by one thread for checkpoints and one for compaction. The engine waits for neither: what they made is
/// put in place by the next [`look`](Self::look), which takes a sync or two. What goes wrong is logged and changes nothing.
#[derive(Debug)]
pub(crate) struct Upkeep {
    /// When it was last looked whether checkpoints are due.
    checkpoints_at: Instant,
    checkpoints: Option<JoinHandle<()>>,
    /// When it was last looked whether compaction is due. `None` if it is to be looked now: at the start, and after each step.
    compaction_at: Option<Instant>,
    compaction: Option<Step>,
    /// The logs that could not be compacted, and when.
    resting: BTreeMap<WorkspaceId, Instant>,
}

/// A step of compaction on its thread.
#[derive(Debug)]
struct Step {
    workspace: WorkspaceId,
    stop: Arc<AtomicBool>,
    thread: JoinHandle<Result<Compacted<FileStorage>, JournalError>>,
}

impl Upkeep {
    pub(crate) const fn new(now: Instant) -> Self {
        Self { checkpoints_at: now, checkpoints: None, compaction_at: None, compaction: None, resting: BTreeMap::new() }
    }

    /// Takes in what a thread has finished, and starts what is due.
    pub(crate) fn look<A: Application>(&mut self, replica: &mut HostReplica<A>, now: Instant) {
        self.write_checkpoints(replica, now);
        if self.compaction.as_ref().is_some_and(|step| step.thread.is_finished()) {
            self.finish_compaction(replica, now);
        }
        if self.compaction.is_none() {
            self.begin_compaction(replica, now);
        }
    }

    /// Ends before the files are closed, which others may write to then. Compaction that is not done is given up: it might take seconds.
    pub(crate) fn end<A: Application>(mut self, replica: &mut HostReplica<A>, now: Instant) {
        if let Some(step) = &self.compaction {
            step.stop.store(true, Ordering::Relaxed);
        }
        self.finish_compaction(replica, now);
        if let Some(thread) = self.checkpoints {
            drop(thread.join());
        }
    }

    fn write_checkpoints<A: Application>(&mut self, replica: &mut HostReplica<A>, now: Instant) {
        let is_busy = self.checkpoints.as_ref().is_some_and(|thread| !thread.is_finished());
        if is_busy || now.saturating_duration_since(self.checkpoints_at) < CHECKPOINTS {
            return;
        }
        self.checkpoints_at = now;
        let due = replica.checkpoints_due(Moment::Running);
        if !due.is_empty() {
            let write = move || due.into_iter().for_each(Checkpoint::store_or_tell);
            let spawned = thread::Builder::new().name("verso-checkpoint".into()).spawn(write);
            self.checkpoints = spawned
                .inspect_err(|error| tracing::warn!(target: "verso.sync", %error, "no checkpoint was written"))
                .ok();
        }
    }

    fn begin_compaction<A: Application>(&mut self, replica: &mut HostReplica<A>, now: Instant) {
        if self.compaction_at.is_some_and(|looked| now.saturating_duration_since(looked) < COMPACTION) {
            return;
        }
        self.compaction_at = Some(now);
        self.resting.retain(|_, since| now.saturating_duration_since(*since) < REST);
        let due = replica.compactions_due().find(|workspace| !self.resting.contains_key(workspace));
        let Some(workspace) = due else { return };
        match start(replica, workspace) {
            Ok(step) => self.compaction = step,
            Err(error) => self.rest(workspace, &error, now),
        }
    }

    fn finish_compaction<A: Application>(&mut self, replica: &mut HostReplica<A>, now: Instant) {
        let Some(Step { workspace, stop, thread }) = self.compaction.take() else { return };
        let Ok(run) = thread.join() else {
            tracing::error!(target: "verso.sync", %workspace, "compaction ended by a defect of the program");
            self.resting.insert(workspace, now);
            return;
        };
        match run.and_then(|done| replica.finish_compaction(done)) {
            Ok(report) => {
                tracing::debug!(target: "verso.sync", %workspace, ?report, "compacted");
                // There may be more of it.
                self.compaction_at = None;
            }
            Err(_stopped) if stop.load(Ordering::Relaxed) => {}
            Err(error) => self.rest(workspace, &error, now),
        }
    }

    fn rest(&mut self, workspace: WorkspaceId, error: &JournalError, now: Instant) {
        tracing::warn!(target: "verso.sync", %workspace, error = %chain(error), "a journal was not compacted");
        self.resting.insert(workspace, now);
    }
}

/// Starts a step of compaction; `None` if there is nothing to gain.
fn start<A: Application>(replica: &mut HostReplica<A>, workspace: WorkspaceId) -> Result<Option<Step>, JournalError> {
    let Some(compaction) = replica.begin_compaction(&workspace)? else { return Ok(None) };
    let stop = Arc::new(AtomicBool::new(false));
    let stopped = Arc::clone(&stop);
    let run = move || compaction.run_while(|| !stopped.load(Ordering::Relaxed));
    let thread = thread::Builder::new().name("verso-compaction".into()).spawn(run)?;
    Ok(Some(Step { workspace, stop, thread }))
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use verso_graph::{Graph, Intent};
    use verso_identity::DeviceKey;
    use verso_replica::Replica;

    use super::*;
    use crate::engine::now_since;

    fn open(directory: &Path, key: &DeviceKey) -> HostReplica<Graph> {
        let storage = FileStorage::open(directory).unwrap();
        let key = DeviceKey::from_secret(&key.to_secret());
        Replica::open(storage, key, "laptop", now_since(Instant::now())).unwrap().0
    }

    /// A device with two workspaces, whose logs lie in more files than are left alone.
    fn loose(directory: &Path) -> (HostReplica<Graph>, [WorkspaceId; 2]) {
        let (key, now) = (DeviceKey::generate().unwrap(), now_since(Instant::now()));
        let mut replica = open(directory, &key);
        let workspaces = ["Reading", "Recipes"].map(|name| replica.found_workspace(name, now).unwrap());
        for _ in 0..20 {
            replica.close().unwrap();
            replica = open(directory, &key);
            for workspace in &workspaces {
                let node = Intent::AddNode { url: "https://example.org/".into(), title: "one".into() };
                replica.commit(workspace, &[node], now).unwrap();
            }
            replica.flush(now).unwrap();
        }
        (replica, workspaces)
    }

    fn segments(replica: &HostReplica<Graph>, workspaces: [WorkspaceId; 2]) -> [u64; 2] {
        workspaces.map(|workspace| replica.log_stats(&workspace).unwrap().segments)
    }

    /// Looks until nothing is at hand.
    fn finish(upkeep: &mut Upkeep, replica: &mut HostReplica<Graph>, now: Instant) {
        upkeep.look(replica, now);
        while upkeep.compaction.is_some() {
            thread::yield_now();
            upkeep.look(replica, now);
        }
    }

    #[test]
    fn a_step_that_is_under_way_at_the_end_is_given_up() {
        let directory = tempfile::tempdir().unwrap();
        let (mut replica, workspaces) = loose(directory.path());
        let before = segments(&replica, workspaces);
        let compaction = replica.begin_compaction(&workspaces[0]).unwrap().unwrap();
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        // It is at its first run for as long as nobody stops it.
        let endless = move || {
            compaction.run_while(|| {
                while !stopped.load(Ordering::Relaxed) {
                    thread::yield_now();
                }
                false
            })
        };
        let mut upkeep = Upkeep::new(Instant::now());
        upkeep.compaction = Some(Step { workspace: workspaces[0], stop, thread: thread::spawn(endless) });
        upkeep.end(&mut replica, Instant::now());
        assert_eq!(segments(&replica, workspaces), before);
        finish(&mut Upkeep::new(Instant::now()), &mut replica, Instant::now());
        assert_eq!(segments(&replica, workspaces), [2, 2], "the next worker does it, one log after the other");
    }

    #[test]
    fn a_step_that_is_done_at_the_end_is_put_in_place() {
        let directory = tempfile::tempdir().unwrap();
        let (mut replica, workspaces) = loose(directory.path());
        let mut upkeep = Upkeep::new(Instant::now());
        upkeep.look(&mut replica, Instant::now());
        let step = upkeep.compaction.as_ref().unwrap();
        while !step.thread.is_finished() {
            thread::yield_now();
        }
        upkeep.end(&mut replica, Instant::now());
        let mut after = segments(&replica, workspaces);
        after.sort_unstable();
        assert_eq!(after, [2, 21], "the joined one and the one that is written to");
    }

    #[test]
    fn a_log_that_can_t_be_compacted_rests_and_the_others_do_not_wait_for_it() {
        let directory = tempfile::tempdir().unwrap();
        let (mut replica, workspaces) = loose(directory.path());
        let start = Instant::now();
        let mut upkeep = Upkeep::new(start);
        let first = replica.compactions_due().next().unwrap();
        upkeep.rest(first, &JournalError::Missing, start);
        finish(&mut upkeep, &mut replica, start);
        let expected = workspaces.map(|workspace| if workspace == first { 21 } else { 2 });
        assert_eq!(segments(&replica, workspaces), expected);
        finish(&mut upkeep, &mut replica, start + REST);
        assert_eq!(segments(&replica, workspaces), [2, 2], "after a while it is tried again");
    }
}
