//! [`Signing`]: the units of a batch that this device writes. Of a long batch they are made on a thread of their own, ahead of their being taken in.

use std::sync::mpsc;

use bytes::Bytes;
use verso_identity::{DeviceKey, WorkspaceId};
use verso_vv::{Author, Hlc};
use verso_wire::limits::MAX_UNIT_ENTRIES;
use verso_wire::{ChainHead, ChainedUnit, CompressionLevel, Drafts, UnitBuilder};

use crate::error::JournalError;

/// How many units may be finished and wait. One is enough: it is there when the one before has been taken in.
const AHEAD: usize = 1;

/// What the units of a batch are made with.
pub(super) struct Signing<'a, F> {
    pub(super) workspace: WorkspaceId,
    pub(super) key: &'a DeviceKey,
    pub(super) author: Author,
    /// Where the author's chain stands.
    pub(super) head: ChainHead,
    pub(super) drafts: &'a Drafts,
    /// Gives the clock of each entry, in their order.
    pub(super) stamp: F,
}

type Signed = Result<(ChainedUnit, Bytes), JournalError>;

impl<F: FnMut() -> Hlc + Send> Signing<'_, F> {
    /// Hands each unit and its bytes to `take`, in their order, until one of the two fails.
    ///
    /// Hashing and compressing take as long as what follows in the log and in the application. For one unit another thread is not worth its start.
    pub(super) fn each(
        self,
        mut take: impl FnMut(ChainedUnit, Bytes) -> Result<(), JournalError>,
    ) -> Result<(), JournalError> {
        let mut take = |signed: Signed| signed.and_then(|(unit, bytes)| take(unit, bytes));
        if self.drafts.len() <= MAX_UNIT_ENTRIES {
            return self.units().try_for_each(take);
        }
        std::thread::scope(|scope| {
            let (finished, units) = mpsc::sync_channel(AHEAD);
            scope.spawn(move || {
                // Whoever takes them has failed if it is gone.
                self.units().try_for_each(|unit| finished.send(unit).ok())
            });
            units.iter().try_for_each(&mut take)
        })
    }

    fn units(mut self) -> impl Iterator<Item = Signed> {
        let mut drafts = self.drafts.iter().peekable();
        std::iter::from_fn(move || {
            drafts.peek()?;
            let mut builder = UnitBuilder::new(self.workspace, self.author, None, self.head);
            while let Some((kind, payload)) = drafts.next_if(|(_, payload)| builder.fits(payload.len())) {
                if let Err(error) = builder.push(kind, (self.stamp)(), payload) {
                    return Some(Err(error.into()));
                }
            }
            self.head = builder.head();
            let unit = match builder.seal(self.key) {
                Ok(unit) => unit.into_chained(),
                Err(error) => return Some(Err(error.into())),
            };
            let bytes = Bytes::from(unit.encode(CompressionLevel::RECORD));
            Some(Ok((unit, bytes)))
        })
    }
}
