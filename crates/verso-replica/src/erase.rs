//! Of what everybody gave up only digests are left: in the log, which is rewritten for it, and in what is sent.

use std::collections::BTreeMap;

use verso_log::{RunId, Storage};
use verso_vv::{Author, Seq};

use crate::error::JournalError;
use crate::journal::Journal;
use crate::state::State;

/// Runs of entries, first and last, by the stored chain that they lie in.
pub(crate) type GivenUp = BTreeMap<Author, Vec<(Seq, Seq)>>;

impl<S: Storage, T: State> Journal<S, T> {
    /// Returns which stored entries were given up for good.
    pub(crate) fn given_up(&self) -> GivenUp {
        let mut stored = GivenUp::new();
        for author in self.view.state.given_up() {
            let admissions = self.view.state.admissions(&author);
            let spans = self.lineage.spans(&author);
            for (first, last) in admissions.given_up() {
                if spans.is_empty() {
                    stored.entry(author).or_default().push((*first, *last));
                }
                for span in spans {
                    let part = ((*first).max(span.first), (*last).min(span.last));
                    if part.0 <= part.1 {
                        stored.entry(span.stored).or_default().push(part);
                    }
                }
            }
        }
        stored
    }

    /// Finds a run of the log that still has the content of what was given up.
    pub(crate) fn find_content(&mut self) -> Result<Option<RunId>, JournalError> {
        let given_up = self.given_up();
        if given_up == self.erased {
            return Ok(None);
        }
        for (author, runs) in &given_up {
            let (Some((from, _)), Some((_, until))) = (runs.first(), runs.last()) else { continue };
            for run in self.log.runs(author, *from).take_while(|run| run.meta.first_seq <= *until) {
                let mut unit = verso_wire::SyncUnit::decode(&self.workspace, &self.log.read(run.id)?)?;
                if unit.give_up(runs) {
                    return Ok(Some(run.id));
                }
            }
        }
        self.erased = given_up;
        Ok(None)
    }

    /// Tells whether there may be something to erase, without reading the log.
    pub(crate) fn may_erase(&self) -> bool {
        self.given_up() != self.erased
    }
}
