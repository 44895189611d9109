//! Giving content up: of entries that nobody wants any more the digests stay, so that the chain remains whole and verifies.

use verso_vv::Seq;

use crate::entry::Content;
use crate::unit::{Rows, SyncUnit};

impl SyncUnit {
    /// Leaves of the application's entries in these runs (first and last, ascending) only their digests. Entries about membership stay as they are: who
    /// may write must be known of every chain. Returns whether anything was left out.
    pub fn give_up(&mut self, runs: &[(Seq, Seq)]) -> bool {
        let is_in = |seq: Seq| runs.iter().any(|(first, last)| *first <= seq && seq <= *last);
        let goes = |seq: Seq, content: &Content<'_>| match content {
            Content::Full { kind, .. } => !kind.is_membership() && is_in(seq),
            Content::Digest(_) => false,
        };
        if !self.entries().any(|entry| goes(entry.seq, &entry.content)) {
            return false;
        }
        let mut rows = Rows::default();
        for entry in self.entries() {
            let is_given_up = goes(entry.seq, &entry.content);
            rows.push(&if is_given_up { Content::Digest(entry.content.digest()) } else { entry.content });
        }
        self.rows = rows;
        true
    }
}
