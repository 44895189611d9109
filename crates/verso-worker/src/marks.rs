//! The high-water mark: read when the device opens, and kept now and then while it runs, where nothing waits for it.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::time::{MissedTickBehavior, interval, timeout};
use verso_identity::{DeviceKey, MarkError, MarkStore};
use verso_replica::{HighWater, HighWaterError};
use verso_wire::Application;

use crate::board::Board;
use crate::engine::{EngineHandle, chain};

/// How often the mark is renewed, if it changed. A directory that is put back to what it was within this time is noticed by peers alone.
const EVERY: Duration = Duration::from_secs(3);

/// How long the end of the worker waits for the last renewal: an end takes no longer because a keychain hangs.
const LAST: Duration = Duration::from_secs(1);

/// A high-water mark was not read or kept. The device works without.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum HighWaterKeepError {
    /// The store failed, or what it gave is no mark of this device.
    #[error(transparent)]
    Store(#[from] MarkError),
    /// A mark was written by a newer version, or by a defect.
    #[error(transparent)]
    Format(#[from] HighWaterError),
}

/// Reads the mark that was kept of a device; `None` if none was.
///
/// # Errors
/// [`HighWaterKeepError`]. That is no reason not to open the device.
pub fn read_high_water(store: &dyn MarkStore, key: &DeviceKey) -> Result<Option<HighWater>, HighWaterKeepError> {
    Ok(store.load_mark(key)?.map(|bytes| HighWater::decode(&bytes)).transpose()?)
}

/// Keeps the mark of a device, unless it says nothing yet.
///
/// # Errors
/// [`HighWaterKeepError`]; then the one before is kept.
pub fn keep_high_water(store: &dyn MarkStore, key: &DeviceKey, mark: &HighWater) -> Result<(), HighWaterKeepError> {
    if mark.is_empty() {
        return Ok(());
    }
    Ok(store.store_mark(key, &mark.encode()?)?)
}

/// Where the mark of the worker's device is kept, and what was last kept there.
#[derive(Debug)]
pub(crate) struct Keeper {
    store: Arc<dyn MarkStore>,
    key: DeviceKey,
    kept: Mutex<Option<HighWater>>,
}

impl Keeper {
    pub(crate) fn new(store: Arc<dyn MarkStore>, key: DeviceKey) -> Arc<Self> {
        Arc::new(Self { store, key, kept: Mutex::default() })
    }

    /// Reads the mark. What can't be read is told and is none.
    pub(crate) fn read(&self, board: &Board) -> Option<HighWater> {
        match read_high_water(self.store.as_ref(), &self.key) {
            Ok(mark) => {
                self.kept.lock().unwrap_or_else(PoisonError::into_inner).clone_from(&mark);
                mark
            }
            Err(error) => {
                report(board, &error);
                None
            }
        }
    }

    /// Keeps a mark, unless it is the one that is kept. Blocks for as long as the store does.
    fn keep(&self, mark: HighWater, board: &Board) {
        // One at a time; who comes later has the later mark.
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.as_ref() == Some(&mark) {
            return;
        }
        match keep_high_water(self.store.as_ref(), &self.key, &mark) {
            Ok(()) => {
                *kept = Some(mark);
                board.note_mark(None);
            }
            Err(error) => report(board, &error),
        }
    }

    /// Keeps the last mark before the worker ends, if the store is quick enough.
    pub(crate) async fn keep_last(self: Arc<Self>, mark: HighWater, board: Arc<Board>) {
        let keeping = tokio::task::spawn_blocking(move || self.keep(mark, &board));
        if timeout(LAST, keeping).await.is_err() {
            tracing::warn!(target: "verso.sync", "the key store is slow: the last high-water mark may not be kept");
        }
    }
}

/// Renews the mark until the engine ends.
pub(crate) async fn keep_marks<A: Application>(engine: EngineHandle<A>, keeper: Arc<Keeper>, board: Arc<Board>) {
    let mut interval = interval(EVERY);
    interval.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        interval.tick().await;
        let Some(mark) = engine.with(|replica, _now| replica.high_water().clone()).await else { return };
        let (keeper, board) = (Arc::clone(&keeper), Arc::clone(&board));
        // A panic of the store ends no more than this renewal.
        drop(tokio::task::spawn_blocking(move || keeper.keep(mark, &board)).await);
    }
}

fn report(board: &Board, error: &HighWaterKeepError) {
    let what = chain(error);
    tracing::warn!(target: "verso.sync", error = %what, "the high-water mark is not kept");
    board.note_mark(Some(what));
}
